"""A sweep of two packs to be disturbed, and the numbers that it must end with all the same."""

import pytest

from model.training.training import Training
from orchestrator.run import main
from tests.helpers.numbers_of import numbers
from tests.helpers.tiny import TWO_PACKS

TRIALS = 6


@pytest.fixture(scope="session")
def command(tmp_path_factory, images):
    grid = tmp_path_factory.mktemp("grid") / "tiny.yaml"
    grid.write_text(TWO_PACKS)
    return ["--grid", str(grid), "--data-dir", str(images), "--executor", "inline", "--pack", "3"]


@pytest.fixture(scope="session")
def undisturbed(command, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    assert main([*command, "--results", str(folder)]) == 0
    found = numbers(folder)
    assert len(found) == TRIALS
    return found


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
