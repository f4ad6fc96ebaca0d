"""What a node is asked before it trains, held against what the driver has. Knows no Ray."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from model.data.registry import describe
from orchestrator.cluster.probe import Answer, ask, probe, source_digest, trouble, unseen, versions, withdraw
from orchestrator.results.files import Files
from tests.helpers import ROOT


@pytest.fixture
def asked(tmp_path, images):
    question = ask(str(tmp_path / "out"), str(images), ("imagefolder", "digits"))
    here = Answer(versions(), {n: describe(n, str(images)).fingerprint for n in question.datasets})
    return question, here


def test_a_node_that_agrees_has_no_trouble_and_leaves_nothing(asked, tmp_path):
    question, here = asked
    answer = probe(question)
    assert trouble(here, answer, "node1", question) is None
    assert unseen(question, "node1", answer) is None
    assert len(list((tmp_path / "out" / question.token).iterdir())) == 2, "the token and the answer"
    probe(question)
    withdraw(question)
    assert not list((tmp_path / "out").iterdir()), "also of a node whose answer nobody waited for"


@pytest.mark.parametrize("what", ["Python", "torch", "torchvision", "ray", "normsweep", "source"])
def test_another_version_is_named_with_the_node(asked, what):
    question, here = asked
    answer = replace(probe(question), versions={**here.versions, what: "9.9"})
    message = trouble(here, answer, "10.0.0.7", question)
    assert "10.0.0.7" in message
    assert "9.9" in message
    assert here.versions[what] in message


def test_versions_are_the_installed_ones():
    import torch

    found = versions()
    assert torch.__version__.startswith(found["torch"])
    assert found["Python"] == sys.version.split()[0]


def test_the_source_digest_sees_a_changed_line(tmp_path):
    """In a copy, in a process of its own: a line more in model/ is another source, an empty one is not."""
    for package in ("orchestrator", "model", "analysis"):  # the last, or it would be of another checkout
        shutil.copytree(ROOT / package, tmp_path / package)
    ask_for = [sys.executable, "-c", "from orchestrator.cluster.probe import source_digest as d; print(d())"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}

    def digest():
        done = subprocess.run(
            ask_for, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    assert digest() == source_digest()
    with (tmp_path / "model" / "recipe.py").open("a") as file:
        file.write("\n")
    assert digest() == source_digest()
    with (tmp_path / "model" / "recipe.py").open("a") as file:
        file.write("SPARE = 1\n")
    assert digest() != source_digest()


def test_a_folder_of_the_same_name_on_another_disk(asked, tmp_path):
    """As on another machine: the path is there and empty, or is not there."""
    question, here = asked
    os.rename(tmp_path / "out", tmp_path / "elsewhere")
    answer = probe(question)
    message = trouble(here, answer, "node2", question)
    assert "node2 does not share the results folder" in message
    assert "s3://" in message
    assert not (tmp_path / "out").exists(), "a node that may not take part writes nothing"


def test_a_node_that_writes_elsewhere_is_found_out(asked, tmp_path):
    question, _ = asked
    answer = probe(question)
    Files(question.results).remove(answer.wrote)
    assert "cannot be read by the driver" in unseen(question, "node3", answer)


def test_a_read_only_share(asked, monkeypatch):
    question, here = asked

    def refuse(self, name, data):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Files, "write", refuse)
    assert "Read-only file system" in trouble(here, probe(question), "node4", question)


def test_data_that_is_missing_or_other(asked, tmp_path, images):
    question, here = asked
    missing = replace(question, data_dir=str(tmp_path / "nowhere"))
    message = trouble(here, probe(missing), "node5", missing)
    assert "node5 cannot read imagefolder" in message
    assert "nowhere" in message

    other = tmp_path / "other"
    shutil.copytree(images, other)
    next(other.rglob("*.png")).unlink()
    fewer = replace(question, data_dir=str(other))
    message = trouble(here, probe(fewer), "node6", fewer)
    assert "node6 has another imagefolder" in message


def test_cifar_is_really_looked_for(asked, tmp_path):
    """Its facts are constants, so that a node without it knows them too."""
    question, here = asked
    question = replace(
        question, datasets=("cifar10",), data_dir=str(tmp_path / "out" / question.token / "asked")
    )
    here = replace(here, data={"cifar10": describe("cifar10").fingerprint})
    assert "node7 cannot read cifar10" in trouble(here, probe(question), "node7", question)


def test_a_late_node_looks_for_the_sweep(asked, tmp_path):
    question, here = asked
    late = replace(question, token=None)
    withdraw(question)
    assert "does not see the sweep" in trouble(here, probe(late), "late", late)
    (tmp_path / "out" / "sweep.json").write_text("{}")
    assert trouble(here, probe(late), "late", late) is None
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["sweep.json"]
