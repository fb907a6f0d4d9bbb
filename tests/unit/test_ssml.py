"""Tests of SSML documents: their text, their styles, and errors with line and column."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundclone.errors import InvalidParameter
from soundclone.text import script, ssml
from soundclone.text.script import Pause
from soundclone.text.ssml import PLAIN, Marked, Span, Style


def text_of(body: str) -> str:
    """Text of a document with this body."""
    return ssml.parse(f"<speak>{body}</speak>", "v2").text


def styled(body: str) -> list[tuple[str, Style]]:
    """Each part with a style, and the style."""
    marked = ssml.parse(f"<speak>{body}</speak>", "v2")
    return [(marked.text[span.start : span.end], span.style) for span in marked.spans]


def refused(document: str, version: str = "v2") -> str:
    with pytest.raises(InvalidParameter) as error:
        ssml.parse(document, version)
    return error.value.message


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("Hello.", "Hello."),
        ("  Good\n   morning  to you ", "Good morning to you "),
        ("<p>One.</p><p>Two.</p>", "One.\nTwo.\n"),
        ("<s>One.</s><s>Two</s>Three.", "One. Two\nThree."),
        ("Fish &amp; chips &#x263A;", "Fish & chips ☺"),
        ("Wait<break/>here", "Wait<#0.50#>here"),
        ("Wait <break time='1.5s'/> here", "Wait <#1.50#> here"),
        ("a<break time='250ms'/>b<break strength='none'/>c", "a<#0.25#>bc"),
        ("<break strength='strong' time='2s'/>a", "<#2.00#>a"),
        ("<say-as interpret-as='characters'>BBC 2</say-as>", "B, B, C, 2"),
        ("<say-as interpret-as='telephone'>+49 30 12</say-as>", "4, 9, 3, 0, 1, 2"),
        ("<say-as interpret-as='date' format='dmy'>1/2/2026</say-as>", "2026-02-01"),
        ("<say-as interpret-as='date'>May 5th</say-as>", "May 5th"),
        ("<sub alias='Doctor'>Dr.</sub> Who", "Doctor Who"),
        ("<emphasis/>", ""),
    ],
)
def test_the_text_of_a_document(body: str, text: str) -> None:
    assert text_of(body) == text


def test_the_sounds_of_a_word() -> None:
    marked = ssml.parse(
        "<speak>I  say <emphasis>no <phoneme alphabet='ipa' ph='pɪˈkɑːn'>\n pecan "
        "</phoneme></emphasis>.<p>A <phoneme alphabet='ipa' ph='a'>b</phoneme></p></speak>",
        "v2",
    )
    first, second = marked.transcriptions
    assert marked.text == "I say no pecan.\nA b\n"
    assert (marked.text[first.start : first.end], first.ipa) == ("pecan", "pɪˈkɑːn")
    assert (marked.text[second.start : second.end], second.ipa) == ("b", "a")
    (span,) = marked.spans
    assert marked.text[span.start : span.end] == "no pecan."


def test_styles_are_nested_and_limited() -> None:
    assert styled(
        "a <prosody rate='50%'>b <prosody rate='0.6' pitch='+12st'>c</prosody></prosody>"
    ) == [
        ("b ", Style(speed=0.5)),
        ("c", Style(speed=0.5, pitch=12)),
    ]
    quiet = "<prosody volume='-40dB'><prosody volume='-40dB'>x</prosody></prosody>"
    assert styled(quiet) == [("x", Style(gain=-60.0))]


@pytest.mark.parametrize(
    ("attributes", "style"),
    [
        ("rate='slow'", Style(speed=0.8)),
        ("rate='+20%'", Style(speed=1.2)),
        ("rate='-20%'", Style(speed=0.8)),
        ("rate='150%'", Style(speed=1.5)),
        ("pitch='high'", Style(pitch=3)),
        ("pitch='-2st'", Style(pitch=-2)),
        ("pitch='+10%'", Style(pitch=2)),
        ("volume='+6dB'", Style(gain=6.0)),
        ("volume='x-soft'", Style(gain=-12.0)),
    ],
)
def test_prosody(attributes: str, style: Style) -> None:
    assert styled(f"a <prosody {attributes}>b</prosody> c") == [("b", style)]


def test_emphasis_and_languages() -> None:
    (word, strong), (phrase, french) = styled(
        "It is <emphasis level='strong'>very</emphasis> nice. "
        "<lang xml:lang='fr-FR'>bonjour</lang>!"
    )
    assert (word, phrase) == ("very", "bonjour!")
    assert strong.gain > 0
    assert strong.speed < 1
    assert french == Style(language="French")


def test_the_language_of_the_document() -> None:
    marked = ssml.parse("<speak version='1.1' xml:lang='de'>Guten Tag.</speak>", "v1")
    assert marked == Marked("Guten Tag.", (), "German")


def test_signs_take_the_style_of_the_word_before_them() -> None:
    assert [part for part, _ in styled("Say <emphasis>no</emphasis>, please.")] == ["no,"]


def test_no_sentence_crosses_a_style() -> None:
    marked = ssml.parse("<speak>Say <emphasis>no</emphasis>. Then go.</speak>", "v2")
    (span,) = marked.spans
    parsed = script.parse(marked.text, edges=(span.start, span.end))
    assert [each.text for each in parsed.sentences] == ["Say", "no.", "Then go."]
    assert [each.goes_on for each in parsed.sentences] == [True, False, False]


def test_an_edge_within_a_pause_marker_changes_nothing() -> None:
    parsed = script.parse("one <#1#> two", edges=(6,))
    assert [getattr(piece, "text", "pause") for piece in parsed.pieces] == ["one", "pause", "two"]
    assert isinstance(parsed.pieces[1], Pause)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("<speak>\n  <foo/></speak>", "line 2, column 3: <foo> is not supported here; use break"),
        ("<speak>hi", "line 1, column 10: no element found"),
        ("hello", "line 1, column 1: syntax error"),
        ("<p>x</p>", "<p> is the root; the root must be <speak>"),
        ("<speak><speak/></speak>", "<speak> is not supported here"),
        ("<speak><break time='soon'/></speak>", "time is 'soon'; give seconds"),
        ("<speak><break time='100s'/></speak>", "at most 99.99 s"),
        ("<speak><break>x</break></speak>", "<break> holds no text"),
        ("<speak><prosody rate='9'>x</prosody></speak>", "rate is '9'; use x-slow"),
        ("<speak><prosody pitch='200Hz'>x</prosody></speak>", "pitch is '200Hz'"),
        ("<speak><prosody pitch='+13st'>x</prosody></speak>", "at most 12 semitones"),
        ("<speak><prosody volume='99'>x</prosody></speak>", "volume is '99'"),
        ("<speak><prosody contour='(0%,+20Hz)'>x</prosody></speak>", "attribute 'contour' of"),
        ("<speak><emphasis level='huge'>x</emphasis></speak>", "level is 'huge'"),
        ("<speak><lang>x</lang></speak>", "<lang> lacks xml:lang"),
        ("<speak xml:lang='xx'>x</speak>", "language 'xx' is not known"),
        ("<speak><sub>x</sub></speak>", "<sub> lacks alias"),
        ("<speak><sub alias='y'><p>x</p></sub></speak>", "<sub> holds text only, without <p>"),
        ("<speak><say-as interpret-as='x'>x</say-as></speak>", "interpret-as is 'x'; use"),
        ("<speak><phoneme ph='x'>x</phoneme></speak>", "alphabet is 'none'; it must be 'ipa'"),
        (
            "<speak>\n <phoneme alphabet='x-sampa' ph='p@'>x</phoneme></speak>",
            "line 2, column 2: alphabet is 'x-sampa'; it must be 'ipa', with ph in the Intern",
        ),
        (
            "<speak>\n <phoneme alphabet='ipa' ph='p@n'>x</phoneme></speak>",
            "line 2, column 2: ph is 'p@n': '@' (U+0040) is no symbol of the alphabet; write ə",
        ),
        ("<speak><phoneme alphabet='ipa'>x</phoneme></speak>", "ph is '': it has no sound"),
        ("<speak><phoneme alphabet='ipa' ph='a'/></speak>", "the text of <phoneme> is ''"),
        (
            "<speak>Hi.\n<phoneme alphabet='ipa' ph='a'>One. Two.</phoneme></speak>",
            "line 2, column 1: <phoneme> holds more than a sentence",
        ),
        (
            "<speak><voice name='x'>x</voice></speak>",
            "<voice> is not supported here: a block has one voice; set modelId",
        ),
        ("<!DOCTYPE s [<!ENTITY a 'b'>]><speak>&a;</speak>", "document type declaration"),
        ("<speak>&nbsp;</speak>", "undefined entity"),
        ("<speak>\ud800</speak>", "not well-formed"),
        ("<speak>" + "<p>" * 40, "more than 32 elements are within each other"),
        ("<speak>" + "<break/>" * 5_001 + "</speak>", "more than 5,000 elements"),
        ("<speak>" + "x" * 60_000, "60,007 characters; at most 60,000"),
    ],
)
def test_errors_have_a_place_and_a_remedy(document: str, message: str) -> None:
    assert message in refused(document)


def test_a_language_of_v2_is_refused_in_v1() -> None:
    assert "needs soundVersion v2" in refused("<speak xml:lang='sv'>Hej.</speak>", "v1")


@given(st.text(alphabet="<>/&;'\"= \n.#abspeakrot:é中", max_size=120))
def test_any_document_gives_text_or_an_error(body: str) -> None:
    try:
        marked = ssml.parse(f"<speak>{body}</speak>", "v2")
    except InvalidParameter:
        return
    end = 0
    for span in marked.spans:
        assert end <= span.start < span.end <= len(marked.text)
        assert span.style != PLAIN
        end = span.end


TOKENS = ["<phoneme alphabet='ipa' ph='a'>", "</phoneme>", "<s>", "</s>", "one", ". ", "<b/>", "!"]
TOKENS += ["<emphasis>", "</emphasis>", " ", "é", "你", "\n", "<break/>", "&lt;#1#&gt;", "\u200b"]


@given(st.lists(st.sampled_from(TOKENS), max_size=14))
def test_sounds_belong_to_a_sentence(tokens: list[str]) -> None:
    try:
        marked = ssml.parse(f"<speak>{''.join(tokens)}</speak>", "v2")
    except InvalidParameter:
        return
    edges = [edge for span in marked.spans for edge in (span.start, span.end)]
    sentences = script.parse(marked.text, edges=edges).sentences
    found = [part for each in sentences for part in each.within(marked.transcriptions)]
    assert len(found) == len(marked.transcriptions)


@given(st.lists(st.sampled_from(["|", "one", ". ", "<#1#>", "\n"]), max_size=12))
def test_edges_lose_no_words(tokens: list[str]) -> None:
    marked = "".join(tokens)
    text = marked.replace("|", "")
    edges = [n - marked[:n].count("|") for n, character in enumerate(marked) if character == "|"]
    words = [each.text.count("one") for each in script.parse(text, edges=edges).sentences]
    assert sum(words) == text.count("one")


def test_spans_keep_their_place() -> None:
    assert ssml.parse("<speak>a<emphasis>b</emphasis></speak>", "v2").spans == (
        Span(1, 2, Style(speed=0.94, pitch=1, gain=1.5)),
    )
