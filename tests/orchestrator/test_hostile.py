"""A results folder from a stranger can be wrong in any way and still runs no code and leaves no folder."""

import json
import os
import pickle
import re
from pathlib import Path

import pytest

from analysis.report import build
from analysis.sources.load import load, load_history
from orchestrator.results.checkpoint import Checkpoint, encode
from orchestrator.results.files import Files
from orchestrator.results.json_file import MAX_JSON_BYTES
from orchestrator.results.store import Store
from orchestrator.run import main
from orchestrator.status import main as status_main
from orchestrator.status import status
from tests.helpers import ROOT
from tests.helpers.forgery import with_body
from tests.helpers.synthetic import block
from tests.helpers.tiny import trial

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>"


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def forge(path, content):
    """With a checksum that holds: whoever wrote this knows the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Files(str(path.parent)).write_json(path.name, content)


@pytest.fixture
def folder(tmp_path, images):
    """A sweep of one finished and one half-trained trial, made by an ordinary run, then turned hostile."""
    grid = tmp_path / "tiny.yaml"
    grid.write_text("blocks: [{dataset: imagefolder, norm: bn, batch_size: 4, epochs: 2, seeds: 1}]")
    out = tmp_path / "out"
    command = ["--grid", str(grid), "--data-dir", str(images), "--executor", "inline", "--results", str(out)]
    assert main(command) == 0
    (one,) = (out / "trials").iterdir()
    result = Files(str(one)).read_json("result.json")
    sweep = Files(str(out)).read_json("sweep.json")

    bad = {**result, "dataset": SCRIPT, "worker": SCRIPT, "device": SCRIPT, "test_error": SCRIPT}
    forge(out / "trials" / "evil-1" / "trial.json", {**trial().identity, "dataset": SCRIPT})
    forge(out / "trials" / "evil-1" / "result.json", bad)
    forge(out / "trials" / "evil-1" / "history.json", {"pack": SCRIPT, "epochs": SCRIPT})
    sweep["name"], sweep["description"] = SCRIPT, SCRIPT
    sweep["trials"]["../../escape"] = {**trial().identity, "dataset": SCRIPT}
    sweep["trials"]["evil-1"] = {**trial().identity, "dataset": SCRIPT}
    forge(out / "sweep.json", sweep)
    (tmp_path / "escape").mkdir()
    forge(tmp_path / "escape" / "result.json", {**result, "trial_id": "stolen"})
    (out / "trials" / "link").symlink_to(tmp_path / "escape")
    forge(tmp_path / "escape" / "failure.json", {"attempts": 1, "error": "stolen", "traceback": "stolen"})

    second = trial(seed=2, epochs=2)
    Store(str(out)).open([second])
    (out / "trials" / second.trial_id / "failure.json").symlink_to(tmp_path / "escape" / "failure.json")
    body = pickle.dumps(Bomb(str(tmp_path / "exploded")))
    bomb = with_body(encode(Checkpoint({}, [], [second.trial_id])), body)
    Store(str(out)).write_checkpoint(second.trial_id, 1, bomb)
    with open(out / "trials" / second.trial_id / "history.json", "wb") as file:
        file.truncate(MAX_JSON_BYTES + 36 * 2**20)  # 100 MB
    return out, command, tmp_path


def test_reading_it(folder):
    out, _, tmp_path = folder
    with pytest.warns(UserWarning, match="damaged and was ignored"):
        frame = load(str(out))
    load_history(str(out))
    assert "stolen" not in json.dumps(status(str(out)))
    page = build(str(out))
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "stolen" not in page
    assert "stolen" not in set(frame["trial_id"])
    assert not (tmp_path / "exploded").exists()


def test_going_on_with_it(folder, capsys):
    out, command, tmp_path = folder
    before = sorted(p for p in tmp_path.rglob("*") if out not in p.parents)
    assert main([*command, "--seeds", "2"]) == 0
    assert not (tmp_path / "exploded").exists()
    assert sorted(p for p in tmp_path.rglob("*") if out not in p.parents) == before, "nothing written outside"
    assert Store(str(out)).scan()[trial(seed=2, epochs=2).trial_id].status == "done"
    assert "cannot be used" in capsys.readouterr().out


def test_nothing_loads_a_pickle_without_guard():
    """No pickle.load, and torch.load only with weights_only=True, anywhere in the product."""
    sources = [p for name in ("orchestrator", "model", "analysis") for p in (ROOT / name).rglob("*.py")]
    assert sources
    for path in sources:
        text = path.read_text()
        assert "pickle.load" not in text, path
        assert "yaml.load(" not in text, path
        code = re.sub(r'""".*?"""', "", text, flags=re.S)
        for call in re.findall(r"torch\.load\(.*", code):
            assert "weights_only=True" in call, path


@pytest.mark.parametrize(
    "name", ["sweep.json", "lock.json", "trial.json", "history.json", "result.json", "weights.pt"]
)
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_no_plain_file_is_not_read(sweep, name, kind, capsys):
    """A pipe that nobody writes to, or a device that never ends, in the place of a file."""
    out = Path(sweep(block(batch_size=[32], seeds=2)))
    place = out / name if name in {"sweep.json", "lock.json"} else min(out.glob(f"trials/*/{name}"))
    place.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to("/dev/zero")
    assert status_main([str(out)]) in {0, 2}
    store = Store(str(out))
    if name == "weights.pt":
        with pytest.raises(FileNotFoundError, match="no plain file"):
            store.read_weights(place.parent.name)
    else:
        with pytest.raises(ValueError, match="no plain file"):
            store.files.read_json(str(place.relative_to(out)))


def test_a_trial_folder_that_leads_elsewhere(tmp_path, images, capsys):
    grid, out, elsewhere = tmp_path / "tiny.yaml", tmp_path / "out", tmp_path / "elsewhere"
    grid.write_text("blocks: [{dataset: imagefolder, norm: bn, batch_size: 4, epochs: 1, seeds: 1}]")
    elsewhere.mkdir()
    (out / "trials").mkdir(parents=True)
    (out / "trials" / trial(epochs=1).trial_id).symlink_to(elsewhere)
    command = ["--grid", str(grid), "--data-dir", str(images), "--executor", "inline", "--results", str(out)]
    assert main(command) == 2
    assert "is a link" in capsys.readouterr().err
    assert [*elsewhere.iterdir()] == []
