"""Whose processor this is: kernels and their speed are a maker's own."""

import functools
from pathlib import Path


@functools.cache
def vendor() -> str:
    """As it says itself: `AuthenticAMD`, `GenuineIntel`; empty where Linux does not tell (ARM, other
    systems)."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("vendor_id")), "")
