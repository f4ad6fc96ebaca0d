import numpy as np
import pytest

from analysis.plots import curves
from analysis.sources.frame import HISTORY_COLUMNS, make
from analysis.sources.load import load_sweep
from analysis.stats.cells import cells
from tests.helpers.synthetic import block


def history(rows):
    return make(
        [dict(zip(("trial_id", "epoch", "test_error"), row, strict=True)) for row in rows], HISTORY_COLUMNS
    )


def test_mean_and_range_over_the_seeds_that_reached_an_epoch():
    rows = history([("a", 1, 50.0), ("b", 1, 54.0), ("a", 2, 40.0), ("b", 2, 40.5), ("a", 3, 30.0)])
    curve = curves.curve(rows, "test_error")
    assert curve.epochs == [1, 2, 3]
    assert curve.mean == [52.0, 40.25, 30.0]
    assert (curve.low, curve.high) == ([50.0, 40.0, 30.0], [54.0, 40.5, 30.0])
    assert curve.seeds == [2, 2, 1]
    assert curves.curve(rows, "val_error") is None


def test_long_curves_are_thinned_and_keep_their_ends():
    rows = history([("a", e, float(e)) for e in range(1, 1001)])
    curve = curves.curve(rows, "test_error")
    assert len(curve.epochs) <= curves.MAX_POINTS
    assert (curve.epochs[0], curve.epochs[-1]) == (1, 1000)
    assert max(np.diff(curve.epochs)) <= 6


def test_each_cell_has_its_own_epochs_judged_as_it_is(sweep):
    trials = block(batch_size=[32, 2], seeds=2) + block(norm="gn", groups=8, holdout=5000, seeds=2)
    loaded = load_sweep(sweep(trials, epochs=3))
    infos = curves.infos(cells(loaded.frame), loaded.frame, loaded.history)
    assert [(i.line.norm, i.x, i.panel.judged) for i in infos] == [
        ("bn", 32, "test"),
        ("bn", 2, "test"),
        ("gn", 32, "validation"),
    ]
    for info, first in zip(infos, (trials[0:2], trials[2:4], trials[4:6]), strict=True):
        rows = loaded.history[loaded.history["trial_id"].isin([t.trial_id for t in first])]
        column = "val_error" if info.panel.holdout else "test_error"
        assert info.judged.mean == pytest.approx(rows.groupby("epoch")[column].mean().tolist(), abs=1e-3)


def test_a_csv_has_no_curves(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("seed,batch_size,norm,accuracy\n1,32,bn,0.8\n")
    loaded = load_sweep(str(path))
    assert curves.infos(cells(loaded.frame), loaded.frame, loaded.history) == []
