"""What a run takes beside training, from what its listener hears."""

import pytest

from orchestrator.execution.events import EpochEnd
from orchestrator.execution.stopwatch import Stopwatch


class Heard:
    running = 0

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda *words: self.calls.append((name, words[0]))


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def of_seconds(seconds):
    return EpochEnd(
        epoch=1, epochs=9, images_per_second=1.0, worker="a/1", replicas={"t": {"seconds": seconds}}
    )


@pytest.fixture
def told():
    """Tells a stopwatch of two places what happens when."""
    clock, heard = Clock(), Heard()
    watch = Stopwatch(heard, 2, clock)

    def tell(now, what, index, *more):
        clock.now = now
        getattr(watch, what)(index, *more)

    tell.watch, tell.heard = watch, heard
    return tell


def test_start_packs_and_epochs_are_told_apart(told):
    told(5.0, "started", 0)
    told(6.0, "started", 1)
    told(12.0, "epoch", 0, of_seconds(4.0))  # its first step at 8
    told(13.0, "epoch", 1, of_seconds(3.0))  # at 10
    told(16.5, "epoch", 0, of_seconds(4.0))  # 0.5 between two epochs
    told(17.0, "finished", 0)
    told(17.25, "started", 2)
    told(20.0, "epoch", 2, of_seconds(2.0))  # 1.0 from the end of the first to its first step
    told(20.5, "finished", 2)  # and 0.5 at its own
    assert told.watch.measured == {"start": 9.0, "epoch": 0.5, "pack": 1.5}
    assert [what for what, _ in told.heard.calls] == [
        *("started", "started", "epoch", "epoch", "epoch"),
        *("finished", "started", "epoch", "finished"),
    ]


def test_a_pack_that_is_tried_again_is_not_timed(told):
    told(1.0, "started", 0)
    told(2.0, "started", 1)
    told(3.0, "retrying", 0, "the worker was lost")
    told(90.0, "epoch", 0, of_seconds(1.0))
    told(91.0, "stopped", 1)
    told(92.0, "started", 2)
    told(99.0, "failed", 2, "an error")
    assert told.watch.measured == {}
    assert len(told.heard.calls) == 7


def test_an_epoch_that_an_earlier_run_began_times_nothing(told):
    told(1.0, "started", 0)
    told(3.0, "epoch", 0, of_seconds(60.0))
    told(4.0, "finished", 0)
    assert told.watch.measured == {}


def test_of_nothing_nothing_is_known(told):
    assert told.watch.measured == {}
