"""On Ray: a sweep killed, resumed and widened gives the numbers of an undisturbed inline one."""

import os
import shutil
import signal
import subprocess
import sys

import pandas as pd
import pytest

from orchestrator.results.store import Store
from orchestrator.run import main
from tests.helpers.processes import descendants, gone
from tests.helpers.tiny import GRID
from tests.helpers.waiting import HANGS, until

pytestmark = pytest.mark.xdist_group("ray")

NUMBERS = [
    "trial_id",
    "status",
    "test_error",
    "test_error_median5",
    "train_error",
    "train_loss",
    "epochs_run",
]
LONG = GRID.replace("epochs: 2", "epochs: 30")


def numbers(folder):
    frame = pd.read_csv(folder / "results.csv").sort_values("trial_id", ignore_index=True)
    return frame[NUMBERS]


@pytest.fixture(scope="module")
def arguments(tmp_path_factory, images):
    grid = tmp_path_factory.mktemp("grid") / "tiny.yaml"
    grid.write_text(LONG)
    return ["--grid", str(grid), "--data-dir", str(images), "--pack", "2", "--norms", "bn"]


@pytest.fixture(scope="module")
def undisturbed(arguments, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    assert main([*arguments, "--seeds", "2", "--executor", "inline", "--results", str(folder)]) == 0
    return folder


def start(arguments):
    command = [sys.executable, "-m", "orchestrator.run", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for(folder, condition, process, seconds=HANGS):
    """Until the store satisfies `condition`."""

    def there():
        assert process.poll() is None, process.stdout.read()
        return condition(Store(str(folder)).scan())

    until(there, seconds)


def partly(states):
    return any(state.status == "partial" and state.epochs[-1] >= 3 for state in states.values())


@pytest.mark.slow
def test_killed_interrupted_finished_and_widened(arguments, undisturbed, tmp_path):
    folder = tmp_path / "out"
    command = [*arguments, "--seeds", "2", "--results", str(folder)]

    process = start(command)
    wait_for(folder, partly, process)
    workers = [pid for pid, line in descendants(process.pid).items() if "ImplicitFunc" in line]
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert gone(workers, 60), "Ray's workers end with their driver"
    killed = Store(str(folder)).scan()
    assert not all(state.finished for state in killed.values())

    process = start(command)
    begun = {i: state.epochs[-1] for i, state in killed.items() if state.epochs}
    wait_for(folder, lambda s: any(s[i].epochs and s[i].epochs[-1] > e for i, e in begun.items()), process)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=HANGS)
    assert process.returncode == 130, output
    assert "Interrupted" in output
    assert "orchestrator.run --grid" in output
    assert "Traceback" not in output
    after = Store(str(folder)).scan()
    assert all(after[i].finished or after[i].epochs[-1] >= e for i, e in begun.items())

    assert main(command) == 0
    pd.testing.assert_frame_equal(numbers(folder), numbers(undisturbed), check_exact=True)

    done = {p: p.stat().st_mtime_ns for p in folder.glob("trials/*/*")}
    assert main([*arguments, "--seeds", "3", "--executor", "inline", "--results", str(folder)]) == 0
    assert {p: p.stat().st_mtime_ns for p in done} == done
    assert len(numbers(folder)) == 6


def test_the_result_grid_holds_every_epoch(arguments, tmp_path):
    import ray
    import ray.tune

    from analysis.sources.load import load
    from orchestrator import Sweep

    class Seen(ray.tune.Callback):
        def __init__(self):
            self.told = []

        def on_trial_start(self, *, trial, **_):
            self.told.append(("start", trial.config["norm"], tuple(trial.config["seeds"]), str(trial)))

        def on_trial_result(self, *, trial, result, **_):
            self.told.append(("result", trial.config["norm"], result["mean_error"], result["config"]))

        def on_trial_complete(self, *, trial, **_):
            self.told.append(("complete", trial.config["norm"]))

    seen = Seen()
    sweep = Sweep(
        arguments[1], data_dir=arguments[3], results=tmp_path / "out", pack=2, epochs=3, batch_size=8
    )
    grid = sweep.run(callbacks=[seen])
    assert not ray.is_initialized()
    assert len(grid) == 2
    assert grid.num_errors == 0
    stored = sweep.load().set_index("trial_id")
    table = grid.get_dataframe().set_index("config/norm")
    assert set(table.index) == {"bn", "gn"}
    assert len(table.columns) < 120, "no column for every number of every trial"
    for found in grid:
        own, line = found.config, table.loc[found.config["norm"]]
        assert (own["seeds"], own["batch_size"], own["lr"]) == ([1, 2], 8, stored["lr"].iloc[0])
        for seed, trial_id in zip(own["seeds"], own["trial_ids"], strict=True):
            epochs = found.metrics_dataframe[f"replicas/{trial_id}/test_error"].dropna()
            assert len(epochs) == 3
            error = stored.loc[trial_id, "test_error"]
            assert found.metrics["errors"][f"seed {seed}"] == line[f"errors/seed {seed}"] == error
        assert found.metrics["mean_error"] == pytest.approx(stored.loc[own["trial_ids"], "test_error"].mean())
        mine = [told for told in seen.told if told[1] == own["norm"]]
        assert [told[0] for told in mine] == ["start", "result", "result", "result", "result", "complete"]
        assert mine[0][2:] == ((1, 2), f"{own['norm']}{' G=4' if own['groups'] else ''}, batch 8, seeds 1–2")
        assert mine[-2][2:] == (found.metrics["mean_error"], own)
    frame = load(grid)
    assert frame.set_index("trial_id")["test_error"].to_dict() == stored["test_error"].to_dict()
    assert list((tmp_path / "out" / ".ray").rglob("result.json"))
    assert not list((tmp_path / "out").rglob("*.pkl")), "nothing in there runs what a stranger wrote"
    best = grid.get_best_result("mean_error", "min")
    assert best.metrics["mean_error"] == table["mean_error"].min()
    opened = ray.tune.ResultGrid(ray.tune.ExperimentAnalysis(str(tmp_path / "out/.ray/tune")))
    assert {one.config["norm"] for one in opened} == {"bn", "gn"}
    assert sweep.run() is None, "nothing is left to train"


def test_an_address_without_ray_is_an_error(arguments, tmp_path, capsys):
    code = main([*arguments, "--results", str(tmp_path / "out"), "--address", "127.0.0.1:1"])
    assert code == 2
    assert "no Ray cluster answers at 127.0.0.1:1" in capsys.readouterr().err


@pytest.fixture(autouse=True)
def _quiet_environment(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    os.environ.setdefault("PYTHONUNBUFFERED", "1")


#: Raises in training, which is in float32, and not in its examination, which is in float64.
RAISES = """
from pathlib import Path

import torch


class Mine(torch.nn.BatchNorm2d):
    def forward(self, x):
        if x.dtype is torch.float32 and Path({flag!r}).exists():
            raise ArithmeticError("asked for")
        return super().forward(x)
"""


@pytest.mark.slow
def test_a_trial_that_raises_is_given_up_and_told(arguments, ray_address, tmp_path, monkeypatch, capsys):
    """Its attempts are counted in the store, whatever Tune does; the other pack goes on."""
    folder, flag = tmp_path / "out", tmp_path / "flag"
    (tmp_path / "raises_once.py").write_text(RAISES.format(flag=str(flag)))
    monkeypatch.syspath_prepend(str(tmp_path))
    command = [*arguments[:4], "--pack", "1", "--norms", "bn,raises_once:Mine", "--batch-sizes", "8"]
    command += ["--epochs", "2", "--max-failures", "2", "--address", ray_address, "--results", str(folder)]
    assert main([*command, "--seeds", "1"]) == 0
    flag.touch()
    capsys.readouterr()
    assert main([*command, "--seeds", "2"]) == 1
    assert "1 trial failed" in capsys.readouterr().out
    states = Store(str(folder)).scan()
    (failed,) = (state for state in states.values() if not state.finished)
    assert failed.failure["attempts"] == 2
    assert "ArithmeticError: asked for" in failed.failure["traceback"]
    assert len(states) == 4


@pytest.mark.slow
def test_a_folder_that_goes_away_is_not_made_again(arguments, tmp_path, monkeypatch):
    """Not by workers, nor by Tune, which makes the folder of its own state wherever it is told to."""
    monkeypatch.setenv("NORMSWEEP_STORAGE_PATIENCE", "2")
    folder, away = tmp_path / "out", tmp_path / "away"
    process = start([*arguments, "--seeds", "2", "--results", str(folder)])
    wait_for(folder, partly, process)
    folder.rename(away)
    output, _ = process.communicate(timeout=HANGS)
    assert process.returncode == 1, output
    assert f"waiting for {folder}" in output
    assert f"{folder}: the results folder is gone" in output
    assert "Traceback" not in output
    assert not folder.exists()
    away.rename(folder)
    assert main([*arguments, "--seeds", "2", "--executor", "inline", "--results", str(folder)]) == 0


@pytest.mark.slow
def test_taken_over_under_rays_feet(arguments, tmp_path):
    """The workers see it before the driver's next beat; they stop it, and nothing is written, by Tune neither."""
    folder = tmp_path / "out"
    process = start([*arguments, "--seeds", "2", "--results", str(folder)])
    wait_for(folder, partly, process)
    (folder / "lock.json").unlink()
    reports = {path: path.stat().st_mtime_ns for path in folder.glob("[a-z]*.*")}
    shutil.rmtree(folder / ".ray", ignore_errors=True)  # as who takes over does
    output, _ = process.communicate(timeout=HANGS)
    assert process.returncode == 1, output
    assert "another run took it over" in output
    assert "Traceback" not in output
    assert not (folder / ".ray").exists()
    assert {path: path.stat().st_mtime_ns for path in folder.glob("[a-z]*.*")} == reports
