"""Production speech: a text becomes an audio file and its subtitles, a chunk of text at a time."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np

from ..asr.alignment import timed
from ..asr.recognition import Recognizer
from ..audio import encode, loudness
from ..core import files, voices
from ..core.requests import SpeechOptions, SpeechRequest, SubtitleUnit, TaskResult
from ..db.models import Voice as VoiceRow
from ..engines.emotion import PROFILES
from ..engines.protocol import Controls, Engine, Reference, Speech, Voice, Word
from ..errors import EngineUnavailable, NotFound, SynthesisError, TaskCancelled
from ..synthesis import prosody
from ..synthesis.code_switching import say as say_sentence
from ..synthesis.concatenation import join, margins
from ..synthesis.verification import fault, said
from ..telemetry import log
from ..text import languages, script, subtitles
from ..text.script import Piece, Sentence
from ..text.subtitles import Spoken
from .allowance import Allowance, Chunk
from .runner import Job, Outcome

_BLOCK = 1 << 18  # samples that are on their way to the file at once
_ATTEMPTS = 3  # at a sentence, with a seed each
_DRIFT = 3.0  # LU
_TITLE = 60  # characters
_PLAIN_SPEED = 0.7, 1.4  # times; beyond them, and beyond _PLAIN_PITCH, speech is hard to recognise
_PLAIN_PITCH = 5  # semitones
_log = log(__name__)


class Saying(Protocol):
    """A way to bring speech about: `say`, or `stream`."""

    def __call__(
        self,
        job: Job,
        request: SpeechRequest,
        language: str,
        voice: Mapping[str, str],
        start: int,
    ) -> TaskResult: ...


def speak(job: Job, saying: Saying | None = None) -> Outcome:
    """The whole of a production task; `saying` is `say`, left out."""
    request = SpeechRequest.from_json(job.task.params)
    with job.database.read() as session:
        row = session.get(VoiceRow, job.task.voice_id)
    if row is None or row.purged_at is not None or row.deleted_at is not None:
        raise SynthesisError(f"voice {job.task.voice_id} is no longer kept; make a new preview")
    language = job.step("language", 1, language_of, request)
    voice = job.step("find voice", 2, find_voice, job, request.engine, language)
    return Outcome((saying or say)(job, request, language, voice, start=2))


def find_voice(job: Job, name: str, language: str) -> dict[str, str]:
    """Where the task's voice is kept that an engine speaks a language with. Raises SourceError,
    EngineUnavailable, as `voice_of`."""
    with job.voice_engine(name) as engine:
        voice_of(job, engine, language)
        version, licence = engine.info.version_for(language), engine.info.licence
    key = files.voice(job.task.voice_id, name, version)
    return {"engine": name, "version": version, "licence": licence, "key": key}


def voice_of(job: Job, engine: Engine, language: str) -> Voice:
    """The task's voice as the engine speaks a language with it. One that this engine, this version
    of it or its model of this language has not made yet is made of the recording that is kept
    with the voice, and kept as well. Raises SourceError when it cannot be."""
    version = engine.info.version_for(language)
    key = files.voice(job.task.voice_id, engine.info.name, version)
    if job.storage.size(key) is not None:
        return Voice(engine.info.name, version, job.storage.get(key))
    try:
        kept = job.storage.get(files.voice_reference(job.task.voice_id))
    except NotFound as error:
        raise SynthesisError(
            f"voice {job.task.voice_id} is no longer kept; make a new preview"
        ) from error
    samples, rate = encode.unpack(kept)
    voice = engine.clone(Reference(samples, rate), language)
    job.storage.put(key, voice.data)
    with job.database.transaction() as session:
        living = voices.made_again(session, job.task.voice_id, voice.engine, voice.version)
    if not living:
        # The deletion may have removed the files before this one was written.
        job.storage.delete(key)
        raise TaskCancelled(f"voice {job.task.voice_id} was deleted")
    return voice


def say(
    job: Job, request: SpeechRequest, language: str, voice: Mapping[str, str], start: int
) -> TaskResult:
    """Say the text and keep it: the task's result. `start`: progress so far, per cent."""
    groups = groups_of(request.text)
    spoken: list[Chunk] = []
    for index, _ in enumerate(groups):
        progress = start + round((95 - start) * (index + 1) / len(groups))
        spoken.append(
            job.step(f"speak {index}", progress, speak_chunk, job, request, voice, language, spoken)
        )
    return read_result(job.step("encode", 99, assemble, job, request, language, spoken))


def read_result(record: Mapping[str, Any]) -> TaskResult:
    """Read the result that a step recorded."""
    result = TaskResult.from_json(record)
    assert result is not None
    return result


@lru_cache(maxsize=8)
def groups_of(text: str, opening: int | None = None) -> tuple[tuple[Piece, ...], ...]:
    """What is said at once. Each chunk asks again, also one whose worker has just taken over."""
    return script.chunks(script.parse(text), opening=opening)


def language_of(request: SpeechRequest) -> str:
    """Return the name of the language that the text is spoken in.

    The API has detected the language already if the choice of the engine depended on it.
    """
    return (
        request.language or request.detected or languages.detect(request.text, request.version).name
    )


