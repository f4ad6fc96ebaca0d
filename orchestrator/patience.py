"""How long to wait for what may come back, where the environment says otherwise."""

import math
import os

from model.errors import InputError


def patience_of(variable: str, usual: float) -> float:
    """Seconds. Raises InputError where the environment's are none: a wait without an end costs money."""
    said = os.environ.get(variable) or str(usual)
    try:
        seconds = float(said)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise InputError(f"{variable}={said}: expected a number of seconds.")
    return seconds
