from math import log2

import pytest

from analysis.plots.x_axis import places_of
from analysis.stats.axes import BATCH_SIZE, XAxis

DECAY = XAxis("temperature")


def test_batch_sizes_stand_as_in_figure_1():
    layout = places_of(BATCH_SIZE, [2, 32, 8]).layout()
    assert (layout["type"], layout["tickvals"]) == ("log", [32, 8, 2])
    assert layout["range"][0] > layout["range"][1]


@pytest.mark.parametrize(
    ("values", "log"),
    [
        ([0.0125, 0.05, 0.1, 0.4], True),
        ([0.5, 1.0, 2.0], True),
        ([1e-5, 1e-4], True),
        ([0.8, 0.9, 0.99], False),
        ([1.0, 2.0, 3.0, 4.0], False),
        ([0.0, 1e-4], False),
        ([-1.0, 1.0, 10.0], False),
    ],
)
def test_numbers_that_are_spread_over_factors_are_logarithmic(values, log):
    places = places_of(DECAY, values)
    assert places.log is log
    assert sorted(places.places) == list(places.places)
    if not log:
        assert list(places.places) == values


def test_zero_stands_a_step_below_the_smallest():
    places = places_of(DECAY, [1e-4, 0.0, 1e-3, 1e-2])
    assert places.log
    assert log2(places[1e-4]) - log2(places[0.0]) == pytest.approx(log2(10))
    assert places.layout()["ticktext"] == ["0", "0.0001", "0.001", "0.01"]


def test_texts_stand_side_by_side():
    places = places_of(XAxis("solver", numeric=False), ["sgd", "adamw"])
    assert [places["adamw"], places["sgd"]] == [0.0, 1.0]
    assert places.layout()["ticktext"] == ["adamw", "sgd"]


@pytest.mark.parametrize(
    "axis_values", [(BATCH_SIZE, [32, 8]), (DECAY, [0.01, 0.1]), (DECAY, [1.0, 2.0, 3.0])]
)
def test_the_first_line_is_leftmost(axis_values):
    axis, values = axis_values
    places = places_of(axis, values)
    sign = -1 if axis.falls else 1
    assert (
        sign * places.beside(values[0], 0.1)
        < sign * places[values[0]]
        < sign * places.beside(values[0], -0.1)
    )
