"""Verification of a file: search for the watermark, Content Credentials and the register entry.

The command line calls `examine`. The API has no decoder, so it enqueues a job for a worker, which
runs `Verifier.run`.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..audio import credentials, decode, watermark
from ..audio.fingerprint import excerpt_fingerprint
from ..audio.samples import Samples
from ..config import Settings
from ..core import files, register, verifications, watermarks
from ..core.verdict import CredentialsFinding, RegisterFinding, Verdict, WatermarkFinding
from ..db.session import Database
from ..errors import InternalError, NotFound, SoundcloneError
from ..fetch import download
from ..storage import Storage
from ..telemetry import log
from .runner import Interrupted
from .slots import Slots

_ACCOUNT = "verifications"  # all visitors together have the share of one account
_FETCH_SECONDS = 30.0
_RATE = 16_000  # Hz, enough for the watermark and the fingerprint

_log = log(__name__)


def examine(
    path: Path,
    database: Database | None,
    *,
    sidecar: bytes | None = None,
    check: Callable[[], None] = lambda: None,
) -> Verdict:
    """Return the verdict on an untrusted file, which is decoded in a confined child process.

    Args:
        path: The file.
        database: Database of the installation. None: there is no register.
        sidecar: Manifest that came with the file.
        check: Called about twice a second while the file is decoded. An exception ends it.

    Raises:
        SourceError: The file is not a recording, or exceeds the limits of recordings.
    """
    sound = decode.decode(path, check=check).sound
    claim = credentials.read(path, sidecar)
    samples = sound.resampled(_RATE)[:]
    entry = RegisterFinding() if database is None else _registered(path, samples, database)
    return Verdict(
        watermark=_marked(samples, database, entry),
        c2pa=CredentialsFinding(claim.found, claim.valid, claim.synthetic, claim.signer),
        register=entry,
        seconds=round(sound.seconds, 2),
    )


def _marked(
    samples: Samples, database: Database | None, entry: RegisterFinding
) -> WatermarkFinding:
    """Search for both patterns. The secret pattern leads to the task."""
    secret, payloads = None, watermark.PAYLOADS
    if database is not None:
        with database.read() as session:
            secret, payloads = watermarks.secret(session), watermarks.payloads(session)
    marks = watermark.detect_both(samples, _RATE, secret, payloads)
    own = marks.secret
    if database is None or own is None or not own.found:
        mark = marks.public
        return WatermarkFinding(mark.found, mark.p_value, stretches=mark.stretches)
    tasks: list[str] = []
    if own.payload is not None:
        with database.read() as session:
            tasks = watermarks.tasks(session, own.payload)
    # A payload repeats after millions of tasks. The register tells such tasks apart.
    task = entry.task if entry.task in tasks else next(iter(tasks), None)
    return WatermarkFinding(True, own.p_value, task, own.stretches)


def _registered(path: Path, samples: Samples, database: Database) -> RegisterFinding:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with database.read() as session:
        if task := register.find_file(session, digest):
            whole = ((0.0, len(samples) / _RATE),)
            return RegisterFinding(True, task, exact=True, stretches=whole)
        match = register.find_excerpt(session, excerpt_fingerprint(samples, _RATE))
    if match is None:
        return RegisterFinding()
    return RegisterFinding(True, match.task_id, stretches=match.stretches)


@dataclass(frozen=True)
class Verifier:
    """Runs the verifications of one worker."""

    settings: Settings
    database: Database
    storage: Storage
    compute: Slots
    stopping: threading.Event

    def run(self, identifier: str) -> None:
        """Examine the file of a verification, record the verdict and remove the file."""
        with self.database.read() as session:
            row = verifications.get(session, identifier)
        if row is None or row.ended_at is not None:
            return
        try:
            outcome: SoundcloneError | Verdict = self._verdict(identifier, row.url)
        except SoundcloneError as error:
            outcome = error
        except Exception as error:
            if self.stopping.is_set():
                raise Interrupted from error
            _log.error("verification broke", exc_info=error)
            outcome = InternalError("the service failed at this file")
        with self.database.transaction() as session:
            verifications.end(session, identifier, outcome)
        with suppress(SoundcloneError):  # the sweep removes the file later
            self.storage.delete(files.verification(identifier))
            self.storage.delete(files.verification_sidecar(identifier))

    def _verdict(self, identifier: str, url: str | None) -> Verdict:
        with TemporaryDirectory(prefix="soundclone-") as folder:
            path = Path(folder) / "file"
            if url is None:
                self.storage.get_file(files.verification(identifier), path)
            else:
                self._fetch(url, path)
            try:
                sidecar = self.storage.get(files.verification_sidecar(identifier))
            except NotFound:
                sidecar = None
            with self.compute.hold(_ACCOUNT, check=self._check):
                return examine(path, self.database, sidecar=sidecar, check=self._check)

    def _fetch(self, url: str, path: Path) -> None:
        download.fetch(
            url,
            path,
            allow=self.settings.fetch_allow,
            max_bytes=self.settings.verify_max_bytes,
            timeout=min(_FETCH_SECONDS, self.settings.fetch_timeout),
            check=self._check,
        )

    def _check(self) -> None:
        if self.stopping.is_set():
            raise Interrupted
