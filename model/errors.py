"""The one exception for what a user can put right, and how any other becomes a line of text."""


class InputError(ValueError):
    """Bad input. The message says what was wrong, what was expected and what to do, in one or two lines."""


def reason(error: BaseException) -> str:
    """What went wrong, on one line: the system's word for it, else the whole message, else the type."""
    return getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__


def summary(error: BaseException) -> str:
    """The type and the whole message on one line, as a traceback ends; 300 characters at most."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]


def first_line(error: BaseException) -> str:
    """The first line of a message that explains itself over several, else the type."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def last_line(output: str, default: str = "") -> str:
    """The last line of what a program or a traceback said, where the error stands."""
    lines = output.strip().splitlines()
    return lines[-1].strip() if lines else default
