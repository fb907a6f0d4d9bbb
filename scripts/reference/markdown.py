"""Markdown that is made by programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Format a table. Escape bars and line ends in its cells."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        lines.append("| " + " | ".join(_cell(each) for each in row) + " |")
    return "\n".join(lines) + "\n"


def code(text: object) -> str:
    """As code; nothing for nothing."""
    return f"`{text}`" if text not in (None, "") else ""


def block(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```\n"


def _cell(value: object) -> str:
    return " ".join(str(value).replace("|", "\\|").split())
