"""Files to upload, and files that downloads write."""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from ._types import Source, Transfer

_UNNAMED = "recording"  # file name of a source that has none


def remote_address(source: Source, *prefixes: str) -> str | None:
    """Return a source that the server can fetch: a URL, or a text with one of the prefixes.

    Returns:
        None for a source that must be uploaded.
    """
    if not isinstance(source, str | os.PathLike):
        return None
    address = os.fspath(source)
    if address.lower().startswith(("http://", "https://", *prefixes)):
        return address
    if "://" in address:
        raise ValueError(f"source is {address!r}; it must be an http(s) URL or a file")
    return None


class Recording:
    """A recording to upload. It can be opened again for each attempt."""

    def __init__(self, source: Source, on_progress: Transfer | None) -> None:
        self._on_progress = on_progress
        self._path: Path | None = None
        self._file: BinaryIO
        self.name = _UNNAMED
        if isinstance(source, bytes):
            self._file = io.BytesIO(source)
        elif isinstance(source, str | os.PathLike):
            self._path = Path(source)
            self.name = self._path.name
        else:
            if isinstance(source, io.TextIOBase):
                raise TypeError("the file was opened in text mode; open it in binary mode ('rb')")
            name = getattr(source, "name", None)
            self.name = Path(name).name if isinstance(name, str) else _UNNAMED
            self._file = source if source.seekable() else io.BytesIO(source.read())

    @contextmanager
    def opened(self) -> Iterator[tuple[str, BinaryIO]]:
        """Open the recording for one attempt. Yields its name and the file."""
        with ExitStack() as stack:
            file = stack.enter_context(self._path.open("rb")) if self._path else self._file
            # The HTTP library calls the methods that _Watched has.
            yield self.name, cast("BinaryIO", _Watched(file, self._on_progress))


class _Watched:
    """A file that reports how much of it was read."""

    def __init__(self, file: BinaryIO, on_progress: Transfer | None) -> None:
        self._file = file
        self._on_progress = on_progress
        self._size = file.seek(0, os.SEEK_END)
        file.seek(0)

    def read(self, size: int = -1, /) -> bytes:
        block = self._file.read(size)
        if self._on_progress:
            self._on_progress(self._file.tell(), self._size)
        return block

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


@contextmanager
def complete_file(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """Open a file that appears at `path` only once the block has succeeded.

    Args:
        path: The file.
        private: True if only its owner may read the file.
    """

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags, 0o600 if private else 0o666)

    part = path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex[:8]}.part")
    try:
        with open(part, "xb", opener=opener) as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
