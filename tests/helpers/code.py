"""Source that somebody edited, and folders as earlier versions left them."""

import shutil
from pathlib import Path

from orchestrator.results.checkpoint import Checkpoint, decode, decode_notes, encode, encode_weights
from orchestrator.results.files import Files
from orchestrator.results.json_file import JsonObject
from tests.helpers import ROOT


def edited(folder: Path, path: str, old: str, new: str) -> Path:
    """A copy of `model` in `folder` in which `old` is `new` once, in the file at `path`; gives `folder`."""
    shutil.copytree(ROOT / "model", folder / "model", ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / path).read_text()
    assert old in text
    (folder / path).write_text(text.replace(old, new, 1))
    return folder


def as_old(folder: Path) -> None:
    """Make a sweep's folder what versions wrote whose files did not say which code trained them, nor (results
    aside) whose they are."""
    import io

    import torch

    root = Files(str(folder))
    sweep = root.read_json("sweep.json") or {}
    root.write_json("sweep.json", {key: value for key, value in sweep.items() if key != "code"})
    for path in (folder / "trials").iterdir():
        files = Files(str(path))
        if result := files.read_json("result.json"):
            files.write_json("result.json", {key: value for key, value in result.items() if key != "code"})
        if history := files.read_json("history.json"):
            files.write_json("history.json", _old_notes(history))
        for checkpoint in path.glob("checkpoint-*.pt"):
            found = decode(checkpoint.read_bytes())
            notes = _old_notes({"epochs": found.epochs})
            checkpoint.write_bytes(encode(Checkpoint(found.state, notes["epochs"], found.pack)))
        weights = path / "weights.pt"
        if weights.exists():
            notes = _old_notes(decode_notes(weights.read_bytes()))
            tensors = torch.load(io.BytesIO(weights.read_bytes()), weights_only=True)
            weights.write_bytes(encode_weights(tensors, notes))  # type: ignore[arg-type]


def _old_notes(notes: JsonObject) -> JsonObject:
    epochs = [{key: value for key, value in entry.items() if key != "code"} for entry in notes["epochs"]]
    return {key: value for key, value in notes.items() if key != "trial_id"} | {"epochs": epochs}
