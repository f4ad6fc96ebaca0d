"""`normsweep completion bash|zsh`: a script that completes commands, options and their values.

Made once from the commands' own parsers, by shtab: nothing is imported while somebody presses Tab.
"""

import argparse
from collections.abc import Sequence
from typing import Any

from model.command import command
from model.errors import InputError
from orchestrator import normsweep
from orchestrator.cli import Parser

_HOW = """\
bash:  mkdir -p ~/.local/share/bash-completion/completions
       normsweep completion bash > ~/.local/share/bash-completion/completions/normsweep
zsh:   mkdir -p ~/.zfunc && normsweep completion zsh > ~/.zfunc/_normsweep
       and in ~/.zshrc, before compinit:  fpath+=~/.zfunc

For one shell alone:  source <(normsweep completion bash)"""
_GRIDS = "_normsweep_grids"
#: A file for --grid, or the name of one that ships.
_PREAMBLES = {
    "bash": """\
{name}() {{
  compgen -W "{grids}" -- "$1"
  compgen -f -X '!*.y*ml' -- "$1"
  compgen -d -S / -- "$1"
}}""",
    "zsh": """\
{name}() {{
  _alternative 'grids:grid that ships:({grids})' 'files:file:_files -g "*.(yaml|yml)"'
}}""",
}


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="normsweep completion",
        description="Print a script by which a shell completes commands, options and values.",
        epilog=_HOW,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=tuple(_PREAMBLES))
    return parser


@command
def main(argv: Sequence[str] | None = None) -> int:
    """The exit code."""
    shell = parser().parse_args(argv).shell
    try:
        import shtab
    except ImportError:
        raise InputError("completion is made by shtab, which is not installed: pip install shtab") from None
    from orchestrator.grid.parse import shipped_names

    preamble = _PREAMBLES[shell].format(name=_GRIDS, grids=" ".join(shipped_names()))
    print(shtab.complete(_whole(shtab), shell=shell, preamble={shell: preamble}))
    return 0


def _whole(shtab: Any) -> argparse.ArgumentParser:
    """The parsers of all commands below one."""
    root = argparse.ArgumentParser(prog="normsweep")
    root.add_argument("--version", action="store_true", help="the version that is installed")
    commands = root.add_subparsers(metavar="COMMAND")
    for name, one in normsweep.COMMANDS.items():
        commands.add_parser(name, help=one.help)
        commands.choices[name] = own = normsweep.found(one.parser)()
        own.description = one.help  # what zsh shows beside a command
        for action in own._actions:
            _say_values(action, shtab)
    return root


def _say_values(action: argparse.Action, shtab: Any) -> None:
    """What may stand behind an option: as its axis has it, or a place."""
    from model.spec import AXES

    place = str(action.metavar or "")
    if action.dest == "grid":
        action.complete = dict.fromkeys(_PREAMBLES, _GRIDS)  # type: ignore[attr-defined]
    elif action.dest in AXES and AXES[action.dest].choices:
        action.choices = AXES[action.dest].choices
    elif any(word in place for word in ("RESULTS", "FILE", "PATH", "URL")):
        action.complete = shtab.FILE  # type: ignore[attr-defined]
    elif any(word in place for word in ("FOLDER", "DIR")):
        action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
