"""The finished sweep that large ones are measured on."""

import pytest

from orchestrator.bench import tiny_sweep
from orchestrator.bench.arguments import parser
from orchestrator.bench.finished import write_finished
from orchestrator.grid.parse import find
from orchestrator.results.store import Store
from orchestrator.standing import status


def test_it_is_what_training_leaves(tmp_path):
    trials = find(str(tiny_sweep.grid(tmp_path, "finished", 12, epochs=2))).trials()
    store = Store(str(tmp_path / "sweep"))
    write_finished(store, trials, epochs=2)
    store.declare(
        "finished", trials, data={"imagefolder": {"fingerprint": "x", "train_size": 8, "test_size": 8}}
    )
    found = status(store.url)
    assert (found["counts"]["done"], found["warnings"]) == (len(trials), [])
    assert {(trial["epoch"], trial["epochs"]) for trial in found["trials"]} == {(2, 2)}


@pytest.mark.parametrize("text", ["0", "x", "5,6", "140001"])
def test_how_many_trials(text, capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(["--finished", text])
    assert "--finished" in capsys.readouterr().err
