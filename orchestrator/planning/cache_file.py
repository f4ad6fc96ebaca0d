"""A small JSON file of the cache folder: what runs on this machine have measured, for the next plan."""

import contextlib
import json
from typing import Any

from model.data import cache
from model.errors import InputError
from orchestrator.results.disk import write_whole


def read(name: str) -> Any:
    """What it says, which anybody can have edited; None where there is none, or it is no JSON."""
    try:
        return json.loads((cache.folder() / name).read_bytes())
    except (OSError, ValueError, RecursionError, InputError):
        return None


def write(name: str, content: object) -> None:
    """Nothing where the cache folder cannot be written."""
    with contextlib.suppress(OSError, InputError):
        folder = str(cache.folder())
        write_whole(folder, f"{folder}/{name}", json.dumps(content, indent=1).encode())
