"""Re-export of the SDK, for programs that import `soundclone.client`.

The SDK is a distribution without the server's dependencies: install `soundclone-client` and import
`soundclone_client`.
"""

from soundclone_client import (
    Account,
    ApiError,
    ApiKey,
    AsyncClient,
    AuthenticationError,
    Balance,
    Client,
    ClientError,
    Clone,
    Consent,
    CredentialsFinding,
    Erasure,
    KeyBalance,
<<<<<<< HEAD
    NewApiKey,
=======
    Language,
>>>>>>> f86610c (Add an MCP server that uses a running service)
    ParameterError,
    PaymentError,
    Price,
    RateLimitError,
    RegisterFinding,
    SignInLink,
    Speech,
    SubtitledSpeech,
    Task,
    TaskFailed,
    TaskPage,
    Timeout,
    Unreachable,
    Upload,
    Verdict,
    Voice,
    WatermarkFinding,
    Withdrawal,
)

__all__ = [
    "Account",
    "ApiError",
    "ApiKey",
    "AsyncClient",
    "AuthenticationError",
    "Balance",
    "Client",
    "ClientError",
    "Clone",
    "Consent",
    "CredentialsFinding",
    "Erasure",
    "KeyBalance",
<<<<<<< HEAD
    "NewApiKey",
=======
    "Language",
>>>>>>> f86610c (Add an MCP server that uses a running service)
    "ParameterError",
    "PaymentError",
    "Price",
    "RateLimitError",
    "RegisterFinding",
    "SignInLink",
    "Speech",
    "SubtitledSpeech",
    "Task",
    "TaskFailed",
    "TaskPage",
    "Timeout",
    "Unreachable",
    "Upload",
    "Verdict",
    "Voice",
    "WatermarkFinding",
    "Withdrawal",
]
