"""Re-export of the SDK, for programs that import `soundclone.client`.

The SDK is a distribution without the server's dependencies: install `soundclone-client` and import
`soundclone_client`.
"""

from soundclone_client import (
    ApiError,
    AsyncClient,
    AuthenticationError,
    Balance,
    Client,
    ClientError,
    Clone,
    Consent,
    KeyBalance,
    ParameterError,
    PaymentError,
    Price,
    RateLimitError,
    SignInLink,
    Speech,
    SubtitledSpeech,
    Task,
    TaskFailed,
    TaskPage,
    Timeout,
    Unreachable,
    Upload,
    Voice,
    Withdrawal,
)

__all__ = [
    "ApiError",
    "AsyncClient",
    "AuthenticationError",
    "Balance",
    "Client",
    "ClientError",
    "Clone",
    "Consent",
    "KeyBalance",
    "ParameterError",
    "PaymentError",
    "Price",
    "RateLimitError",
    "SignInLink",
    "Speech",
    "SubtitledSpeech",
    "Task",
    "TaskFailed",
    "TaskPage",
    "Timeout",
    "Unreachable",
    "Upload",
    "Voice",
    "Withdrawal",
]
