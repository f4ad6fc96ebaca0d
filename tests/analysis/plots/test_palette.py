from itertools import combinations

from analysis.plots import palette
from analysis.stats.line import Line, labels
from model.norm_table import NORMS


def look(style):
    return style.colour, style.dash, style.symbol


def test_every_norm_of_ours_looks_like_no_other():
    drawn = palette.styles([Line(norm) for norm in NORMS])
    assert all(look(a) != look(b) for a, b in combinations(drawn.values(), 2))


def test_a_norm_looks_the_same_in_other_company():
    alone = palette.styles([Line("mine")])[Line("mine")]
    assert palette.styles([Line("bn"), Line("gn", 8), Line("mine")])[Line("mine")] == alone
    assert (
        palette.styles([Line(norm) for norm in ("rms", "frn")])[Line("rms")]
        == palette.styles([Line("rms")])[Line("rms")]
    )


def test_of_eight_strangers_each_has_a_colour():
    drawn = palette.styles([Line(f"norm {i}") for i in range(8)])
    assert len({style.colour for style in drawn.values()}) == 8


def test_lines_that_differ_in_a_number_go_from_cold_to_warm():
    lines = [Line("bn", None, (("temperature", t),)) for t in (0.0, 0.1, 1.0, 10.0)]
    drawn = [palette.styles(lines)[line] for line in lines]
    assert len({style.colour for style in drawn}) == len({style.symbol for style in drawn}) == 4
    reds = [int(style.colour[1:3], 16) for style in (drawn[0], drawn[-1])]
    assert reds[0] < reds[1]


def test_an_edited_norm_is_another_line_with_a_name_of_its_own():
    own = [
        "a.norms:Mine@111111111111",
        "a.norms:Mine@222222222222",
        "b.norms:Other@333333333333",
        "c:Other@333333333333",
        "bn",
    ]
    named = labels(own)
    assert [named[n] for n in own[:2]] == ["Mine@111111111111", "Mine@222222222222"]
    assert len(set(named.values())) == len(named) == 4
    assert labels(own[:1]) == {own[0]: "Mine"}


def test_every_colour_has_a_lighter_twin():
    twins = palette.twins([style.colour for style in palette.styles([Line(n) for n in NORMS]).values()])

    def light(colour):
        return sum(int(colour[i : i + 2], 16) for i in (1, 3, 5))

    dark = [c for c in twins if light(c) < 300]
    assert dark
    assert all(light(twins[c]) > light(c) for c in dark)
