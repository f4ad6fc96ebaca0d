"""This machine's cores and memory, as a process may use them."""

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
