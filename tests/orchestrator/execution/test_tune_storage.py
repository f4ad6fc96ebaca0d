"""Where Tune keeps its own state, without a Ray."""

import pytest

from orchestrator.execution.tune_storage import fresh_storage
from orchestrator.results.lock import Lock
from orchestrator.results.store import Store


def test_a_disk_is_written_by_who_holds_it_alone(tmp_path):
    folder = tmp_path / "out"
    store = Store(str(folder))
    store.declare("x", [])
    with Lock(store.files, "x") as lock:
        path, fs = fresh_storage(str(folder), lock.token)
        fs.create_dir(f"{path}/tune/turn-1")
        with fs.open_output_stream(f"{path}/tune/state.json") as file:
            file.write(b"1")
    assert (folder / ".ray/tune/state.json").read_bytes() == b"1"
    for write in (
        lambda: fs.create_dir(f"{path}/more"),
        lambda: fs.open_output_stream(f"{path}/tune/state.json"),
    ):
        with pytest.raises(OSError, match="another run took it over"):
            write()
    folder.rename(tmp_path / "away")
    with pytest.raises(OSError, match="the results folder is gone"):
        fs.create_dir(f"{path}/tune")
    assert not folder.exists()


def test_a_url_that_tune_does_not_know(tmp_path):
    """As of FTP and SFTP: read by fsspec, as the results are."""
    path, fs = fresh_storage(f"memory://{tmp_path.name}/x", None)
    fs.create_dir(f"{path}/tune")
    with fs.open_output_stream(f"{path}/tune/state.json") as file:
        file.write(b"1")
    assert Store(f"memory://{tmp_path.name}/x").files.read(".ray/tune/state.json") == b"1"
    assert fresh_storage(f"memory://{tmp_path.name}/x", None)[0] == path
    assert not Store(f"memory://{tmp_path.name}/x").files.exists(".ray/tune/state.json")


@pytest.mark.parametrize("where", ["disk", "memory"])
def test_pickles_come_to_nothing(tmp_path, where):
    url = str(tmp_path) if where == "disk" else f"memory://{tmp_path.name}/y"
    path, fs = fresh_storage(url, None)
    fs.create_dir(f"{path}/tune/turn-1")
    for name in ("params.pkl", "error.pkl", "params.json"):
        with fs.open_output_stream(f"{path}/tune/turn-1/{name}") as file:
            file.write(b"1")
    assert Store(url).files.names(".ray/tune/turn-1") == {"params.json"}
