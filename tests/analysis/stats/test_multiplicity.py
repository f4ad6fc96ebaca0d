import math

import pytest
from statsmodels.stats.multitest import multipletests

from analysis.stats.multiplicity import decide, holm, simultaneous_level


def test_holm_by_hand():
    # Sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1: 0.04, 0.06, 0.06, 0.04, made monotone.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    adjusted = holm([0.01, float("nan"), 0.03])
    assert adjusted[0] == pytest.approx(0.02)
    assert math.isnan(adjusted[1])
    assert decide([0.049, 0.051, float("nan")]) == [True, False, False]


def test_holm_against_statsmodels():
    ps = [0.001, 0.2, 0.013, 0.04, 0.011, 0.6]
    assert holm(ps) == pytest.approx(multipletests(ps, method="holm")[1])


def test_the_level_of_simultaneous_intervals():
    assert simultaneous_level(5) == pytest.approx(0.99)
    assert simultaneous_level(1) == simultaneous_level(0) == 0.95
