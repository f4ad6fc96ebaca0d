"""A node that comes late: what ends a sweep, and what only leaves the node out. Ray is a stand-in."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from model.errors import InputError
from orchestrator.cluster import preflight
from orchestrator.cluster.preflight import Trouble, Vetted, check_nodes, late_nodes_trouble, late_trouble
from orchestrator.cluster.probe import Answer, Question, versions
from orchestrator.planning.options import Options
from orchestrator.planning.resources import Node

HERE = Answer({"torch": "2.15.0"}, {"digits": "abc"})
LATE = Node("late", "late", 4.0, 0.0)


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


@pytest.mark.parametrize(
    ("answer", "stops"),
    [
        ("node late gave no answer within 60 s", False),
        (replace(HERE, storage="Permission denied"), False),
        (replace(HERE, versions={"torch": "1.2.3"}), True),
    ],
)
def test_a_late_node_where_no_worker_starts_ends_a_sweep_by_its_versions_alone(
    vetted, monkeypatch, answer, stops
):
    monkeypatch.setattr(preflight, "nodes_up", lambda: [LATE])
    monkeypatch.setattr(
        preflight, "_answers_of", lambda nodes, question, seconds: dict.fromkeys(nodes, answer)
    )
    found = late_nodes_trouble(vetted, SimpleNamespace(avoid=None))
    assert (found is not None) is stops


# -- the nodes that are there when it begins -------------------------------------------------------------

SILENT = "node two gave no answer within 60 s"
NO_BUCKET = replace(HERE, versions=versions(), storage="Access Denied")


@pytest.fixture
def check(tmp_path, vetted, monkeypatch):
    """Ask nodes "one" and "two", which answer so: those vetted, and what was told."""

    def ask(one, two, here="elsewhere"):
        nodes = [Node(name, name, 4.0, 0.0) for name in ("one", "two")]
        context = SimpleNamespace(get_node_id=lambda: here)
        monkeypatch.setattr(preflight.ray, "get_runtime_context", lambda: context)
        answers = dict(zip(nodes, (one, two), strict=True))
        monkeypatch.setattr(preflight, "_answers_of", lambda *asked: answers)
        monkeypatch.setattr(preflight, "unseen", lambda *asked: None)
        told = []
        site = SimpleNamespace(nodes=nodes)
        options = Options(results=str(tmp_path / "out"))
        return check_nodes(site, options, {}, left_out=told.append).nodes, told

    return ask


@pytest.mark.parametrize("bad", [SILENT, NO_BUCKET])
def test_trouble_of_one_node_leaves_it_out(check, bad):
    good = replace(HERE, versions=versions())
    nodes, told = check(good, bad)
    assert nodes == {"one"}, "the other is asked again before its first pack"
    assert len(told) == 1
    assert "two" in told[0]


@pytest.mark.parametrize("here", ["elsewhere", "one"])
def test_trouble_of_all_but_the_drivers_own_machine_ends_it(check, here):
    good = replace(HERE, versions=versions())
    with pytest.raises(InputError, match="does not share the results folder"):
        check(good if here == "one" else NO_BUCKET, NO_BUCKET, here)


def test_other_versions_of_one_node_end_it(check):
    with pytest.raises(InputError, match="node two has torch"):
        check(replace(HERE, versions=versions()), replace(HERE, versions={**versions(), "torch": "1.2.3"}))
