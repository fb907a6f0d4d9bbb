"""Split a sentence into utterances of one language each, and join the audio of the utterances.

Words in another script are spoken in the language that is usual for that script: "你好" in an
English sentence is Chinese.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..engines.protocol import Samples, Speech, Word
from ..errors import SynthesisError
from ..text.ipa import Transcription, transcribed, within
from ..text.languages import LANGUAGES, readers, script_of
from ..text.languages.scripts import parts
from ..text.normalisation import Normalised, normalise
from ..text.pronunciation import Entry, applies, apply
from ..text.script import LIMIT
from ..text.splitting import split
from .concatenation import trim

UTTERANCE_GAP = 0.06  # seconds between the utterances of one sentence


@dataclass(frozen=True)
class Span:
    """A part of a sentence that is spoken in one language."""

    start: int  # in code points
    end: int
    language: str  # name of `LANGUAGES`


@dataclass(frozen=True)
class Utterance:
    """Text for one call of an engine: normalised, in one language, and short enough."""

    text: str
    language: str  # name of `LANGUAGES`
    span: Normalised  # the whole part of the sentence in that language
    span_start: int  # of the span in the sentence, in code points
    start: int  # of the text in the normalised span
    sentence: Normalised  # the sentence with the spoken forms of a dictionary in place
    ipa: tuple[Transcription, ...] = ()  # of parts of the text

    @property
    def sounds(self) -> str:
        """The text with the letters of its transcriptions, which tell how long it lasts."""
        return transcribed(self.text, self.ipa)

    def written_words(self, words: Sequence[Word], sentence: str) -> tuple[Word, ...]:
        """Return the words of the sentence as it is written, for `words` of the spoken text.

        Spoken words of one written word become one: "5 km" is spoken in two words.
        """
        found: list[Word] = []
        for word in words:
            offset = word.offset + self.start
            start, end = self.span.origin(offset, offset + max(word.length, 1))
            start, end = self.sentence.origin(start + self.span_start, end + self.span_start)
            if found and start < found[-1].offset + found[-1].length:
                last = found[-1]
                end = max(end, last.offset + last.length)
                text = sentence[last.offset : end]
                found[-1] = Word(text, last.start, word.end, last.offset, end - last.offset)
            else:
                found.append(Word(sentence[start:end], word.start, word.end, start, end - start))
        return tuple(found)


def utterances(
    sentence: str,
    language: str,
    spoken: Collection[str],
    limit: int = LIMIT,
    entries: Sequence[Entry] = (),
    transcriptions: Sequence[Transcription] = (),
) -> tuple[Utterance, ...]:
    """Split a sentence into utterances, in the order in which they are spoken.

    Args:
        sentence: The sentence as it is written.
        language: Name of the sentence's language.
        spoken: Names of the languages that the engine speaks.
        limit: Most characters of an utterance.
        entries: Pronunciations, of which those of the sentence's language apply.
        transcriptions: Sounds of parts of the sentence, in order.

    Raises:
        SynthesisError: Nothing in the sentence can be spoken.
    """
    found: list[Utterance] = []
    usable = [each for each in entries if applies(each, language)]
    replaced = apply(sentence, usable, transcriptions)
    for span in _whole(spans(replaced.text, language, spoken), replaced.transcriptions):
        parts = within(replaced.transcriptions, span.start, span.end)
        normalised = normalise(replaced.text[span.start : span.end], span.language, parts)
        for start, end in _ranges(normalised, limit):
            text = normalised.text[start:end]
            if any(character.isalnum() for character in text):
                ipa = within(normalised.transcriptions, start, end)
                found.append(
                    Utterance(text, span.language, normalised, span.start, start, replaced, ipa)
                )
    if not found:
        raise SynthesisError("the sentence has nothing that can be spoken")
    return tuple(found)


def _whole(parts: Sequence[Span], transcriptions: Sequence[Transcription]) -> Iterator[Span]:
    """Yield spans that divide no transcribed part: each has the parts that begin in it."""
    start = 0
    for span in parts:
        across = (each.end for each in transcriptions if each.start < span.end < each.end)
        end = next(across, max(span.end, start))
        if start < end:
            yield replace(span, start=start, end=end)
        start = end


def _ranges(normalised: Normalised, limit: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of at most `limit` characters, or somewhat more around a transcribed part."""
    text, start = normalised.text, 0
    for left, right in split(text, 0, len(text), limit):
        across = (each for each in normalised.transcriptions if each.start < right < each.end)
        part = next(across, None)
        end = right if part is None else part.end
        if max(left, start) < end:
            yield max(left, start), end
        start = max(start, end)


def join_utterances(
    sentence: str, utterances: Sequence[Utterance], speeches: Sequence[Speech]
) -> Speech:
    """Join the speech of all utterances of a sentence.

    The words of the result are those of the sentence as it is written.
    """
    spoken = [
        replace(speech, words=utterance.written_words(speech.words, sentence))
        for utterance, speech in zip(utterances, speeches, strict=True)
    ]
    if len(spoken) == 1:
        return spoken[0]
    blocks: list[Samples] = []
    words: list[Word] = []
    rate = spoken[0].sample_rate
    gap = np.zeros(round(UTTERANCE_GAP * rate), np.float32)
    position = 0
    for speech in map(trim, spoken):
        if speech.sample_rate != rate:
            raise ValueError(f"speech at {speech.sample_rate} Hz among {rate} Hz")
        if blocks:
            blocks.append(gap)
            position += len(gap)
        seconds = position / rate
        for word in speech.words:
            moved = replace(word, start=word.start + seconds, end=word.end + seconds)
            last = words[-1] if words else None
            if last and moved.offset < last.offset + last.length:
                # Both utterances have a part of one written word, which the limit divided.
                words[-1] = replace(last, end=moved.end)
            else:
                words.append(moved)
        blocks.append(speech.samples)
        position += len(speech.samples)
    final = spoken[-1]
    return Speech(np.concatenate(blocks), rate, tuple(words), final.pause, final.pause_spread)


def spans(sentence: str, language: str, spoken: Collection[str]) -> tuple[Span, ...]:
    """Split a sentence in `language` by the languages of its words, without gaps.

    Words in another script form a span in that script's usual language, if it is among `spoken`.
    Latin words stay in the language of the sentence, because every engine reads them in every
    language. So do single letters of other alphabets, which are symbols ("α", "Я").
    """
    own = parts(LANGUAGES[language].script)
    found: list[Span] = []
    end = 0
    for start, stop, script in _foreign_runs(sentence, own):
        other = readers()[script]
        if other not in spoken:
            continue
        if end < start:
            found.append(Span(end, start, language))
        found.append(Span(start, stop, other))
        end = stop
    if end < len(sentence):
        found.append(Span(end, len(sentence), language))
    return tuple(found)


def _foreign_runs(sentence: str, own: Collection[str]) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and script of the words in other scripts than `own`.

    Spaces and punctuation do not end a run.
    """
    start = end = letters = 0
    before = ""
    for index, character in enumerate(sentence):
        if not character.isalpha():
            if before and unicodedata.category(character)[0] == "M" and end == index:
                end = index + 1
            continue
        script = script_of(character)
        if script in own or script not in readers():
            script = ""
        if script in ("Hani", "Kana") and before in ("Hani", "Kana"):
            # Ideographs beside kana are Japanese.
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
