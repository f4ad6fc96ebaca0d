"""NVIDIA's MPS, by which packs of several processes share one GPU without taking turns: started and ended.

Processes that share a GPU take turns by time slices, so that at small batches each waits for the others.
Under MPS, a daemon of NVIDIA's, their kernels run side by side. A worker whose pack takes a fraction of a
GPU calls `share_gpu` before CUDA is initialised. The first on a node starts a daemon for this user, in a
private folder; a daemon that was there before is used and left alone.

Workers die by SIGKILL, so no worker can be trusted to clean up. Every worker holds a shared lock on a
file for as long as it lives, which the kernel releases however it ends; a guardian, a small process that
belongs to no worker, waits until nobody holds it and stops the daemon. While it does nobody can join, so
it never stops a daemon under another's pack. Every worker that joins sees to it that there is a guardian.

What MPS costs: a fault in one process's kernels may end every process of that GPU. They are packs, and
go on from their last epoch; `NORMSWEEP_MPS=0` leaves MPS out.

Runs as a program too, the guardian, and so imports the standard library alone.
"""

import contextlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

SWITCH = "NORMSWEEP_MPS"
CONTROL = "nvidia-cuda-mps-control"
PIPES, LOGS = "CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY"
#: Where CUDA looks for a daemon unless told otherwise.
DEFAULT_PIPES = Path("/tmp/nvidia-mps")
#: Seconds without a user after which the daemon is stopped; a worker may be followed by the next.
GRACE = 20.0
_PATIENCE = 60.0  # seconds for a lock, and for the daemon's answers
_FORGET = 600.0  # seconds after which a node where MPS failed is tried again
#: A context on the first GPU, by the driver alone: exit code 0 where the daemon can be worked with.
PROBE = (
    "import ctypes, sys; cuda = ctypes.CDLL('libcuda.so.1'); context = ctypes.c_void_p();"
    "error = cuda.cuInit(0) or cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0);"
    "sys.exit(f'CUDA error {error}' if error else 0)"
)
_held: list[IO[str]] = []


class _UnusableError(Exception):
    """Why packs take turns, in words."""


def share_gpu(fraction: float) -> str | None:
    """Have this process share its GPU under MPS, where its pack takes a `fraction` below 1 of it.

    Must be called before CUDA is initialised in this process; calling it again does nothing. Gives a
    warning where packs will take turns after all, the same words for the same cause.
    """
    if not 0 < fraction < 1 or os.environ.get(SWITCH) == "0" or _held or os.environ.get(PIPES):
        return None
    try:
        control = shutil.which(CONTROL)
        if control is None:
            raise _UnusableError(f"{CONTROL} is not on this node's PATH")
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_initialized():
            raise _UnusableError("CUDA was in use before MPS could be asked for")
        if DEFAULT_PIPES.exists() and _answers(control, {**os.environ, PIPES: str(DEFAULT_PIPES)}):
            return None  # somebody runs a daemon for this node, and CUDA finds it by itself
        _join(control, _private_folder())
    except (_UnusableError, OSError, subprocess.SubprocessError) as error:
        return f"packs that share a GPU take turns: {error} ({SWITCH}=0 leaves MPS out without a word)"
    return None


def leave() -> None:
    """This process needs the daemon no longer. Only for one that has not touched CUDA."""
    while _held:
        _held.pop().close()
    for name in (PIPES, LOGS):
        os.environ.pop(name, None)


# -- a worker ----------------------------------------------------------------------------------------


def _join(control: str, folder: Path) -> None:
    """Become a user of the daemon, which is started where there is none."""
    with _locked(folder / "start", exclusive=True):
        _check_failure(folder)
        users = _open_locked(folder / "users", exclusive=False)
        environment, absent = _environment(folder), False
        try:
            absent = not _answers(control, environment)
            if absent:
                _start(control, environment)
            _guard(control, folder)
        except BaseException as error:
            if absent:
                _stop(control, environment)  # without a guardian it would stay for ever
            users.close()
            if isinstance(error, Exception):  # the node's others need not find out one after another
                (folder / "failed").write_text(str(error), encoding="utf-8")
            raise
        _held.append(users)
        os.environ.update({name: environment[name] for name in (PIPES, LOGS)})


