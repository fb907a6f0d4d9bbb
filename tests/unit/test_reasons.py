"""Messages of errors in the languages of the studio."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import soundclone
from soundclone.api.studio import reasons
from soundclone.api.studio.reasons import LOCALE, Sentence, sentence

SOURCE = Path(soundclone.__file__).parent

# Modules whose messages no page of the studio shows.
ELSEWHERE = (
    "api/app.py",  # bodies of the API
    "api/conversation/",
    "api/elevenlabs/",
    "api/files.py",  # downloads by link
    "api/fronts/",
    "api/history.py",
    "api/hosts.py",  # before a page is found
    "api/middleware.py",
    "api/minimax/",
    "api/openai/",
    "api/sockets.py",
    "api/unmatched.py",
    "cli/",
    "client/",
    "client.py",
    "core/client_voice_ids.py",
    "core/consents.py",
    "core/history.py",
    "core/numbered_files.py",
    "db/",  # at the start
    "jobs/doctor.py",
    "jobs/relocation.py",  # of a command
    "jobs/serializer.py",
    "jobs/sweep.py",
    "weights/download.py",  # of `soundclone models`
    "weights/pocket_config.py",
    "storage.py",  # at the start, and downloads by link
)
# Functions that return messages, or parts of one, instead of raising them.
RETURNING = ("fault", "describe_other", "_malformed", "_reason")


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        yield path.relative_to(SOURCE).as_posix(), ast.parse(path.read_text("utf-8"))


@cache
def errors() -> frozenset[str]:
    """Names of the classes of the tree of errors, with the decoder's own."""
    classes = {
        node.name: [ast.unparse(base).rpartition(".")[2] for base in node.bases]
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {"SoundcloneError", "MediaRejected"}
    while more := {name for name, bases in classes.items() if found & set(bases)} - found:
        found |= more
    return frozenset(found)


def template(node: ast.expr) -> str:
    """The text of an expression, with {} for each value in it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(map(template, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return template(node.left) + template(node.right)
    return "{}"


def messages() -> dict[str, str]:
    """Return the templates of the messages that a page may show, with their places."""
    found = {}
    for module, tree in trees():
        if module.startswith(ELSEWHERE):
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.expr | ast.stmt):
                continue
            expressions: list[ast.expr] = []
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func).rpartition(".")[2]
                if name in errors():
                    expressions = node.args[1:2] if name == "MediaRejected" else node.args[:1]
                    expressions += [each.value for each in node.keywords if each.arg == "logged"]
                elif ast.unparse(node.func) in ("warnings.append", "advice.append", "refuse"):
                    expressions = node.args[:1]
            elif isinstance(node, ast.FunctionDef) and node.name in RETURNING:
                expressions = [
                    each.value
                    for each in ast.walk(node)
                    if isinstance(each, ast.Return) and each.value is not None
                ]
            elif isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "_MAGIC":
                # Names of file types that are not recordings.
                assert isinstance(node.value, ast.Tuple)
                expressions = [row.elts[1] for row in node.value.elts if isinstance(row, ast.Tuple)]
            for each in expressions:
                branches = [each.body, each.orelse] if isinstance(each, ast.IfExp) else [each]
                for text in map(template, branches):
                    if any(character.isalpha() for character in text.replace("{}", "")):
                        found[text] = f"{module}:{node.lineno}"
    return found


def test_every_message_has_a_translation() -> None:
    """Add the missing ones to api/studio/locale/zh.reasons.json."""
    known = json.loads((LOCALE / "zh.reasons.json").read_text("utf-8"))
    assert {text: place for text, place in messages().items() if text not in known} == {}


def test_translations_have_the_values_of_their_template() -> None:
    for source, target in json.loads((LOCALE / "zh.reasons.json").read_text("utf-8")).items():
        values = [f"\u2039{number}\u203a" for number in range(source.count("{}"))]
        translated = reasons.translated("zh", source.format(*values))
        assert translated is not None
        assert translated == target.format(*values)
        assert all(value in translated for value in values), source


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("speech lasts 9.2 s; more than 15 s is needed", "说话时长 9.2 秒；需要 15 秒以上。"),
        ("fileUrl is missing", "缺少 fileUrl。"),
        (
            "fileUrl is missing; it is the public http(s) URL of a recording",
            "缺少 fileUrl；应为 录音的公开 http(s) 网址。",
        ),
        (
            "https://a.example/x redirects, and port 22 is not taken; 80, 443 or 1024 to 65535 is "
            "needed",
            "https://a.example/x 重定向后：不支持端口 22；须为 80、443 或 1024 至 65535。",
        ),
        (
            "the file is an HTML page; a recording is needed: mp3, wav",
            "文件是网页；需要录音：mp3, wav。",
        ),
    ],
)
def test_messages_in_chinese(message: str, shown: str) -> None:
    assert sentence("zh", message) == Sentence(shown, "zh")


def test_a_message_without_a_translation_stays_english() -> None:
    assert sentence("zh", "nobody has translated this") == Sentence(
        "Nobody has translated this.", "en"
    )
    assert sentence("zh", "speech lasts " + "x" * 10_000).language == "en"
