"""Archives kept beside the results: one machine fetches them, every other reads them there."""

import hashlib
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import scipy.io
import torchvision

from model.data.registry import describe, load
from model.errors import InputError
from model.plain_file import read_whole
from orchestrator.cluster.probe import Answer, ask, probe, trouble, versions, withdraw
from orchestrator.results import archives
from orchestrator.results.archives import keep, kept_at
from orchestrator.results.files import Files


@pytest.fixture
def internet(tmp_path, monkeypatch):
    """A host of archives like SVHN's, cut down, of which torchvision knows addresses and checksums: the names
    that were fetched from it."""
    place = tmp_path / "host"
    place.mkdir()
    fetched = []

    class Host(SimpleHTTPRequestHandler):
        def do_GET(self):
            fetched.append(self.path.strip("/"))
            super().do_GET()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *asked: Host(*asked, directory=str(place)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    rng = np.random.default_rng(0)
    kinds = {}
    for part, count in (("train", 12), ("test", 5)):
        path = place / f"{part}_32x32.mat"
        pixels = rng.integers(0, 256, (32, 32, 3, count), dtype=np.uint8)
        scipy.io.savemat(path, {"X": pixels, "y": (np.arange(count, dtype=np.uint8) % 10 + 1)[:, None]})
        url = f"http://127.0.0.1:{server.server_port}/{path.name}"
        kinds[part] = [url, path.name, hashlib.md5(path.read_bytes()).hexdigest()]
    monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", kinds)
    yield fetched
    server.shutdown()
    server.server_close()


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Be a machine of that name from now on, with a disk of its own."""
    return lambda name: monkeypatch.setenv("NORMSWEEP_CACHE", str(tmp_path / name))


#: torchvision asks twice for each: where its address leads, and for what is there.
ARCHIVES = ["train_32x32.mat"] * 2 + ["test_32x32.mat"] * 2


@pytest.mark.xdist_group("ray")
def test_in_a_bucket_one_machine_fetches_for_all(internet, machine, bucket):
    results = f"{bucket}/sweep"
    machine("driver")
    files = Files(results)
    keep(files, ["digits", "svhn"], None)
    assert internet == ARCHIVES
    keep(files, ["svhn"], None)
    mine = load("svhn")

    here = Answer(versions(), {"svhn": describe("svhn").fingerprint})
    question = ask(results, None, ("svhn",))
    for name in ("node1", "node2"):
        machine(name)
        assert trouble(here, probe(question), name, question) is None
        assert np.array_equal(load("svhn").train_images.numpy(), mine.train_images.numpy())
    withdraw(question)

    machine("another driver")
    keep(files, ["svhn"], None)
    assert internet == ARCHIVES, "nobody else has asked the host"


def test_storage_that_fails_is_asked_again(internet, machine, tmp_path, monkeypatch):
    machine("driver")
    keep(Files(str(tmp_path / "out")), ["svhn"], None)
    asked = []

    def busy(path, most):
        asked.append(path)
        if len(asked) < 3:
            raise OSError("503 Slow Down")
        return read_whole(path, most)

    monkeypatch.setattr("orchestrator.results.files.read_whole", busy)
    machine("node")
    load("svhn", bring=kept_at(str(tmp_path / "out")))
    assert len(asked) == 4, "the first thrice, the second at once"
    assert internet == ARCHIVES


@pytest.mark.parametrize("trouble", ["damaged", "absent", "no folder", "away for good"])
def test_what_is_not_to_be_had_there_comes_from_the_internet(
    internet, machine, tmp_path, monkeypatch, trouble
):
    results = tmp_path / "out"
    machine("driver")
    keep(Files(str(results)), ["svhn"], None)
    kept = sorted((results / ".data").iterdir())
    assert len(kept) == 2
    monkeypatch.setattr(archives, "_PATIENCE", 0.05)
    if trouble == "damaged":
        kept[0].write_bytes(kept[0].read_bytes()[:-1])
    elif trouble == "absent":
        kept[0].unlink()
    elif trouble == "no folder":
        results.rename(tmp_path / "elsewhere")
    else:
        monkeypatch.setattr("orchestrator.results.files.read_whole", _fails)
    machine("node")
    internet.clear()
    assert len(load("svhn", bring=kept_at(str(results))).train_labels) == 12
    assert set(internet) <= {*ARCHIVES}
    assert internet


def _fails(*_):
    raise OSError("No route to host")


def test_nobody_has_it(machine, tmp_path, monkeypatch):
    """A node without a network, and nothing beside the results: it says what to put where."""
    machine("node")
    names = {part: f"{part}_32x32.mat" for part in ("train", "test")}
    kinds = {part: [f"http://127.0.0.1:9/{name}", name, "0" * 32] for part, name in names.items()}
    monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", kinds)
    with pytest.raises(InputError, match=r"put train_32x32\.mat and test_32x32\.mat into"):
        load("svhn", bring=kept_at(str(tmp_path)))


def test_a_folder_of_what_was_unpacked_has_no_archive_to_keep(machine, tmp_path, monkeypatch):
    """As somebody copies CIFAR's batches from another machine; all others have them at the same place."""
    machine("driver")
    monkeypatch.setattr("model.data.fetched.cached", lambda key, decode: {})
    keep(Files(str(tmp_path / "out")), ["cifar10"], str(tmp_path))
    assert not (tmp_path / "out").exists()
