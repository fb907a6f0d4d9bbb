from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from soundclone_client import Client
from tests.service import Service

from .pages import ROOT


@dataclass(frozen=True)
class House:
    """A service with an account that has credit and a voice."""

    environment: dict[str, str]
    words: dict[str, str]


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with Service(folder) as service:
        made = service.command("keys", "create", "--name", "docs", "--credit", "10000", "--json")
        with Client(service.url, made["key"]) as client:
            voice = client.clone(ROOT / "examples" / "recording.mp3").model_id
        assert voice
        yield House(
            service.environment
            | {
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "KEY": made["key"],
                "SOUNDCLONE_API_KEY": made["key"],
                "SOUNDCLONE_BASE_URL": service.url,
            },
            {
                "http://127.0.0.1:8000": service.url,
                "sk_…": made["key"],
                "model_…": voice,
                "acct_…": made["account"],
                "key_…": made["id"],
            },
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks like the repository, and may be written to."""
    folder = tmp_path / "soundclone"
    folder.mkdir()
    for path in ROOT.iterdir():
        if path.name not in (".git", "demo", "build", "dist", "site"):
            (folder / path.name).symlink_to(path)
    return folder
