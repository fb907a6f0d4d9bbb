"""Chunks of a text: groups of sentences, each spoken in one step of a task."""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import Self

import numpy as np

from ..audio import encode, loudness
from ..audio.samples import Samples
from ..core import files
from ..core.requests import SpeechRequest
from ..db.models import Json
from ..engines.protocol import Controls, EngineInfo, Word
from ..synthesis.allowance import Allowance
from ..synthesis.concatenation import join
from ..synthesis.room_tone import add_room_tone
from ..synthesis.sentence import SentenceSynthesizer
from ..text import languages, script
from ..text.script import Piece, Sentence
from ..text.ssml import PLAIN, Style
from ..text.subtitles import Spoken
from .runner import Job
from .voices import VoiceLoader, VoiceRef


@dataclass(frozen=True)
class SentenceTimes:
    """Times of a spoken sentence and its words, in seconds."""

    start: float  # from the start of the chunk
    end: float
    words: tuple[tuple[int, int, float, float], ...]
    # offset and length in the sentence, start and end from the start of the sentence

    @classmethod
    def of(cls, spoken: Spoken) -> Self:
        """Take the times out of a spoken sentence."""
        words = tuple((word.offset, word.length, word.start, word.end) for word in spoken.words)
        return cls(spoken.start, spoken.end, words)

    def spoken(self, sentence: Sentence, shift: float) -> Spoken:
        """Return the spoken sentence, `shift` seconds later."""
        words = tuple(
            Word(sentence.text[offset : offset + length], start, end, offset, length)
            for offset, length, start, end in self.words
        )
        return Spoken(sentence, self.start + shift, self.end + shift, words)


