"""Code of the user's own on a node that does not have it, one that has another, and one where it is installed."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from model.errors import InputError
from model.own import pinned
from orchestrator.cluster.own_code import sources
from orchestrator.cluster.probe import Answer, Question, trouble
from tests.helpers import ROOT

NODE = """\
import pickle, sys
from orchestrator.cluster.probe import probe
question = pickle.load(sys.stdin.buffer)
sys.stdout.buffer.write(pickle.dumps(probe(question)))
"""


def on_a_node(question, folder):
    """The answer of another process that sees `folder` instead of this one's; as a node, but for Ray."""
    import pickle

    folder.mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{folder}", "NORMSWEEP_CACHE": str(folder / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", NODE],
        input=pickle.dumps(question),
        capture_output=True,
        env=environment,
        cwd=folder,
        check=True,
    )
    return pickle.loads(done.stdout)


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A folder with a package of two modules and a module beside them."""
    folder = tmp_path / "driver"
    (folder / "mylab").mkdir(parents=True)
    (folder / "mylab/norms.py").write_text("from mylab.parts import HALF\nimport beside\n\ndef mine(): ...\n")
    (folder / "mylab/parts.py").write_text("HALF = 0.5\n")
    (folder / "mylab/unused.py").write_text("raise SystemExit\n")
    (folder / "beside.py").write_text("")
    monkeypatch.syspath_prepend(str(folder))
    return folder


def asked(code, sent):
    """Of a node that comes late; it sees no sweep."""
    return Question("/nowhere", None, (), None, code, sent)


def said(answer, question):
    here = Answer(answer.versions, {})
    return trouble(here, Answer(answer.versions, {}, code=answer.code), "node1", question)


def test_a_node_without_the_files_gets_those_that_are_imported(lab, tmp_path):
    path = pinned("mylab.norms:mine")
    sent = sources([path])
    assert set(sent) == {"mylab/norms.py", "mylab/parts.py", "beside.py"}
    question = asked((path,), sent)
    answer = on_a_node(question, tmp_path / "node")
    assert answer.code == {path: ""}
    assert said(answer, question) is None


def test_what_is_sent_goes_before_what_a_node_has(lab, tmp_path):
    path = pinned("mylab.norms:mine")
    node = tmp_path / "node"
    (node / "mylab").mkdir(parents=True)
    (node / "mylab/norms.py").write_text("def mine(): return 2\n")
    assert on_a_node(asked((path,), sources([path])), node).code == {path: ""}


@pytest.mark.parametrize(
    ("there", "told"),
    [
        (None, "there is no module mylab.norms here"),
        ("def mine(): return 2\n", "is not what this trial was declared with"),
        ("def mine(: return 2\n", "SyntaxError"),
    ],
)
def test_a_node_that_was_to_have_it_installed_is_named(lab, tmp_path, there, told):
    path = pinned("mylab.norms:mine")
    node = tmp_path / "node"
    (node / "mylab").mkdir(parents=True)
    if there:
        (node / "mylab/norms.py").write_text(there)
    question = asked((path,), {})
    message = said(on_a_node(question, node), question)
    assert message.startswith("node node1 cannot train with mylab.norms:mine: ")
    assert told in message


def test_what_is_installed_is_not_sent():
    assert Path(pytest.__file__).is_relative_to(sysconfig.get_path("purelib"))
    assert sources([pinned("pytest:fixture")]) == {}


def test_two_files_of_one_name_are_refused(lab, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    (other / "more.py").write_text("import beside\n\ndef mine(): ...\n")
    (other / "beside.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(other))
    with pytest.raises(InputError, match=r"beside\.py and .*beside\.py are two files of one name"):
        sources([pinned("mylab.norms:mine"), pinned("more:mine")])
