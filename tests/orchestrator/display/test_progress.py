"""What a person sees while it runs."""

import io

import pytest
from rich.console import Console

from orchestrator.cli import duration
from orchestrator.display.panel import Lines, panel
from orchestrator.display.progress import Progress
from orchestrator.execution.events import EpochEnd
from orchestrator.execution.signals import Interrupt
from orchestrator.planning.plan import Pack
from tests.helpers.tiny import trial

#: In the colour of what is done, as rich's bar.complete has it.
BAR_DONE = "38;2;249;38;114"


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def progress(clock):
    packs = [
        Pack((trial(seed=1), trial(seed=2))),
        Pack((trial(seed=1, norm="gn", groups=4),), epoch=1),
        Pack((trial(seed=3),)),
    ]
    return Progress(packs, [30.0, 20.0, 10.0], [3, 3, 3], slots=2, before=4, given_up=1, clock=clock)


def epoch_end(epoch, errors, seconds=10.0):
    replicas = {
        str(i): {"test_error": e, "val_error": None, "seconds": seconds} for i, e in enumerate(errors)
    }
    return EpochEnd(epoch, 3, 100.0, "here/1", replicas)


def counts(progress):
    return {s: progress.trials(s) for s in ("done", "running", "waiting", "failed")}


def test_counts_follow_the_events(progress):
    assert counts(progress) == {"done": 4, "running": 0, "waiting": 4, "failed": 1}
    progress.started(0)
    progress.started(1)
    assert counts(progress) == {"done": 4, "running": 3, "waiting": 1, "failed": 1}
    for epoch in (1, 2, 3):
        progress.epoch(0, epoch_end(epoch, [10.0, 20.0]))
    progress.finished(0)
    progress.failed(1, "boom")
    assert counts(progress) == {"done": 6, "running": 0, "waiting": 1, "failed": 2}
    assert progress.total == 9


def test_a_pack_that_was_stopped_is_not_done(progress):
    progress.started(0)
    progress.epoch(0, epoch_end(3, [10.0, 20.0]))  # all epochs, and no results
    progress.stopped(0)
    assert counts(progress)["done"] == 4
    assert progress.packs[0].state == "stopped"


def test_the_share_is_of_time_not_of_trials(progress):
    progress.epoch(0, epoch_end(3, [10.0, 20.0]))
    assert progress.share == pytest.approx(30 / 60)
    progress.epoch(1, epoch_end(2, [10.0]))  # began at epoch 1 of 3, so half of what is left
    assert progress.share == pytest.approx(40 / 60)


def test_time_left_scales_with_how_the_estimate_held(progress, clock):
    assert progress.seconds_left == pytest.approx(30)  # 30 on one worker, 20 + 10 on the other
    progress.started(0)
    progress.started(1)
    clock.now = 20.0
    progress.epoch(0, epoch_end(1, [10.0, 20.0], seconds=20.0))  # a third of 30 s took 20 s: half as fast
    # left: 40 s on one worker; 40 s of the second pack, 20 s of which have gone by, and 20 s of the third
    assert progress.seconds_left == pytest.approx(40)
    clock.now = 30.0
    assert progress.seconds_left == pytest.approx(30)


def test_the_panel_fits_80_columns(progress):
    progress.started(0)
    progress.epoch(0, epoch_end(1, [10.0, 20.0]))
    interrupt = Interrupt()
    interrupt.signal = 2
    console = Console(width=80, file=io.StringIO(), force_terminal=False)
    console.print(panel(progress, "demo → results/demo", interrupt))
    text = console.file.getvalue()
    for part in (
        "4 of 9 done",
        "2 running",
        "2 waiting",
        "1 failed",
        "bn, batch 4, seeds 1–2",
        "1/3",
        "15.00%",
        "Stopping",
    ):
        assert part in text


def test_the_bar_is_empty_until_the_first_epoch_ends(progress):
    """Where the workers are still starting, and where they train."""
    for said in ("starting workers", "left"):
        console = Console(width=80, file=io.StringIO(), force_terminal=True, color_system="truecolor")
        console.print(panel(progress, "demo → results/demo", Interrupt()))
        bar = console.file.getvalue().splitlines()[1]
        assert "  0%" in bar
        assert said in bar
        assert BAR_DONE not in bar
        progress.started(0)
    progress.epoch(0, epoch_end(1, [10.0, 20.0]))
    console.print(panel(progress, "demo → results/demo", Interrupt()))
    assert BAR_DONE in console.file.getvalue()


def test_the_bar_says_what_is_waited_for_before_the_first_pack_and_after_the_last(progress):
    def said(interrupt):
        console = Console(width=80, file=io.StringIO())
        console.print(panel(progress, "demo → results/demo", interrupt))
        return console.file.getvalue().splitlines()[1].rpartition("%")[2].strip()

    stopped = Interrupt()
    stopped.abort("the disk is full")
    assert (said(Interrupt()), said(stopped)) == ("starting workers…", "ending workers…")
    for index in range(3):
        progress.started(index)
        progress.finished(index)
    assert said(Interrupt()) == "ending workers…"


def test_the_bar_of_packs_that_take_no_time_is_empty_too(clock):
    """Of a pack whose epochs are all trained the results alone are wanting."""
    progress = Progress([Pack((trial(seed=1),), epoch=3)], [0.0], [3], slots=1, before=0, clock=clock)
    assert progress.share == 0.0
    progress.started(0)
    progress.finished(0)
    assert progress.share == 1.0


def test_plain_lines(progress):
    console = Console(width=80, file=io.StringIO(), force_terminal=False)
    lines = Lines(progress, Interrupt(), console)
    lines.started(1)
    lines.epoch(1, epoch_end(3, [12.5]))
    lines.finished(1)
    lines.started(0)
    lines.stopped(0)
    lines.failed(2, "RuntimeError: [boom]")
    assert console.file.getvalue().splitlines() == [
        "started   gn G=4, batch 4, seed 1 from epoch 1",
        "done      gn G=4, batch 4, seed 1, error 12.50%; 5 of 9 trials done",
        "started   bn, batch 4, seeds 1–2",
        "stopped   bn, batch 4, seeds 1–2; 5 of 9 trials done",
        "failed    bn, batch 4, seed 3: RuntimeError: [boom]",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (3.4, "3 s"),
        (59.6, "1 min"),
        (125, "2 min 5 s"),
        (599.7, "10 min"),
        (3570, "1 h 0 min"),
        (3723, "1 h 2 min"),
        (200_000, "2.3 days"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text
