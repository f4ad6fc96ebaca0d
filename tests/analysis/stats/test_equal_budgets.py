"""What tuning does to a conclusion, against scipy's paired tests on the differences within a seed."""

import numpy as np
import pytest
from scipy import stats

from analysis.sources.tuning import tuning_record
from analysis.study import read
from analysis.words.tuning import budget_sentences
from tests.helpers.tuned import tuned

BN32, BN2, GN32, GN2 = CELLS = (("bn", None, 32), ("bn", None, 2), ("gn", 8, 32), ("gn", 8, 2))
CLEAR = {0.05: [9.0, 9.4, 9.1], 0.1: [8.0, 8.2, 8.1], 0.2: [5.0, 5.2, 5.5]}
INSIDE = {0.05: [9.0, 9.4, 9.1], 0.1: [5.0, 5.2, 5.5], 0.2: [8.0, 8.2, 8.1]}
COMMON = {
    BN32: [12.0, 12.3, 11.8, 12.1, 12.4],
    BN2: [20.0, 21.0, 19.5, 20.2, 20.9],
    GN32: [12.5, 12.6, 12.2, 12.9, 12.4],
    GN2: [13.0, 13.4, 12.8, 13.1, 13.6],
}
BEST = {
    BN32: (0.1, COMMON[BN32]),
    BN2: (0.2, [15.0, 15.9, 14.8, 15.2, 15.7]),
    GN32: (0.2, [12.1, 12.5, 12.0, 12.6, 12.3]),
    GN2: (0.2, [12.9, 13.1, 12.6, 13.2, 13.0]),
}
SEARCHES = {BN32: INSIDE, BN2: CLEAR, GN32: CLEAR, GN2: CLEAR}


@pytest.fixture(scope="module")
def found():
    (budgets,) = read([tuned(SEARCHES, BEST, COMMON)]).budgets
    return budgets


def paired(values):
    """Mean and 95% t interval of differences within a seed."""
    values = np.asarray(values, dtype=float)
    half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return values.mean(), values.mean() - half, values.mean() + half


def of(estimate):
    return estimate.mean, estimate.interval.low, estimate.interval.high


def array(cell, tuned_ones):
    return np.array(BEST[cell][1] if tuned_ones else COMMON[cell])


def test_the_cells_and_what_was_chosen(found):
    cells = {(cell.line.norm, cell.line.groups, cell.x): cell for cell in found.cells}
    assert set(cells) == set(CELLS)
    for key, cell in cells.items():
        assert dict(cell.candidates[cell.place].values) == {"lr": BEST[key][0]}
        assert (cell.holdout, cell.budget) == (100, (3, 3))
        assert list(cell.tuned.errors().values()) == list(BEST[key][1])
        assert list(cell.common.errors().values()) == COMMON[key]
        assert cell.recipe == (("lr", 0.1),)
        assert cell.as_common == (key == BN32)


def test_differences_rises_and_their_interaction(found):
    at = {d.x: d.kept for d in found.differences}
    for x, line, base in ((32, GN32, BN32), (2, GN2, BN2)):
        before, after = (array(line, t) - array(base, t) for t in (False, True))
        assert of(at[x].common) == pytest.approx(paired(before))
        assert of(at[x].tuned) == pytest.approx(paired(after))
        assert of(at[x].change) == pytest.approx(paired(after - before))
    rises = {r.line.norm: r.kept for r in found.rises}
    for norm, first, last in (("bn", BN32, BN2), ("gn", GN32, GN2)):
        before, after = (array(last, t) - array(first, t) for t in (False, True))
        assert of(rises[norm].change) == pytest.approx(paired(after - before))
    (interaction,) = found.interactions
    before, after = (
        (array(GN2, t) - array(BN2, t)) - (array(GN32, t) - array(BN32, t)) for t in (False, True)
    )
    assert of(interaction.kept.common) == pytest.approx(paired(before))
    assert of(interaction.kept.tuned) == pytest.approx(paired(after))
    assert of(interaction.kept.change) == pytest.approx(paired(after - before))
    assert interaction.kept.verdict == "same"


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        ([15.0, 15.9, 14.8, 15.2, 15.7], "same"),
        ([13.0, 12.9, 12.8, 13.0, 13.1], "lost"),
        ([9.0, 9.9, 8.8, 9.2, 9.7], "reversed"),
    ],
)
def test_verdicts(after, verdict):
    (budgets,) = read([tuned(SEARCHES, BEST | {BN2: (0.2, after)}, COMMON)]).budgets
    assert next(d.kept.verdict for d in budgets.differences if d.x == 2) == verdict


