"""What befalls a run: killed, signalled, suspended for longer than its lease, its folder or its data changed.

Each takes a `Bench` and the sweep's folder, starts a run in it and lets it end; it gives the exit code, and what
struck in words, None where the run had ended before. It raises AssertionError where the run did what it must not.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

from orchestrator.results import json_file
from tests.soak.leavings import family

PHASES = ("before", "torn", "after")
LOST = ("took it over", "taken over", "has finished")
CHANGED = ("another imagefolder", "changed while the sweep ran", "changed while the data were read")


def point(bench, but=()):
    """A write point: KIND:PHASE:N, of any kind `but` these."""
    kinds = {kind: times for kind, times in bench.writes.items() if kind not in but}
    kind = bench.chance.choice(list(kinds))
    return f"{kind}:{bench.chance.choice(PHASES)}:{bench.chance.randint(1, kinds[kind])}"


def some_time(bench, run, executor):
    """Wait for a random part of a run."""
    length = bench.length[executor]
    until(run, bench.chance.triangular(0.05, length, 0.7 * length))


def until(run, seconds, condition=lambda: False):
    """Wait for so long, for the run's end or for the condition; gives whether that came."""
    end = time.monotonic() + seconds
    while run.poll() is None and time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.005)
    return condition()


def killed_at_a_point(bench, folder, executor):
    where = point(bench)
    run, marker = bench.start(folder, executor, point=where, act="kill")
    code = run.wait()
    return code, f"killed at {where.rpartition(':')[0]}" if marker.exists() else None


def killed(bench, folder, executor, words=None):
    """The driver, or one of its processes whose command line has these words, at a random moment."""
    run, _ = bench.start(folder, executor)
    some_time(bench, run, executor)
    victims = [run.pid]
    if words:
        victims = [pid for pid, line in family(run.pid).items() if words in line and "Agent" not in line]
    struck = run.poll() is None and bool(victims)
    if struck:
        try:
            os.kill(bench.chance.choice(victims), signal.SIGKILL)
        except ProcessLookupError:
            struck = False
    return run.wait(), f"{words or 'driver'} killed" if struck else None


def worker_killed(bench, folder, executor):
    return killed(bench, folder, executor, "ray::")


def node_killed(bench, folder, executor):
    return killed(bench, folder, executor, "raylet/raylet")


def signalled(bench, folder, executor):
    run, _ = bench.start(folder, executor)
    some_time(bench, run, executor)
    struck = run.poll() is None
    run.send(bench.chance.choice([signal.SIGINT, signal.SIGTERM]))
    return run.wait(), "signalled" if struck else None


# -- suspended --------------------------------------------------------------------------------------


def suspended(bench, folder, executor):
    """Stopped for longer than its lease; another takes over, from another host; then it is continued."""
    marks = bench.folder("marks")
    at = {"point": point(bench), "act": "stop"} if bench.chance.random() < 0.6 else {}
    run, _ = bench.start(folder, executor, host="suspended", marks=marks, **at)
    if at:
        until(run, 60, lambda: any(map(_stopped, _pids(run))))
    else:
        some_time(bench, run, executor)
        run.send(signal.SIGSTOP)
        until(run, 5, lambda: _stopped(run.pid))
    if run.poll() is not None:
        return run.code, None
    held = note(folder).get("pid") == run.pid
    under_way = [path.read_text() for path in marks.iterdir()]
    unbelieved()
    then = bench.chance.choice(["finishes", "finishes", "is killed", "goes on"])
    second, _ = bench.start(folder, "inline", host="another", **_fate(bench, then))
    if then == "goes on":
        some_time(bench, second, "inline")
    else:
        second.wait()
    name = f"suspended{' at ' + at['point'].rpartition(':')[0] if at else ''}, the second {then}"
    before = contents(folder)
    took_over = held and note(folder).get("pid") != run.pid
    for pid in _pids(run):  # on Ray a worker may be what met the point
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    code = run.wait()
    if then == "goes on":
        second.wait()
    elif took_over and "lock.json" not in under_way:
        _wrote_nothing(run, before, contents(folder), under_way)
    if took_over and "lock.json" not in under_way:
        _said_so(run, folder, bench)
    return code, name


def _pids(run):
    return [run.pid, *family(run.pid)] if run.poll() is None else []


