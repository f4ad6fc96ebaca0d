"""What Ray Tune is told of a pack. No cluster is started."""

from types import SimpleNamespace

from ray import tune

from analysis import load
from orchestrator.execution.as_tune_sees import OfPacks, config_of, errors_of
from orchestrator.planning.plan import Pack
from tests.helpers.tiny import trial

SEEDS = Pack((trial(seed=1, norm="gn", groups=4), trial(seed=2, norm="gn", groups=4)))
RATES = Pack((trial(seed=1, lr=0.1), trial(seed=1, lr=0.05)))


def errors(pack, *values, key="test_error"):
    blank = {"test_error": None, "val_error": None}
    return errors_of(pack, {t.trial_id: {**blank, key: v} for t, v in zip(pack.trials, values, strict=True)})


def test_the_config_has_every_axis_and_says_where_replicas_differ():
    config = config_of(SEEDS)
    assert {name: config[name] for name in ("norm", "groups", "batch_size", "epochs", "seeds")} == {
        "norm": "gn",
        "groups": 4,
        "batch_size": 4,
        "epochs": 3,
        "seeds": [1, 2],
    }
    assert {**SEEDS.trials[0].identity, **config}.keys() == config.keys() | {"protocol", "seed"}
    assert config_of(RATES)["lr"] == [0.1, 0.05]
    assert config_of(RATES)["seeds"] == [1, 1]


def test_errors_by_seed_and_their_mean():
    assert errors(SEEDS, 10.0, 12.0) == {"errors": {"seed 1": 10.0, "seed 2": 12.0}, "mean_error": 11.0}
    assert errors(SEEDS, 10.0, None) == {"errors": {"seed 1": 10.0, "seed 2": None}}
    assert errors(SEEDS, 7.0, 9.0, key="val_error")["mean_error"] == 8.0
    assert errors(RATES, 10.0, 12.0)["errors"] == {"seed 1 lr 0.1": 10.0, "seed 1 lr 0.05": 12.0}


def test_a_pack_that_failed_is_known_by_its_config():
    class Grid(list):
        def get_dataframe(self): ...

    failed = SimpleNamespace(
        metrics={}, error=RuntimeError("lost"), config=config_of(RATES), metrics_dataframe=None
    )
    frame = load(Grid([failed])).set_index("trial_id")
    assert frame["status"].tolist() == ["failed", "failed"]
    assert frame["lr"].to_dict() == {t.trial_id: t.lr for t in RATES.trials}
    assert frame["norm"].tolist() == ["bn", "bn"]


def test_a_callback_hears_of_packs_alone():
    told = []

    class Heard(tune.Callback):
        def on_trial_start(self, *, trial, **_):
            told.append(("start", trial.trial_id))

        def on_trial_result(self, *, result, **_):
            told.append(("result", result))

        def on_trial_complete(self, *, trial, **_):
            told.append(("complete", trial.trial_id))

    callback, a, b = OfPacks(Heard()), SimpleNamespace(trial_id="a"), SimpleNamespace(trial_id="b")
    callback.on_trial_start(iteration=0, trials=[], trial=a)
    assert told == [], "it has no pack yet"
    for report in (
        {"pack": 0, "started": True},
        {"pack": 0, "warning": "x"},
        {"replicas": {}},
        {"trials": []},
    ):
        callback.on_trial_result(iteration=0, trials=[], trial=a, result=report)
    callback.on_trial_result(iteration=0, trials=[], trial=b, result={"interrupted": True})
    callback.on_trial_complete(iteration=0, trials=[], trial=b)
    callback.on_trial_complete(iteration=0, trials=[], trial=a)
    assert told == [
        ("start", "a"),
        ("result", {"replicas": {}}),
        ("result", {"trials": []}),
        ("complete", "a"),
    ]
