"""CIFAR by way of torchvision, on small files in the official layout; never the network."""

import hashlib
import pickle

import numpy as np
import pytest
import torchvision

from model.data.registry import load
from model.errors import InputError


@pytest.fixture
def official(tmp_path, monkeypatch):
    """A data folder with cut-down batches in CIFAR-10's layout, with torchvision told their checksums."""
    monkeypatch.setenv("NORMSWEEP_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)

    def write(name, content):
        data = pickle.dumps(content)
        (folder / name).write_bytes(data)
        return name, hashlib.md5(data).hexdigest()

    def batch(n):
        pixels = rng.integers(0, 256, (n, 3072), dtype=np.uint8)
        return {"data": pixels, "labels": rng.integers(0, 10, n).tolist()}

    names = ["airplane", "automobile"]
    kind = torchvision.datasets.CIFAR10
    monkeypatch.setattr(kind, "train_list", [write(f"data_batch_{i}", batch(4)) for i in range(1, 6)])
    monkeypatch.setattr(kind, "test_list", [write("test_batch", batch(3))])
    meta, checksum = write("batches.meta", {"label_names": names})
    monkeypatch.setattr(kind, "meta", {"filename": meta, "key": "label_names", "md5": checksum})
    return tmp_path / "data"


def test_images_are_read_from_the_official_files_and_cached(official):
    data = load("cifar10", str(official))
    assert data.train_images.shape == (20, 3, 32, 32)
    batch = pickle.loads((official / "cifar-10-batches-py" / "data_batch_2").read_bytes())
    assert np.array_equal(data.train_images[4].numpy().ravel(), batch["data"][0])
    assert data.train_labels[4:8].tolist() == batch["labels"]
    assert (data.pad, data.flip) == (4, True)
    (official / "cifar-10-batches-py" / "test_batch").unlink()
    again = load("cifar10", str(official))  # decoded once: the files are not looked at again
    assert np.array_equal(again.eval_images.numpy(), data.eval_images.numpy())


def test_no_network_says_what_to_put_where(tmp_path, monkeypatch):
    monkeypatch.setenv("NORMSWEEP_CACHE", str(tmp_path / "cache"))

    def no_network(*_, **__):
        raise OSError("<urlopen error [Errno -2] Name or service not known>")

    monkeypatch.setattr(torchvision.datasets.cifar, "download_and_extract_archive", no_network)
    with pytest.raises(InputError) as error:
        load("cifar100", str(tmp_path / "data"))
    message = str(error.value)
    assert "cannot fetch cifar100" in message
    assert f"cifar-100-python.tar.gz into {tmp_path / 'data'}" in message
    assert len(message.splitlines()) == 2


def test_a_damaged_archive_is_an_input_error(tmp_path, monkeypatch):
    monkeypatch.setenv("NORMSWEEP_CACHE", str(tmp_path / "cache"))

    def damaged(*_, **__):
        raise RuntimeError("File not found or corrupted.")

    monkeypatch.setattr(torchvision.datasets.cifar, "download_and_extract_archive", damaged)
    with pytest.raises(InputError, match="corrupted"):
        load("cifar10")
