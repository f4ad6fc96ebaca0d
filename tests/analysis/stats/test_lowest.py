"""The lowest of several against the lowest of several others: by loops and scipy, and by simulated studies."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from analysis.stats.lowest import lowest_difference
from tests.helpers.coverage import coverage

EYE = np.eye(5)
OURS, THEIRS = EYE[:2], EYE[2:]


def cells(seeds=6):
    means = [13, 13.4, 12.5, 13.1, 13.8]
    drawn = np.random.default_rng(3).normal(means, 0.3, (seeds, 5))
    return [dict(enumerate(column)) for column in drawn.T.tolist()]


def by_loops(own, paired):
    """min over i of max over k, limit by limit, with scipy's own intervals of a mean and of Welch's test."""
    ends = []
    for end, count in ((0, 3), (1, 2)):
        level = 1 - 0.05 / count
        rows = []
        for i in (0, 1):
            x = [list(own[k].values()) for k in (i, 2, 3, 4)]
            if paired:
                limits = [scipy_stats.ttest_rel(x[0], y).confidence_interval(level)[end] for y in x[1:]]
            else:
                limits = [
                    scipy_stats.ttest_ind(x[0], y, equal_var=False).confidence_interval(level)[end]
                    for y in x[1:]
                ]
            rows.append(max(limits))
        ends.append(min(rows))
    return ends


@pytest.mark.parametrize("paired", [True, False])
def test_the_interval_by_loops(paired):
    own = cells()
    found = lowest_difference(own, OURS, THEIRS, paired=paired)
    assert [found.interval.low, found.interval.high] == pytest.approx(by_loops(own, paired))
    means = [np.mean(list(cell.values())) for cell in own]
    assert found.mean == pytest.approx(min(means[:2]) - min(means[2:]))
    assert found.interval.low < found.mean < found.interval.high
    assert found.n == ((6,) if paired else (6,) * 5)


def test_turned_round_it_is_its_mirror_image():
    one = lowest_difference(cells(), OURS, THEIRS, paired=True)
    other = lowest_difference(cells(), THEIRS, OURS, paired=True)
    assert (other.mean, other.interval.low, other.interval.high) == pytest.approx(
        (-one.mean, -one.interval.high, -one.interval.low)
    )


def test_two_seeds_or_seeds_all_alike_give_no_interval():
    assert not lowest_difference(cells(seeds=2), OURS, THEIRS, paired=True).interval.known
    alike = [dict.fromkeys(range(4), 13.0)] * 5
    assert not lowest_difference(alike, OURS, THEIRS, paired=True).interval.known


def test_no_seed_in_common_is_an_error():
    apart = [{seed: 13.0} for seed in range(5)]
    with pytest.raises(ValueError, match="no seeds"):
        lowest_difference(apart, OURS, THEIRS, paired=True)


def test_it_holds_the_truth_though_nobody_said_which_are_lowest():
    """One side flat, the other with one lowest: where choosing costs most."""
    name, studies = "Choosing G: the lowest of five means against the lowest of five others", 600
    share = coverage(name, 5, studies)
    assert share >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / studies)
    assert share < 1
