"""Loaded by every Python process of a soaked run, Ray's workers included: dies at a named write point.

NORMSWEEP_SOAK_POINT=KIND:PHASE:N kills the process with SIGKILL at its N-th write of a file of that KIND
(checkpoint, history.json, …): before anything is written, with the temporary file torn, or just after
the rename. The product has no hook for this; it is patched as it is imported.
"""

import importlib.abc
import importlib.machinery
import os
import re
import signal
import sys

POINT = os.environ.get("NORMSWEEP_SOAK_POINT", "")


def kind_of(path):
    """checkpoint-00012.pt -> checkpoint, lock.json.1a2b -> lock.json, others by their name."""
    name = os.path.basename(path)
    name = re.sub(r"^(checkpoint)-\d+\.pt$", r"\1", name)
    return re.sub(r"^(lock\.json)\..*$", r"\1", name)


def die():
    """Once a run: a worker that is started again must get past the point."""
    try:
        os.close(os.open(os.environ["NORMSWEEP_SOAK_ONCE"], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def patch(files):
    kind, phase, number = POINT.split(":")
    real, seen = files.Files._write_local, []

    def write(self, path, data, **how):
        if kind_of(path) != kind:
            return real(self, path, data, **how)
        seen.append(path)
        if len(seen) != int(number):
            return real(self, path, data, **how)
        if phase == "before":
            die()
        if phase == "torn":
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(f"{path}.torn.tmp", "wb") as file:
                file.write(data[: len(data) // 2])
                file.flush()
                die()
            os.unlink(f"{path}.torn.tmp")
        real(self, path, data, **how)
        die()
        return None

    files.Files._write_local = write


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "orchestrator.results.files":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            patch(module)

        spec.loader.exec_module = exec_module
        return spec


if POINT:
    sys.meta_path.insert(0, Finder())
