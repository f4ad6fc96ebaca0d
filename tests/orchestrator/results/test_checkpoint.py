"""Checkpoints: whole, checked, and no code in them."""

import os
import pickle

import pytest
import torch

from orchestrator.results.checkpoint import Checkpoint, DamagedError, decode, encode
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


def _saved(value):
    import io

    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()
