import pytest

from analysis.plots import differences as forest
from analysis.study import read
from analysis.words.verdict import forest_words
from tests.helpers.synthetic import block


@pytest.fixture
def study(sweep):
    sizes = {"batch_size": [32, 8, 2], "seeds": 4}
    return read([sweep(block(**sizes) + block(norm="gn", groups=8, **sizes) + block(norm="ln", **sizes))])


def test_a_row_for_each_comparison_with_its_numbers_beside_it(study):
    (own,) = study.differences.values()
    info = forest.info(own, forest_words)
    drawn = forest.drawing(info, study.styles)
    assert info.rows == 2 * (3 + 1), "each pair of lines has a heading"
    texts = [note["text"] for note in drawn["layout"]["annotations"]]
    last = next(d for d in own if (d.line.norm, d.x) == ("gn", 2))
    e = last.estimate
    assert f"{e.mean:+.2f} ({e.interval.low:+.2f} to {e.interval.high:+.2f})".replace("-", "−") in texts
    assert last.claimed
    assert "<b>▼ lower error</b>" in texts
    means = next(t for t in drawn["data"] if t.get("name") == "GN (G = 8) − BN")
    full = [d.decided for d in own if d.line.norm == "gn"]
    assert [colour != "#ffffff" for colour in means["marker"]["color"]] == full
    assert {False, True} == set(full)


def test_nothing_is_cut_off_and_zero_is_there(study):
    (own,) = study.differences.values()
    low, high = forest.drawing(forest.info(own, forest_words), study.styles)["layout"]["xaxis"]["range"]
    assert low < min(0, *(d.simultaneous.low for d in own))
    assert high > max(0, *(d.simultaneous.high for d in own))


def test_the_longest_verdict_has_its_room(study):
    (own,) = study.differences.values()
    info = forest.info(own, forest_words)
    pair, points = next(iter(info.points.items()))
    words = points[0].words._replace(verdict="not resolved after Holm; 2 unpaired")
    wider = info._replace(points=info.points | {pair: [points[0]._replace(words=words), *points[1:]]})
    margins = [forest.drawing(each, study.styles)["layout"]["margin"]["r"] for each in (info, wider)]
    assert margins[1] - 244 > 6 * len(words.verdict), "six pixels a letter, from where the column begins"
    assert margins[0] < margins[1]


def test_a_narrow_screen_has_the_numbers_above_their_rows(study):
    (own,) = study.differences.values()
    info = forest.info(own, forest_words)
    layout = forest.narrow(info, study.styles)
    assert layout["margin"]["r"] < 10
    assert sum("<b>▼ lower error</b>" in note["text"] for note in layout["annotations"]) > 0
    assert layout["height"] > forest.drawing(info, study.styles)["layout"]["height"]
