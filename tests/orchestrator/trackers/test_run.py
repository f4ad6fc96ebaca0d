"""`--tracker` on real sweeps: nothing doubled or lacking, whatever stopped them, and no harm to the sweep."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from orchestrator.run import main
from orchestrator.trackers import following
from tests.helpers.numbers_of import numbers
from tests.helpers.processes import descendants, interrupt
from tests.helpers.tracked import LAB, runs_of, stored
from tests.helpers.waiting import HANGS, until

TRACKER = ["--tracker", "lab_trackers:Lines"]


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A folder to stand in, with a tracker of one's own."""
    (tmp_path / "lab_trackers.py").write_text(LAB)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    sys.modules.pop("lab_trackers", None)  # another's, of the documentation's tests
    yield tmp_path
    sys.modules.pop("lab_trackers", None)


def calls(lab):
    file = lab / "calls.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def check_each_epoch_once(lab, out):
    epochs = [tuple(call[1:]) for call in calls(lab) if call[0] == "epoch"]
    wanted = [
        (trial_id, epoch, loss)
        for trial_id, shown in stored(out).items()
        for epoch, loss in shown.points["train_loss"]
    ]
    assert sorted(epochs) == sorted(wanted)
    finished = [call[1] for call in calls(lab) if call[0] == "finish"]
    assert sorted(finished) == sorted(stored(out))


def test_every_epoch_once(lab, command, capsys):
    out = lab / "out"
    assert main([*command, "--results", str(out), *TRACKER]) == 0
    assert "lab_trackers:Lines: calls.jsonl" in capsys.readouterr().out
    check_each_epoch_once(lab, out)
    assert "the library talks" in (out / "trackers/lab_trackers-Lines.log").read_text()


@pytest.mark.slow
def test_a_second_run_adds_nothing(lab, command, finished):
    out = lab / "out"
    shutil.copytree(finished, out)
    assert main([*command, "--results", str(out), *TRACKER]) == 0
    check_each_epoch_once(lab, out)
    before = calls(lab)
    assert main([*command, "--results", str(out), *TRACKER]) == 0
    assert calls(lab) == [*before, ["close", ""]]


@pytest.mark.slow
def test_tensorboard_beside_a_tracker_of_ones_own(lab, command):
    pytest.importorskip("tensorboard", reason="pip install 'normsweep[tensorboard]'")
    out = lab / "out"
    assert main([*command, "--results", str(out), "--tracker", f"tensorboard,{TRACKER[1]}"]) == 0
    check_each_epoch_once(lab, out)
    shown = dict(runs_of("tensorboard", out))
    assert shown.keys() == stored(out).keys()
    for trial_id, wanted in stored(out).items():
        losses = wanted.points["train_loss"]
        assert shown[trial_id].points["train_loss"] == [(e, pytest.approx(v, rel=1e-6)) for e, v in losses]


@pytest.mark.slow
def test_interrupted_and_gone_on(lab, command, at_epoch):
    out = lab / "out"
    at_epoch(2, interrupt)
    assert main([*command, "--results", str(out), *TRACKER]) == 130
    left = [call for call in calls(lab) if call[0] == "leave"]
    assert len(left) == 3
    assert {call[2] for call in left} == {None}
    assert main([*command, "--results", str(out), *TRACKER]) == 0
    check_each_epoch_once(lab, out)


@pytest.mark.slow
def test_a_driver_that_is_killed_takes_its_trackers_with_it(lab, command):
    """And the next one makes up for what they lack."""
    out = lab / "out"
    words = [*command, "--results", str(out), *TRACKER, "--set", "epochs=400"]
    driver = subprocess.Popen([sys.executable, "-m", "orchestrator.run", *words], stdout=subprocess.DEVNULL)
    until(lambda: [call for call in calls(lab) if call[0] == "epoch" and call[2] >= 3], what="three epochs")
    children = {pid for pid, line in descendants(driver.pid).items() if "orchestrator.trackers" in line}
    assert len(children) == 1
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children), what="the tracker is gone")
    seen = max(call[2] for call in calls(lab) if call[0] == "epoch")
    assert seen < 400
    driver = subprocess.Popen([sys.executable, "-m", "orchestrator.run", *words], stdout=subprocess.DEVNULL)
    until(lambda: [call for call in calls(lab) if call[0] == "epoch" and call[2] > seen], what="more epochs")
    driver.send_signal(signal.SIGINT)
    assert driver.wait(HANGS) == 130
    epochs = [tuple(call[1:]) for call in calls(lab) if call[0] == "epoch"]
    wanted = [(i, *point) for i, shown in stored(out).items() for point in shown.points["train_loss"]]
    assert sorted(epochs) == sorted(wanted)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["begin", "log"])
def test_one_that_fails_is_told_once_and_harms_nothing(lab, command, undisturbed, fault, monkeypatch, capsys):
    monkeypatch.setenv("FAULT", fault)
    out = lab / "out"
    assert main([*command, "--results", str(out), *TRACKER]) == 0
    said = capsys.readouterr().err
    assert "warning: tracker lab_trackers:Lines is left: ConnectionError: the lab's server is away. " in said
    assert said.count("warning") == 1
    assert "Traceback" in (out / "trackers/lab_trackers-Lines.log").read_text()
    assert numbers(out) == undisturbed
    monkeypatch.setenv("FAULT", "")
    assert main([*command, "--results", str(out), *TRACKER]) == 0
    check_each_epoch_once(lab, out)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "why"), [("die", "its process ended with -9"), ("hang", "it has given no sign for 1 s")]
)
def test_one_that_dies_or_hangs_is_left(lab, command, undisturbed, fault, why, monkeypatch, capsys):
    monkeypatch.setenv("FAULT", fault)
    monkeypatch.setattr(following, "SILENCE", 1.0)
    out = lab / "out"
    assert main([*command, "--results", str(out), *TRACKER]) == 0
    assert capsys.readouterr().err.count(f"tracker lab_trackers:Lines is left: {why}") == 1
    assert numbers(out) == undisturbed
    assert not [line for line in descendants(os.getpid()).values() if "orchestrator.trackers" in line]


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_on_ray_as_inline(lab, command, ray_address):
    out = lab / "out"
    words = [*command[:-4], "--executor", "ray", "--address", ray_address, "--pack", "3"]
    assert main([*words, "--use-head", "--results", str(out), *TRACKER]) == 0
    check_each_epoch_once(lab, out)


@pytest.mark.parametrize(
    ("tracker", "said"),
    [
        (
            "tensorbord",
            "--tracker tensorbord: expected some of tensorboard, wandb, trackio, mlflow, or an import path",
        ),
        ("wandb,,mlflow", "expected names between commas"),
        ("no.such:Tracker", "no.such:Tracker: there is no module no.such here"),
        ("lab_trackers:Liens", "there is no Liens in it; did you mean Lines?"),
        ("wandb", "--tracker wandb needs the package wandb: pip install 'normsweep[wandb]'"),
    ],
)
def test_what_is_typed_wrongly_is_said_before_anything(lab, command, tracker, said, monkeypatch, capsys):
    monkeypatch.setattr("orchestrator.trackers.catalogue.find_spec", lambda name: None)
    code = None
    try:
        code = main([*command, "--results", str(lab / "out"), "--tracker", tracker])
    except SystemExit as error:
        code = error.code
    assert code == 2
    assert said in capsys.readouterr().err
    assert not (lab / "out").exists()


def test_results_that_no_other_process_sees_are_refused(lab, command, capsys):
    assert main([*command, "--results", "memory://sweep", *TRACKER]) == 2
    assert "--tracker: memory:// is one process's own" in capsys.readouterr().err
