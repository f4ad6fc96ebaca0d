"""What the table of axes says, and the names of cells that follow from it."""

from dataclasses import dataclass
from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from model.axis import Axis, axes_of
from model.spec import AXES, Spec, full_name

CELL = Spec(norm="gn", groups=8, batch_size=32, epochs=100, holdout=5000)


@dataclass(frozen=True, kw_only=True)
class Table:
    width: Annotated[int | None, Axis("Width", unit="channels")] = None
    rate: Annotated[float, Axis("Rate", before=0.1)] = 0.2
    way: Annotated[str, Axis("Way", choices=("up", "down"))]


def test_the_table_is_read_off_its_fields():
    table = axes_of(Table)
    assert [(a.name, a.kind, a.optional, a.required) for a in table.values()] == [
        ("width", "int", True, False),
        ("rate", "float", False, False),
        ("way", "text", False, True),
    ]
    assert [(a.added, a.unsaid) for a in table.values()] == [(False, None), (True, 0.1), (False, None)]


def test_a_field_without_an_axis_is_told():
    @dataclass
    class Forgotten:
        depth: int

    with pytest.raises(TypeError, match=r"Forgotten\.depth is no axis"):
        axes_of(Forgotten)


def test_choices_are_checked_wherever_the_type_is_used():
    way = TypeAdapter(axes_of(Table)["way"].item)
    assert way.validate_python("up") == "up"
    with pytest.raises(ValidationError, match="'left' is none of up, down"):
        way.validate_python("left")


@pytest.mark.parametrize(
    ("axis", "value", "words"),
    [
        ("dataset", "cifar10", "cifar10"),
        ("model", "resnet20", "resnet20"),
        ("shortcut", "projection", None),
        ("shortcut", "identity", "identity shortcuts"),
        ("epochs", None, None),
        ("epochs", 1, "1 epoch"),
        ("epochs", 1000, "1000 epochs"),
        ("iterations", 64_000, "64,000 iterations"),
        ("holdout", 0, None),
        ("holdout", 5000, "5,000 images held out"),
    ],
)
def test_what_a_title_says_of_a_value(axis, value, words):
    assert AXES[axis].in_title(value) == words


def test_an_axis_without_templates_is_called_by_its_label():
    table = axes_of(Table)
    assert table["width"].in_title(64) == table["width"].in_name(64) == "width 64 channels"
    assert table["rate"].in_title(0.2) is None


def test_the_names_of_a_cell():
    assert CELL.name == "gn G=8, batch 32"
    assert (
        full_name(vars(CELL))
        == "gn G=8, batch 32 (cifar10, resnet20, projection, wu2018, 100, hold-out 5000)"
    )
    assert full_name({"norm": "bn", "batch_size": 2, "iterations": 9}) == "bn, batch 2 (9)"


@pytest.mark.parametrize("name", list(AXES))
@pytest.mark.parametrize("value", [None, [None], {}, "", "x", -1, 10**400, 1.5, True])
def test_a_cell_from_a_strangers_file_has_a_name_whatever_it_holds(name, value):
    assert full_name({**vars(CELL), name: value})
