"""Ray's own processes die: a worker, a node, the whole of Ray underneath. The numbers stay."""

import os
import signal
import subprocess
import sys

import pytest

from orchestrator.results.store import Store
from orchestrator.run import main
from tests.helpers.numbers_of import numbers
from tests.helpers.processes import descendants, gone
from tests.helpers.waiting import HANGS, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("losses")]

GRID = """\
blocks:
  - {dataset: imagefolder, norm: bn,            batch_size: 4, epochs: 30, seeds: 3}
  - {dataset: imagefolder, norm: gn, groups: 4, batch_size: 4, epochs: 30, seeds: 3}
"""


@pytest.fixture(scope="module")
def command(tmp_path_factory, images):
    grid = tmp_path_factory.mktemp("grid") / "tiny.yaml"
    grid.write_text(GRID)
    return ["--grid", str(grid), "--data-dir", str(images), "--pack", "3"]


@pytest.fixture(scope="module")
def undisturbed(command, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    assert main([*command, "--executor", "inline", "--results", str(folder)]) == 0
    return numbers(folder)


class Run:
    """The command line in a process of its own."""

    def __init__(self, arguments, folder):
        self.folder = folder
        self.log = open(folder.parent / f"{folder.name}.log", "a+")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "orchestrator.run", *arguments, "--results", str(folder)],
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def output(self):
        self.log.seek(0)
        return self.log.read()

    def wait_for(self, condition, seconds=HANGS):
        """The store's states once they satisfy `condition`."""

        def there():
            assert self.process.poll() is None, self.output()
            states = Store(str(self.folder)).scan()
            return states if condition(states) else None

        return until(there, seconds, "the sweep got there", explain=self.output)


def begun(state):
    return state.status == "partial" and max(state.epochs) >= 3 and state.history is not None


def under_way(states):
    return any(map(begun, states.values()))


def test_a_worker_killed(command, undisturbed, tmp_path):
    run = Run(command, tmp_path / "out")
    states = run.wait_for(under_way)
    worker = next(s.history["epochs"][-1]["worker"] for s in states.values() if begun(s))
    os.kill(int(worker.rpartition("/")[2]), signal.SIGKILL)
    assert run.process.wait(HANGS) == 0, run.output()
    assert "retrying" in run.output()
    assert "Traceback" not in run.output()
    assert numbers(run.folder) == undisturbed


def test_sigterm_leaves_nothing_behind(command, undisturbed, tmp_path):
    run = Run(command, tmp_path / "out")
    run.wait_for(under_way)
    family = descendants(run.process.pid)
    assert any("raylet" in line for line in family.values())
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(HANGS) == 143, run.output()
    assert "Interrupted" in run.output()
    assert (run.folder / "report.html").exists()
    assert gone(family), "no stray process"
    assert main([*command, "--executor", "inline", "--results", str(run.folder)]) == 0
    assert numbers(run.folder) == undisturbed


def test_the_second_signal_stops_at_once(command, undisturbed, tmp_path):
    run = Run(command, tmp_path / "out")
    run.wait_for(under_way)
    family = descendants(run.process.pid)
    run.process.send_signal(signal.SIGINT)
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(60) == 143, run.output()
    assert gone(family), "no stray process"
    assert main([*command, "--executor", "inline", "--results", str(run.folder)]) == 0
    assert numbers(run.folder) == undisturbed


def test_ray_stopped_underneath(command, undisturbed, tmp_path):
    run = Run(command, tmp_path / "out")
    run.wait_for(under_way)
    for pid, line in descendants(run.process.pid).items():  # what `ray stop` does, to this run's Ray alone
        if "raylet" in line or "gcs_server" in line:
            os.kill(pid, signal.SIGTERM)
    code = run.process.wait(HANGS)
    assert code != 0, "never finished when it is not"
    assert "done      bn" not in run.output() or "done      gn" not in run.output()
    assert main([*command, "--executor", "inline", "--results", str(run.folder)]) == 0
    assert numbers(run.folder) == undisturbed


def test_a_node_lost_and_another_come(command, undisturbed, tmp_path):
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        lost = cluster.add_node(num_cpus=1)
        run = Run([*command, "--address", cluster.address], tmp_path / "out")
        run.wait_for(under_way)
        cluster.remove_node(lost, allow_graceful=False)
        cluster.add_node(num_cpus=1)
        assert run.process.wait(HANGS) == 0, run.output()
        assert numbers(run.folder) == undisturbed
    finally:
        cluster.shutdown()


FAMILY = """\
blocks:
  - {dataset: imagefolder, norm: gn, groups: 4, batch_size: 2, epochs: 12, seeds: 3, from: {norm: bn, batch_size: 4}}
"""


def test_trials_that_start_from_others(images, tmp_path):
    """The parents' worker is killed while another waits for them, and takes over; then the driver is."""
    grid = tmp_path / "family.yaml"
    grid.write_text(FAMILY)
    command = ["--grid", str(grid), "--data-dir", str(images), "--pack", "3"]
    assert main([*command, "--executor", "inline", "--results", str(tmp_path / "inline")]) == 0
    run = Run(command, tmp_path / "out")

    def parents(states):
        return [state for trial_id, state in states.items() if "-bn-b4-" in trial_id]

    states = run.wait_for(lambda states: any(map(begun, parents(states))))
    assert not any(state.epochs for trial_id, state in states.items() if "-gn4-b2-" in trial_id)
    worker = next(s.history["epochs"][-1]["worker"] for s in parents(states) if begun(s))
    os.kill(int(worker.rpartition("/")[2]), signal.SIGKILL)
    states = run.wait_for(lambda states: any(begun(s) for i, s in states.items() if "-gn4-b2-" in i))
    assert all(state.finished for state in parents(states))
    assert "retrying" in run.output()
    run.process.send_signal(signal.SIGKILL)
    run.process.wait()
    assert main([*command, "--results", str(tmp_path / "out")]) == 0
    assert numbers(tmp_path / "out") == numbers(tmp_path / "inline")
    assert len(numbers(tmp_path / "out")) == 6
