"""What an interrupt ends on Ray, and what is told of a pack that has ended. No cluster is started."""

from types import SimpleNamespace

import pytest

from orchestrator.display.progress import Progress
from orchestrator.execution.callbacks import Events, Stoppable
from orchestrator.execution.events import EpochEnd, Trained
from orchestrator.execution.messages import of_event
from orchestrator.execution.signals import Interrupt
from orchestrator.planning.plan import Pack
from orchestrator.results.store import Store
from tests.helpers.assignments import TRIALS, assignment


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
    trial = SimpleNamespace(trial_id="a", last_result=last)
    events.on_trial_result(0, [], trial, {"pack": 0, "started": True})
    events.on_trial_result(0, [], trial, epoch(3))
    events.on_trial_complete(0, [], trial)
    assert progress.packs[0].state == expected
