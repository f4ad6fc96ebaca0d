"""What a plan says of whose kernels will compute, and of packs that share a GPU. Without one."""

import pytest

from model.data.registry import describe
from model.errors import InputError
from orchestrator.planning.precision import refuse_precision
from orchestrator.planning.resources import MachineGroup, Resources, Site
from orchestrator.planning.sharing import Gains, speed
from orchestrator.planning.way import way
from tests.helpers.cells import spec

INFOS = {"cifar10": describe("cifar10")}
SMALL, LARGE = (spec(dataset="cifar10", batch_size=size) for size in (32, 64))


def site(gpus, machines=1):
    device = "cuda" if gpus else "cpu"
    return Site(Resources(1, gpus, device), (MachineGroup(machines, round(1 / gpus) if gpus else 2, 1),))


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        ([SMALL, LARGE], "computed: 1 cell by kernels of ours where they compile"),
        ([SMALL, LARGE], "; 1 cell by cuDNN's, since ours were not measured on so many pixels"),
        ([LARGE], "computed: 1 cell by cuDNN's"),
    ],
)
def test_on_a_gpu_small_batches_are_computed_by_kernels_of_ours(specs, expected):
    assert expected in way(specs, INFOS, site(1.0), here=False)


def test_where_ours_do_not_compile_the_reason_is_said(monkeypatch):
    monkeypatch.setattr("model.net.convolution.why_not_triton", lambda device, precision: "no compiler")
    assert "ours cannot be used here (no compiler)" in way([SMALL], INFOS, site(1.0), here=True)


def test_on_a_cpu_one_way_is_said():
    assert "the same bits in any pack" in way([SMALL], INFOS, site(0), here=True)


def test_packs_slow_down_where_they_share_a_gpu_and_only_there():
    gains = Gains({1: 1.0, 10: 2.0})
    assert speed(site(1.0), gains)(10) == 1
    assert speed(site(0.1), gains)(10) == pytest.approx(0.2)
    assert speed(site(0.1, machines=2), gains)(20) == pytest.approx(0.2)


def test_a_precision_that_the_device_has_not_is_refused_before_anything_trains():
    with pytest.raises(InputError, match="a CPU has no TF32"):
        refuse_precision([SMALL, spec(precision="tf32")], site(0), here=True)
    refuse_precision([spec(precision="tf32")], site(1.0), here=False)
    refuse_precision([spec(precision="bf16")], site(0), here=True)
