"""How weights start: distributions, zero γ, independence of the pack."""

import math

import torch

from model.net.init import initialise
from model.net.resnet import Conv, ResidualBlock, ResNet
from model.spec import Spec

SPEC = Spec(norm="bn", batch_size=4, epochs=1)


def built(seeds, zero_gamma=True):
    net = ResNet(SPEC, 3, 10, len(seeds))
    initialise(net, seeds, zero_gamma)
    return net


def test_convolutions_have_the_fan_in_standard_deviation():
    for module in built([3]).modules():
        if isinstance(module, Conv) and module.weight.numel() >= 2304:
            outputs, inputs, k, _ = module.weight.shape
            expected = math.sqrt(2 / (k * k * inputs))
            draws = outputs * inputs * k * k
            assert abs(module.weight.std().item() / expected - 1) < 5 / math.sqrt(2 * draws)
            assert abs(module.weight.mean().item()) < 5 * expected / math.sqrt(draws)


def test_zero_gamma_falls_on_the_last_norm_of_each_block_alone():
    for zero_gamma in (True, False):
        net = built([1], zero_gamma)
        last = {f"blocks.{i}.norm2.weight" for i in range(9)}
        for name, p in net.named_parameters():
            if "norm" in name and name.endswith("weight"):
                assert torch.equal(p, torch.full_like(p, float(not (zero_gamma and name in last)))), name


def test_with_zero_gamma_every_block_is_its_shortcut():
    net = built([1])
    for block in net.blocks:
        assert isinstance(block, ResidualBlock)
        x = torch.randn(2, block.conv1.weight.shape[1], 8, 8)
        torch.testing.assert_close(block(x), torch.relu(block.shortcut(x)))


def test_a_replica_starts_as_its_seed_does_alone():
    packed = built([5, 9])
    for position, seed in enumerate([5, 9]):
        alone = dict(built([seed]).named_parameters())
        for name, p in packed.named_parameters():
            assert torch.equal(p.chunk(2)[position], alone[name])


def test_other_seeds_start_elsewhere():
    assert not torch.equal(built([1]).conv.weight, built([2]).conv.weight)
