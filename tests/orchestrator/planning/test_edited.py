"""Who edited a norm of their own is told that it is another one; who did not, nothing."""

import pytest

from orchestrator.planning.edited import edited
from tests.helpers.tiny import trial

OLD, NEW = "mylab:Norm@0123456789ab", "mylab:Norm@ba9876543210"


def declared(*trials):
    return {"trials": {one.trial_id: one.identity for one in trials}}


def test_an_edited_norm_is_told_with_both_digests():
    before = declared(trial(norm=OLD, seed=1), trial(norm=OLD, seed=2), trial(norm="bn"))
    (said,) = edited([trial(norm=NEW, seed=1), trial(norm=NEW, seed=2), trial(norm="bn")], before)
    assert said.startswith("mylab:Norm is not the code that 2 trials of this folder were declared with ")
    assert "(digest ba9876543210, not 0123456789ab)" in said


@pytest.mark.parametrize(
    "before",
    [
        {},
        declared(trial(norm="bn")),
        declared(trial(norm="mylab:Other@0123456789ab")),
        declared(trial(norm=NEW)),
        declared(trial(norm=OLD), trial(norm=NEW)),
    ],
)
def test_nothing_is_told_of_a_new_one_or_of_one_that_was_there(before):
    assert edited([trial(norm=NEW, seed=7)], before) == []


def test_a_network_and_a_data_set_are_code_too():
    before = declared(trial(model="nets:Net@0123456789ab", dataset="mine:load@0123456789ab"))
    now = trial(model="nets:Net@ba9876543210", dataset="mine:load@ba9876543210")
    assert [line.split()[0] for line in edited([now], before)] == ["mine:load", "nets:Net"]
