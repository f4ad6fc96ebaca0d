"""A driver that was suspended while another took its folder over: it stops, and changes nothing there."""

import os
import signal
import subprocess
import sys

import pytest

from analysis.sources.load import load_sweep
from orchestrator.results import lock as locks
from orchestrator.results.files import Files
from orchestrator.results.hold import NAME
from orchestrator.run import main
from orchestrator.status import status
from tests.helpers.numbers_of import numbers
from tests.helpers.waiting import HANGS

#: A run as from a host of that name, whose processes cannot be seen from another, with a short lease.
ELSEWHERE = """
import sys
from orchestrator.results import lock
lock.BEAT, lock._WATCH, lock._FRESH = 0.2, 1.0, 0.5
lock._machine = lambda: sys.argv[1]
from orchestrator.execution import inline
from model.training.training import Training
if sys.argv[1] == "suspended":
    import os, signal
    real, done = Training.run_epoch, []
    def run_epoch(self):
        metrics = real(self)
        if self.data.info.name != "noise":
            done.append(1)
            if len(done) == 3:
                os.kill(os.getpid(), signal.SIGSTOP)
        return metrics
    Training.run_epoch = run_epoch
from orchestrator.run import main
sys.exit(main(sys.argv[2:]))
"""


def contents(folder):
    """Every file with what is in it, but for the log that a test keeps there."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def elsewhere(monkeypatch):
    """What runs inside is of another host, and finds the lease of this one's run over."""

    def run(arguments):
        with monkeypatch.context() as patch:
            patch.setattr(locks, "_machine", lambda: "another host")
            patch.setattr(locks, "_FRESH", 0.0)
            patch.setattr(locks, "_WATCH", 0.01)
            return main(arguments)

    return run


@pytest.mark.parametrize(
    "moment", [3, pytest.param(8, marks=pytest.mark.slow)], ids=["in the middle", "at the last epoch"]
)
def test_another_run_finished_meanwhile(command, undisturbed, tmp_path, at_epoch, elsewhere, capsys, moment):
    arguments, seen = [*command, "--results", str(tmp_path)], {}

    def suspended():
        assert elsewhere(arguments) == 0
        seen.update(contents(tmp_path))

    at_epoch(moment, suspended)
    capsys.readouterr()
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert "another run took it over" in captured.err
    assert captured.err.count("\n") == 1
    assert "run again" not in captured.out.lower()
    assert contents(tmp_path) == seen, "nothing was written, and nothing removed"
    assert numbers(tmp_path) == undisturbed


def test_another_run_still_trains(command, tmp_path, at_epoch, capsys):
    """The note is another's; who that is, is said."""
    note = {"token": "theirs", "host": "elsewhere", "pid": 7, "started": "2026-01-01", "command": "theirs"}
    seen = {}

    def suspended():
        Files(str(tmp_path)).write_json(NAME, note)
        seen.update(contents(tmp_path))

    at_epoch(3, suspended)
    assert main([*command, "--results", str(tmp_path)]) == 1
    assert "was taken over by process 7 on elsewhere" in capsys.readouterr().err
    assert contents(tmp_path) == seen


@pytest.mark.slow
def test_stopped_and_continued(command, undisturbed, tmp_path):
    """SIGSTOP for longer than the lease; another host takes over, finishes and leaves; SIGCONT."""
    arguments = [*command, "--results", str(tmp_path / "out")]

    def start(name):
        return subprocess.Popen(
            [sys.executable, "-c", ELSEWHERE, name, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    first = start("suspended")
    try:
        _, status = os.waitpid(first.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), "it stops itself in its third epoch"
        second = start("another")
        assert second.wait(HANGS) == 0, second.stderr.read()
        seen = contents(tmp_path)
        first.send_signal(signal.SIGCONT)
        out, err = first.communicate(timeout=HANGS)
    finally:
        first.kill()
    assert first.returncode == 1
    assert "another run took it over" in err
    assert "Traceback" not in out + err
    assert contents(tmp_path) == seen
    assert numbers(tmp_path / "out") == undisturbed


@pytest.mark.parametrize("weights", ["there", pytest.param("lost", marks=pytest.mark.slow)])
def test_a_history_that_is_shorter_than_its_result(command, undisturbed, tmp_path, capsys, weights):
    """As a run leaves it that came back in the moment between its look at the lock and its write."""
    arguments = [*command, "--results", str(tmp_path)]
    assert main(arguments) == 0
    one = min((tmp_path / "trials").iterdir())
    history = Files(str(one)).read_json("history.json")
    Files(str(one)).write_json("history.json", {**history, "epochs": history["epochs"][:2]})
    if weights == "lost":
        (one / "weights.pt").unlink()
    shorter = f"trials/{one.name}/history.json has fewer epochs than its result"
    assert shorter in " ".join(status(str(tmp_path))["warnings"])
    assert shorter in " ".join(load_sweep(str(tmp_path)).warnings)
    capsys.readouterr()
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert shorter in out
    if weights == "there":
        assert f"{one.name}: made again what was damaged, from its weights.pt" in out
        assert numbers(tmp_path) == undisturbed
    else:
        assert f"{one.name}: its learning curve is lost, its result is whole" in out
