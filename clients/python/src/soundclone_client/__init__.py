"""Client of soundclone, a voice-cloning service that you run yourself.

`Client` blocks. `AsyncClient` has the same methods for asyncio.

Example:
    with Client("http://127.0.0.1:8000", "sk_…") as client:
        voice = client.clone("me.wav")
        speech = client.speak(voice.model_id, "Hello from my other self.")
        client.download(speech, "hello.mp3")

The exceptions form a tree:

    ClientError
    ├── ApiError               refused by the server; has `code`, `word`, `message`, `status`
    │   ├── AuthenticationError
    │   ├── ParameterError
    │   ├── PaymentError
    │   └── RateLimitError     has `retry_after`
    ├── Unreachable            no answer
    ├── TaskFailed             has `task`
    └── Timeout                has `task`, which continues
"""

from ._async_client import AsyncClient
from ._client import Client
from ._conversation import AsyncConversation, Conversation, SpeechEvent, WordTime
from ._errors import (
    ApiError,
    AuthenticationError,
    ClientError,
    ParameterError,
    PaymentError,
    RateLimitError,
    TaskFailed,
    Timeout,
    Unreachable,
)
from ._models import (
    Account,
    ApiKey,
    Balance,
    Block,
    Clone,
    Consent,
    Conversion,
    CredentialsFinding,
    Delivery,
    Erasure,
    KeyBalance,
    Language,
    NewApiKey,
    NewWebhook,
    Price,
    Project,
    Pronunciation,
    Recorded,
    RegisterFinding,
    SignInLink,
    Speech,
    SubtitledSpeech,
    Take,
    Task,
    TaskPage,
    Unrecorded,
    Upload,
    Verdict,
    Voice,
    WatermarkFinding,
    Webhook,
    Withdrawal,
)
from ._version import __version__

__all__ = [
    "Account",
    "ApiError",
    "ApiKey",
    "AsyncClient",
    "AsyncConversation",
    "AuthenticationError",
    "Balance",
    "Block",
    "Client",
    "ClientError",
    "Clone",
    "Consent",
    "Conversation",
    "Conversion",
    "CredentialsFinding",
    "Delivery",
    "Erasure",
    "KeyBalance",
    "Language",
    "NewApiKey",
    "NewWebhook",
    "ParameterError",
    "PaymentError",
    "Price",
    "Project",
    "Pronunciation",
    "RateLimitError",
    "Recorded",
    "RegisterFinding",
    "SignInLink",
    "Speech",
    "SpeechEvent",
    "SubtitledSpeech",
    "Take",
    "Task",
    "TaskFailed",
    "TaskPage",
    "Timeout",
    "Unreachable",
    "Unrecorded",
    "Upload",
    "Verdict",
    "Voice",
    "WatermarkFinding",
    "Webhook",
    "Withdrawal",
    "WordTime",
    "__version__",
]
