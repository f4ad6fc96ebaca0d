"""Whether this machine can take part: asked of each before a sweep trains, and again of one that comes late.

A cluster fails in the middle of the night for reasons that were there in the evening: a node with another
torch, a path that only the head can see, a role without a right to the bucket. Each costs a second to
find. And one reason is worse than failing: a node with older code trains on in silence, and its numbers
are not those of the others. So the source itself is compared and not only its version, which a copied
working tree does not change.

Knows no Ray: the driver runs `probe` on each node and holds the answer against its own with `trouble`.
"""

import contextlib
import functools
import platform
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from model import own
from model.digest import digest
from model.errors import InputError, reason
from orchestrator.cluster.own_code import Sources, receive, sources
from orchestrator.results.files import Files
from orchestrator.results.provenance import version
from orchestrator.results.source import ROOT, package_files

_COMPARED = ("torch", "torchvision", "ray", "normsweep")
_PACKAGES = ("orchestrator", "model")
_INSTALL = "Install the same on every node (cluster.yaml's setup commands do) and run again."


@dataclass(frozen=True)
class Question:
    """What a node is asked: to read the `token` of the results and answer beside it, and to read the data.

    `token`: a folder of the results; None for a node that comes late, which looks for the sweep instead.
    `datasets`: empty where only the rest is asked. `code`: import paths of code that a user brings, and
    `sources` what they need there.
    """

    results: str
    token: str | None
    datasets: tuple[str, ...]
    data_dir: str | None
    code: tuple[str, ...] = ()
    sources: Sources = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What a node found. `versions`: by name, "source" being a digest of our own files.

    `data`: fingerprints by data set, or the error in words after "error: ". `wrote`: the name of the
    file that it wrote into the results. `storage`: what stood in the way of reading or writing them. `code`:
    what stood in the way of importing a user's code, by import path; empty where nothing did.
    """

    versions: Mapping[str, str]
    data: Mapping[str, str]
    wrote: str | None = None
    storage: str | None = None
    code: Mapping[str, str] = field(default_factory=dict)


def ask(
    results: str, data_dir: str | None, datasets: tuple[str, ...] = (), code: tuple[str, ...] = ()
) -> Question:
    """A question whose token lies in the results until `withdraw`.

    Raises InputError, OSError, StorageError.
    """
    token = f".probe-{uuid.uuid4().hex[:12]}"
    Files(results).write(f"{token}/asked", token.encode())
    return Question(results, token, datasets, data_dir, code, sources(code))


def withdraw(question: Question) -> None:
    """Remove the token and all that nodes wrote beside it."""
    files = Files(question.results)
    with contextlib.suppress(FileNotFoundError):
        files.fs.rm(files.path(str(question.token)), recursive=True)


def probe(question: Question) -> Answer:
    """On a node: everything that is asked. Raises nothing that a person could put right."""
    receive(question.sources)
    if question.token is None:
        wrote, storage = None, storage_trouble(question.results)
    else:
        wrote, storage = _storage(question, question.token)
    data = {name: _fingerprint(name, question) for name in question.datasets}
    return Answer(versions(), data, wrote, storage, _code_trouble(question.code))


@functools.cache
def versions() -> dict[str, str]:
    """What has to be the same on all nodes for their numbers to belong together."""
    # Without the build's label: a CPU head and GPU workers may have the same torch for different devices.
    installed = {name: (version(name) or "missing").partition("+")[0] for name in _COMPARED}
    return {"Python": platform.python_version(), **installed, "source": source_digest()}


def source_digest() -> str:
    """Of the Python files of `orchestrator` and `model` that run here: more than what trains, for packs and
    what is said of them travel between nodes too."""
    return digest(package_files(ROOT, _PACKAGES))


def trouble(here: Answer, there: Answer, name: str, question: Question) -> str | None:
    """Why the node called `name` cannot take part, and the remedy; None where it can."""
    if problem := other_versions(here, there, name):
        return problem
    if there.storage is not None:
        return _storage_trouble(question.results, name, there.storage)
    for path in question.code:
        if problem := there.code.get(path, "it was not looked at"):
            return f"node {name} cannot train with {own.unpinned(path)}: {problem}"
    for dataset in question.datasets:
        ours, theirs = here.data[dataset], there.data.get(dataset, "error: not looked at")
        if theirs.startswith("error: "):
            return f"node {name} cannot read {own.unpinned(dataset)}: {theirs.removeprefix('error: ')}"
        if theirs != ours:
            where = "" if own.is_own(dataset) else f" in {question.data_dir or 'its folder'}"
            return (
                f"node {name} has another {own.unpinned(dataset)}{where} (fingerprint {theirs[:12]}, the "
                f"driver's {ours[:12]}). Copy the same images to every node and run again."
            )
    return None


def other_versions(here: Answer, there: Answer, name: str) -> str | None:
    """What the node called `name` has installed otherwise, and the remedy: its numbers would be others."""
    for what, ours in here.versions.items():
        if (theirs := there.versions.get(what, "missing")) != ours:
            label = "normsweep's source files" if what == "source" else what
            return f"node {name} has {label} {theirs}, the driver's has {ours}. {_INSTALL}"
    return None


def unseen(question: Question, name: str, answer: Answer) -> str | None:
    """Why what a node wrote is not what the driver reads: two folders of one name; None where it is."""
    try:
        if answer.wrote and Files(question.results).read(answer.wrote) == str(question.token).encode():
            return None
        problem = "it is not there"
    except Exception as error:
        problem = reason(error)
    return _storage_trouble(question.results, name, f"what it wrote cannot be read by the driver: {problem}")


def _storage(question: Question, token: str) -> tuple[str | None, str | None]:
    try:
        files = Files(question.results)
        if files.read(f"{token}/asked") != token.encode():
            return None, "it reads another file than the driver wrote"
        name = f"{token}/{uuid.uuid4().hex}"
        files.write(name, token.encode())
    except FileNotFoundError:
        return None, "it does not see what the driver wrote there"
    except Exception as error:  # every fsspec backend has errors of its own
        return None, reason(error)
    return name, None


def storage_trouble(results: str) -> str | None:
    """What stands in the way of reading and writing the results of a running sweep; None where nothing does.

    The driver is busy with the sweep by now, so that a node reads and removes what it wrote itself.
    """
    name = f".probe-late-{uuid.uuid4().hex}"
    try:
        files = Files(results)
        files.read("sweep.json")
        files.write(name, name.encode())
        content = files.read(name)
        files.remove(name)
    except FileNotFoundError:
        return "it does not see the sweep that the driver declared there"
    except Exception as error:
        return reason(error)
    return None if content == name.encode() else "it reads another file than it wrote"


def _storage_trouble(results: str, name: str, problem: str) -> str:
    if Files(results).local:
        return (
            f"node {name} does not share the results folder {results}: {problem}. With several nodes give "
            "--results a folder that all of them mount, or a bucket (s3://…)."
        )
    return (
        f"node {name} cannot read and write {results}: {problem}. Give every node the same credentials, "
        "role and endpoint."
    )


def _code_trouble(paths: tuple[str, ...]) -> dict[str, str]:
    found = dict.fromkeys(paths, "")
    for path in paths:
        try:
            own.load(path)
        except InputError as error:
            found[path] = str(error)
    return found


def _fingerprint(dataset: str, question: Question) -> str:
    """Of data that was really read; the first process of a node fetches and decodes it, others wait."""
    from model.data.registry import load
    from orchestrator.results.archives import kept_at

    try:
        return load(dataset, question.data_dir, bring=kept_at(question.results)).info.fingerprint
    except (InputError, OSError, ValueError) as error:
        return f"error: {error}"
