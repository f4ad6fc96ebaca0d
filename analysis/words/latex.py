"""A table for a LaTeX document."""

from collections.abc import Sequence

_TEX = {"\\": r"\textbackslash{}", "–": "--", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_TEX |= {"−": "$-$", "±": r"$\pm$", "<": "$<$", ">": "$>$", "’": "'"}
_TEX |= {char: f"\\{char}" for char in "&%$#_{}"}


def escaped(text: str) -> str:
    """`text` as LaTeX sets it, whatever is in it."""
    return "".join(_TEX.get(char, char) for char in text)


def tabular(head: Sequence[str], body: Sequence[Sequence[str]], numeric: Sequence[int]) -> str:
    """A tabular for booktabs. `numeric`: for each column, 1 where it is of numbers, 0 where of words."""
    columns = "".join("l" if i < 1 else "r" for i in numeric)
    lines = ["% needs \\usepackage{booktabs}", f"\\begin{{tabular}}{{{columns}}}", "\\toprule"]
    lines += [" & ".join(map(escaped, head)) + r" \\", "\\midrule"]
    lines += [" & ".join(map(escaped, row)) + r" \\" for row in body]
    lines += ["\\bottomrule", "\\end{tabular}"]
    return "\n".join(lines) + "\n"
