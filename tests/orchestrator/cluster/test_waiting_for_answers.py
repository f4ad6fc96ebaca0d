"""How long a machine of the cluster is waited for, without a Ray: what is asked of it is a stand-in."""

import pytest

calibration = pytest.importorskip("orchestrator.cluster.calibration")
from ray.exceptions import RayTaskError  # noqa: E402


@pytest.fixture
def ray(monkeypatch):
    """A task that has answered when it has been looked at as often as `after` says; `cancelled`: those that
    were."""

    class Ray:
        after, looks, cancelled, fails = 3, 0, [], None

        def wait(self, tasks, timeout):
            self.looks += 1
            return (tasks, []) if self.looks >= self.after else ([], tasks)

        def get(self, task):
            if self.fails:
                raise self.fails
            return f"{task}: answered"

        def cancel(self, task, force):
            self.cancelled.append(task)

    found = Ray()
    found.cancelled = []
    monkeypatch.setattr(calibration, "ray", found)
    return found


def test_the_answer_is_waited_for(ray):
    assert calibration._answer("task", 60, calibration.nobody) == "task: answered"
    assert ray.cancelled == []


def test_what_takes_too_long_is_cancelled(ray):
    with pytest.raises(TimeoutError, match="no answer within 0 s"):
        calibration._answer("task", 0, calibration.nobody)
    assert ray.cancelled == ["task"]


def test_ctrl_c_ends_it_at_once_and_cancels_it(ray):
    ray.after = 10**9

    def interrupted():
        if ray.looks == 2:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        calibration._answer("task", 60, interrupted)
    assert ray.cancelled == ["task"]
    with pytest.raises(RuntimeError, match="the run was ended"):
        calibration._answer("other", 60, lambda: True)
    assert ray.cancelled == ["task", "other"]


def test_what_goes_wrong_there_is_told_as_it_was_there(ray):
    """And not with a traceback before it."""
    cause = RuntimeError("the GPU of the machine that was asked cannot be used")
    ray.fails = RayTaskError("_climb", "a traceback\nof many lines", cause).as_instanceof_cause()
    with pytest.raises(RuntimeError) as error:
        calibration._answer("task", 60, calibration.nobody)
    assert error.value is cause


def test_a_node_whose_gpu_does_not_work_is_told_before_anything_is_timed(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr(calibration, "receive", lambda sent: None)
    with pytest.raises(RuntimeError, match="cannot be used"):
        calibration._there(None, "cuda", calibration.climb_here)
    calibration._begin(None, "cpu")
