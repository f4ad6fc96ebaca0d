"""A run ends by itself after so many hours, or so much money, and goes on when it is run again."""

import pytest

from orchestrator.execution import limits as limits_file
from orchestrator.execution.limits import Limits
from orchestrator.execution.signals import Interrupt
from orchestrator.planning.resources import MachineGroup, Resources, Site
from orchestrator.run import main
from tests.helpers.numbers_of import numbers

SITE = Site(Resources(1.0, 1.0, "cuda"), (MachineGroup(1, 4, 4.0),))


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def limits(now):
    """Limits by a clock that stands, and the interrupt that they ask for."""

    def make(**options):
        interrupt = Interrupt()
        return Limits(interrupt, clock=lambda: now[0], **options), interrupt

    return make


def test_hours_are_of_the_wall_clock(limits, now):
    one, interrupt = limits(hours=2.0)
    now[0] = 7199.0
    one.look()
    assert not interrupt.requested
    now[0] = 7200.0
    one.look()
    assert interrupt.requested
    assert interrupt.exit_code == 3
    assert "2 hours" in interrupt.limit


def test_money_is_of_every_gpu_that_is_up(limits, now):
    """By hand: an hour of none, one of 4, then 8 at 1.5 each: 6 after two hours, and 12 more an hour."""
    up = [None]
    one, interrupt = limits(most=12.0, price=1.5, up=lambda: up[0])
    now[0] = 3600.0
    one.look()
    one.trains_on(SITE)
    now[0] = 7200.0
    one.look()
    up[0] = 8.0
    now[0] = 7200.0 + 1799.0
    one.look()
    assert not interrupt.requested
    now[0] = 7200.0 + 1800.0
    one.look()
    assert interrupt.limit == "about 12.00 has been spent (--max-cost 12)"


def test_a_run_that_stops_by_itself_goes_on_when_it_is_run_again(
    command, undisturbed, tmp_path, monkeypatch, at_epoch, capsys
):
    begun = []
    real = Limits.__init__

    def kept(self, *arguments, **options):
        real(self, *arguments, **options)
        begun.append(self)

    monkeypatch.setattr(Limits, "__init__", kept)

    def passes():
        monkeypatch.setattr(begun[0], "_clock", lambda: limits_file.time.monotonic() + 3600)
        begun[0].look()

    at_epoch(3, passes)
    arguments = [*command, "--results", str(tmp_path)]
    assert main([*arguments, "--stop-after", "1"]) == 3
    captured = capsys.readouterr()
    assert "Stopped: 1 hours have passed" in captured.out
    assert "To resume, run again" in captured.out
    assert "ends with its epoch" in captured.err
    assert main(arguments) == 0
    assert numbers(tmp_path) == undisturbed


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--max-cost", "5"], "--max-cost needs --price-per-gpu-hour"),
        (["--max-cost", "5", "--price-per-gpu-hour", "1"], "--max-cost counts GPU-hours"),
    ],
)
def test_money_needs_a_price_and_a_gpu(command, tmp_path, capsys, more, said):
    assert main([*command, "--results", str(tmp_path / "out"), *more]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out" / "sweep.json").exists()
