"""Voices of a text that several voices speak: their names, their turns and their limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from soundclone.api.studio.reasons import sentence
from soundclone.audio import loudness
from soundclone.core import cast
from soundclone.core.requests import SoundVersion, SpeechRequest
from soundclone.db.models import Voice
from soundclone.engines.selection import BUILTIN, EngineCapability, EngineSelector
from soundclone.errors import InvalidParameter
from soundclone.jobs.assembly import level_gain
from soundclone.jobs.chunks import Chunk, request_groups, speaker_of
from soundclone.text import script, ssml
from soundclone.text.script import Sentence
from soundclone.text.ssml import Play
from tests import rows

ANNA, BOB, TWIN, OTHER = (f"model_{digit * 32}" for digit in "1234")
VOICES = [
    rows.voice("a", id=ANNA, name="Anna"),
    rows.voice("a", id=BOB, name="Bob"),
    rows.voice("a", id=TWIN, name="Twin"),
    rows.voice("a", id=OTHER, name="Twin"),
]
PLAY = f"""<speak>It was late. <break time="1s"/>
  <voice name="Anna">Who is there?</voice>
  <voice name="Bob" xml:lang="fr"><prosody rate="80%">C'est moi.</prosody> Bonsoir.</voice>
  <voice name="{BOB}">Again, Bob.</voice> They laughed.
  <voice name="{ANNA}">And then</voice></speak>"""


def play(document: str) -> Play:
    return ssml.parse_play(document, "v2", ssml.REQUEST)


def turns(document: str, usual: str) -> list[tuple[str, str | None]]:
    """The text of each turn, and its voice."""
    found = play(document)
    each = cast.turns_of(found, cast.cast_of(found, VOICES), usual)
    starts = [turn.start for turn in each]
    ends = [*starts, len(found.marked.text)][1:]
    return [
        (" ".join(found.marked.text[turn.start : end].split()), turn.voice_id)
        for turn, end in zip(each, ends, strict=True)
    ]


def refused(document: str) -> str:
    with pytest.raises(InvalidParameter) as error:
        cast.cast_of(play(document), VOICES)
    assert error.value.param == "contentText"
    return error.value.message


def request_for(document: str, usual: str = TWIN) -> SpeechRequest:
    found = play(document)
    each = cast.turns_of(found, cast.cast_of(found, VOICES), usual)
    return SpeechRequest(
        found.marked.text, SoundVersion.V2, "builtin", spans=found.marked.spans, turns=each
    )


def test_turns() -> None:
    said = [
        ("Who is there?", ANNA),
        ("C'est moi. Bonsoir. Again, Bob.", BOB),
        ("They laughed.", None),
        ("And then", ANNA),
    ]
    assert turns(PLAY, TWIN) == said
    # The voice of the request is no other voice.
    assert turns(PLAY, ANNA)[0] == said[1]
    assert turns(PLAY, BOB) == [
        said[0],
        ("C'est moi. Bonsoir. Again, Bob. They laughed.", None),
        said[3],
    ]
    assert turns("<speak>Hello.<voice name='Anna'> </voice></speak>", TWIN) == []


def test_a_request_keeps_its_turns() -> None:
    request = request_for(PLAY)
    assert SpeechRequest.from_json(request.to_json()) == request
    assert request.voices == (ANNA, BOB)
    assert request.voice_at(0) is None
    assert request.voice_at(request.text.index("Bonsoir")) == BOB
    alone = replace(request, turns=())
    assert "turns" not in alone.to_json()
    assert (alone.voices, alone.voice_at(5)) == ((), None)


@pytest.mark.parametrize("opening", [None, 20])
def test_a_chunk_has_one_voice(opening: int | None) -> None:
    request = request_for(PLAY)
    request = replace(request, options=replace(request.options, opening=opening))
    groups = request_groups(request)
    for group in groups:
        sentences = [piece for piece in group if isinstance(piece, Sentence)]
        assert {request.voice_at(each.offset) for each in sentences} == {speaker_of(request, group)}
    speakers = [speaker_of(request, group) for group in groups]
    merged = [b for a, b in zip([object(), *speakers], speakers, strict=False) if a != b]
    assert merged == [None, ANNA, BOB, None, ANNA]
    # The pieces are the same as those of a text with one voice.
    pieces = [piece for group in groups for piece in group]
    assert tuple(pieces) == script.parse(request.text, edges=request.edges).pieces


def test_voices_are_levelled_alike() -> None:
    def chunk(level: float, voice_id: str | None, seconds: int = 3) -> Chunk:
        return Chunk("", 0, 24_000 * seconds, 24_000, level, (), voice_id)

    chunks = [chunk(-16, None), chunk(-30, ANNA), chunk(-30, ANNA), chunk(-np.inf, BOB, 1)]
    after = [each.loudness + 20 * np.log10(level_gain(each, chunks)) for each in chunks]
    assert after[:3] == pytest.approx([loudness.TARGET] * 3)
    assert np.isfinite(level_gain(chunks[3], chunks))
    assert Chunk.from_json(chunks[1].to_json()) == chunks[1]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("<speak>\n <voice name='Carl'>Hi.</voice></speak>", "line 2, column 2: there is no voice"),
        ("<speak>Hi.<voice name='Twin'>x</voice></speak>", "column 11: 2 voices are named 'Twin'"),
        ("<speak><voice>Hi.</voice></speak>", "line 1, column 8: <voice> lacks name"),
        ("<speak><voice name=' '>Hi.</voice></speak>", "column 8: <voice> lacks name"),
        ("<speak><voice gender='male'>Hi.</voice></speak>", "column 8: attribute 'gender'"),
        (
            "<speak>" + "<voice name='Anna'>a</voice>b" * 251 + "</speak>",
            "the voice changes more than 500 times; send the rest in another request",
        ),
    ],
)
def test_wrong_voices(document: str, said: str) -> None:
    message = refused(document)
    assert message.startswith("SSML, line ")
    assert said in message


def test_a_text_has_twenty_voices() -> None:
    many = [rows.voice("a", id=f"model_{n:032x}", name=f"Voice {n}") for n in range(21)]

    def found(count: int) -> cast.Cast:
        said = "\n".join(f"<voice name='Voice {n}'>Hi.</voice>" for n in range(count))
        return cast.cast_of(play(f"<speak>{said}</speak>"), many)

    assert len(found(20)) == 20
    with pytest.raises(InvalidParameter, match="line 21, column 1: a text has at most 20 voices"):
        found(21)


FRENCHLESS = EngineCapability("tone", ("English",), 50, "")


def check_engines(language: str | None, *voices: Voice, version: str = "v1") -> None:
    found = play("<speak>One.\n<voice name='Anna'>Two.</voice></speak>")
    cast.check_engines(
        cast.cast_of(found, voices),
        "builtin",
        version,
        language,
        selector=EngineSelector(),
        offers=[BUILTIN, FRENCHLESS],
    )


def test_a_text_has_one_engine() -> None:
    other = rows.voice("a", id=ANNA, name="Anna", engine="tone")
    for language in ("English", None):
        with pytest.raises(InvalidParameter) as error:
            check_engines(language, other)
        assert error.value.message == (
            "SSML, line 2, column 1: voice 'Anna' is spoken by 'tone', and this text by 'builtin'; "
            "a text has one engine, send the part in its own request"
        )
    assert sentence("zh", error.value.message).text == (
        "SSML 第 2 行第 1 列：声音 'Anna' 由 'tone' 朗读，而此文本由 'builtin' 朗读；"
        "一段文本只用一个引擎，请单独请求这一部分。"
    )
    # Its engine does not speak French, so a text of its own would have the other engine, too.
    check_engines("French", other)
    # A request that names a version means the engine of that version.
    check_engines("English", other, version="v2")
    check_engines("English", rows.voice("a", id=ANNA, name="Anna"))
    gone = rows.voice("a", id=ANNA, name="Anna", engine="gone")
    with pytest.raises(InvalidParameter, match="is spoken by 'gone'"):
        check_engines("English", gone)


def test_turns_of_a_text_without_voices() -> None:
    found = play("<speak>One.</speak>")
    assert (found.names, cast.cast_of(found, []), cast.turns_of(found, {}, ANNA)) == (
        frozenset(),
        {},
        (),
    )
