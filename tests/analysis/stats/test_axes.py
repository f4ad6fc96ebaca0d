import pytest

from analysis.stats.axes import BATCH_SIZE, XAxis, at, sort_key, tells_apart, value_text


def test_values_in_words():
    assert [value_text(v) for v in (32, 1e-4, "cosine", True, False, None)] == [
        "32", "0.0001", "cosine", "yes", "no", "–",
    ]  # fmt: skip
    assert at("batch_size", 2) == "batch size 2"
    assert at("groups", 8) == "G = 8"
    assert at("zero_start", True) == "zero start"
    assert at("zero_start", False) == at("zero_start", None) == "no zero start"


def test_from_the_beginning_of_the_axis_to_its_end():
    assert BATCH_SIZE.ordered([2, 32, 8]) == [32, 8, 2]
    assert XAxis("rate").ordered([0.1, 0.0, 1.0]) == [0.0, 0.1, 1.0]
    assert sorted(["gn", "none", "bn"], key=lambda v: sort_key("norm", v)) == ["bn", "gn", "none"], (
        "as the table has them"
    )
    assert (BATCH_SIZE.ends, XAxis("rate").ends) == (
        "from the largest to the smallest batch size",
        "from the smallest to the largest rate",
    )


@pytest.mark.parametrize(
    ("name", "values", "apart"),
    [
        ("rate", [("a", 0.1), ("a", 0.2)], True),
        ("rate", [("a", 0.1), ("b", 0.2)], True),
        ("rate", [("a", 0.1), ("b", None)], False),  # a CSV that does not say
        ("rate", [("a", 0.1), ("a", None)], True),
        ("rate", [("a", None), ("b", None)], False),
        ("dataset", [("a", "digits"), ("b", None)], True),
        ("source", [("a", "a"), ("b", "b")], True),
    ],
)
def test_what_tells_results_apart(name, values, apart):
    assert tells_apart(name, values) is apart
