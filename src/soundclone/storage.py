"""Object store in a local folder or an S3 bucket, and signed links to its files.

Keys are paths such as `results/audio_1/speech.mp3`. Links are signed by this service rather than
by the bucket, so that they look the same for every backend and are served by one route.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import time
from typing import TypedDict
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from .config import Settings
from .encryption import HEADER, Cipher, EncryptedFile, EncryptionError, is_encrypted
from .errors import Expired, InvalidParameter, NotFound, Unavailable
from .signing import signer

ENCRYPTION_CHECK = "encryption/check"
"""Stored file that tells a wrong key of the encryption from the right one."""

_KEY = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
_MAX_KEY = 512
_PART = 8 * 1024 * 1024  # bytes of one part of a multipart upload
_RANGE = 4 * 1024 * 1024  # bytes that a stream reads with one request
_SILENCE = timedelta(seconds=20)  # without a byte from the bucket, before the next attempt
_PROBES = "probe"  # folder of the files that `check` writes
_STAGED = re.compile(r"#[0-9]+$")  # suffix that LocalStore gives an unfinished file
_S3_OPTIONS = frozenset({"endpoint", "region", "virtual_hosted_style_request", "skip_signature"})


class _S3Options(TypedDict, total=False):
    endpoint: str
    region: str
    virtual_hosted_style_request: bool
    skip_signature: bool


class Storage:
    """Files under keys. Safe to use from several threads and processes.

    Every method raises Unavailable when the store cannot be reached. A key consists of
    `A-Z a-z 0-9 . _ -` in segments separated by single slashes. Other keys raise
    InvalidParameter.
    """

    def __init__(
        self,
        store: LocalStore | S3Store,
        secrets: Sequence[bytes],
        folder: Path | None = None,
        encryption_keys: Sequence[bytes] = (),
    ) -> None:
        self._store = store
        self._encrypts = bool(encryption_keys)
        self._cipher = Cipher(encryption_keys)
        self._folder = folder  # None for a bucket
        self._signer = signer(secrets, "file links")

    @classmethod
    def of(cls, settings: Settings, *, links: bool = True) -> Storage:
        """Open the store of an installation.

        Args:
            settings: The settings.
            links: False if the caller signs and verifies no links, and may have no secret.

        Raises:
            Unavailable: The URL is wrong, or the folder cannot be created.
        """
        secrets = settings.signing_secrets if links else ()
        return cls.open(settings.storage, secrets, settings.encryption)

    @classmethod
    def open(
        cls, url: str, secrets: Sequence[bytes] = (), encryption_keys: Sequence[bytes] = ()
    ) -> Storage:
        """Open the store at `url`.

        Args:
            url: `file:///folder`, or `s3://bucket/prefix` with the options `endpoint`, `region`,
                `virtual_hosted_style_request` and `skip_signature` in its query. S3 credentials
                are read from the usual `AWS_*` variables.
            secrets: Secrets of links, the newest first. Without a secret no link can be signed.
            encryption_keys: Keys of 32 bytes, the newest first. The first one encrypts new files.
                Without a key, new files are not encrypted.

        Raises:
            Unavailable: The URL is of another form, or the folder cannot be created.
        """
        parts = urlsplit(url)
        with _translating_errors("open"):
            if parts.scheme == "file" and parts.netloc in ("", "localhost"):
                folder = Path(unquote(parts.path))
                if not folder.is_absolute():
                    raise Unavailable(f"storage URL {url!r} needs an absolute path")
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                store = LocalStore(folder, automatic_cleanup=True)
                return cls(store, secrets, folder, encryption_keys)
            if parts.scheme == "s3" and parts.hostname:
                bucket = _open_s3(parts.netloc, parts.path.strip("/"), parts.query)
                return cls(bucket, secrets, None, encryption_keys)
        raise Unavailable(
            f"storage URL of scheme {parts.scheme!r} is not supported; "
            "use file:///folder or s3://bucket/prefix"
        )

    def put(self, key: str, data: bytes) -> None:
        """Write `data` under `key` atomically."""
        with _translating_errors(f"write {_checked(key)}"):
            if self._encrypts:
                data = b"".join(self._cipher.encrypt(key, [data]))
            obstore.put(self._store, key, data)

    def put_file(self, key: str, path: Path) -> None:
        """Write the file at `path` under `key` atomically, without loading it into memory."""
        if not path.is_file():
            raise FileNotFoundError(path)
        with _translating_errors(f"write {_checked(key)}"):
            if self._encrypts:
                with path.open("rb") as file:
                    blocks = self._cipher.encrypt(key, iter(partial(file.read, _RANGE), b""))
                    obstore.put(self._store, key, blocks, chunk_size=_PART, max_concurrency=4)
            else:
                obstore.put(self._store, key, path, chunk_size=_PART, max_concurrency=4)

    def get(self, key: str) -> bytes:
        """Return the bytes under `key`. Raises NotFound."""
        with _translating_errors(f"read {_checked(key)}", absent=True):
            data = bytes(obstore.get(self._store, key).bytes())
            if is_encrypted(data):
                return self._cipher.open(key, data, len(data)).decrypt(data[HEADER:])
            return data

    def get_file(self, key: str, path: Path) -> None:
        """Write the bytes under `key` to `path`. Raises NotFound."""
        blocks = self.stream(key)
        with path.open("wb") as file:
            file.writelines(blocks)

    def stream(
        self, key: str, start: int = 0, end: int | None = None, block: int = _RANGE
    ) -> Iterator[bytes]:
        """Yield the bytes under `key` in blocks.

        Args:
            key: Key of the file.
            start: First byte.
            end: Byte after the last one. None: the end of the file.
            block: Bytes of one block.

        Raises:
            NotFound: There is no such file. Raised by the call, before the first block.
        """
        try:
            size, encrypted = self._inspect(key)
        except NotFound as error:
            raise NotFound(f"there is no file {key}") from error
        end = size if end is None else min(end, size)
        return self._blocks(key, encrypted, start, end, block)

    def _blocks(
        self, key: str, encrypted: EncryptedFile | None, start: int, end: int, size: int
    ) -> Iterator[bytes]:
        # Use one request per block, so that a slow client holds no connection to the store.
        for position in range(start, end, size):
            stop = min(position + size, end)
            with _translating_errors(f"read {key}", absent=True):
                if encrypted is None:
                    yield bytes(obstore.get_range(self._store, key, start=position, end=stop))
                    continue
                span = encrypted.span(position, stop)
                stored = obstore.get_range(self._store, key, start=span.start, end=span.end)
                plain = encrypted.decrypt(bytes(stored), span.chunk)
            yield plain[span.skip : span.skip + span.size]

    def _inspect(self, key: str) -> tuple[int, EncryptedFile | None]:
        """Return the size of a file, and its layout if it is encrypted. Raises NotFound."""
        with _translating_errors(f"look up {_checked(key)}", absent=True):
            stored, head = self._head(key)
            if not is_encrypted(head):
                return stored, None
            found = self._cipher.open(key, head, stored)
            return found.size, found

    def _head(self, key: str) -> tuple[int, bytes]:
        """Return the stored size and the first bytes of a file, with one request."""
        try:
            found = obstore.get(self._store, key, options={"range": (0, HEADER)})
        except FileNotFoundError:
            raise
        except BaseError:
            # An empty file has no range.
            if (size := obstore.head(self._store, key)["size"]) > 0:
                raise
            return size, b""
        return found.meta["size"], bytes(found.bytes())

    def check_encryption(self) -> None:
        """Check that the keys are those of the store, with a file that is kept for this purpose.

        Raises:
            Unavailable: The store is encrypted with a key that the settings lack.
        """
        try:
            self.get(ENCRYPTION_CHECK)
        except NotFound:
            if self._encrypts:
                self.put(ENCRYPTION_CHECK, b"soundclone")

    def rewrite(self, key: str, *, encrypt: bool) -> bool:
        """Encrypt a stored file with the newest key, or decrypt the file.

        Nothing else may write or delete the file meanwhile.

        Returns:
            True if the file was rewritten. False if it already was as wanted, or is gone.
        """
        try:
            with _translating_errors(f"look up {_checked(key)}", absent=True):
                _, head = self._head(key)
            if self._cipher.is_current(head) if encrypt else not is_encrypted(head):
                return False
            blocks = self.stream(key)
            if encrypt:
                blocks = self._cipher.encrypt(key, blocks)
            # obstore cannot read the store while it pulls blocks for a write.
            with NamedTemporaryFile() as copy:
                copy.writelines(blocks)
                copy.flush()
                with _translating_errors(f"write {key}"):
                    obstore.put(
                        self._store, key, Path(copy.name), chunk_size=_PART, max_concurrency=4
                    )
        except NotFound:
            return False
        return True

    def copy_to(self, target: Storage, key: str) -> bool:
        """Copy the stored bytes of a file to another store, and read them back to compare them.

        Encrypted files stay encrypted. Nothing else may write or delete the file meanwhile.

        Returns:
            True if the file was copied. False if the other store had the same bytes before.

        Raises:
            Unavailable: The other store returned other bytes than were written to it.
        """
        wanted = self._digest(key)
        if target._digest(key) == wanted:
            return False
        with ExitStack() as stack:
            if self._folder:
                path = self._folder / key
            else:  # obstore cannot read one store while it writes another
                file = stack.enter_context(NamedTemporaryFile())
                with _translating_errors(f"read {key}"):
                    file.writelines(obstore.get(self._store, key).stream(min_chunk_size=_RANGE))
                file.flush()
                path = Path(file.name)
            with _translating_errors(f"write {key}"):
                obstore.put(target._store, key, path, chunk_size=_PART, max_concurrency=4)
        if target._digest(key) != wanted:
            raise Unavailable(f"storage returned other bytes for {key} than were written to it")
        return True

    def _digest(self, key: str) -> bytes | None:
        """Return the SHA-256 of the stored bytes of a file, None if there is no file."""
        digest = hashlib.sha256()
        with suppress(NotFound), _translating_errors(f"read {_checked(key)}", absent=True):
            for block in obstore.get(self._store, key).stream(min_chunk_size=_RANGE):
                digest.update(block)
            return digest.digest()
        return None

    def size(self, key: str) -> int | None:
        """Return the size in bytes of the file under `key`, None if there is none."""
        try:
            return self._inspect(key)[0]
        except NotFound:
            return None

    def delete(self, key: str) -> None:
        """Remove the file under `key` if it exists."""
        with suppress(NotFound), _translating_errors(f"delete {_checked(key)}", absent=True):
            obstore.delete(self._store, key)

    def delete_all(self, folders: Iterable[str], keys: Iterable[str]) -> None:
        """Remove folders with their files, and single files. Raises Unavailable."""
        for folder in folders:
            self.delete_prefix(folder)
        for key in keys:
            self.delete(key)

    def delete_prefix(self, prefix: str) -> int:
        """Remove all files under the folder `prefix` and return their number."""
        prefix = _checked(prefix.rstrip("/"))
        keys = [key for key, _ in self.list(prefix)]
        try:
            with _translating_errors(f"delete {prefix}", absent=True):
                obstore.delete(self._store, keys)
        except NotFound:  # another process removed one of them, which stopped the deletion
            for key in keys:
                self.delete(key)
        if self._folder:  # unfinished files of killed writers are not listed
            shutil.rmtree(self._folder / prefix, ignore_errors=True)
        return len(keys)

    def remove_unfinished(self, idle: float = 300.0) -> int:
        """Remove unfinished files of a local store and return their number.

        Killed writers and killed checks leave them. Files written to in the last `idle` seconds
        are kept, because their writer may be alive. A bucket needs a lifecycle rule instead.
        """
        removed = 0
        if self._folder is None:
            return removed
        for folder, _, names in os.walk(self._folder):
            probing = Path(folder) == self._folder / _PROBES
            for path in (Path(folder, name) for name in names if probing or _STAGED.search(name)):
                with suppress(OSError):  # finished or removed in the meantime
                    if path.stat().st_mtime <= time() - idle:
                        path.unlink()
                        removed += 1
                        while path.parent != self._folder:  # rmdir fails at the first non-empty one
                            path = path.parent
                            path.rmdir()
        return removed

    def check_free(self, least: int) -> None:
        """Raise Unavailable if the disk of a local store has less than `least` bytes free."""
        if self._folder is None:
            return
        try:
            free = shutil.disk_usage(self._folder).free
        except OSError as error:
            raise Unavailable(f"storage cannot look at its disk: {error.strerror}") from error
        if free < least:
            raise Unavailable(
                f"the disk of this service has {free:,} bytes free; new tasks need {least:,}; try "
                "again later"
            )

    def check(self) -> None:
        """Write, read and remove a small file. Raises Unavailable with the reason."""
        key, data = f"{_PROBES}/{uuid.uuid4().hex}", b"soundclone"
        self.put(key, data)
        try:
            if self.get(key) != data:
                raise Unavailable("storage returned other bytes than were written to it")
        except NotFound as error:
            raise Unavailable("storage does not return what was just written to it") from error
        finally:
            self.delete(key)

    def sign(self, key: str, expires: int, filename: str | None = None) -> str:
        """Return path and query of a link to the file under `key`.

        Args:
            key: Key of the file.
            expires: Unix time in seconds at which the link expires.
            filename: Name under which a browser saves the file.
        """
        query = {"expires": str(expires)}
        if filename:
            query["filename"] = filename
        message = _link_message(_checked(key), expires, filename)
        query["signature"] = self._signer.get_signature(message).decode()
        return f"/files/{key}?{urlencode(query)}"

    def verify(self, key: str, expires: int, signature: str, filename: str | None = None) -> None:
        """Check the parts of a link.

        Raises:
            NotFound: The signature is invalid.
            Expired: The link has expired.
        """
        message = _link_message(key, expires, filename)
        if not self._signer.verify_signature(message, signature.encode(errors="replace")):
            raise NotFound("this link was not made by this service, or was altered")
        if time() >= expires:
            raise Expired(f"this link expired on {_date(expires)}")

    def parse_link(self, url: str, folder: str) -> str | None:
        """Return the key of a file in `folder/` if `url` is a signed link to it, else None.

        The link may be on any host.

        Raises:
            Expired: The link is valid but has expired.
        """
        try:
            parts = urlsplit(url)
            query = parse_qs(parts.query, strict_parsing=True, max_num_fields=8)
        except ValueError:
            return None
        _, found, name = parts.path.partition(f"/files/{folder}")
        expires = query.get("expires", [""])[0]
        if not found or not re.fullmatch(r"[0-9]{1,12}", expires):
            return None
        key = folder + name
        filename = query["filename"][0] if "filename" in query else None
        try:
            self.verify(_checked(key), int(expires), query.get("signature", [""])[0], filename)
        except (NotFound, InvalidParameter):
            return None
        return key

    def list(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield key and stored bytes of every file under the folder `prefix`.

        An encrypted file takes a little more than its size.
        """
        if prefix := prefix.rstrip("/"):
            _checked(prefix)
        with _translating_errors(f"list {prefix or 'files'}"):
            for chunk in obstore.list(self._store, prefix or None, chunk_size=1000):
                yield from ((meta["path"], meta["size"]) for meta in chunk)


