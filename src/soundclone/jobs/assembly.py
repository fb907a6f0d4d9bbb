"""Assemble spoken chunks: loudness, encoding, subtitles and the result of the task."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ..audio import encode, loudness, watermark
from ..audio.samples import Samples
from ..audio.threads import one_ahead
from ..core import files, watermarks
from ..core.requests import AudioFormat, SpeechOptions, SpeechRequest, SubtitleUnit, TaskResult
from ..db.models import Json
from ..engines.emotion import PROFILES
from ..synthesis.concatenation import margins
from ..synthesis.room_tone import room_tone
from ..text import subtitles
from ..text.script import Piece, Sentence
from ..text.subtitles import Spoken
from . import provenance
from .chunks import Chunk, SentenceTimes, request_groups, sentence_languages
from .runner import Job

BLOCK = 1 << 18  # samples to process at once
_DRIFT = 3.0  # LU
_TITLE = 60  # characters
_OVERSHOOT = 0.5  # dB by which a lossy format may exceed the peaks of its input
_ATTEMPTS = 5  # to find a gain
_CLOSE = 0.1  # LU
_LEAST_SLOPE = 0.3
# LU that a dB of gain adds at least. Beyond that, speech would be pressed into the limiter.


def assemble(job: Job, request: SpeechRequest, language: str, chunks: Sequence[Chunk]) -> Json:
    """Encode all chunks at one loudness, and store the file and its subtitles.

    Return the TaskResult as JSON.
    """
    rate = chunks[0].sample_rate
    options = request.options
    groups = request_groups(request)
    lead, tail = (round(each * rate) for each in margins([p for group in groups for p in group]))
    seconds = (lead + sum(chunk.samples for chunk in chunks) + tail) / rate
    audio = files.result(job.task.id, options.format.extension)
    spoken: list[Spoken] = []
    position = lead

    def levelled() -> Iterator[Samples]:
        yield room_tone(lead, rate, 0)
        for chunk in chunks:
            job.yield_slot()
            samples, _ = encode.unpack(job.storage.get(chunk.key))
            gain = np.float32(level_gain(chunk, chunks))
            for block in blocks(samples):
                yield block * gain
        yield room_tone(tail, rate, 0)

    def mastered() -> Iterator[Samples]:
        for block in levelled():
            yield mastering.process(block * volume)
        yield mastering.finish()

    for group, chunk in zip(groups, chunks, strict=True):
        sentences = (piece for piece in group if isinstance(piece, Sentence))
        for sentence, times in zip(sentences, chunk.spoken, strict=True):
            spoken.append(times.spoken(sentence, position / rate))
        position += chunk.samples
    ceiling = ceiling_of(options)
    volume = np.float32(
        standard_gain(options, levelled, rate) if options.loudness else volume_gain(options)
    )
    with TemporaryDirectory(prefix="soundclone-") as folder:
        path = Path(folder) / "speech"
        mastering = Mastering(job, rate, ceiling)
        with encode.Encoder(
            path,
            options.format,
            sample_rate_in=rate,
            sample_rate=options.sample_rate,
            channels=options.channels,
            bit_rate=options.bit_rate,
            tags=tags(groups),
            seconds=seconds,
        ) as encoder:
            for block in one_ahead(mastered()):
                encoder.write(block)
        result = result_of(job, request, language, audio, seconds)
        result = provenance.seal(job, result, path, options)
        job.storage.put_file(audio, path)
    if options.subtitles:
        result = store_subtitles(job, result, spoken, seconds, options.subtitles)
    if options.times:
        result = store_times(job, result, spoken)
    return result.to_json()


class Mastering:
    """Last stages before the encoder: the watermark, then the limiter.

    A task that another worker takes over keeps its payload, so its sound stays the same.
    """

    def __init__(self, job: Job, sample_rate: int, ceiling: float = loudness.CEILING) -> None:
        self._limiter = loudness.Limiter(sample_rate, ceiling)
        self._embedder: watermark.Embedder | None = None
        if job.settings.watermark:
            with job.database.transaction() as session:
                secret = watermarks.create_secret(session)
                payload = watermarks.payload(session, job.task.id)
            self._embedder = watermark.Embedder(sample_rate, secret, payload)

    def process(self, samples: Samples) -> Samples:
        """Append samples, shape (n,), and return those that are ready."""
        if self._embedder:
            samples = self._embedder.process(samples)
        return self._limiter.process(samples)

    def finish(self) -> Samples:
        """Return the remaining samples."""
        if not self._embedder:
            return self._limiter.flush()
        last = self._limiter.process(self._embedder.finish())
        return np.concatenate([last, self._limiter.flush()])


def blocks(samples: Samples) -> Iterator[Samples]:
    """Yield samples in blocks, so that the processed copy stays small."""
    for start in range(0, len(samples), BLOCK):
        yield samples[start : start + BLOCK]


def tags(groups: Sequence[Sequence[Piece]]) -> dict[str, str]:
    """Return the tags of the file."""
    return {"title": title(groups), **encode.SYNTHETIC}


def title(groups: Sequence[Sequence[Piece]]) -> str:
    """Return the beginning of the text: its first sentence, at most 60 characters."""
    first = next(piece.text for group in groups for piece in group if isinstance(piece, Sentence))
    return first if len(first) <= _TITLE else first[: _TITLE - 1].rstrip() + "…"


def volume_gain(options: SpeechOptions) -> float:
    """Return the gain on speech at the target loudness.

    `level_gain` brings an angry text and a sad text to one loudness. That removes the gain of the
    emotion, which the engine or `prosody` has applied. So the gain is applied here again.
    """
    energy = PROFILES[options.emotion].energy
    return float(options.volume * 10 ** (energy / 20))


def ceiling_of(options: SpeechOptions) -> float:
    """Return the highest true peak of the samples before they are encoded, in dBTP."""
    if options.loudness is None:
        return loudness.CEILING
    lossless = options.format in (AudioFormat.WAV, AudioFormat.FLAC)
    return loudness.STANDARDS[options.loudness].ceiling - (0.0 if lossless else _OVERSHOOT)


def standard_gain(
    options: SpeechOptions, levelled: Callable[[], Iterator[Samples]], rate: int
) -> float:
    """Return the gain with which speech has the loudness that its options name.

    The limiter takes some loudness away, so the speech is measured behind the limiter.
    """
    assert options.loudness is not None
    # A meter adds the energies of both channels, which are the same (BS.1770-4, annex 1).
    target = loudness.STANDARDS[options.loudness].lufs - 10 * np.log10(options.channels)
    gain, slope = 0.0, 1.0  # dB, and LU for each dB
    before: tuple[float, float] | None = None
    for attempt in range(_ATTEMPTS):
        meter = loudness.Meter(rate)
        limiter = loudness.Limiter(rate, ceiling_of(options))
        factor = np.float32(10 ** (gain / 20))
        for block in levelled():
            meter.add(limiter.process(block * factor) if attempt else block)
        if attempt:
            meter.add(limiter.flush())
        level = meter.integrated()
        if not np.isfinite(level):
            return 1.0
        if attempt and abs(target - level) < _CLOSE:
            break
        if before and gain > before[0]:
            slope = min(max((level - before[1]) / (gain - before[0]), _LEAST_SLOPE), 1.0)
        before = (gain, level) if attempt else None
        gain += (target - level) / slope
    return float(10 ** (gain / 20))


def level_gain(chunk: Chunk, chunks: Sequence[Chunk]) -> float:
    """Return the gain that brings a chunk to the target loudness.

    The gain corrects drift between the chunks of a voice, up to _DRIFT. A larger deviation from
    their mean is taken as intended, and the chunk keeps the rest of it. A chunk that is too short
    to be measured gets the gain of the mean. All voices of a text get the same loudness.
    """
    mean = _mean_loudness([each for each in chunks if each.voice_id == chunk.voice_id])
    if not np.isfinite(mean):
        mean = _mean_loudness(chunks)
    if not np.isfinite(mean):
        return 1.0
    level = chunk.loudness if np.isfinite(chunk.loudness) else mean
    drift = float(np.clip(level - mean, -_DRIFT, _DRIFT))
    return float(10 ** ((loudness.TARGET - mean - drift) / 20))


def _mean_loudness(chunks: Sequence[Chunk]) -> float:
    """Return the loudness of the mean energy, in LUFS."""
    energy = weight = 0.0
    for chunk in chunks:
        if np.isfinite(chunk.loudness):
            energy += 10 ** (chunk.loudness / 10) * chunk.samples
            weight += chunk.samples
    return float(10 * np.log10(energy / weight)) if weight else -np.inf


def result_of(
    job: Job, request: SpeechRequest, language: str, audio: str, seconds: float
) -> TaskResult:
    """Return a task's result without subtitles. `audio` is the key of the file."""
    # The engine is read only for its languages, so other tasks may be using it.
    engine = job.engines.usable(request.engine).info
    spoken = sentence_languages(request, language, engine).values()
    return TaskResult(
        audio=audio,
        seconds=round(seconds, 3),
        engine=request.engine,
        language=language,
        languages=tuple(sorted({language, *spoken})),
    )


