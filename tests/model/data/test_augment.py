"""Augmentation against a slow rendering of the same words: pad, crop, mirror, one image at a time."""

import dataclasses

import numpy as np
import pytest
import torch

from model.data import augment
from model.data.assemble import assemble
from model.data.dataset import DataInfo

CPU = torch.device("cpu")


def toy(n=23, height=16, width=12, channels=3, **facts):
    rng = np.random.default_rng(0)
    info = DataInfo("toy", n, 5, channels, height, width, ("a", "b"), "0" * 12, **facts)
    arrays = {
        "train_images": rng.integers(1, 256, (n, height, width, channels), dtype=np.uint8),
        "train_labels": np.arange(n) % 2,
        "test_images": rng.integers(0, 256, (5, height, width, channels), dtype=np.uint8),
        "test_labels": np.arange(5) % 2,
    }
    return assemble(info, arrays)


@pytest.mark.parametrize("replicas", [1, 3])
def test_batches_are_padded_cropped_mirrored_images(replicas):
    data = toy()
    order = augment.draw(data, range(replicas), 1, steps=5, batch_size=4, device=CPU)
    out = augment.batches(data.train_images, order, data.pad)
    assert out.dtype == torch.uint8
    assert out.shape == (5, 4, replicas * 3, 16, 12)
    for s in range(5):
        assert out[s].is_contiguous(memory_format=torch.channels_last)
        for b in range(4):
            for r in range(replicas):
                image = data.train_images[order.index[s, b, r]].numpy()
                padded = np.pad(image, ((0, 0), (data.pad,) * 2, (data.pad,) * 2))
                y, x = int(order.down[s, b, r]), int(order.right[s, b, r])
                expected = padded[:, y : y + 16, x : x + 12]
                if order.mirror[s, b, r]:
                    expected = expected[:, :, ::-1]
                assert np.array_equal(out[s, b, 3 * r : 3 * r + 3].numpy(), expected)


def test_images_too_small_for_a_border_are_only_mirrored():
    data = toy(height=7, width=7)
    assert data.pad == 0
    order = augment.draw(data, [1], 1, steps=5, batch_size=4, device=CPU)
    out = augment.batches(data.train_images, order, data.pad)
    images = data.train_images[order.index.flatten()].view(5, 4, 3, 7, 7)
    assert torch.equal(out, torch.where(order.mirror.view(5, 4, 1, 1, 1), images.flip(4), images))


def test_offsets_and_mirrors_take_every_value():
    data = toy(n=2000)
    assert data.pad == 2
    order = augment.draw(data, [1], 1, steps=100, batch_size=20, device=CPU)
    assert sorted(order.down.unique().tolist()) == list(range(5))
    assert sorted(order.right.unique().tolist()) == list(range(5))
    assert 0.45 < order.mirror.float().mean() < 0.55


def test_each_epoch_is_a_fresh_permutation_that_depends_on_the_seed():
    data = toy()
    orders = {
        (seed, epoch): augment.draw(data, [seed], epoch, 5, 4, device=CPU).index.flatten().tolist()
        for seed in (1, 2)
        for epoch in (1, 2)
    }
    for order in orders.values():
        assert len(set(order)) == 20  # 23 images, the incomplete batch dropped, none twice
    assert len({tuple(order) for order in orders.values()}) == 4


def test_a_replica_sees_what_its_seed_sees_alone():
    data = toy()
    packed = augment.draw(data, [4, 8, 6], 3, 5, 4, device=CPU)
    alone = augment.draw(data, [8], 3, 5, 4, device=CPU)
    for field in dataclasses.fields(augment.Order):
        assert torch.equal(getattr(packed, field.name)[..., 1:2], getattr(alone, field.name))


def test_images_with_a_left_and_a_right_are_never_mirrored():
    data = toy(n=200, flip=False)
    assert not augment.draw(data, [1], 1, 50, 4, device=CPU).mirror.any()


def test_standardise_gives_the_training_set_mean_zero_and_deviation_one():
    data = toy()
    out = augment.standardise(data.train_images, data.mean.double(), data.std.double())
    torch.testing.assert_close(out.mean((0, 2, 3)), torch.zeros(3, dtype=torch.float64), atol=1e-6, rtol=0)
    deviation = out.std((0, 2, 3), correction=0)
    torch.testing.assert_close(deviation, torch.ones(3, dtype=torch.float64), atol=1e-6, rtol=0)


def test_standardise_repeats_the_statistics_over_replicas():
    data = toy()
    doubled = data.train_images.repeat(1, 2, 1, 1)
    once = augment.standardise(data.train_images, data.mean, data.std)
    assert torch.equal(augment.standardise(doubled, data.mean, data.std), once.repeat(1, 2, 1, 1))
