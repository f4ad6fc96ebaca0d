"""The bytes of a checkpoint and of final weights: a trial with its history, checked when read.

A checkpoint is of an epoch's end, or within one where a trial was left there. The two begin otherwise, so
that no version takes one for the other.

The history lies in the same file as the weights, so that no kill can leave the two an epoch apart.
The format is a line with the SHA-256 of what follows, then a file of torch.save that is only ever read
with weights_only=True: a checkpoint from a stranger can be wrong but cannot run code.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model.errors import first_line
from orchestrator.results.json_file import MAX_JSON_BYTES, JsonObject
from orchestrator.results.records import EpochRecord, History, Provenance, Stretch
from orchestrator.results.shapes import holds
from orchestrator.results.stretches import other_data, stretches_of
from orchestrator.results.trial_state import other_trial

if TYPE_CHECKING:
    import torch

_NOTES = "archive/normsweep.json"  # torch wants every entry below the folder of its own
_TRIAL = "archive/normsweep-trial.txt"
_DATA = "archive/normsweep-data.txt"
_LONGEST_NAME = 1000
_MOST_SECONDS = 1e9  # of an epoch
_LARGER = "what it holds is larger than itself"
_LONG = "its notes are larger than any trial's"
_MAGIC = b"normsweep-checkpoint-1 "
_MAGIC_WITHIN = b"normsweep-midepoch-1 "


class DamagedError(Exception):
    """The bytes are not a whole checkpoint."""


class ForeignError(DamagedError):
    """They are, but of another trial than that in whose folder they lie, or of other data. Says of which."""


@dataclass(frozen=True)
class Within:
    """Of an epoch that was left before its end: `seconds` that it took so far, the digest of the `code` that
    trained, and what computed it, as `provenance` says."""

    seconds: float
    code: str
    provenance: Provenance


@dataclass(frozen=True)
class Checkpoint:
    """`state`: as `Training.state` gives it. `epochs`: the history. `pack`: trial ids. `trial_id`: whose it
    is; None in old files. `stretches`: how the epochs were computed; none in old files. `within`: of the
    epoch in whose middle it is; None at an epoch's end."""

    state: dict[str, Any]
    epochs: list[EpochRecord]
    pack: list[str]
    trial_id: str | None = None
    stretches: Sequence[Stretch] = ()
    within: Within | None = None


def encode(checkpoint: Checkpoint) -> bytes:
    import torch

    buffer = io.BytesIO()
    whose = {} if checkpoint.trial_id is None else {"trial_id": checkpoint.trial_id}
    how = {"stretches": [*checkpoint.stretches]} if checkpoint.stretches else {}
    left = {} if checkpoint.within is None else {"within": vars(checkpoint.within)}
    said = {**whose, "epochs": checkpoint.epochs, "pack": checkpoint.pack, **how, **left}
    torch.save({"state": checkpoint.state, "notes": json.dumps(said, allow_nan=False)}, buffer)
    body = buffer.getvalue()
    magic = _MAGIC if checkpoint.within is None else _MAGIC_WITHIN
    return magic + hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def decode(
    data: bytes, trial_id: str | None = None, fingerprints: Sequence[str] = (), *, within: bool = False
) -> Checkpoint:
    """`within`: an epoch, or at the end of one. Raises DamagedError, also where it is of another trial than
    `trial_id`, or of data with none of these fingerprints."""
    import torch

    magic = _MAGIC_WITHIN if within else _MAGIC
    header, _, body = data.partition(b"\n")
    if not header.startswith(magic):
        raise DamagedError("it does not begin as a checkpoint does")
    if header[len(magic) :].decode(errors="replace") != hashlib.sha256(body).hexdigest():
        raise DamagedError("its checksum does not match")
    try:
        _refuse_larger(body)
        content = torch.load(io.BytesIO(body), weights_only=True, map_location="cpu")
        if len(content["notes"]) > MAX_JSON_BYTES:
            raise DamagedError(_LONG)
        notes = json.loads(content["notes"])
        if not holds("history.json", notes):
            raise DamagedError("its notes are no history")
        how = stretches_of(notes) if "stretches" in notes else ()
        left = _within(notes["within"]) if within else None
        checkpoint = Checkpoint(
            content["state"], notes["epochs"], notes["pack"], notes.get("trial_id"), how, left
        )
    except Exception as error:  # a stranger's file may be wrong in any way; all are one to the reader
        raise DamagedError(first_line(error)) from None
    _refuse_foreign(notes, trial_id, fingerprints)
    return checkpoint


