"""A stranger's URL to a file, without becoming the stranger's hands inside our network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Resolve = Callable[[str, int], Sequence[str]]


@dataclass(frozen=True)
class Fetched:
    """What was downloaded, and from where."""

    bytes: int
    content_type: str  # as the server says, "" when it says nothing; not to be believed
    url: str  # after redirects, without query and fragment


def fetch(
    url: str,
    path: Path,
    *,
    allow: Sequence[str] = (),
    max_bytes: int,
    timeout: float,
    resolve: Resolve | None = None,
) -> Fetched:
    """Download `url` to the file `path`."""
    raise NotImplementedError
