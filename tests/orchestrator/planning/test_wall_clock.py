"""What a run takes beside its training."""

import pytest

from orchestrator.planning.wall_clock import wall_clock


def test_a_run_as_long_as_the_one_that_was_measured():
    """`grule-demo` on two quiet cores: 18 packs, 282 s of training on one core, their last end 161 s after the
    plan."""
    packs = [29, 29, 28, 28, 34, 28, 29, 28, 10.3, 9.7, 9.2, 8.7, 9.5, 9.2, 4.6, 4.5, 4.5, 4.4]
    packs = [each * 282 / sum(packs) for each in packs]
    assert wall_clock(packs, 2, (), "ray") == pytest.approx(161, rel=0.1)


def test_ray_has_a_start_of_its_own_and_nothing_takes_nothing():
    assert wall_clock([10.0], 1, (), "ray") > wall_clock([10.0], 1, (), "inline") > 10.0
    assert wall_clock([], 2, (), "ray") == 0.0
