"""Training against torch's own optimiser, against solo runs, and against the uninterrupted run."""

import io
import math
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch.nn import functional as F

from model.bench.reference import PlainResNet
from model.data import augment
from model.errors import InputError
from model.net.norms.registry import LAYERS
from model.norm_table import GROUPED
from model.training.layout import default_layout
from model.training.step import Step
from model.training.training import Training
from tests.helpers.cells import spec, toy_data

CELLS = [(name, 4 if name in GROUPED else None) for name in LAYERS]
#: The norms that the plain network has.
PLAIN = [cell for cell in CELLS if cell[0] in {"bn", "gn", "ln", "in"}]


def assert_states_close(a, b):
    assert a["epoch"] == b["epoch"]
    for kind in ("weights", "momentum", "statistics"):
        assert set(a[kind]) == set(b[kind])
        for name in a[kind]:
            torch.testing.assert_close(a[kind][name], b[kind][name], msg=lambda m, name=name: f"{name}: {m}")


def assert_states_equal(a, b):
    assert a["epoch"] == b["epoch"]
    for kind in ("weights", "momentum", "statistics"):
        for name in a[kind]:
            assert torch.equal(a[kind][name], b[kind][name]), name


@pytest.mark.parametrize(("norm", "groups"), PLAIN)
def test_training_is_the_plain_network_under_torchs_sgd(norm, groups):
    """Two epochs, the second at a tenth of the rate: same weights, statistics, losses and errors."""
    data, cell = toy_data(), spec(norm=norm, groups=groups, epochs=2)
    ours = Training(cell, [11], data, dtype=torch.float64)
    plain = PlainResNet(cell, 3, 3).double()
    plain.load_state_dict(ours.weights()[0])
    decay, steps = 1e-4, 22 // 4
    optimiser = torch.optim.SGD(plain.parameters(), lr=1.0, momentum=0.9, weight_decay=decay)
    mean, std = (t.double().view(-1, 1, 1) for t in (data.mean, data.std))
    for epoch in (1, 2):
        order = augment.draw(data, [11], epoch, steps, 4, device=torch.device("cpu"))
        images = augment.batches(data.train_images, order, data.pad)
        total, wrong = 0.0, 0
        plain.train()
        for step in range(steps):
            passed = (epoch - 1) * steps + step
            optimiser.param_groups[0]["lr"] = (
                0.1 * 4 / 32 / 10 ** sum(passed >= m * 10 for m in (0.3, 0.6, 0.9))
            )
            labels = data.train_labels[order.index[step].flatten()]
            logits = plain((images[step].double() - mean) / std)
            loss = F.cross_entropy(logits, labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item()
            wrong += int((logits.argmax(1) != labels).sum())
        (metrics,) = ours.run_epoch()
        plain.eval()
        logits = plain((data.eval_images.double() - mean) / std)
        error = float((logits.argmax(1) != data.eval_labels).double().mean() * 100)
        assert metrics.epoch == epoch
        assert metrics.train_loss == pytest.approx(total / steps, rel=1e-10)
        assert metrics.train_error == pytest.approx(100 * wrong / (steps * 4))
        assert metrics.test_error == pytest.approx(error)
        assert metrics.val_error is None
        assert metrics.learning_rate == pytest.approx(optimiser.param_groups[0]["lr"])
    theirs = plain.state_dict()
    for name, tensor in ours.weights()[0].items():
        torch.testing.assert_close(tensor, theirs[name], msg=lambda m, name=name: f"{name}: {m}")


@pytest.mark.parametrize(
    ("norm", "groups", "batch_size"),
    [*((*cell, size) for cell in PLAIN for size in (2, 4, 8)), *((*cell, 4) for cell in CELLS[len(PLAIN) :])],
)
def test_five_replicas_are_five_solo_runs(norm, groups, batch_size):
    """float64, two epochs, a training set that no batch size divides."""
    data, cell, seeds = (
        toy_data(n=19),
        spec(norm=norm, groups=groups, batch_size=batch_size),
        [3, 1, 4, 15, 9],
    )
    packed = Training(cell, seeds, data, dtype=torch.float64)
    together = [packed.run_epoch() for _ in range(2)]
    for position, seed in enumerate(seeds):
        alone = Training(cell, [seed], data, dtype=torch.float64)
        for epoch in range(2):
            (expected,) = alone.run_epoch()
            assert together[epoch][position] == expected
        assert_states_equal(packed.state()[position], alone.state()[0])


def test_weights_have_the_names_and_shapes_of_the_plain_network():
    data = toy_data()
    for weights in Training(spec(), [1, 2], data).weights():
        PlainResNet(spec(), 3, 3).load_state_dict(weights)


@pytest.mark.parametrize(
    ("norm", "groups", "precision"),
    [
        *((*cell, "fp32") for cell in [*CELLS[:2], ("brn", None), ("bgn", 4), ("evob0", None)]),
        ("gn", 4, "bf16"),
    ],
)
def test_resumed_training_is_bit_for_bit_the_uninterrupted_one(norm, groups, precision):
    data, cell = toy_data(), spec(norm=norm, groups=groups, precision=precision)
    whole = Training(cell, [1, 2], data)
    cut = Training(cell, [1, 2], data)
    first = [whole.run_epoch() for _ in range(3)]
    second = [cut.run_epoch()]
    file = io.BytesIO()
    torch.save(cut.state(), file)
    file.seek(0)
    resumed = Training(cell, [1, 2], data)
    resumed.load_state(torch.load(file, weights_only=True))
    assert resumed.epoch == 1
    second += [resumed.run_epoch() for _ in range(2)]
    assert first == second
    for a, b in zip(whole.state(), resumed.state(), strict=True):
        assert_states_equal(a, b)


def test_state_is_a_copy():
    training = Training(spec(), [1], toy_data())
    before = training.state()
    kept = {name: tensor.clone() for name, tensor in before[0]["weights"].items()}
    training.run_epoch()
    assert all(torch.equal(kept[name], tensor) for name, tensor in before[0]["weights"].items())


def test_trials_go_on_in_another_pack():
    data, cell = toy_data(), spec()
    pair, single = (Training(cell, seeds, data) for seeds in ([1, 2], [3]))
    pair.run_epoch()
    single.run_epoch()
    mixed = Training(cell, [3, 1], data)
    mixed.load_state([single.state()[0], pair.state()[0]])
    mixed.run_epoch()
    pair.run_epoch()
    single.run_epoch()
    assert_states_equal(mixed.state()[0], single.state()[0])
    assert_states_equal(mixed.state()[1], pair.state()[0])


def test_states_that_do_not_belong_together_are_refused():
    data = toy_data()
    training = Training(spec(), [1, 2], data)
    early = training.state()
    training.run_epoch()
    late = training.state()
    with pytest.raises(ValueError, match="epochs"):
        training.load_state([early[0], late[1]])
    with pytest.raises(ValueError, match="states"):
        training.load_state(late[:1])
    with pytest.raises(ValueError, match="other tensors"):
        Training(spec(norm="gn", groups=4), [1, 2], data).load_state(late)


@pytest.mark.parametrize(("norm", "groups"), CELLS)
def test_a_replica_that_diverges_leaves_the_others_bit_for_bit(norm, groups):
    data, cell = toy_data(), spec(norm=norm, groups=groups)
    healthy, ill = Training(cell, [1, 2, 3], data), Training(cell, [1, 2, 3], data)
    states = ill.state()
    states[1]["weights"]["conv.weight"][0, 0, 0, 0] = float("nan")
    ill.load_state(states)
    for _ in range(2):
        expected, found = healthy.run_epoch(), ill.run_epoch()
        assert (found[0], found[2]) == (expected[0], expected[2])
        assert all(math.isnan(v) for v in (found[1].train_loss, found[1].train_error, found[1].test_error))
        assert all(math.isfinite(e.train_loss) for e in expected)
    for position in (0, 2):
        assert_states_equal(ill.state()[position], healthy.state()[position])


def test_iterations_stop_in_the_middle_of_the_last_epoch(monkeypatch):
    data = toy_data(n=22)  # 5 steps an epoch
    training = Training(spec(epochs=None, iterations=7, recipe="he2015"), [1], data)
    assert training.total_epochs == 2
    steps = []
    original = Step.__call__

    def counted(step, images, labels, rates):
        steps.extend(rates)
        return original(step, images, labels, rates)

    monkeypatch.setattr(Step, "__call__", counted)
    last = [training.run_epoch()[0] for _ in range(2)][-1]
    assert steps == pytest.approx([0.1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.001])  # milestones 3.5 and 5.25
    assert last.learning_rate == pytest.approx(0.001)
    with pytest.raises(RuntimeError, match="all 2 epochs"):
        training.run_epoch()


def test_the_evaluation_set_is_never_augmented(monkeypatch):
    """What the network sees in evaluation mode is the evaluation images, all of them, in order."""
    data = toy_data(n=30, tests=13)
    training = Training(spec(), [1, 2], data)
    seen = []
    forward = training.net.forward

    def spy(x):
        if not training.net.training:
            seen.append(x.clone())
        return forward(x)

    monkeypatch.setattr(training.net, "forward", spy)
    training.run_epoch()
    expected = augment.standardise(data.eval_images, data.mean, data.std)
    assert torch.equal(torch.cat(seen), expected.repeat(1, 2, 1, 1))


def test_a_hold_out_is_reported_as_validation_error():
    (metrics,) = Training(spec(holdout=6), [1], toy_data(n=28, holdout=6)).run_epoch()
    assert metrics.test_error is None
    assert metrics.val_error is not None


def test_a_part_of_the_images_is_what_an_epoch_has():
    training = Training(spec(train_size=9, iterations=5, epochs=None), [1], toy_data(n=28, train_size=9))
    assert training.total_epochs == 3, "steps of 4, of which 9 images have two"
    assert len(training.run_epoch()) == 1
    with pytest.raises(ValueError, match="28 training images for a cell of 9"):
        Training(spec(train_size=9), [1], toy_data(n=28))


def test_a_batch_larger_than_the_training_set_is_an_input_error():
    with pytest.raises(InputError, match="batch of 64 is larger than the training set"):
        Training(spec(batch_size=64), [1], toy_data(n=22))


def test_packs_in_threads_of_one_process_train_as_they_do_alone():
    data = toy_data()
    cells = [spec(), spec(norm="gn", groups=4), spec(batch_size=8)]
    alone = [Training(cell, [1, 2], data) for cell in cells]
    expected = [[training.run_epoch() for _ in range(3)] for training in alone]
    beside = [Training(cell, [1, 2], data) for cell in cells]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda training: [training.run_epoch() for _ in range(3)], beside))
    assert found == expected


