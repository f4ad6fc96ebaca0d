"""Any value anywhere in any file of a sweep: every command that reads it ends, without a traceback or a lie.

`python tests/soak/fuzz.py --minutes 60` does the same for an hour, with values that are drawn anew each time.
"""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.helpers import forged_sweep
from tests.helpers.forged_sweep import bytes_anywhere, check, check_csv, notes_anywhere

COMMON = {
    "phases": [Phase.explicit, Phase.generate],  # a value that was not made small says enough, and soon
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return forged_sweep.make(tmp_path_factory.mktemp("forged"))


@settings(max_examples=8, **COMMON)
@given(st.data())
def test_any_value_anywhere(made, tmp_path, data):
    check(made, tmp_path / "out", data)


@pytest.mark.slow
@settings(max_examples=100, **COMMON)
@given(st.data())
def test_any_value_anywhere_on_the_page_too(made, tmp_path, data):
    check(made, tmp_path / "out", data, page=True)


@pytest.mark.slow
@pytest.mark.parametrize("forge", [notes_anywhere, bytes_anywhere])
@settings(max_examples=15, **COMMON)
@given(st.data())
def test_a_run_goes_on_from_files_that_are_not_what_they_say(made, tmp_path, forge, data):
    check(made, tmp_path / "out", data, forge, run=True)


@pytest.mark.slow
@settings(max_examples=30, **COMMON)
@given(st.data())
def test_any_text_anywhere_in_a_csv(made, tmp_path, data):
    check_csv(made, tmp_path / "csv", data)
