"""Digests of files: read once, read again where anything says that they may have changed."""

import hashlib
import json
import os
import time

import pytest

from model.data.content import digests
from model.errors import InputError

NAMES = ["a.bin", "deeper/b.bin"]


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Two files that have lain there for an hour, as far as the clock can tell."""
    monkeypatch.setenv("NORMSWEEP_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "root"
    (folder / "deeper").mkdir(parents=True)
    for name in NAMES:
        (folder / name).write_bytes(name.encode() * 100)
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 3600 * 10**9)
    return folder


def expected(root):
    return [hashlib.sha256((root / name).read_bytes()).hexdigest() for name in NAMES]


def memory(tmp_path):
    (file,) = (tmp_path / "cache").glob("digests-*.json")
    return file


def test_they_are_sha_256_and_read_once(root, tmp_path):
    assert digests(root, NAMES) == expected(root)
    known = json.loads(memory(tmp_path).read_text())
    known["a.bin"][0] = "remembered"
    memory(tmp_path).write_text(json.dumps(known))
    assert digests(root, NAMES)[0] == "remembered", "an unchanged file is not read again"


def test_a_change_that_keeps_size_and_time_is_seen(root):
    digests(root, NAMES)
    before = os.stat(root / "a.bin")
    (root / "a.bin").write_bytes(b"X" * before.st_size)
    os.utime(root / "a.bin", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert os.stat(root / "a.bin").st_mtime_ns == before.st_mtime_ns
    assert digests(root, NAMES) == expected(root)


def test_what_has_just_changed_is_not_taken_for_known(root, tmp_path, monkeypatch):
    monkeypatch.setattr(time, "time_ns", lambda: os.stat(root / "a.bin").st_ctime_ns + 1000)
    digests(root, NAMES)
    assert "a.bin" not in json.loads(memory(tmp_path).read_text())


@pytest.mark.parametrize("damage", ["", "[1]", '{"a.bin": 7}', "\x00", '{"a.bin": []}', "[" * 100_000])
def test_a_damaged_memory_is_no_memory(root, tmp_path, damage):
    digests(root, NAMES)
    memory(tmp_path).write_text(damage)
    assert digests(root, NAMES) == expected(root)


def test_without_a_place_to_remember_all_is_read(root, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NORMSWEEP_CACHE", str(tmp_path / "file" / "cache"))
    assert digests(root, NAMES) == expected(root)


def test_a_file_that_goes_away_is_named(root, monkeypatch):
    (root / "a.bin").unlink()
    with pytest.raises(InputError, match=r"cannot read the image .*a\.bin: No such file"):
        digests(root, NAMES)
