"""Whatever dies, whenever: the same command finishes the sweep with the undisturbed run's numbers.

These go through the command line in this process, without Ray; what needs Ray's processes and nodes to
die is in test_ray_failures.py.
"""

import os
import shutil
import signal
import subprocess
import threading
import time

import pandas as pd
import pytest
import torch

import orchestrator.execution.worker
from model.training.training import Training
from orchestrator.results.files import Files
from orchestrator.results.store import Store
from orchestrator.run import main
from tests.helpers.numbers_of import numbers
from tests.helpers.processes import interrupt


@pytest.mark.parametrize(
    "count", [2, 5, *(pytest.param(count, marks=pytest.mark.slow) for count in (1, 4, 7, 8))]
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals(command, undisturbed, tmp_path, at_epoch, capsys, count, number):
    if number == signal.SIGTERM and count not in {2, 5}:
        pytest.skip("the same path; two moments suffice")
    folder = tmp_path / "out"
    at_epoch(count, lambda: os.kill(os.getpid(), number))
    code = main([*command, "--results", str(folder)])
    out = capsys.readouterr().out
    done = sum(state.finished for state in Store(str(folder)).scan().values())
    assert done == 3 * (count // 4), "a pack whose epochs are all trained is finished"
    assert out.count("\ndone  ") == count // 4
    if count == 8:
        assert code == 0, "nothing was left to interrupt"
        assert "Interrupted" not in out
    else:
        assert code == 128 + number
        assert "Interrupted" in out
        assert "python -m orchestrator.run" in out
    assert (folder / "report.html").exists()
    epochs = sum(max(s.epochs, default=4 if s.finished else 0) for s in Store(str(folder)).scan().values())
    assert epochs == 3 * count, "saved to the end of the epoch, and nothing begun after it"
    assert main([*command, "--results", str(folder)]) == 0
    assert numbers(folder) == undisturbed


def truncate(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def rubbish(path):
    path.write_bytes(os.urandom(999))


def empty(path):
    path.write_bytes(b"")


def bend(path):
    data = bytearray(path.read_bytes())
    where = next((i for i in range(len(data) // 3, len(data)) if chr(data[i]).isdigit()), len(data) // 2)
    data[where] = ord("7") if data[where] != ord("7") else ord("3")
    path.write_bytes(bytes(data))


SLOW = pytest.mark.slow  # the same in another place or another way


@pytest.mark.parametrize(
    "damage", [truncate, bend, pytest.param(rubbish, marks=SLOW), pytest.param(empty, marks=SLOW)]
)
@pytest.mark.parametrize(
    "name", ["sweep.json", "trial.json", "history.json", "checkpoint", "result.json", "results.csv"]
)
def test_damaged_files(command, undisturbed, tmp_path, at_epoch, capsys, name, damage):
    """One file damaged while the sweep lies interrupted, with one pack finished and one in the middle."""
    folder = tmp_path / "out"
    trained = at_epoch(6, interrupt)
    assert main([*command, "--results", str(folder)]) == 130
    pattern = {"checkpoint": "trials/*/checkpoint-00002.pt", "result.json": "trials/*/result.json"}.get(name)
    if pattern is None:
        pattern = name if name in {"sweep.json", "results.csv"} else f"trials/*/{name}"
    path = sorted(folder.glob(pattern))[0]
    damage(path)
    capsys.readouterr()
    assert main([*command, "--results", str(folder)]) == 0
    captured = capsys.readouterr()
    if name in {"checkpoint", "result.json", "history.json"}:
        assert "warning" in captured.out
        assert path.parent.name in captured.out, "the warning names the file"
    assert numbers(folder) == undisturbed
    assert len(trained) == (9 if name == "checkpoint" else 8), "only a damaged checkpoint costs an epoch"
    for state in Store(str(folder)).scan(history=True).values():
        assert len(state.history["pack"]) == 3, "packs keep together"


def test_the_folder_moved(command, undisturbed, tmp_path, at_epoch):
    at_epoch(3, interrupt)
    assert main([*command, "--results", str(tmp_path / "here")]) == 130
    shutil.move(tmp_path / "here", tmp_path / "there")
    assert main([*command, "--results", str(tmp_path / "there")]) == 0
    assert numbers(tmp_path / "there") == undisturbed


def test_the_clock_moved_back(command, undisturbed, tmp_path, at_epoch, monkeypatch):
    real = time.time
    at_epoch(2, lambda: monkeypatch.setattr(time, "time", lambda: real() - 86_400))
    assert main([*command, "--results", str(tmp_path)]) == 0
    assert numbers(tmp_path) == undisturbed
    assert (pd.read_csv(tmp_path / "results.csv")["train_seconds"] > 0).all()


def test_storage_gone_for_a_while_and_back(command, undisturbed, tmp_path, at_epoch):
    folder, away = tmp_path / "out", tmp_path / "away"
    back = threading.Timer(1.5, lambda: away.rename(folder))

    def leave():
        folder.rename(away)
        back.start()

    at_epoch(2, leave)
    assert main([*command, "--results", str(folder)]) == 0
    back.join()
    assert numbers(folder) == undisturbed


def test_storage_gone_for_good(command, undisturbed, tmp_path, at_epoch, monkeypatch, capsys):
    monkeypatch.setattr(orchestrator.execution.worker, "PATIENCE", 0.5)
    folder, away = tmp_path / "out", tmp_path / "away"
    at_epoch(2, lambda: folder.rename(away))
    assert main([*command, "--results", str(folder)]) == 1
    captured = capsys.readouterr()
    assert "gone" in captured.out + captured.err
    shutil.rmtree(folder, ignore_errors=True)
    away.rename(folder)
    assert main([*command, "--results", str(folder)]) == 0
    assert numbers(folder) == undisturbed


@pytest.fixture
def small_disk(tmp_path):
    """A disk of a few megabytes, and a function to change how it is mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options):
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True, capture_output=True
        )

    try:
        mount("size=64m")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a tmpfs needs root")
    yield folder, lambda options: mount(f"remount,{options}")
    subprocess.run(["umount", "-l", str(folder)], check=False)


def test_disk_full(command, undisturbed, small_disk, at_epoch, monkeypatch, capsys):
    monkeypatch.setattr(orchestrator.execution.worker, "PATIENCE", 0.5)
    folder, _ = small_disk
    ballast = folder / "ballast"

    def fill():
        size = os.statvfs(folder)
        ballast.write_bytes(b"\0" * (size.f_bavail * size.f_frsize - 1_500_000))

    at_epoch(2, fill)
    assert main([*command, "--results", str(folder / "out")]) == 1
    captured = capsys.readouterr()
    assert "No space left on device" in captured.out + captured.err
    assert "Traceback" not in captured.out + captured.err
    ballast.unlink()
    assert main([*command, "--results", str(folder / "out")]) == 0
    assert numbers(folder / "out") == undisturbed


def test_made_read_only_in_the_middle(command, undisturbed, small_disk, at_epoch, monkeypatch, capsys):
    monkeypatch.setattr(orchestrator.execution.worker, "PATIENCE", 0.5)
    folder, remount = small_disk
    at_epoch(5, lambda: remount("ro"))
    assert main([*command, "--results", str(folder / "out")]) == 1
    captured = capsys.readouterr()
    assert "Read-only file system" in captured.out + captured.err
    remount("rw")
    assert main([*command, "--results", str(folder / "out")]) == 0
    assert numbers(folder / "out") == undisturbed


def test_memory_running_out_halves_the_pack(command, undisturbed, tmp_path, monkeypatch, capsys):
    real = Training.run_epoch

    def run_epoch(self):
        if len(self.seeds) > 1 and self.epoch >= 2 and self.data.info.name != "noise":
            torch.empty(10**15)  # torch's own failure to allocate
        return real(self)

    monkeypatch.setattr(Training, "run_epoch", run_epoch)
    assert main([*command, "--results", str(tmp_path)]) == 0
    assert "out of memory with 3 replicas; going on with 2" in capsys.readouterr().out
    assert numbers(tmp_path) == undisturbed  # of other packs, to the bit


def test_memory_running_out_for_one_replica_is_a_failure(command, tmp_path, monkeypatch):
    monkeypatch.setattr(Training, "run_epoch", lambda self: torch.empty(10**15))
    code = main(
        [*command, "--results", str(tmp_path), "--norms", "bn", "--seeds", "1", "--max-failures", "1"]
    )
    assert code == 1
    (state,) = Store(str(tmp_path)).scan().values()
    assert state.status == "failed"


def test_another_protocol_is_never_mixed(command, tmp_path, monkeypatch, capsys):
    assert main([*command, "--results", str(tmp_path), "--norms", "bn"]) == 0
    before = numbers(tmp_path)
    monkeypatch.setattr("orchestrator.grid.trial.PROTOCOL", 2)
    monkeypatch.setattr("orchestrator.results.mixing.PROTOCOL", 2)
    capsys.readouterr()
    assert main([*command, "--results", str(tmp_path), "--norms", "bn"]) == 2
    error = capsys.readouterr().err
    for part in ("protocol 1", "protocol 2", "--results", "CHANGELOG"):
        assert part in error
    assert numbers(tmp_path) == before
    assert len(list((tmp_path / "trials").iterdir())) == 3


def test_a_diverged_trial_is_a_result(command, tmp_path, monkeypatch, capsys):
    from dataclasses import replace

    from model.recipe import RECIPES

    monkeypatch.setitem(RECIPES, "wu2018", replace(RECIPES["wu2018"], lr=1e30))
    assert main([*command, "--results", str(tmp_path), "--norms", "bn"]) == 0
    frame = pd.read_csv(tmp_path / "results.csv")
    assert set(frame["status"]) == {"diverged"}
    assert (frame["diverged_at"] >= 1).all()
    page = (tmp_path / "report.html").read_text()
    assert "diverged" in page


def test_failures_are_bounded_and_told(command, tmp_path, monkeypatch, capsys):
    attempts = []

    def broken(self):
        if self.data.info.name != "noise" and self.spec.norm == "gn":
            attempts.append(1)
            raise RuntimeError("cannot be trained")
        return real(self)

    real = Training.run_epoch
    with monkeypatch.context() as patch:
        patch.setattr(Training, "run_epoch", broken)
        assert main([*command, "--results", str(tmp_path), "--max-failures", "2"]) == 1
    assert len(attempts) == 2
    out = capsys.readouterr().out
    assert "3 trials failed" in out
    assert out.count("RuntimeError: cannot be trained") >= 3
    assert out.rstrip().endswith("--retry-failed"), "the last line is the command that tries again"
    states = Store(str(tmp_path)).scan().values()
    assert sum(s.finished for s in states) == 3, "the sweep went on"
    failed = next(s for s in states if s.status == "failed")
    assert "in broken" in failed.failure["traceback"]


def test_weights_lost_after_the_end_are_trained_again(command, undisturbed, tmp_path, capsys):
    """A trial whose weights and result are both gone is not invented from its history."""
    assert main([*command, "--results", str(tmp_path), "--norms", "bn"]) == 0
    for path in tmp_path.glob("trials/*"):
        (path / "result.json").unlink()
        (path / "weights.pt").unlink()
    capsys.readouterr()
    assert main([*command, "--results", str(tmp_path), "--norms", "bn"]) == 0
    assert capsys.readouterr().out.count("result and weights are lost; it is trained again") == 3
    found = numbers(tmp_path)
    assert found == {k: v for k, v in undisturbed.items() if k in found}
    assert len(found) == 3


def test_a_repaired_result_keeps_its_provenance(command, tmp_path):
    assert main([*command, "--results", str(tmp_path), "--norms", "bn", "--seeds", "1"]) == 0
    (path,) = tmp_path.glob("trials/*")
    before = Files(str(path)).read_json("result.json")
    (path / "result.json").write_text("{")
    assert main([*command, "--results", str(tmp_path), "--norms", "bn", "--seeds", "1"]) == 0
    assert Files(str(path)).read_json("result.json") == before
