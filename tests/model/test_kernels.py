"""The rule for kernels, and what a result says of those that computed it."""

import pytest
import torch

from model.kernels import TRITON_PIXELS, by_rule, named
from model.training.training import Training
from tests.helpers.cells import spec, toy_data


def test_by_rule_are_ours_as_far_as_they_were_measured():
    assert by_rule(32 * 32 * 32) == by_rule(TRITON_PIXELS) == "ours"
    assert by_rule(TRITON_PIXELS + 1) == "torch"


@pytest.mark.parametrize(
    ("convolution", "kernels"), [("triton", "ours"), ("grouped", "torch"), ("ordered", None)]
)
def test_a_training_says_whose_kernels_it_has(convolution, kernels):
    assert named(Training(spec(), [1], toy_data(), convolution=convolution).kernels) == kernels


def test_what_names_none():
    for said in (None, "", 7, "nchw", {"triton": 1}, torch.device("cpu")):
        assert named(said) is None
