"""Bounded reading of zip archives, which EPUB and DOCX files are."""

from __future__ import annotations

import io
import zipfile
import zlib

from .document import refuse

MOST_MEMBERS = 20_000
LARGEST_MEMBER = 32 * 2**20  # bytes, unpacked
LARGEST_TOTAL = 128 * 2**20  # bytes, unpacked, of all members that are read
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Archive:
    """A zip archive in memory. Nothing of it is written to a disk.

    What is unpacked is counted while it is unpacked, so a false size in a header changes nothing.
    """

    def __init__(self, data: bytes) -> None:
        """Open an archive. Raises InvalidParameter."""
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError) as error:
            raise refuse(f"it is a damaged zip archive: {error}") from None
        self._names = set(self._zip.namelist())
        if len(self._zip.infolist()) > MOST_MEMBERS:
            raise refuse(
                f"the archive has {len(self._zip.infolist()):,} files; at most {MOST_MEMBERS:,} "
                "are allowed"
            )
        self._total = 0

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def read(self, name: str) -> bytes:
        """Return a file of the archive. Raises InvalidParameter."""
        if name not in self._names:
            raise refuse(f"the archive has no {name[:60]}")
        info = self._zip.getinfo(name)
        if info.flag_bits & 1:
            raise refuse(f"{name[:60]} is encrypted; remove the copy protection first")
        if info.compress_type not in _METHODS:
            raise refuse(f"{name[:60]} is compressed in an unusual way; it must be deflated")
        most = min(LARGEST_MEMBER, LARGEST_TOTAL - self._total)
        try:
            with self._zip.open(info) as file:
                data = file.read(most + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError) as error:
            raise refuse(f"{name[:60]} is damaged: {error}") from None
        if len(data) > most:
            raise refuse(
                f"{name[:60]} unpacks to more than {most // 2**20} MB, which is the most that is "
                "read"
            )
        self._total += len(data)
        return data
