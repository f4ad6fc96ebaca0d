import math

import pytest

from analysis import fig1, load
from analysis.plots import figure1, palette
from analysis.plots.x_axis import places_of
from analysis.stats.axes import BATCH_SIZE
from analysis.stats.cells import panels
from analysis.stats.line import Line
from analysis.stats.roles import roles_of
from model.errors import InputError
from tests.helpers.synthetic import block

BN, GN = Line("bn", None), Line("gn", 8)


@pytest.fixture
def panel(sweep):
    trials = block(batch_size=[32, 8, 2], seeds=3) + block(
        norm="gn", groups=8, batch_size=[32, 8, 2], seeds=3
    )

    def status(t):
        return "failed" if (t.norm, t.batch_size) == ("gn", 8) and t.seed > 1 else "done"

    errors = {32: 10.0, 8: 12.0, 2: 20.0}
    frame = load(sweep(trials, status=status, error=lambda t: errors[t.batch_size] + t.seed, epochs=40))
    return next(iter(panels(frame).items()))


def test_the_points_by_value(panel):
    info = figure1.info(*panel)
    point = info.lines[BN][2]
    assert point.x == 2
    assert point.mean == pytest.approx(
        22.0, abs=0.15
    )  # 21, 22, 23 and what the made-up curve still has to fall
    assert point.high - point.mean == pytest.approx(
        4.302653 / math.sqrt(3), rel=1e-4
    )  # t(0.975, 2)·sd/√3, sd = 1
    assert sorted(point.values) == [1, 2, 3]


def test_accuracy_mirrors_error(panel):
    error, accuracy = figure1.info(*panel), figure1.info(*panel, quantity="accuracy")
    for line, points in error.lines.items():
        for e, a in zip(points, accuracy.lines[line], strict=True):
            assert a.mean == pytest.approx(100 - e.mean)
            if not math.isnan(e.low):
                assert (a.low, a.high) == pytest.approx((100 - e.high, 100 - e.low))


def test_a_bar_stays_within_0_and_100_percent(sweep):
    url = sweep(block(seeds=3), error=lambda t: (0.0, 0.1, 1.0)[t.seed - 1], epochs=60, folder="small")
    cells = next(iter(panels(load(url)).items()))
    (point,) = figure1.info(*cells).lines[BN]
    assert point.low == 0
    assert point.high == pytest.approx(11 / 30 + 4.302653 * 0.550757 / math.sqrt(3), rel=1e-4)
    (point,) = figure1.info(*cells, quantity="accuracy").lines[BN]
    assert point.high == 100


def test_one_seed_has_a_mean_no_interval_and_says_so(panel):
    point = figure1.info(*panel).lines[GN][1]
    assert math.isnan(point.low)
    text = figure1.hover(GN, point, "t")
    assert "too few seeds for an interval" in text
    assert "2 failed" in text


def test_the_drawing_holds_the_data(panel):
    info = figure1.info(*panel)
    drawn = figure1.figure(info)
    by_role = {(t.meta["role"], t.meta.get("line")): t for t in drawn.data}
    assert list(by_role["mean", "BN"].y) == [p.mean for p in info.lines[BN]]
    assert len(by_role["seed", "BN"].y) == 9
    bars = by_role["mean", "GN (G = 8)"].error_y  # the cell of one seed has none
    assert [bar is None for bar in bars.array] == [False, True, False]
    assert bars.array[0] == pytest.approx(4.302653 / math.sqrt(3), rel=1e-4)
    axis = drawn.layout.xaxis
    assert axis.type == "log"
    assert axis.range[0] > axis.range[1]  # large batches on the left
    assert list(axis.tickvals) == [32, 8, 2]
    assert axis.title.text == "Batch size (images), falling, log scale"
    assert drawn.layout.yaxis.title.text == "Test error (%), axis cut"


def test_a_line_that_ends_early_is_named_in_a_legend_and_not_at_the_edge(sweep):
    long, short = {"batch_size": [32, 8, 2], "seeds": 3}, {"batch_size": [32, 8], "seeds": 3}
    for sizes, legend in ((long, False), (short, True)):
        trials = block(**long) + block(norm="gn", groups=8, **sizes)
        info = figure1.info(*next(iter(panels(load(sweep(trials, folder=f"early{legend}"))).items())))
        layout = figure1.drawing(info, palette.styles(list(info.lines)))["layout"]
        assert layout["showlegend"] is legend
        assert ("BN" in [note["text"] for note in layout["annotations"]]) is not legend


