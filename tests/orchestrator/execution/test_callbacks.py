"""What an interrupt ends on Ray, and what is told of a pack that has ended. No cluster is started."""

import time
from types import SimpleNamespace

import pytest

from orchestrator.display.progress import Progress
from orchestrator.execution import callbacks
from orchestrator.execution.callbacks import Events, Stoppable
from orchestrator.execution.events import EpochEnd, Trained
from orchestrator.execution.messages import of_event
from orchestrator.execution.signals import Interrupt
from orchestrator.planning.plan import Pack
from orchestrator.results.store import Store
from tests.helpers.assignments import TRIALS, assignment


def tune_trial(**more):
    """As much of Tune's own as our callbacks touch."""
    trial = SimpleNamespace(trial_id="a", config={}, **more)
    trial.set_config = lambda config: setattr(trial, "config", config)
    return trial


def epoch(number):
    entry = {"test_error": 10.0, "val_error": None, "seconds": 1.0}
    return of_event(0, EpochEnd(number, 3, 100.0, "here/1", {TRIALS[0].trial_id: entry}))


@pytest.mark.parametrize(
    ("asked", "report", "expected"),
    [
        (False, epoch(2), "CONTINUE"),
        (True, {"pack": 0, "started": True}, "CONTINUE"),
        (True, epoch(2), "STOP"),
        (True, epoch(3), "CONTINUE"),
        (True, of_event(0, Trained({})), "CONTINUE"),
    ],
)
def test_an_interrupt_ends_a_pack_at_its_next_epoch_but_for_the_last(asked, report, expected):
    interrupt = Interrupt()
    interrupt.signal = 2 if asked else None
    report.pop("replicas", None)  # Tune has flattened what is nested by then
    assert Stoppable(interrupt, None).on_trial_result(None, None, report) == expected


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (of_event(0, Trained({})), "done"),
        (epoch(2), "stopped"),
        (epoch(3), "stopped"),  # no result was written
        ({"stop": "on node x: no storage"}, "stopped"),
        ({"pack": 0, "failed": "RuntimeError: boom"}, "failed"),
    ],
)
def test_done_is_said_of_results_alone(tmp_path, last, expected):
    assignments = [assignment(tmp_path, tmp_path)]
    progress = Progress([Pack(tuple(TRIALS))], [1.0], [3], slots=1, before=0)
    events = Events(assignments, progress, Interrupt(), Store(str(tmp_path)), lambda: None, None)
    trial = tune_trial(last_result=last)
    events.on_trial_result(0, [], trial, {"pack": 0, "started": True})
    events.on_trial_result(0, [], trial, epoch(3))
    events.on_trial_complete(0, [], trial)
    assert progress.packs[0].state == expected


@pytest.fixture
def watched(tmp_path):
    """The events of a driver whose one pack has begun: call with a report."""
    Store(str(tmp_path / "out")).declare("x", [])
    one = assignment(tmp_path / "out", tmp_path)
    progress = Progress([Pack(tuple(TRIALS))], [1.0], [3], slots=1, before=0)
    interrupt = Interrupt()
    events = Events([one], progress, interrupt, Store(one.results), lambda: None, None)

    trial = tune_trial()

    def report(message):
        events.on_trial_result(0, [], trial, message)

    report({"pack": 0, "started": True})
    return SimpleNamespace(report=report, trial=trial, events=events, progress=progress, interrupt=interrupt)


SAID = "left out: node b cannot read and write the results: no route"


def test_a_node_without_its_storage_is_left_out_and_comes_back(watched, capsys):
    assert watched.trial.config["seeds"] == [trial.seed for trial in TRIALS]
    for _ in range(2):  # two workers of that node
        watched.report({"left_out": SAID, "storage": True})
    assert watched.trial.config == {}, "it has no pack any more"
    assert watched.progress.packs[0].state == "stopped"
    assert watched.interrupt.trouble is None
    assert capsys.readouterr().err == f"warning: {SAID}\n"
    for _ in range(2):
        watched.report({"back": SAID})
    assert capsys.readouterr().err == f"no longer {SAID}\n"


def test_a_node_whose_worker_was_let_go_is_back_when_another_trains_there(watched, capsys):
    watched.report({"left_out": SAID, "storage": True, "node": "b"})
    watched.report({"pack": 0, "started": True})
    assert "no longer" not in capsys.readouterr().err, "nothing has been written there yet"
    watched.report({**epoch(1), "worker": "c/7"})
    assert "no longer" not in capsys.readouterr().err
    for number in (2, 3):
        watched.report({**epoch(number), "worker": "b/8"})
    assert capsys.readouterr().err == f"no longer {SAID}\n"


def test_storage_that_the_driver_cannot_reach_either_ends_the_sweep(watched, tmp_path, monkeypatch):
    monkeypatch.setattr(callbacks, "_OWN_PATIENCE", 0.1)
    (tmp_path / "out").rename(tmp_path / "away")
    watched.report({"left_out": SAID, "storage": True})
    assert "nor can the driver" in watched.interrupt.trouble
    assert "the results folder is gone" in watched.interrupt.trouble
    assert not (tmp_path / "out").exists()


RAISED = """Failure # 1 (occurred at 2026-11-27_12-00-00)
The actor died unexpectedly before finishing this task.
Failure # 2 (occurred at 2026-11-27_12-01-00)
ray::ImplicitFunc.train() (pid=1, ip=10.0.0.2)
  File "worker.py", line 1, in run_pack
ArithmeticError: asked for
"""
DIED = "Failure # 1 (occurred at 2026-11-27)\nThe actor died unexpectedly before finishing this task.\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RAISED, "ArithmeticError: asked for"),
        (
            DIED + "Worker exit type: SYSTEM_ERROR. connection error code 2. End of file.",
            "the worker was lost",
        ),
        (DIED + "The actor died because its node has died.", "the worker was lost with its machine"),
        (
            DIED + "Task was killed due to the node running low on memory.",
            "the worker was killed because its machine ran out of memory",
        ),
        (
            "Failure # 1 (occurred at 2026-11-27)\nThe actor 92 is unavailable: The actor is temporarily unavailable: "
            "RpcError: RPC error: Socket closed rpc_code: 14.",
            "the worker was lost",
        ),
        (None, "the worker was lost"),
    ],
)
def test_what_a_trial_failed_of(tmp_path, text, said):
    if text is not None:
        (tmp_path / "error.txt").write_text(text)
    assert callbacks.what_failed(SimpleNamespace(error_file=str(tmp_path / "error.txt"))) == said


def test_who_waits_for_machines_is_told_why_none_comes(watched, monkeypatch, capsys):
    monkeypatch.setattr(callbacks, "failed_launches", lambda: ["no gpu_worker could be started: quota 0"])
    watched.progress.stopped(0)
    begun = time.monotonic()
    for later in (0, 100, 200):
        monkeypatch.setattr(callbacks.time, "monotonic", lambda now=begun + later: now)
        watched.events.on_step_end(0, [])
    err = capsys.readouterr().err
    assert err.count("waiting for a machine") == 2
    assert err.count("warning: no gpu_worker could be started: quota 0") == 1
