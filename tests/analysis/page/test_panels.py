"""What the page's script draws of a panel: the line of precise statistics over Figure 1, where it was asked for."""

import pytest

from analysis.page.opening import opening
from analysis.page.panels import panel_data
from analysis.study import read
from tests.helpers.evaluated import evaluated
from tests.helpers.sentence_cases import LOW, RISING, study
from tests.helpers.sweeps import in_memory

POPULATION = {32: [12.0, 12.4, 11.8], 2: [18.0, 19.0, 18.1]}
PRECISE = {32: [11.9, 12.4, 11.7], 2: [15.0, 16.2, 15.3]}
ERRORS = {("bn", None, size): values for size, values in POPULATION.items()}
ERRORS |= {
    ("gn", 8, 2): [12.0, 12.1, 12.3],
    ("gn", 8, 32): [12.0, 12.2, 12.1],
    ("bn", None, 8): [13.0, 13.1, 13.2],
}


def test_the_precise_line_has_the_means_of_the_networks_that_were_judged_so():
    asked = read([evaluated({"population": POPULATION, "precise": PRECISE}, errors=ERRORS)])
    (drawn,) = panel_data(asked)
    (error,), (accuracy,) = (drawn["layers"][f"precise|{quantity}"] for quantity in ("error", "accuracy"))
    assert (error["name"], error["meta"]) == ("BN, precise statistics", {"role": "precise", "line": "BN"})
    assert error["x"] == pytest.approx([32 * 2**0.05, 2 * 2**0.05], abs=1e-4), "where BN’s own mean stands"
    assert error["y"] == pytest.approx([12.0, 15.5])
    assert accuracy["y"] == pytest.approx([88.0, 84.5])
    assert "mean 15.50%" in error["text"][1]
    assert "95% CI (Student t)" in error["text"][1]
    assert "precise statistics, last epoch" in error["text"][1]
    own = next(
        t
        for t in drawn["layers"]["interval|error|last|t"]
        if t["meta"] == {**t["meta"], "role": "mean", "line": "BN"}
    )
    assert error["marker"]["color"] == own["marker"]["color"]
    assert error["legendgroup"] != own["legendgroup"], "each is switched on and off by itself"
    assert 'name="precise"' in opening(asked)
    assert 'name="precise" checked' not in opening(asked)


@pytest.mark.parametrize(
    "made",
    [
        lambda: in_memory(study(RISING, LOW)),
        lambda: evaluated({"population": POPULATION}, errors=ERRORS),
        lambda: evaluated({"precise": PRECISE}, errors=ERRORS, split="train"),
        lambda: evaluated({"precise": PRECISE}, errors=ERRORS, split="images"),
    ],
)
def test_without_such_answers_there_is_neither_line_nor_box(made):
    asked = read([made()])
    assert not any("precise" in key for drawn in panel_data(asked) for key in drawn["layers"])
    assert 'name="precise"' not in opening(asked)
