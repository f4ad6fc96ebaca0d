"""Files that are read at once, wherever they lie."""

from orchestrator.results.files import Files


def check_read_at_once(place: str) -> None:
    """An empty file is damaged, a large one is read whole, an absent one is left out. At S3 an empty object
    has no first bytes, which is no storage that fails."""
    files = Files(place, patience=5)
    files.write("empty.json", b"")
    files.write_json("large.json", {"rest": "x" * 3 * 2**20})
    files.write_json("small.json", {"rest": "x"})
    found = files.read_jsons(["empty.json", "large.json", "absent.json", "small.json"])
    assert list(found) == ["empty.json", "large.json", "small.json"]
    assert isinstance(found["empty.json"], ValueError)
    whole = [len(file["rest"]) for file in found.values() if isinstance(file, dict)]
    assert whole == [3 * 2**20, 1]
