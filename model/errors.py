"""The one exception for what a user can put right: a message, never a traceback."""


class InputError(ValueError):
    """Bad input. The message says what was wrong, what was expected and what to do, in one or two lines."""