def _private_folder() -> Path:
    """One a user and node, nobody else's: whoever owns the pipes decides what runs on the GPU."""
    folder = Path(tempfile.gettempdir()) / f"normsweep-mps-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise _UnusableError(f"{folder} must be a folder of this user that nobody else may enter")
    return folder


def _environment(folder: Path) -> dict[str, str]:
    """The daemon's. It serves every GPU; which of them a client sees is the client's own affair."""
    rest = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    return {**rest, PIPES: str(folder / "pipe"), LOGS: str(folder / "log")}


def _start(control: str, environment: dict[str, str]) -> None:
    """Start the daemon and see that a client can work with it, which takes a second. If not, the caller
    stops it."""
    for name in (PIPES, LOGS):
        shutil.rmtree(environment[name], ignore_errors=True)  # pipes of a daemon that was killed
        Path(environment[name]).mkdir(mode=0o700)
    started = _run([control, "-d"], "", environment)
    if started.returncode:
        raise _UnusableError(f"{CONTROL} -d: {_last(started.stderr or started.stdout)}")
    client = {**environment, **{k: v for k, v in os.environ.items() if k == "CUDA_VISIBLE_DEVICES"}}
    try:
        probe = _run([sys.executable, "-I", "-c", PROBE], "", client)
    except subprocess.TimeoutExpired:
        raise _UnusableError(f"CUDA did not start under MPS within {_PATIENCE:.0f} s") from None
    if probe.returncode:
        raise _UnusableError(f"no CUDA under MPS here: {_last(probe.stderr)}")


def _check_failure(folder: Path) -> None:
    note = folder / "failed"
    with contextlib.suppress(FileNotFoundError):
        if time.time() - note.stat().st_mtime < _FORGET:
            raise _UnusableError(note.read_text(encoding="utf-8"))
        note.unlink()


def _guard(control: str, folder: Path) -> None:
    """Start a guardian; it ends at once where there is one. Nobody's child, as Ray kills its workers'."""
    command = [sys.executable, "-I", __file__, str(folder), control, str(GRACE)]
    subprocess.run(
        command,
        check=True,
        timeout=_PATIENCE,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )


def _run(command: list[str], text: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, input=text, env=environment, capture_output=True, text=True, timeout=_PATIENCE, check=False
    )


def _answers(control: str, environment: dict[str, str]) -> bool:
    """Whether a daemon is there: any question will do."""
    return _run([control], "get_server_list\n", environment).returncode == 0


def _stop(control: str, environment: dict[str, str]) -> None:
    """Servers that do not end by themselves within ten seconds are ended."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        _run([control], "quit -t 10\n", environment)


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""


# -- locks -------------------------------------------------------------------------------------------


def _open_locked(path: Path, *, exclusive: bool, seconds: float = _PATIENCE) -> IO[str]:
    """The file, locked until it is closed, at the latest when this process ends. Raises _UnusableError."""
    import fcntl  # not on Windows, where there is no MPS either

    file = path.open("a+", encoding="utf-8")
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                file.close()
                raise _UnusableError(f"{path} was locked for {seconds:.0f} s") from None
            time.sleep(0.05)
        else:
            return file


@contextlib.contextmanager
def _locked(path: Path, *, exclusive: bool) -> Iterator[None]:
    file = _open_locked(path, exclusive=exclusive)
    try:
        yield
    finally:
        file.close()


# -- the guardian ------------------------------------------------------------------------------------


def guard(folder: Path, control: str, grace: float) -> None:
    """Stop the daemon once nobody has used it for `grace` seconds; return at once where another guards."""
    import fcntl

    try:
        own = _open_locked(folder / "guardian", exclusive=True, seconds=0)
    except _UnusableError:
        return
    users = (folder / "users").open("a+", encoding="utf-8")
    while True:
        fcntl.flock(users, fcntl.LOCK_EX)  # waits until the last user has gone
        fcntl.flock(users, fcntl.LOCK_UN)
        time.sleep(grace)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
    _stop(control, _environment(folder))
    own.close()  # before the users' lock: who joins next must find no guardian
    users.close()


def _main(arguments: list[str]) -> None:
    if os.fork():
        return
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.chdir("/")
    guard(Path(arguments[0]), arguments[1], float(arguments[2]))


if __name__ == "__main__":
    _main(sys.argv[1:])
