"""Trials that start from others' weights: trained after them, from their bytes, whatever happens meanwhile."""

import io
import json
import os
import shutil
import signal

import pytest
import torch

from model.training.training import Training
from orchestrator.execution.ancestry import ParentError
from orchestrator.execution.worker import run_pack
from orchestrator.grid.parse import find
from orchestrator.results.store import Store
from orchestrator.run import main
from orchestrator.status import status
from tests.helpers.assignments import assignment
from tests.helpers.numbers_of import numbers

PARENT = "  - {dataset: imagefolder, norm: bn, batch_size: 4, epochs: 2, seeds: 2}\n"
CHILDREN = """\
  - {dataset: imagefolder, norm: [bn, fbn],     batch_size: 2, epochs: 2, seeds: 2, from: {norm: bn, batch_size: 4}}
  - {dataset: imagefolder, norm: gn, groups: 4, batch_size: 2, epochs: 2, seeds: 2, from: {norm: bn, batch_size: 4}}
"""
#: Rates as `model.bench --json` writes them: nothing is timed then.
RATES = [
    {"norm": norm, "batch_size": size, "pack": 2, "images_per_second": 100.0}
    for norm, size in (("bn", 4), ("bn", 2), ("fbn", 2), ("gn", 2), ("gn", 5))
]


@pytest.fixture(scope="module")
def grids(tmp_path_factory):
    """Files of the whole family, of the parents alone, and of one child's block, which says them by itself."""
    folder = tmp_path_factory.mktemp("grids")
    texts = {"family": PARENT + CHILDREN, "parents": PARENT, "child": CHILDREN.splitlines(True)[1]}
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text("blocks:\n" + text)
    (folder / "rates.json").write_text(json.dumps(RATES))
    return {name: str(folder / f"{name}.yaml") for name in texts} | {"rates": str(folder / "rates.json")}


@pytest.fixture(scope="module")
def run(grids, images):
    """Call it with a grid's name and a folder; gives the exit code."""

    def call(grid, folder, *more):
        rest = [] if "--executor" in more else ["--executor", "inline"]
        place = [
            "--results",
            str(folder),
            "--data-dir",
            str(images),
            "--pack",
            "2",
            "--pace-from",
            grids["rates"],
        ]
        return main(["--grid", grids[grid], *place, *rest, *more])

    return call


@pytest.fixture(scope="module")
def finished(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    assert run("family", folder) == 0
    return folder


@pytest.fixture(scope="module")
def undisturbed(finished):
    found = numbers(finished)
    assert len(found) == 8
    return found


@pytest.fixture
def copied(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "out")
    return tmp_path / "out"


def family(grids):
    """Parents, and children, in the order of the grid."""
    trials = find(grids["family"]).trials()
    return [t for t in trials if t.start is None], [t for t in trials if t.start is not None]


def files(folder):
    return {p: p.stat().st_mtime_ns for p in folder.glob("trials/*/*")}


def stored(folder, trial_id):
    data = (folder / "trials" / trial_id / "weights.pt").read_bytes()
    return torch.load(io.BytesIO(data), weights_only=True)


def test_a_child_starts_from_its_parents_bytes(run, grids, tmp_path, monkeypatch):
    """Before its first step; and frozen batch norm there has the very error that batch norm ended with."""
    first, real = {}, Training.run_epoch

    def run_epoch(self):
        if self.epoch == 0:
            whole = zip(self.seeds, self.state(), self.evaluate(), strict=True)
            first.update({(self.spec, seed): (state, error) for seed, state, error in whole})
        return real(self)

    monkeypatch.setattr(Training, "run_epoch", run_epoch)
    assert run("family", tmp_path) == 0
    parents, children = family(grids)
    results = Store(str(tmp_path)).scan()
    for child in children:
        state, error = first[child.spec, child.seed]
        parent = next(p for p in parents if p.seed == child.seed)
        there = stored(tmp_path, parent.trial_id)
        assert child.parent_id == parent.trial_id
        assert set(state["weights"]) <= set(there)
        held = {**state["weights"], **state["statistics"]}
        assert {k: v.numpy().tobytes() for k, v in held.items()} == {
            k: v.numpy().tobytes() for k, v in there.items() if k in held
        }
        assert bool(state["statistics"]) == (child.norm != "gn")
        assert not any(tensor.any() for tensor in state["momentum"].values())
        if child.norm == "fbn":
            assert error == results[parent.trial_id].result["test_error"]
            moved = {k: v for k, v in stored(tmp_path, child.trial_id).items() if "running" in k}
            assert moved
            assert all(torch.equal(tensor, there[name]) for name, tensor in moved.items())


def test_the_plan_says_it_and_the_parents_go_first(run, tmp_path, capsys):
    assert run("family", tmp_path, "--dry-run") == 0
    assert "2 trials are trained first because others start from them" in capsys.readouterr().out
    assert run("child", tmp_path) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("started")]
    assert [line.split("started")[1].strip() for line in lines] == [
        "bn, batch 4, seeds 1–2",
        "gn G=4, batch 2, from BN at batch 4, seeds 1–2",
    ]


