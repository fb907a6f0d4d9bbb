"""Checks of the installation: each part of the service is tried."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from .. import __version__
from ..asr.recognition import Recognizer
from ..config import Settings
from ..core import workers
from ..core.workers import WorkerInfo
from ..db.damage import damaged, file_of
from ..db.damage import unusable as unusable_database
from ..db.migrate import upgrade
from ..db.models import Json
from ..db.session import Database
from ..engines.registry import InstalledEngines
from ..errors import SoundcloneError, Unavailable
from ..scratch import scratch_folder
from ..storage import Storage
from .engines import selector_of

_DISK_NEEDED = 1 << 30
_NO_WORKER = "none is alive; `soundclone serve` or `soundclone worker` starts one"


@dataclass(frozen=True)
class Check:
    """Result of one check."""

    name: str
    ok: bool
    detail: str  # of a failed check, the reason
    needed: bool  # the service does not work without this part


@dataclass(frozen=True)
class Report:
    """Results of all checks."""

    version: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """True if every needed check passed."""
        return all(check.ok for check in self.checks if check.needed)

    def to_json(self) -> Json:
        """Return the report for `doctor --json`."""
        return {"version": self.version, "ok": self.ok, "checks": list(map(asdict, self.checks))}


def examine(settings: Settings, on_check: Callable[[str], object] = lambda name: None) -> Report:
    """Run all checks. `on_check` is called with the name of each check before it runs."""

    def check(name: str, work: Callable[[], str], *, needed: bool = True) -> Check:
        on_check(name)
        return _check(settings, name, work, needed)

    checks = [check("system", _system)]
    selector = selector_of(settings)
    recognizer = Recognizer(settings)
    engines = InstalledEngines(settings, recognizer)
    wanted = selector.named().union({"builtin"} if selector.allows_any else ())
    for name in sorted({*engines.names(), *wanted}):
        needed = name in wanted
        checks.append(check(f"engine {name}", partial(_engine, engines, name), needed=needed))
    checks += [
        check("speech recognition", lambda: _recognition(recognizer), needed=False),
        check("decode and encode", lambda: _codecs(settings)),
        check("sandbox", _sandbox, needed=False),
        check("database", lambda: _database(settings)),
        check("storage", lambda: _storage(settings)),
        check("secret", lambda: _secret(settings), needed=False),
        check("content credentials", lambda: _credentials(settings), needed=False),
        check("disk", lambda: _disk(settings)),
        check("workers", lambda: _workers(settings), needed=False),
    ]
    return Report(__version__, tuple(checks))


def _check(settings: Settings, name: str, work: Callable[[], str], needed: bool) -> Check:
    try:
        return Check(name, True, work(), needed)
    except SoundcloneError as error:
        reason = error.message
    except DBAPIError as error:
        reason = unusable_database(error, settings.database).message
    except Exception as error:  # a broken part must not hide the other checks
        reason = repr(error)
    return Check(name, False, reason, needed)


def _system() -> str:
    return (
        f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores"
    )


def _engine(engines: InstalledEngines, name: str) -> str:
    if reason := engines.unusable(name):
        raise Unavailable(reason)
    info = engines.load(name).info
    device = f", on {info.device}" if info.device else ""
    return f"{len(info.languages)} languages, {info.sample_rate} Hz{device}, licence {info.licence}"


def _recognition(recognizer: Recognizer) -> str:
    if reason := recognizer.unusable():
        raise Unavailable(reason)
    return "what neural engines say is checked, and words are timed"


def _codecs(settings: Settings) -> str:
    import numpy as np

    from ..audio import decode, encode

    tone = (0.3 * np.sin(np.arange(44_100) * 2 * np.pi * 220 / 44_100)).astype(np.float32)
    # Without a database, the service was never started here, so the check leaves no files.
    path = file_of(settings.database)
    fresh = path is not None and not path.exists()
    with (
        tempfile.TemporaryDirectory() if fresh else nullcontext(settings.scratch) as root,
        scratch_folder(Path(root)) as folder,
    ):
        path = folder / "tone.mp3"
        with encode.Encoder(path, sample_rate_in=44_100) as encoder:
            encoder.write(tone)
        decoded = decode.decode(path)
    if not 0.9 < decoded.seconds < 1.2:
        raise Unavailable(f"a second of MP3 came back as {decoded.seconds:.2f} s")
    return "a second of MP3 went out and came back through the sandbox"


def _sandbox() -> str:
    from ..audio import confinement, decode

    if missing := decode.missing_confinement():
        raise Unavailable(f"the decoder runs without {', '.join(missing)}: this system refuses it")
    return f"the decoder is confined by {', '.join(confinement.ALL)}"


def _database(settings: Settings) -> str:
    path = file_of(settings.database)
    if path and not path.exists():
        return f"there is none yet at {path}; the first `soundclone serve` makes it"
    database = Database(settings.database, connections=3)
    try:
        upgrade(database)
        database.check()
        _examine_pages(settings, database)
        return f"{database.engine.url.render_as_string(hide_password=True)} is at the newest schema"
    finally:
        database.close()


def _examine_pages(settings: Settings, database: Database) -> None:
    """Raise Unavailable if SQLite finds a damaged page."""
    if database.sqlite:
        with database.engine.connect() as connection:
            found = connection.execute(text("PRAGMA quick_check(1)")).scalar_one()
        if found != "ok":
            raise damaged(settings.database, str(found).replace("\n", " "))


def _storage(settings: Settings) -> str:
    parts = urlsplit(settings.storage)
    folder = Path(unquote(parts.path))
    if parts.scheme == "file" and folder.is_absolute() and not folder.exists():
        return f"there is none yet at {folder}; the first `soundclone serve` makes it"
    storage = Storage.of(settings, links=False)
    storage.check_encryption()
    storage.check()
    return f"{settings.storage.partition('?')[0]} takes, returns and removes files"


def _secret(settings: Settings) -> str:
    if warning := settings.secret_warning:
        raise Unavailable(warning)
    return "no other user can read it"


def _credentials(settings: Settings) -> str:
    from ..audio import credentials
    from . import provenance

    if not credentials.available():
        raise Unavailable(
            "the package c2pa-python is not installed; files carry a watermark and no signature; "
            "pip install 'soundclone[c2pa]'"
        )
    path = provenance.certificate_file(settings)
    if settings.credentials_file is None and not path.exists():
        return f"there is no certificate yet at {path}; the first start of a worker makes one"
    try:
        signer = credentials.signer_of(path, create=False)
    except credentials.CredentialsError as error:
        raise Unavailable(f"Content Credentials cannot be signed: {error}") from error
    now = datetime.now(UTC)
    for wrong, word, day in (
        (now < signer.begins, "begins", signer.begins),
        (now > signer.ends, "ended", signer.ends),
    ):
        if wrong:
            raise Unavailable(
                f"the certificate in {path} {word} on {day:%Y-%m-%d}; files carry a watermark and "
                "no signature"
            )
    return (
        f"results are signed by {signer.owner}, whose certificate is valid until "
        f"{signer.ends:%Y-%m-%d}"
    )


def _disk(settings: Settings) -> str:
    free = shutil.disk_usage(_existing(settings.data_dir)).free
    if free < _DISK_NEEDED:
        raise Unavailable(f"{free / 1e9:.1f} GB are free in {settings.data_dir}; 1 GB is needed")
    return f"{free / 1e9:.1f} GB are free in {settings.data_dir}"


def _existing(path: Path) -> Path:
    """Return the folder, or its nearest parent that exists."""
    path = path.absolute()
    return next((each for each in (path, *path.parents) if each.is_dir()), path)


def _workers(settings: Settings) -> str:
    path = file_of(settings.database)
    if path and not path.exists():
        raise Unavailable(_NO_WORKER)
    database = Database(settings.database, connections=3)
    try:
        with database.read() as session:
            alive = workers.alive(session, settings.worker_lost_after)
    finally:
        database.close()
    if not alive:
        raise Unavailable(_NO_WORKER)
    return f"{len(alive)} alive, {sum(WorkerInfo.of(each).ready for each in alive)} ready"
