import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from analysis import load
from analysis.stats.cells import cells
from analysis.stats.choices import Choices
from analysis.stats.differences import differences
from analysis.stats.interaction import interactions
from tests.helpers.synthetic import block

SIZES = [32, 8, 2]
PAIRED = Choices(paired=True)


def both(sweep, **options):
    trials = block(batch_size=SIZES, seeds=5) + block(norm="gn", groups=8, batch_size=SIZES, seeds=5)
    return cells(load(sweep(trials + block(norm="ln", batch_size=SIZES, seeds=5), **options)))


def test_the_change_of_the_difference_against_scipy(sweep):
    all_cells = both(sweep)
    e = {(c.line.norm, c.x): c.last for c in all_cells}
    gn, ln = interactions(differences(all_cells, PAIRED))
    for i, norm in ((gn, "gn"), (ln, "ln")):
        d = [e[norm, 2][s] - e["bn", 2][s] - e[norm, 32][s] + e["bn", 32][s] for s in range(1, 6)]
        expected = scipy_stats.ttest_1samp(d, 0)
        assert (i.first, i.last) == (32, 2)
        assert i.estimate.p == pytest.approx(expected.pvalue)
        interval = expected.confidence_interval()
        assert (i.estimate.interval.low, i.estimate.interval.high) == pytest.approx(
            (interval.low, interval.high)
        )
        assert i.claimed
        for own, name in ((i.ours, norm), (i.theirs, "bn")):
            alone = scipy_stats.ttest_rel(list(e[name, 2].values()), list(e[name, 32].values()))
            assert own.p == pytest.approx(alone.pvalue)
    assert min(gn.p_holm, ln.p_holm) == pytest.approx(2 * min(gn.estimate.p, ln.estimate.p)), (
        "a family of two lines"
    )


def test_the_ends_are_those_that_both_lines_have(sweep):
    gn, _ = interactions(
        differences(
            both(sweep, status=lambda t: "missing" if (t.norm, t.batch_size) == ("gn", 2) else "done"),
            PAIRED,
        )
    )
    assert (gn.first, gn.last) == (32, 8)


def test_one_batch_size_or_one_seed_changes_nothing(sweep):
    trials = block(seeds=3) + block(norm="gn", groups=8, seeds=3)
    assert interactions(differences(cells(load(sweep(trials))), PAIRED)) == []
    trials = block(seeds=1, batch_size=[32, 2]) + block(norm="gn", groups=8, seeds=1, batch_size=[32, 2])
    (one,) = interactions(differences(cells(load(sweep(trials, folder="one"))), PAIRED))
    assert math.isnan(one.estimate.p)
    assert not one.claimed


def test_of_independent_runs_it_is_a_contrast_of_four_cells(sweep):
    """Its parts by hand: variances over n, and Satterthwaite's degrees of freedom."""
    all_cells = both(sweep)
    x = {(c.line.norm, c.x): list(c.last.values()) for c in all_cells}
    gn, _ = interactions(differences(all_cells, Choices(paired=False)))
    four = [x["gn", 2], x["bn", 2], x["gn", 32], x["bn", 32]]
    change = sum(sign * np.mean(v) for sign, v in zip((1, -1, -1, 1), four, strict=True))
    parts = np.array([np.var(v, ddof=1) / 5 for v in four])
    df = parts.sum() ** 2 / (parts**2 / 4).sum()
    assert gn.estimate.mean == pytest.approx(change)
    assert gn.estimate.df == pytest.approx(df)
    assert gn.estimate.p == pytest.approx(2 * scipy_stats.t.sf(abs(change) / math.sqrt(parts.sum()), df))
