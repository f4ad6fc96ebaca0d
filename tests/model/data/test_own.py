"""A data set as a function of one's own."""

import importlib
import sys
from pathlib import Path

import pytest

from model.data.registry import describe, load
from model.errors import InputError
from model.own import pinned

GOOD = """\
import numpy as np

BRIGHT = 100

def load():
    labels = np.arange(20) % 2
    images = (BRIGHT * labels[:, None, None] + np.zeros((20, 8, 8))).astype(np.uint8)
    return {"train_images": images, "train_labels": labels, "test_images": images[:4],
            "test_labels": labels[:4], "flip": False, "pad": 0}
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module of that source where Python finds it; gives its pinned import path."""
    monkeypatch.setenv("NORMSWEEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(source, name="load"):
        (tmp_path / "brought.py").write_text(source)
        sys.modules.pop("brought", None)
        importlib.invalidate_caches()
        return pinned(f"brought:{name}")

    yield write
    sys.modules.pop("brought", None)


def test_what_the_function_returns_is_trained_on(module):
    name = module(GOOD)
    info = describe(name)
    assert (info.name, info.train_size, info.test_size, info.channels) == (name, 20, 4, 1)
    data = load(name)
    assert data.train_images.shape == (20, 1, 8, 8)
    assert int(data.train_images.max()) == 100
    assert (data.flip, data.pad, data.info.fingerprint) == (False, 0, info.fingerprint)


def test_an_edited_function_is_another_data_set_and_other_data_another_fingerprint(module, tmp_path):
    one = module(GOOD)
    assert module(GOOD.replace("BRIGHT = 100", "BRIGHT = 90")) != one
    reads = GOOD.replace("(BRIGHT *", f"(int(open({str(tmp_path / 'b.txt')!r}).read()) *")
    (tmp_path / "b.txt").write_text("100")
    name = module(reads)
    before = describe(name)
    assert before.fingerprint == describe(name).fingerprint
    (tmp_path / "b.txt").write_text("90")
    assert describe(name).fingerprint != before.fingerprint, "asked again by every run"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (GOOD.replace("np.uint8", "float"), r"brought.py line 5: load\(\): train_images are float64"),
        (GOOD.replace('"flip": False', '"flip": 3'), r"brought.py line 5: load\(\): flip is 3"),
        (
            "def load():\n    x = 1\n    return 1 / 0\n",
            r"brought.py line 3: load\(\) failed: ZeroDivisionError",
        ),
        ("def load(folder):\n    pass\n", r"brought.py.*: load\(\) failed: TypeError: .*missing 1 required"),
        ("load = 3\n", "brought.py: load is no function"),
        ("def load():\n    pass\n", r"brought.py line 1: load\(\): expected a dict of arrays"),
    ],
)
def test_a_mistake_names_file_and_line(module, source, said):
    with pytest.raises(InputError, match=said) as error:
        describe(module(source))
    assert "\n" not in str(error.value)


def test_workers_of_a_machine_hold_the_images_once(module):
    data = load(module(GOOD))
    assert f"own-{data.info.fingerprint}" in Path("/proc/self/maps").read_text()
