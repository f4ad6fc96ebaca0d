"""Each tracker that ships, offline: what its own library reads back is what the results folder holds."""

import shutil

import pytest

from orchestrator.results.store import Store
from tests.helpers.synthetic import block, write_sweep
from tests.helpers.tracked import level, runs_of, stored

TRIALS = block(norm="bn", batch_size=[8, 2], seeds=2, epochs=4) + block(
    norm="gn", groups=4, seeds=1, epochs=4
)


@pytest.fixture(params=["tensorboard", "wandb", "trackio", "mlflow"])
def name(request, tmp_path, monkeypatch):
    """Offline, and with nothing of the user's own in sight."""
    pytest.importorskip(request.param, reason=f"pip install 'normsweep[{request.param}]'")
    for variable in ("WANDB_PROJECT", "WANDB_DIR", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("WANDB_MODE", "offline")
    if request.param == "trackio":
        storage = pytest.importorskip("trackio.sqlite_storage")
        monkeypatch.setattr(storage, "TRACKIO_DIR", tmp_path / "trackio")
        monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    return request.param


@pytest.fixture
def folder(tmp_path):
    """A sweep in its middle: a diverged trial, two epochs of the others."""
    whole = write_sweep(
        str(tmp_path / "whole"), TRIALS, status=lambda t: "diverged" if t.batch_size == 2 else "done"
    )
    folder = tmp_path / "sweep"
    shutil.copytree(whole, folder)
    store = Store(str(folder))
    for trial_id, state in store.scan(history=True).items():
        if state.status == "done":
            store.write_history(trial_id, {**state.history, "epochs": state.records[:2]})
            (folder / "trials" / trial_id / "result.json").unlink()
    return folder


def end(folder):
    """The same sweep, finished."""
    shutil.copytree(folder.parent / "whole" / "trials", folder / "trials", dirs_exist_ok=True)


def check(name, folder):
    """That it holds each trial once, with every epoch once, as stored, and nothing else."""
    expected, found = stored(folder), runs_of(name, folder)
    assert sorted(one for one, _ in found) == sorted(expected)
    groups = {}
    for trial_id, shown in found:
        wanted = expected[trial_id]
        assert shown.points.keys() == wanted.points.keys()
        for metric, points in shown.points.items():
            assert points == [(step, pytest.approx(value, rel=1e-6)) for step, value in wanted.points[metric]]
        assert shown.result == wanted.result
        said = {k: str(v) for k, v in wanted.config.items() if v is not None}
        given = {k: v for k, v in shown.config.items() if v not in (None, "None")}
        assert given.keys() == said.keys()
        for key, value in given.items():
            assert str(value) == said[key] or float(value) == float(said[key])
        assert groups.setdefault(wanted.group, shown.group) == shown.group
    assert len(set(groups.values())) == len(groups) == 3


def test_what_it_shows_is_what_is_stored_and_nothing_twice(name, folder):
    level(name, folder)
    check(name, folder)
    level(name, folder)  # interrupted and begun again: nothing new
    check(name, folder)
    end(folder)
    level(name, folder)
    check(name, folder)
    level(name, folder)
    check(name, folder)


def test_named_only_after_the_end_it_gets_everything(name, folder):
    end(folder)
    level(name, folder)
    check(name, folder)


@pytest.mark.parametrize("name", ["mlflow"], indirect=True)
def test_a_trial_that_is_given_up_says_why(name, folder):
    (trial_id, *_) = [i for i, s in Store(str(folder)).scan().items() if not s.finished]
    Store(str(folder)).write_failure(trial_id, {"attempts": 3, "error": "RuntimeError: boom"})
    level(name, folder)
    check(name, folder)
    client = pytest.importorskip("mlflow").MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    runs = client.search_runs([e.experiment_id for e in client.search_experiments()])
    status = {run.info.run_name: (run.info.status, run.data.tags.get("error")) for run in runs}
    assert status.pop(trial_id) == ("FAILED", "RuntimeError: boom")
    assert set(status.values()) == {("KILLED", None), ("FINISHED", None)}


@pytest.mark.parametrize("name", ["wandb"], indirect=True)
def test_what_was_cleaned_away_is_not_written_again(name, folder):
    """W&B's offline runs are deleted once they are synced."""
    end(folder)
    level(name, folder)
    for run in (folder / "wandb").glob("offline-run-*"):
        shutil.rmtree(run)
    level(name, folder)
    assert runs_of(name, folder) == []


@pytest.mark.parametrize("name", ["tensorboard", "wandb"], indirect=True)
def test_a_file_that_a_kill_cut_off_is_made_up_for(name, folder):
    level(name, folder)
    whole = {file.name for file in (folder / "wandb/finished").glob("*")}
    files = [*folder.glob("tensorboard/*/*/events*"), *folder.glob("wandb/offline-run-*/*.wandb")]
    cut = [
        file
        for file in files
        if not (file.parent / "finished").exists() and not file.parent.name.endswith(tuple(whole))
    ]
    assert len(cut) == 3
    for file in cut:
        content = file.read_bytes()
        file.write_bytes(content[: int(0.85 * len(content))])
    assert any(len(shown.points["train_loss"]) < 2 for _, shown in runs_of(name, folder))
    end(folder)
    level(name, folder)
    check(name, folder)
