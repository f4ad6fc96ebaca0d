"""What the commands share: arguments whose errors are one clear line and exit code 2, and words for time."""

import argparse
import difflib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """argparse's own, without its usage in front of every error, and with a word on what was meant.

    `instead`: of options that somebody may expect and that there are not, what to do.
    """

    def __init__(self, *args: Any, instead: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._instead = instead or {}

    def parse_args(  # type: ignore[override]  # argparse's has overloads for namespaces that nobody gives
        self, args: Sequence[str] | None = None, namespace: None = None
    ) -> argparse.Namespace:
        known, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self.error(self._unknown(unknown[0]))
        return known

    def _unknown(self, word: str) -> str:
        if not word.startswith("-"):
            return f"unexpected argument {word!r}"
        name = word.partition("=")[0]
        if name in self._instead:
            return f"there is no option {name}; {self._instead[name]}"
        near = difflib.get_close_matches(name, self._option_string_actions, n=1, cutoff=0.7)
        return f"there is no option {name}" + (f"; did you mean {near[0]}?" if near else "")

    def error(self, message: str) -> NoReturn:
        print(f"error: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)


def called(module: str) -> str:
    """How who started this process types a command: `normsweep run`, or `python -m orchestrator.run`."""
    if os.path.basename(sys.argv[0]) == "normsweep":
        return f"normsweep {module.rpartition('.')[2]}"
    return f"python -m {module}"


def duration(seconds: float) -> str:
    """As a person says it: 45 s, 2 min 5 s, 20 min, 2 h 5 min, 3.1 days."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{seconds / 86400:.1f} days"


def positive(text: str) -> int:
    """A type of argument: a whole number above zero."""
    if not text.isdecimal() or not text.isascii() or len(text) > 9 or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r}; expected a whole number above zero")
    return int(text)
