from analysis.page import trials
from analysis.study import read
from tests.helpers.synthetic import block


def test_columns_that_say_nothing_are_left_out(sweep):
    keys = [c.key for c in trials.trial_columns(read([sweep(block())]))]
    assert "val_error" not in keys
    assert "failure" not in keys
    assert "dataset" not in keys  # one data set, named above the figure
    assert keys[0] == "status"
