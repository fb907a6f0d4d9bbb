"""Every error that soundclone raises on purpose.

    SoundcloneError
    ├── AuthenticationError        unauthenticated          20001  401
    ├── RequestError               invalid_request          20002  400
    │   ├── InvalidParameter       invalid_parameter        20002  422
    │   ├── NotFound               not_found                20002  404
    │   ├── Expired                expired                  20002  404
    │   │   └── Deleted            deleted                  20002  404
    │   ├── IdempotencyConflict    idempotency_conflict     20002  409
    │   ├── Conflict               conflict                 20002  409
    │   ├── RequestTimeout         request_timeout          20002  408
    │   └── TooLarge               too_large                20002  413
    ├── PaymentError
    │   ├── InsufficientBalance    insufficient_balance        -1  402
    │   └── QuotaExceeded          quota_exceeded              -1  402
    ├── RateLimited                rate_limited                -1  429
    ├── Unavailable                unavailable                 -1  503
    └── TaskError                  (what a failed task reports; never an API answer)
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
        │   └── ConsentMismatch    consent_mismatch
        ├── SynthesisError         synthesis_failed
        ├── EngineUnavailable      engine_unavailable
        ├── TaskAbandoned          worker_lost      (every attempt lost its worker)
        ├── TaskTimedOut           timed_out
        ├── TaskCancelled          cancelled
        └── InternalError          internal_error

Columns: class, `word` (stable, for machines), `code` (the envelope's), `status` (HTTP, where real
statuses are used). The message is for people: it names the value, what was wrong with it and what
would be right.
"""

from typing import ClassVar


class SoundcloneError(Exception):
    """Root of the tree. `message` is one sentence, without a trailing stop."""

    word: ClassVar[str] = "error"
    code: ClassVar[int] = -1
    status: ClassVar[int] = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def safe_message(self) -> str:
        """The message as valid Unicode: it may quote a value of the request that is not."""
        return self.message.encode(errors="replace").decode()


class AuthenticationError(SoundcloneError):
    word, code, status = "unauthenticated", 20001, 401


class RequestError(SoundcloneError):
    """Rejects a request. `param` names the field of the request that is wrong, if one is."""

    word, code, status = "invalid_request", 20002, 400

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class InvalidParameter(RequestError):
    word, status = "invalid_parameter", 422


class NotFound(RequestError):
    word, status = "not_found", 404


class Expired(RequestError):
    word, status = "expired", 404


class Deleted(Expired):
    word = "deleted"


class IdempotencyConflict(RequestError):
    word, status = "idempotency_conflict", 409


class Conflict(RequestError):
    word, status = "conflict", 409


class RequestTimeout(RequestError):
    word, status = "request_timeout", 408


class TooLarge(RequestError):
    word, status = "too_large", 413


class PaymentError(SoundcloneError):
    word, code, status = "payment_required", -1, 402


class InsufficientBalance(PaymentError):
    word = "insufficient_balance"


class QuotaExceeded(PaymentError):
    word = "quota_exceeded"


class RateLimited(SoundcloneError):
    word, code, status = "rate_limited", -1, 429

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(SoundcloneError):
    word, code, status = "unavailable", -1, 503


class TaskError(SoundcloneError):
    """Ends a task as failed. Trying the same work again would end the same way."""

    word = "task_failed"
    charges_delivered: ClassVar[bool] = False
    """Whether the customer pays for what a listener was sent before. False where the service is to
    blame."""

    def __init__(self, message: str, logged: str | None = None) -> None:
        """`logged` is what a log may have of a message that names the text."""
        super().__init__(message)
        self.logged = logged or message


class SourceError(TaskError):
    word = "source_error"


class SourceRefused(SourceError):
    word = "source_address_refused"


class SourceUnreachable(SourceError):
    word = "source_unreachable"


class SourceTimeout(SourceError):
    word = "source_timeout"


class SourceTooLarge(SourceError):
    word = "source_too_large"


class SourceNotMedia(SourceError):
    word = "source_not_media"


class SourceNoAudio(SourceError):
    word = "source_no_audio"


class SourceTruncated(SourceError):
    word = "source_truncated"


class SourceEncrypted(SourceError):
    word = "source_encrypted"


class SourceTooQuiet(SourceError):
    word = "source_too_quiet"


class SourceClipped(SourceError):
    word = "source_clipped"


class SourceTooNoisy(SourceError):
    word = "source_too_noisy"


class SeveralSpeakers(SourceError):
    word = "several_speakers"


class NoSpeech(SourceError):
    word = "no_speech"


class SpeechTooShort(SourceError):
    word = "speech_too_short"


class SpeechTooLong(SourceError):
    word = "speech_too_long"


class ConsentUnusable(SourceError):
    word = "consent_unusable"


class ConsentMismatch(SourceError):
    word = "consent_mismatch"


class SynthesisError(TaskError):
    word = "synthesis_failed"
    charges_delivered = True  # or a text that ends with an unspeakable word would be free


class EngineUnavailable(TaskError):
    word = "engine_unavailable"


class TaskAbandoned(TaskError):
    word = "worker_lost"


class TaskTimedOut(TaskError):
    word = "timed_out"
    charges_delivered = True


class TaskCancelled(TaskError):
    word = "cancelled"
    charges_delivered = True


class StreamBroken(TaskCancelled):
    """Cancelled because the service broke its stream off."""

    charges_delivered = False


class InternalError(TaskError):
    word = "internal_error"
