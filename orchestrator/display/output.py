"""Standard output that may be lost while a sweep trains: its pipe is closed, its disk is full.

What is trained is worth more than what is said of it: the run goes on, and the rest of the words are dropped.
"""

import contextlib
import errno
import os
import sys
from typing import Any, NoReturn, TextIO

from rich.console import Console

from model.errors import reason


class Output(Console):
    """rich's console; a reader that goes away is left to `model.command.leave` and is no exit code 1."""

    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


class LastingOutput:
    """A text stream that takes every write. The first that fails is told on standard error; a character that
    the stream cannot encode is a question mark there."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lost = False

    def write(self, text: str) -> int:
        try:
            if not self._lost:
                self._stream.write(text)
        except UnicodeEncodeError as error:  # half a surrogate pair out of a forged file, say
            self._stream.write(text.encode(error.encoding, "replace").decode(error.encoding))
        except OSError as error:
            self._lose(error)
        return len(text)

    def flush(self) -> None:
        try:
            if not self._lost:
                self._stream.flush()
        except OSError as error:
            self._lose(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _lose(self, error: OSError) -> None:
        self._lost = True
        with contextlib.suppress(OSError, ValueError):  # what is in the stream's buffer must go somewhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
        with contextlib.suppress(OSError):
            print(f"warning: standard output is lost ({reason(error)}); the run goes on", file=sys.stderr)
