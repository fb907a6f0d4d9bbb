"""Where files are kept: a local folder or an S3 bucket, and links that open one of them for a time.

Keys are paths such as `results/audio_1/speech.mp3`. The links are signed by this service rather
than by the bucket, so that they are the same for every backend and open through one route.
"""

from __future__ import annotations

import hmac
import os
import re
import shutil
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import time
from typing import TypedDict
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from .errors import Expired, InvalidParameter, NotFound, Unavailable

UPLOADS = "uploads/"
"""Prefix of the files that clients brought."""

_KEY = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
_MAX_KEY = 512
_PART = 8 * 1024 * 1024  # bytes of one part of a multipart upload
_RANGE = 4 * 1024 * 1024  # bytes read by one request of a stream
_PROBES = "probe"  # folder of the files that `check` writes
_STAGED = re.compile(r"#[0-9]+$")  # what LocalStore appends to a file until it is whole
_S3_OPTIONS = frozenset({"endpoint", "region", "virtual_hosted_style_request", "skip_signature"})


class _S3Options(TypedDict, total=False):
    endpoint: str
    region: str
    virtual_hosted_style_request: bool
    skip_signature: bool


class Storage:
    """Files under keys. Safe to use from several threads and processes at once.

    Every method raises Unavailable when the store cannot be reached, and InvalidParameter for a
    key that is not made of `A-Z a-z 0-9 . _ -` in segments separated by single slashes.
    """

    def __init__(
        self, store: LocalStore | S3Store, secret: bytes, folder: Path | None = None
    ) -> None:
        self._store = store
        self._folder = folder  # of a local store
        # A key of its own, so that no other use of the secret can be made to sign a link.
        self._link_key = hmac.digest(secret, b"soundclone file links", "sha256")

    @classmethod
    def open(cls, url: str, secret: bytes) -> Storage:
        """The store at `url`: `file:///folder`, or `s3://bucket/prefix` with the options
        `endpoint`, `region`, `virtual_hosted_style_request` and `skip_signature` in its query.

        Credentials of S3 come from the usual `AWS_*` variables. `secret` signs links. Raises
        Unavailable when the URL is not one of these or the folder cannot be made.
        """
        parts = urlsplit(url)
        with _reaching("open"):
            if parts.scheme == "file" and parts.netloc in ("", "localhost"):
                folder = Path(unquote(parts.path))
                if not folder.is_absolute():
                    raise Unavailable(f"storage URL {url!r} needs an absolute path")
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                return cls(LocalStore(folder, automatic_cleanup=True), secret, folder)
            if parts.scheme == "s3" and parts.hostname:
                return cls(_open_s3(parts.netloc, parts.path.strip("/"), parts.query), secret)
        raise Unavailable(
            f"storage URL of scheme {parts.scheme!r} is not supported; "
            "use file:///folder or s3://bucket/prefix"
        )

    def put(self, key: str, data: bytes) -> None:
        """Write `data` under `key`, wholly or not at all."""
        with _reaching(f"write {_checked(key)}"):
            obstore.put(self._store, key, data)

    def put_file(self, key: str, path: Path) -> None:
        """Write the file at `path` under `key`, wholly or not at all, without loading it."""
        if not path.is_file():
            raise FileNotFoundError(path)
        with _reaching(f"write {_checked(key)}"):
            obstore.put(self._store, key, path, chunk_size=_PART, max_concurrency=4)

    def get(self, key: str) -> bytes:
        """The bytes under `key`. Raises NotFound."""
        with _reaching(f"read {_checked(key)}", absent=True):
            return bytes(obstore.get(self._store, key).bytes())

    def get_file(self, key: str, path: Path) -> None:
        """Write the bytes under `key` to `path`. Raises NotFound."""
        blocks = self.stream(key)
        with path.open("wb") as file:
            file.writelines(blocks)

    def stream(
        self, key: str, start: int = 0, end: int | None = None, block: int = _RANGE
    ) -> Iterator[bytes]:
        """The bytes `start` to `end` (exclusive; None: the last) under `key`, in blocks of `block`
        bytes.

        Raises NotFound, before the first block is asked for.
        """
        size = self.size(key)
        if size is None:
            raise NotFound(f"there is no file {key}")
        return self._blocks(key, start, size if end is None else min(end, size), block)

    def _blocks(self, key: str, start: int, end: int, size: int) -> Iterator[bytes]:
        # One request per block: a client that reads slowly holds no connection to the store.
        for position in range(start, end, size):
            with _reaching(f"read {key}", absent=True):
                block = obstore.get_range(
                    self._store, key, start=position, end=min(position + size, end)
                )
            yield bytes(block)

    def size(self, key: str) -> int | None:
        """Bytes under `key`, None when there is no such file."""
        try:
            with _reaching(f"look up {_checked(key)}", absent=True):
                return obstore.head(self._store, key)["size"]
        except NotFound:
            return None

    def delete(self, key: str) -> None:
        """Remove the file under `key`, if there is one."""
        with suppress(NotFound), _reaching(f"delete {_checked(key)}", absent=True):
            obstore.delete(self._store, key)

    def delete_prefix(self, prefix: str) -> int:
        """Remove every file under the folder `prefix`; the number of them."""
        prefix = _checked(prefix.rstrip("/"))
        keys = [key for key, _ in self.list(prefix)]
        try:
            with _reaching(f"delete {prefix}", absent=True):
                obstore.delete(self._store, keys)
        except NotFound:  # somebody else removed one at the same time: the rest still has to go
            for key in keys:
                self.delete(key)
        if self._folder:  # what a killed writer began is not listed, but fills the disk
            shutil.rmtree(self._folder / prefix, ignore_errors=True)
        return len(keys)

    def remove_unfinished(self, idle: float = 300.0) -> int:
        """Remove the parts of files that killed writers left in a local folder, and the files of
        killed checks; the number of them. A file to which something was written in the last `idle`
        seconds has a living writer.

        A bucket needs a lifecycle rule that does this.
        """
        removed = 0
        if self._folder is None:
            return removed
        for folder, _, names in os.walk(self._folder):
            probing = Path(folder) == self._folder / _PROBES
            for path in (Path(folder, name) for name in names if probing or _STAGED.search(name)):
                with suppress(OSError):  # finished meanwhile, or removed by another process
                    if path.stat().st_mtime <= time() - idle:
                        path.unlink()
                        removed += 1
                        while path.parent != self._folder:  # as far as the folders are empty
                            path = path.parent
                            path.rmdir()
        return removed

    def check_free(self, least: int) -> None:
        """Raise Unavailable when the disk of a local store has less than `least` bytes free."""
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
        """Path and query of a link that opens `key` until `expires` (unix seconds).

        `filename` is the name under which a browser is to save the file.
        """
        query = {"expires": str(expires)}
        if filename:
            query["filename"] = filename
        query["signature"] = self._signature(_checked(key), expires, filename)
        return f"/files/{key}?{urlencode(query)}"

    def verify(self, key: str, expires: int, signature: str, filename: str | None = None) -> None:
        """Check the parts of a link. Raises NotFound when this service did not sign them and
        Expired when their time is over."""
        expected = self._signature(key, expires, filename)
        if not hmac.compare_digest(expected.encode(), signature.encode(errors="replace")):
            raise NotFound("this link was not made by this service, or was altered")
        if time() >= expires:
            raise Expired(f"this link expired on {_date(expires)}")

    def parse_link(self, url: str) -> str | None:
        """The key of an uploaded file when `url` is a link that `sign` made for one, on any host.

        None for every other URL. Raises Expired for a link of ours whose time is over.
        """
        try:
            parts = urlsplit(url)
            query = parse_qs(parts.query, strict_parsing=True, max_num_fields=8)
        except ValueError:
            return None
        _, found, name = parts.path.partition(f"/files/{UPLOADS}")
        expires = query.get("expires", [""])[0]
        if not found or not re.fullmatch(r"[0-9]{1,12}", expires):
            return None
        key = UPLOADS + name
        filename = query["filename"][0] if "filename" in query else None
        try:
            self.verify(_checked(key), int(expires), query.get("signature", [""])[0], filename)
        except (NotFound, InvalidParameter):
            return None
        return key

    def _signature(self, key: str, expires: int, filename: str | None) -> str:
        # repr keeps the three apart whatever characters they hold.
        message = repr((key, int(expires), filename or None)).encode(errors="backslashreplace")
        digest = hmac.digest(self._link_key, message, "sha256")
        return urlsafe_b64encode(digest).decode().rstrip("=")

    def list(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Key and size in bytes of every file under the folder `prefix`."""
        if prefix := prefix.rstrip("/"):
            _checked(prefix)
        with _reaching(f"list {prefix or 'files'}"):
            for chunk in obstore.list(self._store, prefix or None, chunk_size=1000):
                yield from ((meta["path"], meta["size"]) for meta in chunk)


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
            "timeout": "120s",
        },
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
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
def _reaching(what: str, *, absent: bool = False) -> Iterator[None]:
    """Give the errors of the store the shape of ours. `absent`: an absent file is possible."""
    try:
        yield
    except FileNotFoundError as error:
        if absent:
            raise NotFound(f"storage cannot {what}: there is no such file") from error
        raise Unavailable(f"storage cannot {what}: there is no such bucket or folder") from error
    except (BaseError, OSError, ValueError) as error:
        # The first line says what happened; the rest is the store's own source code.
        reason = str(error).partition("\n")[0][:300]
        raise Unavailable(f"storage cannot {what}: {reason}") from error


def _date(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"second {seconds}"
