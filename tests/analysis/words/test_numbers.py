from analysis.words.numbers import count_in_words, p_equals, signed


def test_signs_and_p_values():
    assert (signed(1.234), signed(-1.25, 2), signed(-0.01)) == ("+1.2", "−1.25", "0.0")
    assert (p_equals(0.0004), p_equals(0.03), p_equals(0.62)) == ("< 0.001", "= 0.030", "= 0.62")


def test_counts():
    assert (count_in_words(6), count_in_words(12), count_in_words(13)) == ("six", "twelve", "13")
