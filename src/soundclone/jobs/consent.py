"""Consent recording of a preview: fetch it, compare its speaker with the sample, and store it."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from ..audio import consent as media
from ..audio import decode, encode, speakers
from ..core import consents, files
from ..core.requests import ConsentSource, Source, UrlSource
from ..db.models import Json
from ..errors import ConsentUnusable, NotFound, SourceError
from ..fetch import download
from .runner import Job


def fetch_consent(job: Job, source: Source | ConsentSource) -> int:
    """Copy the consent recording into the store, and return its bytes. Raises ConsentUnusable."""
    with (
        job.pools.fetches.hold(job.task.account_id, check=job.check_waiting),
        TemporaryDirectory(prefix="soundclone-") as folder,
    ):
        path = Path(folder) / "consent"
        try:
            _copy(job, source, path)
        except SourceError as error:
            raise _unusable(error) from error
        size = path.stat().st_size
        job.storage.put_file(job.scratch("consent"), path)
    return size


def verify(job: Job, source: Source | ConsentSource) -> Json:
    """Compare the speaker of the consent recording with the speaker of the sample.

    Return the comparison for the record of the voice. Where the policy requires a recording alone,
    another speaker is no error.

    Raises ConsentUnusable and ConsentMismatch.
    """
    with TemporaryDirectory(prefix="soundclone-") as folder:
        path = Path(folder) / "consent"
        job.storage.get_file(job.scratch("consent"), path)
        try:
            sound = decode.decode(path, check=job.check).sound
        except SourceError as error:
            raise _unusable(error) from error
        job.yield_slot()
        sample, rate = encode.unpack(job.storage.get(files.voice_reference(job.task.voice_id)))
        beginning = sound[: round(media.LONGEST * sound.rate)]
        recorded = job.settings.consent == "recorded"
        compare = media.compare_recordings if recorded else media.verify
        found = compare(beginning, sound.rate, sample, rate)
        if not isinstance(source, ConsentSource):  # the account keeps no copy
            job.storage.put_file(files.voice_consent(job.task.voice_id), path)
    return {
        "similarity": round(found.similarity, 3),
        "needed": media.LEAST_SIMILARITY,
        "speechSeconds": round(found.speech_seconds, 2),
        "encoder": speakers.version(),
        "at": round(time.time(), 3),
    }


def doubts_of(checked: Json) -> tuple[str, ...]:
    """Return a warning if the recordings of a comparison sound like two people."""
    if checked["similarity"] >= checked["needed"]:
        return ()
    return (
        "the consent recording and the sample sound like two people: their similarity is "
        f"{checked['similarity']:.2f}; {checked['needed']:.2f} or more is expected",
    )


def _unusable(error: SourceError) -> ConsentUnusable:
    if isinstance(error, ConsentUnusable):
        return error
    return ConsentUnusable(f"the consent recording cannot be used: {error.message}")


def _copy(job: Job, source: Source | ConsentSource, path: Path) -> None:
    """Copy the recording to a file. Raises SourceError."""
    if isinstance(source, UrlSource):
        download.fetch(
            source.url,
            path,
            allow=job.settings.fetch_allow,
            max_bytes=consents.LARGEST,
            timeout=job.settings.fetch_timeout,
            check=job.check_waiting,
        )
        return
    key = source.key
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
