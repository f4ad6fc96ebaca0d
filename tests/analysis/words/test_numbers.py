import pytest

from analysis.words.numbers import count_in_words, duration_in_words, p_equals, signed


def test_signs_and_p_values():
    assert (signed(1.234), signed(-1.25, 2), signed(-0.01)) == ("+1.2", "−1.25", "0.0")
    assert (p_equals(0.0004), p_equals(0.03), p_equals(0.62)) == ("< 0.001", "= 0.030", "= 0.62")


@pytest.mark.parametrize(
    ("seconds", "words"), [(59, "59 s"), (600, "10 min"), (9000, "2 h 30 min"), (864000, "10.0 days")]
)
def test_durations(seconds, words):
    assert duration_in_words(seconds) == words


def test_counts():
    assert (count_in_words(6), count_in_words(12), count_in_words(13)) == ("six", "twelve", "13")
