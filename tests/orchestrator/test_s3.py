"""Results in a bucket: sweep, interrupt, resume, widen and report against a real HTTP endpoint on loopback."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from numbers_of import numbers
from test_failures import GRID, at_epoch, command, interrupt, undisturbed  # noqa: F401

from orchestrator.run import main
from orchestrator.status import status
from orchestrator.store import Store

pytest.importorskip("s3fs", reason="needs the s3 extra")
pytest.importorskip("moto", reason="needs moto, an S3 server for tests")


@pytest.fixture(scope="module")
def endpoint():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=2)
            break
        time.sleep(0.2)
    yield url
    server.send_signal(signal.SIGTERM)
    server.wait(30)


@pytest.fixture
def bucket(endpoint, monkeypatch):
    """A bucket's URL; credentials and endpoint come from the usual environment."""
    import fsspec
    import s3fs

    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    s3fs.S3FileSystem.clear_instance_cache()
    name = f"bucket-{time.monotonic_ns()}"
    fsspec.filesystem("s3").mkdir(name)
    return f"s3://{name}/some/prefix"


def test_interrupted_resumed_and_widened(bucket, command, undisturbed, at_epoch, capsys):  # noqa: F811
    at_epoch(3, interrupt)
    assert main([*command, "--results", bucket]) == 130
    assert status(bucket)["held_by"] is None
    assert main([*command, "--results", bucket]) == 0
    assert numbers(bucket) == undisturbed
    assert f"{bucket}/report.html" in capsys.readouterr().out
    assert main([*command, "--results", bucket, "--seeds", "4"]) == 0
    found = numbers(bucket)
    assert len(found) == 8
    assert {k: v for k, v in found.items() if k in undisturbed} == undisturbed
    capsys.readouterr()
    assert main([*command, "--results", bucket, "--seeds", "4"]) == 0
    assert "8 done, 0 to run" in capsys.readouterr().out


def test_killed_and_resumed(bucket, command, undisturbed):  # noqa: F811
    """The dead driver's lock lies in the bucket still; its process can be seen to be gone."""
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestrator.run", *command, "--results", bucket],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 60
    while not any(s.epochs for s in Store(bucket).scan().values()) and time.monotonic() < end:
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert len(numbers(bucket)) < 6
    assert main([*command, "--results", bucket]) == 0
    assert numbers(bucket) == undisturbed


def test_damage_in_a_bucket(bucket, command, undisturbed, at_epoch):  # noqa: F811
    import fsspec

    at_epoch(6, interrupt)
    assert main([*command, "--results", bucket]) == 130
    fs = fsspec.filesystem("s3")
    paths = fs.find(bucket)
    for part in ("checkpoint-00002.pt", "result.json"):
        path = next(p for p in paths if p.endswith(part))
        fs.pipe_file(path, fs.cat_file(path)[:50])
    assert main([*command, "--results", bucket]) == 0
    assert numbers(bucket) == undisturbed


def test_on_ray(bucket, command, undisturbed):  # noqa: F811
    on_ray = [part if part != "inline" else "ray" for part in command]
    assert main([*on_ray, "--results", bucket]) == 0
    assert numbers(bucket) == undisturbed


def test_a_bucket_that_is_not_there(bucket, command, capsys):  # noqa: F811
    assert main([*command, "--results", "s3://no-such-bucket-anywhere/x"]) == 2
    error = capsys.readouterr().err
    assert "cannot be written" in error
    assert error.count("\n") <= 2
