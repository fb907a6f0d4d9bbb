"""Errors that soundclone raises on purpose.

    SoundcloneError
    ├── AuthenticationError        unauthenticated          20001  401
    ├── Forbidden                  forbidden                20001  403
    ├── RequestError               invalid_request          20002  400
    │   ├── InvalidParameter       invalid_parameter        20002  422
    │   ├── NotFound               not_found                20002  404
    │   ├── Expired                expired                  20002  404
    │   │   └── Deleted            deleted                  20002  404
    │   ├── IdempotencyConflict    idempotency_conflict     20002  409
    │   ├── StateConflict          conflict                 20002  409
    │   ├── PreconditionFailed     precondition_failed      20002  412
    │   ├── RequestTimeout         request_timeout          20002  408
    │   └── TooLarge               too_large                20002  413
    ├── PaymentError               payment_required            -1  402
    │   ├── InsufficientBalance    insufficient_balance        -1  402
    │   └── QuotaExceeded          quota_exceeded              -1  402
    ├── RateLimited                rate_limited                -1  429
    ├── Unavailable                unavailable                 -1  503
    └── TaskError                  (ends a task; never an HTTP response)
        ├── SourceError            the recording cannot become a voice
        │   ├── SourceRefused      source_address_refused
        │   ├── SourceUnreachable  source_unreachable
        │   ├── SourceTimeout      source_timeout
        │   ├── SourceTooLarge     source_too_large
        │   ├── SourceNotMedia     source_not_media
        │   ├── SourceNoAudio      source_no_audio
        │   ├── SourceTruncated    source_truncated
        │   ├── SourceEncrypted    source_encrypted
        │   ├── SourceTooQuiet     source_too_quiet
        │   ├── SourceClipped      source_clipped
        │   ├── SourceTooNoisy     source_too_noisy
        │   ├── SeveralSpeakers    several_speakers
        │   ├── NoSpeech           no_speech
        │   ├── SpeechTooShort     speech_too_short
        │   ├── SpeechTooLong      speech_too_long
        │   ├── ConsentUnusable    consent_unusable
        │   ├── ConsentMismatch    consent_mismatch
        │   └── VoiceProtected     voice_protected
        ├── SynthesisError         synthesis_failed
        ├── EngineUnavailable      engine_unavailable
        ├── TaskAbandoned          worker_lost
        ├── TaskTimedOut           timed_out
        ├── TaskCancelled          cancelled
        │   └── StreamBroken       cancelled
        └── InternalError          internal_error

Columns: class, `word` (stable, for programs), `code` (of the envelope), `status` (HTTP, where real
statuses are used). A message names the value, what is wrong with it and what would be right. The
first line of a docstring is the description on the reference page.
"""

from typing import ClassVar


class SoundcloneError(Exception):
    """Root of the tree. `message` is one sentence without a full stop."""

    word: ClassVar[str] = "error"
    code: ClassVar[int] = -1
    status: ClassVar[int] = 500
    param: str | None = None
    """Name of the request's field that is wrong, in the contract's spelling, if one is."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def safe_message(self) -> str:
        """Message with invalid Unicode replaced, which a quoted value may contain."""
        return self.message.encode(errors="replace").decode()


class AuthenticationError(SoundcloneError):
    """The API key is missing, unknown, expired or revoked."""

    word, code, status = "unauthenticated", 20001, 401


class Forbidden(SoundcloneError):
    """The API key lacks a scope that the request needs."""

    word, code, status = "forbidden", 20001, 403


class RequestError(SoundcloneError):
    """The request is invalid."""

    word, code, status = "invalid_request", 20002, 400

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class InvalidParameter(RequestError):
    """A field has an invalid value. The message names the valid ones."""

    word, status = "invalid_parameter", 422


class NotFound(RequestError):
    """The account has no such task, voice or file."""

    word, status = "not_found", 404


class Expired(RequestError):
    """The voice, result or upload has expired and is gone."""

    word, status = "expired", 404


class Deleted(Expired):
    """The account deleted the voice."""

    word = "deleted"


class IdempotencyConflict(RequestError):
    """The `Idempotency-Key` was used with another request."""

    word, status = "idempotency_conflict", 409


class StateConflict(RequestError):
    """The state of the task or voice does not allow the request."""

    word, status = "conflict", 409


class PreconditionFailed(RequestError):
    """The resource has another ETag than `If-Match` names. Read it again."""

    word, status = "precondition_failed", 412


class RequestTimeout(RequestError):
    """The request did not arrive in time."""

    word, status = "request_timeout", 408


class TooLarge(RequestError):
    """The request, the file or the account's stored data exceeds a limit."""

    word, status = "too_large", 413


