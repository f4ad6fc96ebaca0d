"""What there is to choose from: the grids that ship, and the axes that a grid can vary."""

from rich.table import Table

from model.axis import Axis
from model.spec import AXES


def grids_table() -> Table:
    """Name, number of trials and description of every shipped grid."""
    from orchestrator.grid.parse import shipped  # the axes alone wait for no pydantic

    table = _table("grid", "trials", "what it is")
    table.columns[1].justify = "right"
    for name, grid in shipped().items():
        table.add_row(name, str(len(grid.trials())), grid.description)
    return table


def axes_table() -> Table:
    """Name, values, default and meaning of every axis, as --set and a grid's blocks take it."""
    table = _table("axis", "values", "default", "what it is")
    for axis in AXES.values():
        table.add_row(axis.name, axis.values, default_of(axis), axis.help)
    table.add_row("seed", "--seeds, in a grid seeds", "-", "of everything random")
    return table


def default_of(axis: Axis) -> str:
    """In words."""
    if axis.from_recipe:
        return "the recipe's"
    if axis.required or axis.default is None:
        return "-"
    return str(axis.default).lower() if axis.kind == "bool" else str(axis.default)


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column == columns[0])
    return table
