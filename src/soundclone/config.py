"""Settings, read from `SOUNDCLONE_*` environment variables."""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def default_data_dir() -> Path:
    """Return `soundclone` in the user's data directory of this platform."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "soundclone"
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "soundclone"


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _policy(value: object) -> object:
    return "verified" if value == "recording" else value


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Strings, separated by commas in the environment variable."""

DEFAULT_PRICES = {
    "sound-cloning-clone": Decimal("10"),
    "sound-cloning-audio": Decimal("2"),
    "sound-cloning-voice": Decimal("0.01"),
    "sound-cloning-conversion": Decimal("0.003"),  # 15 characters a second of production speech
}
"""Prices in credits: for 10,000 characters of a preview, for 10,000 characters of production
speech, for one production task, and for a second of a converted recording."""

FRONTS = ("openai", "elevenlabs", "minimax")
"""APIs of other services that this service answers too."""

SHORTEST_SECRET = 32
"""Least length of a secret in bytes."""


class SettingsError(Exception):
    """A setting, or a file that takes its place, cannot be used."""


def _read_secret(path: Path) -> bytes:
    """Return the secret in a file. Raises SettingsError if it is too short."""
    secret = path.read_bytes()
    if len(secret) < SHORTEST_SECRET:
        raise SettingsError(
            f"{path} has {len(secret)} bytes; {SHORTEST_SECRET} or more are needed: restore it "
            "from a backup, or remove it and make new API keys"
        )
    return secret


