"""Source that somebody edited, and folders of versions that did not record which code trained."""

import shutil
from pathlib import Path

from orchestrator.results.checkpoint import Checkpoint, decode, decode_notes, encode, encode_weights
from orchestrator.results.files import Files
from orchestrator.results.records import EpochRecord
from tests.helpers import ROOT


def edited(folder: Path, path: str, old: str, new: str) -> Path:
    """A copy of `model` in `folder` in which `old` is `new` once, in the file at `path`; gives `folder`."""
    shutil.copytree(ROOT / "model", folder / "model", ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / path).read_text()
    assert old in text
    (folder / path).write_text(text.replace(old, new, 1))
    return folder


def without_code(folder: Path) -> None:
    """Make a sweep's folder what versions wrote that recorded no code."""
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
            _forget(history["epochs"])
            files.write_json("history.json", history)
        for checkpoint in path.glob("checkpoint-*.pt"):
            found = decode(checkpoint.read_bytes())
            _forget(found.epochs)
            checkpoint.write_bytes(encode(Checkpoint(found.state, found.epochs, found.pack)))
        weights = path / "weights.pt"
        if weights.exists():
            notes = decode_notes(weights.read_bytes())
            _forget(notes["epochs"])
            tensors = torch.load(io.BytesIO(weights.read_bytes()), weights_only=True)
            weights.write_bytes(encode_weights(tensors, notes))  # type: ignore[arg-type]


def _forget(epochs: list[EpochRecord]) -> None:
    for entry in epochs:
        entry.pop("code", None)
