"""SSML documents as scripts of projects."""

from __future__ import annotations

import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundclone.core.imports import Unit, drafts
from soundclone.core.projects import BlockKind, Draft, Limits, Style
from soundclone.errors import InvalidParameter
from soundclone.text import ssml
from soundclone.text.imports import read_document
from soundclone.text.imports.limited import read_limited
from soundclone.text.imports.ssml import markup

LIMITS = Limits(100, 10_000, 1_000_000)
VOICES = {"model_1": "Anna", "model_2": "Ben", "model_3": "Twin", "model_4": "Twin"}
PLAY = """<?xml version="1.0"?>
<!-- A scene -->
<speak version="1.1" xml:lang="en">
  <p>It was late. <break time="700ms"/> Nobody came.</p>
  <break time="2s"/>
  <voice name="Anna"><prosody rate="80%" volume="-6dB">Who is there?</prosody></voice>
  <voice name="model_2" xml:lang="fr">
    <s>C'est <emphasis>moi</emphasis>.</s>
    <s>Un <phoneme alphabet="ipa" ph="ʃa">chat</phoneme>.</s>
  </voice>
  <p>A &lt; B.</p>
</speak>"""


def imported(document: str, unit: Unit = Unit.SENTENCE) -> list[Draft]:
    return drafts(read_document(document.encode()), unit, LIMITS, VOICES)


def test_a_play() -> None:
    found = imported(PLAY)
    assert [(each.kind, each.text or each.seconds) for each in found] == [
        (BlockKind.TEXT, "It was late."),
        (BlockKind.PAUSE, 0.7),
        (BlockKind.TEXT, "Nobody came."),
        (BlockKind.PAUSE, 2.0),
        (BlockKind.TEXT, "Who is there?"),
        (
            BlockKind.TEXT,
            '<speak>C\'est <prosody rate="94%" pitch="+1st" volume="+1.5dB">moi.</prosody></speak>',
        ),
        (
            BlockKind.TEXT,
            '<speak>Un <phoneme alphabet="ipa" ph="ʃa">chat</phoneme>.</speak>',
        ),
        (BlockKind.TEXT, "A < B."),
    ]
    assert [each.style for each in found[4:]] == [
        Style(voice_id="model_1", speed=0.8, volume=0.501),
        Style(voice_id="model_2", language="French"),
        Style(voice_id="model_2", language="French"),
        Style(),
    ]
    assert [each.is_ssml for each in found] == [False] * 5 + [True, True, False]
    for each in found:
        each.check()


def test_paragraphs_keep_their_pauses() -> None:
    found = imported(PLAY, Unit.PARAGRAPH)
    assert found[0].text == "It was late. <#0.70#> Nobody came."
    assert len(found) == 5


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("<speak>\n <voice name='Carl'>Hi.</voice></speak>", "SSML, line 2, column 2: there is no"),
        ("<speak>Hi.<voice name='Twin'>x</voice></speak>", "column 11: 2 voices are named 'Twin'"),
        ("<speak><voice>Hi.</voice></speak>", "line 1, column 8: <voice> lacks name"),
        ("<speak>\n<foo/></speak>", "SSML, line 2, column 1: <foo> is not supported here; use br"),
        ("<speak>Hi.", "SSML, line 1, column 11: no element found"),
        ("<speak><break/></speak>", "it has no text"),
        ("<speak>" + "x" * 2_000_000, "at most 2,000,000 are allowed"),
    ],
)
def test_refused(document: str, message: str) -> None:
    with pytest.raises(InvalidParameter) as error:
        imported(document)
    assert message in error.value.message


def test_the_name_of_a_file_decides_too() -> None:
    with pytest.raises(InvalidParameter, match="line 1, column 1: syntax error"):
        read_document(b"Hello.", "play.ssml")


def test_the_child_process_reads_ssml() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(PLAY.encode())
        found = read_limited(file, "play.ssml")
    assert (found.ssml, found.language) == (PLAY, "en")
    assert found.chapters[0].paragraphs[0].startswith("It was late.")


TOKENS = ["<p>", "</p>", "<voice name='Anna'>", "</voice>", "one", ". ", "Two! ", "<break/>", "\n"]
TOKENS += [
    "<emphasis>",
    "</emphasis>",
    "<phoneme alphabet='ipa' ph='a'>b</phoneme>",
    "&lt;",
    "&amp;",
]
TOKENS += ["<lang xml:lang='fr'>", "</lang>", "<prosody rate='slow'>", "</prosody>", "你好。"]


@given(st.lists(st.sampled_from(TOKENS), max_size=14), st.sampled_from(list(Unit)))
def test_no_word_is_lost(tokens: list[str], unit: Unit) -> None:
    document = f"<speak>{''.join(tokens)}</speak>"
    try:
        found = imported(document, unit)
    except InvalidParameter:
        return
    spoken = "".join(
        ssml.parse(each.text, "v2").text if each.is_ssml else each.text for each in found
    )
    for word in ("one", "Two", "b", "你好"):
        plain = ssml.parse_play(document, "v2", ssml.SCRIPT).marked.text
        assert spoken.count(word) == plain.count(word)


@given(st.lists(st.sampled_from([t for t in TOKENS if "voice" not in t]), max_size=14))
def test_markup_is_read_back(tokens: list[str]) -> None:
    try:
        marked = ssml.parse(f"<speak>{''.join(tokens)}</speak>", "v2")
    except InvalidParameter:
        return
    line = marked.text.split("\n")[0].strip()
    if "\n" in marked.text or marked.text != line:
        return
    assert ssml.parse(markup(marked), "v2") == marked
