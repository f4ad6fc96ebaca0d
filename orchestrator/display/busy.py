"""What a command does while it has nothing to show yet: on a terminal a line that goes away again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

#: Takes what is done next, in a few words.
Say = Callable[[str], None]


@contextmanager
def busy(console: Console, what: str) -> Iterator[Say]:
    """Show `what` while the block runs; gives what takes the next words. Nothing but on a terminal."""
    if not console.is_terminal:
        yield quiet
        return
    with console.status(f"{what} …") as line:
        yield lambda words: line.update(f"{words} …")


def quiet(_: str) -> None:
    """Where nobody looks."""
