"""Which axis is x, which are lines, which panels: decided from frames that are written out by hand."""

import itertools

import pandas as pd
import pytest

from analysis.sources.frame import make
from analysis.stats.cells import cells, panels
from analysis.stats.roles import CLASSIC, Roles, roles_of
from model.errors import InputError


def frame_of(norms=("bn", "gn"), sizes=(32, 2), seeds=(1, 2), where=lambda row: True, **own):
    """The product of everything, own axes as columns; a value may be a function of the row."""
    fixed = {k: v for k, v in own.items() if not callable(v)}
    rows = [
        dict(zip(["norm", "batch_size", *fixed, "seed"], values, strict=True))
        for values in itertools.product(norms, sizes, *fixed.values(), seeds)
    ]
    rows = [{**row, **{k: v(row) for k, v in own.items() if callable(v)}} for row in rows]
    rows = [row for row in rows if where(row)]
    frame = make(
        {**row, "status": "done", "test_error": 10.0 + i, "source": "s"} for i, row in enumerate(rows)
    )
    for name in own:
        frame[name] = pd.Series([row[name] for row in rows])
    return frame


def test_norm_and_batch_size_are_figure_1():
    assert roles_of(frame_of()) == CLASSIC
    assert roles_of(frame_of(norms=["bn"], sizes=[32])) == CLASSIC, "nothing varies"


def test_a_third_axis_cuts_into_panels():
    frame = frame_of(temperature=[0.1, 1.0])
    roles = roles_of(frame)
    assert (roles.x, roles.more, roles.along) == ("batch_size", (), ())
    assert "temperature" in roles.panel
    assert [[(c.line.norm, c.x) for c in own] for own in panels(frame, roles).values()] == 2 * [
        [("bn", 32), ("bn", 2), ("gn", 32), ("gn", 2)]
    ]


def test_without_batch_sizes_the_number_with_most_values_is_x():
    roles = roles_of(frame_of(sizes=[32], temperature=[0.1, 0.2, 0.4], clip=[1.0, 2.0]))
    assert roles.x == "temperature"
    assert {"clip", "batch_size"} <= set(roles.panel)


def test_rates_that_come_with_an_optimiser_are_not_what_is_studied():
    """Their own that nobody said; a rate that was said is."""
    rates = {"sgd": (0.1, 1e-4), "adamw": (0.001, 0.01)}
    own = {
        "recipe": ["wu2018"],
        "optimizer": list(rates),
        "lr": lambda row: rates[row["optimizer"]][0],
        "weight_decay": lambda row: rates[row["optimizer"]][1],
    }
    roles = roles_of(frame_of(sizes=[32], **own))
    assert (roles.x, roles.numeric, set(roles.along)) == ("optimizer", False, {"lr", "weight_decay"})
    roles = roles_of(frame_of(**own))
    assert (roles.x, roles.more) == ("batch_size", ())
    assert {"optimizer", "lr", "weight_decay"} <= set(roles.panel)
    assert roles_of(frame_of(sizes=[32], **own), x="lr").x == "lr"
    assert roles_of(frame_of(sizes=[32], **{**own, "lr": [0.1, 0.2]})).x == "lr"


def test_thresholds_that_come_with_a_way_of_clipping_are_not_what_is_studied():
    at = {"none": None, "norm": 1.0, "agc": 0.01}
    frame = frame_of(norms=["bn"], grad_clip=list(at), clip_at=lambda row: at[row["grad_clip"]])
    roles = roles_of(frame)
    assert (roles.x, roles.more, roles.along) == ("batch_size", ("grad_clip",), ("clip_at",))


def test_without_norms_the_next_axis_makes_the_lines():
    roles = roles_of(frame_of(norms=["bn"], sizes=[32], temperature=[0.1, 0.2, 0.4], clip=[1.0, 2.0]))
    assert (roles.x, roles.more) == ("temperature", ("clip",))
    names = {
        c.line.name
        for c in cells(
            frame_of(norms=["bn"], temperature=[0.1, 0.2]), Roles(more=("temperature",), own=("temperature",))
        )
    }
    assert names == {"BN (temperature 0.1)", "BN (temperature 0.2)"}


def test_only_texts_stand_side_by_side():
    roles = roles_of(frame_of(sizes=[32], act=["relu", "gelu"]))
    assert (roles.x, roles.numeric) == ("act", False)


def test_what_was_declared_with_batch_size_goes_along():
    """A rate that was scaled by hand: a panel for each would leave nothing to compare."""
    frame = frame_of(temperature=lambda row: row["batch_size"] / 320)
    roles = roles_of(frame)
    assert (roles.x, roles.along) == ("batch_size", ("temperature",))
    assert {(c.x, c.value("temperature")) for c in cells(frame, roles)} == {(32, 0.1), (2, 0.00625)}
    assert len(panels(frame, roles)) == 1


def test_what_each_norm_has_of_its_own_is_part_of_the_line():
    roles = roles_of(frame_of(temperature=lambda row: {"bn": 0.1, "gn": 0.05}[row["norm"]]))
    assert roles.more == ("temperature",)
    only_bn = frame_of(
        clip=[1.0, 2.0, None], where=lambda row: (row["norm"] == "gn") == (row["clip"] is None)
    )
    assert roles_of(only_bn).more == ("clip",), "as ghost batches, which group norm has none of"
    switch = frame_of(
        act=["plain", "standardised"], where=lambda row: row["norm"] == "gn" or row["act"] == "plain"
    )
    assert roles_of(switch).more == ("act",), "so that GN (standardised) is compared with BN"


def test_tuned_by_norm_and_batch_size_goes_along():
    frame = frame_of(
        temperature=lambda row: {("bn", 32): 0.1, ("bn", 2): 0.2, ("gn", 32): 0.2, ("gn", 2): 0.1}[
            row["norm"], row["batch_size"]
        ]
    )
    assert roles_of(frame).along == ("temperature",)


def test_two_cells_that_differ_in_one_axis_are_never_one():
    """Whatever the roles: as many cells as there are combinations, and no two with the same key."""
    for sizes, norms in itertools.product([[32, 2], [32]], [["bn", "gn"], ["bn"]]):
        frame = frame_of(norms, sizes, temperature=[0.1, 0.2, 0.3], act=["a", "b"])
        found = cells(frame, roles_of(frame))
        assert len(found) == len(norms) * len(sizes) * 6
        assert len({c.key for c in found}) == len(found)
        assert len({(c.panel, c.line.name, c.x, c.along) for c in found}) == len(found)
        assert all(len(c.last) == 2 for c in found)


def test_a_reader_chooses_x():
    frame = frame_of(temperature=[0.1, 0.2])
    roles = roles_of(frame, "temperature")
    assert roles.x == "temperature"
    assert "batch_size" in roles.panel
    assert {p["batch_size"] for p in panels(frame, roles)} == {32, 2}


@pytest.mark.parametrize(
    ("x", "said"),
    [("temperatur", "did you mean temperature"), ("norm", "no axis"), ("iterations", "not every trial")],
)
def test_what_lines_cannot_run_over_is_refused(x, said):
    with pytest.raises(InputError, match=said):
        roles_of(frame_of(temperature=[0.1, 0.2]), x)
