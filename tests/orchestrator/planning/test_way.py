"""What a plan says of whose kernels will compute, and of packs that share a GPU. Without one."""

import pytest

from model.data.registry import describe
from model.errors import InputError
from orchestrator.planning.kernels import Chosen
from orchestrator.planning.packs_per_gpu import kind
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
    assert expected in way(specs, INFOS, site(1.0), Chosen(), here=False)


def test_where_ours_do_not_compile_the_reason_is_said(monkeypatch):
    monkeypatch.setattr("model.net.convolution.why_not_triton", lambda device, precision: "no compiler")
    assert "ours cannot be used here (no compiler)" in way([SMALL], INFOS, site(1.0), Chosen(), here=True)


TIMED = {
    8: {"ours": 250.0, "torch": 100.0},
    16: {"ours": 190.0, "torch": 100.0},
    64: {"ours": 100.0, "torch": 120.0},
    4: {"ours": 100.0, "torch": 60.0, "aside": 112.0},
}
CELLS = {size: spec(dataset="cifar10", batch_size=size) for size in (8, 16, 64, 4, 2, 128)}
KERNELS = {8: "ours", 16: "ours", 64: "torch", 4: "aside", 2: "ours"}


def chosen(sizes, now=TIMED, **more):
    return Chosen(
        kernels={kind(CELLS[size]): KERNELS[size] for size in sizes},
        rates={kind(CELLS[size]): TIMED[size] for size in sizes if size in TIMED},
        now=frozenset(kind(CELLS[size]) for size in now),
        **more,
    )


@pytest.mark.parametrize(
    ("sizes", "how", "here", "expected"),
    [
        (
            (8, 16, 64),
            chosen((8, 16, 64)),
            True,
            "computed: 2 cells by kernels of ours (1.9 to 2.5 times as fast as cuDNN's, timed here); "
            "1 cell by cuDNN's (1.2 times as fast as ours, timed here)",
        ),
        (
            (4, 2, 128),
            chosen((4, 2)),
            False,
            "computed: 1 cell by kernels of ours, weights' gradients on a stream of their own (1.1 times as fast "
            "as on one stream, timed on a node); 1 cell by kernels of ours (by rule: they were not timed); "
            "1 cell by cuDNN's, since ours were not measured on so many pixels",
        ),
        (
            (8, 64),
            chosen((8, 64), now=()),
            True,
            "computed: 1 cell by kernels of ours (2.5 times as fast as cuDNN's, as an earlier run timed it); "
            "1 cell by cuDNN's (1.2 times as fast as ours, as an earlier run timed it)",
        ),
        (
            (8, 128),
            Chosen(said="ours"),
            False,
            "computed: 2 cells by kernels of ours where they compile, as --kernels says",
        ),
        (
            (8, 2),
            Chosen(kernels={kind(CELLS[8]): "torch", kind(CELLS[2]): "ours"}),
            True,
            "computed: 1 cell by cuDNN's (as their trials have begun); "
            "1 cell by kernels of ours (by rule: they were not timed)",
        ),
        ((8,), Chosen(said="torch"), True, "computed: 1 cell by cuDNN's, as --kernels says"),
        (
            (8,),
            Chosen(trouble="no machine is up"),
            False,
            "computed: 1 cell by kernels of ours where they compile, the faster ones wherever they were measured "
            "(an H200); which are the faster ones here could not be timed (no machine is up)",
        ),
        (
            (8, 64),
            Chosen(unusable={"fp32": "no compiler there"}),
            False,
            "computed by cuDNN's kernels: ours cannot be used here (no compiler there)",
        ),
    ],
)
def test_what_was_timed_is_said_with_what_it_gains(sizes, how, here, expected, monkeypatch):
    monkeypatch.setattr("model.net.convolution.why_not_triton", lambda device, precision: None)
    assert way([CELLS[size] for size in sizes], INFOS, site(1.0), how, here=here) == expected


def test_beside_other_packs_nothing_is_said_to_run_aside():
    said = way([CELLS[4]], INFOS, site(0.5), chosen((4,), now=()), here=False)
    assert (
        said
        == "computed: 1 cell by kernels of ours (1.7 times as fast as cuDNN's, as an earlier run timed it)"
    )


def test_on_a_cpu_one_way_is_said():
    assert "the same bits in any pack" in way([SMALL], INFOS, site(0), Chosen(), here=True)


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
