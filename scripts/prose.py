"""List docstrings, comments and Markdown sentences that are hard to read.

Without arguments, compare the share of findings in the source and in the documentation with the
limits below. With paths, list the findings in these. Read only files that git tracks, and no
vendored ones. A finding is a place to rewrite or to judge: the limits leave room for exceptions.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LONGEST_SENTENCE = 32  # words
SHORTEST_TEXT = 12  # characters; shorter comments and sentences are labels
EXCERPT = 100  # characters of a finding that are printed


@dataclass(frozen=True)
class Limit:
    """The largest share of hard places among all places of some paths."""

    name: str
    paths: tuple[str, ...]
    share: float


LIMITS = (
    Limit("source", ("src", "clients/python/src"), 0.02),
    Limit(
        "documentation",
        (
            "docs",
            "README.md",
            "clients/python/README.md",
            "CONTRIBUTING.md",
            "CODE_OF_CONDUCT.md",
            "SECURITY.md",
        ),
        0.03,
    ),
)

# A docstring that opens with one of these describes its subject in a clause, not by a noun or verb.
_OPENERS = (
    *("what", "which", "how", "whether", "who", "whose", "where", "of", "by", "as", "those"),
    *("that which", "the one", "one that", "the same", "with what", "so that"),
)
_OPENER = re.compile(rf"({'|'.join(_OPENERS)})\b(?! to\b)", re.IGNORECASE)

# Homely phrases, and relative clauses in place of a noun.
_PHRASES = (
    r"(?:is|are|was|were) (?:said|told|settled|meant|heard of|called off|brought to|known by)",
    r"(?:is|are|was|were) (?:asked for|to be had|gone by)",
    r"of (?:theirs|ours|hers|his own|its own|their own|one's own)",
    r"(?:by|of|from|for) what",
    r"goes? (?:by|with)",
    r"in (?:its|their) turn",
    r"for want of",
    r"so much as",
    r"will not do",
    r"all the same",
    r"whoever|whatever|whichever",
)
_PHRASE = re.compile(rf"\b(?:{'|'.join(_PHRASES)})\b", re.IGNORECASE)

_DIRECTIVE = re.compile(r"#\s*(?:noqa|type:|fmt:|pragma|mypy:|ruff:|!)")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_ITEM = re.compile(r"\s*(?:[-*+]|\d+\.)\s+")
_SECTION_ENTRY = re.compile(r"\s+[*\w.]+(?: \([^)]*\))?: \S|(?:Args|Returns|Raises|Yields|Note):$")
_SENTENCE_END = re.compile(r"(?<=[.!?])[)”\"']*\s+")


@dataclass(frozen=True)
class Place:
    """A docstring, a comment or a sentence, with the line on which it begins."""

    line: int
    sentences: tuple[str, ...]
    docstring: bool = False


@dataclass(frozen=True)
class Finding:
    """A place that is hard to read, and the first reason."""

    path: str
    line: int
    reason: str
    excerpt: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}: {self.excerpt}"


def split_sentences(text: str) -> tuple[str, ...]:
    """Split running text into sentences, with single spaces between the words."""
    return tuple(part for part in _SENTENCE_END.split(" ".join(text.split())) if part)


def split_docstring(text: str) -> tuple[str, ...]:
    """Split a docstring into sentences. Blank lines, list items and entries of sections end one.

    An indented block after a line that ends with a colon is an example, and is left out.
    """
    sentences: list[str] = []
    introduces_example = False
    for paragraph in re.split(r"\n[ \t]*\n", text):
        lines = paragraph.splitlines()
        if introduces_example and all(line.startswith("    ") for line in lines):
            continue
        introduces_example = lines[-1].rstrip().endswith(":")
        block: list[str] = []
        for line in lines:
            if _ITEM.match(line) or _SECTION_ENTRY.match(line):
                sentences += split_sentences(" ".join(block))
                block = []
            block.append(line)
        sentences += split_sentences(" ".join(block))
    return tuple(sentences)


def docstrings(source: str) -> Iterator[Place]:
    """Yield the docstrings of a module and of its classes and functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield Place(node.body[0].lineno, split_docstring(text), docstring=True)


