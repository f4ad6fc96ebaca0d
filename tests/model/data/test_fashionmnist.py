"""Fashion-MNIST by way of torchvision, on small files in the official format; never the network."""

import gzip
import hashlib
import struct

import numpy as np
import pytest
import torchvision

from model.data import fashionmnist
from model.data.registry import describe, load
from model.errors import InputError


def idx(array):
    """The IDX format of LeCun's MNIST: magic, sizes, bytes."""
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return struct.pack(">HBB", 0, 8, array.ndim) + sizes + array.tobytes()


@pytest.fixture
def official(tmp_path, monkeypatch):
    """A data folder with four cut-down archives, with torchvision told their checksums; and what is in them."""
    monkeypatch.setenv("NORMSWEEP_CACHE", str(tmp_path / "cache"))
    raw = tmp_path / "data" / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    resources, held = [], {}
    for part, count in (("train", 12), ("t10k", 5)):
        held[part] = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        for name, array in (("images-idx3", held[part]), ("labels-idx1", labels)):
            path = raw / f"{part}-{name}-ubyte.gz"
            path.write_bytes(gzip.compress(idx(array)))
            path.with_suffix("").write_bytes(idx(array))
            resources.append((path.name, hashlib.md5(path.read_bytes()).hexdigest()))
    monkeypatch.setattr(torchvision.datasets.FashionMNIST, "resources", resources)
    monkeypatch.setattr(torchvision.datasets.FashionMNIST, "mirrors", ["http://127.0.0.1:9/"])
    return tmp_path / "data", held


def test_images_are_read_from_the_official_files_and_cached(official):
    folder, held = official
    data = load("fashionmnist", str(folder))
    assert data.train_images.shape == (12, 1, 28, 28)
    assert np.array_equal(data.eval_images[:, 0].numpy(), held["t10k"])
    assert np.array_equal(data.train_images[:, 0].numpy(), held["train"])
    assert data.train_labels.tolist() == [*range(10), 0, 1]
    assert (data.pad, data.flip) == (3, True)
    (folder / "FashionMNIST/raw/t10k-images-idx3-ubyte.gz").unlink()
    assert len(load("fashionmnist", str(folder)).eval_labels) == 5


def test_facts_are_torchvisions():
    kind = torchvision.datasets.FashionMNIST
    assert list(fashionmnist._ARCHIVES.items()) == kind.resources
    info = describe("fashionmnist")
    assert info.classes == tuple(kind.classes)
    assert (info.channels, info.height) == (1, 28)


def test_what_torchvision_reads_unchecked_is_held_against_the_archive(official):
    """It looks at the checksum of an archive that it fetches, and never at what it unpacked long ago."""
    folder, _ = official
    unpacked = folder / "FashionMNIST/raw/train-labels-idx1-ubyte"
    unpacked.write_bytes(unpacked.read_bytes()[:-1] + b"\7")
    with pytest.raises(
        InputError, match="what lies beside train-labels-idx1-ubyte\\.gz is not what it holds"
    ):
        load("fashionmnist", str(folder))
    (folder / "FashionMNIST/raw/train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(InputError, match="train-labels-idx1-ubyte\\.gz is missing"):
        load("fashionmnist", str(folder))
