import itertools

import pytest

from analysis.plots import labels


@pytest.mark.parametrize("heights", [[1.0], [1.0, 9.0], [5.0, 5.0, 5.1], [0.1, 5.0, 5.2, 5.3, 9.9]])
def test_names_stand_at_their_lines_in_order_and_apart(heights):
    ends = [labels.End(f"line {height}", height, "#0072b2") for height in heights]
    notes, margin = labels.at_the_lines(ends, 0.0, 10.0)
    pixels = [note["y"] * 34 + note["yshift"] for note in notes]
    assert [note["y"] for note in notes] == sorted(heights, reverse=True)
    assert all(above - below >= 15 for above, below in itertools.pairwise(pixels))
    assert all(abs(note["yshift"]) <= 8 * len(heights) for note in notes)
    assert margin > 7 * len("line 5.0")
    assert {(note["xref"], note["x"], note["xanchor"]) for note in notes} == {("paper", 1, "left")}


def test_many_or_long_names_have_a_legend():
    assert labels.fit(["BN", "GN (G = 8)"])
    assert not labels.fit([])
    assert not labels.fit(["BN"] * 7)
    assert not labels.fit(["BN (weight decay 0.0005)"])
