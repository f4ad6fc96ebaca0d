"""Stand-ins for Google's and Azure's buckets: their emulators from the package registries, on loopback."""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.helpers import ROOT
from tests.helpers.servers import free_port, listens
from tests.helpers.waiting import until

#: Azurite's own account, the same everywhere and printed in its manual.
_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def _azurite() -> str | None:
    beside = ROOT / "node_modules/.bin/azurite-blob"
    return str(beside) if beside.exists() else shutil.which("azurite-blob", path=os.environ.get("PATH"))


def lacking(scheme: str) -> str | None:
    """What is not installed here, of what a bucket of this scheme takes; None where all is."""
    wanted = {"gs": ("gcsfs", "gcp_storage_emulator"), "az": ("adlfs",)}[scheme]
    missing = [name for name in wanted if importlib.util.find_spec(name) is None]
    if scheme == "az" and _azurite() is None:
        missing.append("azurite (npm install --no-save azurite)")
    return f"needs {', '.join(missing)}" if missing else None


@contextlib.contextmanager
def bucket_at(scheme: str, folder: Path) -> Iterator[dict[str, str]]:
    """A server in a process of its own: the environment by which its buckets are reached."""
    port = free_port()
    if scheme == "gs":
        # Its own default asks a service that no emulator has whether a bucket is of another kind.
        variables = {
            "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{port}",
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
        }
        place = ["--host", "127.0.0.1", "--port", str(port)]
        command = [sys.executable, "-m", "gcp_storage_emulator", "start", *place, "--in-memory", "--quiet"]
    else:
        end = f"BlobEndpoint=http://127.0.0.1:{port}/{_ACCOUNT};"
        account = f"AccountName={_ACCOUNT};AccountKey={_KEY};"
        variables = {"AZURE_STORAGE_CONNECTION_STRING": f"DefaultEndpointsProtocol=http;{account}{end}"}
        place = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder)]
        # It refuses versions of the protocol that are younger than itself.
        command = [_azurite() or "", *place, "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    with _serving(command, port, folder / "log"):
        yield variables


@contextlib.contextmanager
def _serving(command: Sequence[str], port: int, log: Path) -> Iterator[None]:
    with log.open("wb") as file:
        server = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        until(lambda: listens("127.0.0.1", port), what=f"{command[0]} answers", explain=log.read_text)
        yield
    finally:
        server.terminate()
        server.wait(30)
