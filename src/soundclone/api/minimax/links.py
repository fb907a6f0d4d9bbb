"""Signed links to files that are made when they are read: subtitles, and results as one archive.

A link is signed like one to a stored file of the task's results, so it expires with them.
"""

from __future__ import annotations

from fastapi import Request

from ...core import files
from ..state import state_of

PREFIX = "/minimax"
"""Prefix of the paths of the MiniMax-compatible API."""

SUBTITLES, ARCHIVE = "titles.json", "speech.tar"


def subtitles_link(request: Request, task_id: str, expires: int) -> str:
    """Return a link to the subtitles of a task in MiniMax's format."""
    return _link(request, task_id, SUBTITLES, expires)


def archive_link(request: Request, task_id: str, expires: int) -> str:
    """Return a link to the audio and the subtitles of a task in one archive."""
    return _link(request, task_id, ARCHIVE, expires)


def _link(request: Request, task_id: str, name: str, expires: int) -> str:
    state = state_of(request)
    base = state.settings.public_url or str(request.base_url)
    path = state.storage.sign(f"{files.result_folder(task_id)}/{name}", expires)
    return base.rstrip("/") + PREFIX + path
