"""Confinement of the files that a bridge reads and writes to one folder."""

from __future__ import annotations

import os
from pathlib import Path


class FolderError(Exception):
    """A file cannot be used. The message is a sentence for people."""


class Folder:
    """A folder that confines the files of a bridge.

    Symbolic links are followed before the check, so that none leads out of the folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def existing(self, name: str) -> Path:
        """Return the path of a file to read, by an absolute path or relative to the folder.

        Raises:
            FolderError: The file does not exist or is outside the folder.
        """
        path = self._inside(name)
        if not path.is_file():
            raise FolderError(f"{name!r} is not a file in {self._root}")
        return path

    def new(self, name: str) -> Path:
        """Return the path of a file to write, which must not exist.

        Raises:
            FolderError: The file exists, is outside the folder or cannot be written.
        """
        path = self._inside(name)
        if path.exists():
            raise FolderError(f"{name!r} exists in {self._root}; choose another name")
        if not path.parent.is_dir():
            raise FolderError(f"{name!r} cannot be written: there is no folder {path.parent}")
        if not os.access(path.parent, os.W_OK):
            raise FolderError(f"{name!r} cannot be written: {path.parent} is not writable")
        return path

    def _inside(self, name: str) -> Path:
        try:
            path = (self._root / name).resolve()
        except (OSError, ValueError, RuntimeError) as error:
            raise FolderError(f"{name!r} is not a path: {error}") from error
        if not path.is_relative_to(self._root):
            raise FolderError(
                f"{name!r} is outside {self._root}; only files of this folder can be used"
            )
        return path
