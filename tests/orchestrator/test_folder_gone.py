"""A results folder that goes away (moved, unmounted) is waited for, and never made again."""

import os
import subprocess
import threading

import pytest

import orchestrator.display.live
import orchestrator.execution.worker
import orchestrator.results.files
from orchestrator.results import lock as locks
from orchestrator.results.files import Files
from orchestrator.results.hold import NAME
from orchestrator.results.lock import Lock
from orchestrator.results.storage_errors import StorageError
from orchestrator.run import main
from tests.helpers.numbers_of import numbers
from tests.helpers.waiting import until


@pytest.fixture
def impatient(monkeypatch):
    """Everything that writes does so often, and nobody waits for long."""
    monkeypatch.setattr(orchestrator.execution.worker, "PATIENCE", 1.0)
    monkeypatch.setattr(orchestrator.display.live, "_SECONDS", 0.02)
    monkeypatch.setattr(locks, "BEAT", 0.02)


@pytest.fixture
def mounted(tmp_path):
    """A disk, and functions that take it away and bring it back; what lies at its place then is an empty folder."""
    place, other = tmp_path / "mount", tmp_path / "other"
    for folder in (place, other):
        folder.mkdir()

    def mount(*arguments):
        subprocess.run(["mount", *map(str, arguments)], check=True, capture_output=True)

    try:
        mount("-t", "tmpfs", "-o", "size=64m", "tmpfs", other)
        mount("--bind", other, place)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a tmpfs needs root")
    yield (
        place,
        lambda: subprocess.run(["umount", "-l", place], check=True),
        lambda: mount("--bind", other, place),
    )
    for folder in (place, other):
        subprocess.run(["umount", "-l", folder], check=False, capture_output=True)


def gone_for_good(command, folder, capsys):
    assert main([*command, "--results", str(folder)]) == 1
    captured = capsys.readouterr()
    said = captured.out + captured.err
    assert f"waiting for {folder}" in said
    assert f"storage failed: {folder}: the results folder is gone" in captured.err
    assert "Interrupted" not in captured.out, "what cannot be read is not counted"
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "moment", [3, pytest.param(8, marks=pytest.mark.slow)], ids=["in the middle", "at the last epoch"]
)
def test_moved(command, undisturbed, tmp_path, at_epoch, impatient, capsys, moment):
    folder, away = tmp_path / "out", tmp_path / "away"
    at_epoch(moment, lambda: folder.rename(away))
    gone_for_good(command, folder, capsys)
    assert not folder.exists()
    away.rename(folder)
    assert main([*command, "--results", str(folder)]) == 0
    assert numbers(folder) == undisturbed


@pytest.mark.parametrize(
    "below",
    ["", pytest.param("out", marks=pytest.mark.slow)],
    ids=["the mount point itself", "a folder below it"],
)
def test_unmounted(command, undisturbed, mounted, at_epoch, impatient, capsys, below):
    place, away, back = mounted
    at_epoch(3, away)
    gone_for_good(command, place / below if below else place, capsys)
    assert [*place.iterdir()] == [], "nothing lies below the mount point"
    back()
    assert main([*command, "--results", str(place / below)]) == 0
    assert numbers(place / below) == undisturbed


@pytest.mark.slow
def test_unmounted_for_a_while(command, undisturbed, mounted, at_epoch, impatient, monkeypatch, capsys):
    """The folder at its place is no empty sweep: nothing is trained anew."""
    monkeypatch.setattr(orchestrator.execution.worker, "PATIENCE", 30.0)
    place, away, back = mounted

    def leave():
        away()
        threading.Timer(1.0, back).start()

    trained = at_epoch(3, leave)
    assert main([*command, "--results", str(place)]) == 0
    assert f"waiting for {place}" in capsys.readouterr().out
    assert len(trained) == 8
    assert numbers(place) == undisturbed


def test_no_beat_makes_it_again(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "BEAT", 0.01)
    folder, away = tmp_path / "out", tmp_path / "away"
    beats, told = [], []
    with Lock(Files(str(folder)), "x", running=lambda: beats.append(1) or [], lost=told.append) as lock:
        Files(str(folder)).write("sweep.json", b"")
        folder.rename(away)
        seen = len(beats)
        until(lambda: len(beats) >= seen or lock, 5)
        with pytest.raises(StorageError, match="the results folder is gone"):
            lock.check()
        assert not folder.exists()
        away.rename(folder)
        seen = Files(str(folder)).read_json(NAME)["beat"]
        until(lambda: Files(str(folder)).read_json(NAME)["beat"] > seen, 10, "it beats again")
    assert not told
    assert os.listdir(folder) == ["sweep.json"]


@pytest.mark.parametrize("there_again", [True, False])
def test_gone_in_the_middle_of_a_write(tmp_path, monkeypatch, there_again):
    """Renamed away between the look at it and the write; looked for again, and perhaps there."""
    folder, away = tmp_path / "out", tmp_path / "away"
    folder.mkdir()
    files = Files(str(folder), patience=0.5)
    write_whole = orchestrator.results.files.write_whole

    def write(*arguments, **named):
        monkeypatch.setattr(orchestrator.results.files, "write_whole", write_whole)
        folder.rename(away)
        try:
            write_whole(*arguments, **named)
        finally:
            if there_again:
                away.rename(folder)

    monkeypatch.setattr(orchestrator.results.files, "write_whole", write)
    if there_again:
        files.write("a.txt", b"all of it")
        assert (folder / "a.txt").read_bytes() == b"all of it"
        return
    with pytest.raises(StorageError, match="the results folder is gone"):
        files.write("a.txt", b"all of it")
    assert not folder.exists()
