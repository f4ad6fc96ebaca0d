"""Replicas of one pack that differ in learning rate, weight decay and momentum, against each alone."""

import pytest
import torch

from model.data import augment
from model.training.training import Training
from tests.helpers.cells import spec, toy_data

RATES = [0.003, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8]


def trained(cells, seeds, data, **options):
    """Of each replica: its state after two epochs, and its metrics of both."""
    training = Training(cells, seeds, data, **options)
    epochs = [training.run_epoch() for _ in range(2)]
    return [(state, [m[r] for m in epochs]) for r, state in enumerate(training.state())]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_search_over_eight_learning_rates_in_one_pack_is_eight_solo_runs(dtype):
    """In float32 to the bit, as of seeds alone."""
    data = toy_data(n=18)
    cells = [spec(lr=lr, batch_size=8) for lr in RATES]
    together = trained(cells, [1] * 8, data, dtype=dtype)
    for cell, (state, metrics) in zip(cells, together, strict=True):
        ((alone, alone_metrics),) = trained([cell], [1], data, dtype=dtype)
        assert [m.learning_rate for m in metrics] == pytest.approx([cell.lr / 4, cell.lr / 40])
        for kind in ("weights", "momentum", "statistics"):
            for name, tensor in alone[kind].items():
                if dtype == torch.float32:
                    assert torch.equal(state[kind][name], tensor), (cell.lr, kind, name)
                else:
                    torch.testing.assert_close(state[kind][name], tensor, rtol=1e-9, atol=1e-12)
        if dtype == torch.float32:
            assert metrics == alone_metrics


def test_groups_that_do_not_stand_together():
    """Replicas 0, 2 and 3 are updated alike, in two pieces; 1 and 4 each by themselves."""
    data = toy_data(n=18)
    changes = [{}, {"weight_decay": 0.01}, {"label_smoothing": 0.1}, {}, {"momentum": 0.5, "lr": 0.02}]
    cells = [spec(batch_size=8, norm="gn", groups=4, **change) for change in changes]
    together = trained(cells, [1, 2, 3, 4, 5], data)
    for seed, cell, (state, metrics) in zip(range(1, 6), cells, together, strict=True):
        ((alone, alone_metrics),) = trained([cell], [seed], data)
        assert metrics == alone_metrics
        assert all(torch.equal(state["weights"][k], v) for k, v in alone["weights"].items())


def test_replicas_of_different_networks_are_refused():
    with pytest.raises(ValueError, match="2 specs for 2 replicas, of 2 networks"):
        Training([spec(), spec(norm="ln")], [1, 2], toy_data())


def test_label_smoothing_is_torchs_and_changes_the_loss_alone():
    """Before the first update the losses of a smoothed and a plain replica of one seed are torch's of the same
    logits."""
    training = Training([spec(), spec(label_smoothing=0.2)], [1, 1], toy_data(), dtype=torch.float64)
    images, labels = torch.randn(4, 6, 8, 8, dtype=torch.float64), torch.tensor([[0, 1, 2, 0]] * 2)
    images[:, 3:] = images[:, :3]
    losses, logits = training.step.losses(images, labels)
    torch.testing.assert_close(logits[0], logits[1])
    for number, smoothing in enumerate((0.0, 0.2)):
        expected = torch.nn.CrossEntropyLoss(label_smoothing=smoothing)(logits[number], labels[number])
        torch.testing.assert_close(losses[number], expected)


def test_without_augmentation_an_epoch_has_the_images_as_they_are():
    """In another order: the sum over all of them is that of the data."""
    data = toy_data(n=16)
    training = Training(spec(augment="none"), [1], data)
    order = augment.draw(training.data, [1], 1, 4, 4, device=torch.device("cpu"))
    seen = augment.batches(training.data.train_images, order, training.data.pad).flatten(0, 1)
    assert sorted(map(bytes, seen.contiguous().numpy())) == sorted(
        map(bytes, data.train_images.contiguous().numpy())
    )
