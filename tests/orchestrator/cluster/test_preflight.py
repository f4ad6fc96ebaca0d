"""A node that comes late: what ends a sweep, and what only leaves the node out. Ray is a stand-in."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from orchestrator.cluster import preflight
from orchestrator.cluster.preflight import SilentError, Trouble, Vetted, late_nodes_trouble, late_trouble
from orchestrator.cluster.probe import Answer, Question
from orchestrator.planning.resources import Node

HERE = Answer({"torch": "2.15.0"}, {"digits": "abc"})


@pytest.fixture
def vetted(tmp_path, monkeypatch):
    context = SimpleNamespace(get_node_id=lambda: "late")
    monkeypatch.setattr(preflight.ray, "get_runtime_context", lambda: context)
    return Vetted(frozenset({"early"}), HERE, Question(str(tmp_path), None, ("digits",), None))


@pytest.mark.parametrize(
    ("answer", "mixes"),
    [
        (replace(HERE, versions={"torch": "1.2.3"}), True),
        (replace(HERE, storage="Permission denied"), False),
        (replace(HERE, data={"digits": "error: not found"}), False),
        (replace(HERE, data={"digits": "other"}), False),
    ],
)
def test_only_other_versions_end_a_sweep(vetted, monkeypatch, answer, mixes):
    monkeypatch.setattr(preflight, "probe", lambda question: answer)
    found = late_trouble(vetted)
    assert isinstance(found, Trouble)
    assert "which joined while the sweep ran" in found.text
    assert found.mixes is mixes


def test_a_node_in_order_has_no_trouble(vetted, monkeypatch):
    monkeypatch.setattr(preflight, "probe", lambda question: HERE)
    assert late_trouble(vetted) is None


def test_a_node_that_says_nothing_does_not_end_a_sweep(vetted, monkeypatch):
    def silent(nodes, question, seconds):
        raise SilentError("node late gave no answer in time")

    monkeypatch.setattr(preflight, "nodes_up", lambda: [Node("late", "late", 4.0, 0.0)])
    monkeypatch.setattr(preflight, "_answers_of", silent)
    assert late_nodes_trouble(vetted, SimpleNamespace(avoid=None)) is None