@dataclass(frozen=True)
class Chunk:
    """A spoken chunk, whose audio is in the object store."""

    key: str
    seed: int
    samples: int
    sample_rate: int  # Hz
    loudness: float  # LUFS, minus infinity for silence
    spoken: tuple[SentenceTimes, ...]
    voice_id: str | None = None  # None: the voice of the task

    @property
    def seconds_spoken(self) -> float:
        """Seconds of speech, without gaps and pauses."""
        return sum(times.end - times.start for times in self.spoken)

    def to_json(self) -> Json:
        """Return the chunk as the step records it."""
        voice = {"voice": self.voice_id} if self.voice_id else {}
        return {
            "key": self.key,
            "seed": self.seed,
            "samples": self.samples,
            "sample_rate": self.sample_rate,
            "loudness": self.loudness,
            "spoken": [[each.start, each.end, list(map(list, each.words))] for each in self.spoken],
            **voice,
        }

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a chunk that `to_json` wrote."""
        spoken = tuple(
            SentenceTimes(start, end, tuple((o, n, a, b) for o, n, a, b in words))
            for start, end, words in data["spoken"]
        )
        return cls(
            data["key"],
            data["seed"],
            data["samples"],
            data["sample_rate"],
            data["loudness"],
            spoken,
            data.get("voice"),
        )


@lru_cache(maxsize=8)
def groups_of(
    text: str,
    opening: int | None = None,
    edges: tuple[int, ...] = (),
    cuts: tuple[int, ...] = (),
) -> tuple[tuple[Piece, ...], ...]:
    """Return the sentences and pauses of each chunk.

    Every step of a text needs the groups, and a step may run in another worker than the last one.
    """
    return script.chunks(script.parse(text, edges=edges), opening=opening, cuts=cuts)


def request_groups(request: SpeechRequest) -> tuple[tuple[Piece, ...], ...]:
    """Return the sentences and pauses of each chunk of a request. A chunk has one voice."""
    return groups_of(request.text, request.options.opening, request.edges, request.cuts)


def language_of(request: SpeechRequest) -> str:
    """Return the name of the language that the text is spoken in.

    The API has detected the language already if the choice of the engine depended on it.
    """
    if request.language or request.detected:
        return request.language or request.detected or ""
    return languages.detect(request.text, request.version).name


def sentence_languages(request: SpeechRequest, main: str, engine: EngineInfo) -> dict[int, str]:
    """Return the language of each sentence, by the offset of the sentence.

    Languages that the engine does not speak are left out. If the request named the language, the
    result has only the sentences whose style names another.
    """
    found: dict[int, str] = {}
    if request.language is None:
        found |= _detect_languages(request.text, request.version, main, request.edges)
    if request.spans:
        for piece in chain(*request_groups(request)):
            if isinstance(piece, Sentence) and (name := style_at(request, piece.offset).language):
                found[piece.offset] = name
    return {offset: name for offset, name in found.items() if name in engine.languages}


def style_at(request: SpeechRequest, offset: int) -> Style:
    """Return the style of the character at an offset."""
    at = bisect_right(request.spans, offset, key=lambda span: span.start) - 1
    return request.spans[at].style if at >= 0 and offset < request.spans[at].end else PLAIN


@lru_cache(maxsize=8)
def _detect_languages(text: str, version: str, main: str, edges: tuple[int, ...]) -> dict[int, str]:
    sentences = [
        piece
        for group in groups_of(text, edges=edges)
        for piece in group
        if isinstance(piece, Sentence)
    ]
    found = languages.detect_each(
        [each.text for each in sentences], version, languages.LANGUAGES[main]
    )
    return {
        sentence.offset: language.name for sentence, language in zip(sentences, found, strict=True)
    }


def spent(chunks: Sequence[Chunk]) -> float:
    """Return the seconds of speech of chunks."""
    return sum(chunk.seconds_spoken for chunk in chunks)


def check_length(job: Job, request: SpeechRequest, chunks: Sequence[Chunk]) -> None:
    """Raise SynthesisError if the chunks have more speech than the text allows.

    A chunk that was spoken before the end of an earlier one did not know the seconds of that one.
    """
    _allowance(job, request, 0.0).spend_seconds(spent(chunks))


def _allowance(job: Job, request: SpeechRequest, seconds: float) -> Allowance:
    options = request.options
    return Allowance(
        job.task.characters,
        speed=options.speed * min((span.style.speed for span in request.spans), default=1.0),
        emotion=options.emotion,
        spent=seconds,
    )


def speak_chunk(
    job: Job, request: SpeechRequest, voice: VoiceRef, language: str, index: int, seconds: float
) -> Json:
    """Speak a chunk as `spoken_chunk` does, and store its audio. Return the chunk as JSON."""
    chunk, samples = spoken_chunk(job, request, voice, language, index, seconds)
    store_chunk(job, chunk, samples)
    return chunk.to_json()


def store_chunk(job: Job, chunk: Chunk, samples: Samples) -> None:
    """Store the audio of a chunk."""
    job.store(chunk.key, encode.pack(samples, chunk.sample_rate))


def spoken_chunk(
    job: Job, request: SpeechRequest, voice: VoiceRef, language: str, index: int, seconds: float
) -> tuple[Chunk, Samples]:
    """Speak a chunk. Return the chunk and its audio, which the caller stores.

    Args:
        job: The task.
        request: Its request.
        voice: Voice of the task, whose engine speaks all voices of the text.
        language: Name of the language of the text.
        index: Number of the chunk, from 0.
        seconds: Seconds of speech so far.
    """
    options = request.options
    groups = request_groups(request)
    speaker = speaker_of(request, groups[index])
    voice_id = speaker or job.task.voice_id
    controls = Controls(
        language=language,
        emotion=options.emotion,
        speed=options.speed,
        pitch=options.pitch,
        # One seed for all chunks of a voice. With different seeds, its style would drift.
        seed=zlib.crc32(voice_id.encode()) if options.seed is None else options.seed,
        place=options.place,
    )
    allowance = _allowance(job, request, seconds)
    with job.voice_engine(voice.engine) as engine:
        synthesizer = SentenceSynthesizer(
            engine,
            VoiceLoader(job, engine, voice_id),
            controls,
            allowance,
            recognizer=job.recognizer,
            languages=sentence_languages(request, language, engine.info),
            pronunciations=request.pronunciations,
            transcriptions=request.transcriptions,
        )
        speeches = []
        for piece in groups[index]:
            if isinstance(piece, Sentence):
                job.yield_slot()
                style = style_at(request, piece.offset)
                speeches.append(synthesizer.synthesize(piece, style.speed, style.pitch))
        last = index + 1 == len(groups) and not options.goes_on
        segment = join(
            groups[index], speeches, engine.info.sample_rate, last=last, seed=controls.seed
        )
    # Room tone would make the pauses count. Gains of styles are intended, and not to be levelled.
    level = loudness.loudness(segment.samples, segment.sample_rate)
    if request.spans:
        louder = [
            replace(speech, samples=speech.samples * _gain(style_at(request, sentence.offset)))
            for sentence, speech in zip(
                (piece for piece in groups[index] if isinstance(piece, Sentence)),
                speeches,
                strict=True,
            )
        ]
        segment = join(groups[index], louder, segment.sample_rate, last=last, seed=controls.seed)
    seed = controls.seed + index
    samples = add_room_tone(segment.samples, segment.sample_rate, seed, level)
    chunk = Chunk(
        files.chunk(job.task.id, index),
        controls.seed,
        len(segment.samples),
        segment.sample_rate,
        level,
        tuple(map(SentenceTimes.of, segment.spoken)),
        speaker,
    )
    return chunk, samples


def speaker_of(request: SpeechRequest, group: Sequence[Piece]) -> str | None:
    """Return the id of the voice of a chunk, None for the voice of the task."""
    sentences = (piece for piece in group if isinstance(piece, Sentence))
    first = next(sentences, None)
    return None if first is None else request.voice_at(first.offset)


def _gain(style: Style) -> np.float32:
    return np.float32(10 ** (style.gain / 20))
