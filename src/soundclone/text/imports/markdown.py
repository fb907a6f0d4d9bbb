"""Markdown: headings and the words of the text, without its markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from .document import Block, Document, by_headings, one_line, paragraph, refuse

_HEAD = re.compile(r"\A---\n(.*?)\n(?:---|\.\.\.)\n", re.DOTALL)
_FIELD = re.compile(r"^(title|author|lang|language)\s*:\s*(.+)$", re.MULTILINE)
MOST = 5_000_000  # characters


def read(text: str) -> Document:
    """Read Markdown (CommonMark with tables). Blocks of code, pictures and HTML are left out."""
    if len(text) > MOST:
        raise refuse(f"it has {len(text):,} characters; at most {MOST:,} are allowed")
    head = _HEAD.match(text)
    fields: dict[str, str] = {}
    if head:
        fields = {name: value.strip().strip("\"'") for name, value in _FIELD.findall(head[1])}
        text = text[head.end() :]
    tokens = MarkdownIt("commonmark", {"maxNesting": 40}).enable("table").parse(text)
    blocks = list(_blocks(tokens))
    title, chapters = by_headings(blocks) if blocks else ("", ())
    return Document(
        chapters,
        title=fields.get("title", "") or title,
        author=fields.get("author", ""),
        language=fields.get("lang", "") or fields.get("language", ""),
    )


def _blocks(tokens: Sequence[Token]) -> Iterator[Block]:
    level = 0
    cells: list[str] | None = None
    for token in tokens:
        if token.type == "heading_open":
            level = int(token.tag[1:])
        elif token.type == "heading_close":
            level = 0
        elif token.type == "tr_open":
            cells = []
        elif token.type == "tr_close":
            if cells:
                yield Block(", ".join(cells))
            cells = None
        elif token.type == "inline":
            words = paragraph(_words(token.children or ()))
            if not words:
                continue
            if cells is not None:
                cells.append(one_line(words))
            else:
                yield Block(one_line(words) if level else words, level)


def _words(tokens: Sequence[Token]) -> str:
    found: list[str] = []
    for token in tokens:
        if token.type in ("text", "code_inline"):
            found.append(token.content)
        elif token.type == "softbreak":
            found.append(" ")
        elif token.type == "hardbreak":
            found.append("\n")
    return "".join(found)