@lru_cache(maxsize=8)
def languages_of(text: str, version: str, whole: str) -> dict[int, str]:
    """Names of the languages of a text whose language was to be found, by offset of the
    sentence; `whole` is the one that most of it is in."""
    sentences = [
        piece for group in groups_of(text) for piece in group if isinstance(piece, Sentence)
    ]
    told = languages.detect_each(
        [each.text for each in sentences], version, languages.LANGUAGES[whole]
    )
    return {each.offset: tongue.name for each, tongue in zip(sentences, told, strict=True)}


def spoken_languages(request: SpeechRequest, whole: str, engine: Engine) -> dict[int, str]:
    """As `languages_of`, without those that the engine does not speak; empty when the text's
    language was named."""
    if request.language is not None:
        return {}
    found = languages_of(request.text, request.version, whole)
    return {offset: name for offset, name in found.items() if name in engine.info.languages}


def speak_chunk(
    job: Job,
    request: SpeechRequest,
    voice: Mapping[str, str],
    language: str,
    spoken: Sequence[Chunk],
) -> dict[str, Any]:
    """Say the group of sentences after the chunks that are `spoken`, and keep its audio; the chunk,
    with the times of its words."""
    index, options = len(spoken), request.options
    groups = groups_of(request.text, options.opening)
    allowance = Allowance(options, job.task.characters, spoken)
    controls = Controls(
        language=language,
        emotion=options.emotion,
        speed=options.speed,
        pitch=options.pitch,
        # One for all of a voice: with another for each chunk, an engine's manner would drift.
        seed=zlib.crc32(job.task.voice_id.encode()),
    )
    with job.voice_engine(voice["engine"]) as engine:
        tongues = spoken_languages(request, language, engine)
        loaded: dict[str, Voice] = {}  # by version: a model of a language has its own

        def say_in(text: str, tongue: str) -> Speech:
            job.breathe()
            version = engine.info.version_for(tongue)
            if version not in loaded:
                loaded[version] = voice_of(job, engine, tongue)
            told = replace(controls, language=tongue)
            said = sound(engine, loaded[version], text, told, job.recognizer)
            return allowance.spend(said)

        stretch = join(
            groups[index],
            lambda sentence: say_sentence(
                sentence.text,
                tongues.get(sentence.offset, language),
                engine.info.languages,
                say_in,
            ),
            engine.info.sample_rate,
            last=index + 1 == len(groups),
        )
    key = files.chunk(job.task.id, index)
    job.storage.put(key, encode.pack(stretch.samples, stretch.sample_rate))
    return {
        "key": key,
        "seed": controls.seed,
        "samples": len(stretch.samples),
        "sample_rate": stretch.sample_rate,
        "loudness": loudness.loudness(stretch.samples, stretch.sample_rate),
        "spoken": [_times(each) for each in stretch.spoken],
    }


def sound(
    engine: Engine, voice: Voice, text: str, controls: Controls, recognizer: Recognizer
) -> Speech:
    """Say a sentence; where it cannot be what was asked for, again with other seeds. Raises
    SynthesisError, which names the text."""
    for attempt in range(_ATTEMPTS if engine.info.seeded else 1):
        seed = (controls.seed + attempt * 0x9E3779B1) % 2**32
        speech = prosody.say(engine, voice, text, replace(controls, seed=seed))
        reason = fault(speech, text, controls.speed)
        if reason is None:
            speech, reason = heard(speech, text, controls, recognizer, check=engine.info.seeded)
        if reason is None:
            return speech
    raise SynthesisError(
        f"the engine failed at {text[:60]!r}: {reason}; another wording may help",
        logged=f"a sentence of {len(text)} characters went wrong: {reason}",
    )


def heard(
    speech: Speech, text: str, controls: Controls, recognizer: Recognizer, *, check: bool
) -> tuple[Speech, str | None]:
    """The speech with the times of its words, where the engine told none, and what is wrong with
    it, if that is to be checked. As it is where no speech can be recognised."""
    if (speech.words and not check) or recognizer.unusable():
        return speech, None
    language = controls.language
    try:
        found = recognizer.transcribe(speech.samples, speech.sample_rate, language)
    except EngineUnavailable as error:
        _log.warning("speech was not checked", reason=error.message)
        return speech, None
    if not speech.words:
        seconds = len(speech.samples) / speech.sample_rate
        speech = replace(speech, words=timed(text, language, found.words, seconds))
    strained = not _PLAIN_SPEED[0] <= controls.speed <= _PLAIN_SPEED[1] or (
        abs(controls.pitch) > _PLAIN_PITCH
    )
    return speech, said(found.text, text, language, strained=strained) if check else None


