"""Tasks as lm-eval builds them, and the public data for tests."""

from pathlib import Path

import pytest

from bias_inherit.score import tasks_folder

PUBLIC_DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


@pytest.fixture
def load_task():
    """Return name -> lm-eval's own task object, on the data that `data` names."""
    from lm_eval.tasks import TaskManager

    def load(name, data="mini"):
        manager = TaskManager(
            include_path=str(tasks_folder()), include_defaults=False, metadata={"data": data}
        )
        full_name = f"bias_inherit_{name}"
        return manager.load([full_name])["tasks"][full_name]

    return load


@pytest.fixture
def public_data():
    """Return the folder of public data for tests; the project ships none of it."""
    if not PUBLIC_DATA.is_dir():
        pytest.skip(f"public data for tests is not at {PUBLIC_DATA}")
    return PUBLIC_DATA