class PaymentError(SoundcloneError):
    """The request cannot be paid for."""

    word, code, status = "payment_required", -1, 402


class InsufficientBalance(PaymentError):
    """The account has too few credits. Nothing was started."""

    word = "insufficient_balance"


class QuotaExceeded(PaymentError):
    """The quota of the API key does not cover the price."""

    word = "quota_exceeded"


class RateLimited(SoundcloneError):
    """Too many requests or tasks at once. `Retry-After` is the time to wait in seconds."""

    word, code, status = "rate_limited", -1, 429

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(SoundcloneError):
    """A part of the service does not answer. Try again in a moment."""

    word, code, status = "unavailable", -1, 503


class TaskError(SoundcloneError):
    """The task fails. Repeating the same work would fail in the same way.

    Attributes:
        logged: Message for logs and operators. It quotes no text of a user.
    """

    word = "task_failed"
    charges_delivered: ClassVar[bool] = False
    """True if the customer pays for audio that was streamed before the failure."""

    def __init__(self, message: str, logged: str | None = None) -> None:
        super().__init__(message)
        self.logged = logged or message


class SourceError(TaskError):
    """The recording cannot become a voice."""

    word = "source_error"


class SourceRefused(SourceError):
    """The URL has an unsupported scheme or no public address."""

    word = "source_address_refused"


class SourceUnreachable(SourceError):
    """The URL could not be downloaded. Try again when it works."""

    word = "source_unreachable"


class SourceTimeout(SourceError):
    """The download took too long."""

    word = "source_timeout"


class SourceTooLarge(SourceError):
    """The file is too large."""

    word = "source_too_large"


class SourceNotMedia(SourceError):
    """The file is not audio or video of a supported format."""

    word = "source_not_media"


class SourceNoAudio(SourceError):
    """The file has no audio."""

    word = "source_no_audio"


class SourceTruncated(SourceError):
    """The file ends early."""

    word = "source_truncated"


class SourceEncrypted(SourceError):
    """The file is encrypted."""

    word = "source_encrypted"


class SourceTooQuiet(SourceError):
    """The recording is almost silent."""

    word = "source_too_quiet"


class SourceClipped(SourceError):
    """The recording is clipped."""

    word = "source_clipped"


class SourceTooNoisy(SourceError):
    """Noise, music or other voices are too loud."""

    word = "source_too_noisy"


class SeveralSpeakers(SourceError):
    """More than one person speaks."""

    word = "several_speakers"


class NoSpeech(SourceError):
    """The recording has no speech."""

    word = "no_speech"


class SpeechTooShort(SourceError):
    """The recording has 15 s of speech or less."""

    word = "speech_too_short"


class SpeechTooLong(SourceError):
    """The recording has 60 s of speech or more."""

    word = "speech_too_long"


class ConsentUnusable(SourceError):
    """The consent recording cannot be downloaded or decoded, or has too little speech."""

    word = "consent_unusable"


class ConsentMismatch(SourceError):
    """The consent recording has another speaker than the sample."""

    word = "consent_mismatch"


class VoiceProtected(SourceError):
    """The recording sounds like a voice that may not be cloned here."""

    word = "voice_protected"


class SynthesisError(TaskError):
    """The engine failed at a sentence, also with other seeds. The message quotes the sentence."""

    word = "synthesis_failed"
    charges_delivered = True  # otherwise a text with an unspeakable last word would be free


class EngineUnavailable(TaskError):
    """The voice's engine does not work here now. See `soundclone doctor`."""

    word = "engine_unavailable"


class TaskAbandoned(TaskError):
    """The task ended its worker at each attempt."""

    word = "worker_lost"


class TaskTimedOut(TaskError):
    """The task did not end within `SOUNDCLONE_TASK_TIMEOUT`."""

    word = "timed_out"
    charges_delivered = True


class TaskCancelled(TaskError):
    """The task was cancelled."""

    word = "cancelled"
    charges_delivered = True


class StreamBroken(TaskCancelled):
    """The task was cancelled because the service interrupted its stream."""

    charges_delivered = False


class InternalError(TaskError):
    """The server failed. Its log has the reason under the task's id."""

    word = "internal_error"
