"""A value of an axis, checked by itself, as a block says it under `from` and `tune`."""

from functools import cache

from pydantic import TypeAdapter

from model.axis import Value
from model.spec import AXES


def checked(name: str, value: object) -> Value:
    """The value of the axis `name`, of its type. Raises pydantic's ValidationError."""
    found: Value = _adapter(name).validate_python(value)
    return found


@cache  # a shipped grid asks for the same few hundreds of times, and one takes 0.2 ms to make
def _adapter(name: str) -> TypeAdapter[Value]:
    return TypeAdapter(AXES[name].item)
