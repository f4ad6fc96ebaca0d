"""What an axis does in a figure, in words."""

from analysis.stats.axes import word
from analysis.stats.panel import Panel
from analysis.words.names import sentence_case
from analysis.words.numbers import listed


def along_sentence(panel: Panel) -> str:
    """“Learning rate goes with batch size: …”; empty where nothing does."""
    names = panel.roles.along
    if not names:
        return ""
    goes = "goes" if len(names) == 1 else "go"
    return (
        f"{sentence_case(listed([word(name) for name in names]))} {goes} with {panel.x.word} and line as the "
        "study declares it, so what is seen may be due to either; the table of cells has the values."
    )
