"""The check of a device: it passes here, and can fail in each of its kinds."""

import json
import math

import pytest
import torch

from model.bench import __main__ as bench
from model.bench import check, products
from model.bench.check import Check, checks, table
from model.bench.products import bound, worst_product
from model.bench.variants import Variant
from model.net.convolution import grouped

CPU = torch.device("cpu")


@pytest.mark.slow
def test_a_cpu_passes_in_every_precision_that_it_has(capsys):
    found = list(checks(CPU, print, ("gn",), others=False))
    assert all(one.passed for one in found), capsys.readouterr().out
    assert {(one.kind, one.precision) for one in found} == {
        ("float64", "float64"),
        *((kind, p) for kind in ("products", "training", "NaN", "resumption") for p in ("fp32", "bf16")),
    }
    apart = {one.precision: one.most for one in found if one.kind == "training"}
    assert 0 < apart["fp32"] < apart["bf16"] < 1e-2, "rounding moves a loss the more the coarser it is"


def test_products_are_held_to_their_bound_and_a_coarser_precision_is_beyond_it(monkeypatch):
    assert worst_product(CPU, Variant()) < 1
    assert worst_product(CPU, Variant(precision="bf16")) < 1
    tf32 = products.convolve("ordered", torch.contiguous_format, "bf16")
    monkeypatch.setattr(products, "convolve", lambda *_: tf32)
    assert worst_product(CPU, Variant(layout="nchw")) > 10, "bf16 under the name of float32"
    assert bound("fp32", 100) < bound("tf32", 100) < bound("bf16", 100)


def test_a_replica_that_leaks_into_its_neighbours_is_found(monkeypatch):
    def leaking(x, weight, stride, replicas):
        out = grouped(x, weight, stride, replicas)
        return out + 0 * out.mean(1, keepdim=True)  # as zero times a padded group's NaN

    monkeypatch.setattr("model.training.training.convolve", lambda *_: leaking)
    variant = Variant("grouped")
    cell = check._cell("gn")
    found = next(one for one in check._of_a_variant(cell, CPU, variant) if one.kind == "NaN")
    assert not found.passed


def test_weights_gradients_aside_are_held_to_the_bits_of_the_usual_ones(monkeypatch):
    told = {"usual fp32": [1.0, 2.0, 3.0], "usual fp32 aside": [1.0, 2.0, 3.0]}
    monkeypatch.setattr(check, "_trained", lambda cell, device, variant, *_: told[variant.name])
    monkeypatch.setattr(check, "_beside_nan", lambda cell, device, variant: told[variant.name][::2])
    monkeypatch.setattr(check, "_resumed", lambda cell, device, variant: told[variant.name])
    monkeypatch.setattr(check, "_exact", lambda cell: [1.0, 2.0, 3.0])
    monkeypatch.setattr(check, "_spread", lambda cell, precision: 1e-8)
    cell, gpu = check._cell("bn"), torch.device("cuda")
    found = list(check._of_aside(cell, gpu, "fp32"))
    assert [(one.kind, one.passed) for one in found] == [
        (kind, True) for kind in ("training", "NaN", "resumption", "aside")
    ]
    told["usual fp32 aside"] = [1.0, 2.0, 3.0 * (1 + 2**-52)]
    assert [one.kind for one in check._of_aside(cell, gpu, "fp32") if not one.passed] == ["aside"]


def test_what_raises_or_is_not_a_number_is_no_pass_and_the_table_counts_it():
    broken = check._held("training", "bn", Variant(), lambda v: 1 / 0, 1.0)
    lost = Check("training", "bn", "fp32", "usual", math.nan, 1.0)
    well = Check("NaN", "bn", "fp32", "usual", 0.0, 0.0)
    assert (broken.passed, lost.passed, well.passed) == (False, False, True)
    assert "WRONG ZeroDivisionError" in broken.line
    lines = list(table([broken, lost, well]))
    assert lines[1].split() == ["training", "2", "2", "inf"]
    assert lines[-1] == "3 checks, 2 failed"


def test_the_exit_code_says_whether_all_passed(monkeypatch, capsys):
    for difference, code in ((0.5, 0), (2.0, 1)):
        row = Check("products", "", "fp32", "usual", difference, 1.0)
        monkeypatch.setattr(bench, "checks", lambda device, say, row=row: iter([row]))
        assert bench.main(["--check", "--json"]) == code
        assert json.loads(capsys.readouterr().out)[0]["difference"] == difference
