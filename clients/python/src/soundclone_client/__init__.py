"""The Python SDK: `Client`, and `AsyncClient` with the same methods.

with Client("http://127.0.0.1:8000", "sk_…") as client:
    voice = client.clone("me.wav")
    speech = client.speak(voice.model_id, "Hello from my other self.")
    client.download(speech, "hello.mp3")

ClientError
├── ApiError               the server refused: `code`, `word`, `message`, `status`
│   ├── AuthenticationError
│   ├── ParameterError
│   ├── PaymentError
│   └── RateLimitError     `retry_after`
├── Unreachable            no answer came
├── TaskFailed             `task`
└── Timeout                `task`, which goes on
"""

from ._version import __version__
from .asynchronous import AsyncClient
from .client import Client
from .errors import (
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
from .models import (
    Balance,
    Clone,
    Consent,
    KeyBalance,
    Price,
    Speech,
    Task,
    TaskPage,
    Upload,
    Voice,
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
    "Speech",
    "Task",
    "TaskFailed",
    "TaskPage",
    "Timeout",
    "Unreachable",
    "Upload",
    "Voice",
    "__version__",
]
