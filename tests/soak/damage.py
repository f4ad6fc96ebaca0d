"""What is done to a sweep's files between two runs: spoilt, or swapped with another trial's or another sweep's."""

from orchestrator.status import status
from tests.helpers.forgery import MANNERS, spoil
from tests.soak.runs import apart

#: What a run makes again, or falls back from. Final weights have no second copy: see `swap_weights`.
SPOILT = (
    "sweep.json",
    "lock.json",
    "results.csv",
    "report.html",
    "trial.json",
    "history.json",
    "result.json",
    "checkpoint",
)
#: What is also swapped with another trial's whole file of that name, which its id tells apart.
SWAPPED = ("history.json", "result.json", "checkpoint")


def damage(folder, other, chance):
    """Damage one file; gives what was done, None where there was nothing to damage, and what must be put right
    by hand once the next run has refused: (path, content), else None. `other`: a sweep of the same trials on other
    data, finished."""
    choice = chance.choice(["spoil", "spoil", "swap", "swap", "weights", "between sweeps"])
    match choice:
        case "spoil":
            return spoil_one(folder, chance), None
        case "swap":
            return swap(folder, chance), None
        case "weights":
            return swap_weights(folder, chance), None
        case _:
            return from_other_sweep(folder, other, chance)


def damage_evaluation(folder, chance):
    """Spoil something that networks have answered, or the labels beside it; gives what was done."""
    paths = sorted(folder.glob("evaluations/**/*.json"))
    if not paths:
        return None
    spoil(chance.choice(paths), chance.choice(MANNERS), chance)
    return "spoilt evaluation"


def _files(folder, kind):
    pattern = "trials/*/checkpoint-*.pt" if kind == "checkpoint" else f"**/{kind}"
    paths = sorted(folder.glob(pattern))
    if kind == "checkpoint":  # the newest of a trial: the one before is what is fallen back to
        paths = sorted({max(p.parent.glob("checkpoint-*.pt")) for p in paths})
    return paths


def spoil_one(folder, chance):
    kind = chance.choice(SPOILT)
    if not (paths := _files(folder, kind)):
        return None
    spoil(chance.choice(paths), chance.choice(MANNERS), chance)
    return f"spoilt {kind}"


def swap(folder, chance):
    kind = chance.choice(SWAPPED)
    paths = _files(folder, kind)
    if len(paths) < 2:
        return None
    one, two = chance.sample(paths, 2)
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    if chance.random() < 0.5:
        two.write_bytes(first)
    return f"swapped {kind}"


def swap_weights(folder, chance):
    """Another trial's weights: told where the trial is finished. Then its result goes too, and it is trained
    again, or they are put back."""
    paths = _files(folder, "weights.pt")
    if len(paths) < 2:
        return None
    one, two = chance.sample(paths, 2)
    kept = one.read_bytes()
    one.write_bytes(two.read_bytes())
    result = one.with_name("result.json")
    if not result.exists():
        return "swapped weights of an unfinished trial"
    told = apart(_told, folder)
    assert "weights.pt" in told or "result.json" in told or "sweep.json" in told, f"{one}: {told}"
    if chance.random() < 0.5:
        one.write_bytes(kept)
        return "swapped weights, put back"
    result.unlink()
    return "swapped weights, result lost"


def _told(folder):
    try:
        return " ".join(status(str(folder))["warnings"])
    except ValueError as error:  # of sweep.json, damaged before
        return str(error)


def from_other_sweep(folder, other, chance):
    """A result, with its history, of the same trial on other data: refused until it is taken away."""
    paths = _files(folder, "result.json")
    if not paths:
        return None, None
    path = chance.choice(paths)
    kept, there = path.read_bytes(), other / path.relative_to(folder)
    if not there.exists():  # on other data a search chooses otherwise, and a rule adds other seeds
        return None, None
    path.write_bytes(there.read_bytes())
    return "swapped result between sweeps", (path, kept)
