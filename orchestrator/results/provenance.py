"""Where numbers come from: versions, commit, device and host. Recorded with every result, never identity."""

import functools
import importlib.metadata
import platform
import socket
import subprocess
import sys
from pathlib import Path

from orchestrator.results.records import Provenance


@functools.cache  # a worker asks for every pack, and each answer is a file read and parsed
def version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


@functools.cache
def commit() -> str | None:
    """The commit of the checkout that runs, with `+` where files differ from it; None outside one."""
    folder = Path(__file__).parents[2]
    git = ["git", "-C", str(folder)]
    try:
        head = subprocess.run(
            [*git, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=True
        )
        changed = subprocess.run(
            [*git, "status", "--porcelain", "--untracked-files=no"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return head.stdout.strip()[:12] + ("+" if changed.stdout.strip() else "")


@functools.cache
def processor() -> str | None:
    """The CPU's name, as Linux or Python has it; None where neither does."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or None


def provenance(device: str | None = None, **training: str) -> Provenance:
    """JSON-ready facts. `device`: what trains, as a person would name it; `training`: what else whoever
    trains knows of how, such as threads and precision."""
    cuda = None
    torch = sys.modules.get("torch")  # never worth importing for this alone
    if torch is not None:
        cuda = torch.version.cuda if torch.cuda.is_available() else None
    return {
        "product": version("normsweep"),
        "commit": commit(),
        "python": platform.python_version(),
        "torch": version("torch"),
        "ray": version("ray"),
        "cuda": cuda,
        "device": device,
        "processor": processor(),
        "host": socket.gethostname(),
        **training,
    }
