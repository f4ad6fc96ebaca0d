"""What a page says, as text: every block that a person reads as a sentence."""

from html.parser import HTMLParser

_BLOCKS = {"h1", "h3", "li", "p", "caption", "figcaption", "th", "td"}


class _Reader(HTMLParser):
    """`blocks`: (tag, class, text) in the order of the page; cells of tables only in a column of verdicts."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[tuple[str, str, str]] = []
        self._open: list[tuple[str, str, list[str]]] = []
        self._heads: list[str] = []
        self._column = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "thead":
            self._heads = []
        if tag == "tr":
            self._column = 0
        if tag == "small" and self._open:
            self._open[-1][2].append(" — ")
        if tag in _BLOCKS:
            self._open.append((tag, dict(attrs).get("class") or "", []))

    def handle_data(self, data: str) -> None:
        if self._open:
            self._open[-1][2].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _BLOCKS:
            return
        kind, css, parts = self._open.pop()
        text = " ".join("".join(parts).split()).removesuffix(" —")
        if kind == "th":
            self._heads.append(text)
        elif kind == "td":
            self._column += 1
            if self._heads[self._column - 1] == "Verdict":
                self.blocks.append((kind, css, text))
        elif text:
            self.blocks.append((kind, css, text))


def blocks(html: str) -> list[tuple[str, str, str]]:
    """(tag, class, text) of the headline, headings, facts, paragraphs, captions and verdicts of `html`."""
    reader = _Reader()
    reader.feed(html)
    return reader.blocks
