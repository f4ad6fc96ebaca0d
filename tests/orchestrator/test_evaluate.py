"""`python -m orchestrator.evaluate`: what stored networks answer, and which of them are not what was judged."""

import io
import json
import shutil
import zipfile

import numpy as np
import pytest
import torch

from analysis.report import build
from analysis.sources.load import load_sweep
from model.data.augment import standardise
from model.data.registry import load
from orchestrator.evaluate import load_network, main
from orchestrator.results import evaluations, labels
from orchestrator.results.checkpoint import decode_notes, encode_weights
from orchestrator.results.files import Files
from orchestrator.results.labels import Images
from orchestrator.results.store import Store
from tests.helpers.answers import ALL, written
from tests.helpers.arrays import arrays
from tests.helpers.tiny import make_images


@pytest.fixture
def out(tmp_path, finished):
    return shutil.copytree(finished, tmp_path / "out")


@pytest.fixture
def evaluate(out, images, capsys):
    """Evaluates; gives exit code, stdout and stderr."""

    def call(*more, results=None):
        code = main([str(results or out), "--data-dir", str(images), *more])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def records(folder):
    return list(evaluations.whole_ones(Files(str(folder)))[0].values())


def trials(folder, norm="bn"):
    return sorted(path for path in (folder / "trials").iterdir() if f"-{norm}" in path.name)


def test_every_network_is_found_to_be_what_was_judged(evaluated, images):
    results = {i: state.result for i, state in Store(str(evaluated)).scan().items()}
    labels = load("imagefolder", str(images)).eval_labels.numpy()
    found = records(evaluated)
    assert len(found) == 3 * 3 + 3, "group norm has no running statistics"
    for record in found:
        assert record["found_error"] == record["stored_error"] == results[record["trial_id"]]["test_error"]
        assert record["error"] == record["stored_error"] or record["statistics"] != "population"
        assert record["batch_size"] == (4 if record["statistics"] == "batch" else None)
        assert int((evaluations.predictions(record) != labels).sum()) == record["wrong"]


def test_a_second_command_computes_nothing(evaluated, out, evaluate, monkeypatch):
    shutil.copytree(evaluated / "evaluations", out / "evaluations")
    monkeypatch.setattr("orchestrator.execution.evaluation._evaluate", None)
    code, printed, _ = evaluate("--statistics", ALL)
    assert (code, written(out)) == (0, written(evaluated))
    assert "0 evaluations written, 12 there before" in printed


def test_what_is_right_is_kept_beside_the_answers_also_of_an_evaluation_that_did_not(
    evaluated, out, evaluate, images, tmp_path, monkeypatch
):
    data = load("imagefolder", str(images))
    own = Images(data.info.fingerprint, "test", len(data.eval_labels))
    kept = (evaluated / own.name).read_bytes()
    assert labels.read(Files(str(evaluated)), own).tolist() == data.eval_labels.tolist()
    shutil.copytree(evaluated / "evaluations", out / "evaluations")
    (out / own.name).unlink()
    assert "Image by image" not in build(str(out))
    with monkeypatch.context() as patched:
        patched.setattr("orchestrator.execution.evaluation._evaluate", None)
        assert evaluate("--statistics", ALL)[0] == 0
    assert (out / own.name).read_bytes() == kept
    assert "<h2" in build(str(out)).partition("Image by image")[0]
    np.savez(tmp_path / "x.npz", **{k: v for k, v in arrays().items() if k.startswith("test")})
    assert evaluate("--images", str(tmp_path / "x.npz"))[0] == evaluate("--on", "train")[0] == 0
    (other,) = out.glob("evaluations/images-labels-*")
    content = json.loads(other.read_text())
    found = labels.read(Files(str(out)), Images(content["data"], "images", 8))
    assert found.tolist() == arrays()["test_labels"].tolist()
    assert not list(out.glob("evaluations/train-labels-*")), (
        "a cell may learn from others, or from wrong labels"
    )


