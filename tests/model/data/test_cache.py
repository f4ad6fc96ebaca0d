"""The cache of decoded images: made once, whole or not at all."""

import subprocess
import sys

import numpy as np
import pytest

from model.data.cache import cached, folder
from model.errors import InputError
from tests.helpers import ROOT


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NORMSWEEP_CACHE", str(tmp_path / "cache"))


def arrays():
    return {"images": np.arange(24, dtype=np.uint8).reshape(2, 3, 4), "labels": np.array([5, 6])}


def never():
    raise AssertionError("decoded again")


def test_arrays_come_back_and_are_decoded_once():
    for decode in (arrays, never):
        found = cached("key", decode)
        assert np.array_equal(found["images"], arrays()["images"])
        assert np.array_equal(found["labels"], arrays()["labels"])


def test_writing_to_an_array_leaves_the_cache_alone():
    cached("key", arrays)["images"][:] = 0
    assert np.array_equal(cached("key", never)["images"], arrays()["images"])


@pytest.mark.parametrize("damage", ["truncate", "remove", "garble"])
def test_a_damaged_entry_is_made_again(damage):
    cached("key", arrays)
    (path,) = folder().glob("key-*/images.npy")
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-5] if damage == "truncate" else b"x" * path.stat().st_size)
    assert np.array_equal(cached("key", arrays)["images"], arrays()["images"])


def test_a_failed_decoding_leaves_nothing():
    def fail():
        raise InputError("bad image")

    with pytest.raises(InputError, match="bad image"):
        cached("key", fail)
    assert not [path for path in folder().iterdir() if path.is_dir()]


def test_processes_that_start_at_once_decode_once(tmp_path):
    code = (
        "import os, pathlib, sys, time, numpy as np\n"
        "from model.data.cache import cached\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "def decode():\n"
        "    open(folder / 'count', 'a').write('x')\n"
        "    while len(list(folder.glob('started-*'))) < 3: time.sleep(0.02)\n"
        "    return {'a': np.arange(5)}\n"
        "(folder / f'started-{os.getpid()}').touch()\n"
        "assert cached('key', decode)['a'].tolist() == [0, 1, 2, 3, 4]\n"
    )
    workers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT) for _ in range(3)]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    assert (tmp_path / "count").read_text() == "x"


def test_a_cache_folder_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NORMSWEEP_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(InputError, match="set NORMSWEEP_CACHE"):
        cached("key", arrays)