def comments(source: str) -> Iterator[Place]:
    """Yield comments. Whole-line comments on consecutive lines are one place."""
    block: list[str] = []
    start = previous = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or _DIRECTIVE.match(token.string):
            continue
        line, column = token.start
        whole_line = not token.line[:column].strip()
        if block and not (whole_line and line == previous + 1):
            yield Place(start, split_sentences(" ".join(block)))
            block = []
        if not block:
            start = line
        block.append(token.string.lstrip("# "))
        previous = line if whole_line else 0
    if block:
        yield Place(start, split_sentences(" ".join(block)))


def markdown(source: str) -> Iterator[Place]:
    """Yield the sentences of paragraphs, list items, headings and table cells."""
    block: list[str] = []
    start = 0
    for number, line in _visible_lines(source):
        ends_block = not line.strip() or line.startswith(("#", "|", "<", "![")) or _ITEM.match(line)
        if ends_block:
            yield from _sentence_places(start, " ".join(block))
            block = []
        if line.startswith("|"):
            for cell in line.strip("| ").split(" | "):
                yield from _sentence_places(number, cell)
        elif line.strip() and not line.startswith(("<", "![")):
            start = start if block else number
            block.append(_ITEM.sub("", line, count=1).lstrip("#> "))


def _visible_lines(source: str) -> Iterator[tuple[int, str]]:
    """Yield numbered lines and one empty line, with fenced blocks and HTML comments blanked."""
    fenced = commented = False
    for number, line in enumerate([*source.splitlines(), ""], 1):
        fence = not commented and bool(_FENCE.match(line))
        commented = commented or (not fenced and line.lstrip().startswith("<!--"))
        yield number, "" if fence or fenced or commented else line
        fenced ^= fence
        commented = commented and "-->" not in line


def _sentence_places(line: int, text: str) -> Iterator[Place]:
    """Yield a place for each sentence of a piece of Markdown."""
    for sentence in split_sentences(_plain(text)):
        yield Place(line, (sentence,))


def _plain(text: str) -> str:
    """Replace links by their text and code by one word."""
    return re.sub(r"`[^`]*`", "code", re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", text))


def first_reason(place: Place) -> str | None:
    """Return why a place is hard to read, or None."""
    if place.docstring and (match := _OPENER.match(place.sentences[0])):
        return f"opens with “{match[0]}”"
    for sentence in place.sentences:
        if match := _PHRASE.search(sentence):
            return f"“{match[0]}”"
        words = len(sentence.split())
        if words > LONGEST_SENTENCE:
            return f"{words} words in one sentence"
    return None


def places(name: str, source: str) -> list[Place]:
    """Return the places of a Python or Markdown file that are long enough to judge."""
    found: Iterable[Place]
    found = markdown(source) if name.endswith(".md") else [*docstrings(source), *comments(source)]
    return [place for place in found if sum(map(len, place.sentences)) >= SHORTEST_TEXT]


def check(root: Path, paths: Iterable[str]) -> tuple[list[Finding], int]:
    """Return the findings in the tracked files below some paths, and the number of places."""
    findings = []
    count = 0
    for name in tracked(root, paths):
        for place in places(name, (root / name).read_text("utf-8")):
            count += 1
            if reason := first_reason(place):
                excerpt = " ".join(place.sentences)[:EXCERPT]
                findings.append(Finding(name, place.line, reason, excerpt))
    return findings, count


def tracked(root: Path, paths: Iterable[str]) -> list[str]:
    """Return the tracked Python and Markdown files below some paths, without vendored ones."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *paths],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        name
        for name in listed.stdout.split("\0")
        if name.endswith((".py", ".md")) and "/vendor/" not in name and (root / name).is_file()
    ]


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Print the findings. Return 1 if a limit is exceeded, or with --strict if there are any."""
    parser = argparse.ArgumentParser(prog="scripts/prose", description=__doc__)
    parser.add_argument("--strict", action="store_true", help="fail on any finding in the paths")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="folders and files to list")
    options = parser.parse_args(arguments)
    if options.strict and not options.paths:
        parser.error("--strict needs a path")
    if options.paths:
        findings, count = check(root, options.paths)
        print(*findings, sep="\n", end="\n" if findings else "")
        print(f"{len(findings)} of {count} places are hard to read")
        return int(options.strict and bool(findings))
    exceeded = False
    for limit in LIMITS:
        findings, count = check(root, limit.paths)
        share = len(findings) / count if count else 0.0
        if share > limit.share:
            exceeded = True
            print(*findings, sep="\n")
        print(
            f"{limit.name}: {share:.1%} of {count} places are hard to read; limit {limit.share:.0%}"
        )
    return int(exceeded)


if __name__ == "__main__":
    sys.exit(main())
