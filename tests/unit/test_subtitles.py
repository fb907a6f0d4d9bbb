from __future__ import annotations

import json
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundclone.engines.protocol import Word
from soundclone.text.languages import LANGUAGES
from soundclone.text.script import parse
from soundclone.text.subtitles import (
    Cue,
    Spoken,
    readable,
    sentence_cues,
    to_json,
    to_srt,
    to_vtt,
    word_cues,
)


def read_srt(text: str) -> list[tuple[int, int, str]]:
    """(start, end, text) in milliseconds. Strict: any deviation from the format fails."""
    cues = []
    for number, block in enumerate(text.removesuffix("\n").split("\n\n") if text else [], 1):
        first, times, *lines = block.split("\n")
        assert first == str(number)
        clock = r"(\d\d+):([0-5]\d):([0-5]\d),(\d{3})"
        match = re.fullmatch(f"{clock} --> {clock}", times)
        assert match, times
        values = [int(value) for value in match.groups()]
        start, end = (
            ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds
            for hours, minutes, seconds, milliseconds in (values[:4], values[4:])
        )
        assert lines
        assert all(line.strip() for line in lines)
        assert not any("-->" in line for line in lines)
        cues.append((start, end, "\n".join(lines)))
    return cues


def say(text: str, *, words: bool = True, pace: float = 0.1) -> list[Spoken]:
    """A character takes `pace` seconds, and sentences are a second apart."""
    spoken, now = [], 0.0
    for sentence in parse(text).sentences:
        found = (
            Word(m[0], m.start() * pace, m.end() * pace, m.start(), len(m[0]))
            for m in re.finditer(r"\w+", sentence.text)
        )
        end = now + len(sentence.text) * pace
        spoken.append(Spoken(sentence, now, end, tuple(found) if words else ()))
        now = end + 1
    return spoken


def test_sentences() -> None:
    cues = list(sentence_cues(say("Hello there.<#1#> Good bye!")))
    assert [(cue.text, cue.offset, cue.length) for cue in cues] == [
        ("Hello there.", 0, 12),
        ("Good bye!", 18, 9),
    ]
    times = [time for cue in cues for time in (cue.start, cue.end)]
    assert times == pytest.approx([0.0, 1.2, 2.2, 3.1])
    assert to_srt(cues) == (
        "1\n00:00:00,000 --> 00:00:01,200\nHello there.\n\n"
        "2\n00:00:02,200 --> 00:00:03,100\nGood bye!\n"
    )
    assert json.loads(to_json(cues))[1] == {
        "start": 2200,
        "end": 3100,
        "text": "Good bye!",
        "offset": 18,
        "length": 9,
    }


def test_words() -> None:
    text = "\u200bHe said:\nyes, yes."
    cues = list(word_cues(say(text)))
    assert [text[cue.offset : cue.offset + cue.length] for cue in cues] == "He said yes yes".split()
    assert [(cue.text, round(cue.start, 3)) for cue in cues] == [
        ("He", 0),
        ("said", 0.3),
        ("yes", 1.8 + 0.0),
        ("yes", 1.8 + 0.5),
    ]


def test_words_of_an_engine_without_words() -> None:
    cues = list(word_cues(say("One two, three.", words=False)))
    assert [cue.text for cue in cues] == ["One", "two,", "three."]
    assert [(round(cue.start, 3), round(cue.end, 3)) for cue in cues] == [
        (0, 0.3),
        (0.4, 0.8),
        (0.9, 1.5),
    ]


@pytest.mark.parametrize("words", [True, False])
@pytest.mark.parametrize("name", LANGUAGES)
def test_long_sentences_become_several_cues(name: str, words: bool) -> None:
    long = LANGUAGES[name].preview.translate({ord(c): " " for c in ".!?。！？।"})
    for spoken in say(long, words=words):
        cues = list(sentence_cues([spoken]))
        assert "".join("".join(c.text for c in cues).split()) == "".join(
            spoken.sentence.text.split()
        )
        dense = LANGUAGES[name].script in ("Hans", "Hant", "Jpan", "Kore")
        assert all(len(cue.text) <= (36 if dense else 84) for cue in cues)
        assert all(cue.end - cue.start <= 7.01 for cue in cues)
        assert cues[0].start == spoken.start
        assert cues[-1].end == spoken.end
        for before, after in pairwise(cues):
            assert before.end == after.start > before.start
            assert after.start == pytest.approx(
                spoken.start + 0.1 * spoken.sentence.text.index(after.text), abs=1e-6
            )
        for _, _, shown in read_srt(to_srt(cues)):
            lines = shown.split("\n")
            assert len(lines) <= 2
            assert all(len(line) <= (18 if dense else 42) for line in lines)


def test_two_lines_are_about_equal() -> None:
    text = "This sentence is a little too long for one line of a subtitle."
    ((_, _, shown),) = read_srt(to_srt([Cue(0, 1, text, 0, 10)]))
    assert shown == "This sentence is a little too\nlong for one line of a subtitle."


