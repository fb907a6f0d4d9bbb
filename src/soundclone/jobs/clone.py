"""Workflow of a preview: a recording becomes a voice, and the voice speaks a text."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from ..audio import decode, encode, loudness, recording
from ..audio.decode import Decoded
from ..audio.outline import outline
from ..audio.recording_report import RecordingReport
from ..audio.samples import Samples
from ..audio.threads import run_beside
from ..core import files
from ..core.formatting import DAY
from ..core.requests import (
    CloneRequest,
    JoinedSource,
    SpeechRequest,
    UploadSource,
    UrlSource,
    VoiceSource,
)
from ..db.models import Json, Voice
from ..engines.builtin import spoken_language
from ..errors import NotFound, SourceError, SourceUnreachable
from ..fetch import download
from ..text.languages import LANGUAGES
from . import consent, protection
from .chunks import language_of, request_groups
from .runner import (
    CONSENT,
    EXAMINE,
    FETCH,
    FETCH_CONSENT,
    KEEP_PREVIEW,
    LANGUAGE,
    MAKE_VOICE,
    Job,
    Outcome,
)
from .speak import speak_text
from .voices import VoiceRef, find_voice

_PEAK = 0.97


def clone(job: Job) -> Outcome:
    """Run a preview task."""
    request, voice_id = CloneRequest.from_json(job.task.params), job.task.voice_id
    job.waiting_step(FETCH, 10, fetch_source, job, request.source)
    measured = job.recording_step(EXAMINE, 30, examine, job, request.source)
    agreed = request.consent.to_json() if request.consent else None
    doubts: tuple[str, ...] = ()
    if request.consent_source:
        job.waiting_step(FETCH_CONSENT, 30, consent.fetch_consent, job, request.consent_source)
        checked = job.recording_step(CONSENT, 30, consent.verify, job, request.consent_source)
        agreed = {**(agreed or {}), "verified": checked}
        doubts = consent.doubts_of(checked)
    spoken = measured.get("language")  # an earlier release recorded none
    language = job.step(LANGUAGE, 31, preview_language, job, request, spoken)
    preview = request.preview
    if request.follows_recording:
        preview = replace(preview, text=LANGUAGES[language].preview, language=language)
    record = job.step(MAKE_VOICE, 50, find_voice, job, request.engine, language, spoken=spoken)
    made = VoiceRef.from_json(record)
    result = speak_text(job, preview, language, made, start=50)
    heard = job.step(KEEP_PREVIEW, 99, keep_preview, job, result.audio, preview)
    now = time.time()
    ends_at = request.consent.ends_at if request.consent else None
    expires_at = now + job.settings.voice_days * DAY
    expires_at = expires_at if ends_at is None else min(expires_at, ends_at)
    voice = Voice(
        id=voice_id,
        account_id=job.task.account_id,
        task_id=job.task.id,
        version=request.version,
        engine=made.engine,
        engine_version=made.version,
        licence=made.licence,
        language=spoken,
        speech_seconds=measured["speech_seconds"],
        name=request.name or None,
        consent=agreed,
        consent_id=request.consent.consent_id if request.consent else None,
        consent_ends_at=ends_at,
        uploads=sorted(request.uploads),
        # An earlier release recorded no report and no waveform.
        recording_report=measured.get("report"),
        waveforms={"preview": heard, "recording": measured.get("waveform", [])},
        created_at=now,
        expires_at=expires_at,
    )
    result = replace(
        result,
        speech_seconds=measured["speech_seconds"],
        recording_report=RecordingReport.from_json(measured.get("report")),
        warnings=(*measured["warnings"], *doubts),
        voice_expires_at=int(expires_at),
    )
    return Outcome(result, voice)


def preview_language(job: Job, request: CloneRequest, spoken: str | None) -> str:
    """Return the language of the preview, which may follow the language of the recording."""
    if request.follows_recording and spoken is not None:
        speakable = job.engines.usable(request.engine).info.languages
        if spoken in speakable and LANGUAGES[spoken].within(request.version):
            return spoken
    return language_of(request.preview)


def fetch_source(job: Job, source: VoiceSource) -> int:
    """Copy the recording into the store, and return its bytes. Raises SourceError."""
    uploads: tuple[str, ...] = ()
    if isinstance(source, UploadSource):
        uploads = (source.key,)
    elif isinstance(source, JoinedSource):
        uploads = source.keys
    size = 0
    with (
        job.pools.fetches.hold(job.task.account_id, check=job.check_waiting),
        TemporaryDirectory(prefix="soundclone-") as folder,
    ):
        path = Path(folder) / "source"
        for key, upload in zip(_copies(job, source), uploads, strict=False):
            try:
                job.storage.get_file(upload, path)
            except NotFound as error:
                raise SourceUnreachable(
                    "the uploaded file is no longer kept; upload it again"
                ) from error
            size += path.stat().st_size
            job.storage.put_file(key, path)
        if isinstance(source, UrlSource):
            download.fetch(
                source.url,
                path,
                allow=job.settings.fetch_allow,
                max_bytes=job.settings.fetch_max_bytes,
                timeout=job.settings.fetch_timeout,
                check=job.check_waiting,
            )
            size = path.stat().st_size
            job.storage.put_file(job.scratch("source"), path)
    return size


def _copies(job: Job, source: VoiceSource) -> list[str]:
    """Return the keys of the copies of a source's files, in order."""
    if not isinstance(source, JoinedSource):
        return [job.scratch("source")]
    return [job.scratch(f"source-{number:03}") for number in range(1, len(source.keys) + 1)]


