"""The figures of the searches for G over widths, by their numbers."""

import math

import pytest

from analysis import report
from analysis.figures import figures
from analysis.plots import group_surface
from analysis.study import read
from tests.helpers.synthetic import block

TRIED = {1: [16, 8, 4], 2: [32, 16, 8, 4], 4: [64, 32, 16, 8, 4]}


@pytest.fixture
def folder(sweep):
    trials = [t for w, g in TRIED.items() for t in block(norm="gn", width=w, groups=g, holdout=5000, seeds=3)]
    return sweep(
        trials,
        error=lambda t: 10 + abs(math.log2(t.groups / 8)) + t.seed / 10,
        status=lambda t: "diverged" if (t.width, t.groups, t.seed) == (2, 32, 1) else "done",
        epochs=5,
    )


def test_the_map_has_g_across_and_channels_per_group_upwards(folder):
    (surface,) = read([folder]).surfaces
    drawn = group_surface.heat_map(group_surface.info(surface)).data[0]
    assert list(drawn.x) == ["4", "8", "16", "32", "64"]
    assert list(drawn.y) == ["1", "2", "4", "8", "16"]
    by_place = {
        (x, y): (above, text)
        for y, row, words in zip(drawn.y, drawn.z, drawn.text, strict=True)
        for x, above, text in zip(drawn.x, row, words, strict=True)
        if above is not None
    }
    assert len(by_place) == 12
    assert by_place["8", "2"] == (pytest.approx(0.0), "10.20")
    assert by_place["64", "1"] == (pytest.approx(3.0), "13.20")
    assert by_place["4", "16"][1] == "11.20<br>width 4"
    assert by_place["32", "1"][1] == "12.25*", "the seed that diverged is not in the mean"


@pytest.mark.parametrize(("kind", "first"), [("groups", ["4", "8", "16"]), ("channels", ["4", "2", "1"])])
def test_a_line_for_each_width(folder, kind, first):
    (surface,) = read([folder]).surfaces
    drawn = group_surface.lines(group_surface.info(surface), kind)
    assert [trace.name for trace in drawn.data] == ["width 1", "width 2", "width 4"]
    assert list(drawn.data[0].x) == first
    assert list(drawn.data[0].y) == pytest.approx([11.2, 10.2, 11.2])
    assert len({trace.line.color for trace in drawn.data}) == 3
    ticks = [int(tick) for tick in drawn.layout.xaxis.categoryarray]
    assert ticks == sorted(ticks)


def test_the_page_begins_with_the_rule_and_the_command_draws_it(folder):
    page = report.build(folder)
    assert 'data-key="choosing-map-0"' in page.split('id="cells"')[0]
    assert 'data-figure="fig1"' not in page
    assert "carries over better between widths 1, 2 and 4" in page
    assert {"choosing-map", "choosing-groups", "choosing-channels"} <= set(figures(read([folder])))
