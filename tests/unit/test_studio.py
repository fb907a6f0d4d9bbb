"""The studio's sessions and texts, without a browser."""

from __future__ import annotations

import json
import re
import string
import time
from pathlib import Path

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from soundclone import errors
from soundclone.api.studio import reasons, rendering, session
from soundclone.api.studio.actions import printable, studio_path
from soundclone.api.studio.rendering import STUDIO, localise, page_language, strings
from soundclone.api.studio.session import Ticket
from soundclone.text.languages import LANGUAGES

SECRETS = [b"a secret of the tests"]
TEMPLATES = sorted((STUDIO / "templates").rglob("*.html"))


def test_a_session_is_read_as_it_was_written() -> None:
    ticket = Ticket("0" * 32, int(time.time()) + 100)
    assert session.read(SECRETS, session.write(SECRETS, ticket)) == ticket
    assert session.read([b"another secret"], session.write(SECRETS, ticket)) is None
    over = Ticket(ticket.id, int(time.time()) - 1)
    assert session.read(SECRETS, session.write(SECRETS, over)) is None


@given(st.integers(0, 150), st.characters(codec="latin-1"))
def test_an_altered_session_is_none(position: int, character: str) -> None:
    cookie = session.write(SECRETS, Ticket("0" * 32, 2**31))
    altered = cookie[:position] + character + cookie[position + 1 :]
    assert session.read(SECRETS, altered) is None or altered == cookie


@given(st.text())
def test_any_cookie_can_be_read(cookie: str) -> None:
    assert session.read(SECRETS, cookie) is None


def test_tokens_belong_to_one_session() -> None:
    assert session.token(SECRETS, "a") == session.token(SECRETS, "a")
    assert session.token(SECRETS, "a") != session.token(SECRETS, "b")
    assert session.token(SECRETS, "a") not in session.write(SECRETS, Ticket("a", 2**31))


def test_both_languages_say_the_same_things() -> None:
    english, chinese = strings("en"), strings("zh")
    assert list(english) == list(chinese)
    for key in english:
        assert english[key].strip()
        assert chinese[key].strip()
        assert _fields(english[key]) == _fields(chinese[key]), key


def _fields(text: str) -> set[str | None]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}


def test_the_catalogue_has_what_pages_ask_for() -> None:
    known = strings("en")
    for template in TEMPLATES:
        for key in re.findall(r'\bt\("([^"]+)"\s*[,)]', template.read_text()):
            assert key in known, f"{template.name}: {key}"
    for script in (STUDIO / "static").glob("*.js"):
        for key in re.findall(r'\bt\("([^"]+)"\s*[,)]', script.read_text()):
            assert f"js.{key}" in known, f"{script.name}: {key}"
    for language in LANGUAGES:
        assert f"language.{language}" in known


def test_every_error_has_a_name() -> None:
    def words(kind: type[errors.SoundcloneError]) -> set[str]:
        return {kind.word}.union(*map(words, kind.__subclasses__()))

    here = {word for word in words(errors.SoundcloneError) if "." not in word}
    ours = {kind.word for kind in vars(errors).values() if hasattr(kind, "word")}
    for word in (here & ours) - {"payment_required"}:
        assert f"error.{word}" in strings("en"), word


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_bare_text(template: Path) -> None:
    """Templates take all their text from the locale files."""
    source = template.read_text()
    source = re.sub(r"<code>[^<{]*</code>", "", source)  # a command has no translation
    source = re.sub(r"{%.*?%}|{{.*?}}|{#.*?#}", "", source, flags=re.S)
    for attribute in re.findall(
        r'(?<![:\w])(?:title|alt|placeholder|aria-label)="([^"]*)"', source
    ):
        assert not re.search(r"[A-Za-z]{2}", attribute) or attribute.startswith(("https:", "sk_"))
    # An attribute of Alpine may contain a character that looks like the end of its tag.
    bare = re.sub(r"<(\"[^\"]*\"|'[^']*'|[^<>\"'])*>", "", source)
    assert not re.search(r"[^\W\d_]", bare.replace("&amp;", "")), bare.split()


