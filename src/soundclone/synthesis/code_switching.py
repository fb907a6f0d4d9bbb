"""Saying a sentence with an engine: as it is spoken, each part in the language of its letters."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from ..engines.protocol import Samples, Speech, Word
from ..errors import SynthesisError
from ..text.languages import LANGUAGES, script_of
from ..text.languages.scripts import parts
from ..text.normalisation import Normalised, normalise
from ..text.script import LIMIT
from ..text.splitting import split
from .concatenation import trimmed

SPAN_GAP = 0.06  # seconds between parts of one sentence


@dataclass(frozen=True)
class Span:
    """A part of a sentence that one language is spoken in."""

    start: int  # in code points
    end: int
    language: str  # name of `LANGUAGES`


@cache
def _readers() -> dict[str, str]:
    """Return the language that reads a script within a sentence of another, by script."""
    return {
        script: language.name for language in LANGUAGES.values() for script in language.default_for
    }


def spans(sentence: str, language: str, spoken: Collection[str]) -> tuple[Span, ...]:
    """The parts of a sentence in `language`, in order and without gaps.

    Words in the letters of another script are a part of their own, in the language that is
    usual for it, if it is among those `spoken`. Latin words are left to the language of the
    sentence: every engine meets them in every language. So are single letters of the alphabets,
    which are signs ("α", "Я").
    """
    own = parts(LANGUAGES[language].script)
    found: list[Span] = []
    end = 0
    for start, stop, script in _runs(sentence, own):
        other = _readers()[script]
        if other not in spoken:
            continue
        if end < start:
            found.append(Span(end, start, language))
        found.append(Span(start, stop, other))
        end = stop
    if end < len(sentence):
        found.append(Span(end, len(sentence), language))
    return tuple(found)


def _runs(sentence: str, own: Collection[str]) -> Iterator[tuple[int, int, str]]:
    """Ranges of words in a foreign script, which spaces and punctuation do not end."""
    start = end = letters = 0
    before = ""
    for index, character in enumerate(sentence):
        if not character.isalpha():
            if before and unicodedata.category(character)[0] == "M" and end == index:
                end = index + 1
            continue
        script = script_of(character)
        if script in own or script not in _readers():
            script = ""
        if script in ("Hani", "Kana") and before in ("Hani", "Kana"):
            before = script = "Kana" if "Kana" in (script, before) else "Hani"
        if script != before:
            if before and _is_word(before, letters):
                yield start, end, before
            before, start, letters = script, index, 0
        letters += 1
        end = index + 1
    if before and _is_word(before, letters):
        yield start, end, before


def _is_word(script: str, letters: int) -> bool:
    return letters > 1 or script in ("Hani", "Kana", "Kore")


def say(
    sentence: str,
    language: str,
    spoken: Collection[str],
    speak: Callable[[str, str], Speech],
    limit: int = LIMIT,
) -> Speech:
    """The sentence said by `speak(text, language)`, a part at a time where it must be.

    `spoken` are the languages that the engine has; `limit` is in characters. The words of the
    result are those of the sentence as it is written: "5 km" is one, if it is said in two.
    Raises SynthesisError when nothing in it can be spoken, and what `speak` raises.
    """
    parts: list[tuple[Speech, Sequence[Word]]] = []
    for span in spans(sentence, language, spoken):
        text = normalise(sentence[span.start : span.end], span.language)
        for start, end in split(text.text, 0, len(text.text), limit):
            if any(character.isalnum() for character in text.text[start:end]):
                speech = speak(text.text[start:end], span.language)
                parts.append((speech, _written(speech.words, text, start, sentence, span.start)))
    if not parts:
        raise SynthesisError("the sentence has nothing that can be spoken")
    return _joined(parts)


def _written(
    words: Sequence[Word], text: Normalised, shift: int, sentence: str, before: int
) -> tuple[Word, ...]:
    """Words of the spoken text as those of the written one."""
    found: list[Word] = []
    for word in words:
        start, end = text.origin(word.offset + shift, word.offset + shift + max(word.length, 1))
        start, end = start + before, end + before
        if found and start < found[-1].offset + found[-1].length:
            last = found[-1]
            end = max(end, last.offset + last.length)
            found[-1] = Word(
                sentence[last.offset : end], last.start, word.end, last.offset, end - last.offset
            )
        else:
            found.append(Word(sentence[start:end], word.start, word.end, start, end - start))
    return tuple(found)


def _joined(parts: Sequence[tuple[Speech, Sequence[Word]]]) -> Speech:
    if len(parts) == 1:
        speech, words = parts[0]
        return replace(speech, words=tuple(words))
    blocks: list[Samples] = []
    joined: list[Word] = []
    rate = parts[0][0].sample_rate
    gap = np.zeros(round(SPAN_GAP * rate), np.float32)
    position = 0
    for speech, own in parts:
        speech = trimmed(replace(speech, words=tuple(own)))
        if speech.sample_rate != rate:
            raise ValueError(f"speech at {speech.sample_rate} Hz among {rate} Hz")
        if blocks:
            blocks.append(gap)
            position += len(gap)
        seconds = position / rate
        for word in speech.words:
            moved = replace(word, start=word.start + seconds, end=word.end + seconds)
            last = joined[-1] if joined else None
            if last and moved.offset < last.offset + last.length:  # cut within a change
                joined[-1] = replace(last, end=moved.end)
            else:
                joined.append(moved)
        blocks.append(speech.samples)
        position += len(speech.samples)
    return Speech(np.concatenate(blocks), rate, tuple(joined))
