"""The consent recording of a preview: fetched, compared with the sample, and kept."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..audio import consent as media
from ..audio import decode, encode, speakers
from ..core import consents
from ..errors import ConsentUnusable, NotFound, SourceError
from ..fetch import download
from .runner import Job
from .speak import reference_file


def consent_file(voice_id: str) -> str:
    """Key of the consent recording that was sent with a voice and is kept with the voice."""
    return f"voices/{voice_id}/consent"


def fetch_consent(job: Job) -> int:
    """Bring the consent recording into the store; returns its size in bytes. Raises
    ConsentUnusable."""
    source: Mapping[str, str] = job.task.params["consent_source"]
    with (
        job.pools.fetches.hold(job.task.account_id, check=job.check_waiting),
        TemporaryDirectory(prefix="soundclone-") as folder,
    ):
        path = Path(folder) / "consent"
        try:
            _bring(job, source, path)
        except SourceError as error:
            raise _unusable(error) from error
        size = path.stat().st_size
        job.storage.put_file(job.scratch("consent"), path)
    return size


def verify(job: Job) -> dict[str, Any]:
    """Compare the speaker of the consent recording with the speaker of the sample. Returns what
    the voice records of the comparison. Raises ConsentUnusable, ConsentMismatch."""
    source: Mapping[str, str] = job.task.params["consent_source"]
    with TemporaryDirectory(prefix="soundclone-") as folder:
        path = Path(folder) / "consent"
        job.storage.get_file(job.scratch("consent"), path)
        try:
            sound = decode.decode(path, check=job.check).sound
        except SourceError as error:
            raise _unusable(error) from error
        job.breathe()
        sample, rate = encode.unpack(job.storage.get(reference_file(job.task.voice_id)))
        beginning = sound[: round(media.LONGEST * sound.rate)]
        found = media.verify(beginning, sound.rate, sample, rate)
        if "consent" not in source:
            job.storage.put_file(consent_file(job.task.voice_id), path)
    return {
        "similarity": round(found.similarity, 3),
        "needed": media.LEAST_SIMILARITY,
        "speechSeconds": round(found.speech_seconds, 2),
        "encoder": speakers.version(),
        "at": round(time.time(), 3),
    }


def _unusable(error: SourceError) -> ConsentUnusable:
    if isinstance(error, ConsentUnusable):
        return error
    return ConsentUnusable(f"the consent recording cannot be used: {error.message}")


def _bring(job: Job, source: Mapping[str, str], path: Path) -> None:
    """Copy the recording to a file. Raises SourceError."""
    key = source.get("kept") or source.get("upload")
    if key is None:
        download.fetch(
            source["url"],
            path,
            allow=job.settings.fetch_allow,
            max_bytes=consents.LARGEST,
            timeout=job.settings.fetch_timeout,
            check=job.check_waiting,
        )
        return
    size = job.storage.size(key)
    if size is None:
        raise ConsentUnusable("the consent recording is no longer kept; give it again")
    if size > consents.LARGEST:
        raise ConsentUnusable(
            f"the consent recording has {size:,} bytes; at most {consents.LARGEST:,} are taken"
        )
    try:
        job.storage.get_file(key, path)
    except NotFound as error:
        raise ConsentUnusable("the consent recording is no longer kept; give it again") from error
