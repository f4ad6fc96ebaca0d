"""Arrays in an .npz file by path: the same data however they are saved, and a forged file is one line."""

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from model.data.registry import describe, load
from model.data.selection import Selection
from model.errors import InputError
from tests.helpers.arrays import arrays


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NORMSWEEP_CACHE", str(tmp_path / "cache"))


def saved(path, save=np.savez, **more):
    save(path, **(arrays() | more))
    return str(path)


def test_what_is_trained_on_is_what_was_saved(tmp_path):
    file = saved(tmp_path / "mine.npz", classes=["dark", "light"], flip=False, pad=2)
    for _ in range(2):  # unpacked, then mapped
        data = load("npz", file)
        assert np.array_equal(data.train_images.permute(0, 2, 3, 1).numpy(), arrays()["train_images"])
        assert data.eval_labels.tolist() == arrays()["test_labels"].tolist()
        assert (data.classes, data.flip, data.pad) == (("dark", "light"), False, 2)
    assert load("npz", file, Selection(6)).which == "validation"


def test_the_fingerprint_is_of_the_data_and_not_of_the_file(tmp_path):
    one = describe("npz", saved(tmp_path / "one.npz"))
    (tmp_path / "elsewhere").mkdir()
    packed = describe("npz", saved(tmp_path / "elsewhere/two.npz", np.savez_compressed))
    assert packed == one
    changed = arrays()["train_images"]
    changed[0, 0, 0, 0] += 1
    assert describe("npz", saved(tmp_path / "one.npz", train_images=changed)).fingerprint != one.fingerprint


def test_without_a_file_it_is_said_how_to_write_one(tmp_path):
    for data_dir, said in (
        (None, "needs --data-dir, a file"),
        (str(tmp_path / "absent.npz"), "No such file"),
        (str(tmp_path), "Is a directory"),
    ):
        with pytest.raises(InputError, match=f"{said}.*numpy.savez"):
            describe("npz", data_dir)


def npy(array=None, shape=None, dtype="|u1", content=b""):
    """A member as numpy writes it, or one whose header says what is not so."""
    file = io.BytesIO()
    if array is not None:
        np.lib.format.write_array(file, array)
    else:
        header = {"descr": dtype, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(content)
    return file.getvalue()


def write(path, **members):
    """An archive of the good arrays, with other bytes for some."""
    good = {key: npy(value) for key, value in arrays().items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (good | members).items():
            archive.writestr(f"{name}.npy", content)


class Trap:
    def __reduce__(self):
        return pytest.fail, ("unpickled",)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"train_images": npy(shape=(2**40, 32, 32, 3))}, "the file is damaged"),
        ({"train_images": npy(shape=(10, 8, 8, 3), content=b"x")}, "and has .*: the file is damaged"),
        ({"train_images": npy(np.array([Trap()], dtype=object))}, "holds Python objects"),
        ({"classes": npy(np.array([Trap()], dtype=object))}, "holds Python objects"),
        ({"train_images": b"\x80\x04" + pickle.dumps(1)}, "cannot read"),
        (
            {"train_images": b"\x93NUMPY\x02\x00" + (2**31).to_bytes(4, "little") + b"{" * 30_000},
            "cannot read",
        ),
        ({"train_labels": npy(np.zeros(20))}, "train_labels are float64"),
        ({"classes": npy(np.zeros(11_000_000, np.uint8))}, "classes takes"),
    ],
)
def test_a_forged_member_is_one_line_and_unpacks_nothing(tmp_path, members, said):
    path = tmp_path / "forged.npz"
    write(path, **members)
    with pytest.raises(InputError, match=f"forged.npz.*{said}|{said}.*forged.npz") as error:
        describe("npz", str(path))
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 700


def test_a_bomb_is_held_against_the_memory_of_this_machine(tmp_path, monkeypatch):
    path = tmp_path / "bomb.npz"
    write(path, train_images=npy(np.zeros((20_000, 64, 64), np.uint8)))
    assert path.stat().st_size < 200_000
    free = type("Memory", (), {"available": 50_000_000})
    monkeypatch.setattr("psutil.virtual_memory", lambda: free)
    with pytest.raises(InputError, match=r"its arrays take 0\.1 GB, and this machine has 0\.1 GB"):
        describe("npz", str(path))


@pytest.mark.parametrize("cut", [0, 10, 0.5, 0.99])
def test_a_damaged_file_is_one_line(tmp_path, cut):
    whole = Path(saved(tmp_path / "whole.npz")).read_bytes()
    path = tmp_path / "part.npz"
    path.write_bytes(whole[: cut if isinstance(cut, int) else int(cut * len(whole))])
    with pytest.raises(InputError, match=r"cannot read .*part\.npz"):
        describe("npz", str(path))
