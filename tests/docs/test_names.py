"""Names in pages exist: settings, commands with their options, and linked files."""

from __future__ import annotations

import ast
import re
import shlex
from typing import Any

import pytest
import typer.main

from soundclone.cli import app
from soundclone.config import Settings

from .pages import ROOT, Page, pages

CLIENT = {"SOUNDCLONE_API_KEY", "SOUNDCLONE_BASE_URL"}
BROWSERS = {"SOUNDCLONE_CHROMIUM", "SOUNDCLONE_FIREFOX"}
SETTINGS = {f"SOUNDCLONE_{name.upper()}" for name in Settings.model_fields} | CLIENT | BROWSERS
PAGES = pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
_SETTING = re.compile(r"SOUNDCLONE_[A-Z0-9_]*[A-Z0-9]")
_COMMAND = re.compile(r"(?:^|[`$(]|\s&&\s|bin/)soundclone ([a-z][^`|>&\n)]*)", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)|src=\"([^\"]+)\"")


@PAGES
def test_settings_exist(page: Page) -> None:
    text = page.path.read_text("utf-8")
    assert set(_SETTING.findall(text)) <= SETTINGS


@PAGES
def test_commands_and_options_exist(page: Page) -> None:
    text = page.path.read_text("utf-8").replace("\\\n", " ")
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    quoted = re.findall(r"`(soundclone [^`]+)`", prose)
    blocks = [
        block.text for block in page.blocks if block.language in ("sh", "") and not block.hidden
    ]
    for line in [*quoted, *blocks]:
        for match in _COMMAND.finditer(line.replace("\\\n", " ")):
            _check(match[1].partition(" #")[0], page.name)


def _check(line: str, page: str) -> None:
    """The command and the options of a line after `soundclone`. Stops at a placeholder."""
    try:
        words = shlex.split(line)
    except ValueError:
        return
    command: Any = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        name = words.pop(0)
        if name == "COMMAND":
            return
        assert name in command.commands, f"{page}: there is no `soundclone {line.strip()}`"
        command = command.commands[name]
    known = {"--help", "-h"}
    for parameter in command.params:
        known |= {*parameter.opts, *parameter.secondary_opts}
    for word in words:
        if re.fullmatch(r"--?[a-z][\w-]*", word):
            assert word in known, f"{page}: `soundclone {line.strip()}` has no {word}"


@PAGES
def test_links_lead_somewhere(page: Page) -> None:
    text = re.sub(r"```.*?```|`[^`\n]+`", "", page.path.read_text("utf-8"), flags=re.DOTALL)
    for link in ("".join(match) for match in _LINK.findall(text)):
        if re.match(r"[a-z]+:", link):
            continue
        target = (page.path.parent / link).resolve()
        made = target.parent == ROOT / "docs" / "reference" or target.name == "contributing.md"
        assert made or target.exists(), f"{page.name} links to {link}"


def test_quoted_messages_exist() -> None:
    text = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    quoted = [each for row in rows for each in re.findall("“([^”]+)”", row.split(" | ")[0])]
    assert len(quoted) > 15
    known = _messages()
    for message in quoted:
        pattern = ".*".join(map(re.escape, message.split("…")))
        assert re.search(pattern, known), f"nothing in the source says “{message}”"


def _messages() -> str:
    """Return the strings of the source, one a line, with … for every value that is filled in."""
    lines = [(ROOT / "scripts" / "setup").read_text("utf-8")]
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "clients").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [
                    each.value if isinstance(each, ast.Constant) else "…" for each in node.values
                ]
                lines.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                lines.append(node.value)
    return "\n".join(line.replace("\n", " ") for line in lines)
