"""On nodes of a Ray, packs are left within an epoch: when the sweep is stopped, and when a machine is to be taken
away. The numbers stay."""

import os
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from orchestrator.results.store import Store
from orchestrator.run import main
from tests.helpers.metadata import metadata
from tests.helpers.numbers_of import numbers
from tests.helpers.tiny import make_images
from tests.helpers.waiting import HANGS, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("nodes")]

#: Epochs of some two hundred steps.
GRID = """\
blocks:
  - {dataset: imagefolder, norm: bn,            batch_size: 2, epochs: 3, seeds: 2}
  - {dataset: imagefolder, norm: gn, groups: 4, batch_size: 2, epochs: 3, seeds: 2}
"""
#: Loaded by every Python process of the nodes: an epoch of a second is a long one there.
SOON = """\
import sys
class Shorten:
    def find_spec(self, name, path=None, target=None):
        if name == "orchestrator.execution.trainable":
            import orchestrator.execution.watch as watch
            watch._LOOK, watch._LONG, watch.MOMENT = 0.1, 0.0, -1.0
sys.meta_path.insert(0, Shorten())
"""


@pytest.fixture
def command(tmp_path):
    grid = tmp_path / "tiny.yaml"
    grid.write_text(GRID)
    images = make_images(tmp_path / "images", train=200)
    return ["--grid", str(grid), "--data-dir", str(images), "--pack", "2"]


@pytest.fixture
def cluster(tmp_path):
    from ray.cluster_utils import Cluster

    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SOON)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield cluster
    cluster.shutdown()


class Run:
    """The command line in a process of its own."""

    def __init__(self, command, out, cluster):
        self.log, where = out.parent / "log", ["--results", str(out), "--address", cluster.address]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "orchestrator.run", *command, *where],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def until(self, condition, what):
        def there():
            found = condition()
            assert found or self.process.poll() is None, self.said()
            return found

        until(there, what=what, explain=self.said)

    def ended(self):
        return self.process.wait(HANGS)

    def said(self):
        return self.log.read_text()


def add_node(cluster, tmp_path, service):
    path = os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])
    return cluster.add_node(
        num_cpus=1, env_vars={"PYTHONPATH": path, "AWS_EC2_METADATA_SERVICE_ENDPOINT": service.url}
    )


def test_a_sweep_is_stopped_and_then_a_machine_goes(cluster, command, tmp_path):
    out = tmp_path / "out"
    with metadata() as doomed, metadata() as sound:
        node = add_node(cluster, tmp_path, doomed)
        with Run(command, out, cluster) as run:
            run.until(lambda: list(out.glob("trials/*/checkpoint-00001.pt")), "an epoch has ended")
            run.process.send_signal(signal.SIGTERM)
            assert run.ended() == 143, run.said()
        assert "left within epoch 2, after " in run.said()
        assert any(state.within for state in Store(str(out)).scan().values())

        with Run(command, out, cluster) as run:
            run.until(lambda: list(out.glob("trials/*/checkpoint-00002.pt")), "it goes on")
            doomed.notice = {"action": "terminate", "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
            run.until(lambda: "left out: node" in run.said(), "the machine is left out")
            add_node(cluster, tmp_path, sound)
            cluster.remove_node(node, allow_graceful=False)
            assert run.ended() == 0, run.said()
        assert f"left out: node {socket.gethostname()}: it will terminate at " in run.said()
    states = Store(str(out)).scan()
    assert all(state.finished for state in states.values())
    assert not any(state.failure for state in states.values())
    assert not list(out.glob("trials/*/midepoch-*.pt"))
    assert main([*command, "--executor", "inline", "--results", str(tmp_path / "inline")]) == 0
    assert numbers(out) == numbers(tmp_path / "inline")