def test_a_damaged_evaluation_is_computed_again(evaluated, out, evaluate):
    shutil.copytree(evaluated / "evaluations", out / "evaluations")
    one, two, *_ = sorted(out.glob("evaluations/*/*"))
    one.write_bytes(one.read_bytes()[:-9])
    content = json.loads(two.read_text())
    Files(str(out)).write_json(str(two.relative_to(out)), {**content, "weights": "0" * 64})
    code, printed, _ = evaluate("--statistics", ALL)
    assert (code, written(out)) == (0, written(evaluated))
    assert printed.count("is damaged and is computed again") == 2


def changed(path, trial_id):
    """Whole weights with their history, one tensor of which is another."""
    data = path.read_bytes()
    weights = torch.load(io.BytesIO(data), weights_only=True)
    weights["classifier.bias"] += torch.tensor([100.0, 0.0])
    path.write_bytes(encode_weights(weights, decode_notes(data, trial_id)))


def flipped(path, _):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def of_another_network(path, trial_id):
    notes = decode_notes(path.read_bytes(), trial_id)
    path.write_bytes(encode_weights({"weight": torch.zeros(3)}, notes))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (changed, "they are not those that were judged"),
        (flipped, "its weights.pt is damaged"),
        (of_another_network, "its weights.pt is of another network"),
        (lambda path, _: path.unlink(), "it has no weights.pt"),
        (
            lambda path, _: path.write_bytes(
                (sorted(path.parents[1].iterdir())[-1] / "weights.pt").read_bytes()
            ),
            "another trial's",
        ),
    ],
)
def test_weights_that_are_not_what_was_judged_are_named_and_nothing_is_written_of_them(
    evaluated, out, evaluate, spoil, words
):
    spoilt = trials(out)[1]
    spoil(spoilt / "weights.pt", spoilt.name)
    code, printed, _ = evaluate("--statistics", ALL)
    assert code == 1
    assert f"NOT evaluated: {spoilt.name}: " in printed.replace("\n", "")
    assert words in " ".join(printed.split())
    expected = {name: data for name, data in written(evaluated).items() if spoilt.name not in name}
    assert written(out) == expected


def test_where_another_machine_trained_rounding_may_turn_an_image(out, evaluate):
    """Not so where this one did: there it is the same number, or other weights."""
    one = trials(out)[0]
    result = Files(str(one)).read_json("result.json")
    for processor, code in ((None, 0), (result["provenance"]["processor"], 1)):
        told = {"processor": processor}
        moved = {
            **result,
            "test_error": abs(result["test_error"] - 12.5),
            "provenance": {**result["provenance"], **told},
        }
        Files(str(one)).write_json("result.json", moved)
        assert evaluate()[0] == code
        shutil.rmtree(out / "evaluations")


def test_facts_that_are_none_are_as_none(out, evaluate):
    """Somebody forged how each of the networks was trained."""
    for one, facts in zip(
        trials(out), ({"threads": [1]}, {"threads": 3, "kernels": {"triton": 1}}, 7), strict=True
    ):
        result = Files(str(one)).read_json("result.json")
        told = {**result["provenance"], **facts} if isinstance(facts, dict) else facts
        Files(str(one)).write_json("result.json", {**result, "provenance": told})
    code, printed, _ = evaluate()
    assert code == 0, printed


def test_the_training_images_and_other_images(out, evaluate, tmp_path, images):
    assert evaluate("--on", "train")[0] == 0
    np.savez(tmp_path / "x.npz", **{k: v for k, v in arrays().items() if k.startswith("test")})
    code, printed, _ = evaluate("--images", str(tmp_path / "x.npz"))
    assert code == 0
    assert "8 other images" in printed
    found = {record["split"]: record for record in records(out) if "-bn-" in record["trial_id"]}
    data = load("imagefolder", str(images))
    for split, pixels, true in (
        ("train", data.train_images, data.train_labels.numpy()),
        ("images", torch.from_numpy(arrays()["test_images"]).permute(0, 3, 1, 2), arrays()["test_labels"]),
    ):
        net = load_network(str(out), found[split]["trial_id"])
        answers = net(standardise(pixels, data.mean, data.std)).argmax(1).numpy()
        assert np.array_equal(evaluations.predictions(found[split]), answers)
        assert found[split]["wrong"] == int((answers != true).sum())


