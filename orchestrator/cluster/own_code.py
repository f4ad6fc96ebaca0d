"""Code that a user brings, for the machines of a cluster: it goes with the questions and the packs.

The modules that import paths name, and what these import from beside them, are sent as they are and lie in
the cache of each node, below one folder as they do here; Ray's `py_modules` would give each a folder of its
own, and no digest would be the same. What is installed is not sent: it has to be the same on every node, as
all that is installed, and the nodes are asked. Data are not sent either: they lie at one place on every node.
"""

import hashlib
import importlib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from model.data.cache import folder
from model.digest import digest
from model.errors import InputError
from model.own import source_files
from orchestrator.results.disk import write_whole

#: Files by their path below a folder of Python's search path.
Sources = Mapping[str, bytes]


def sources(values: Iterable[str]) -> Sources:
    """What has to be sent for import paths to be imported elsewhere. Raises InputError."""
    found: dict[str, bytes] = {}
    places: dict[str, Path] = {}
    for value in values:
        files = source_files(value)
        for name in () if files.installed else files.digests:
            path = files.root / name
            found[name], before = path.read_bytes(), found.get(name)
            if before not in (None, found[name]):
                raise InputError(
                    f"{path} and {places[name]} are two files of one name, and Python would import one of "
                    "them alone; call one otherwise"
                )
            places[name] = path
    return found


def receive(sent: Sources) -> None:
    """On a node: have Python find them, before what else is called so there. Raises InputError, OSError."""
    if not sent:
        return
    mark = digest({name: hashlib.sha256(source).hexdigest() for name, source in sent.items()})
    place = folder() / f"code-{mark}"
    for name, source in sent.items():
        if not (place / name).exists():
            write_whole(str(folder()), str(place / name), source)
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))
        importlib.invalidate_caches()
