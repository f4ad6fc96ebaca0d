"""A bucket's lock under late writes: of many drivers on many hosts, no two write at once. Time is virtual."""

import random
from types import SimpleNamespace

import pytest

from model.errors import InputError
from orchestrator.results import hold, note_file
from orchestrator.results import lock as locks
from orchestrator.results.files import Files
from orchestrator.results.lock import Lock
from orchestrator.results.storage_errors import LostError, StorageError
from tests.helpers.conditional import ConditionalS3, Hosts

#: Most seconds that one request takes. The lease is of 25.
LATE = 60.0


class World:
    """Drivers that come, hold the folder for a while, and die, fall silent, or leave. Each has its own network."""

    def __init__(self, seed, monkeypatch):
        self.random, self.hosts = random.Random(seed), Hosts()
        self.store = ConditionalS3(self.network)
        self.written, self.refused, self.lost = [], 0, 0
        clock = SimpleNamespace(
            sleep=self.hosts.sleep, monotonic=lambda: self.hosts.now, time=lambda: self.hosts.now
        )
        monkeypatch.setattr(locks, "_WATCH", 24.0)
        for module in (locks, note_file, hold):
            monkeypatch.setattr(module, "time", clock)
        monkeypatch.setattr(locks, "_LOOK", 6.0)
        monkeypatch.setattr(locks, "_machine", lambda: None)  # nobody's process can be seen
        monkeypatch.setattr(Files, "_open", lambda files: vars(files).update(fs=self.store, root="bucket"))
        self.busy = 0.0

    def network(self):
        """Mostly quick; now and then a request hangs on its way there, or its answer on the way back."""
        draw = self.random.random()
        if draw < 0.05:
            self.hosts.sleep(self.random.uniform(0.0, LATE))
        elif draw < 0.5:
            self.hosts.sleep(self.random.uniform(0.0, 0.2))

    def drive(self, name):
        """One driver's life: it may come at any moment."""
        self.hosts.sleep(self.random.uniform(0, self.busy))
        files = Files(f"s3://{name}")
        while True:
            lock = Lock(files, name)
            try:
                lock.take()
                break
            except InputError:
                self.refused += 1
                self.hosts.sleep(self.random.uniform(0, 60))
        hold.hold(files, lock.token)
        turns = {"beating": True}

        def beats():
            while turns["beating"]:
                self.hosts.sleep(locks.BEAT)
                try:
                    lock.beat()
                except LostError:
                    return
                except (StorageError, OSError):
                    continue

        self.hosts.start(beats)
        end = self.hosts.now + self.random.uniform(5, 90)
        while self.hosts.now < end:
            try:
                files.check_held()
            except LostError:
                self.lost += 1
                break
            except StorageError:
                continue
            self.written.append((self.hosts.now, name))
            self.hosts.sleep(self.random.uniform(0.2, 5.0))
        turns["beating"] = False
        if self.random.random() < 0.2:
            lock.give_back()  # else it has died, and its note stays


def overlaps(written):
    """Drivers that wrote after another had begun to."""
    begun, after = [], set()
    for _, name in written:
        if name in begun and begun[-1] != name:
            after.add(name)
        elif name not in begun:
            begun.append(name)
    return after, len(set(begun))


@pytest.fixture
def world(monkeypatch):
    def make(seed):
        return World(seed, monkeypatch)

    return make


def takeovers(world, drivers):
    world.busy = drivers * 90.0
    for number in range(drivers):
        world.hosts.start(lambda name=f"driver{number}": world.drive(name))
    world.hosts.run()
    after, held = overlaps(sorted(world.written))
    assert after == set()
    return held


def test_no_two_drivers_write_at_once(world):
    """Fifty that take the folder over from each other."""
    one = world(1)
    assert takeovers(one, 50) >= 40, "but for those that lose it before they have written"
    assert one.refused > 0
    assert one.lost > 0


@pytest.mark.slow
def test_a_thousand_takeovers(world):
    assert sum(takeovers(world(seed), 100) for seed in range(2, 13)) >= 1000


def test_the_test_sees_an_overlap_where_writes_have_no_condition(world, monkeypatch):
    one = world(2)
    monkeypatch.setattr(note_file.bucket, "conditional", lambda fs: False)
    monkeypatch.setattr(Files, "write", lambda files, name, data: one.store.pipe_file(files.path(name), data))
    with pytest.raises(AssertionError):
        takeovers(one, 50)
