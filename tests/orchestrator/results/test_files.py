"""Places that cannot be: each is told in a line, with what to do, before anything is written."""

import socket

import pytest

import orchestrator.results.files
from model.errors import InputError
from orchestrator.results import json_file
from orchestrator.results.files import Files
from orchestrator.results.storage_errors import StorageError
from orchestrator.results.url import checked_url, place_of, results_root
from orchestrator.run import main

WITH_PASSWORD = [
    "sftp://user:hunter2@host/results",
    "sftp://user:hun/ter2@host/results",
    "s3://AKIA0:hunter2@bucket/prefix",
    "redis://:hunter2@host",
    "simplecache::ftp://user:hunter2@host:21/x",
]
WITHOUT = [
    "s3://bucket/prefix",
    "s3://bucket/a:b@c",
    "sftp://user@host:22/results",
    "hdfs://host:8020/user@realm",
    "file:///tmp/x",
    "memory:///x",
]


@pytest.fixture
def refused():
    """The URL of a port of this machine at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"ftp://127.0.0.1:{held.getsockname()[1]}/x"


def run(*arguments):
    return main(["--grid", "demo", "--executor", "inline", *arguments])


@pytest.mark.parametrize("url", ["a::b", "simplecache::s3://bucket/x", "/tmp/a::/tmp/b"])
def test_a_chain_of_places_is_refused(url):
    """fsspec takes it for two places, and what `x::a` and `y::a` held would lie in one."""
    with pytest.raises(InputError, match="'::'"):
        Files(url)


@pytest.mark.parametrize("word", ["Token", "InvalidToken", "Forbidden", "NoSuchBucket", "ReadTimeout"])
def test_a_file_name_is_no_reason(tmp_path, word):
    (tmp_path / word).write_text("")
    with pytest.raises(InputError, match="Choose another with --results"):
        Files(str(tmp_path / word / "y")).writable()


@pytest.mark.parametrize("url", ["s3://", "s3:///", "s3:///demo", "gs:///x", "memory://", "file:///"])
def test_a_scheme_alone_is_no_place(url):
    with pytest.raises(InputError, match=r"names no place.*NORMSWEEP_RESULTS"):
        place_of(url)


@pytest.mark.parametrize("unset", ["s3://", "s3:///sweeps"])
def test_an_unset_variable_in_the_environment(monkeypatch, tmp_path, capsys, unset):
    """NORMSWEEP_RESULTS=s3://$BUCKET, without a BUCKET."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NORMSWEEP_RESULTS", unset)
    assert run("--dry-run") == 2
    assert capsys.readouterr().err.startswith(f"error: {unset} names no place")
    assert not [*tmp_path.iterdir()]


def test_roots(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for given, root in {"s3://b/p/": "s3://b/p", "/data/": "/data", "": "results"}.items():
        monkeypatch.setenv("NORMSWEEP_RESULTS", given)
        assert results_root() == root


def test_a_dry_run_into_a_file(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run("--dry-run", "--results", str(tmp_path / "file")) == 2
    assert "cannot be read: Not a directory. Choose another" in capsys.readouterr().err
    Files(str(tmp_path)).readable()
    Files(str(tmp_path / "not-yet")).readable()


def test_a_host_that_refuses(refused, capsys):
    """FTP connects as it is made."""
    assert run("--results", refused) == 2
    assert capsys.readouterr().err == (
        f"error: the results folder {refused} cannot be opened: Connection refused. "
        "Check the network, and the host and port in the URL.\n"
    )
    with pytest.raises(StorageError, match="Connection refused"):
        Files(refused, patience=0.3)


def test_a_host_that_never_greets(monkeypatch):
    monkeypatch.setattr(orchestrator.results.files, "_ANSWER_SECONDS", 0.5)
    said = r"cannot be opened: no answer within 0.5 s\. Check the network"
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(InputError, match=said):
        Files(f"ftp://127.0.0.1:{server.getsockname()[1]}/x")


def test_patience_does_not_mend_a_url():
    with pytest.raises(InputError, match="nosuch"):
        Files("nosuch://bucket/x", patience=60)


@pytest.mark.parametrize("url", WITH_PASSWORD)
@pytest.mark.parametrize("door", [place_of, Files])
def test_a_password_is_refused_and_not_repeated(url, door):
    with pytest.raises(InputError, match=r"password.*environment, ~/\.aws or ~/\.ssh") as refusal:
        door(url)
    assert "ter2" not in str(refusal.value)


@pytest.mark.parametrize("url", WITHOUT)
def test_what_is_no_password(url):
    assert checked_url(url) == url


class Busy:
    """A bucket that refuses the first requests for some files, as S3 does where it is asked for too many."""

    protocol = "s3"

    def __init__(self, content, refusals):
        self.content, self.refusals, self.asked = content, refusals, []

    def cat_ranges(self, paths, starts, ends, on_error):
        assert on_error == "return"
        self.asked.append(len(paths))
        return [self._answer(path) for path in paths]

    def size(self, path):
        if isinstance(answer := self._answer(path), Exception):
            raise answer
        return len(answer)

    def cat_file(self, path):
        return self.content[path]

    def _answer(self, path):
        if self.refusals.get(path, 0):
            self.refusals[path] -= 1
            return OSError(16, "Please reduce your request rate.")
        return self.content.get(path, FileNotFoundError(path))


@pytest.fixture
def busy(monkeypatch):
    """A thousand files of a bucket that refuses three of them for a while; `patience` of who reads."""

    def make(patience, times=5):
        content = {f"bucket/{i}.json": json_file.encode({"number": i}) for i in range(1000)}
        store = Busy(content, dict.fromkeys(["bucket/7.json", "bucket/8.json", "bucket/900.json"], times))
        monkeypatch.setattr(Files, "_open", lambda files: vars(files).update(fs=store, root="bucket"))
        return Files("s3://bucket", patience), store

    return make


def test_of_a_thousand_files_those_that_did_not_come_are_asked_for_again(busy):
    files, store = busy(patience=30.0)
    found = files.read_jsons([*(f"{i}.json" for i in range(1000)), "absent.json"])
    assert list(found) == [f"{i}.json" for i in range(1000)]
    assert [value["number"] for value in found.values()] == list(range(1000))
    assert store.asked[0] == 1001
    assert max(store.asked[1:]) == 3


def test_who_has_no_patience_asks_for_a_file_twice(busy):
    names = [f"{i}.json" for i in range(1000)]
    assert len(busy(None, times=1)[0].read_jsons(names)) == 1000
    with pytest.raises(OSError, match="reduce your request rate"):
        busy(None, times=2)[0].read_jsons(names)
