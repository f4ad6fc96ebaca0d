"""`normsweep COMMAND …`: one command for what `python -m` runs module by module.

It has no options of its own. The module behind a command has its parser, in a file that imports little, and
its `main`: what is asked or typed wrongly is answered by the parser alone, before pandas, torch or Ray come.
"""

import argparse
import difflib
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, NoReturn

from model.command import command, leave
from orchestrator.cli import Parser


@dataclass(frozen=True)
class Command:
    """`parser`, `main`: where they lie, as module:name. `help`: in a line."""

    help: str
    parser: str
    main: str


#: In the order of --help.
COMMANDS = {
    "run": Command(
        "train whatever a sweep still lacks, and make its report",
        "orchestrator.arguments:run",
        "orchestrator.run:main",
    ),
    "status": Command(
        "where a sweep stands, even while it runs",
        "orchestrator.arguments:status",
        "orchestrator.status:main",
    ),
    "report": Command(
        "rebuild a report, or set several sweeps side by side",
        "analysis.arguments:report",
        "analysis.report:main",
    ),
    "tables": Command(
        "a table of the cells, for a terminal, a paper or a program",
        "analysis.arguments:tables",
        "analysis.tables:main",
    ),
    "figures": Command(
        "the figures as files, for a paper",
        "analysis.arguments:figures",
        "analysis.figures:main",
    ),
    "methods": Command(
        "a methods section, or its citations",
        "analysis.arguments:methods",
        "analysis.methods:main",
    ),
    "evaluate": Command(
        "evaluate stored networks, without training anything",
        "orchestrator.arguments:evaluate",
        "orchestrator.evaluate:main",
    ),
    "axes": Command(
        "what a grid and --set can vary",
        "orchestrator.axes:parser",
        "orchestrator.axes:main",
    ),
    "bench": Command(
        "what the orchestrator itself costs on this machine",
        "orchestrator.bench.arguments:parser",
        "orchestrator.bench.__main__:main",
    ),
    "simulate": Command(
        "a sweep on 1 to 1,000 workers, on paper",
        "orchestrator.simulate.arguments:parser",
        "orchestrator.simulate.__main__:main",
    ),
    "onprem": Command(
        "a Ray cluster file for machines reached by ssh",
        "orchestrator.onprem:parser",
        "orchestrator.onprem:main",
    ),
    "completion": Command(
        "a completion script for bash or zsh",
        "orchestrator.completion:parser",
        "orchestrator.completion:main",
    ),
}


def main() -> NoReturn:
    """The console command. Exits as the command that was named does."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while a command is imported is no traceback
    leave(partial(_main, sys.argv[1:]))


@command
def _main(words: Sequence[str]) -> int:
    if not words or words[0] not in COMMANDS:
        return _no_command(words)
    chosen = COMMANDS[words[0]]
    found(chosen.parser)().parse_args(words[1:])  # ends here for --help, and where something is wrong
    run = found(chosen.main)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    code: int = run(words[1:])
    return code


def found(where: str) -> Callable[..., Any]:
    """What lies at module:name."""
    module, _, name = where.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function


def parser() -> argparse.ArgumentParser:
    """Of what comes before a command."""
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:{width}}  {one.help}" for name, one in COMMANDS.items())
    parser = Parser(
        prog="normsweep",
        usage="normsweep COMMAND …",
        description="Sweeps for normalisation studies, on Ray Tune.",
        epilog=f"commands:\n{listed}\n\n`normsweep COMMAND --help` lists its options; "
        "`normsweep run --grid demo` is a first sweep.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="the version that is installed")
    parser.add_argument("command", nargs="?", metavar="COMMAND", help=argparse.SUPPRESS)
    return parser


def _no_command(words: Sequence[str]) -> int:
    own = parser()
    if not words:
        own.print_help()
        return 2
    if not words[0].startswith("-"):
        near = difflib.get_close_matches(words[0], COMMANDS, n=1)
        own.error(f"there is no command {words[0]!r}" + (f"; did you mean {near[0]}?" if near else ""))
    chosen, more = own.parse_known_args(words)
    if more or not chosen.version:
        own.error(f"{' '.join(words)}: expected a command first, as in normsweep run {' '.join(words)}")
    print(f"normsweep {version()}")
    return 0


def version() -> str:
    """As pyproject.toml has it, which nothing repeats."""
    from importlib import metadata  # 30 ms

    try:
        return metadata.version("normsweep")
    except metadata.PackageNotFoundError:
        return "of a folder that is not installed"
