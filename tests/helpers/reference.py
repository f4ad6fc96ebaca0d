"""The reference pages of the documentation that are made from the code: `python -m tests.helpers.reference`
writes them."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from unittest.mock import patch

from model.axis import Axis
from model.spec import AXES
from orchestrator.display.lists import default_of
from orchestrator.normsweep import COMMANDS, found
from orchestrator.results.layout import LAYOUT
from tests.helpers import ROOT

_MADE = "<!-- Made from the code: python -m tests.helpers.reference -->\n\n"


def pages() -> dict[str, str]:
    """Content by path."""
    return {"docs/axes.md": axes(), "docs/commands.md": commands(), "docs/files.md": files()}


def axes() -> str:
    """Every axis of the table in `model/spec.py`."""
    rows = [(f"`{axis.name}`", axis.values, default_of(axis), _help(axis)) for axis in AXES.values()]
    rows.append(("`seeds`", "a count, or a list", "-", "of everything random; a count n is the seeds 1 to n"))
    return (
        "# Every axis\n\n"
        + _MADE
        + "What a grid can vary, under the name used in a block and with `--set`. [Grids and "
        "axes](grids.md) says how they go together, and `normsweep axes` prints this table. An axis with an "
        "option of its own needs no `--set` on the command line. `tune`, `from` and `zip` are keys of a block, "
        "not axes.\n\n" + _table(("axis", "values", "default", "what it is"), rows)
    )


def _help(axis: Axis) -> str:
    if axis.option is None:
        return axis.help
    return f"{axis.help} (`{axis.option.flag or '--' + axis.name.replace('_', '-')}`)"


def commands() -> str:
    """Every subcommand with its options, of its own parser."""
    parts = [
        "# Every command\n\n"
        + _MADE
        + "`normsweep COMMAND --help` prints the same. Most commands can also be run as "
        "modules: `python -m orchestrator.run` is `normsweep run`, `python -m analysis.report` is `normsweep "
        "report`.\n"
    ]
    with patch.object(sys, "argv", ["normsweep"]):  # as who types it is answered
        for name, command in COMMANDS.items():
            parts.append(_command(name, found(command.parser)()))
    return "\n".join(parts)


def _command(name: str, parser: argparse.ArgumentParser) -> str:
    lines = [f"## {name}\n", " ".join((parser.description or "").split()), ""]
    for group in parser._action_groups:
        rows = [*_options(parser, group)]
        if not rows:
            continue
        if group.title not in {"options", "positional arguments"}:
            lines += [f"{(group.title or '')[:1].upper()}{(group.title or '')[1:]}:", ""]
        lines += [_table(("option", "what it does"), rows)]
    return "\n".join(lines)


def _options(parser: argparse.ArgumentParser, group: argparse._ArgumentGroup) -> Iterator[tuple[str, str]]:
    formatter = parser._get_formatter()
    for action in group._group_actions:
        if action.help == argparse.SUPPRESS or isinstance(action, argparse._HelpAction):
            continue
        taken = action.metavar or ("{" + ",".join(map(str, action.choices)) + "}" if action.choices else "")
        words = ", ".join(action.option_strings) or str(taken or action.dest)
        value = f" {taken}" if action.option_strings and action.nargs != 0 else ""
        yield f"`{words}{value}`", formatter._expand_help(action) if action.help else ""


def files() -> str:
    """Every file of a results folder."""
    rows = [(f"`{file.name}`", file.written, file.what) for file in LAYOUT]
    return (
        "# Every file of a results folder\n\n"
        + _MADE
        + "The folder contains everything about a sweep: it can be copied, "
        "archived or put into a bucket. JSON files carry a checksum, and none of the files is a pickle. `*` "
        "stands for a trial's id and the like.\n\n" + _table(("file", "written", "what it holds"), rows)
    )


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(map(_escaped, row))} |\n" for row in lines)


def _escaped(cell: str) -> str:
    """In code a < is itself; elsewhere it would begin a tag."""
    text = cell.replace("|", "\\|")
    return text if text.startswith("`") else text.replace("<", "&lt;")


if __name__ == "__main__":
    for path, content in pages().items():
        (ROOT / path).write_text(content, encoding="utf-8")
