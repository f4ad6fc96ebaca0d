"""What a soaked run does beside its work: it strikes at a named write point, and its lease and patience are short.

The product has no hook for any of this; its modules are patched, in a real process as they are imported
(`sitecustomize`), in a forked one before it begins. All that is wanted stands in the environment:

NORMSWEEP_SOAK_POINT   KIND:PHASE:N, the N-th write of a file of that KIND (checkpoint, history.json, …): before
                       anything is written, with the temporary file torn, or just after the rename
NORMSWEEP_SOAK_ACT     what happens there: kill (SIGKILL), stop (SIGSTOP) or move (the folder is renamed away)
NORMSWEEP_SOAK_ONCE    a file that is made when it happens: once a run
NORMSWEEP_SOAK_MOVE    FOLDER:AWAY, for move
NORMSWEEP_SOAK_HOST    the run is as from a host of that name, whose processes cannot be seen from another
NORMSWEEP_SOAK_MARKS   a folder with a file for each write that is under way, which holds the path
NORMSWEEP_SOAK_PATIENCE  seconds to wait for storage
"""

import contextlib
import os
import re
import signal
import time
import types
import uuid


def kind_of(path):
    """checkpoint-00012.pt -> checkpoint, lock.json.1a2b -> lock.json, what lies in evaluations/ -> evaluation,
    others by their name."""
    if f"{os.sep}evaluations{os.sep}" in path:
        return "evaluation"
    name = os.path.basename(path)
    name = re.sub(r"^(checkpoint)-\d+\.pt$", r"\1", name)
    return re.sub(r"^(lock\.json)\..*$", r"\1", name)


def act():
    """Once a run: a worker that is started again must get past the point."""
    try:
        os.close(os.open(os.environ["NORMSWEEP_SOAK_ONCE"], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    match os.environ["NORMSWEEP_SOAK_ACT"]:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "move":
            folder, away = os.environ["NORMSWEEP_SOAK_MOVE"].split(":")
            os.rename(folder, away)


def strike_at(files, kind, phase, number):
    """Act at the N-th write of a kind."""
    real, seen = files.Files._write_local, []

    def write(self, path, data, **how):
        if kind_of(path) != kind:
            return real(self, path, data, **how)
        seen.append(path)
        if len(seen) != int(number):
            return real(self, path, data, **how)
        if phase == "before":
            act()
        if phase == "torn":
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(f"{path}.torn.tmp", "wb") as file:
                file.write(data[: len(data) // 2])
                file.flush()
                act()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{path}.torn.tmp")
        real(self, path, data, **how)
        if phase == "after":
            act()
        return None

    files.Files._write_local = write


def mark(files, folder):
    """Keep a file for each write or removal that is under way."""

    def marked(real):
        def call(self, name, *args, **how):
            note = os.path.join(folder, uuid.uuid4().hex)
            with open(note, "w") as file:
                file.write(name)
            try:
                return real(self, name, *args, **how)
            finally:
                os.unlink(note)

        return call

    files.Files.write = marked(files.Files.write)
    files.Files.remove = marked(files.Files.remove)


def patch_files(files):
    if point := os.environ.get("NORMSWEEP_SOAK_POINT"):
        strike_at(files, *point.split(":"))
    if folder := os.environ.get("NORMSWEEP_SOAK_MARKS"):
        mark(files, folder)


def patch_lock(lock):
    """A lease of half a second, watched for as long."""
    lock.BEAT, lock._FRESH, lock._WATCH = 0.1, 0.4, 0.6
    lock.time = types.SimpleNamespace(
        time=time.time, monotonic=time.monotonic, sleep=lambda seconds: time.sleep(seconds / 5)
    )
    if host := os.environ.get("NORMSWEEP_SOAK_HOST"):
        lock._machine = lambda: host


def patch_worker(worker):
    if patience := os.environ.get("NORMSWEEP_SOAK_PATIENCE"):
        worker.PATIENCE = float(patience)


#: Module -> what is done to it.
PATCHES = {
    "orchestrator.results.files": patch_files,
    "orchestrator.results.lock": patch_lock,
    "orchestrator.execution.worker": patch_worker,
}
