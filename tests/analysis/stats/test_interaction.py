import math

import pytest
from scipy import stats as scipy_stats

from analysis import load
from analysis.stats.cells import cells
from analysis.stats.differences import differences
from analysis.stats.interaction import interactions
from tests.helpers.synthetic import block

SIZES = [32, 8, 2]


def both(sweep, **options):
    trials = block(batch_size=SIZES, seeds=5) + block(norm="gn", groups=8, batch_size=SIZES, seeds=5)
    return cells(load(sweep(trials + block(norm="ln", batch_size=SIZES, seeds=5), **options)))


def test_the_change_of_the_difference_against_scipy(sweep):
    all_cells = both(sweep)
    e = {(c.line.norm, c.batch_size): c.last for c in all_cells}
    gn, ln = interactions(differences(all_cells))
    for i, norm in ((gn, "gn"), (ln, "ln")):
        d = [e[norm, 2][s] - e["bn", 2][s] - e[norm, 32][s] + e["bn", 32][s] for s in range(1, 6)]
        expected = scipy_stats.ttest_1samp(d, 0)
        assert (i.largest, i.smallest) == (32, 2)
        assert i.p == pytest.approx(expected.pvalue)
        interval = expected.confidence_interval()
        assert (i.summary.interval.low, i.summary.interval.high) == pytest.approx(
            (interval.low, interval.high)
        )
        assert i.claimed
    assert min(gn.p_holm, ln.p_holm) == pytest.approx(2 * min(gn.p, ln.p)), "a family of two lines"


def test_the_ends_are_those_that_both_lines_have(sweep):
    gn, _ = interactions(
        differences(
            both(sweep, status=lambda t: "missing" if (t.norm, t.batch_size) == ("gn", 2) else "done")
        )
    )
    assert (gn.largest, gn.smallest) == (32, 8)


def test_one_batch_size_or_one_seed_changes_nothing(sweep):
    trials = block(seeds=3) + block(norm="gn", groups=8, seeds=3)
    assert interactions(differences(cells(load(sweep(trials))))) == []
    trials = block(seeds=1, batch_size=[32, 2]) + block(norm="gn", groups=8, seeds=1, batch_size=[32, 2])
    (one,) = interactions(differences(cells(load(sweep(trials, folder="one")))))
    assert math.isnan(one.p)
    assert not one.claimed
