"""How every command of the project ends."""

import os
import select
import sys
from collections.abc import Callable
from typing import NoReturn

#: What a shell sees of a program that SIGPIPE ended.
_GONE = 128 + 13


def leave(main: Callable[[], int]) -> NoReturn:
    """Run a command and exit with its code; quietly where nobody reads the output any more (`| head`)."""
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        if not output_is_gone():
            raise
        code = _GONE
    sys.exit(code)


def output_is_gone() -> bool:
    """Whether standard output is a pipe that nobody reads; what is left of it is then dropped.

    Storage over a network raises BrokenPipeError too.
    """
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)  # of errors it tells in any case
    if not any(event & select.POLLERR for _, event in poll.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True
