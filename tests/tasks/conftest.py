"""Tasks as lm-eval builds them."""

import pytest

from bias_inherit.harness.loading import tasks_folder


@pytest.fixture
def load_task():
    """Return name -> lm-eval's own task object, on the data that `data` names, in a form."""
    from lm_eval.tasks import TaskManager

    def load(name, data="mini", form=1):
        manager = TaskManager(
            include_path=str(tasks_folder()),
            include_defaults=False,
            metadata={"data": str(data), "form": form},
        )
        full_name = f"bias_inherit_{name}"
        full_name = full_name if full_name in manager.all_subtasks else name
        return manager.load([full_name])["tasks"][full_name]

    return load
