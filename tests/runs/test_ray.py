"""A sweep on a real Ray cluster of two nodes, all on the loopback."""

from __future__ import annotations

import os
import time

import pytest

from bias_inherit.errors import InputError
from bias_inherit.runs import ray_executor
from bias_inherit.runs.ray_executor import RayExecutor
from bias_inherit.runs.sweep import sweep
from tests.runs.conftest import Here, Quiet, small

pytestmark = pytest.mark.slow

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = (
    "0"  # an address of this machine is the loopback's
)
NODE = {
    "num_cpus": 1,
    "node_ip_address": "127.0.0.1",
    "object_store_memory": 100 * 2**20,
    "include_dashboard": False,
}


@pytest.fixture
def cluster():
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args=NODE)
    yield made
    made.shutdown()


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The report of a sweep on this machine."""
    out = tmp_path_factory.mktemp("alone") / "run"
    sweep(GRID, out, lambda base, jobs: Here(), Quiet())
    return report(out)


GRID = small(grid__seeds=[0, 1])


def report(out):
    return {path.name: path.read_bytes() for path in sorted((out / "report").iterdir())}


class LosingANode(RayExecutor):
    """Loses one of its two nodes as soon as both work."""

    def __init__(self, cluster, node, *more):
        super().__init__(cluster.address, *more)
        self.cluster, self.node, self.lost = cluster, node, []

    def wait(self):
        if self.node is not None and len(self._running) == 2:
            time.sleep(2)
            self.cluster.remove_node(self.node)
            self.node = None
        done = super().wait()
        self.lost += [one.job.name for one in done if one.outcome is None]
        return done


def test_a_node_that_is_lost_costs_its_arm_alone(cluster, alone, tmp_path):
    node = cluster.add_node(**{k: v for k, v in NODE.items() if k != "include_dashboard"})
    made = []

    def begin(base, jobs):
        made.append(LosingANode(cluster, node, jobs, 2, None))
        return made[0]

    result = sweep(GRID, tmp_path / "run", begin, Quiet())
    assert not result.failed and made[0].slots == 1 and len(made[0].lost) == 1
    assert report(tmp_path / "run") == alone


def test_a_machine_that_does_not_see_the_folder_gets_what_it_needs(
    cluster, alone, tmp_path, monkeypatch
):
    monkeypatch.setattr(ray_executor, "MARK", ".not-what-an-actor-looks-for")

    def begin(base, jobs):
        return RayExecutor(cluster.address, jobs, None, None)

    marks = set()

    class Seeing(Quiet):
        def tick(self, running):
            marks.update(tmp_path.glob("run/arms/*/running"))

    result = sweep(GRID, tmp_path / "run", begin, Seeing())
    assert not result.failed and report(tmp_path / "run") == alone
    assert (tmp_path / "run" / "arms" / "base" / "log.txt").is_file()
    assert marks, "so that `status` tells what other machines are at"
    assert not list(tmp_path.glob("run/arms/*/running"))


def test_what_a_cluster_has_not_is_said(cluster):
    with pytest.raises(InputError, match=r"has 0 GPUs and 1 CPUs: no worker of 0\.5 GPUs fits"):
        RayExecutor(cluster.address, 3, None, 0.5)


def test_an_address_that_does_not_answer_is_one_line(tmp_path):
    pytest.importorskip("ray", reason="the extra `ray` is not installed")

    def begin(base, jobs):
        return RayExecutor("127.0.0.1:1", jobs, None, None)

    with pytest.raises(InputError, match=r"no Ray cluster answers at '127\.0\.0\.1:1'") as caught:
        sweep(GRID, tmp_path / "run", begin, Quiet())
    assert "\n" not in str(caught.value)
