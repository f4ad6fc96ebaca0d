"""Places that cannot be: each is told in a line, with what to do, before anything is written."""

import socket

import pytest

import orchestrator.results.files
from model.errors import InputError
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
