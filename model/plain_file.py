"""A file that is read whole: plain, and no larger than such a file may be.

Somebody's folder or command line may name a pipe, a device or fifty gigabytes, and a program that reads those
waits for ever or fills the memory.
"""

import errno
import os
import stat

#: Of a text that a person writes or a benchmark does.
MOST_TEXT = 2**24


class NoPlainFileError(FileNotFoundError):
    """There is a pipe, a device or a folder of that name."""


class TooLargeError(NoPlainFileError):
    """There is a file of that name, and it is larger than such a file may be."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.ENOENT, "it is larger than such a file may be", path)


def read_whole(path: str, most: int) -> bytes:
    """The bytes of a plain file. Raises FileNotFoundError where there is none, no plain one, or none of at
    most so many bytes; other kinds of OSError."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise NoPlainFileError(errno.ENOENT, "it is no plain file", path)
        if facts.st_size > most:
            raise TooLargeError(path)
        return file.read()


def read_text(path: str) -> str:
    """The UTF-8 text in a plain file. Raises OSError as `read_whole`, UnicodeDecodeError."""
    return read_whole(path, MOST_TEXT).decode()