class Settings(BaseSettings):
    """All settings of a service.

    The environment variable of a field is `SOUNDCLONE_` and the field's name in capitals. The
    descriptions are the reference page of the documentation.
    """

    model_config = SettingsConfigDict(env_prefix="SOUNDCLONE_", extra="ignore", allow_inf_nan=False)

    # Storage and secrets
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Folder of the SQLite file, the stored files and the secret. On macOS the "
        "default is `~/Library/Application Support/soundclone`.",
    )
    database_url: str = Field(
        default="",
        description="`postgresql://…` or `sqlite:///…`. Empty: a SQLite file in the data folder.",
    )
    database_connections: int = Field(
        default=10,
        ge=4,
        description="Connections to Postgres of an API process or a worker, at most. An API "
        "process has one more, and a worker has two more, which wait for signals.",
    )
    storage_url: str = Field(
        default="",
        description="`s3://bucket/prefix` or `file:///…`. Empty: a folder in the data folder.",
    )
    secret_key: str = Field(
        default="",
        pattern="^(.{32,})?$",
        description="Secret of at least 32 characters that hashes API keys. It also signs links "
        "and sessions unless `SOUNDCLONE_SIGNING_KEYS` is set. Empty: the file `secret.key` in "
        "the data folder, created by the first start.",
    )
    former_secret_keys: CommaSeparated = Field(
        default=(),
        description="Former values of `SOUNDCLONE_SECRET_KEY`, the newest first. API keys, links "
        "and sessions that were made with them stay valid. `soundclone secret` explains the "
        "rotation.",
    )
    encryption_keys: CommaSeparated = Field(
        default=(),
        description="Keys that encrypt the stored files, the newest first, each of 64 hexadecimal "
        "digits (`openssl rand -hex 32`). The first one encrypts new files. Empty: new files are "
        "not encrypted.",
    )
    signing_keys: CommaSeparated = Field(
        default=(),
        description="Secrets of at least 32 characters that sign links and sessions, the newest "
        "first. The first one signs. Links and sessions signed with any of them are valid. "
        "Empty: the secret key and the former ones.",
    )
    public_url: str = Field(
        default="",
        description="Base URL of links in responses. Empty: the URL that the client requested.",
    )

    # Clients
    max_connections: int = Field(
        default=4000,
        ge=16,
        description="Open connections per API process. The limit is lower where the system allows "
        "fewer open files.",
    )
    sockets_per_account: int = Field(
        default=20, ge=1, description="Open WebSockets per account and API process."
    )
    allowed_hosts: CommaSeparated = Field(
        default=(),
        description="Host names that clients may use besides that of the public URL, such as "
        "`voice.example.com` or `*.example.com`; `*` allows any. IP addresses and local names "
        "are always allowed.",
    )
    cors_origins: CommaSeparated = Field(
        default=(),
        description="Origins whose pages may call the API with a key, such as "
        "`https://app.example.com`; `*` allows any.",
    )

    # API
    fronts: CommaSeparated = Field(
        default=FRONTS,
        description="APIs of other services that are answered too, separated by commas: `openai`, "
        "`elevenlabs`, `minimax`. Empty: none.",
    )
    real_status: bool = Field(
        default=False,
        description="Answer errors on the contract's paths with their HTTP status instead of 200.",
    )
    prices: Annotated[dict[str, Decimal], NoDecode] = Field(
        default_factory=dict,
        description="Credits by price name, as JSON. Names that are missing have their default: "
        '`{"sound-cloning-clone": 10, "sound-cloning-audio": 2, "sound-cloning-voice": 0.01, '
        '"sound-cloning-conversion": 0.003}`.',
    )
    consent: Annotated[
        Literal["optional", "declared", "recorded", "verified"], BeforeValidator(_policy)
    ] = Field(
        default="optional",
        description="Consent that a clone request must contain. `declared`: a declaration or a "
        "recording of the speaker's consent. `recorded`: a recording; another speaker than the "
        "sample's causes a warning. `verified`: a recording of the sample's speaker. `recording`, "
        "the former name of `verified`, works too.",
    )

    # Provenance
    watermark: bool = Field(
        default=True,
        description="Mark all speech with an inaudible watermark. Off: files and streams cannot "
        "be recognised as synthetic from the sound.",
    )
    credentials_file: Path | None = Field(
        default=None,
        description="PEM file with the private key and the certificates that sign Content "
        "Credentials, the certificate of the key first. Empty: `credentials.pem` in the data "
        "folder, self-signed, created by the first start of a worker that has the `c2pa` extra.",
    )
    verify_max_bytes: int = Field(
        default=50_000_000, gt=0, description="Largest file that is verified, in bytes."
    )
    verifications_per_minute: int = Field(
        default=10,
        ge=1,
        description="Files that are verified per minute, per client address.",
    )

    # Sources
    fetch_allow: CommaSeparated = Field(
        default=(),
        description="Hosts, addresses and networks that a `fileUrl` may reach although they are "
        "not public.",
    )
    fetch_max_bytes: int = Field(
        default=200_000_000, gt=0, description="Largest recording that is downloaded, in bytes."
    )
    fetch_timeout: float = Field(
        default=60.0, gt=0, description="Longest download of a recording, in seconds."
    )
    webhook_allow: CommaSeparated = Field(
        default=(),
        description="Hosts, addresses and networks that webhooks may reach although they are not "
        "public.",
    )
    webhook_timeout: float = Field(
        default=15.0, gt=0, le=60, description="Seconds that an endpoint has to answer a webhook."
    )
    upload_max_bytes: int = Field(
        default=100_000_000, gt=0, description="Largest recording that is uploaded, in bytes."
    )
    upload_quota_bytes: int = Field(
        default=2_000_000_000, gt=0, description="Bytes of uploads kept per account."
    )
    active_uploads_per_account: int = Field(
        default=10, ge=1, description="Simultaneous uploads per account."
    )

    # Retention
    voice_days: float = Field(
        default=3.0, gt=0, description="Days that a voice is kept before its first use."
    )
    result_days: float = Field(
        default=3.0, gt=0, description="Days that audio, subtitles and texts of a task are kept."
    )
    result_quota_bytes: int = Field(
        default=20_000_000_000, gt=0, description="Bytes of results kept per account."
    )
    projects_per_account: int = Field(default=200, ge=1, description="Projects kept per account.")
    blocks_per_project: int = Field(default=10_000, ge=1, description="Blocks of a project.")
    characters_per_project: int = Field(
        default=2_000_000, ge=1, description="Characters of all blocks of a project."
    )
    least_free_bytes: int = Field(
        default=1_000_000_000,
        ge=0,
        description="Free bytes below which no task is accepted, on the disk of a local store.",
    )
    upload_days: float = Field(
        default=3.0, gt=0, description="Days that an uploaded recording is kept."
    )
    forget_days: float = Field(
        default=30.0,
        gt=0,
        description="Days after expiry that the database row of a task or voice is kept.",
    )
    starting_credit: Decimal = Field(
        default=Decimal(100), ge=0, description="Credits of the account that the first start opens."
    )

    # Workers
    worker_concurrency: int = Field(
        default=2, ge=1, description="Steps that a worker computes at the same time."
    )
    worker_tasks: int = Field(
        default=32,
        ge=1,
        description="Tasks that a worker has claimed per engine. They share its computing slots or "
        "wait for downloads.",
    )
    worker_tasks_per_account: int = Field(
        default=8, ge=1, description="Tasks among these that belong to the same account."
    )
    worker_fetches: int = Field(
        default=8,
        ge=1,
        description="Simultaneous downloads of a worker. At most half belong to the same account.",
    )
    max_attempts: int = Field(
        default=3, ge=1, description="Attempts at a step before its task fails."
    )
    task_timeout: float = Field(
        default=6 * 3600.0, gt=0, description="Seconds from submission until a task times out."
    )
    heartbeat: float = Field(
        default=2.0, gt=0, description="Seconds between the heartbeats of a worker."
    )
    worker_lost_after: float = Field(
        default=6.0,
        gt=0,
        description="Seconds without a heartbeat after which other workers take over the tasks.",
    )
    stream_wait: float = Field(
        default=3.0,
        gt=0,
        description="Seconds that streamed speech waits for a worker to begin before the request "
        "is refused with 429 and `Retry-After`. A request that would be heard later, because of "
        "other streams of its account, is refused earlier.",
    )
    queue_poll: float = Field(
        default=1.0,
        gt=0,
        description="Seconds between two polls of the queue by a worker that no signal wakes.",
    )
    stop_grace: float = Field(
        default=5.0,
        ge=0,
        description="Seconds that a stopping process gives its tasks and requests to end. Other "
        "workers continue tasks that have not ended.",
    )
    sweep_interval: float = Field(
        default=60.0, gt=0, description="Seconds between two removals of expired data."
    )
    metrics_port: int = Field(
        default=0, ge=0, le=65535, description="Port of a worker's `/metrics`. 0: none."
    )
    active_tasks_per_key: int = Field(
        default=1000, ge=1, description="Unfinished tasks per API key."
    )
    requests_per_second: float = Field(
        default=100.0,
        gt=0,
        description="Submissions per second and API key, counted per minute across all API "
        "processes.",
    )

    # Engines
    engine_v1: str = Field(
        default="auto",
        description="Engines of `soundVersion` v1: names separated by commas, of which the first "
        "usable one that supports the language is taken. `auto`: the best usable engine of each "
        "language.",
    )
    engine_v2: str = Field(
        default="auto",
        description="Engines of `soundVersion` v2, in the same form.",
    )
    engine_languages: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=dict,
        description='Engine of a language, as JSON: `{"Japanese": "builtin"}`. Takes precedence '
        "over the two settings above.",
    )
    models_dir: Path | None = Field(
        default=None,
        description="Folder of model weights. Empty: `models` in the data folder.",
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        default="auto", description="Device of neural engines."
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="Number format of neural engines."
    )
    model_memory: int = Field(
        default=4_000_000_000,
        gt=0,
        description="Bytes of models and voices that a process keeps loaded.",
    )
    pocket_int8: bool = Field(
        default=False, description="Quantise Pocket TTS to 8 bits, which is faster on a CPU."
    )
    accept_noncommercial: CommaSeparated = Field(
        default=(),
        description="Engines to use although their licence forbids commercial use.",
    )
    asr: Literal["auto", "off"] = Field(
        default="auto",
        description="Check synthesised speech with speech recognition, where the `asr` extra is "
        "installed.",
    )
    asr_model: str = Field(
        default="",
        description="Recognition model, a name of `soundclone models list`. Empty: the default "
        "for the device.",
    )

    @field_validator("signing_keys", "former_secret_keys")
    @classmethod
    def _long_enough(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        for number, key in enumerate(keys, 1):
            if len(key.encode()) < SHORTEST_SECRET:
                raise ValueError(  # without the key, because the message is logged
                    f"key {number} has {len(key.encode())} bytes; {SHORTEST_SECRET} or more are "
                    "needed"
                )
        return keys

    @field_validator("fronts")
    @classmethod
    def _fronts(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in FRONTS:
                raise ValueError(f"{name!r} is not an API; it takes {', '.join(FRONTS)}")
        return tuple(dict.fromkeys(names))

    @field_validator("encryption_keys")
    @classmethod
    def _encryption_keys(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        for number, key in enumerate(keys, 1):
            if not re.fullmatch("[0-9a-fA-F]{64}", key):
                raise ValueError(  # without the key, because the message is logged
                    f"key {number} has {len(key)} characters; a key has 64 hexadecimal digits, see "
                    "`openssl rand -hex 32`"
                )
        return keys

    @field_validator("prices", mode="before")
    @classmethod
    def _prices(cls, value: object) -> object:
        prices = json.loads(value, parse_float=Decimal) if isinstance(value, str) else value
        if not isinstance(prices, dict):
            raise ValueError('prices must be a JSON object such as {"sound-cloning-audio": 2}')
        unknown = set(prices) - set(DEFAULT_PRICES)
        if unknown:
            raise ValueError(
                f"unknown price {sorted(unknown)[0]!r}; known: {', '.join(DEFAULT_PRICES)}"
            )
        try:
            return DEFAULT_PRICES | {name: Decimal(str(price)) for name, price in prices.items()}
        except ArithmeticError as error:
            raise ValueError("a price is a number of credits, such as 2.5") from error

    @field_validator("worker_lost_after")
    @classmethod
    def _lost_after(cls, seconds: float, info: ValidationInfo) -> float:
        least = 2 * info.data.get("heartbeat", 0.0)
        if seconds < least:
            # Workers would take over the tasks of workers that are alive.
            raise ValueError(
                f"it is {seconds:g} s; {least:g} s or more are needed, twice the heartbeat"
            )
        return seconds

    @field_validator("engine_languages", mode="before")
    @classmethod
    def _engine_languages(cls, value: object) -> object:
        return json.loads(value) if isinstance(value, str) else value

    @field_validator("allowed_hosts")
    @classmethod
    def _allowed_hosts(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not re.fullmatch(r"\*|(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", name):
                raise ValueError(
                    f"{name!r} is not a host; hosts look like voice.example.com, *.example.com or *"
                )
        return tuple(name.lower() for name in names)

    @field_validator("cors_origins")
    @classmethod
    def _cors_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not re.fullmatch(r"\*|https?://[a-z0-9_.\[\]:-]+", origin):
                raise ValueError(
                    f"{origin!r} is not an origin; origins look like https://app.example.com, "
                    "without a path, or *"
                )
        return origins

    @field_validator("fetch_allow", "webhook_allow")
    @classmethod
    def _allowed_addresses(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            try:
                ip_network(entry, strict=False)
            except ValueError as error:
                if "/" in entry or not re.fullmatch(r"[A-Za-z0-9_.-]+", entry):
                    raise ValueError(
                        f"{entry!r} is not a host, address or network; they look like "
                        "media.example.com, 10.1.2.3, 10.0.0.0/8"
                    ) from error
        return entries

    @cached_property
    def price_list(self) -> dict[str, Decimal]:
        """All prices in credits."""
        return DEFAULT_PRICES | self.prices

    @property
    def models(self) -> Path:
        """Folder of model weights."""
        return self.models_dir or self.data_dir / "models"

    @property
    def scratch(self) -> Path:
        """Parent of the processes' folders for temporary files."""
        return self.data_dir / "scratch"

    @cached_property
    def database(self) -> str:
        """SQLAlchemy URL of the database."""
        if not self.database_url:
            return f"sqlite:///{self.data_dir.absolute() / 'soundclone.db'}"
        for prefix in ("postgres://", "postgresql://"):
            if self.database_url.startswith(prefix):
                return "postgresql+psycopg://" + self.database_url.removeprefix(prefix)
        return self.database_url

    @cached_property
    def storage(self) -> str:
        """URL of the object store."""
        return self.storage_url or (self.data_dir.absolute() / "files").as_uri()

    @property
    def secret_file(self) -> Path:
        """File of the secret, used when `secret_key` is empty."""
        return self.data_dir / "secret.key"

    @cached_property
    def secret(self) -> bytes:
        """Newest secret, which hashes new API keys. Machines that share a database share it.

        Raises:
            SettingsError: The file of the secret is missing or too short.
        """
        if self.secret_key:
            return self.secret_key.encode()
        try:
            return _read_secret(self.secret_file)
        except FileNotFoundError as error:
            raise SettingsError(
                f"{self.secret_file} does not exist; `soundclone serve` creates it, or set "
                "SOUNDCLONE_SECRET_KEY"
            ) from error

    @cached_property
    def secrets(self) -> tuple[bytes, ...]:
        """Secrets that API keys may be hashed with, the newest first."""
        if self.secret_key:
            former = [key.encode() for key in self.former_secret_keys]
        else:
            former = [_read_secret(path) for path in self.former_secret_files]
        return tuple(dict.fromkeys((self.secret, *former)))

    @property
    def former_secret_files(self) -> list[Path]:
        """Files of secrets that were replaced, the newest first.

        The end of a name is the Unix time of the replacement.
        """
        found = [path for path in self.data_dir.glob("secret.key.*") if path.suffix[1:].isdecimal()]
        return sorted(found, key=lambda path: int(path.suffix[1:]), reverse=True)

    @property
    def signing_secrets(self) -> tuple[bytes, ...]:
        """Secrets of links and sessions, the newest first. The first one signs."""
        return tuple(key.encode() for key in self.signing_keys) or self.secrets

    @property
    def encryption(self) -> tuple[bytes, ...]:
        """Keys of the stored files, the newest first."""
        return tuple(bytes.fromhex(key) for key in self.encryption_keys)

    def create_secret(self) -> None:
        """Create the file of the secret, unless it exists or `secret_key` is set."""
        if self.secret_key or self.secret_file.exists():
            return
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Write another file and link it, so that no process and no power cut leaves a part of the
        # secret. Of two first starts at the same time, one links its file.
        with self._new_secret() as file, suppress(FileExistsError):
            os.link(file, self.secret_file)

    def rotate_secret(self) -> Path:
        """Replace the file of the secret. Return the file that keeps the former secret.

        Running processes know the new secret after a restart.

        Raises:
            SettingsError: `secret_key` is set, or there is no usable secret to replace.
        """
        if self.secret_key:
            raise SettingsError(
                "SOUNDCLONE_SECRET_KEY sets the secret; move its value to the front of "
                "SOUNDCLONE_FORMER_SECRET_KEYS, and set a new one"
            )
        assert self.secret  # raises if the file is missing or damaged
        moment = int(time.time())
        while (former := self.data_dir / f"secret.key.{moment}").exists():
            moment += 1
        os.link(self.secret_file, former)
        with self._new_secret() as file:
            # After a crash before this line, the former secret is also the present one.
            file.replace(self.secret_file)
        self.__dict__.pop("secret", None)
        self.__dict__.pop("secrets", None)
        return former

    @contextmanager
    def _new_secret(self) -> Iterator[Path]:
        """Write a new secret to a temporary file that only its owner can read."""
        with NamedTemporaryFile(dir=self.data_dir, delete=False) as file:
            file.write(secrets.token_hex(32).encode())
            file.flush()
            os.fsync(file.fileno())
        try:
            yield Path(file.name)
        finally:
            Path(file.name).unlink(missing_ok=True)

    @property
    def secret_warning(self) -> str:
        """Warning for the operator when other users can read the secret, else empty."""
        if self.secret_key:
            return ""
        for path in (self.secret_file, *self.former_secret_files):
            mode = path.stat().st_mode & 0o777 if path.exists() else 0
            if mode & 0o077:
                return (
                    f"{path} has mode {mode:04o}, so other users can make links and keys: "
                    "chmod 600 it"
                )
        return ""
