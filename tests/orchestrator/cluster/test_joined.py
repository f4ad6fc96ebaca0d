"""A run waits for a first machine to time packs on: no longer than it may, and not past Ctrl-C."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager

import pytest
import yaml

from model.errors import InputError
from orchestrator.cluster import joined
from orchestrator.cluster.joined import Joined, Patience
from orchestrator.planning.options import Options
from orchestrator.planning.resources import MachineGroup, Node, Resources, Site
from tests.helpers.tiny import GRID
from tests.helpers.waiting import until

NONE_UP = Site(Resources(1.0, 1.0, "cuda"), (MachineGroup(2, 1, 1.0, 4.0),))
UP = Site(NONE_UP.resources, NONE_UP.fleet, (Node("n", "name", 4.0, 1.0),))


@pytest.fixture
def cluster(monkeypatch):
    """None up at first; `said`: what happens, `looks`: what is there when it is looked at again, `why`: what
    the wait gives."""
    session = pytest.importorskip("orchestrator.cluster.session")
    from orchestrator.cluster import preflight

    class Cluster:
        said, looks, why, trouble = [], UP, "", ""

        @contextmanager
        def joined(self, options):
            self.said.append("joined")
            yield NONE_UP

        def bring(self, site, patience, warn):
            assert site == NONE_UP
            self.said.append("waited")
            return self.why

        def check_nodes(self, site, *_, **__):
            if site.nodes and self.trouble:
                raise InputError(self.trouble)
            self.said.append(f"asked {len(site.nodes)}")
            return "vetted"

    it = Cluster()
    it.said = []
    monkeypatch.setattr(session, "joined", it.joined)
    monkeypatch.setattr(session, "look", lambda options: it.looks)
    monkeypatch.setattr(preflight, "check_nodes", it.check_nodes)
    monkeypatch.setattr(joined, "bring", it.bring)
    return it


def patience(said):
    return Patience(said.append, lambda: False)


def join(*, dry=False):
    return Joined(Options("somewhere", address="x"), {}, ExitStack(), (), print, dry=dry)


def test_a_machine_that_came_is_asked_before_it_trains_and_the_rounds_after_know_it(cluster):
    one, said = join(), []
    assert one() == (NONE_UP, "vetted")
    assert one.machine(patience(said)) == ""
    assert said == ["Waiting for a machine with a GPU, to time packs on it"]
    assert one() == (UP, "vetted")
    assert one.machine(patience(said)) == ""
    assert cluster.said == ["joined", "asked 0", "waited", "asked 1"]


def test_where_none_came_it_is_not_waited_for_again(cluster):
    cluster.why = "no machine with a GPU came within 10 minutes"
    one = join()
    assert [one.machine(patience([])) for _ in range(2)] == [cluster.why] * 2
    assert one() == (NONE_UP, "vetted")
    assert cluster.said.count("waited") == 1


def test_one_that_came_and_went_is_none(cluster):
    cluster.looks = NONE_UP
    assert join().machine(patience([])) == "the machine that had come is gone"


def test_one_that_cannot_take_part_ends_nothing(cluster):
    """Another may come, and each is asked by its first pack."""
    cluster.trouble = "node name gave no answer within 60 s"
    one = join()
    assert one.machine(patience([])) == f"the machine that came cannot take part ({cluster.trouble})"
    assert one() == (NONE_UP, "vetted")


def test_a_dry_run_waits_for_none(cluster):
    one = join(dry=True)
    assert one() == (NONE_UP, None)
    assert one.machine(None) == "no machine with a GPU is up, and a run waits for one before it plans"
    assert cluster.said == ["joined"]


@pytest.fixture
def never(ray_address, images, tmp_path):
    """Starts a run on a Ray whose autoscaler, as a file on the head says, may bring GPUs, and never does."""
    kind = {"resources": {"CPU": 4, "GPU": 1}, "node_config": {}, "max_workers": 1}
    types = {"head": {"resources": {"CPU": 2}, "node_config": {}}, "gpu": kind}
    config = {"max_workers": 1, "available_node_types": types, "head_node_type": "head"}
    (tmp_path / "ray_bootstrap_config.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "tiny.yaml").write_text(GRID)
    command = [sys.executable, "-m", "orchestrator.run", "--grid", str(tmp_path / "tiny.yaml")]
    command += ["--data-dir", str(images), "--address", ray_address, "--results", str(tmp_path / "out")]
    running = []

    def start(**environment):
        with (tmp_path / "log").open("wb") as log:
            own = {**os.environ, "HOME": str(tmp_path), **environment}
            running.append(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=own))
        return running[0], (tmp_path / "log").read_text

    yield start
    for process in running:
        process.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_an_interrupt_ends_the_wait_and_leaves_nothing(never, tmp_path):
    process, log = never()
    until(lambda: "Waiting for a machine with a GPU" in log(), what="it waits", explain=log)
    process.send_signal(signal.SIGINT)
    until(lambda: process.poll() is not None, what="it ends", explain=log)
    assert process.returncode == 130, log()
    assert "Interrupted while it was planned: nothing was begun" in log()
    assert "Traceback" not in log()
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_a_machine_that_does_not_come_ends_the_wait(never):
    process, log = never(NORMSWEEP_MACHINE_PATIENCE="2")
    said = "1 pack on each GPU: no machine with a GPU came within 2 seconds; --packs-per-gpu says how many"
    until(lambda: said in log(), what="the plan goes on", explain=log)
    process.send_signal(signal.SIGINT)
    until(lambda: process.poll() is not None, what="it ends", explain=log)
    assert process.returncode == 130, log()
