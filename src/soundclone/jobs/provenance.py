"""Marks and register entry of a finished file.

`seal` runs in the step that made the file. It signs Content Credentials and keeps the register
entry as a work file. The runner enters the entry in the transaction that completes the task.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np

from ..audio import credentials, encode
from ..audio.credentials import CredentialsError, Signer, Statement
from ..audio.fingerprint import Fingerprint, fingerprint
from ..audio.samples import Samples
from ..config import Settings, SettingsError
from ..core import files
from ..core.register import Result
from ..core.requests import AudioFormat, CloneRequest, SpeechOptions, TaskResult, voices_of
from ..db.models import Json, TaskKind, Voice
from ..errors import NotFound
from ..telemetry import log

if TYPE_CHECKING:
    from .runner import Job

_log = log(__name__)
_CLASSES = ("none", "declared", "recorded", "verified")  # from the weakest
_RAW = frozenset({AudioFormat.PCM, AudioFormat.ULAW, AudioFormat.ALAW})  # without a header


@cache
def _signer(path: Path, create: bool) -> Signer:
    return credentials.signer_of(path, create=create)


def signer_of(settings: Settings) -> Signer | None:
    """Return the signer of Content Credentials, None without the library.

    Raises:
        SettingsError: The operator's certificate cannot be used.
    """
    if not credentials.available():
        return None
    try:
        return _signer(certificate_file(settings), settings.credentials_file is None)
    except CredentialsError as error:
        raise SettingsError(f"Content Credentials cannot be signed: {error}") from error


def certificate_file(settings: Settings) -> Path:
    """Return the file with the key and the certificate that sign Content Credentials."""
    return settings.credentials_file or settings.data_dir / "credentials.pem"


def seal(
    job: Job,
    result: TaskResult,
    path: Path,
    options: SpeechOptions,
    *,
    embed: bool = True,
    consent: str | None = None,
    fingerprinted: bool = True,
) -> TaskResult:
    """Sign a finished file in place, and keep its register entry until the task ends.

    Args:
        job: The job.
        result: Result of the task so far.
        path: The file.
        options: Form of the file.
        embed: False for a file whose beginning a listener has already heard.
        consent: Consent that the file states. None: that of the job's voice.
        fingerprinted: False for a file of results that are in the register already. Only its hash
            is entered, and an excerpt leads to one of those results.

    Returns:
        The result, with the key of the sidecar if the file has one.
    """
    signer = signer_of(job.settings)
    if signer is not None:
        statement = Statement(str(result.engine), time.time(), consent or consent_class(job))
        try:
            if embed and options.format in credentials.MEDIA_TYPES:
                signer.embed(path, options.format, statement)
            else:
                key = files.result(job.task.id, "c2pa")
                job.storage.put(key, signer.sidecar(path, statement))
                result = replace(result, credentials=key)
        except CredentialsError as error:
            # The file has a watermark and a register entry, so the speech is delivered.
            _log.error("file without Content Credentials", reason=str(error))
    entry = _entry(path, options) if fingerprinted else _entry_of_parts(path, result)
    buffer = io.BytesIO()
    np.savez(
        buffer,
        sha256=np.array(entry.sha256),
        seconds=np.array(entry.seconds),
        hashes=entry.fingerprint.hashes.astype(np.int32),
        frames=entry.fingerprint.frames.astype(np.int32),
    )
    job.storage.put(_key(job), buffer.getvalue())
    return result


def sealed(job: Job) -> Result | None:
    """Return the register entry that `seal` has kept, None if there is none."""
    try:
        data = job.storage.get(_key(job))
    except NotFound:
        return None
    with np.load(io.BytesIO(data), allow_pickle=False) as kept:
        return Result(
            str(kept["sha256"]),
            float(kept["seconds"]),
            Fingerprint(kept["hashes"].astype(np.int64), kept["frames"].astype(np.int64)),
        )


def consent_class(job: Job) -> str:
    """Return the weakest consent of a job's voices: none, declared, recorded or verified."""
    if job.task.kind == TaskKind.CLONE:
        request = CloneRequest.from_json(job.task.params)
        if request.consent_source is not None:
            # With the policy `recorded`, another speaker does not end the task.
            return "recorded" if job.settings.consent == "recorded" else "verified"
        return class_of(request.consent.to_json() if request.consent else None)
    with job.database.read() as session:
        spoken = [session.get(Voice, each) for each in voices_of(job.task)]
    return weakest_class(voice.consent if voice else None for voice in spoken)


def class_of(consent: Json | None) -> str:
    """Return the class of a voice's consent."""
    if not consent:
        return "none"
    if checked := consent.get("verified"):
        return "verified" if checked["similarity"] >= checked["needed"] else "recorded"
    return "recorded" if consent.get("consent") else "declared"


def weakest_class(consents: Iterable[Json | None]) -> str:
    """Return the weakest class of the consents of several voices."""
    return min(map(class_of, consents), key=_CLASSES.index, default="none")


def _key(job: Job) -> str:
    return job.scratch("register")


def _entry(path: Path, options: SpeechOptions) -> Result:
    digest = _digest(path)
    samples, rate = _decode(path, options)
    return Result(digest, len(samples) / rate, fingerprint(samples, rate))


def _entry_of_parts(path: Path, result: TaskResult) -> Result:
    none = np.zeros(0, np.int64)
    return Result(_digest(path), result.seconds or 0.0, Fingerprint(none, none))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _decode(path: Path, options: SpeechOptions) -> tuple[Samples, int]:
    """Decode a file that this process has encoded."""
    form = encode.STREAMS[options.format]
    raw: dict[str, str] = {}
    if options.format in _RAW:
        rate = options.sample_rate or form.sample_rate
        layout = "mono" if options.channels == 1 else "stereo"
        raw = {"sample_rate": str(rate), "ch_layout": layout}
    resampler = av.AudioResampler("flt", "mono", 16_000)
    with av.open(str(path), "r", format=form.container if raw else None, options=raw) as container:
        blocks = [
            part.to_ndarray()[0]
            for frame in container.decode(audio=0)
            for part in resampler.resample(frame)
        ]
    return np.concatenate(blocks), 16_000