def test_sizes_and_distances_come_from_the_scale() -> None:
    style = (STUDIO / "static" / "studio.css").read_text()
    used = set(re.findall(r"var\((--[\w-]+)\)", style))
    assert used <= set(re.findall(r"^ +(--[\w-]+):", style, re.M))
    rules = re.findall(r"(?<![\w-])((?:font-size|gap|(?:margin|padding)[\w-]*): [^;}]+)", style)
    own = [rule for rule in rules if "rem" in rule and rule != "font-size: 1rem"]
    assert own == []
    assert "prefers-reduced-motion: reduce" in style


def test_values_are_escaped_and_markup_is_not() -> None:
    said = localise("en", "voice.expires", when=Markup("<time>soon</time>"))
    assert said == "Expires <time>soon</time> unless you use it first."
    assert rendering.credits(1_204_500_000) == "1,204.5"
    assert rendering.credits(0) == "0"
    assert rendering.note("zh", "5 of 12 characters were sent") == "已发送 12 个字符中的 5 个"
    assert rendering.note("zh", "invoice 7") == rendering.note("en", "invoice 7") == "invoice 7"
    assert rendering.credits(22_600) == "0.0226"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("de,en;q=0.7,zh;q=0.9", "zh"),
        ("fr", "en"),
        ("en;q=0.1, zh;q=nonsense", "zh"),
        ("zh-TW,zh;q=0.9,en-US;q=0.8,en;q=0.7", "en"),
        ("zh-HK,zh-CN;q=0.5", "zh"),
        ("zh-TW", "en"),
        ("zh-Hant-HK,fr;q=0.9", "en"),
        ("zh-Hans-HK", "zh"),
        ("zh-SG", "zh"),
    ],
)
def test_the_browsers_language(accepted: str, language: str) -> None:
    assert page_language(_request(accepted)) == language


def test_the_switch_comes_first() -> None:
    assert page_language(_request("zh", b"lang=en")) == "en"
    assert page_language(_request("zh", cookie="soundclone_language=en")) == "en"
    assert page_language(_request("zh", b"lang=xx", "soundclone_language=../etc")) == "zh"


def _request(accepted: str, query: bytes = b"", cookie: str = "") -> Request:
    headers = [(b"accept-language", accepted.encode()), (b"cookie", cookie.encode())]
    return Request({"type": "http", "headers": headers, "query_string": query})


@pytest.mark.parametrize(
    ("target", "page"),
    [
        ("/studio/voices", "/studio/voices"),
        ("/studio", "/studio"),
        ("https://example.com", "/studio"),
        ("//example.com/studio", "/studio"),
        ("/studio/../files", "/studio"),
        ("/studio\n/x", "/studio"),
        ("", "/studio"),
    ],
)
def test_after_signing_in_one_stays_here(target: str, page: str) -> None:
    assert studio_path(target) == page


def test_lines_are_printable() -> None:
    assert printable(" An\x00na\n ") == "Anna"


def test_the_scripts_texts_are_valid_json() -> None:
    for language in rendering.LANGUAGES:
        path = STUDIO / "locale" / f"{language}.json"
        assert json.loads(path.read_text("utf-8")).items() <= strings(language).items()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("One. <#1#> Two.\n\nThree.", "One. Two. Three."),
        ("", ""),
        ("word " * 30, "word " * 17 + "word…"),
        ("a " * 10 + "x" * 200, "a " * 10 + "x" * 70 + "…"),
        ("x" * 84 + " word. And more", "x" * 84 + " word…"),
        ("\u4e2d" * 200, "\u4e2d" * 90 + "…"),
    ],
)
def test_excerpts_end_between_words(text: str, shown: str) -> None:
    assert rendering.excerpt(text) == shown


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("the API key is not complete", "The API key is not complete."),
        ("fileUrl is missing", "fileUrl is missing."),
        ("'glad' is no emotion", "'glad' is no emotion."),
        ("Done.", "Done."),
        ("", ""),
    ],
)
def test_messages_are_shown_as_sentences(message: str, shown: str) -> None:
    assert reasons.sentence("en", message) == reasons.Sentence(shown, "en")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (22.65, "22.6 s"),
        (30.0, "30 s"),
        (59.97, "1:00"),
        (248.32, "4:08"),
        (3725, "1:02:05"),
    ],
)
def test_durations(seconds: float, shown: str) -> None:
    assert rendering.duration(seconds, "en") == shown
