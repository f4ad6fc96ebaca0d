import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from analysis import load
from analysis.stats.cells import cells
from analysis.stats.choices import Choices
from analysis.stats.differences import differences
from tests.helpers.synthetic import block

PAIRED, APART = Choices(paired=True), Choices(paired=False)


def test_differences_pair_by_seed_and_count_who_is_left_over(sweep):
    trials = block(batch_size=[32, 2], seeds=5) + block(norm="gn", groups=8, batch_size=[32, 2], seeds=5)
    url = sweep(
        trials, status=lambda t: "failed" if (t.norm, t.batch_size, t.seed) == ("gn", 2, 4) else "done"
    )
    both = cells(load(url))
    large, small = differences(both, PAIRED)
    assert (large.x, small.x) == (32, 2)
    assert (large.pairs.unpaired, small.pairs.unpaired) == ((), (4,))
    errors = {(c.line.norm, c.x): c.last for c in both}
    expected = [errors["gn", 2][s] - errors["bn", 2][s] for s in (1, 2, 3, 5)]
    assert list(small.pairs.values.values()) == pytest.approx(expected)
    assert small.estimate.p == pytest.approx(scipy_stats.ttest_1samp(expected, 0).pvalue)
    assert small.p_exact == 2 / 16
    assert small.p_holm == pytest.approx(
        max(2 * min(small.estimate.p, large.estimate.p), small.estimate.p)
        if small.estimate.p > large.estimate.p
        else 2 * small.estimate.p
    )
    assert small.pairs.bca.low == pytest.approx(
        scipy_stats.bootstrap(
            (expected,), np.mean, n_resamples=99_999, method="BCa", random_state=np.random.default_rng(0)
        ).confidence_interval.low,
        abs=0.05,
    )


def test_without_a_common_seed_there_is_a_row_that_says_nothing(sweep):
    trials = block(seeds=[1, 2]) + block(norm="gn", groups=8, seeds=[3])
    (d,) = differences(cells(load(sweep(trials))), PAIRED)
    assert d.estimate.n == (0,)
    assert math.isnan(d.estimate.p)
    assert d.pairs.unpaired == (1, 2, 3)
    assert not d.claimed


def test_one_norm_alone_has_no_differences(sweep):
    assert differences(cells(load(sweep(block()))), PAIRED) == []


def test_without_batch_norm_the_first_line_is_the_base(sweep):
    trials = block(norm="gn", groups=8) + block(norm="ln")
    (d,) = differences(cells(load(sweep(trials))), PAIRED)
    assert (d.base.norm, d.line.norm) == ("gn", "ln")


def test_independent_runs_are_compared_by_welch_and_no_run_is_left_out(sweep):
    trials = block(seeds=[1, 2, 3, 4]) + block(norm="gn", groups=8, seeds=[3, 4, 5])
    both = cells(load(sweep(trials)))
    (d,) = differences(both, APART)
    x = {c.line.norm: list(c.last.values()) for c in both}
    expected = scipy_stats.ttest_ind(x["gn"], x["bn"], equal_var=False)
    assert d.estimate.p == pytest.approx(expected.pvalue)
    assert d.estimate.n == (3, 4)
    low, high = expected.confidence_interval()
    assert (d.estimate.interval.low, d.estimate.interval.high) == pytest.approx((low, high))
    assert d.pairs is None
    assert math.isnan(d.bought)


def test_pairs_say_what_pairing_bought(sweep):
    both = cells(load(sweep(block(seeds=6) + block(norm="gn", groups=8, seeds=6))))
    (d,) = differences(both, PAIRED)
    gn, bn = (next(list(c.last.values()) for c in both if c.line.norm == norm) for norm in ("gn", "bn"))
    assert d.pairs.correlation == pytest.approx(np.corrcoef(gn, bn)[0, 1])
    assert d.pairs.welch.p == pytest.approx(scipy_stats.ttest_ind(gn, bn, equal_var=False).pvalue)
    widths = [
        np.ptp(test.confidence_interval())
        for test in (scipy_stats.ttest_rel(gn, bn), scipy_stats.ttest_ind(gn, bn, equal_var=False))
    ]
    assert d.bought == pytest.approx(widths[0] / widths[1])


def test_the_family_is_every_comparison_of_the_panel(sweep):
    sizes = [32, 2]
    trials = block(batch_size=sizes, seeds=4) + block(norm="gn", groups=[8, 4], batch_size=sizes, seeds=4)
    own = differences(cells(load(sweep(trials))), PAIRED)
    assert [d.family for d in own] == [4] * 4
    assert min(d.p_holm for d in own) == pytest.approx(4 * min(d.estimate.p for d in own))
    half = scipy_stats.t.ppf(1 - 0.05 / 4 / 2, 3) * own[0].estimate.sd / 2
    assert own[0].simultaneous.half_width == pytest.approx(half)