def test_a_network_from_python_gives_its_stored_error(out, images):
    data = load("imagefolder", str(images))
    for trial_id, state in Store(str(out)).scan().items():
        net = load_network(str(out), trial_id)
        assert not net.training
        wrong = net(standardise(data.eval_images, data.mean, data.std)).argmax(1) != data.eval_labels
        assert wrong.double().mean().item() * 100 == pytest.approx(state.result["test_error"])
        with zipfile.ZipFile(out / "trials" / trial_id / "weights.pt"):
            held = torch.load(out / "trials" / trial_id / "weights.pt", weights_only=True)
        assert {n for n in net.state_dict() if "num_batches" not in n} == set(held)


def test_what_python_asks_for_and_is_not_there(out):
    with pytest.raises(ValueError, match="has no trial nonsense; give the name of a folder"):
        load_network(str(out), "nonsense")
    one = trials(out)[0]
    (one / "weights.pt").write_bytes(b"x")
    with pytest.raises(ValueError, match="is damaged"):
        load_network(str(out), one.name)
    (one / "weights.pt").unlink()
    with pytest.raises(ValueError, match="no final weights"):
        load_network(str(out), one.name)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--statistics", "none"], "'none'; expected some of population,batch,precise"),
        (["--images", "nowhere"], "there is no such folder or file"),
        (["--on", "train", "--images", "x"], "not allowed with argument"),
    ],
)
def test_bad_arguments_are_one_line(evaluate, out, arguments, words, capsys):
    try:
        code, _, told = evaluate(*arguments)
    except SystemExit as left:
        code, told = left.code, capsys.readouterr().err
    assert (code, told.count("\n")) == (2, 1)
    assert words in told
    assert not (out / "evaluations").exists()


def test_folders_that_have_nothing_to_evaluate(evaluate, out, tmp_path):
    assert "holds no sweep" in evaluate(results=tmp_path / "none")[2]
    for path in trials(out):
        shutil.rmtree(path)
    code, _, told = evaluate("--statistics", "batch")
    assert (code, "no network here has a norm with running statistics" in told) == (2, True)
    for path in trials(out, "gn"):
        (path / "weights.pt").unlink()
    code, _, told = evaluate()
    assert (code, "none of the 3 finished trials has its weights" in told) == (2, True)
    for path in trials(out, "gn"):
        (path / "result.json").unlink()
    assert "no trial is finished" in evaluate()[2]
    assert not (out / "evaluations").exists()


def test_other_data_than_they_were_trained_on_are_refused(out, capsys, tmp_path):
    other = make_images(tmp_path / "other", train=11)
    assert main([str(out), "--data-dir", str(other)]) == 2
    assert "data fingerprint" in capsys.readouterr().err


def test_the_report_says_what_they_answer_and_which_files_are_damaged(evaluated, out):
    shutil.copytree(evaluated / "evaluations", out / "evaluations")
    assert "Where batch norm’s error comes from" in build(str(out))
    one, two, *rest = sorted(out.glob("evaluations/*/*"))
    one.write_bytes(b"{}")
    content = {**json.loads(two.read_text()), "stored_error": 99.0}
    Files(str(out)).write_json(str(two.relative_to(out)), content)
    sweep = load_sweep(str(out))
    assert f"{one.relative_to(out)} is damaged and was ignored" in sweep.warnings
    assert f"{two.relative_to(out)} is of another training" in " ".join(sweep.warnings)
    assert len(sweep.evaluations) == len(rest) == 10


@pytest.mark.xdist_group("ray")
def test_in_a_bucket(evaluated, bucket, evaluate):
    fs = Files(bucket).fs
    fs.put(str(evaluated / "trials"), f"{bucket}/trials", recursive=True)
    fs.put(str(evaluated / "sweep.json"), f"{bucket}/sweep.json")
    assert evaluate("--statistics", ALL, results=bucket)[0] == 0
    names = written(evaluated)
    assert {name: Files(bucket).read(name) for name in names} == names
    assert "0 evaluations written, 12 there before" in evaluate("--statistics", ALL, results=bucket)[1]
