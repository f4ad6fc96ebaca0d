"""What the page says of stored networks that were evaluated: each answer once, and where an error is from."""

import re

import numpy as np
from scipy import stats

from analysis.page import evaluations
from analysis.study import read
from tests.helpers.evaluated import evaluated, with_answers
from tests.helpers.page_text import blocks
from tests.helpers.sentence_cases import LOW, RISING, study
from tests.helpers.sweeps import in_memory

POPULATION = {32: [12.0, 12.4, 11.8], 2: [18.0, 19.0, 18.1]}
PRECISE = {32: [11.9, 12.4, 11.7], 2: [15.0, 16.2, 15.5]}


def of(*sweeps):
    return evaluations.section(read(sweeps))


def rows(body, number=-1):
    """The texts of a table's cells, row by row."""
    table = re.findall(r"<table.*?</table>", body, re.S)[number]
    return [
        [re.sub(r"<[^>]*>", "", cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.S)]
        for row in re.findall(r"<tr.*?</tr>", table, re.S)
    ]


def test_without_evaluations_no_section():
    assert of(in_memory(study(RISING, LOW))) is None


def test_the_parts_of_a_rise_stand_in_words_and_in_a_table():
    section = of(evaluated({"population": POPULATION, "precise": PRECISE}))
    assert section.title == "Where batch norm’s error comes from"
    said = [text for tag, _, text in blocks(section.body) if tag == "li"]
    assert said[0].startswith("From batch size 32 to batch size 2 BN’s error rises by 6.3 points (95% CI ")
    assert said[1].startswith("Evaluation: 2.7 points (95% CI ")
    assert said[2].startswith("Training: 3.6 points (95% CI ")
    head, first, second = rows(section.body, 0)
    assert head[-4:] == ["Running − precise", "Rise", "by evaluation", "by training"]
    assert first[1:4] == ["32", "3", "+0.07 (−0.08 to +0.21)"]
    assert first[4:] == ["–", "–", "–"]
    assert [cell.split(" ")[0] for cell in second[3:]] == ["+2.80", "+6.30", "+2.73", "+3.57"]


def test_all_answers_are_columns_also_of_norms_without_running_statistics():
    sweep = with_answers(
        evaluated({"population": POPULATION}), {"population": {32: [1.0, 2.0, 3.0]}}, split="train"
    )
    sweep = with_answers(sweep, {"population": {2: [50.0, 51.0, 49.0]}}, split="images", data="abcdef0123")
    section = of(sweep)
    assert section.title == "What the stored networks answer"
    assert rows(section.body) == [
        [
            "Norm",
            "Batch size",
            "n",
            "Test images",
            "Training images",
            "Other images (abcdef)",
            "Test − training, points",
        ],
        ["BN", "32", "3", "12.07 (11.31 to 12.83)", "2.00 (0.00 to 4.48)", "–", "+10.07 (+7.24 to +12.89)"],
        ["BN", "2", "3", "18.37 (17.00 to 19.73)", "–", "50.00 (47.52 to 52.48)", "–"],
    ]


def test_the_generalisation_gap_stands_in_words_at_the_end_of_the_axis():
    train = {2: [10.0, 11.5, 10.4]}
    sweep = with_answers(evaluated({"population": POPULATION}), {"population": train}, split="train")
    said = [text for tag, _, text in blocks(of(sweep).body) if tag == "li"]
    low, high = stats.ttest_1samp(np.subtract(POPULATION[2], train[2]), 0).confidence_interval()
    assert said == [
        "At batch size 2 BN errs on 18.37% of the test images and on 10.63% of the training images, both in "
        f"evaluation: a gap of +7.7 points (95% CI +{low:.1f} to +{high:.1f}, n = 3)."
    ]


def test_two_sweeps_keep_their_own_answers():
    """They hold the same trials by the same ids."""
    one = evaluated({"population": POPULATION, "precise": PRECISE})
    two = evaluated({"population": {32: [10.0, 10.2, 10.4], 2: [11.0, 11.2, 11.4]}}, name="other")
    body = of(one, two).body
    assert [row[3].split(" ")[0] for row in rows(body, 1)[1:]] == ["12.07", "18.37"]
    assert [row[3].split(" ")[0] for row in rows(body, 2)[1:]] == ["10.20", "11.20"]
