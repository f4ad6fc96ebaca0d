"""The log that W&B writes, taken apart: records that lie across the ends of blocks, and files cut off."""

import struct

import pytest

pytest.importorskip("wandb", reason="pip install 'normsweep[wandb]'")
from orchestrator.trackers.wandb_file import records

BLOCK = 32 * 1024


def written(bodies):
    """As LevelDB's log_writer.cc does it, over W&B's seven bytes; checksums are not looked at."""
    out = bytearray(b":W&B\xe1\xbe\x00")
    for whole in bodies:
        body, first = whole, True
        while True:
            left = BLOCK - len(out) % BLOCK
            if left < 7:
                out += bytes(left)
                continue
            part, body = body[: left - 7], body[left - 7 :]
            kind = {(True, True): 1, (True, False): 2, (False, False): 3, (False, True): 4}[first, not body]
            out += struct.pack("<IHB", 0, len(part), kind) + part
            first = False
            if not body:
                break
    return bytes(out)


@pytest.mark.parametrize("before", [0, BLOCK - 7 - 7 - 7, BLOCK - 7 - 7 - 3, BLOCK - 7 - 7 - 8])
def test_records_are_the_ones_that_were_written(before):
    """The last place of a block may have room for a header and nothing else, or not even that."""
    bodies = [b"x" * before, b"short", b"y" * 100_000, b"z"]
    assert list(records(written(bodies))) == bodies


def test_what_is_cut_off_is_not_there():
    bodies = [b"one", b"y" * 50_000, b"three"]
    whole = written(bodies)
    for length in range(0, len(whole), 997):
        found = list(records(whole[:length]))
        assert found == bodies[: len(found)]


def test_another_file_is_refused():
    with pytest.raises(ValueError, match=r"it is no \.wandb file"):
        list(records(b"PK\3\4 something"))