@pytest.mark.parametrize("words", [True, False])
@pytest.mark.parametrize(
    ("text", "together"),
    [
        ("Yesterday evening Mrs. Green and Prof. White stayed for dinner.", "Prof. White"),
        ("The night train that we took came from St. Petersburg at noon.", "St. Petersburg"),
        ("Вчера вечером к нам в гости приходил проф. Иванов с женой.", "проф. Иванов"),
        ("We are going to meet again at half past 9:30 a.m. on 12/03/2026 there.", "9:30 a.m."),
    ],
)
def test_a_line_is_not_broken_after_a_title(text: str, together: str, words: bool) -> None:
    srt = to_srt(sentence_cues(say(text, words=words)))
    assert together in srt
    assert " ".join(" ".join(shown.split()) for *_, shown in read_srt(srt)) == text


@pytest.mark.parametrize("title", ["Mr.", "J.", "Dr.", "Проф."])
def test_titles_alone_can_still_be_broken(title: str) -> None:
    text = f"{title} " * 30 + "Smith."
    cues = list(sentence_cues(say(text, words=False)))
    assert " ".join(cue.text for cue in cues) == text


def test_lines_without_spaces_break_at_words() -> None:
    text = "今日はとても天気がいいので、「公園」を散歩しませんか"
    words = (0, 3, 6, 9, 10, 12, 15, 17, 19, 21)
    ((_, _, shown),) = read_srt(to_srt([Cue(0, 1, text, 0, len(text), words)]))
    assert shown == "今日はとても天気がいいので、\n「公園」を散歩しませんか"
    cue = Cue(0, 1, text.replace("、", ""), 0, 1, (0, 3, 6, 9, 10, 14, 16))
    ((_, _, shown),) = read_srt(to_srt([cue]))
    assert shown == "今日はとても天気がいいので\n「公園」を散歩しませんか"


def test_cues_stay_until_they_are_read() -> None:
    cues = [
        Cue(0, 0.3, "Yes.", 0, 4),
        Cue(2, 4, "A" * 68, 0, 68),
        Cue(5, 6, "B" * 68, 0, 68),
        Cue(6, 8, "Slow.", 0, 5),
        Cue(9, 9.2, "End.", 0, 4),
    ]
    shown = list(readable(cues, 9.5))
    assert [cue.start for cue in shown] == [0, 2, 5, 6, 9]
    assert [cue.end for cue in shown] == pytest.approx([5 / 6, 5 - 1 / 12, 6, 8, 9.5])
    assert list(readable([], 1)) == []


@pytest.mark.parametrize("text", ["iPhone הוא טלפון", "123 iPhone עולה כסף", "«NASA» وكالة الفضاء"])
def test_lines_to_the_left_that_begin_to_the_right(text: str) -> None:
    assert read_srt(to_srt([Cue(0, 1, text, 0, 1)])) == [(0, 1000, "\u200f" + text)]
    for plain in ("הוא iPhone", "123 456 הוא", "The word שלום is Hebrew."):
        assert read_srt(to_srt([Cue(0, 1, plain, 0, 1)])) == [(0, 1000, plain)]


def test_what_would_break_the_format() -> None:
    cues = [
        Cue(0, 1, "a\n\n\r\nb --> c", 0, 5),
        Cue(0.5, 0.4, " \n", 0, 0),
        Cue(0.5, 0.4, "مرحبًا بكم!", 0, 5),
        Cue(359_999, 360_000, "100 hours", 0, 5),
    ]
    assert read_srt(to_srt(cues)) == [
        (0, 1000, "a b → c"),
        (1000, 1001, "مرحبًا بكم!"),
        (359_999_000, 360_000_000, "100 hours"),
    ]
    assert to_srt([]) == ""
    assert to_json([]) == "[]"


@given(
    st.lists(
        st.tuples(
            st.floats(0, 1e5),
            st.floats(0, 1e5),
            st.text(
                st.one_of(st.characters(codec="utf-8"), st.sampled_from(" \n\r->1")), max_size=100
            ),
        )
    )
)
def test_every_list_of_cues_is_valid(times: list[tuple[float, float, str]]) -> None:
    cues = [Cue(start, end, text, 0, len(text)) for start, end, text in times]
    shown = read_srt(to_srt(cues).encode().decode())
    assert len(shown) == sum(bool(text.strip()) for *_, text in times)
    assert all(start < end for start, end, _ in shown)
    assert all(before[1] <= after[0] for before, after in pairwise(shown))
    assert [(cue["start"], cue["end"]) for cue in json.loads(to_json(cues))] == [
        (start, end) for start, end, _ in shown
    ]


@given(st.text(max_size=400).map(lambda text: text.replace("<#", "<")), st.booleans())
def test_every_text_can_be_shown(text: str, words: bool) -> None:
    spoken = say(text, words=words)
    cues = list(sentence_cues(spoken))
    assert "".join("".join(c.text for c in cues).split()) == "".join(
        "".join(each.sentence.text for each in spoken).split()
    )
    for cue in [*cues, *word_cues(spoken)]:
        assert 0 <= cue.offset < cue.offset + cue.length <= len(text)
        assert cue.start <= cue.end


def test_webvtt() -> None:
    cues = [Cue(0.0, 1.5, "Fish & chips <b>now</b>", 0, 23), Cue(3599.9, 3601.0, "a --> b", 24, 7)]
    assert to_vtt(cues) == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:00:01.500\nFish &amp; chips &lt;b&gt;now&lt;/b&gt;\n\n"
        "00:59:59.900 --> 01:00:01.000\na → b\n"
    )
    assert to_vtt([]) == "WEBVTT\n"