@pytest.mark.parametrize("count", [3, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2, 5))])
def test_interrupted_anywhere(run, undisturbed, tmp_path, at_epoch, count):
    at_epoch(count, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert run("family", tmp_path) == 143
    assert run("family", tmp_path) == 0
    assert numbers(tmp_path) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("pack", ["1", "2"])
def test_side_by_side(run, grids, images, undisturbed, tmp_path, pack):
    """Seats that find nothing to do wait for the parents and no child begins before."""
    from orchestrator.display.progress import Progress
    from orchestrator.execution.inline import run_inline
    from orchestrator.execution.signals import Interrupt
    from orchestrator.planning.plan import make_plan

    trials = find(grids["family"]).trials()
    plan = make_plan(trials, {}, pack_size=lambda _: int(pack), max_failures=3)
    Store(str(tmp_path)).open(trials)
    assignments = [assignment(tmp_path, images, p.trials) for p in plan.packs]
    count = len(assignments)
    progress = Progress(plan.packs, [1.0] * count, [2] * count, slots=3, before=0)
    run_inline(assignments, progress, Interrupt(), at_once=3, after=plan.after)
    assert numbers(tmp_path) == undisturbed


def test_a_finished_trial_that_becomes_a_parent_is_not_trained_again(run, undisturbed, tmp_path):
    assert run("parents", tmp_path) == 0
    before = files(tmp_path)
    assert run("family", tmp_path) == 0
    assert {path: when for path, when in files(tmp_path).items() if path in before} == before
    assert numbers(tmp_path) == undisturbed


def test_a_narrowed_grid_keeps_the_parents(run, copied, grids):
    before = files(copied)
    assert run("child", copied) == 0
    assert files(copied) == before
    counts = status(str(copied))["counts"]
    assert (counts["done"], counts["undeclared"]) == (4, 4)


@pytest.mark.slow
def test_other_axes_make_other_parents(run, copied, undisturbed):
    """A new batch size of the children has the parents that are there; a new length has new ones."""
    assert run("child", copied, "--batch-sizes", "5") == 0
    assert len(numbers(copied)) == 8 + 2
    assert run("child", copied, "--epochs", "1") == 0
    assert len(numbers(copied)) == 8 + 2 + 4
    assert undisturbed.items() <= numbers(copied).items()


# -- what goes wrong ---------------------------------------------------------------------------------


def test_children_of_a_failed_parent_wait_and_are_told_why(
    run, grids, undisturbed, tmp_path, monkeypatch, capsys
):
    real = Training.run_epoch

    def run_epoch(self):
        if self.spec.batch_size == 4:
            raise RuntimeError("the cosmic ray")
        return real(self)

    monkeypatch.setattr(Training, "run_epoch", run_epoch)
    parents, children = family(grids)
    words = [f"3 trials wait: they start from {p.trial_id}, which failed" for p in parents]
    for _ in range(2):
        assert run("family", tmp_path) == 1
        out = capsys.readouterr().out
        assert all(sentence in out for sentence in words)
        assert "2 trials failed" in out
        assert "fbn" not in "".join(line for line in out.splitlines() if line.startswith("started"))
    found = status(str(tmp_path))
    waits = {trial["trial_id"]: trial["waits_for"] for trial in found["trials"]}
    assert waits == {p.trial_id: None for p in parents} | {c.trial_id: c.parent_id for c in children}
    assert {t["state"] for t in found["trials"] if t["waits_for"]} == {"waiting"}
    assert all(sentence in found["warnings"] for sentence in words)
    assert run("family", tmp_path, "--dry-run") == 0
    assert f"{words[0]} (--retry-failed tries it again)" in capsys.readouterr().out

    monkeypatch.setattr(Training, "run_epoch", real)
    assert run("family", tmp_path, "--retry-failed") == 0
    assert numbers(tmp_path) == undisturbed


def missing(path, _):
    path.unlink()


def truncated(path, _):
    path.write_bytes(path.read_bytes()[:-2000])


def bent(path, _):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def anothers(path, other):
    shutil.copy(other, path)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (missing, "its weights.pt is missing"),
        (truncated, "its weights.pt is damaged"),
        pytest.param(bent, "its weights.pt is damaged", marks=pytest.mark.slow),
        pytest.param(anothers, "its weights.pt is not its own (", marks=pytest.mark.slow),
    ],
)
def test_a_parent_without_its_weights(run, grids, copied, capsys, spoil, words):
    """Told before anything is written, where a child still needs them; and no child that is done does."""
    parents, children = family(grids)
    place = copied / "trials"
    spoil(place / parents[0].trial_id / "weights.pt", place / parents[1].trial_id / "weights.pt")
    assert run("family", copied) == 0
    shutil.rmtree(place / children[0].trial_id)
    before = files(copied)
    capsys.readouterr()
    assert run("family", copied) == 2
    error = capsys.readouterr().err
    assert f"error: no trial can start from {parents[0].trial_id}: {words}" in error
    assert f"or move {copied}/trials/{parents[0].trial_id} away, and it is trained again" in error
    assert len(error.strip().splitlines()) == 1
    assert files(copied) == before
    shutil.rmtree(place / parents[0].trial_id)
    assert run("family", copied) == 0


