"""Checkpoints: whole, checked, and no code in them."""

import io
import os
import pickle
import zipfile

import pytest
import torch

from orchestrator.results.checkpoint import (
    Checkpoint,
    DamagedError,
    decode,
    decode_notes,
    encode,
    encode_weights,
)
from tests.helpers.forgery import with_body


@pytest.fixture
def checkpoint():
    state = {"epoch": 3, "weights": {"w": torch.arange(6.0).reshape(2, 3)}}
    return Checkpoint(state, [{"epoch": 1, "train_loss": 0.1 + 0.2, "test_error": None}], ["a", "b"])


def test_round_trip_to_the_bit(checkpoint):
    again = decode(encode(checkpoint))
    assert again.epochs == checkpoint.epochs
    assert again.pack == checkpoint.pack
    assert torch.equal(again.state["weights"]["w"], checkpoint.state["weights"]["w"])


def test_every_kind_of_damage_is_seen(checkpoint):
    data = encode(checkpoint)
    middle = len(data) // 2
    flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
    for damaged in (b"", b"rubbish", data[:middle], data[:-1], data + b"x", flipped):
        with pytest.raises(DamagedError):
            decode(damaged)


def test_a_pickle_bomb_does_not_go_off(checkpoint, tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "gone off"),)

    for body in (pickle.dumps(Bomb(), protocol=2), _saved(Bomb())):
        with pytest.raises(DamagedError) as refused:
            decode(with_body(encode(checkpoint), body))
        assert "checksum" not in str(refused.value), "as if its writer knew the format"
    assert list(tmp_path.iterdir()) == []


def packed(archive, name, content):
    """An archive of torch.save with another entry, compressed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(buffer, "w") as new:
        for entry in old.namelist():
            if entry != name:
                new.writestr(entry, old.read(entry))
        new.writestr(name, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def test_zeros_that_were_packed_are_not_unpacked(checkpoint):
    """50 GB in as many MB: the archive's directory tells."""
    data = encode(checkpoint)
    body = packed(data.partition(b"\n")[2], "archive/data/9", bytes(10**7))
    assert len(body) < 10**5
    with pytest.raises(DamagedError, match="larger than itself"):
        decode(with_body(data, body))
    weights = encode_weights({"w": torch.zeros(3)}, {"pack": ["a"], "epochs": [], "trial_id": "a"})
    assert decode_notes(weights, "a")["epochs"] == []
    for name in ("archive/data/9", "archive/normsweep.json"):
        with pytest.raises(DamagedError, match="larger than itself"):
            decode_notes(packed(weights, name, bytes(10**7)))


def test_a_tensor_cannot_be_larger_than_what_is_stored_of_it():
    data = encode(Checkpoint({"w": torch.arange(4.0)}, [], []))
    body = data.partition(b"\n")[2]
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        pickled = archive.read("archive/data.pkl")
    forged = pickled.replace(b"K\x04", b"J\xff\xff\xff\x3f")  # elements: 2**30 - 1 instead of 4
    assert forged != pickled
    with pytest.raises(DamagedError, match="does not match expected size"):
        decode(with_body(data, packed(body, "archive/data.pkl", forged)))


@pytest.mark.parametrize("notes", ["[]", '{"pack": [], "epochs": 7}', "7", '{"pack": ["a"]}', "x"])
def test_notes_that_are_no_history(checkpoint, notes):
    buffer = io.BytesIO()
    torch.save({"state": {}, "notes": notes}, buffer)
    with pytest.raises(DamagedError):
        decode(with_body(encode(checkpoint), buffer.getvalue()))
    weights = encode_weights({"w": torch.zeros(3)}, {"pack": ["a"], "epochs": []})
    with pytest.raises(DamagedError):
        decode_notes(packed(weights, "archive/normsweep.json", notes))


def _saved(value):

    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()