def assemble(
    job: Job, request: SpeechRequest, language: str, chunks: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Bring the chunks to one loudness, encode them one after the other, and keep the file with
    its subtitles."""
    rate = chunks[0]["sample_rate"]
    options = request.options
    volume = volume_of(options)
    groups = groups_of(request.text)
    lead, tail = (round(each * rate) for each in margins([piece for g in groups for piece in g]))
    seconds = (lead + sum(chunk["samples"] for chunk in chunks) + tail) / rate
    audio = files.result(job.task.id, options.format)
    spoken: list[Spoken] = []
    position = lead
    with TemporaryDirectory(prefix="soundclone-") as temporary:
        path = Path(temporary) / "speech"
        limiter = loudness.Limiter(rate)
        with encode.Encoder(
            path,
            options.format,
            sample_rate_in=rate,
            sample_rate=options.sample_rate,
            channels=options.channels,
            tags={"title": title(groups), **encode.SYNTHETIC},
            seconds=seconds,
        ) as encoder:
            encoder.write(limiter.process(np.zeros(lead, np.float32)))
            for group, chunk in zip(groups, chunks, strict=True):
                job.breathe()
                samples, _ = encode.unpack(job.storage.get(chunk["key"]))
                gain = np.float32(levelling(chunk, chunks) * volume)
                for start in range(0, len(samples), _BLOCK):
                    encoder.write(limiter.process(samples[start : start + _BLOCK] * gain))
                spoken.extend(_timed(group, chunk["spoken"], position / rate))
                position += chunk["samples"]
            encoder.write(limiter.process(np.zeros(tail, np.float32)))
            encoder.write(limiter.flush())
        job.storage.put_file(audio, path)
    result = report(job, request, language, audio, seconds)
    if options.subtitles:
        by_word = options.subtitles == SubtitleUnit.WORD
        result = keep_subtitles(job, result, spoken, seconds, by_word)
    return result.to_json()


def volume_of(options: SpeechOptions) -> float:
    """Factor on speech at the target loudness. An angry text is louder than a sad one; all else is
    brought to one loudness."""
    energy = PROFILES[options.emotion].energy
    return float(options.volume * 10 ** (energy / 20))


def report(
    job: Job, request: SpeechRequest, language: str, audio: str, seconds: float
) -> TaskResult:
    """Return a task's result without subtitles. `audio` is the key of the file."""
    # Not in its turn, as it says nothing.
    tongues = spoken_languages(request, language, job.engines.usable(request.engine))
    return TaskResult(
        audio=audio,
        seconds=round(seconds, 3),
        engine=request.engine,
        language=language,
        languages=tuple(sorted({language, *tongues.values()})),
    )


def title(groups: Sequence[Sequence[Piece]]) -> str:
    """What the text begins with, in 60 characters at most."""
    first = next(piece.text for group in groups for piece in group if isinstance(piece, Sentence))
    return first if len(first) <= _TITLE else first[: _TITLE - 1].rstrip() + "…"


def keep_subtitles(
    job: Job, result: TaskResult, spoken: Sequence[Spoken], seconds: float, by_word: bool
) -> TaskResult:
    """Write the SRT and the JSON of the same cues. Returns the result with their keys.

    A sentence stays in the SRT until it can have been read. The JSON has the times of the sound.
    """
    cues = list(subtitles.word_cues(spoken) if by_word else subtitles.sentence_cues(spoken))
    shown = cues if by_word else subtitles.readable(cues, seconds)
    srt, in_json = (files.result(job.task.id, extension) for extension in ("srt", "json"))
    job.storage.put(srt, subtitles.to_srt(shown).encode())
    job.storage.put(in_json, subtitles.to_json(cues).encode())
    return replace(result, subtitles=srt, subtitles_json=in_json)


def levelling(chunk: Mapping[str, Any], chunks: Sequence[Mapping[str, Any]]) -> float:
    """Factor that brings a chunk to the target loudness, so that an engine that drifts is not
    heard to. One that is off by more than _DRIFT is meant, or too short to be measured: it goes
    with the mean of all as far as it is more."""
    mean = _loudness(chunks)
    if not np.isfinite(mean):
        return 1.0
    own = chunk["loudness"] if np.isfinite(chunk["loudness"]) else mean
    drift = float(np.clip(own - mean, -_DRIFT, _DRIFT))
    return float(10 ** ((loudness.TARGET - mean - drift) / 20))


def _loudness(chunks: Sequence[Mapping[str, Any]]) -> float:
    """Of the mean energy of the chunks, in LUFS."""
    energy = weight = 0.0
    for chunk in chunks:
        if np.isfinite(chunk["loudness"]):
            energy += 10 ** (chunk["loudness"] / 10) * chunk["samples"]
            weight += chunk["samples"]
    return float(10 * np.log10(energy / weight)) if weight else -np.inf


def _times(spoken: Spoken) -> list[Any]:
    words = [[word.offset, word.length, word.start, word.end] for word in spoken.words]
    return [spoken.start, spoken.end, words]


def _timed(group: Sequence[Piece], times: Sequence[Any], shift: float) -> Iterator[Spoken]:
    sentences = (piece for piece in group if isinstance(piece, Sentence))
    for sentence, (start, end, words) in zip(sentences, times, strict=True):
        yield Spoken(
            sentence,
            start + shift,
            end + shift,
            tuple(
                Word(sentence.text[offset : offset + length], a, b, offset, length)
                for offset, length, a, b in words
            ),
        )
