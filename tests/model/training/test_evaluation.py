"""Finished networks evaluated: as training does, and by statistics that are taken otherwise."""

import math

import pytest
import torch
from torch import nn

from model.data import augment
from model.net.norms.layer import BatchStatistics
from model.net.plain import plain_network
from model.training.evaluation import PRECISE_BATCH, Evaluation, shuffled, tensors_of
from model.training.training import Training
from tests.helpers.cells import spec, toy_data

DATA = toy_data(n=33, tests=11)


@pytest.fixture(scope="module")
def trained():
    """A batch norm pack of three after two epochs, float64."""
    training = Training(spec(epochs=2), [1, 2, 3], DATA, dtype=torch.float64)
    training.run_epoch()
    return training, training.run_epoch()


def loaded(weights, cell=None, seeds=(1, 2, 3), data=DATA):
    pack = Evaluation(cell or spec(epochs=2), seeds, data, dtype=torch.float64)
    pack.load_weights(weights)
    return pack


def plain(weights, cell=None):
    net = plain_network(cell or spec(epochs=2), DATA.info, 33).double().eval()
    net.load_state_dict(weights)
    return net


def standardised(images):
    return augment.standardise(images, DATA.mean.double(), DATA.std.double())


def norms(net):
    return [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]


def test_what_was_trained_is_found_again_to_the_last_bit():
    training = Training(spec(epochs=1), [1, 2, 3], DATA)
    errors = [metrics.test_error for metrics in training.run_epoch()]
    weights = training.weights()
    for pack in ([0, 1, 2], [2]):
        evaluation = Evaluation(spec(epochs=1), [pack[0] + 1] * len(pack), DATA)
        evaluation.load_weights([weights[r] for r in pack])
        assert [found.error for found in evaluation.judge("own", "population")] == [errors[r] for r in pack]


def test_predictions_and_loss_are_those_of_the_plain_network(trained):
    weights = trained[0].weights()
    other = (toy_data(tests=7).eval_images, torch.tensor([2, 1, 0, 0, 1, 2, 2]))
    splits = {
        "own": (DATA.eval_images, DATA.eval_labels),
        "train": (DATA.train_images, DATA.train_labels),
        "other": other,
    }
    for split, (images, labels) in splits.items():
        found = loaded(weights).judge(split, "population", other)
        for one, tensors in zip(found, weights, strict=True):
            logits = plain(tensors)(standardised(images))
            assert torch.equal(one.predictions, logits.argmax(1))
            assert one.wrong == int((logits.argmax(1) != labels).sum())
            assert one.loss == pytest.approx(nn.functional.cross_entropy(logits, labels).item())


def test_batch_statistics_are_those_of_batches_of_the_trainings_size_in_a_fixed_random_order(trained):
    """By hand: each image in its batch of four, the last one filled up from the beginning."""
    weights = trained[0].weights()
    order = shuffled(11, 4)
    assert order.shape == (3, 4)
    assert sorted(order.flatten()[:11].tolist()) == list(range(11))
    assert order.flatten()[11] == order[0, 0]
    assert order.flatten().tolist() == shuffled(11, 4).flatten().tolist() != list(range(12))
    for one, tensors in zip(loaded(weights).judge("own", "batch"), weights, strict=True):
        net = plain(tensors).train()
        logits = {}
        for batch in order:
            out = net(standardised(DATA.eval_images[batch]))
            logits |= {i: row for i, row in zip(batch.tolist(), out, strict=True) if i not in logits}
        expected = torch.stack([logits[i] for i in range(11)])
        assert torch.equal(one.predictions, expected.argmax(1))
        assert one.loss == pytest.approx(nn.functional.cross_entropy(expected, DATA.eval_labels).item())


