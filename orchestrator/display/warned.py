"""Warnings of a command: what the data set says it had to do to images, say."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def warnings_in_lines() -> Iterator[None]:
    """What concerns the user in a line on standard error, once; what concerns programmers not at all."""
    with warnings.catch_warnings():
        warnings.simplefilter("once", UserWarning)
        warnings.showwarning = _show
        yield


def _show(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    if issubclass(category, UserWarning):
        print(f"warning: {message}", file=sys.stderr)
