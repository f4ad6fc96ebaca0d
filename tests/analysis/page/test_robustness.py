import re

from analysis.page import robustness
from analysis.study import read
from tests.helpers.sentence_cases import LOW, RISING, study
from tests.helpers.sweeps import in_memory


def of(errors):
    return robustness.section(read([in_memory(errors)]))


def test_what_does_not_depend_is_said():
    body = of(study(RISING, LOW)).body
    assert "No: all 6 questions have the same answer under every choice." in body
    assert "≠" not in re.sub(r"<caption>.*?</caption>|aria-label=\"[^\"]*\"", "", body)
    for head in (
        "Median error of the last five epochs",
        "by Welch’s test",
        "Margin ±0.5 points",
        "Margin ±2 points",
    ):
        assert head in body


def test_what_depends_is_named_and_marked():
    body = of(study({32: 12.0, 8: 12.0, 2: 12.5}, {32: 12.0, 8: 12.0, 2: 12.0}, scale=2)).body
    assert "5 of 6 questions have the same answer under every choice. The exception" in body
    assert re.search(r"≠ [a-z]", body)


def test_nothing_to_claim_no_section():
    assert of(study(RISING, LOW, seeds=2)) is None
