"""Every file of a results folder, in one table: docs/files.md is made from it, and a test holds what a run
leaves against it."""

from typing import NamedTuple


class File(NamedTuple):
    """`name`: below the folder, with * for what differs. `written`: when. `what`: what it holds."""

    name: str
    written: str
    what: str


LAYOUT = (
    File(
        "sweep.json",
        "before a run trains anything",
        "what the sweep consists of: every trial's identity, facts of the data, the grid's description, "
        "which code trained it, the plan of the analysis, searches, and the last 100 runs with their "
        "estimates",
    ),
    File(
        "sweep.json.damaged",
        "where `sweep.json` could not be read",
        "what was left of it, for whoever looks for the cause",
    ),
    File(
        "lock.json",
        "while a run holds the folder",
        "its host, process, command, and the trials that train now; renewed every 10 seconds",
    ),
    File(
        "results.csv",
        "at the end of a run, and every half minute while it lasts",
        "a row for each trial: its axes, status, errors in percent, seconds, code. `declared` is false for "
        "trials that the grid no longer has; tables and report leave them out",
    ),
    File("report.html", "with `results.csv`", "the report, one file that works offline"),
    File("trials/*/trial.json", "before the trial trains", "its identity, from which its name is made"),
    File(
        "trials/*/history.json",
        "after each epoch",
        "every epoch's errors, loss, learning rate, seconds and worker; the trials of its pack; what "
        "computed it",
    ),
    File(
        "trials/*/checkpoint-*.pt",
        "after each epoch, until the pack is done; the last two are kept",
        "weights, the optimiser's state and random generators, from which it resumes bit for bit on a CPU",
    ),
    File(
        "trials/*/midepoch-*.pt",
        "where a trial is left before its epoch's end, which would take long; until that epoch is done",
        "the same within the epoch, with its epoch and step in the name and its sums so far",
    ),
    File(
        "trials/*/weights.pt",
        "after the last epoch",
        "the final weights in the names and shapes of the ordinary network, with the history beside them; "
        "`load_network` reads it",
    ),
    File("trials/*/failure.json", "when the trial raised", "attempts so far, and the last traceback"),
    File(
        "trials/*/result.json",
        "last of all: it alone means done",
        "its errors, and everything that `results.csv` has of it",
    ),
    File(
        "evaluations/*/*.json",
        "by `normsweep evaluate`",
        "what the trial's network answers to a set of images; may be removed",
    ),
    File(
        "evaluations/*-labels-*.json",
        "by `normsweep evaluate`",
        "the right answers to a set of images; may be removed",
    ),
    File("tensorboard/*", "with `--tracker tensorboard`", "its event files"),
    File("wandb/*", "with `--tracker wandb`", "its runs, also those made offline"),
    File("mlflow.db", "with `--tracker mlflow`", "its database"),
    File("trackers/*.log", "with `--tracker`", "what a tracker's library printed"),
    File(
        ".ray/*",
        "while Ray trains",
        "Ray Tune's own records of packs; nothing reads them, and may be removed",
    ),
)