def store_times(job: Job, result: TaskResult, spoken: Sequence[Spoken]) -> TaskResult:
    """Store the exact times of the sentences and words, and return the result with their key."""
    key = files.result(job.task.id, "times.json")
    times = [[each.start, each.end, each.words] for each in map(SentenceTimes.of, spoken)]
    job.storage.put(key, json.dumps(times).encode())
    return replace(result, times=key)


def store_subtitles(
    job: Job,
    result: TaskResult,
    spoken: Sequence[Spoken],
    seconds: float,
    unit: SubtitleUnit,
) -> TaskResult:
    """Store the same cues as SRT, WebVTT and JSON, and return the result with their keys.

    In SRT and WebVTT, a sentence stays until it can have been read. The JSON has the times of the
    sound.
    """
    by_word = unit == SubtitleUnit.WORD
    cues = list(subtitles.word_cues(spoken) if by_word else subtitles.sentence_cues(spoken))
    shown = cues if by_word else list(subtitles.readable(cues, seconds))
    srt, vtt, in_json = (files.result(job.task.id, each) for each in ("srt", "vtt", "json"))
    job.storage.put(srt, subtitles.to_srt(shown).encode())
    job.storage.put(vtt, subtitles.to_vtt(shown).encode())
    job.storage.put(in_json, subtitles.to_json(cues).encode())
    return replace(result, subtitles=srt, subtitles_json=in_json, subtitles_vtt=vtt)
