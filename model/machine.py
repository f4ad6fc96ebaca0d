"""This machine's cores and memory, as a process may use them."""

import functools
from pathlib import Path

import psutil


def cores() -> int:
    """The cores that this process may run on, which can be fewer than there are."""
    process = psutil.Process()
    if hasattr(process, "cpu_affinity"):  # not on macOS
        return len(process.cpu_affinity())
    return psutil.cpu_count() or 1


def memory_bytes() -> int:
    """All there is and not what is free."""
    return int(psutil.virtual_memory().total)


@functools.cache
def vendor() -> str:
    """Who made the processor, as it says itself: `AuthenticAMD`, `GenuineIntel`; empty where Linux does not
    tell (ARM, other systems)."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("vendor_id")), "")
