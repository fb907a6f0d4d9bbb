"""Workflow of a voice conversion: a recording becomes the same performance in a voice."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ..audio import encode, loudness, recording
from ..audio.denoise import denoise
from ..core import files
from ..core.pricing import conversion_share
from ..core.requests import LONGEST_CONVERSION, ConversionRequest, TaskResult
from ..db.models import Json
from ..engines.protocol import Converter, Reference
from ..errors import EngineUnavailable, SpeechTooLong
from . import provenance
from .assembly import Mastering, blocks, volume_gain
from .clone import decode_source, fetch_source
from .runner import CONVERT, ENCODE, EXAMINE, FETCH, FIND_VOICE, Job, Outcome
from .voices import VoiceLoader, VoiceRef, find_voice, kept_voice

_LIMITS = recording.RecordingLimits(
    min_seconds=1.0,
    max_seconds=LONGEST_CONVERSION + 1.0,
    search_seconds=LONGEST_CONVERSION + 2.0,
    sparse=(1.0, 300.0),
)
_TOLERANCE = 0.3  # seconds, because encoders pad a recording
_RATE = 24_000  # Hz at most, of the performance that an engine gets


def convert(job: Job) -> Outcome:
    """Run a conversion task."""
    request = ConversionRequest.from_json(job.task.params)
    row = kept_voice(job, job.task.voice_id)
    job.waiting_step(FETCH, 10, fetch_source, job, request.source)
    measured = job.recording_step(EXAMINE, 25, examine_performance, job, request)
    language = _language(job, request.engine, row.language)
    voice = VoiceRef.from_json(job.step(FIND_VOICE, 30, find_voice, job, request.engine, language))
    job.step(CONVERT, 90, convert_performance, job, request, voice, language)
    record = job.step(ENCODE, 99, encode_performance, job, request, measured)
    cost = conversion_share(job.task.cost, job.task.fee, measured["seconds"], request.max_seconds)
    return Outcome(TaskResult.recorded(record), cost=cost)


def examine_performance(job: Job, request: ConversionRequest) -> Json:
    """Decode and measure the recording, and store the performance for the engine.

    Raises SourceError.
    """
    with TemporaryDirectory(prefix="soundclone-") as folder:
        decoded = decode_source(job, request.source, Path(folder))
        if decoded.seconds > request.max_seconds + _TOLERANCE:
            raise SpeechTooLong(
                f"the recording lasts {decoded.seconds:.1f} s; at most {request.max_seconds} s are "
                f"converted, set by maxSeconds, which is {LONGEST_CONVERSION} at most"
            )
        found = recording.examine(decoded, limits=_LIMITS, pause=job.yield_slot)
        sound = found.samples.resampled(min(_RATE, found.sample_rate))
        samples = denoise(sound[:], sound.rate) if found.steady_noise else sound[:]
    job.storage.put(_performance(job), encode.pack(samples, sound.rate))
    return {
        "seconds": decoded.seconds,
        "speech_seconds": round(found.speech_seconds, 2),
        "warnings": list(found.warnings),
    }


def convert_performance(job: Job, request: ConversionRequest, ref: VoiceRef, language: str) -> Json:
    """Convert the stored performance, and store the result. Return its samples as JSON.

    Raises:
        SourceError: The recording cannot be converted.
        SynthesisError: The voice cannot be used.
        EngineUnavailable: The engine does not convert.
    """
    samples, rate = encode.unpack(job.storage.get(_performance(job)))
    with job.voice_engine(request.engine) as engine:
        if not (engine.info.converts and isinstance(engine, Converter)):
            raise EngineUnavailable(
                f"the engine {request.engine!r} of this worker does not convert recordings"
            )
        voice = VoiceLoader(job, engine, job.task.voice_id).voice_for(language)
        made = engine.convert(voice, Reference(samples, rate), pause=job.yield_slot)
    job.storage.put(_converted(job), encode.pack(made.samples, made.sample_rate))
    return {"samples": len(made.samples), "voice": ref.version}


def encode_performance(job: Job, request: ConversionRequest, measured: Json) -> Json:
    """Encode the converted performance at the usual loudness. Return the TaskResult as JSON."""
    samples, rate = encode.unpack(job.storage.get(_converted(job)))
    options, seconds = request.options, len(samples) / rate
    level = loudness.loudness(samples, rate)
    gain = 10 ** ((loudness.TARGET - level) / 20) if np.isfinite(level) else 1.0
    audio = files.result(job.task.id, options.format.extension)
    result = TaskResult(
        audio=audio,
        seconds=round(seconds, 3),
        engine=request.engine,
        speech_seconds=measured["speech_seconds"],
        warnings=tuple(measured["warnings"]),
    )
    with TemporaryDirectory(prefix="soundclone-") as folder:
        path = Path(folder) / "speech"
        mastering = Mastering(job, rate)
        with encode.Encoder(
            path,
            options.format,
            sample_rate_in=rate,
            sample_rate=options.sample_rate,
            channels=options.channels,
            bit_rate=options.bit_rate,
            tags=encode.SYNTHETIC,
            seconds=seconds,
        ) as encoder:
            for block in blocks(samples):
                job.yield_slot()
                encoder.write(mastering.process(block * np.float32(gain * volume_gain(options))))
            encoder.write(mastering.finish())
        result = provenance.seal(job, result, path, options)
        job.storage.put_file(audio, path)
    return result.to_json()


def _language(job: Job, engine: str, spoken: str | None) -> str:
    """Return a language of the engine, because some engines have a voice for each language."""
    known = job.engines.usable(engine).info.languages
    return spoken if spoken in known else "English" if "English" in known else min(known)


def _performance(job: Job) -> str:
    return job.scratch("performance")


def _converted(job: Job) -> str:
    return job.scratch("converted")
