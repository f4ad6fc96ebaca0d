import math

import pytest

from analysis.plots import crossing
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


@pytest.mark.parametrize("estimate", [0.0, math.inf])
def test_a_crossover_off_the_axis_is_not_drawn(crossings, estimate):
    away = crossings[0]._replace(found=crossings[0].found._replace(estimate=estimate))
    assert crossing.drawn([away]) == ([], [])
    assert crossing.drawn([]) == ([], [])
