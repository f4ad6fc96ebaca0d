"""Cells are called by their names, and apart where those are alike."""

from dataclasses import replace

import pytest

from orchestrator.display.cell_names import cell_names
from orchestrator.display.pack_names import pack_names
from orchestrator.display.uncounted import uncounted
from orchestrator.planning.plan import Pack
from orchestrator.results.trial_state import TrialState
from tests.helpers.tiny import trial

ONE = trial(norm="gn", groups=4, batch_size=8).spec


def test_a_name_of_its_own_is_enough():
    other = replace(ONE, batch_size=4)
    assert cell_names([ONE, other, ONE]) == {ONE: "gn G=4, batch 8", other: "gn G=4, batch 4"}


def test_what_differs_stands_behind_a_name_that_two_share():
    longer, apart = replace(ONE, epochs=ONE.epochs + 1), replace(ONE, batch_size=4)
    names = cell_names([ONE, longer, apart])
    assert len(set(names.values())) == 3
    assert names[ONE] == f"gn G=4, batch 8 (epochs {ONE.epochs})"
    assert names[longer] == f"gn G=4, batch 8 (epochs {ONE.epochs + 1})"
    assert names[apart] == "gn G=4, batch 4"


def test_norms_of_two_labs_that_have_one_name():
    first, second = (
        replace(ONE, groups=None, norm=f"{lab}.norms:Mine@0123456789ab") for lab in ("mit", "eth")
    )
    names = cell_names([first, second])
    assert names[first] == f"{first.name} (mit.norms:Mine@0123456789ab)"
    assert names[second] == f"{second.name} (eth.norms:Mine@0123456789ab)"
    assert first.name == second.name


def test_packs_of_two_cells_that_share_a_name_are_told_apart():
    """In the panel as in the plan; a pack over several learning rates is named after what its cells share."""
    longer = [trial(seed=seed, epochs=5) for seed in (1, 2)]
    names = pack_names([Pack((trial(seed=1), trial(seed=2))), Pack(tuple(longer))])
    assert names == ["bn, batch 4 (epochs 3), seeds 1–2", "bn, batch 4 (epochs 5), seeds 1–2"]
    assert pack_names([Pack((trial(lr=0.1), trial(lr=0.2)))]) == [
        "bn, batch 4, 2 values of learning rate, seed 1"
    ]


@pytest.mark.parametrize(
    ("kept", "finished", "said"),
    [
        (2, {2, 3}, "1 finished trial (bn, batch 4, seed 3). It is kept"),
        (1, {2, 3}, "2 finished trials (bn, batch 4, seeds 2–3). They"),
        (1, {3}, "1 finished trial and 1 unfinished one (bn, batch 4, seed 3). They"),
        (1, set(), "2 unfinished trials. They"),
    ],
)
def test_what_a_narrowed_grid_no_longer_counts_is_named(kept, finished, said):
    trials = [trial(seed=seed) for seed in (1, 2, 3)]
    ended = {True: {"status": "done"}, False: None}
    states = {t.trial_id: TrialState(t.trial_id, "", result=ended[t.seed in finished]) for t in trials}
    beside = [t.trial_id for t in trials[kept:]]
    identities = {t.trial_id: t.identity for t in trials}
    assert f"no longer declared in there: {said}" in uncounted(beside, states, identities, "there")
    assert uncounted([], states, identities, "there") == ""
