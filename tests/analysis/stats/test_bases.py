import pytest

from analysis.stats.bases import as_base, check, pairs_of
from analysis.stats.line import Line
from model.errors import InputError

BN, GN8, GN4, LN = Line("bn"), Line("gn", 8), Line("gn", 4), Line("ln")
LINES = [BN, GN8, GN4, LN]
SLOW, FAST = (Line("bn", None, (("lr", rate),)) for rate in (0.1, 1.0))


def test_batch_norm_is_the_base_unless_somebody_says_otherwise():
    assert pairs_of(LINES) == [(GN8, BN), (GN4, BN), (LN, BN)]
    assert pairs_of([GN8, LN]) == [(LN, GN8)], "the first, without batch norm"
    assert pairs_of([BN]) == pairs_of([]) == []


@pytest.mark.parametrize("base", ["norm=gn,groups=8", "groups=8", "GN, groups = 8"])
def test_a_line_by_its_values(base):
    assert pairs_of(LINES, base) == [(BN, GN8), (GN4, GN8), (LN, GN8)]


def test_numbers_in_any_spelling():
    assert pairs_of([SLOW, FAST], "lr=1") == pairs_of([SLOW, FAST], "lr=1.0") == [(SLOW, FAST)]


def test_every_pair():
    pairs = pairs_of(LINES, "all")
    assert len({frozenset(pair) for pair in pairs}) == len(pairs) == 6
    assert (GN8, BN) in pairs


def test_a_panel_without_the_base_compares_nothing():
    assert pairs_of([BN, LN], "gn") == []


def test_what_fits_nothing_or_several_is_refused():
    with pytest.raises(
        InputError, match="fits several lines; name one of them: norm=gn,groups=8, norm=gn,groups=4"
    ):
        pairs_of(LINES, "gn")
    with pytest.raises(InputError, match="is no line of these results"):
        check([LINES], "rms")
    check([[BN], LINES], "norm=gn,groups=4")
    check([LINES], "all")


def test_what_is_offered_is_understood():
    for line in [*LINES, SLOW, FAST]:
        others = [other for other in [*LINES, SLOW, FAST] if other != line and BN not in {line, other}]
        assert pairs_of([line, *others], as_base(line)) == [(other, line) for other in others]
