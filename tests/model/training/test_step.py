"""One step: torch's own SGD on gradients however they lie in memory; precision."""

import copy

import pytest
import torch

from model.errors import InputError
from model.net.resnet import ResNet
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
    exact, rough = Training(spec(), [1], data), Training(spec(), [1], data, precision="bf16")
    a, b = exact.run_epoch()[0].train_loss, rough.run_epoch()[0].train_loss
    assert a != b
    assert a == pytest.approx(b, rel=0.1)
    assert {p.dtype for p in rough.net.parameters()} == {torch.float32}


def test_an_unknown_precision_is_an_input_error():
    with pytest.raises(InputError, match="fp32, tf32, bf16"):
        Training(spec(), [1], toy_data(), precision="fp8")
