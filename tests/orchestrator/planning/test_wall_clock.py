"""What a run takes beside its training."""

import pytest

from orchestrator.planning.wall_clock import USUAL, Overheads, wall_clock

OWN = Overheads(start=7.0, pack=0.5, epoch=0.25)


def test_start_packs_and_epochs_by_hand():
    # Two places, each with a first pack, whose own cost is the start's; the third follows the shorter of them.
    packs = [(10.0, 4), (6.0, 4), (3.0, 2)]
    assert wall_clock(packs, 2, (), OWN) == pytest.approx(7 + max(10 + 1, (6 + 1) + (3 + 0.5 + 0.5)))
    assert wall_clock(packs, 1, (), OWN) == pytest.approx(7 + 19 + 10 * 0.25 + 2 * 0.5)


def test_packs_that_wait_for_others_and_packs_that_share_a_gpu():
    packs = [(10.0, 0), (10.0, 0)]
    assert wall_clock(packs, 2, (set(), {0}), OWN) == pytest.approx(7 + 20 + 0.0)
    assert wall_clock(packs, 2, (), OWN, lambda running: 1 / running) == pytest.approx(7 + 20)


def test_ray_has_a_start_of_its_own_and_nothing_takes_nothing():
    assert USUAL["ray"].start > 5 > USUAL["inline"].start > 0
    assert wall_clock([], 2, (), OWN) == 0.0
