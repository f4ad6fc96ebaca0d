import subprocess
import sys
from pathlib import Path

import pytest

from analysis import load, load_history
from analysis.sources.frame import COLUMNS, make
from analysis.sources.load import load_sweep
from model.errors import InputError
from orchestrator.results.store import Store
from tests.helpers.synthetic import block, error_of


def test_a_row_for_every_declared_trial_whatever_became_of_it(sweep):
    states = {1: "done", 2: "diverged", 3: "failed", 4: "partial", 5: "missing"}
    trials = block(seeds=5, epochs=6)
    frame = load(sweep(trials, status=lambda t: states[t.seed]))
    assert list(frame.columns) == list(COLUMNS)
    assert dict(zip(frame["seed"], frame["status"], strict=True)) == states
    assert list(frame["trial_id"]) == [t.trial_id for t in trials]
    assert frame["declared"].all()
    row = frame.set_index("seed")
    assert row.loc[1, "test_error"] == pytest.approx(error_of(trials[0]), abs=0.3)
    assert row["test_error"].notna().tolist() == [True, False, False, False, False]
    assert row.loc[3, "failure"] == "RuntimeError: made up"
    assert row.loc[3, "attempts"] == 3
    assert row["epochs_run"].tolist()[:4] == [6, 2, 2, 2]
    assert row["batch_size"].tolist() == [32] * 5  # known even of a trial that never began


def test_the_first_columns_are_those_that_the_readme_promises():
    promised = "trial_id dataset model norm groups batch_size recipe epochs seed status test_error"
    promised += " test_error_median5 val_error train_seconds"
    assert list(COLUMNS)[:14] == promised.split()


def test_a_trial_that_is_no_longer_declared_is_kept_and_marked(sweep):
    both = block(seeds=3)
    sweep(both)
    frame = load(sweep(both[:2], status=lambda t: "missing"))  # declared again with two seeds
    assert frame["declared"].tolist() == [True, True, False]
    assert frame["seed"].tolist() == [1, 2, 3]
    assert frame["norm"].tolist() == ["bn"] * 3


def test_history_has_a_row_per_trial_and_epoch(sweep):
    history = load_history(sweep(block(seeds=2, epochs=7)))
    assert history.groupby("trial_id")["epoch"].apply(list).tolist() == [list(range(1, 8))] * 2
    assert history["test_error"].notna().all()
    assert history["val_error"].isna().all()


def test_a_damaged_file_is_reported_and_the_rest_read(sweep):
    trials = block(seeds=2)
    url = sweep(trials)
    Path(url, "trials", trials[0].trial_id, "result.json").write_text("{")
    loaded = load_sweep(url)
    assert loaded.frame["status"].tolist() == ["missing", "done"]
    assert any("result.json is damaged" in w for w in loaded.warnings)


@pytest.mark.parametrize(
    "content", ['{"test_error": "<script>", "status": "done", "seed": [1]}', "[]", '"x"', "7"]
)
def test_results_of_a_wrong_shape_do_not_stop_the_reading(sweep, content):
    trials = block(seeds=1)
    url = sweep(trials)
    Path(url, "trials", trials[0].trial_id, "result.json").write_text(content)
    with pytest.warns(UserWarning, match="result.json is damaged and was ignored"):
        frame = load(url)
    assert frame["seed"].tolist() == [1]
    assert frame["test_error"].isna().all()


@pytest.mark.parametrize("value", [10**400, "fast", -5000.0, [1]])
def test_a_history_of_a_wrong_shape_is_told_and_not_drawn(sweep, value):
    trials = block(seeds=2)
    url = sweep(trials)
    files, name = Store(url).files, f"trials/{trials[0].trial_id}/history.json"
    history = files.read_json(name)
    history["epochs"][0]["test_error"] = value
    files.write_json(name, history)
    loaded = load_sweep(url)
    assert [w for w in loaded.warnings if "history" in w] == [f"{name} is damaged and was ignored"]
    assert set(loaded.history["trial_id"]) == {trials[1].trial_id}
    assert loaded.frame["test_error"].notna().all(), "its result is whole"


def test_a_whole_number_that_is_no_fraction_is_missing():
    assert make([{"test_error": 10**400}])["test_error"].isna().all()


def test_what_is_no_sweep_says_so(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        load(str(tmp_path / "absent"))
    with pytest.raises(InputError, match="is no sweep"):
        load(str(tmp_path))
    (tmp_path / "x.txt").write_text("x")
    with pytest.raises(InputError, match=r"no \.csv"):
        load(str(tmp_path / "x.txt"))
    with pytest.raises(InputError, match="cannot read results from a int"):
        load(7)


def test_loading_needs_neither_torch_nor_ray_nor_plotly():
    code = "import sys, analysis.sources.load, analysis.tables, analysis.stats.summary; "
    code += "print([m for m in ('torch', 'ray', 'plotly', 'scipy.stats') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
