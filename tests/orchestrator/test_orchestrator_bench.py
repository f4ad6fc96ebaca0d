"""The benchmark runs and says what it measured; how fast this machine is, no test asks."""

import json
import sys

import pytest

from orchestrator import bench
from orchestrator.bench import Row, Sizes, main
from orchestrator.store import Store


def test_quick_gives_every_figure_as_json(monkeypatch, capsys):
    monkeypatch.setattr(bench, "QUICK", Sizes(trials=2, plan=30, rerun=6, epochs=2))
    assert main(["--quick", "--json"]) == 0
    out, err = capsys.readouterr()
    rows = [Row(**row) for row in json.loads(out)]
    assert all(row.value > 0 and row.target > 0 and row.name in err for row in rows)
    counts = [row.trials for row in rows if row.unit != "MB"]
    assert counts == [30, 6, 2], "a plan, a rerun, tiny trials"
    if sys.platform == "linux":
        assert sum(row.unit == "MB" for row in rows) == 2


def test_a_made_up_sweep_is_finished(tmp_path):
    trials = bench.find(str(bench._grid(tmp_path, "made", 12, epochs=3))).trials()
    store = Store(str(tmp_path / "made"))
    bench._finish(store, trials, epochs=3)
    states = store.scan(history=True)
    assert len(states) == len(trials) == 12
    assert all(state.status == "done" and state.recorded and not state.warnings for state in states.values())
    assert all(len(state.history["epochs"]) == 3 for state in states.values())


def test_a_sweep_that_fails_is_told(tmp_path):
    grid = bench._grid(tmp_path, "broken", 6, epochs=1, sizes=(99,))
    with pytest.raises(bench.InputError, match=r"exit code 2: .*batch size 99"):
        bench._sweep(grid, tmp_path, str(tmp_path / "out"), "--executor", "inline")
