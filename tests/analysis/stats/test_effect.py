import math

import numpy as np
import pytest

from analysis.stats import effect


def j(df):
    """Hedges 1981, exact."""
    return math.gamma(df / 2) / (math.gamma((df - 1) / 2) * math.sqrt(df / 2))


def test_g_z_by_hand():
    x = [1.0, 2.0, 3.0, 6.0]
    assert effect.g_z(x) == pytest.approx(3.0 / np.std(x, ddof=1) * j(3))
    assert math.isnan(effect.g_z([1.0]))
    assert math.isnan(effect.g_z([1.0, 1.0]))


def test_g_between_runs_by_hand():
    a, b = [1.0, 2.0, 3.0], [2.0, 4.0, 6.0, 8.0]  # variances 1 and 20/3
    v = 20 / 3
    df = 2 * 3 * (1 + v) ** 2 / (3 * 1 + 2 * v**2)  # Delacre et al. 2021
    assert effect.g(a, b) == pytest.approx((2 - 5) / math.sqrt((1 + v) / 2) * j(df))
    assert effect.g(b, a) == pytest.approx(-effect.g(a, b))
    assert math.isnan(effect.g([1.0, 2.0], b))
    assert math.isnan(effect.g([1.0, 1.0, 1.0], [2.0, 2.0, 2.0]))


def test_they_are_not_the_same_thing():
    """Two norms that move together with the seed: large within pairs, small between runs."""
    theirs = np.array([13.0, 14.0, 15.0, 16.0])
    ours = theirs + np.array([0.5, 0.6, 0.5, 0.4])
    assert effect.g_z(ours - theirs) > 4
    assert effect.g(ours, theirs) < 1
