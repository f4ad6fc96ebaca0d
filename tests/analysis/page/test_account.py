from pathlib import Path

import pytest

from analysis.page import account
from analysis.sources.load import load_sweep
from analysis.study import read
from orchestrator.results.store import Store
from tests.helpers.synthetic import BEGUN, block


def declare(url, **facts):
    """Further facts in sweep.json, as a run would have left them."""
    files = Store(url).files
    sweep = {k: v for k, v in files.read_json("sweep.json").items() if k != "sha256"}
    files.write_json("sweep.json", {**sweep, **facts})
    return url


def test_estimate_and_truth_of_each_run(sweep):
    url = sweep(block(seeds=2), epochs=4, workers=1)  # 4 × (4 + 60/32) = 23.5 s from BEGUN on
    begun = BEGUN.timestamp()
    runs = [{"begun": begun, "estimate_seconds": 47.0, "cpus_per_pack": 2, "gpus_per_pack": 0}]
    html = account.time_section(read([declare(url, runs=runs)])).body
    assert "47 s estimated, 24 s taken (0.50 ×)" in html
    assert "Core-hours" in html


def test_without_runs_there_are_worker_hours(sweep):
    html = account.time_section(read([sweep(block(seeds=2), epochs=4)])).body
    assert "Worker-hours" in html
    assert "estimated" not in html


@pytest.mark.parametrize(
    ("seconds", "words"), [(59, "59 s"), (600, "10 min"), (9000, "2 h 30 min"), (864000, "10.0 days")]
)
def test_durations(seconds, words):
    assert account.duration(seconds) == words


def test_the_network_has_the_images_that_were_declared(sweep):
    data = {
        "cifar10": {"image": [1, 8, 8], "classes": 7, "train_size": 9, "test_size": 9, "fingerprint": "f"}
    }
    html = account.network_section(read([declare(sweep(block()), data=data)])).body
    assert "image, 8×8" in html
    assert "linear, 7" in html


def test_columns_that_say_nothing_are_left_out(sweep):
    keys = [c.key for c in account.trial_columns(read([sweep(block())]))]
    assert "val_error" not in keys
    assert "failure" not in keys
    assert "dataset" not in keys  # one data set, named above the figure
    assert keys[0] == "status"


def test_provenance_shows_the_exact_command(sweep):
    html = account.provenance_section(read([sweep(block())])).body
    assert "python -m orchestrator.run --grid fig1" in html


def test_odd_facts_do_not_stop_the_page(sweep):
    url = declare(sweep(block()), runs=[7, {"begun": "x"}], data=[1], provenance="none", description=3)
    study = read([url])
    for section in (account.time_section, account.network_section, account.provenance_section):
        assert section(study).body


def test_damaged_files_are_named_on_the_first_screen(sweep):
    from analysis.page import hero

    trials = block(seeds=2)
    url = sweep(trials)
    Path(url, "trials", trials[0].trial_id, "history.json").write_text("{")
    assert f"{trials[0].trial_id}/history.json is damaged" in hero.state(read([url]))
    assert load_sweep(url).frame["status"].tolist() == ["done", "done"]
