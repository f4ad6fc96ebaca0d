"""What a run and an evaluation leave in a folder is what the table of its files says."""

from fnmatch import fnmatch

from orchestrator.results.layout import LAYOUT

#: What only a run that trains, is disturbed, is tracked, or goes by Ray leaves.
PASSING = {
    *("sweep.json.damaged", "lock.json", "trials/*/checkpoint-*.pt", "trials/*/failure.json", ".ray/*"),
    "trials/*/midepoch-*.pt",
    *("tensorboard/*", "wandb/*", "mlflow.db", "trackers/*.log"),
}


def test_every_file_is_in_the_table(evaluated):
    left = [path.relative_to(evaluated).as_posix() for path in evaluated.rglob("*") if path.is_file()]
    unknown = [name for name in left if not any(fnmatch(name, file.name) for file in LAYOUT)]
    assert unknown == []
    unused = {file.name for file in LAYOUT if not any(fnmatch(name, file.name) for name in left)}
    assert unused == PASSING
