"""How every command of the project ends."""

import atexit
import errno
import functools
import io
import os
import select
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, ParamSpec

from model.errors import InputError

#: What a shell sees of a program that SIGPIPE, or SIGINT, ended.
_GONE = 128 + 13
_INTERRUPTED = 128 + 2
_STDERR = 2
_P = ParamSpec("_P")
#: How standard output fails: closed, full, over a quota or a limit.
_OUTPUT = {errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EBADF}


def leave(main: Callable[[], int]) -> NoReturn:
    """Run a command and exit with its code; quietly where nobody reads the output any more (`| head`)."""
    code = 1  # of what nobody catches
    atexit.register(lambda: _end(code))  # the first that is registered is the last that is called
    _fill_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has no "–" shows a "?"
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        if not output_is_gone():
            raise
        code = _GONE
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        raise
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        code = _INTERRUPTED
    except OSError as error:
        if not of_output(error):
            raise
        _drop_output()
        print(f"error: standard output cannot be written: {error.strerror}", file=sys.stderr)
        code = 1
    sys.exit(code)


def _end(code: int) -> NoReturn:
    """End at once, after threads and all else that asked to be told.

    Python itself would look for cycles in all of torch and Ray first, which takes a second; and what it is
    kept from looking through, Triton's bindings call leaked.
    """
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def command(main: Callable[_P, int]) -> Callable[_P, int]:
    """A `main` that says what its user can put right in one line on standard error, with exit code 2."""

    @functools.wraps(main)
    def told(*args: _P.args, **kwargs: _P.kwargs) -> int:
        try:
            return main(*args, **kwargs)
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2

    return told


def _fill_closed() -> None:
    """What was closed before the command began (`>&-`) takes every word, and is no name for files to come."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    nowhere = os.fdopen(number, "w")
    sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere


def of_output(error: OSError) -> bool:
    """Whether writing to standard output failed: that error names no file, and those of storage do."""
    return error.filename is None and error.errno in _OUTPUT


def output_is_gone() -> bool:
    """Whether standard output is a pipe that nobody reads; what is left of it is then dropped.

    Storage over a network raises BrokenPipeError too.
    """
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)  # of errors it tells in any case
    if not any(event & select.POLLERR for _, event in poll.poll(0)):
        return False
    _drop_output()
    return True


def _drop_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
