"""A pack of two seeds for a worker, on the tiny images."""

from orchestrator.execution.worker import Job
from tests.helpers.tiny import trial

TRIALS = [trial(seed=s) for s in (1, 2)]


def job(folder, images, trials=TRIALS, **changes):
    fields = {
        "results": str(folder),
        "trials": tuple(t.identity for t in trials),
        "data_dir": str(images),
        "train_size": 20,
        "device": "cpu",
        "threads": 1,
        "max_failures": 3,
    }
    return Job(**{**fields, **changes})