def test_weights_that_go_while_the_sweep_runs_are_a_failure_of_the_child(grids, images, copied):
    parents, children = family(grids)
    shutil.rmtree(copied / "trials" / children[0].trial_id)
    (copied / "trials" / parents[0].trial_id / "weights.pt").unlink()
    Store(str(copied)).open(children[:1])
    with pytest.raises(ParentError, match=r"its weights.pt is missing"):
        run_pack(assignment(copied, images, children[:1]), lambda event: None)
    failure = json.loads((copied / "trials" / children[0].trial_id / "failure.json").read_text())
    assert "its weights.pt is missing" in failure["error"]


def test_a_half_trained_child_needs_its_parent_no_more(run, grids, undisturbed, tmp_path, at_epoch):
    at_epoch(3, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert run("child", tmp_path) == 143
    parents, children = family(grids)
    for parent in parents:
        (tmp_path / "trials" / parent.trial_id / "weights.pt").unlink()
    assert run("child", tmp_path) == 0
    of_gn = {child.trial_id for child in children if child.norm == "gn"}
    found = numbers_of_children(tmp_path, of_gn)
    assert found == {trial_id: undisturbed[trial_id] for trial_id in of_gn}


def numbers_of_children(folder, ids):
    """Parents have no weights to be read any more."""
    for path in folder.glob("trials/*"):
        if path.name not in ids:
            shutil.rmtree(path)
    return numbers(folder)


def test_another_shape_of_images_is_told_before_anything_trains(tmp_path, images, capsys):
    grid = tmp_path / "other.yaml"
    grid.write_text("blocks:\n" + CHILDREN.splitlines(True)[1].replace("from: {", "from: {dataset: digits, "))
    place = ["--results", str(tmp_path / "out"), "--data-dir", str(images), "--executor", "inline"]
    assert main(["--grid", str(grid), *place]) == 2
    error = capsys.readouterr().err
    assert (
        "gn G=4, batch 2, from BN at batch 4, digits cannot start from bn, batch 4: conv.weight is " in error
    )
    assert "[16, 1, 3, 3] there and [16, 3, 3, 3] here" in error
    assert not (tmp_path / "out" / "trials").exists()


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_a_bucket_without_the_parent(run, grids, bucket, capsys):
    assert run("parents", bucket) == 0
    store = Store(bucket)
    for parent in family(grids)[0]:
        store.files.remove(f"trials/{parent.trial_id}/weights.pt")
    assert run("family", bucket) == 2
    assert "its weights.pt is missing" in capsys.readouterr().err
