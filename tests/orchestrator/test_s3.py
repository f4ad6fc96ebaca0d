"""Results in a bucket: sweep, interrupt, resume, widen and report against a real HTTP endpoint on loopback."""

import contextlib
import http.server
import socket
import subprocess
import sys
import threading
from collections import Counter

import fsspec
import pytest

import orchestrator.results.files
from analysis.sources.load import load
from model.errors import InputError
from orchestrator.bench.finished import write_finished
from orchestrator.results import note_file
from orchestrator.results.damage import damage
from orchestrator.results.files import Files
from orchestrator.results.storage_errors import StorageError
from orchestrator.results.store import Store
from orchestrator.run import main
from orchestrator.status import status
from tests.helpers.many_files import check_read_at_once
from tests.helpers.numbers_of import numbers
from tests.helpers.processes import interrupt
from tests.helpers.tiny import trial
from tests.helpers.waiting import until

s3fs = pytest.importorskip("s3fs", reason="needs the s3 extra")
pytest.importorskip("moto", reason="needs moto, an S3 server for tests")
pytestmark = pytest.mark.xdist_group("ray")  # and its bucket


@pytest.mark.slow
def test_interrupted_resumed_and_widened(bucket, command, undisturbed, at_epoch, capsys):
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


def test_an_empty_file_is_damaged_and_a_large_one_is_read(bucket):
    check_read_at_once(bucket)


def test_of_a_known_sweep_nothing_is_fetched_but_its_listing(bucket, tmp_path, monkeypatch):
    """And of a trial whose file was replaced by one of the same size, its files alone."""
    trials = [trial(seed=seed) for seed in range(1, 9)]
    write_finished(Store(str(tmp_path)), trials, epochs=2)
    fs, root = fsspec.core.url_to_fs(bucket)
    fs.put(str(tmp_path / "trials"), f"{root}/trials", recursive=True)
    asked = Counter()
    send = fs._call_s3

    def counted(method, *arguments, **more):
        asked[method] += 1
        return send(method, *arguments, **more)

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", staticmethod(counted))

    def look():
        asked.clear()
        store = Store(bucket)
        states = store.scan(history="check")
        return states, damage(store, states), dict(asked)

    states, said, first = look()
    assert (len(states), said) == (8, [])
    assert first["get_object"] == 3 * 8  # result, history, identity
    assert look() == (states, [], {"list_objects_v2": 1})
    path = f"{root}/trials/{trials[2].trial_id}/result.json"
    content = fs.cat_file(path)
    fs.pipe_file(path, content[:40] + bytes([content[40] ^ 1]) + content[41:])
    after, _, asked_again = look()
    assert after[trials[2].trial_id].status == "missing"
    assert asked_again["get_object"] == 2  # its result and, as that is none, its history


def test_killed_and_resumed(bucket, command, undisturbed):
    """The dead driver's lock lies in the bucket still; its process can be seen to be gone."""
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestrator.run", *command, "--results", bucket],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: any(s.epochs for s in Store(bucket).scan().values()))
    process.kill()
    process.wait()
    assert len(numbers(bucket)) < 6
    assert main([*command, "--results", bucket]) == 0
    assert numbers(bucket) == undisturbed


def test_damage_in_a_bucket(bucket, command, undisturbed, at_epoch):
    at_epoch(6, interrupt)
    assert main([*command, "--results", bucket]) == 130
    fs = fsspec.filesystem("s3")
    paths = fs.find(bucket)
    for part in ("checkpoint-00002.pt", "result.json"):
        path = next(p for p in paths if p.endswith(part))
        fs.pipe_file(path, fs.cat_file(path)[:50])
    assert main([*command, "--results", bucket]) == 0
    assert numbers(bucket) == undisturbed


def test_on_ray(bucket, command, undisturbed, ray_address):
    on_ray = [part if part != "inline" else "ray" for part in command]
    assert main([*on_ray, "--address", ray_address, "--results", bucket]) == 0
    assert numbers(bucket) == undisturbed
    there = fsspec.filesystem("s3").find(bucket)
    assert any("/.ray/" in path for path in there)
    assert not any(path.endswith(".pkl") for path in there)


