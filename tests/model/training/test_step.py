"""One step: torch's own SGD on gradients however they lie in memory; precision."""

import copy

import pytest
import torch

from model.errors import InputError
from model.net.resnet import ResNet
from model.precision import refuse_elsewhere
from model.training.step import Step
from model.training.training import Training
from tests.helpers.beside_torch import step_beside
from tests.helpers.cells import spec, toy_data


@pytest.mark.parametrize("optimizer", ["sgd", "sgd-nesterov"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_update_is_torchs_sgd_whatever_the_gradients_strides(dtype, optimizer):
    net = ResNet(spec(), 3, 3, 2).to(dtype=dtype, memory_format=torch.channels_last)
    torch.manual_seed(0)
    with torch.no_grad():
        for p in net.parameters():
            p.normal_()
    twin = copy.deepcopy(net)
    step = Step(net, [spec(optimizer=optimizer)] * 2)
    optimiser = torch.optim.SGD(
        twin.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4, foreach=False, nesterov=optimizer != "sgd"
    )
    tolerance = step_beside(step, net, optimiser, twin)
    for (name, p), q in zip(net.named_parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(p, q, **tolerance, msg=lambda m, name=name: f"{name}: {m}")


def test_bf16_stays_near_float32_and_keeps_float32_weights():
    data = toy_data()
    exact, rough = Training(spec(), [1], data), Training(spec(precision="bf16"), [1], data)
    a, b = exact.run_epoch()[0].train_loss, rough.run_epoch()[0].train_loss
    assert a != b
    assert a == pytest.approx(b, rel=0.1)
    assert {p.dtype for p in rough.net.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("precision", "message"),
    [("fp8", "fp32, tf32, bf16"), ("tf32", "a CPU has no TF32")],
)
def test_a_precision_that_there_is_not_is_an_input_error(precision, message):
    with pytest.raises(InputError, match=message):
        Training(spec(precision=precision), [1], toy_data())


def test_tf32_and_bf16_begin_with_ampere():
    for precision in ("tf32", "bf16"):
        with pytest.raises(InputError, match=r"compute capability 7\.5, and such products begin with 8\.0"):
            refuse_elsewhere(precision, "cuda", (7, 5))
        refuse_elsewhere(precision, "cuda", (8, 0))
    refuse_elsewhere("fp32", "cuda", (7, 5))


@pytest.mark.parametrize("name", ["mixer", "lstm", "vgg"])
def test_in_bf16_norms_are_given_float32_and_weights_stay_it(name):
    """Networks under torch's autocast, whose own lists would have group norm and others otherwise."""
    cell = spec(norm="ln", model=name, precision="bf16", batch_size=2)
    training, seen = Training(cell, [1, 2], toy_data(n=4)), []
    for norm in training.net.norms().values():
        norm.layer.register_forward_hook(lambda _, given, out: seen.append((given[0].dtype, out.dtype)))
    training.run_epoch()
    assert set(seen) == {(torch.float32, torch.float32)}
    assert {p.dtype for p in training.net.parameters()} == {torch.float32}
