"""Comparison of recordings with the voices that may not be cloned."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..audio import consent, decode, recording, speakers
from ..audio.consent import Voiceprint
from ..audio.samples import Samples
from ..core import audit, protection
from ..core.protection import Embeddings
from ..db.models import ProtectedVoice
from ..errors import SourceTooLarge, VoiceProtected
from ..telemetry import log
from .runner import Job

LIMITS = recording.RecordingLimits(min_seconds=10.0, max_seconds=600.0)
"""Limits of the speech in the recording of a protected voice."""

LARGEST = 200_000_000  # bytes of such a recording

_log = log(__name__)


def embeddings_of(path: Path) -> Embeddings:
    """Return the embeddings of the speaker of a recording.

    Raises:
        SourceError: The recording has too little speech, several speakers or too much noise.
    """
    size = path.stat().st_size
    if size > LARGEST:
        raise SourceTooLarge(f"{path.name} has {size:,} bytes; at most {LARGEST:,} are taken")
    found = recording.examine(decode.decode(path), limits=LIMITS)
    reference = recording.extract_reference(found)
    made = _voiceprint(reference, found.sample_rate)
    return Embeddings(
        encoder=speakers.version(),
        whole=made.whole.astype("<f4").tobytes(),
        telephone=made.telephone.astype("<f4").tobytes(),
        narrow=made.narrow,
        speech_seconds=round(found.speech_seconds, 2),
    )


def check(job: Job, reference: Samples, rate: int) -> None:
    """Check that the reference of a new voice has no protected speaker.

    Raises:
        VoiceProtected: The speaker sounds like a protected voice, and the operator has not allowed
            the account to clone that voice.
    """
    with job.database.read() as session:
        guarded = protection.guarded_from(session, job.task.account_id, speakers.version())
    if not guarded:
        return
    speaker = _voiceprint(reference, rate)
    likeness, voice = max(
        ((consent.compare(speaker, _stored(each)), each) for each in guarded),
        key=lambda pair: pair[0],
    )
    if likeness < consent.MOST_SIMILARITY:
        return
    with job.database.transaction() as session:
        audit.record(
            session,
            audit.Event.REFUSED,
            audit.by_key(job.task.key_id),
            voice_id=voice.id,
            account_id=job.task.account_id,
            task_id=job.task.id,
            detail=f"similarity {likeness:.3f}",
        )
    _log.warning("protected voice", protected=voice.id, similarity=round(likeness, 3))
    # The message has no similarity, because that would help to disguise a voice.
    raise VoiceProtected(
        f"the recording sounds like the protected voice {voice.id}, which may not be cloned here; "
        "the operator of this service can allow your account to clone it"
    )


def _voiceprint(reference: Samples, rate: int) -> Voiceprint:
    speech, _ = consent.extract_speech(reference, rate)
    if not len(speech):  # the examination found speech that this detector is not sure of
        speech = consent.resampled(reference, rate)
    return consent.voiceprint(speech)


def _stored(voice: ProtectedVoice) -> Voiceprint:
    return Voiceprint(
        np.frombuffer(voice.whole, "<f4"), np.frombuffer(voice.telephone, "<f4"), voice.narrow
    )
