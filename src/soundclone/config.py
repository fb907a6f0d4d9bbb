"""Settings: one class, read from `SOUNDCLONE_*` environment variables."""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
from contextlib import suppress
from decimal import Decimal
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def default_data_dir() -> Path:
    """The user's data directory of this platform, plus `soundclone`."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "soundclone"
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "soundclone"


def _comma_separated(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


DEFAULT_PRICES = {
    "sound-cloning-clone": Decimal("10"),
    "sound-cloning-audio": Decimal("2"),
    "sound-cloning-voice": Decimal("0.01"),
}
"""Credits: per 10,000 characters of a preview, per 10,000 characters of production speech, and per
production task."""


SHORTEST_SECRET = 32  # bytes


class SettingsError(Exception):
    """A setting, or a file that stands for one, cannot be used."""


class Settings(BaseSettings):
    """Each field's environment name is `SOUNDCLONE_` + the field's name in capitals."""

    model_config = SettingsConfigDict(env_prefix="SOUNDCLONE_", extra="ignore", allow_inf_nan=False)

    # Where things are kept
    data_dir: Path = Field(default_factory=default_data_dir)  # database file, files, secret;
    # on macOS ~/Library/Application Support/soundclone
    database_url: str = ""  # empty: a SQLite file in data_dir; or postgresql://…
    storage_url: str = ""  # empty: a folder in data_dir; or file:///…, s3://bucket/prefix
    secret_key: str = Field(
        default="", pattern="^(.{32,})?$"
    )  # signs links, hashes keys; empty: made once
    public_url: str = ""  # what links begin with; empty: the address that the client used

    # Clients
    max_connections: int = Field(default=4000, ge=16)  # open at once, per API process; fewer where
    # the system allows fewer open files
    allowed_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)] = ()
    # names that clients may use beside that of public_url, such as voice.example.com or
    # *.example.com; * for any. Addresses and names of local networks are always allowed
    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)] = ()
    # sites whose pages may use the API with a key, such as https://app.example.com; * for any

    # Contract
    real_status: bool = False  # real HTTP statuses on the contract's paths instead of 200
    prices: Annotated[dict[str, Decimal], NoDecode] = Field(default_factory=dict)
    # credits by price name, as JSON; those left out are {"sound-cloning-clone": 10,
    # "sound-cloning-audio": 2, "sound-cloning-voice": 0.01}

    consent: Literal["optional", "declared", "recording"] = "optional"
    # that a request to make a voice must give: declared, a declaration of the speaker's consent or
    # a recording; recording, a recording that is compared with the sample

    # Sources
    fetch_allow: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)] = ()
    # hosts, addresses or networks that fileUrl may reach although they are not public
    fetch_max_bytes: int = Field(default=200_000_000, gt=0)  # of a recording at a URL
    fetch_timeout: float = Field(default=60.0, gt=0)  # seconds, the whole download
    upload_max_bytes: int = Field(default=100_000_000, gt=0)  # of a recording that is sent
    upload_quota_bytes: int = Field(default=2_000_000_000, gt=0)  # kept at a time, per account
    active_uploads_per_account: int = Field(default=10, ge=1)  # that arrive at the same time

    # Keeping
    voice_days: float = Field(default=3.0, gt=0)  # an unused voice
    result_days: float = Field(default=3.0, gt=0)  # audio, subtitles and texts
    result_quota_bytes: int = Field(default=20_000_000_000, gt=0)  # kept at a time, per account
    least_free_bytes: int = Field(default=1_000_000_000, ge=0)  # of the disk of a local store; with
    # less, no task is accepted
    upload_days: float = Field(default=3.0, gt=0)  # a recording that was sent
    forget_days: float = Field(default=30.0, gt=0)  # bare rows of what has expired, after that
    starting_credit: Decimal = Field(default=Decimal(100), ge=0)  # credits of the first account

    # Work
    worker_concurrency: int = Field(default=2, ge=1)  # steps computed at once in one worker
    worker_tasks: int = Field(default=32, ge=1)
    # tasks under way in one worker, per engine: they take turns at computing, or wait for sources
    worker_tasks_per_account: int = Field(default=8, ge=1)  # of these, of one account
    worker_fetches: int = Field(default=8, ge=1)
    # downloads at once in one worker; at most half of them are of one account
    max_attempts: int = Field(default=3, ge=1)  # starts of a task that gets no further
    task_timeout: float = Field(default=6 * 3600.0, gt=0)  # seconds from submission to the end
    heartbeat: float = Field(default=2.0, gt=0)  # seconds between a worker's signs of life
    worker_lost_after: float = Field(default=6.0, gt=0)  # seconds of silence; then others take over
    queue_poll: float = Field(default=0.2, gt=0)  # seconds between a worker's looks at the queue
    stop_grace: float = Field(default=20.0, ge=0)  # seconds for a stopping worker's tasks
    sweep_interval: float = Field(default=60.0, gt=0)  # seconds between removals
    metrics_port: int = Field(default=0, ge=0, le=65535)  # of a worker's own /metrics; 0: none
    active_tasks_per_key: int = Field(default=1000, ge=1)  # that have not ended
    requests_per_second: float = Field(default=100.0, gt=0)  # per key and API process, submissions

    # Engines
    engine_v1: str = "auto"  # auto: for each language the best usable one; or one or more names
    # with commas between them: the first that is usable and speaks the language
    engine_v2: str = "auto"  # the same for soundVersion v2
    engine_languages: Annotated[dict[str, str], NoDecode] = Field(default_factory=dict)
    # an engine for a language, as JSON, over the two above: {"Japanese": "builtin"}
    models_dir: Path | None = None  # weights of neural engines; left out, `models` in data_dir
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"  # of neural engines
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"  # what they compute in
    model_memory: int = Field(default=4_000_000_000, gt=0)  # bytes of models and voices kept loaded
    pocket_int8: bool = False  # quantised to 8 bits: faster on a processor
    accept_noncommercial: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)
    ] = ()  # engines whose licence forbids commercial use, and that are to be used all the same
    asr: Literal["auto", "off"] = "auto"  # check what was said, where the `asr` extra is installed
    asr_model: str = ""  # a name of `soundclone models list`; left out, what suits the device

    @field_validator("prices", mode="before")
    @classmethod
    def _prices(cls, value: Any) -> Any:
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
            # Workers would bury each other while they live.
            raise ValueError(
                f"it is {seconds:g} s; {least:g} s or more are needed, twice the heartbeat"
            )
        return seconds

    @field_validator("engine_languages", mode="before")
    @classmethod
    def _engine_languages(cls, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value

    @field_validator("allowed_hosts")
    @classmethod
    def _allowed_hosts(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not re.fullmatch(r"\*|(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", name):
                raise ValueError(
                    f"{name!r} is no host; hosts are like voice.example.com, *.example.com or *"
                )
        return tuple(name.lower() for name in names)

    @field_validator("cors_origins")
    @classmethod
    def _cors_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not re.fullmatch(r"\*|https?://[a-z0-9_.\[\]:-]+", origin):
                raise ValueError(
                    f"{origin!r} is no origin; origins are like https://app.example.com, "
                    "without a path, or *"
                )
        return origins

    @field_validator("fetch_allow")
    @classmethod
    def _fetch_allow(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            try:
                ip_network(entry, strict=False)
            except ValueError as error:
                if "/" in entry or not re.fullmatch(r"[A-Za-z0-9_.-]+", entry):
                    raise ValueError(
                        f"{entry!r} is no host, address or network; they are like "
                        "media.example.com, 10.1.2.3, 10.0.0.0/8"
                    ) from error
        return entries

    @cached_property
    def price_list(self) -> dict[str, Decimal]:
        """Every price in credits."""
        return DEFAULT_PRICES | self.prices

    @property
    def models(self) -> Path:
        """Where the weights of neural engines are."""
        return self.models_dir or self.data_dir / "models"

    @property
    def scratch(self) -> Path:
        """Parent of the folders for temporary files, one for each process."""
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

    @cached_property
    def secret(self) -> bytes:
        """The key of every signature. Machines that share a database must share it too."""
        if self.secret_key:
            return self.secret_key.encode()
        path = self.data_dir / "secret.key"
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            # Written whole under another name and then linked, so that nobody, and no power cut,
            # ever sees a part of it; of two first starts at once, one is linked.
            with NamedTemporaryFile(dir=self.data_dir) as file:
                file.write(secrets.token_hex(32).encode())
                file.flush()
                os.fsync(file.fileno())
                with suppress(FileExistsError):
                    os.link(file.name, path)
        secret = path.read_bytes()
        if len(secret) < SHORTEST_SECRET:
            raise SettingsError(
                f"{path} has {len(secret)} bytes; {SHORTEST_SECRET} or more are needed: restore it "
                "from a backup, or remove it and make new API keys"
            )
        return secret

    @property
    def secret_warning(self) -> str:
        """A sentence for the operator when other users can read the secret; else empty."""
        path = self.data_dir / "secret.key"
        if self.secret_key or not path.exists():
            return ""
        mode = path.stat().st_mode & 0o777
        if not mode & 0o077:
            return ""
        return f"{path} has mode {mode:04o}, so other users can make links and keys: chmod 600 it"
