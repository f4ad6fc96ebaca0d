import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from analysis import load
from analysis.stats.cells import cells
from analysis.stats.differences import differences
from tests.helpers.synthetic import block


def test_differences_pair_by_seed_and_count_who_is_left_over(sweep):
    trials = block(batch_size=[32, 2], seeds=5) + block(norm="gn", groups=8, batch_size=[32, 2], seeds=5)
    url = sweep(
        trials, status=lambda t: "failed" if (t.norm, t.batch_size, t.seed) == ("gn", 2, 4) else "done"
    )
    both = cells(load(url))
    large, small = differences(both)
    assert (large.batch_size, small.batch_size) == (32, 2)
    assert (large.unpaired, small.unpaired) == ((), (4,))
    errors = {(c.line.norm, c.batch_size): c.last for c in both}
    expected = [errors["gn", 2][s] - errors["bn", 2][s] for s in (1, 2, 3, 5)]
    assert list(small.values.values()) == pytest.approx(expected)
    assert small.p == pytest.approx(scipy_stats.ttest_1samp(expected, 0).pvalue)
    assert small.p_flip == 2 / 16
    assert small.p_holm == pytest.approx(
        max(2 * min(small.p, large.p), small.p) if small.p > large.p else 2 * small.p
    )
    assert small.bca.low == pytest.approx(
        scipy_stats.bootstrap(
            (expected,), np.mean, n_resamples=99_999, method="BCa", random_state=np.random.default_rng(0)
        ).confidence_interval.low,
        abs=0.05,
    )


def test_without_a_common_seed_there_is_a_row_that_says_nothing(sweep):
    trials = block(seeds=[1, 2]) + block(norm="gn", groups=8, seeds=[3])
    (d,) = differences(cells(load(sweep(trials))))
    assert d.summary.n == 0
    assert math.isnan(d.p)
    assert d.unpaired == (1, 2, 3)
    assert not d.claimed


def test_one_norm_alone_has_no_differences(sweep):
    assert differences(cells(load(sweep(block())))) == []


def test_without_batch_norm_the_first_line_is_the_base(sweep):
    trials = block(norm="gn", groups=8) + block(norm="ln")
    (d,) = differences(cells(load(sweep(trials))))
    assert (d.base.norm, d.line.norm) == ("gn", "ln")
