"""MPS with a daemon that only writes down what it is asked. Workers are processes, and are killed."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestrator.execution import mps
from tests.helpers import ROOT
from tests.helpers.waiting import until

#: `-d` starts, where nothing runs; a question is answered, where something runs; `quit` ends it.
CONTROL = """#!/usr/bin/env bash
here=$(dirname "$0")
alive="$CUDA_MPS_PIPE_DIRECTORY/control"
if [ "$1" = "-d" ]; then
    if [ -e "$here/broken" ]; then echo "no permission" >&2; exit 1; fi
    if [ -e "$alive" ]; then echo "already running" >&2; echo twice >> "$here/calls"; exit 1; fi
    sleep 0.2
    echo "start ${CUDA_VISIBLE_DEVICES-every}" >> "$here/calls"
    touch "$alive"
    exit 0
fi
read -r question
[ -e "$alive" ] || { echo "cannot find the daemon" >&2; exit 1; }
case "$question" in quit*) echo quit >> "$here/calls"; rm "$alive";; esac
"""

WORKER = """
import os, sys
from orchestrator.execution import mps
mps.GRACE, mps.PROBE = 0.3, "import sys; sys.exit({probe})"
warning = mps.share_gpu(0.5)
print(warning or os.environ[mps.PIPES], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with the daemon's program and no daemon; gives the folder where calls are written."""
    folder = tmp_path / "bin"
    folder.mkdir()
    control = folder / mps.CONTROL
    control.write_text(CONTROL)
    control.chmod(0o755)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(mps, "DEFAULT_PIPES", tmp_path / "nobody")
    monkeypatch.setattr(mps, "GRACE", 0.3)
    monkeypatch.setattr(mps, "PROBE", "")
    for name in (mps.PIPES, mps.LOGS, mps.SWITCH):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def worker(machine):
    """Starts a worker that shares a GPU until it is killed."""
    started = []

    def start(probe=0):
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER.format(probe=probe)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
    until(lambda: not (machine / "calls").exists() or calls(machine)[-1] != "start every")


def calls(machine):
    path = machine / "calls"
    return path.read_text().splitlines() if path.exists() else []


def said(process):
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_workers_that_start_at_once_share_one_daemon_which_ends_after_the_last_is_killed(machine, worker):
    workers = [worker() for _ in range(4)]
    pipes = {said(one) for one in workers}
    assert len(pipes) == 1
    assert calls(machine) == ["start every"]
    for one in workers[:3]:
        one.send_signal(signal.SIGKILL)
        one.wait()
    time.sleep(1.0)  # three times the grace
    assert calls(machine) == ["start every"]
    workers[3].send_signal(signal.SIGKILL)
    until(lambda: calls(machine) == ["start every", "quit"])
    assert said(worker()) in pipes  # and it begins anew
    assert calls(machine) == ["start every", "quit", "start every"]


def test_a_worker_that_follows_within_the_grace_finds_the_daemon(machine, worker):
    for _ in range(3):
        one = worker()
        said(one)
        one.kill()
        one.wait()
        second = worker()
        said(second)
    time.sleep(1.0)  # three times the grace
    assert calls(machine)[-1] == "start every"  # it runs, whatever went before


def test_a_guardian_that_was_killed_is_replaced(machine, worker):
    first = worker()
    said(first)
    until(lambda: len(guardians(machine)) == 1)
    (old,) = guardians(machine)
    os.kill(old, signal.SIGKILL)
    until(lambda: old not in guardians(machine))
    second = worker()
    said(second)
    until(lambda: len(guardians(machine)) == 1)
    first.kill()
    second.kill()
    until(lambda: calls(machine) == ["start every", "quit"])
    until(lambda: not guardians(machine))


def guardians(machine):
    """Guardians of this test's daemon, by their command lines."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                command = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if str(machine / mps.CONTROL) in command and "mps.py" in command:
                found.append(int(entry.name))
    return found


def test_the_environment_is_set_and_the_folder_is_private(machine, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    try:
        assert mps.share_gpu(0.5) is None
        pipes, logs = Path(os.environ[mps.PIPES]), Path(os.environ[mps.LOGS])
        assert pipes.is_dir()
        assert logs.is_dir()
        assert stat.S_IMODE(pipes.parent.lstat().st_mode) == 0o700
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "1"
        assert calls(machine) == ["start every"]  # the daemon serves every GPU
        assert mps.share_gpu(0.5) is None  # a reused worker's next pack
        assert calls(machine) == ["start every"]
    finally:
        mps.leave()
    assert mps.PIPES not in os.environ
    until(lambda: calls(machine) == ["start every", "quit"])


@pytest.mark.parametrize(
    ("fraction", "name", "value"),
    [(0.5, mps.SWITCH, "0"), (0.5, mps.PIPES, "/run/mps"), (1.0, "X", ""), (0.0, "X", ""), (2.0, "X", "")],
)
def test_nothing_happens_where_a_user_said_so_or_nothing_is_shared(
    machine, monkeypatch, fraction, name, value
):
    monkeypatch.setenv(name, value)
    assert mps.share_gpu(fraction) is None
    assert calls(machine) == []
    assert os.environ[name] == value


def test_a_daemon_of_the_machine_is_left_alone(machine, monkeypatch):
    pipes = machine / "theirs"
    pipes.mkdir()
    (pipes / "control").touch()
    monkeypatch.setattr(mps, "DEFAULT_PIPES", pipes)
    assert mps.share_gpu(0.5) is None
    assert calls(machine) == []
    assert mps.PIPES not in os.environ


def test_without_the_program_packs_take_turns_and_are_told(machine, monkeypatch):
    monkeypatch.setenv("PATH", str(machine.parent))
    warning = mps.share_gpu(0.5)
    assert warning is not None
    assert "take turns" in warning
    assert "not on this node's PATH" in warning
    assert "NORMSWEEP_MPS=0" in warning


def test_a_daemon_that_cannot_start_is_told_and_not_tried_by_every_worker(machine):
    (machine / "broken").touch()
    first = mps.share_gpu(0.5)
    assert first is not None
    assert "no permission" in first
    (machine / "broken").unlink()
    assert mps.share_gpu(0.5) == first
    assert calls(machine) == []
    assert mps.PIPES not in os.environ


def test_a_client_that_cannot_work_under_it_ends_the_daemon(machine, monkeypatch):
    monkeypatch.setattr(mps, "PROBE", "import sys; sys.exit('CUDA error 805')")
    warning = mps.share_gpu(0.5)
    assert warning is not None
    assert "CUDA error 805" in warning
    assert calls(machine) == ["start every", "quit"]
    assert mps.PIPES not in os.environ


def test_a_client_that_hangs_under_it_ends_the_daemon_and_no_other_worker_tries(machine, monkeypatch):
    monkeypatch.setattr(mps, "PROBE", "import time; time.sleep(600)")
    monkeypatch.setattr(mps, "_PATIENCE", 3.0)
    warning = mps.share_gpu(0.5)
    assert warning is not None
    assert "within 3 s" in warning
    assert calls(machine) == ["start every", "quit"]
    monkeypatch.setattr(mps, "PROBE", "")
    assert mps.share_gpu(0.5) == warning
    assert calls(machine) == ["start every", "quit"]
    assert mps.PIPES not in os.environ


@pytest.mark.parametrize("theirs", [False, True])
def test_without_a_guardian_a_daemon_that_was_just_started_is_stopped_and_no_other(
    machine, monkeypatch, worker, theirs
):
    if theirs:
        said(worker())
    with monkeypatch.context() as broken:
        broken.setattr(mps, "__file__", str(machine / "gone.py"))  # the guardian's program
        warning = mps.share_gpu(0.5)
    assert warning is not None
    assert "gone.py" in warning
    assert calls(machine) == (["start every"] if theirs else ["start every", "quit"])
    assert mps.share_gpu(0.5) == warning
    assert mps.PIPES not in os.environ


def test_the_probe_is_a_program_that_says_what_is_missing():
    done = subprocess.run(
        [sys.executable, "-I", "-c", mps.PROBE], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0 or "libcuda" in done.stderr or "CUDA error" in done.stderr


def test_a_daemon_that_died_is_started_again(machine, worker):
    pipes = Path(said(worker()))
    (pipes / "control").unlink()
    said(worker())
    assert calls(machine) == ["start every"] * 2


@pytest.mark.parametrize("spoil", ["open", "link"])
def test_a_folder_that_others_may_enter_is_refused(machine, tmp_path, spoil):
    folder = tmp_path / "tmp" / f"normsweep-mps-{os.getuid()}"
    if spoil == "open":
        folder.mkdir()
        folder.chmod(0o755)
    else:
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    warning = mps.share_gpu(0.5)
    assert warning is not None
    assert "nobody else may enter" in warning
    assert calls(machine) == []
