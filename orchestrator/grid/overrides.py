"""A grid narrowed or widened from the command line. Pure.

An adjusted grid is a list of trials and not a grid: two blocks of a file may well come out the same
once both have been given the same batch size, and then the trial is meant once.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from model.errors import InputError
from orchestrator.grid.blocks import Block, Grid
from orchestrator.grid.trial import ALLOWED_GROUPS, Trial


@dataclass(frozen=True)
class Adjustments:
    """What the command line says instead of the grid; None leaves the grid's own."""

    norms: tuple[str, ...] | None = None
    batch_sizes: tuple[int, ...] | None = None
    groups: tuple[int, ...] | None = None
    seeds: tuple[int, ...] | None = None
    epochs: int | None = None
    dataset: str | None = None
    model: str | None = None


def adjust(grid: Grid, wanted: Adjustments) -> list[Trial]:
    """The trials of the adjusted grid, each once. Raises InputError."""
    blocks = [block for old in grid.blocks if (block := _block(old, wanted, wanted.norms)) is not None]
    known = {norm for block in grid.blocks for norm in block.norm}
    if new := tuple(norm for norm in wanted.norms or () if norm not in known):
        blocks.append(_new_norms(grid.blocks[0], wanted, new))
    if wanted.groups is not None and not any("gn" in block.norm for block in blocks):
        raise InputError(
            "--groups is for group norm alone, and no gn is left in this sweep; add --norms gn,…"
        )
    return list(dict.fromkeys(trial for block in blocks for trial in block.trials()))


def _block(old: Block, wanted: Adjustments, norms: tuple[str, ...] | None) -> Block | None:
    """One block adjusted; None where none of its norms is wanted."""
    kept = tuple(norm for norm in old.norm if norms is None or norm in norms)
    if not kept:
        return None
    values: dict[str, Any] = {name: getattr(old, name) for name in Block.model_fields} | {"norm": kept}
    replacements = {
        "batch_size": wanted.batch_sizes,
        "seeds": wanted.seeds,
        "dataset": wanted.dataset,
        "model": wanted.model,
    }
    values |= {name: value for name, value in replacements.items() if value is not None}
    if wanted.epochs is not None:
        values |= {"epochs": wanted.epochs, "iterations": None}
    if "gn" not in kept:
        values["groups"] = None
    elif wanted.groups is not None:
        values["groups"] = wanted.groups
    return _validated(values)


def _new_norms(template: Block, wanted: Adjustments, norms: tuple[str, ...]) -> Block:
    """A block like the grid's first for norms that the grid does not have."""
    if "gn" in norms and wanted.groups is None:
        allowed = ", ".join(map(str, ALLOWED_GROUPS))
        raise InputError(f"--norms gn: this grid has no group norm, so say --groups too, of {allowed}")
    values = {name: getattr(template, name) for name in Block.model_fields}
    groups = wanted.groups if "gn" in norms else None
    block = _block(_validated({**values, "norm": norms, "groups": groups}), wanted, None)
    assert block is not None
    return block


def _validated(values: dict[str, Any]) -> Block:
    try:
        return Block(**values)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"] if isinstance(part, str) and "[" not in part)
        message = problem["msg"].removeprefix("Value error, ")
        got = f", got {problem['input']!r}" if problem["type"] != "value_error" else ""
        raise InputError(f"{f'{where}: ' if where else ''}{message}{got}") from None