def _within(said: JsonObject) -> Within:
    """Raises DamagedError, and whatever a file of a stranger's raises."""
    left = Within(said["seconds"], said["code"], said["provenance"])
    facts = [left.code, *left.provenance.values()]
    if type(left.seconds) is not float or not 0 <= left.seconds < _MOST_SECONDS:
        raise DamagedError("it does not say how long its epoch took")
    if not all(fact is None or isinstance(fact, str) for fact in facts):
        raise DamagedError("it does not say what computed its epoch")
    return left


def encode_weights(weights: "dict[str, torch.Tensor]", notes: History) -> bytes:
    """Tensors by name, to be read by torch.load(weights_only=True), with the trial's history beside them.

    A file of torch.save is a zip archive, and torch leaves entries alone that it does not know. So the
    one file that a finished trial must have can make its result.json and history.json again. Whose it is, and
    of which data, stand in entries of their own too, which can be read without the rest.
    """
    import torch

    buffer = io.BytesIO()
    torch.save(weights, buffer)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(_NOTES, json.dumps(notes, allow_nan=False))
        archive.writestr(_TRIAL, notes.get("trial_id", ""))
        archive.writestr(_DATA, notes.get("provenance", {}).get("data") or "")
    return buffer.getvalue()


def decode_notes(data: bytes, trial_id: str | None = None, fingerprints: Sequence[str] = ()) -> JsonObject:
    """What should be the history beside final weights: see `result.is_whole`.

    The archive's own checksum is checked. Raises DamagedError, ForeignError as `decode`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if unpacks_larger(archive, len(data)):
                raise DamagedError(_LARGER)
            if archive.getinfo(_NOTES).file_size > MAX_JSON_BYTES:
                raise DamagedError(_LONG)
            notes = json.loads(archive.read(_NOTES))
    except (zipfile.BadZipFile, KeyError, ValueError, RecursionError, OSError) as error:
        raise DamagedError(str(error)) from None
    if not isinstance(notes, dict) or not holds("history.json", notes):
        raise DamagedError("its notes are no history")
    _refuse_foreign(notes, trial_id, fingerprints)
    return notes


def decode_weights(data: bytes, trial_id: str | None = None) -> "dict[str, torch.Tensor]":
    """The tensors of final weights by name. Raises DamagedError, as `decode_notes`."""
    import torch

    decode_notes(data, trial_id)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if (entry := archive.testzip()) is not None:
                raise DamagedError(f"the checksum of {entry} does not match")
        weights = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
    except DamagedError:
        raise
    except Exception as error:  # a stranger's file may be wrong in any way; all are one to the reader
        raise DamagedError(first_line(error)) from None
    if not isinstance(weights, dict) or not all(isinstance(one, torch.Tensor) for one in weights.values()):
        raise DamagedError("it holds no tensors by name")
    return weights


def unpacks_larger(archive: zipfile.ZipFile, size: int) -> bool:
    """Whether its entries have more bytes than the archive: torch packs none, a stranger could pack zeros."""
    return sum(entry.file_size for entry in archive.infolist()) > size


def whose(archive: zipfile.ZipFile) -> tuple[str | None, str | None]:
    """The trial that final weights are of, and the fingerprint of its data; None where a file says none, as
    old ones. Raises what zipfile raises of a damaged archive."""
    return _named(archive, _TRIAL), _named(archive, _DATA)


def _named(archive: zipfile.ZipFile, entry: str) -> str | None:
    if entry not in archive.namelist() or archive.getinfo(entry).file_size > _LONGEST_NAME:
        return None
    return archive.read(entry).decode(errors="replace") or None


def _refuse_larger(body: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        if unpacks_larger(archive, len(body)):
            raise DamagedError(_LARGER)


def _refuse_foreign(notes: JsonObject, trial_id: str | None, fingerprints: Sequence[str]) -> None:
    if trial_id is not None and (stranger := other_trial(notes, trial_id)) is not None:
        raise ForeignError(f"it is another trial's: {stranger}")
    if there := other_data(notes, fingerprints):
        raise ForeignError(f"it is of other data: fingerprint {there[:120]}, now {fingerprints[0]}")
