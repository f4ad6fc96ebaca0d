"""Archives of data sets that the internet has, kept beside the results of a sweep on a cluster.

The driver fetches one, once; every node reads it here, and goes to the internet only where it is not to be
had: two hundred nodes at one moment are no way to treat a university's server, and may have no way there.
"""

from collections.abc import Iterable

from model.data.fetched import Bring
from model.data.registry import archives
from model.errors import InputError
from orchestrator.results.files import Files
from orchestrator.results.patience import ABSENT, patiently
from orchestrator.results.storage_errors import StorageError

_FOLDER = ".data"
_PATIENCE = 120.0  # seconds for a bucket that many nodes ask at once


def kept_at(results: str) -> Bring:
    """What `model.data` asks on a node, and on a driver, before it asks the internet."""

    def bring(name: str, md5: str) -> bytes | None:
        try:
            return patiently(lambda: Files(results).read(_place(name, md5)), results, _PATIENCE)
        except (*ABSENT, InputError, StorageError):
            return None

    return bring


def keep(files: Files, datasets: Iterable[str], data_dir: str | None) -> None:
    """Put the archives of these data sets beside the results, where they are not yet; this machine fetches
    those that it lacks. Raises InputError, StorageError."""
    for dataset in datasets:
        for (name, md5), path in archives(dataset, data_dir, kept_at(files.url)).items():
            if not files.exists(_place(name, md5)):
                files.write(_place(name, md5), path.read_bytes())


def _place(name: str, md5: str) -> str:
    return f"{_FOLDER}/{md5[:12]}-{name}"
