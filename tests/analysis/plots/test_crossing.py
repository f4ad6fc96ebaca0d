import math

import pytest

from analysis.plots import crossing, figure1, palette
from analysis.sources.load import load
from analysis.stats.cells import panels
from analysis.stats.crossover import crossover_of
from analysis.stats.differences import by_pair
from analysis.study import read
from tests.helpers.synthetic import block


@pytest.fixture
def crossings(sweep):
    sizes = {"batch_size": [32, 8, 2], "seeds": 4}
    study = read([sweep(block(**sizes) + block(norm="gn", groups=8, **sizes))])
    (found,) = study.crossings.values()
    (own,) = study.differences.values()
    assert found[0].found == crossover_of(next(iter(by_pair(own).values())))
    return found


def test_the_crossover_is_drawn_where_it_is(crossings):
    found = crossings[0].found
    (line, bar), (note,) = crossing.drawn(crossings)
    assert (line["x0"], line["x1"]) == (found.estimate, found.estimate)
    assert 2 <= bar["x0"] < found.estimate < bar["x1"] <= 32
    assert note["x"] == pytest.approx(math.log10(found.estimate))
    assert note["text"].startswith(f"GN (G = 8) × BN at {found.estimate:.1f} (")


def test_no_interval_and_no_seed_reaches_its_words(crossings, sweep):
    sizes = {"batch_size": [32, 8, 2], "seeds": 4}
    trials = block(**sizes) + block(norm="gn", groups=8, **sizes)
    frame = load(sweep(trials, folder="again"))
    info = figure1.info(*next(iter(panels(frame).items())))
    layout = figure1.drawing(info, palette.styles(list(info.lines)), crossings)["layout"]
    low, high = layout["yaxis"]["range"]
    (bar,) = (shape for shape in layout["shapes"] if shape["y0"] == shape["y1"])
    (words,) = (note for note in layout["annotations"] if "×" in note["text"])
    points = [p for line in info.lines.values() for p in line]
    highest = max(max(p.high, *p.values.values()) for p in points)
    assert (highest - low) / (high - low) < bar["y0"] < words["y"]
    assert (words["yref"], words["yanchor"]) == ("paper", "bottom")


@pytest.mark.parametrize(("estimate", "anchor"), [(25.0, "left"), (8.0, "center"), (2.5, "right")])
def test_its_words_stay_within_the_figure(crossings, estimate, anchor):
    found = crossings[0]._replace(found=crossings[0].found._replace(estimate=estimate))
    ((note,),) = crossing.drawn([found])[1:]
    assert note["xanchor"] == anchor


@pytest.mark.parametrize("estimate", [0.0, math.inf])
def test_a_crossover_off_the_axis_is_not_drawn(crossings, estimate):
    away = crossings[0]._replace(found=crossings[0].found._replace(estimate=estimate))
    assert crossing.drawn([away]) == ([], [])
    assert crossing.drawn([]) == ([], [])
