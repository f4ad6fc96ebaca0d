"""What the commands share: arguments whose errors are one clear line and exit code 2, and words for time."""

import argparse
import sys
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """argparse's own, without its usage in front of every error."""

    def error(self, message: str) -> NoReturn:
        print(f"error: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)


def duration(seconds: float) -> str:
    """1:02:03, 2:03 or 3 s; days from 48 hours up."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, rest = divmod(whole, 3600)
    if hours >= 48:
        return f"{hours / 24:.1f} days"
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{secs:02d}" if hours else f"{minutes}:{secs:02d}"


def positive(text: str) -> int:
    """A type of argument: a whole number above zero."""
    if not text.isdecimal() or not text.isascii() or len(text) > 9 or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r}; expected a whole number above zero")
    return int(text)
