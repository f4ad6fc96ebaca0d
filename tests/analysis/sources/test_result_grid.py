"""Against stand-ins with the shape of ray.tune.ResultGrid; the orchestrator's tests use the real one."""

import pandas as pd
import pytest

from analysis import load, load_history
from tests.helpers.synthetic import block


class Result:
    def __init__(self, metrics=None, error=None, config=None, table=None):
        self.metrics, self.error, self.config, self.metrics_dataframe = metrics, error, config, table


class Grid:
    experiment_path = "bucket/experiments/fig1"

    def __init__(self, results):
        self._results = results

    def __len__(self):
        return len(self._results)

    def __getitem__(self, index):
        return self._results[index]

    def get_dataframe(self):
        raise AssertionError("not needed")


def finished(trial, error):
    identity = {k: v for k, v in trial.identity.items() if k != "protocol"}
    return {
        **identity,
        "trial_id": trial.trial_id,
        "status": "done",
        "test_error": error,
        "train_seconds": 1.0,
    }


def test_a_pack_gives_a_row_per_trial():
    a, b = block(seeds=2)
    pack = {a.trial_id: finished(a, 13.5), b.trial_id: finished(b, 13.7)}
    frame = load(Grid([Result({"trials": pack})]))
    assert frame["test_error"].tolist() == [13.5, 13.7]
    assert frame["batch_size"].tolist() == [32, 32]
    assert frame["pack_size"].tolist() == [2, 2]
    assert frame["status"].tolist() == ["done", "done"]


def test_errored_and_unfinished_packs_are_rows_too():
    a, b, c = block(seeds=3)
    grid = Grid(
        [
            Result({"epoch": 2, "replicas": {a.trial_id: {"epoch": 2}}}),
            Result(
                None,
                RuntimeError("lost\nnode"),
                {"job": {"trials": [{**b.identity, "trial_id": b.trial_id}]}},
            ),
            Result({"trials": {c.trial_id: {**finished(c, None), "status": "diverged"}}}),
            Result(None),
        ]
    )
    frame = load(grid).set_index("trial_id")
    assert frame.loc[a.trial_id, "status"] == "partial"
    assert frame.loc[a.trial_id, "epochs_run"] == 2
    assert frame.loc[b.trial_id, "status"] == "failed"
    assert frame.loc[b.trial_id, "failure"] == "node"
    assert frame.loc[b.trial_id, "seed"] == 2
    assert frame.loc[c.trial_id, "status"] == "diverged"


def test_a_retry_that_finished_wins_over_the_failure_before_it():
    (a,) = block(seeds=1)
    failed = Result({"replicas": {a.trial_id: {}}}, RuntimeError("x"))
    good = Result({"trials": {a.trial_id: finished(a, 13.5)}})
    for order in ([failed, good], [good, failed]):
        assert load(Grid(order))["status"].tolist() == ["done"]


def test_the_epochs_that_ray_kept():
    (a,) = block(seeds=1)
    table = pd.DataFrame(
        {
            "epoch": [1, 2],
            f"replicas/{a.trial_id}/epoch": [1, 2],
            f"replicas/{a.trial_id}/test_error": [40.0, 30.0],
        }
    )
    history = load_history(Grid([Result({"trials": {a.trial_id: finished(a, 30.0)}}, table=table)]))
    assert history["epoch"].tolist() == [1, 2]
    assert history["test_error"].tolist() == [40.0, 30.0]


@pytest.mark.xdist_group("ray")
def test_a_real_result_grid(ray_address, tmp_path, monkeypatch):
    """Two packs through Ray itself: one finishes, one dies after an epoch."""
    monkeypatch.delenv(
        "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", raising=False
    )  # our own sweeps write no such logs
    import ray
    from ray import tune

    a, b = block(seeds=2)
    ids = {0: a.trial_id, 1: b.trial_id}
    result = finished(a, 13.5)

    def train(config):
        me = ids[config["pack"]]
        tune.report({"epoch": 1, "replicas": {me: {"epoch": 1, "test_error": 40.0}}})
        if config["pack"] == 1:
            raise RuntimeError("made up")
        tune.report({"trials": {me: result}})

    ray.init(ray_address, log_to_driver=False)
    try:
        grid = tune.Tuner(
            train,
            param_space={"pack": tune.grid_search([0, 1])},
            run_config=tune.RunConfig(storage_path=str(tmp_path), name="grid", verbose=0),
        ).fit()
        frame = load(grid).set_index("trial_id")
        history = load_history(grid)
    finally:
        ray.shutdown()
    assert frame.loc[a.trial_id, ["status", "test_error", "norm"]].tolist() == ["done", 13.5, "bn"]
    assert frame.loc[b.trial_id, "status"] == "failed"
    assert "made up" in frame.loc[b.trial_id, "failure"]
    assert sorted(history["trial_id"]) == sorted([a.trial_id, b.trial_id])
    assert history["test_error"].tolist() == [40.0, 40.0]
