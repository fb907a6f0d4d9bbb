"""Export and erasure of an account, in the database and in the object store."""

from __future__ import annotations

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import IO

from .. import __version__
from ..core import account_data
from ..core.account_data import Erased
from ..core.audit import OPERATOR, Actor
from ..db.session import Database
from ..errors import NotFound
from ..storage import Storage
from .queue import Queue

FORMAT, FORMAT_VERSION = "soundclone-account", 1
README = """\
This archive has everything that a soundclone service stored for one account.

manifest.json      format, time of the export, and size and SHA-256 of each file below
data/TABLE.jsonl   rows of the database, one JSON object a line; times are Unix seconds (UTC),
                   amounts are millionths of a credit
files/KEY          files: uploads, consents, voices (recording, reference, models) and results

docs/privacy.md of soundclone describes each file.
"""
_BATCH = 500  # workflows whose records are deleted at a time


class BlockBuffer(io.RawIOBase):
    """Write-only stream whose content is taken away in blocks."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []

    def writable(self) -> bool:
        """Tell that the stream can be written to."""
        return True

    def write(self, data: object) -> int:
        """Append bytes, and return their number."""
        block = bytes(data)  # type: ignore[call-overload]
        self._blocks.append(block)
        return len(block)

    def take(self) -> bytes:
        """Return what was written since the last call."""
        taken = b"".join(self._blocks)
        self._blocks.clear()
        return taken


def export(database: Database, storage: Storage, account_id: str) -> Iterator[bytes]:
    """Yield the blocks of a zip archive with everything that is stored for an account.

    Raises:
        NotFound: There is no such account. Raised by the call, before the first block.
    """
    with database.read() as session:
        account_data.find(session, account_id)
    return _blocks(database, storage, account_id)


def _blocks(database: Database, storage: Storage, account_id: str) -> Iterator[bytes]:
    buffer, listed = BlockBuffer(), []
    with database.read() as session:
        folders = account_data.holdings(session, account_id).folders()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", README)
        for table in account_data.exported_tables():
            entry = _Entry(archive, f"data/{table.name}.jsonl", zipfile.ZIP_DEFLATED)
            with entry:
                after: object = None
                while True:
                    with database.read() as session:
                        rows, after = account_data.rows(session, table, account_id, after)
                    for row in rows:
                        line = json.dumps(row, ensure_ascii=False, sort_keys=True, default=str)
                        entry.write(line.encode(errors="backslashreplace") + b"\n")
                    yield buffer.take()
                    if after is None:
                        break
            listed.append(entry.listing())
        for key in (key for folder in folders for key, _ in storage.list(folder)):
            if key.startswith("work/"):
                continue
            try:
                blocks = storage.stream(key)
            except NotFound:  # deleted since it was listed
                continue
            entry = _Entry(archive, f"files/{key}", zipfile.ZIP_STORED)
            with entry:
                for block in blocks:
                    entry.write(block)
                    yield buffer.take()
            listed.append(entry.listing())
        manifest = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "service": __version__,
            "account": account_id,
            "exported_at": round(time.time(), 3),
            "files": listed,
        }
        archive.writestr("manifest.json", json.dumps(manifest, indent=1))
    yield buffer.take()


class _Entry:
    """File in an archive that is being written, with its size and digest."""

    def __init__(self, archive: zipfile.ZipFile, name: str, compression: int) -> None:
        self._name = name
        self._digest = hashlib.sha256()
        self._size = 0
        head = zipfile.ZipInfo(name, time.gmtime()[:6])
        head.compress_type = compression
        head.external_attr = 0o600 << 16
        self._file: IO[bytes] = archive.open(head, "w", force_zip64=True)

    def __enter__(self) -> _Entry:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self._file.write(data)
        self._digest.update(data)
        self._size += len(data)

    def listing(self) -> Mapping[str, object]:
        """Return the entry of the manifest."""
        return {"path": self._name, "size": self._size, "sha256": self._digest.hexdigest()}


@dataclass(frozen=True)
class Report:
    """Result of an erasure."""

    account: str
    erased: Erased
    files: int
    bytes: int
    pending: tuple[str, ...]  # tasks that a worker has not left; the sweep removes their files

    def to_json(self) -> dict[str, object]:
        """Return the report as a JSON object."""
        rows = asdict(self.erased)
        kept = {name: rows.pop(name) for name in ("ledger_lines", "credits")}
        return {
            "account": self.account,
            "erased": rows | {"files": self.files, "bytes": self.bytes},
            "kept": kept,
            "pending": list(self.pending),
        }


def erase(
    database: Database,
    storage: Storage,
    queue: Queue,
    account_id: str,
    *,
    wait: float,
    actor: Actor = OPERATOR,
) -> Report:
    """Erase an account: its keys, tasks, voices, files and texts. The ledger keeps amounts.

    An erasure that was interrupted can be repeated.

    Args:
        database: The database.
        storage: The object store.
        queue: Client of the task queue.
        account_id: The account.
        wait: Seconds in which workers may leave the tasks that the erasure cancels.
        actor: Cause of the erasure, for the audit log.

    Raises:
        NotFound: There is no such account, or it was erased before.
        Unavailable: The store does not answer. The account is closed; repeat the erasure.
    """
    with database.transaction() as session:
        account_data.close(session, account_id)
    with database.read() as session:
        owned = account_data.holdings(session, account_id)
    deadline = time.monotonic() + wait
    while (running := queue.unfinished(owned.tasks)) and time.monotonic() < deadline:
        time.sleep(0.5)
    count = size = 0
    for folder in owned.folders():
        for _, length in storage.list(folder):
            count, size = count + 1, size + length
        storage.delete_prefix(folder)
    ended = [each for each in owned.tasks if each not in running]
    for start in range(0, len(ended), _BATCH):
        queue.delete_records(ended[start : start + _BATCH])
    with database.transaction() as session:
        erased = account_data.erase(session, account_id, running, actor)
    database.empty_log()
    return Report(account_id, erased, count, size, tuple(sorted(running)))