@pytest.mark.parametrize("lines", [2, 5, 8])
def test_every_mark_of_the_last_batch_size_is_on_the_axis(lines):
    places = places_of(BATCH_SIZE, [32, 8, 2])
    left, right = places.layout()["range"]
    for own in (figure1.asides(rank, lines, numeric=True) for rank in range(lines)):
        for aside in own:
            assert right < math.log10(places.beside(2, aside)) < math.log10(places.beside(32, aside)) < left


@pytest.mark.parametrize("lines", [1, 2, 3, 5])
@pytest.mark.parametrize("numeric", [True, False])
def test_no_mean_hides_a_seed_of_its_own(lines, numeric):
    asides = [figure1.asides(rank, lines, numeric=numeric) for rank in range(lines)]
    assert all(abs(own.mean - own.dots) > 0.06 for own in asides)
    assert all(-0.34 < place < 0.34 for own in asides for place in own)
    assert len({round(place, 6) for own in asides for place in own}) == 2 * lines


def test_an_axis_that_is_cut_says_so_and_a_far_line_is_told_instead_of_drawn(sweep):
    trials = block(batch_size=[32, 8, 2], seeds=3)
    info = figure1.info(*next(iter(panels(load(sweep(trials, error=lambda t: 13 + t.seed / 10))).items())))
    drawn = figure1.drawing(info, palette.styles([BN]))
    low, high = drawn["layout"]["yaxis"]["range"]
    assert 12.5 < low < 13.1
    assert 13.3 < high < 13.9
    assert drawn["layout"]["yaxis"]["title"]["text"] == "Test error (%), axis cut"
    notes = {t["meta"]["key"]: t["meta"]["note"] for t in drawn["data"] if t["meta"]["role"] == "published"}
    assert notes["he"] == "He et al. 2015, BN: 8.75% at batch size 128, off this axis"
    assert notes["wu-bn"] == "↑ Wu & He 2018, BN: 23.6 to 34.7%, off this scale"
    whole = figure1.figure(info)
    assert whole.layout.yaxis.range == (low, high), "Franke’s BN reaches 19.7% and must not squash these"
    assert "↑ Franke 2021, BN: 13.60 to 19.70%, off this scale" in [a.text for a in whole.layout.annotations]


def test_published_curves_show_where_they_are_of_the_same_thing(panel, sweep):
    shown = {
        t.meta["key"]: t.visible
        for t in figure1.figure(figure1.info(*panel)).data
        if t.meta["role"] == "published"
    }
    assert shown["franke-bn"] is True
    assert shown["wu-bn"] is False
    digits = next(iter(panels(load(sweep(block(dataset="digits"), folder="digits"))).items()))
    drawn = figure1.figure(figure1.info(*digits))
    assert {t.visible for t in drawn.data if t.meta["role"] == "published"} == {False}


@pytest.mark.parametrize(
    ("changes", "drawn"),
    [
        ({"lr": 0.02}, False),
        ({"width": 2}, False),
        ({"eps": 1e-3}, False),
        ({"lr": 0.1}, True),  # the recipe's own
        ({"epochs": 7}, True),
        ({"recipe": "he2015", "epochs": 2}, True),
        ({"lr": [0.1, 0.02]}, True),
    ],
)
def test_published_curves_stand_beside_lines_that_were_trained_as_published(sweep, changes, drawn):
    frame = load(sweep(block(batch_size=[32, 8], **changes)))
    infos = [figure1.info(*one) for one in panels(frame, roles_of(frame)).items()]
    assert [bool(info.published) for info in infos] == [drawn] * len(infos)
    assert len(infos) == 1


def test_of_two_panels_the_published_one_has_the_published_curves(sweep):
    trials = [t for norm in ({"norm": "bn"}, {"norm": "gn", "groups": 8})
              for t in block(batch_size=[32, 8], lr=[0.1, 0.02], **norm)]  # fmt: skip
    frame = load(sweep(trials))
    infos = [figure1.info(*one) for one in panels(frame, roles_of(frame)).items()]
    assert {info.panel["lr"]: bool(info.published) for info in infos} == {0.1: True, 0.02: False}


def test_the_notebook_call(sweep):
    url = sweep(block(seeds=2))
    assert fig1(load(url)).to_dict() == fig1(url).to_dict()
    with pytest.raises(InputError, match="nothing to draw"):
        fig1(sweep(block(), status=lambda t: "missing", folder="none"))
