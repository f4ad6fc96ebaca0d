"""The report in a notebook, below the cell that asks for it."""

from collections.abc import Sequence
from html import escape
from os import PathLike

from analysis.report import build
from analysis.sources.load import Source
from analysis.stats.choices import DEFAULT, Choices
from model.errors import InputError

_HEIGHT = 900  # pixels


class Report:
    """The page of one sweep, or of several side by side; Jupyter shows it inline.

    In a frame, for the page has styles and scripts of its own. The whole page, 1 MB of which most is Plotly,
    lies in the notebook then, and works in it offline.
    """

    def __init__(
        self,
        source: Source,
        *others: Source,
        choices: Choices = DEFAULT,
        axes: Sequence[str] = (),
        height: int = _HEIGHT,
    ) -> None:
        """`source`, `others`: as `analysis.load` takes them; the rest as `analysis.report.build` does.
        `height`: of the frame, in pixels. Raises InputError."""
        self.html = build(source, *others, choices=choices, axes=axes)
        self._height = height

    def save(self, path: str | PathLike[str]) -> None:
        """Write it as a file of its own. Raises InputError."""
        try:
            with open(path, "w", encoding="utf-8") as file:
                file.write(self.html)
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}") from None

    def _repr_html_(self) -> str:
        style = f"width: 100%; height: {self._height}px; border: 0"
        return f'<iframe srcdoc="{escape(self.html)}" style="{style}" title="The report"></iframe>'

    def __repr__(self) -> str:
        return f"Report of {len(self.html):,} characters; .save(path) writes it"
