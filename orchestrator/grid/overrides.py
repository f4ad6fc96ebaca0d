"""A grid narrowed or widened from the command line. Pure.

An adjusted grid is what it declares and no grid: norms that the grid does not have stand in a block of
their own, and two blocks may well come out the same once both have been given the same batch size.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from model.architectures import groups_in_words
from model.axis import Value
from model.errors import InputError
from model.norm_table import GROUPED, takes
from model.own import is_own, pinned
from model.spec import AXES
from orchestrator.grid.blocks import Block, Grid
from orchestrator.grid.searches import Declared, Search, declared
from orchestrator.grid.trial import Trial
from orchestrator.grid.tune import KEY as TUNE

#: Key of a block -> values instead of the grid's own; a key that is absent leaves the grid's.
Adjustments = Mapping[str, tuple[Value, ...]]


def adjust(grid: Grid, wanted: Adjustments) -> list[Trial]:
    """The trials of the adjusted grid, each once; see `Grid.trials`. Raises InputError."""
    return adjusted(grid, wanted).foreseen


def adjusted(grid: Grid, wanted: Adjustments) -> Declared:
    """What the adjusted grid declares. Raises InputError."""
    wanted = {name: _pinned(name, values) for name, values in wanted.items()}
    if {"epochs", "iterations"} <= set(wanted):
        raise InputError("give epochs or iterations, not both")
    _check_zips(grid, wanted)
    _check_searched(grid, wanted)
    norms = wanted.get("norm")
    blocks = [block for old in grid.blocks if (block := _block(old, wanted, norms)) is not None]
    known = {norm for block in grid.blocks for norm in _norms(block)}
    if new := tuple(norm for norm in norms or () if norm not in known):
        blocks += _new_norms(grid, wanted, new)
    if "groups" in wanted and not any(_grouped(_norms(block)) for block in blocks):
        raise _no_use("--groups")
    try:
        return declared(
            (trial for block in blocks for trial in block.trials()),
            (search for block in blocks for search in block.searches()),
        )
    except ValidationError as error:  # what only a trial as a whole can tell
        raise InputError(_told(error)) from None


def adjust_by_width(grid: Grid, wanted: Adjustments, groups: Mapping[int, int]) -> Declared:
    """What the adjusted grid declares, with the G that `groups` has for each width. Raises InputError."""
    trials: list[Trial] = []
    searches: list[Search] = []
    used = False
    for width, own in _by_width(grid, wanted).items():
        norms = wanted.get("norm") or [norm for block in own.blocks for norm in _norms(block)]
        said = {name: values for name, values in wanted.items() if name != "width"}
        if _grouped(norms):
            if width not in groups:
                has = ", ".join(map(str, groups))
                raise InputError(
                    f"--groups-from: no G was searched for at width {width}; the search has width {has}. "
                    "Search there too, or say --groups"
                )
            said["groups"], used = (groups[width],), True
        there = adjusted(own, said)
        trials += there.trials
        searches += there.searches
    if not used:
        raise _no_use("--groups-from")
    return declared(trials, searches)


def _by_width(grid: Grid, wanted: Adjustments) -> dict[int, Grid]:
    """The grid at each of its widths, or of those that are wanted."""
    zipped = any("width" in block.zip for block in grid.blocks)
    if "width" in wanted and zipped:
        _check_zips(grid, {"width": wanted["width"]})
    blocks: dict[int, list[Block]] = {}
    for block in grid.blocks:
        own = block.values("width") or ()
        for width in own if "width" in block.zip else wanted.get("width", own):
            if width in wanted.get("width", (width,)):
                blocks.setdefault(width, []).append(block.model_copy(update={"width": (width,)}))
    return {width: grid.model_copy(update={"blocks": tuple(own)}) for width, own in blocks.items()}


def _no_use(option: str) -> InputError:
    return InputError(
        f"{option} is for the norms {', '.join(GROUPED)}; none is left in this sweep; add --norms gn,…"
    )


def _grouped(norms: Iterable[Value]) -> list[Value]:
    """Those that have G."""
    return [norm for norm in norms if takes(str(norm), "groups")]


def _pinned(name: str, values: tuple[Value, ...]) -> tuple[Value, ...]:
    """An import path of the user's own as blocks have it, with its digest."""
    own = name in AXES and AXES[name].own
    return tuple(pinned(v) if own and isinstance(v, str) and is_own(v) else v for v in values)