def decode_source(job: Job, source: VoiceSource, folder: Path) -> Decoded:
    """Decode the copies of a source, joined as one recording.

    Raises:
        SourceError: A file is unusable. The message numbers the file if there are several.
    """
    decoded: list[Decoded] = []
    copies = _copies(job, source)
    for number, key in enumerate(copies, 1):
        path = folder / "source"
        job.storage.get_file(key, path)
        try:
            decoded.append(decode.decode(path, check=job.check))
        except SourceError as error:
            if len(copies) == 1:
                raise
            raise type(error)(f"file {number} of {len(copies)}: {error.message}") from error
    return decode.join(decoded)


def examine(job: Job, source: VoiceSource) -> Json:
    """Decode and measure the recording, and store the reference for engines and for people.

    The language is None if the recogniser is not sure of it.

    Raises SourceError, also for a protected voice.
    """
    with TemporaryDirectory(prefix="soundclone-") as folder:
        decoded = decode_source(job, source, Path(folder))
        found = recording.examine(decoded, pause=job.yield_slot)
        reference = recording.extract_reference(found)
        rate = found.sample_rate
        _, language = run_beside(
            lambda: _keep_reference(job, reference, rate, Path(folder)),
            lambda: spoken_language.detect(reference, rate),
        )
    return {
        "speech_seconds": round(found.speech_seconds, 2),
        "warnings": list(found.warnings),
        "language": language,
        "report": recording.report_on(found).to_json(),
        "waveform": outline(reference),
    }


def keep_preview(job: Job, audio: str, preview: SpeechRequest) -> list[int]:
    """Copy the preview to the files of its voice, and return its outline."""
    with TemporaryDirectory(prefix="soundclone-") as folder:
        path = Path(folder) / "preview"
        job.storage.get_file(audio, path)
        job.storage.put_file(files.voice_preview(job.task.voice_id), path)
    chunks = range(len(request_groups(preview)))
    spoken = [encode.unpack(job.storage.get(files.chunk(job.task.id, each))) for each in chunks]
    return outline(np.concatenate([samples for samples, _ in spoken]))


def _keep_reference(job: Job, reference: Samples, rate: int, folder: Path) -> None:
    """Store the reference for engines and for people. Raises VoiceProtected."""
    protection.check(job, reference, rate)
    listenable = folder / "recording.flac"
    with encode.Encoder(listenable, "flac", sample_rate_in=rate) as encoder:
        encoder.write(at_speech_loudness(reference, rate))
    job.storage.put_file(files.voice_recording(job.task.voice_id), listenable)
    job.storage.put(files.voice_reference(job.task.voice_id), encode.pack(reference, rate))


def at_speech_loudness(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Bring samples to the loudness of speech tasks, as far as their peaks allow."""
    gain = 10 ** ((loudness.TARGET - loudness.loudness(samples, rate)) / 20)
    return samples * np.float32(min(gain, _PEAK / np.abs(samples).max(initial=1e-3)))
