"""SVHN by way of torchvision, on small files in the official format; never the network."""

import hashlib

import numpy as np
import pytest
import scipy.io
import torchvision

from model.data import svhn
from model.data.registry import describe, load
from model.errors import InputError


@pytest.fixture
def official(tmp_path, monkeypatch):
    """A data folder with cut-down .mat files, with torchvision told their checksums; and what is in them."""
    monkeypatch.setenv("NORMSWEEP_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    folder.mkdir()
    rng = np.random.default_rng(0)
    split_list, held = {}, {}
    for part, count in (("train", 12), ("test", 5)):
        held[part] = {
            "X": rng.integers(0, 256, (32, 32, 3, count), dtype=np.uint8),
            "y": (np.arange(count, dtype=np.uint8) % 10 + 1)[:, None],
        }
        path = folder / f"{part}_32x32.mat"
        scipy.io.savemat(path, held[part])
        md5 = hashlib.md5(path.read_bytes()).hexdigest()
        split_list[part] = [f"http://127.0.0.1:9/{path.name}", path.name, md5]
    monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", split_list)
    return folder, held


def test_images_are_read_from_the_official_files_and_cached(official):
    folder, held = official
    data = load("svhn", str(folder))
    assert data.train_images.shape == (12, 3, 32, 32)
    assert np.array_equal(data.eval_images[3].permute(1, 2, 0).numpy(), held["test"]["X"][..., 3])
    assert data.train_labels.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2], "10 stands for the digit 0"
    assert (data.pad, data.flip) == (4, False), "a mirrored digit is another sign"
    (folder / "test_32x32.mat").unlink()
    assert load("svhn", str(folder)).eval_labels.tolist() == [1, 2, 3, 4, 5]


def test_facts_are_torchvisions():
    kinds = torchvision.datasets.SVHN.split_list
    assert (kinds["train"][2], kinds["test"][2]) == svhn._MD5
    info = describe("svhn")
    assert (info.channels, info.height, len(info.classes)) == (3, 32, 10)


def test_another_file_is_not_read(official):
    folder, _ = official
    with open(folder / "train_32x32.mat", "ab") as file:
        file.write(b"more")
    with pytest.raises(InputError, match=r"cannot fetch svhn.*\n.*train_32x32.mat and test_32x32.mat into"):
        load("svhn", str(folder))