def test_a_difference_that_only_tuning_resolves_and_one_that_nothing_does():
    flat = COMMON | {BN2: [13.2, 13.1, 12.9, 13.0, 13.8]}
    (budgets,) = read([tuned(SEARCHES, BEST, flat)]).budgets
    assert next(d.kept.verdict for d in budgets.differences if d.x == 2) == "gained"
    (budgets,) = read([tuned(SEARCHES, BEST | {BN2: (0.2, flat[BN2])}, flat)]).budgets
    assert next(d.kept.verdict for d in budgets.differences if d.x == 2) == "open"


def test_the_figures_compare_the_common_recipe_alone():
    study = read([tuned(SEARCHES, BEST, COMMON)])
    ((_, cells),) = study.panels.items()
    assert {cell.value("lr") for cell in cells} == {0.1}
    assert {(c.line.norm, c.line.groups, c.x): list(c.errors().values()) for c in cells} == COMMON
    assert len(study.frame) == 4 * 9 + 4 * 5 + 3 * 5


def test_without_a_common_recipe_the_tuned_cells_are_the_figure():
    best = BEST | {BN32: (0.2, COMMON[BN32])}
    study = read([tuned(SEARCHES | {BN32: CLEAR}, best, {})])
    ((_, cells),) = study.panels.items()
    assert {(c.line.norm, c.line.groups, c.x): list(c.errors().values()) for c in cells} == {
        cell: list(errors) for cell, (_, errors) in best.items()
    }
    (budgets,) = study.budgets
    assert not budgets.differences
    assert [d.x for d in budgets.alone] == [32, 2]


def test_while_the_search_runs_nothing_is_chosen_and_the_page_has_its_shape():
    searches = SEARCHES | {GN2: CLEAR | {0.2: [5.0, None, 5.5]}}
    (budgets,) = read([tuned(searches, {}, COMMON, without="missing")]).budgets
    assert [cell.place for cell in budgets.cells] == [1, 2, 2, None]
    assert not any(cell.tuned for cell in budgets.cells if not cell.as_common)


def test_a_record_that_somebody_forged_is_none():
    whole = tuned(SEARCHES, BEST, COMMON)
    assert tuning_record(whole.facts) is not None
    for broken in (
        3,
        {"searches": []},
        {"searches": [[]], "beside": []},
        {"searches": [[{"values": {}, "search": [], "final": []}]], "beside": []},
        {"searches": [[{"values": {"dataset": "x"}, "search": [], "final": []}]], "beside": []},
        {"searches": [[{"values": {"lr": [1]}, "search": [], "final": []}]], "beside": []},
        {"searches": [[{"values": {"lr": 1.0}, "search": [3], "final": []}]], "beside": []},
        {"searches": [[{"values": {"lr": 1.0}, "search": [], "final": []}, {"values": {"momentum": 1.0}, "search": [], "final": []}]], "beside": []},
    ):  # fmt: skip
        assert tuning_record({"tuning": broken}) is None
    nowhere = {"searches": [[{"values": {"lr": 0.2}, "search": ["a"], "final": ["b"]}]], "beside": ["c"]}
    assert tuning_record({"tuning": nowhere}) is not None


def test_unequal_budgets_are_told():
    equal = {"bn": (3, 2), "gn": (3, 2)}
    assert budget_sentences(equal) == [
        "3 values × 2 seeds = 6 trials search for each of 2 cells: every norm has the same budget."
    ]
    (told,) = budget_sentences(equal | {"gn": (4, 2)})
    assert (
        told
        == "The searches have unequal budgets: 3 values × 2 seeds = 6 trials for bn; 4 values × 2 seeds = 8 trials for gn."
    )
