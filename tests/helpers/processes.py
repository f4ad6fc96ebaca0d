"""What a process has started, and whether it is gone."""

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path


def descendants(root: int) -> dict[int, str]:
    """Process ids of everything below a process, and their command lines."""
    children: dict[int, list[tuple[int, str]]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            children.setdefault(parent, []).append((int(entry.name), line))
    found: dict[int, str] = {}
    todo = [root]
    while todo:
        for pid, line in children.get(todo.pop(), []):
            found[pid] = line
            todo.append(pid)
    return found


def gone(pids: Iterable[int], seconds: float = 30) -> bool:
    """Whether all of these end within so many seconds."""
    end = time.monotonic() + seconds
    left = set(pids)
    while left and time.monotonic() < end:
        left = {pid for pid in left if _lives(pid)}
        time.sleep(0.1)
    return not left


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def interrupt() -> None:
    """Ctrl-C in this process."""
    os.kill(os.getpid(), signal.SIGINT)
