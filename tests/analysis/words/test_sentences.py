"""Every sentence that the page can produce, written out, and rules that all of them keep.

A change of words shows as a change of sentences.txt, to be read as a reader of the page would:
`python -m tests.helpers.sentence_cases` writes it anew.
"""

import re

import pytest

from tests.helpers.sentence_cases import GOLDEN, every_case, written

NUMBER = r"[+−]?\d+(?:\.\d+)?"
INTERVAL = re.compile(rf"\d+% CI(?: of [a-z ]+)?:? ({NUMBER}) to ({NUMBER})")


@pytest.fixture(scope="module")
def cases():
    return every_case()


@pytest.fixture(scope="module")
def sentences(cases):
    """(case, text) of all that states a result: headlines, facts and the headlines over several figures."""
    stating = {"h1", "li"}
    found = [
        (name, text)
        for name, said in cases.items()
        for tag, css, text in said
        if tag in stating or css == "lede"
    ]
    assert len(found) > 200
    # a name with its G has brackets of its own
    plain = [(name, re.sub(r" \(G = \d+\)", "", text)) for name, text in found]
    return [(name, text) for name, text in plain if text.endswith(".") or " — " in text]


def number(text):
    return float(text.replace("−", "-"))


def test_they_are_those_of_the_file(cases):
    assert written(cases) == GOLDEN.read_text(), "read what changed: python -m tests.helpers.sentence_cases"


def test_a_direction_is_said_only_where_the_interval_has_one(sentences):
    moves = re.compile(
        rf"(?:rises|falls|grows|varies) by (?:at least )?({NUMBER}) points[^()—]*[(—] ?([^()]*)"
    )
    seen = 0
    for case, text in sentences:
        for size, evidence in moves.findall(text):
            seen += 1
            assert INTERVAL.search(evidence), f"{case}: a direction without an interval: {text}"
            low, high = INTERVAL.search(evidence).groups()
            assert (number(low) > 0) == (number(high) > 0), f"{case}: {text}"
            assert size[0] not in "+−", f"{case}: the verb says the direction: {text}"
    assert seen > 50


def test_lower_and_higher_have_an_interval_or_name_the_seeds(sentences):
    better = re.compile(
        rf"is ({NUMBER}) points (?:lower|higher) than [^.]*\. — (.*)|is ({NUMBER}) points (?:lower|higher) than [^(]*\((.*)\)"
    )
    seen = 0
    for case, text in sentences:
        for groups in better.findall(text):
            seen += 1
            size, evidence = [g for g in groups if g]
            assert size[0] not in "+−", f"{case}: {text}"
            if interval := INTERVAL.search(evidence):
                low, high = interval.groups()
                assert low[0] not in "+−", f"{case}: {text}"
                assert 0 < number(low) <= number(size) <= number(high), f"{case}: {text}"
            else:
                assert re.search(r"in the (one|\d+) (seed|run)", text), f"{case}: {text}"
    assert seen > 20


def test_an_estimate_lies_in_its_interval_with_the_same_signs(sentences):
    estimate = re.compile(rf"by ({NUMBER}) points[^()—,]*(?:[(—,]) ?({INTERVAL.pattern})")
    seen = 0
    for case, text in sentences:
        for size, _, low, high in estimate.findall(text):
            seen += 1
            assert number(low) <= number(size) <= number(high), f"{case}: {text}"
            if size[0] not in "+−" and number(size):
                assert not set(low[0] + high[0]) & set("+−"), f"{case}: one sign for both: {text}"
    assert seen > 50


def test_an_interval_has_two_ends_in_order(sentences):
    for case, text in sentences:
        for low, high in INTERVAL.findall(text):
            assert number(low) < number(high), f"{case}: {text}"


@pytest.mark.parametrize(
    "clumsy",
    [
        r"cannot be told apart", r"\bLanes?\b", r"images that judge", r"below (\S+) to below", r"above (\S+) to above",
        r"by −", r"\bnan\b", r"\binf\b", r"None", r"wu2018", r"he2015", r"median5", r"\b1 seeds", r"\b1 runs", r"-\d",
        r"\(G = \d+\)’s", r"  ", r" [,.;)]", r"\( ", r"\.\.", r"p = 0\.00\b", r"±1 points\b", r"the lower below", r"\d points of error \(",
        r"(?<![\d.])0\.0+ points (lower|higher)", r"[(—] *[)]", r"(rises|falls|grows) by 0\.0+ ",
    ],
)  # fmt: skip
def test_no_case_stumbles(cases, clumsy):
    for case, said in cases.items():
        for _, _, text in said:
            kept = (
                re.sub(r"(GN|LN|[A-Z]{2} \(G = \d\)) − BN changes by −", "", text)
                if clumsy == "by −"
                else text
            )
            kept = re.sub(r"(changes|differs) by −", "", kept)
            assert not re.search(clumsy, kept), f"{case}: {text}"


def test_brackets_close_and_sentences_end(sentences):
    for case, text in sentences:
        assert text.count("(") == text.count(")"), f"{case}: {text}"
        assert text[0].isupper() or text[0].isdigit(), f"{case}: {text}"
        title = text.split(" — ")[0]
        assert title.endswith("."), f"{case}: {text}"
