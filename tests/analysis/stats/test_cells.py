import pytest

from analysis import load
from analysis.stats.cells import cells, panels
from analysis.stats.line import Line
from analysis.stats.panel import RECIPE_NAMES
from model.recipe import RECIPES
from tests.helpers.synthetic import block


def test_a_cell_is_what_differs_in_the_seed_alone(sweep):
    trials = block(batch_size=[2, 32]) + block(norm="gn", groups=[2, 8])
    ours = cells(load(sweep(trials)))
    assert [(c.line.norm, c.line.groups, c.x) for c in ours] == [
        ("bn", None, 32),
        ("bn", None, 2),
        ("gn", 8, 32),
        ("gn", 2, 32),
    ]
    assert all(sorted(c.last) == [1, 2, 3] for c in ours)


def test_validation_and_test_errors_never_share_a_cell(sweep):
    kept = block(norm="gn", groups=8)
    held = block(norm="gn", groups=8, holdout=5000)
    url = sweep(kept + held)
    by_panel = panels(load(url))
    assert [(p.judged, p.holdout) for p in by_panel] == [("test", 0), ("validation", 5000)]
    frame = load(url).set_index("trial_id")
    for panel, group in by_panel.items():
        (cell,) = group
        column = "val_error" if panel.holdout else "test_error"
        mine = held if panel.holdout else kept
        assert list(cell.last.values()) == [frame.loc[t.trial_id, column] for t in mine]


def test_trials_without_a_result_are_counted_and_not_averaged(sweep):
    states = {1: "done", 2: "diverged", 3: "failed", 4: "partial", 5: "missing", 6: "done"}
    (cell,) = cells(load(sweep(block(seeds=6), status=lambda t: states[t.seed])))
    assert cell.counts == {"done": 2, "diverged": 1, "failed": 1, "partial": 1, "missing": 1}
    assert sorted(cell.last) == [1, 6]
    assert cell.remarks == "1 diverged, 1 failed, 1 partial, 1 missing"
    assert cell.summary().n == 2


def test_epochs_recipes_and_models_are_panels_of_their_own(sweep):
    trials = block(epochs=2, seeds=1) + block(epochs=3, seeds=1) + block(model="resnet32", seeds=1)
    assert len(panels(load(sweep(trials)))) == 3


@pytest.mark.parametrize(("line", "name"), [(Line("bn", None), "BN"), (Line("gn", 8), "GN (G = 8)")])
def test_names(line, name):
    assert line.name == name


def test_a_recipe_has_a_plain_name(sweep):
    (panel,) = {cell.panel for cell in cells(load(sweep(block())))}
    assert panel.title == "cifar10 · resnet20 · recipe of Wu & He (2018) · 2 epochs"
    assert set(RECIPE_NAMES) == set(RECIPES)
