"""Every node is asked before anything trains on it: in the evening, and again when one comes late.

What is asked is `probe`'s; here the questions go to the nodes and the answers come back in time.
"""

import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import ray

from model.data.dataset import DataInfo
from model.errors import InputError, last_line
from orchestrator.cluster.nodes import nodes_up, on_node
from orchestrator.cluster.probe import (
    Answer,
    Question,
    ask,
    other_versions,
    probe,
    trouble,
    unseen,
    versions,
    withdraw,
)
from orchestrator.planning.options import Options
from orchestrator.planning.resources import Node, Site

#: A busy machine takes half a minute to start a worker that has the product loaded; a bucket that does not
#: answer is told by the node itself before, see `files`.
_ANSWER_SECONDS = 60
_DATA_SECONDS = 1800  # a download and sixty thousand small files
_LATE = " (which joined while the sweep ran)"


@dataclass(frozen=True)
class Vetted:
    """The nodes that were asked, what they were held against, and what a late one is to be asked."""

    nodes: frozenset[str]
    here: Answer
    question: Question

    def __hash__(self) -> int:
        return hash(self.nodes)


def check_nodes(
    site: Site,
    options: Options,
    infos: Mapping[str, DataInfo],
    code: tuple[str, ...] = (),
    *,
    left_out: Callable[[str], None],
) -> Vetted:
    """Ask every machine that will train for its versions and the results. Raises InputError that names it.

    `code`: import paths of code that the user brings. `left_out`: told of each machine that is left out.

    The machines are asked at once, and all of them have `_ANSWER_SECONDS`: a bucket that is firewalled
    off answers nothing at all. One that is lost meanwhile is no trouble; it is asked when it returns. So is
    one with trouble of its own, before its first pack; other versions, or trouble of all, end it here.
    """
    here = Answer(versions(), {name: info.fingerprint for name, info in infos.items()})
    question = ask(options.results, options.data_dir, code=code)
    try:
        answers = _answers_of(site.nodes, question, _ANSWER_SECONDS)
        troubles = {
            node: _trouble(here, answer, node.name, question) or _unseen(question, node.name, answer)
            for node, answer in answers.items()
        }
    finally:
        withdraw(question)
    bad = _left_out(troubles, left_out)
    late = replace(question, token=None, datasets=tuple(infos))
    return Vetted(frozenset(node.node_id for node in answers if node not in bad), here, late)


def read_data(vetted: Vetted, site: Site, left_out: Callable[[str], None]) -> None:
    """Have the machines read the data, each on its own: fetched and decoded once. Raises InputError.

    `left_out`: told of each machine that cannot while others can; its first pack tries once more.
    """
    question = ask(vetted.question.results, vetted.question.data_dir, vetted.question.datasets)
    try:
        answers = _answers_of(site.nodes, question, _DATA_SECONDS)
        troubles = {node: _trouble(vetted.here, a, node.name, question) for node, a in answers.items()}
    finally:
        withdraw(question)
    _left_out(troubles, left_out)


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a node. `mixes`: its numbers would be others, and the next one's may be too."""

    text: str
    mixes: bool = True


def _trouble(here: Answer, there: Answer | str, name: str, question: Question) -> Trouble | None:
    if isinstance(there, str):
        return Trouble(there, mixes=False)
    if problem := other_versions(here, there, name):
        return Trouble(problem)
    problem = trouble(here, there, name, question)
    return None if problem is None else Trouble(problem, mixes=False)


def _unseen(question: Question, name: str, answer: Answer | str) -> Trouble | None:
    problem = None if isinstance(answer, str) else unseen(question, name, answer)
    return None if problem is None else Trouble(problem, mixes=False)


def _left_out(troubles: Mapping[Node, Trouble | None], tell: Callable[[str], None]) -> set[Node]:
    """The machines that have trouble of their own, each told. Raises InputError where one would mix numbers,
    or where none is in order, but for the driver's own: then it is no single machine's trouble."""
    bad = {node: found for node, found in troubles.items() if found is not None}
    here = ray.get_runtime_context().get_node_id()
    others = [node for node in troubles if node.node_id != here] or [*troubles]
    if found := next((found for found in bad.values() if found.mixes), None):
        raise InputError(found.text)
    if bad and all(node in bad for node in others):
        raise InputError(bad[others[0]].text)
    for found in bad.values():
        tell(f"left out for now: {found.text}")
    return set(bad)


def late_trouble(vetted: Vetted) -> Trouble | None:
    """On a worker: what is wrong with its node; None where all is well.

    The versions are compared on every node, for a checkout can be synced anew under a running sweep; the
    rest where the node was not asked before.
    """
    asked = ray.get_runtime_context().get_node_id() in vetted.nodes
    here = Answer(versions(), {}) if asked else probe(vetted.question)
    question = replace(vetted.question, datasets=(), code=()) if asked else vetted.question
    name = socket.gethostname() + (" (a worker started anew)" if asked else _LATE)
    return _trouble(vetted.here, here, name, question)


def late_nodes_trouble(vetted: Vetted, site: Site) -> str | None:
    """On the driver, when a worker could not even start: which of the nodes that came late has other
    versions, or lacks what all have to have installed.

    One that says nothing in time, or has other trouble, is no reason to end a sweep: its worker is started
    again, and leaves it out.
    """
    asked, question = [*vetted.nodes, site.avoid], replace(vetted.question, datasets=())
    late = [node for node in nodes_up() if node.node_id not in asked and node.cpus]
    nodes = [replace(node, name=node.name + _LATE) for node in late]
    try:
        for node, answer in _answers_of(nodes, question, _ANSWER_SECONDS).items():
            found = _trouble(vetted.here, answer, node.name, question)
            if found is not None and found.mixes:
                return found.text
    except InputError as error:
        return str(error)
    return None


def _answers_of(nodes: Iterable[Node], question: Question, seconds: float) -> dict[Node, Answer | str]:
    """What the nodes say, without those lost meanwhile; of one that is silent, that in words. Raises
    InputError that names the first without this product.

    Every answer is waited for before any is judged, so that nobody writes after the question is withdrawn.
    """
    asked = {node: on_node(node.node_id, probe).remote(question) for node in nodes}
    if asked:
        _, silent = ray.wait(list(asked.values()), num_returns=len(asked), timeout=seconds)
        for reference in silent:
            ray.cancel(reference, force=True)
    answers = {node: _answer(reference, node.name, seconds) for node, reference in asked.items()}
    return {node: answer for node, answer in answers.items() if answer is not None}


def _answer(reference: "ray.ObjectRef[Answer]", name: str, seconds: float) -> Answer | str | None:
    """What a node said; None where it was lost; words where it said nothing in time. Raises InputError where
    it said nothing that makes sense."""
    try:
        answer: Answer = ray.get(reference, timeout=0.1)
        return answer
    except (ray.exceptions.NodeDiedError, ray.exceptions.TaskUnschedulableError):
        return None
    except (ray.exceptions.GetTimeoutError, ray.exceptions.TaskCancelledError):
        return (
            f"node {name} gave no answer within {seconds:g} s: it is overloaded, or cannot reach the "
            "results or the data. Look at it, or take it out of the cluster, and run again."
        )
    except ray.exceptions.RayError as error:
        text = str(error)
        lacks = "No module named" in text or "failed to import" in text
        reason = "does not have this product installed" if lacks else f"cannot take part: {last_line(text)}"
        raise InputError(
            f"node {name} {reason}. Install the same version there (pip install -e . in a copy of this "
            "checkout) and run again."
        ) from None
