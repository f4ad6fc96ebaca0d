"""Other variants of a step against the default one; on a GPU, captured, against the CPU."""

import pytest
import torch

from model.bench.variants import Variant, training
from tests.helpers.cells import spec, toy_data

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
CELLS = [("bn", None), ("gn", 4)]


def losses(variant, norm, groups, device="cpu", epochs=2):
    """float64, so that devices and variants differ by rounding alone."""
    cell = spec(norm=norm, groups=groups)
    trained = training(cell, 3, toy_data(n=45), torch.device(device), variant, dtype=torch.float64)
    return [metrics.train_loss for _ in range(epochs) for metrics in trained.run_epoch()]


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize(("norm", "groups"), CELLS)
def test_grouped_convolutions_train_as_those_in_an_order_of_their_own(norm, groups, layout):
    expected = losses(Variant(), norm, groups)
    assert losses(Variant("grouped", layout=layout), norm, groups) == pytest.approx(expected, rel=1e-9)


def test_a_variant_says_what_it_is():
    assert Variant().name == "usual fp32"
    assert Variant("grouped", "bf16", "nhwc").name == "grouped bf16 nhwc"
    assert Variant(aside=True).name == "usual fp32 aside"


@needs_cuda
@pytest.mark.parametrize(("norm", "groups"), CELLS)
def test_on_cuda_weights_gradients_aside_change_no_bit_of_captured_steps(norm, groups):
    cell, gpu, data = spec(norm=norm, groups=groups), torch.device("cuda"), toy_data(n=90)
    usual, aside = (training(cell, 3, data, gpu, Variant(aside=aside)) for aside in (False, True))
    for _ in range(2):
        assert usual.run_epoch() == aside.run_epoch()
    for one, other in zip(usual.weights(), aside.weights(), strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)


@needs_cuda
@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize(("norm", "groups"), CELLS)
def test_on_cuda_grouped_ones_are_captured_and_train_as_the_cpu(norm, groups, layout):
    expected = losses(Variant(), norm, groups, epochs=3)
    found = losses(Variant("grouped", layout=layout), norm, groups, "cuda", epochs=3)
    assert found == pytest.approx(expected, rel=1e-6)