def local_folder(url: str) -> Path | None:
    """Return the folder of a local store, None for a bucket."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _link_message(key: str, expires: int, filename: str | None) -> bytes:
    # repr keeps the parts apart, including filenames with quotes and commas.
    return repr((key, int(expires), filename or None)).encode(errors="backslashreplace")


def _open_s3(bucket: str, prefix: str, query: str) -> S3Store:
    options = dict(parse_qsl(query, strict_parsing=bool(query)))
    if unknown := set(options) - _S3_OPTIONS:
        raise Unavailable(
            f"storage URL has an unknown option {sorted(unknown)[0]!r}; "
            f"known: {', '.join(sorted(_S3_OPTIONS))}"
        )
    config = _S3Options()
    if "endpoint" in options:
        config["endpoint"] = options["endpoint"]
    if "region" in options:
        config["region"] = options["region"]
    if "virtual_hosted_style_request" in options:
        config["virtual_hosted_style_request"] = options["virtual_hosted_style_request"] == "true"
    if "skip_signature" in options:
        config["skip_signature"] = options["skip_signature"] == "true"
    return S3Store(
        bucket,
        prefix=prefix or None,
        client_options={
            "allow_http": options.get("endpoint", "").startswith("http://"),
            "connect_timeout": "5s",
            "read_timeout": _SILENCE,
            "timeout": "120s",
        },
        retry_config={"max_retries": 3, "retry_timeout": 1.5 * _SILENCE},
        **config,
    )


def _checked(key: str) -> str:
    segments = key.split("/")
    if len(key) > _MAX_KEY or not _KEY.fullmatch(key) or {".", ".."} & set(segments):
        raise InvalidParameter(
            f"file key {key[:80]!r} is not made of letters, digits and . _ - between slashes"
        )
    return key


@contextmanager
def _translating_errors(what: str, *, absent: bool = False) -> Iterator[None]:
    """Raise the store's errors as Unavailable, or as NotFound where a file may be `absent`."""
    try:
        yield
    except FileNotFoundError as error:
        if absent:
            raise NotFound(f"storage cannot {what}: there is no such file") from error
        raise Unavailable(f"storage cannot {what}: there is no such bucket or folder") from error
    except EncryptionError as error:
        raise Unavailable(f"storage cannot {what}: the file is encrypted, and {error}") from error
    except (BaseError, OSError, ValueError) as error:
        # The first line is the message. obstore appends lines of its Rust source code.
        reason = str(error).partition("\n")[0][:300]
        raise Unavailable(f"storage cannot {what}: {reason}") from error


def _date(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"second {seconds}"