@pytest.mark.parametrize(("norm", "groups"), CELLS)
def test_the_layout_in_memory_changes_no_result(norm, groups):
    data, cell = toy_data(), spec(norm=norm, groups=groups)
    nhwc, nchw = (
        Training(cell, [1, 2], data, dtype=torch.float64, layout=layout) for layout in ("nhwc", "nchw")
    )
    nhwc.run_epoch()
    nchw.run_epoch()
    for a, b in zip(nhwc.state(), nchw.state(), strict=True):
        assert_states_close(a, b)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_gpu_where_there_is_none_is_an_input_error():
    with pytest.raises(InputError, match="no CUDA device here"):
        Training(spec(), [1], toy_data(), "cuda")


@pytest.mark.parametrize(
    ("device", "precision", "norm", "pixels", "convolution", "expected"),
    [
        ("cpu", "fp32", "bn", 2048, "ordered", "nhwc"),
        ("cpu", "fp32", "gn", 2048, "ordered", "nchw"),
        ("cpu", "fp32", "gn", 16 * 1024, "ordered", "nchw"),
        ("cpu", "fp32", "gn", 32 * 1024, "ordered", "nhwc"),  # seeds train alone
        ("cpu", "fp32", "ln", 128, "ordered", "nhwc"),  # torch's own convolutions
        ("cpu", "fp32", "ln", 2048, "ordered", "nhwc"),
        ("cpu", "fp32", "in", 32 * 1024, "ordered", "nchw"),
        ("cpu", "fp32", "rms", 32 * 1024, "ordered", "nchw"),  # several operations
        ("cuda", "fp32", "bn", 2048, "triton", "nchw"),
        ("cuda", "fp32", "bn", 2048, "grouped", "nchw"),
        ("cuda", "bf16", "bn", 2048, "grouped", "nhwc"),
        ("cuda", "bf16", "gn", 128, "grouped", "nchw"),
    ],
)
def test_the_default_layout_is_the_faster_one_as_far_as_is_known(device, precision, norm, pixels, convolution, expected, monkeypatch):  # fmt: skip
    monkeypatch.setattr("model.training.layout.vendor", lambda: "AuthenticAMD")
    monkeypatch.setattr("torch.__version__", "2.15.0")
    assert default_layout(torch.device(device), precision, norm, pixels, convolution) == expected


@pytest.mark.parametrize(
    ("version", "layout"), [("2.6.0", "nchw"), ("2.14.1+cpu", "nchw"), ("2.16.0", "nhwc")]
)
def test_a_torch_whose_group_norm_is_slow_in_nhwc(version, layout, monkeypatch):
    monkeypatch.setattr("model.training.layout.vendor", lambda: "GenuineIntel")
    monkeypatch.setattr("torch.__version__", version)
    for pixels in (2048, 32 * 1024):
        assert default_layout(torch.device("cpu"), "fp32", "gn", pixels, "ordered") == layout
    assert default_layout(torch.device("cpu"), "fp32", "ln", 2048, "ordered") == "nhwc"


@pytest.mark.parametrize("maker", ["GenuineIntel", ""])
def test_where_small_batches_were_not_measured_group_norm_has_nhwc(maker, monkeypatch):
    monkeypatch.setattr("model.training.layout.vendor", lambda: maker)
    monkeypatch.setattr("torch.__version__", "2.15.0")
    for pixels in (128, 2048, 32 * 1024):
        assert default_layout(torch.device("cpu"), "fp32", "gn", pixels, "ordered") == "nhwc"
