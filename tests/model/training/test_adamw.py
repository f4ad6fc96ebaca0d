"""AdamW of a pack against torch.optim.AdamW, against solo runs and against the uninterrupted run."""

import copy
import io

import pytest
import torch
from torch.nn import functional as F

from model.bench.reference import PlainResNet
from model.data import augment
from model.net.resnet import ResNet
from model.spec import Spec
from model.training.step import Step
from model.training.training import Training
from tests.helpers.beside_torch import step_beside
from tests.helpers.cells import spec, toy_data
from tests.model.training.test_epoch import Calls
from tests.model.training.test_packs import EPOCHS, hold_to_one_by_one

KINDS = ("weights", "momentum", "squares", "statistics")


def adamw(**changes):
    return spec(optimizer="adamw", **changes)


def assert_equal(a, b):
    for kind in KINDS:
        assert set(a[kind]) == set(b[kind])
        assert all(torch.equal(a[kind][name], b[kind][name]) for name in a[kind]), kind


@pytest.mark.parametrize(("beta", "decay"), [(0.9, 0.01), (0.0, 0.5), (0.5, 0.0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_update_is_torchs_whatever_the_gradients_strides(dtype, beta, decay):
    net = ResNet(spec(), 3, 3, 2).to(dtype=dtype, memory_format=torch.channels_last)
    torch.manual_seed(0)
    with torch.no_grad():
        for p in net.parameters():
            p.normal_()
    twin = copy.deepcopy(net)
    step = Step(net, [adamw(momentum=beta, weight_decay=decay)] * 2)
    optimiser = torch.optim.AdamW(
        twin.parameters(), lr=0.1, betas=(beta, 0.999), eps=1e-8, weight_decay=decay, foreach=False
    )
    tolerance = step_beside(step, net, optimiser, twin)
    kept = [optimiser.state[p] for p in twin.parameters()]
    for which, theirs in (("momentum", "exp_avg"), ("squares", "exp_avg_sq")):
        for ours, state in zip(step.moments[which], kept, strict=True):
            torch.testing.assert_close(ours, state[theirs], **tolerance)
    for (name, p), q in zip(net.named_parameters(), twin.named_parameters(), strict=True):
        torch.testing.assert_close(p, q[1], **tolerance, msg=lambda m, name=name: f"{name}: {m}")


def test_training_is_the_plain_network_under_torchs_adamw():
    """Two epochs, the second at a tenth of the rate; what is not said is 0.001 for 32 images, and 0.01."""
    data, cell = toy_data(), adamw(norm="gn", groups=4, epochs=2)
    ours = Training(cell, [11], data, dtype=torch.float64)
    plain = PlainResNet(cell, 3, 3).double().train()
    plain.load_state_dict(ours.weights()[0])
    optimiser = torch.optim.AdamW(plain.parameters(), betas=(0.9, 0.999), weight_decay=0.01)
    mean, std = (t.double().view(-1, 1, 1) for t in (data.mean, data.std))
    for epoch in (1, 2):
        order = augment.draw(data, [11], epoch, 5, 4, device=torch.device("cpu"))
        for step, images in enumerate(augment.batches(data.train_images, order, data.pad)):
            passed = 5 * (epoch - 1) + step
            optimiser.param_groups[0]["lr"] = (
                0.001 * 4 / 32 / 10 ** sum(passed >= m * 10 for m in (0.3, 0.6, 0.9))
            )
            optimiser.zero_grad()
            labels = data.train_labels[order.index[step].flatten()]
            F.cross_entropy(plain((images.double() - mean) / std), labels).backward()
            optimiser.step()
        ours.run_epoch()
    theirs = plain.state_dict()
    for name, tensor in ours.weights()[0].items():
        torch.testing.assert_close(tensor, theirs[name], rtol=1e-9, atol=1e-11)


def test_a_seed_is_the_same_to_the_bit_in_any_pack():
    hold_to_one_by_one(adamw(norm="gn", groups=4, batch_size=8, epochs=EPOCHS), [[3, 1, 2]], toy_data(n=18))


def test_resumed_training_is_bit_for_bit_the_uninterrupted_one_in_another_pack():
    """The count of steps too: without it the first steps after a resumption would be far too long."""
    data, cell = toy_data(), adamw()
    whole, cut = (Training(cell, [1, 2, 3], data) for _ in range(2))
    expected = [whole.run_epoch() for _ in range(3)]
    cut.run_epoch()
    file = io.BytesIO()
    torch.save(cut.state(), file)
    file.seek(0)
    resumed = Training(cell, [3, 1], data)
    first, _, third = torch.load(file, weights_only=True)
    resumed.load_state([third, first])
    found = [resumed.run_epoch() for _ in range(2)]
    assert [[e[2], e[0]] for e in expected[1:]] == found
    for ours, theirs in zip(resumed.state(), (whole.state()[2], whole.state()[0]), strict=True):
        assert_equal(ours, theirs)


def test_replicas_that_differ_in_rate_decay_and_beta_are_each_their_solo_run():
    """Replicas 0 and 2 are updated alike, in two pieces; in float32, to the bit."""
    data = toy_data(n=18)
    changes = [{}, {"weight_decay": 0.3, "lr": 0.05}, {}, {"momentum": 0.5}, {"decay_norm": False}]
    cells = [adamw(batch_size=8, **change) for change in changes]
    packed = Training(cells, [1, 2, 3, 4, 5], data)
    together = [packed.run_epoch() for _ in range(2)]
    for r, (cell, state) in enumerate(zip(cells, packed.state(), strict=True)):
        alone = Training([cell], [r + 1], data)
        assert [alone.run_epoch()[0] for _ in range(2)] == [metrics[r] for metrics in together]
        assert_equal(state, alone.state()[0])


def test_steps_that_are_captured_count():
    """A captured step reads its rate and its number from the device; rates are float32 there."""
    data = toy_data(n=30)
    looped, captured = (
        Training(adamw(), [1, 2], data, dtype=torch.float64, graphs=graphs) for graphs in (None, Calls(3))
    )
    for _ in range(3):
        for a, b in zip(looped.run_epoch(), captured.run_epoch(), strict=True):
            assert a.train_loss == pytest.approx(b.train_loss, rel=1e-6)
    for a, b in zip(looped.state(), captured.state(), strict=True):
        for name, tensor in a["weights"].items():
            torch.testing.assert_close(tensor, b["weights"][name], rtol=1e-6, atol=1e-8)


def test_timing_steps_counts_none():
    """As an epoch's order of images, so the number of its first step is its own."""
    data = toy_data()
    plain, timed = Training(adamw(), [1], data), Training(adamw(), [1], data)
    state = timed.state()
    timed.train_steps(3)
    timed.load_state(state)
    assert timed.run_epoch() == plain.run_epoch()


def test_a_state_of_another_optimiser_is_refused():
    with pytest.raises(ValueError, match="no squares in a state"):
        Training(adamw(), [1], toy_data()).load_state(Training(spec(), [1], toy_data()).state())


def test_its_own_rate_and_decay_go_without_saying():
    def cell(**changes):
        return Spec(norm="bn", batch_size=8, epochs=1, optimizer="adamw", **changes)

    assert (cell().lr, cell().weight_decay, cell().momentum) == (1e-3, 1e-2, 0.9)
    assert cell(recipe="he2015").lr == 1e-3
    assert (cell(lr=0.1).lr, cell(weight_decay=1e-4).weight_decay) == (0.1, 1e-4)
    assert cell().shared == cell(lr=0.5, weight_decay=0.0, momentum=0.5).shared
    assert cell().name == "bn, batch 8, adamw"
