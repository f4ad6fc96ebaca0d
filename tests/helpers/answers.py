"""What networks were found to answer, as it lies in a sweep's folder."""

from pathlib import Path

#: All statistics by which they are asked.
ALL = "population,batch,precise"


def written(folder: Path) -> dict[str, bytes]:
    """Every evaluation, by its name in the folder; not the labels beside."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.glob("evaluations/*/*.json")}