def test_precise_statistics_are_the_moments_of_all_that_each_layer_is_given(trained):
    """By hand, on the plain network: its layers' inputs over all batches, one long tensor each."""
    training = trained[0]
    weights = training.weights()
    found = loaded(weights).judge("own", "precise")
    size = min(PRECISE_BATCH, 33)
    for seed, (one, tensors) in enumerate(zip(found, weights, strict=True), start=1):
        net = plain(tensors).train()
        given = {norm: [] for norm in norms(net)}
        for norm, inputs in given.items():
            norm.register_forward_pre_hook(lambda _, args, inputs=inputs: inputs.append(args[0].detach()))
        order = augment.draw(DATA, [seed], 3, 33 // size, size, device=torch.device("cpu"))
        for batch in augment.batches(DATA.train_images, order, DATA.pad):
            net(standardised(batch))
        for norm, inputs in given.items():
            variance, mean = torch.var_mean(torch.cat(inputs), (0, 2, 3), correction=0)
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
        logits = net.eval()(standardised(DATA.eval_images))
        assert torch.equal(one.predictions, logits.argmax(1))
        assert one.loss == pytest.approx(nn.functional.cross_entropy(logits, DATA.eval_labels).item())


def test_several_batches_aggregate_to_the_moments_of_all(monkeypatch, trained):
    """E[σ²] alone would leave out how the batches' means differ (Wu & Johnson 2021, section 3)."""
    monkeypatch.setattr("model.training.evaluation.PRECISE_BATCH", 8)
    pack = loaded(trained[0].weights())
    first = next(module for module in pack.net.modules() if isinstance(module, BatchStatistics))
    given = []
    first.register_forward_pre_hook(lambda _, args: given.append(args[0].detach()))
    seen = {}
    pack_eval = pack._eval_logits

    def look(part):
        seen.setdefault("var", first.running_var.clone())
        return pack_eval(part)

    monkeypatch.setattr(pack, "_eval_logits", look)
    pack.judge("own", "precise")
    inputs = torch.cat([x for x in given if len(x) == 8])
    assert len(inputs) == 32, "whole batches: one of 33 images is left out"
    torch.testing.assert_close(seen["var"], inputs.var((0, 2, 3), correction=0))


@pytest.mark.parametrize(("norm", "groups"), [("bn", None), ("bgn", 4), ("brn", None), ("evob0", None)])
def test_spoilt_running_statistics_are_an_error_of_evaluation_alone(norm, groups):
    """What they were changes what running statistics give, and nothing that is measured anew."""
    cell = spec(norm=norm, groups=groups, epochs=2)
    training = Training(cell, [1, 2], DATA, dtype=torch.float64)
    training.run_epoch()
    weights = training.weights()
    spoilt = [
        {name: one * 25 + 3 if "running" in name else one for name, one in tensors.items()}
        for tensors in weights
    ]
    sound, changed = loaded(weights, cell, (1, 2)), loaded(spoilt, cell, (1, 2))
    losses = {
        statistics: [[one.loss for one in pack.judge("own", statistics)] for pack in (sound, changed)]
        for statistics in ("population", "batch", "precise")
    }
    assert losses["batch"][0] == losses["batch"][1]
    assert losses["precise"][0] == losses["precise"][1]
    planted = [one - two for one, two in zip(*losses["population"], strict=True)]
    assert all(abs(amount) > 1e-3 for amount in planted)
    parts = [p - q for p, q in zip(losses["population"][1], losses["precise"][1], strict=True)]
    before = [p - q for p, q in zip(losses["population"][0], losses["precise"][0], strict=True)]
    assert [b - a for a, b in zip(parts, before, strict=True)] == pytest.approx(planted)


def test_batch_renorm_by_batches_is_batch_norm():
    """Its correction would bring it back to the running statistics."""
    torch.manual_seed(0)
    cells = spec(norm="brn", epochs=2), spec(epochs=2)
    training = Training(cells[0], [1], DATA, dtype=torch.float64)
    training.run_epoch()
    (weights,) = training.weights()
    kept = {name: one for name, one in weights.items() if not name.endswith(("running_std", "steps"))}
    variances = {n.replace("running_std", "running_var"): t for n, t in weights.items() if "running_std" in n}
    found = [
        loaded([w], cell, (1,)).judge("own", "batch")[0]
        for w, cell in zip((weights, {**kept, **variances}), cells, strict=True)
    ]
    assert found[0].loss == pytest.approx(found[1].loss)


def test_nothing_of_the_network_is_changed(trained):
    pack = loaded(trained[0].weights())
    before = {name: one.clone() for name, one in pack.net.state_dict().items()}
    first = pack.judge("own", "population")
    for statistics in ("batch", "precise"):
        pack.judge("train", statistics)
    assert all(torch.equal(one, before[name]) for name, one in pack.net.state_dict().items())
    assert [one.loss for one in pack.judge("own", "population")] == [one.loss for one in first]


def test_ghost_batches_stay_ghost_batches():
    cell = spec(norm_batch=2, epochs=2)
    training = Training(cell, [1], DATA, dtype=torch.float64)
    training.run_epoch()
    weights = training.weights()
    ghost, whole = (loaded(weights, c, (1,)).judge("own", "batch")[0] for c in (cell, spec(epochs=2)))
    pairs = loaded(weights, spec(batch_size=2, epochs=2), (1,)).judge("own", "batch")[0]
    assert ghost.loss != whole.loss
    assert ghost.loss == pytest.approx(pairs.loss)


def test_a_network_that_gives_no_numbers_says_so(trained):
    weights = trained[0].weights()
    weights[1] = {name: one * float("nan") for name, one in weights[1].items()}
    losses = [one.loss for one in loaded(weights).judge("own", "population")]
    assert [math.isfinite(loss) for loss in losses] == [True, False, True]


def test_what_a_file_of_weights_holds_is_known_beforehand(trained):
    expected = {name: (one.shape, torch.float32) for name, one in trained[0].weights()[0].items()}
    assert tensors_of(spec(epochs=2), DATA.info) == expected