def _stopped(pid):
    """Whether a process is suspended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except OSError:
        return False


def _fate(bench, then):
    return {"point": point(bench), "act": "kill"} if then == "is killed" else {}


def _wrote_nothing(run, before, after, under_way):
    """But for the writes that were under way when it was stopped."""
    changed = [name for name in {*before, *after} if before.get(name) != after.get(name)]
    wrong = [name for name in changed if not any(name.startswith(path) for path in under_way)]
    assert not wrong, f"a suspended run wrote {wrong} ({under_way} was under way):\n{run.said()[-2000:]}"


def _said_so(run, folder, bench):
    """That it lost the folder; nothing where all that it had to do was done before it was stopped."""
    said = run.said()
    lost = run.code == 1 and any(words in said for words in LOST)
    assert lost or (run.code == 0 and bench.whole(folder)), f"exit code {run.code}:\n{said[-2000:]}"


def unbelieved():
    """Wait for longer than the note of a run on another host, killed just now, is believed without being watched."""
    time.sleep(0.5)


def note(folder, name="lock.json"):
    """A JSON file of the folder; empty where it is absent or damaged."""
    try:
        return json_file.parse((folder / name).read_bytes())
    except (OSError, ValueError):
        return {}


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


# -- gone -------------------------------------------------------------------------------------------


def gone(bench, folder, executor):
    """The folder is renamed away during the run, and put back soon, or when the run has ended."""
    away = folder.with_name(f"{folder.name}-away")
    soon = bench.chance.random() < 0.5
    patience = 20.0 if soon else 0.5
    if bench.chance.random() < 0.6:
        run, _ = bench.start(
            folder,
            executor,
            point=point(bench, but=("lock.json",)),
            act="move",
            move=(folder, away),
            patience=patience,
        )
        until(run, 120, away.exists)
    else:
        run, _ = bench.start(folder, executor, patience=patience)
        some_time(bench, run, executor)
        if run.poll() is None and bench.begun(run, folder):
            folder.rename(away)
    if not away.exists():
        return run.wait(), None
    if soon:
        until(run, bench.chance.uniform(0.05, 0.8))
    else:
        run.wait()
    assert not folder.exists(), f"it was made again:\n{run.said()[-2000:]}"
    away.rename(folder)
    code = run.wait()
    said = run.said()
    refused = code == 1 and "storage failed" in said and "gone" in said
    assert refused or (code == 0 and bench.whole(folder)), f"exit code {code}:\n{said[-2000:]}"
    return code, f"folder gone, back {'soon' if soon else 'late'}, exit code {code}"


# -- changed data -----------------------------------------------------------------------------------


def data_changed_between(bench, folder, executor):
    """Changed when the run begins: refused. Only where the folder knows on what it was trained."""
    if not note(folder, "sweep.json").get("data"):
        return killed(bench, folder, executor)
    unbelieved()
    back = bench.change_data()
    run, _ = bench.start(folder, executor)
    code = run.wait()
    back()
    assert (code, CHANGED[0] in run.said()) == (2, True), f"exit code {code}:\n{run.said()[-2000:]}"
    return code, "data changed between runs"


def data_changed_during(bench, folder, executor):
    """Changed when it has begun: trained on those of before, or refused."""
    run, _ = bench.start(folder, executor)
    until(run, 60, lambda: bench.begun(run, folder))
    until(run, bench.chance.uniform(0, bench.length[executor] / 2))
    if run.poll() is not None:
        return run.code, None
    back = bench.change_data()
    code = run.wait()
    back()
    refused = code in {1, 2} and any(words in run.said() for words in CHANGED)
    assert refused or (code == 0 and bench.whole(folder)), f"exit code {code}:\n{run.said()[-2000:]}"
    return code, f"data changed during a run, exit code {code}"


#: Of runs.
INLINE = (
    *[killed_at_a_point] * 4,
    *[killed] * 2,
    *[signalled] * 2,
    *[suspended] * 3,
    *[gone] * 3,
    data_changed_between,
    data_changed_during,
)
RAY = (killed_at_a_point, killed, worker_killed, node_killed, suspended, gone)
#: Of evaluations, which hold no lease and take nothing over.
ASKING_INLINE = (
    *[killed_at_a_point] * 4,
    *[killed] * 2,
    *[signalled] * 2,
    gone,
    data_changed_between,
    data_changed_during,
)
ASKING_RAY = (killed_at_a_point, killed, worker_killed, node_killed, signalled)
