import pytest

from analysis.stats.axes import BATCH_SIZE
from analysis.stats.cells import panels
from analysis.stats.choices import Choices, Margin
from analysis.stats.claims import constancy
from analysis.stats.differences import differences
from analysis.stats.interaction import interactions
from analysis.stats.outcomes import Claim, alternatives, outcomes
from tests.helpers.sentence_cases import FLAT, LOW, RISING, one_line, study
from tests.helpers.sweeps import in_memory

PAIRED = Choices(paired=True)


def cells_of(errors, **more):
    (cells,) = panels(in_memory(errors, **more).frame).values()
    return cells


def test_outcomes_are_those_of_the_statistics_themselves():
    cells = cells_of(study(RISING, LOW))
    found = outcomes(cells, PAIRED)
    (change,) = interactions(differences(cells, PAIRED))
    assert found[Claim("change", change.line, change.base, BATCH_SIZE, 32, 2)] == (
        "lower",
        change.estimate.mean,
    )
    for d in differences(cells, PAIRED):
        verdict = "lower" if d.estimate.mean < 0 else "higher"
        assert found[Claim("difference", d.line, d.base, d.panel.x, d.x, d.x)] == (
            verdict if d.claimed else "not resolved",
            d.estimate.mean,
        )
    bn, gn = constancy(cells, PAIRED)
    assert found[Claim("constancy", bn.line, bn.line, BATCH_SIZE, 32, 2)] == ("not constant", bn.test.reach)
    assert found[Claim("constancy", gn.line, gn.line, BATCH_SIZE, 32, 2)] == ("constant", gn.test.reach)
    assert len(found) == 1 + 3 + 2


def test_two_seeds_have_no_outcome():
    assert {o.verdict for o in outcomes(cells_of(study(RISING, LOW, seeds=2)), PAIRED).values()} == {
        "no interval"
    }


def test_a_choice_makes_one_thing_otherwise():
    own = Choices("last", Margin(1.0), paired=True)
    assert alternatives(cells_of(study(RISING, LOW)), own) == [
        Choices("median5", Margin(1.0), paired=True),
        Choices("last", Margin(1.0), paired=False),
        Choices("last", Margin(0.5, chosen=True), paired=True),
        Choices("last", Margin(2.0, chosen=True), paired=True),
    ]
    without = [cell.__class__(**{**vars(cell), "median5": {}}) for cell in cells_of(one_line("bn", FLAT))]
    assert [c.measure for c in alternatives(without, own)] == ["last"] * 3


def test_a_narrow_margin_changes_constancy_alone():
    cells = cells_of(study(RISING, LOW, scale=2))
    wide, narrow = outcomes(cells, PAIRED), outcomes(cells, Choices(margin=Margin(0.1), paired=True))
    changed = {claim for claim in wide if wide[claim].verdict != narrow[claim].verdict}
    assert {claim.kind for claim in changed} == {"constancy"}


@pytest.mark.parametrize("paired", [True, False])
def test_accuracy_for_error_only_turns_the_signs(paired):
    errors = study(RISING, LOW)
    accuracies = {key: [100 - e for e in values] for key, values in errors.items()}
    mirrored = {"lower": "higher", "higher": "lower"}
    choices = Choices(paired=paired)
    of_errors, of_accuracies = outcomes(cells_of(errors), choices), outcomes(cells_of(accuracies), choices)
    assert of_errors.keys() == of_accuracies.keys()
    for claim, outcome in of_errors.items():
        sign = 1 if claim.kind == "constancy" else -1
        assert of_accuracies[claim].verdict == mirrored.get(outcome.verdict, outcome.verdict)
        assert of_accuracies[claim].value == pytest.approx(sign * outcome.value)
