"""ImageFolder data: torchvision reads the same; every way to get it wrong has its message."""

import os
import shutil
import warnings

import numpy as np
import pytest
import torchvision
from PIL import Image

from model.data.registry import describe, load
from model.errors import InputError


def write(path, seed, size=(10, 8), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NORMSWEEP_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "data"
    for part, count in (("train", 5), ("test", 2)):
        for label, name in enumerate(("cat", "dog", "emu")):
            for i in range(count):
                write(root / part / name / f"{i}.png", seed=100 * label + 10 * count + i)
    write(root / "train" / "dog" / "deeper" / "x.png", seed=999)
    (root / "train" / "dog" / "notes.txt").write_text("no image")
    return root


def test_images_and_labels_are_torchvisions(folder):
    data = load("imagefolder", str(folder))
    info = data.info
    assert (info.train_size, info.test_size, info.channels, info.height, info.width) == (16, 6, 3, 8, 10)
    for part, images, labels in (
        ("train", data.train_images, data.train_labels),
        ("test", data.eval_images, data.eval_labels),
    ):
        theirs = torchvision.datasets.ImageFolder(str(folder / part))
        assert tuple(theirs.classes) == data.classes
        reference = {(np.asarray(image).tobytes(), label) for image, label in theirs}
        ours = {(i.permute(1, 2, 0).numpy().tobytes(), int(n)) for i, n in zip(images, labels, strict=True)}
        assert ours == reference
    assert data.flip


def test_the_fingerprint_depends_on_content_names_and_nothing_else(folder, tmp_path):
    before = describe("imagefolder", str(folder)).fingerprint
    assert len(before) >= 12
    copy = shutil.copytree(folder, tmp_path / "elsewhere")
    os.utime(copy / "train" / "cat" / "0.png", (1, 1))
    assert describe("imagefolder", str(copy)).fingerprint == before
    (copy / "train" / "cat" / "0.png").rename(copy / "train" / "cat" / "00.png")
    assert describe("imagefolder", str(copy)).fingerprint != before


def test_an_image_replaced_by_one_of_the_same_size_is_read_again(folder):
    path = folder / "train" / "cat" / "0.png"
    pixels = np.zeros((8, 10, 3), np.uint8)
    Image.fromarray(pixels).save(path.with_suffix(".bmp"))
    path.unlink()
    first = load("imagefolder", str(folder)).train_images[0]
    Image.fromarray(pixels + 7).save(path.with_suffix(".bmp"))
    second = load("imagefolder", str(folder)).train_images[0]
    assert (int(first.max()), int(second.max())) == (0, 7)


def test_other_sizes_are_resized_with_a_warning_every_time(folder):
    write(folder / "test" / "dog" / "large.png", seed=5, size=(20, 30))
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"1 images .*large\.png.* not 10×8"):
            assert load("imagefolder", str(folder)).eval_images.shape == (7, 3, 8, 10)


def test_grey_and_palette_images_become_rgb(folder):
    write(folder / "train" / "cat" / "0.png", seed=1, mode="L")
    write(folder / "train" / "cat" / "1.png", seed=1, mode="P")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        images = load("imagefolder", str(folder)).train_images
    assert images.shape == (16, 3, 8, 10)
    assert (images[0][0] == images[0][1]).all()


def test_no_data_dir_or_none_there(tmp_path):
    with pytest.raises(InputError, match="needs --data-dir"):
        describe("imagefolder")
    with pytest.raises(InputError, match="no such folder"):
        describe("imagefolder", str(tmp_path / "nowhere"))


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_missing_or_empty_half(folder, part):
    shutil.rmtree(folder / part)
    with pytest.raises(InputError, match=f"{part}/ is missing"):
        describe("imagefolder", str(folder))
    (folder / part).mkdir()
    with pytest.raises(InputError, match=f"{part} is empty"):
        describe("imagefolder", str(folder))


def test_a_class_in_one_half_alone_is_named(folder):
    shutil.rmtree(folder / "test" / "dog")
    with pytest.raises(InputError, match="class dog is missing in test/"):
        describe("imagefolder", str(folder))
    shutil.rmtree(folder / "train" / "dog")
    write(folder / "test" / "yak" / "1.png", seed=1)
    with pytest.raises(InputError, match="class yak is missing in train/"):
        describe("imagefolder", str(folder))


def test_a_class_without_images_is_named(folder):
    for path in (folder / "test" / "emu").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="class emu has no image in test/emu/"):
        describe("imagefolder", str(folder))


@pytest.mark.parametrize("name", ["train/cat/0.png", "test/dog/1.png"])
def test_an_unreadable_image_is_named(folder, name):
    (folder / name).write_bytes(b"no image at all")
    with pytest.raises(InputError, match=rf"cannot read the image .*{name}: not an image, or damaged"):
        load("imagefolder", str(folder))


def test_a_truncated_image_is_named(folder):
    path = folder / "train" / "emu" / "2.png"
    path.write_bytes(path.read_bytes()[:150])
    with pytest.raises(InputError, match=r"cannot read the image .*train/emu/2\.png"):
        load("imagefolder", str(folder))
