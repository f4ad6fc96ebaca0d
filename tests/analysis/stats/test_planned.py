"""Which claims were planned: those that a plan of before the first result has, made as it has them."""

from dataclasses import replace

import pytest

from analysis.stats.choices import Choices, Margin
from analysis.stats.planned import planned
from analysis.study import read
from orchestrator.results.analysis_plan import with_plan
from tests.helpers.sequential import plan
from tests.helpers.sweeps import in_memory, two_norms

SEEDS = [12.0, 12.2, 12.1, 12.4]
STUDY = read([in_memory(two_norms({8: SEEDS, 2: SEEDS}, {8: SEEDS[::-1], 2: SEEDS[::-1]}))])
(PANEL,) = STUDY.compared
CHOICES = Choices(paired=True)


def marked(versions, choices=CHOICES):
    """(kind, x) of the planned claims; constancy once for each line."""
    cells = STUDY.compared[PANEL]
    return [(c.kind, c.last) for c in STUDY.outcomes[PANEL] if planned(c, versions, cells, choices)]


def said(results=0, before=(), **changes):
    return with_plan(before, {**plan(stopping=None), **changes}, results)


def test_differences_are_planned_where_nothing_else_is_said():
    assert marked(said()) == [("difference", 8), ("difference", 2)]


def test_kinds_and_places():
    claims = ["difference", "change", "constancy"]
    assert marked(said(claims=claims, at=[2])) == [
        ("change", 2),
        ("difference", 2),
        ("constancy", 2),
        ("constancy", 2),
    ]


def test_what_is_written_after_the_first_result_plans_nothing():
    assert marked(said(results=1)) == []


def test_a_change_after_the_first_result_leaves_the_plan_before_it():
    assert marked(said(8, said(at=[8], claims=["difference"]), at=[2], claims=["difference"])) == [
        ("difference", 8)
    ]
    assert marked(said(0, said(at=[8], claims=["difference"]), at=[2], claims=["difference"])) == [
        ("difference", 2)
    ]


@pytest.mark.parametrize("change", [{"base": "gn"}, {"measure": "median5"}, {"x": "lr"}, {"base": "ln"}])
def test_made_otherwise_it_is_another_claim(change):
    assert marked(said(**change)) == []


def test_another_margin_is_another_claim_only_where_it_has_a_say():
    other = replace(CHOICES, margin=Margin(2, chosen=True))
    assert marked(said(claims=["constancy"])) == [("constancy", 2)] * 2
    assert marked(said(claims=["constancy"]), other) == []
    assert marked(said(), other) == marked(said())
