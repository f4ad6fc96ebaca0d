from pathlib import Path

from analysis.page.opening import opening
from analysis.sources.load import load_sweep
from analysis.study import read
from tests.helpers.synthetic import block


def test_damaged_files_are_named_on_the_first_screen(sweep):
    trials = block(seeds=2)
    url = sweep(trials)
    Path(url, "trials", trials[0].trial_id, "history.json").write_text("{")
    assert f"{trials[0].trial_id}/history.json is damaged" in opening(read([url]))
    assert load_sweep(url).frame["status"].tolist() == ["done", "done"]
