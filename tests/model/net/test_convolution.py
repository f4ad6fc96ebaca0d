"""Which convolution a cell gets, and what the kernels of ours leave to torch."""

import pytest
import torch

from model.errors import InputError
from model.kernels import TRITON_PIXELS
from model.net.convolution import Triton, default_convolution, grouped
from model.training.training import Training
from tests.helpers.cells import spec, toy_data


def test_on_a_cpu_convolutions_have_an_order_of_their_own_and_in_float64_on_a_gpu_they_are_grouped():
    for dtype in (torch.float64, torch.bfloat16):
        assert default_convolution(torch.device("cuda"), dtype, "fp32", 1) == "grouped"
    for dtype in (torch.float64, torch.float32):
        assert default_convolution(torch.device("cpu"), dtype, "fp32", 1) == "ordered"


@pytest.mark.parametrize(
    ("pixels", "why_not", "expected"),
    [
        (TRITON_PIXELS, None, "triton"),
        (TRITON_PIXELS + 1, None, "grouped"),
        (1, "no compiler here", "grouped"),
    ],
)
def test_on_a_gpu_small_batches_have_our_kernels_where_they_compile(pixels, why_not, expected, monkeypatch):
    monkeypatch.setattr("model.net.convolution.why_not_triton", lambda device, precision: why_not)
    for precision in ("fp32", "tf32", "bf16"):
        assert default_convolution(torch.device("cuda"), torch.float32, precision, pixels) == expected


@pytest.mark.parametrize(
    ("kernels", "pixels", "why_not", "expected"),
    [
        ("torch", 1, None, "grouped"),
        ("ours", TRITON_PIXELS + 1, None, "triton"),
        ("aside", TRITON_PIXELS + 1, None, "triton"),
        ("ours", 1, "no compiler here", "grouped"),
    ],
)
def test_whoever_has_timed_them_overrules_the_rule_but_not_what_can_be_used(
    kernels, pixels, why_not, expected, monkeypatch
):
    monkeypatch.setattr("model.net.convolution.why_not_triton", lambda device, precision: why_not)
    gpu, cpu = torch.device("cuda"), torch.device("cpu")
    assert default_convolution(gpu, torch.float32, "fp32", pixels, kernels) == expected
    assert default_convolution(gpu, torch.float64, "fp32", pixels, kernels) == "grouped"
    assert default_convolution(cpu, torch.float32, "fp32", pixels, kernels) == "ordered"


def test_what_our_kernels_do_not_take_is_torchs():
    x, weight = torch.randn(2, 6, 5, 5, dtype=torch.float64), torch.randn(8, 3, 3, 3, dtype=torch.float64)
    assert torch.equal(Triton("fp32")(x, weight, 2, 2), grouped(x, weight, 2, 2))


def test_a_convolution_that_no_sweep_uses_is_an_input_error():
    with pytest.raises(InputError, match="convolution 'winograd'; expected one of grouped, ordered, triton"):
        Training(spec(), [1], toy_data(), convolution="winograd")