def _check_zips(grid: Grid, wanted: Adjustments) -> None:
    """Of axes that go together a value that no block has would go with nothing."""
    for name, values in wanted.items():
        zipped = [block for block in grid.blocks if name in block.zip]
        has = [value for block in zipped for value in block.values(name) or ()]
        if zipped and (missing := [value for value in values if value not in has]):
            others = ", ".join(other for other in zipped[0].zip if other != name)
            raise InputError(
                f"{name} goes together with {others} in this grid, which has no {name} = {missing[0]}; "
                f"choose of {', '.join(map(str, dict.fromkeys(has)))}, or write a grid of your own"
            )


def _check_searched(grid: Grid, wanted: Adjustments) -> None:
    """What a grid searches for cannot be said instead."""
    searched = {name for block in grid.blocks if block.tune for name in block.tune.names}
    if both := sorted(searched & set(wanted)):
        raise InputError(
            f"{both[0]} is searched in this grid ({TUNE}), so it cannot be given here too; "
            f"take {both[0]} out of {TUNE} in a grid of your own, or leave it out here"
        )


def _norms(block: Block) -> tuple[Value, ...]:
    return block.values("norm") or ()


def _block(old: Block, wanted: Adjustments, norms: tuple[Value, ...] | None) -> Block | None:
    """One block adjusted; None where none of its norms is wanted, or its row of a zip is not."""
    kept = tuple(norm for norm in _norms(old) if norms is None or norm in norms)
    together = {name: old.values(name) for name in old.zip}
    if not kept or any(_left_out(name, own, wanted, kept) for name, own in together.items()):
        return None
    values = {**_lists(old), **wanted, **together, "norm": kept}
    for one, other in (("epochs", "iterations"), ("iterations", "epochs")):
        if one in wanted:
            values[other] = None
    if not _grouped(kept):
        values["groups"] = None
    return _validated(values)


def _left_out(
    name: str, own: tuple[Value, ...] | None, wanted: Adjustments, norms: tuple[Value, ...]
) -> bool:
    """Whether the row of a zip with the value `own` of an axis is not wanted."""
    if name not in wanted or (name == "groups" and not _grouped(norms)):
        return False
    return not set(own or ()) & set(wanted[name])


def _new_norms(grid: Grid, wanted: Adjustments, norms: tuple[Value, ...]) -> list[Block]:
    """Blocks like the grid's first, of a zip all of its rows, for norms that the grid does not have."""
    template = grid.blocks[0]
    rest = [name for name in type(template).model_fields if name not in template.zip]
    rows = [b for b in grid.blocks if all(getattr(b, name) == getattr(template, name) for name in rest)]
    needing = [norm for norm in norms if norm in GROUPED]
    if needing and "groups" not in wanted:
        allowed = groups_in_words(str((wanted.get("model") or template.values("model") or ("",))[0]))
        raise InputError(f"--norms {needing[0]}: it needs G, so say --groups too, of {allowed}")
    groups = wanted.get("groups") if _grouped(norms) else None
    new = [row.model_copy(update={"norm": norms, "groups": groups}) for row in rows]
    return [block for row in new if (block := _block(row, wanted, None)) is not None]


def _lists(block: Block) -> dict[str, Any]:
    searched = block.tune.names if block.tune else ()
    return {name: getattr(block, name) for name in type(block).model_fields if name not in searched}


def _validated(values: Mapping[str, Any]) -> Block:
    try:
        return Block(**values)
    except ValidationError as error:
        raise InputError(_told(error)) from None


def _told(error: ValidationError) -> str:
    """The first problem of a validation, in a line."""
    problem = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"] if isinstance(part, str) and "[" not in part)
    message = problem["msg"].removeprefix("Value error, ")
    got = f", got {problem['input']!r}" if problem["type"] != "value_error" else ""
    return f"{f'{where}: ' if where else ''}{message}{got}"
