"""Cells are called by their names, and apart where those are alike."""

from dataclasses import replace

from orchestrator.display.cell_names import cell_names
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
