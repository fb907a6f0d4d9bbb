"""Functions that make Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Format a table. Escape bars and line ends in its cells."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        lines.append("| " + " | ".join(_cell(each) for each in row) + " |")
    return "\n".join(lines) + "\n"


def code(text: object) -> str:
    """Return text as code, nothing for an empty text."""
    return f"`{text}`" if text not in (None, "") else ""


def block(language: str, text: str) -> str:
    """Return a block of code."""
    return f"```{language}\n{text.rstrip()}\n```\n"


def _cell(value: object) -> str:
    return " ".join(str(value).replace("|", "\\|").split())
