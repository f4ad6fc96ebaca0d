"""ImageFolder data: torchvision reads the same; every way to get it wrong has its message."""

import os
import shutil
import warnings

import numpy as np
import pytest
import torchvision
from PIL import Image

from model.data import imagefolder
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


def test_labels_swapped_within_the_pictures_are_other_data(folder):
    """Every BMP of one shape has one size: names and sizes say nothing."""
    cat, dog = folder / "train" / "cat" / "x.bmp", folder / "train" / "dog" / "x.bmp"
    write(cat, seed=1)
    write(dog, seed=2)
    before = describe("imagefolder", str(folder))
    ours, theirs = cat.read_bytes(), dog.read_bytes()
    cat.write_bytes(theirs)
    dog.write_bytes(ours)
    after = describe("imagefolder", str(folder))
    assert after.listing == before.listing
    assert after.fingerprint != before.fingerprint


def test_other_pixels_under_the_same_path_size_and_time_are_read(folder):
    path = folder / "train" / "cat" / "0.bmp"
    write(path, seed=1)
    facts = os.stat(path)
    first = load("imagefolder", str(folder)).train_images[0].clone()
    write(path, seed=2)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    second = load("imagefolder", str(folder)).train_images[0]
    assert (os.stat(path).st_size, os.stat(path).st_mtime_ns) == (facts.st_size, facts.st_mtime_ns)
    assert not second.equal(first)
    assert np.array_equal(second.permute(1, 2, 0).numpy(), np.asarray(Image.open(path)))


def test_an_image_that_changes_between_scan_and_decoding_is_refused(folder):
    scanned = imagefolder.scan(str(folder))
    write(folder / "train" / "cat" / "0.png", seed=77)
    with pytest.raises(InputError, match=r"cat/0\.png changed while the data were read; run again"):
        imagefolder.arrays(scanned)


def test_sixteen_bits_are_scaled_to_eight(folder):
    values = np.linspace(0, 65535, 80).astype(np.uint16).reshape(8, 10)
    expected = np.floor(values / 257 + 0.5)
    Image.fromarray(values).save(folder / "train" / "cat" / "0.png")
    Image.fromarray(values).save(folder / "train" / "cat" / "1.tif")
    head, body = b"P5 10 8 65535\n", values.astype(">u2").tobytes()
    (folder / "train" / "cat" / "2.pgm").write_bytes(head + body)
    names = [os.path.basename(image.path) for image in imagefolder.scan(str(folder)).files["train"]]
    images = load("imagefolder", str(folder)).train_images
    for name in ("0.png", "1.tif", "2.pgm"):
        assert np.array_equal(images[names.index(name)][0].numpy(), expected), name


@pytest.mark.parametrize(("kind", "word"), [(np.float32, "floating point"), (np.int32, "32-bit integers")])
def test_pixels_whose_range_nobody_knows_are_refused(folder, kind, word):
    Image.fromarray(np.ones((8, 10), kind)).save(folder / "train" / "cat" / "x.tif")
    with pytest.raises(InputError, match=rf"cat/x\.tif has pixels of {word}.* save it with 8 or 16 bits"):
        load("imagefolder", str(folder))


def test_of_several_pages_the_first_is_used_and_told(folder):
    pages = [Image.new("RGB", (10, 8), colour) for colour in ("red", "blue")]
    pages[0].save(folder / "test" / "cat" / "00.tif", save_all=True, append_images=pages[1:])
    with pytest.warns(UserWarning, match=r"several pages .* the first is used: 1 image: .*cat/00\.tif"):
        images = load("imagefolder", str(folder)).eval_images
    assert images[1, :, 0, 0].tolist() == [255, 0, 0]


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
        with pytest.warns(UserWarning, match=r"resized to 10×8 pixels.*: 1 image: .*large\.png"):
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
