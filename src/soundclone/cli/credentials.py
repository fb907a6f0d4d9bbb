"""Storage of the URL and key that `soundclone login` takes."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from .common import fail

DEFAULT_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Login:
    """Address of a service and a key for it."""

    url: str | None
    key: str | None


def resolve(url: str | None, key: str | None) -> Login:
    """Complete options and environment variables with the stored login.

    The stored key is used for the stored URL only, so that no other service receives it.
    """
    stored = None if url and key else _load()
    if stored is None:
        return Login(url, key)
    url = url or stored.url
    if not key and url and stored.url and url.rstrip("/") == stored.url.rstrip("/"):
        key = stored.key
    return Login(url, key)


def store(login: Login) -> Path:
    """Write the login to a file that only its owner can read."""
    path = login_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # mkstemp makes the file with mode 0600.
    descriptor, part = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(asdict(login)) + "\n")
        Path(part).replace(path)
    finally:
        Path(part).unlink(missing_ok=True)
    return path


def remove() -> Path | None:
    """Delete the stored login. Returns its path, or None if there was none."""
    path = login_file()
    if not path.exists():
        return None
    path.unlink()
    return path


def login_file() -> Path:
    """Return the path of the stored login, in the user's configuration folder."""
    return Path(typer.get_app_dir("soundclone")) / "login.json"


def _load() -> Login | None:
    path = login_file()
    try:
        stored = json.loads(path.read_text("utf-8"))
        return Login(str(stored["url"]), str(stored["key"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        fail(f"{path} is damaged; `soundclone login` writes it again", "file")
