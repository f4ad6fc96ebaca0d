"""A sweep of two packs to be disturbed, the numbers that it must end with all the same, and a bucket for it."""

import shutil
import time

import pytest

from model.training.training import Training
from orchestrator.evaluate import main as evaluate
from orchestrator.run import main
from tests.helpers.answers import ALL
from tests.helpers.numbers_of import numbers
from tests.helpers.servers import CREDENTIALS
from tests.helpers.tiny import TWO_PACKS

TRIALS = 6


@pytest.fixture(scope="session")
def command(tmp_path_factory, images):
    grid = tmp_path_factory.mktemp("grid") / "tiny.yaml"
    grid.write_text(TWO_PACKS)
    return ["--grid", str(grid), "--data-dir", str(images), "--executor", "inline", "--pack", "3"]


@pytest.fixture(scope="session")
def finished(command, tmp_path_factory):
    """The folder of the undisturbed run: to be copied."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert main([*command, "--results", str(folder)]) == 0
    return folder


@pytest.fixture(scope="session")
def undisturbed(finished):
    found = numbers(finished)
    assert len(found) == TRIALS
    return found


@pytest.fixture(scope="session")
def evaluated(finished, tmp_path_factory, images):
    """The folder of an undisturbed evaluation of that run's networks: to be looked at, or copied."""
    folder = shutil.copytree(finished, tmp_path_factory.mktemp("evaluated") / "out")
    assert evaluate([str(folder), "--data-dir", str(images), "--statistics", ALL]) == 0
    return folder


@pytest.fixture
def at_epoch(monkeypatch):
    """Do something in the middle of the sweep, once: after so many epochs of all packs."""

    def plan(count, action):
        real, done = Training.run_epoch, []

        def run_epoch(self):
            metrics = real(self)
            if self.data.info.name != "noise":  # the calibration
                done.append(1)
                if len(done) == count:
                    action()
            return metrics

        monkeypatch.setattr(Training, "run_epoch", run_epoch)
        return done

    return plan


@pytest.fixture
def bucket(aws_endpoint, monkeypatch):
    """A bucket's URL; credentials and endpoint come from the usual environment.

    Mark what uses it xdist_group("ray").
    """
    fsspec = pytest.importorskip("fsspec")
    s3fs = pytest.importorskip("s3fs", reason="needs the s3 extra")

    for name, value in {"AWS_ENDPOINT_URL": aws_endpoint, **CREDENTIALS}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    s3fs.S3FileSystem.clear_instance_cache()
    name = f"bucket-{time.monotonic_ns()}"
    fsspec.filesystem("s3").mkdir(name)
    return f"s3://{name}/some/prefix"