@pytest.mark.parametrize("more", [[], ["--dry-run"]], ids=["run", "dry-run"])
def test_a_bucket_that_is_not_there(bucket, command, capsys, more):
    assert main([*command, "--results", "s3://no-such-bucket-anywhere/x", *more]) == 2
    error = capsys.readouterr().err
    assert "bucket does not exist. Create the bucket" in error
    assert error.count("\n") <= 2
    with pytest.raises(InputError, match="Create the bucket"):
        status("s3://no-such-bucket-anywhere/x")
    with pytest.raises(InputError, match="Create the bucket"):
        load("s3://no-such-bucket-anywhere/x")


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("AccessDenied", "The credentials in use may not do that"),
        ("InvalidToken", "The credentials in use may not do that"),
        ("ExpiredToken", "The credentials have expired: renew them"),
    ],
)
def test_a_bucket_that_refuses(bucket, command, capsys, monkeypatch, code, remedy):
    """As S3 answers where the policy denies it, or the credentials are stale, to all that is asked."""

    class Refuses(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = f"<Error><Code>{code}</Code><Message>No.</Message></Error>".encode()
            self.send_response(403 if code == "AccessDenied" else 400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_PUT = do_HEAD = do_POST = do_DELETE = do_GET

        def log_message(self, *_):
            pass

    with serving(Refuses) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        fresh()
        assert main([*command, "--results", bucket]) == 2
    assert remedy in capsys.readouterr().err
    fresh()


def test_no_credentials(bucket, command, capsys, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    fresh()
    assert main([*command, "--results", bucket]) == 2
    assert "Set AWS_ACCESS_KEY_ID" in capsys.readouterr().err
    fresh()


def test_an_endpoint_that_never_answers(bucket, command, capsys, monkeypatch):
    """Connections are taken and nothing is said; botocore alone would try for many minutes."""
    monkeypatch.setattr(orchestrator.results.files, "_ANSWER_SECONDS", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        fresh()
        assert main([*command, "--results", bucket]) == 2
    assert "no answer within 2 s. Check the network, and AWS_ENDPOINT_URL" in capsys.readouterr().err
    fresh()


def test_a_bucket_that_vanishes_is_not_an_empty_one(bucket):
    """To a patient reader, as a worker is: everything would be trained anew."""
    store = Files(bucket, patience=0.3)
    store.write("a/x.json", b"{}")
    fsspec.filesystem("s3").rm(bucket.split("/")[2], recursive=True)
    with pytest.raises(StorageError, match="bucket"):
        store.names("a")
    with pytest.raises(StorageError, match="bucket"):
        store.read("a/x.json")


def test_of_two_that_finish_a_trial_at_one_moment_one_succeeds(bucket, monkeypatch):
    """Both looked before either wrote: S3 itself refuses the second."""
    files = Files(bucket)
    monkeypatch.setattr(type(files.fs), "exists", lambda *_: False)
    files.write("result.json", b"first", once=True)
    with pytest.raises(FileExistsError):
        files.write("result.json", b"second", once=True)
    assert files.read("result.json") == b"first"


def test_the_lock_of_a_bucket(bucket, monkeypatch):
    """S3 itself refuses a note that comes too late, and the beat and the removal of who lost the folder."""
    monkeypatch.setattr(note_file, "SETTLE", 0.0)
    slow, quick = (note_file.BucketNote(Files(bucket), name) for name in ("slow", "quick"))
    files = Files(bucket)
    assert slow.look() is quick.look() is None
    quick.take({"token": "quick"})
    quick.keep({"token": "quick", "beat": 1})
    with pytest.raises(note_file.TakenError):
        slow.take({"token": "slow"})
    assert slow.look() == {"token": "quick", "beat": 1}
    slow.take({"token": "slow"})
    with pytest.raises(note_file.TakenError):
        quick.keep({"token": "quick", "beat": 2})
    with pytest.raises(OSError, match="pre-conditions"):
        quick.remove()
    assert files.read_json("lock.json") == {"token": "slow"}
    slow.remove()
    assert files.read_json("lock.json") is None


@contextlib.contextmanager
def serving(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def fresh():
    """s3fs keeps one client for each set of arguments, whatever the environment says by then."""
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
