from __future__ import annotations

import http.server
import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests import media_samples
from tests.service import Service

ROOT = Path(__file__).parents[2]
RECORDING = ROOT / "examples" / "recording.mp3"
ENGINES = ROOT / "tests" / "engines"


class _Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder, and the URL of a web server that serves it."""
    folder = tmp_path_factory.mktemp("sources")
    (folder / "recording.mp3").write_bytes(RECORDING.read_bytes())
    handler = partial(_Files, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def recording(sources: tuple[Path, str]) -> str:
    """URL of a recording that is fit to be cloned."""
    return f"{sources[1]}/recording.mp3"


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A whole service on its defaults."""
    with Service(tmp_path_factory.mktemp("service")) as running:
        yield running


def tone_service(folder: Path) -> Service:
    """A service whose engine speaks tones, for tests that need no speech."""
    environment = {"PYTHONPATH": str(ENGINES), "SOUNDCLONE_ENGINE_V1": "tone"}
    return Service(folder, environment=environment)


def write_two_people(folder: Path, other: str, start: int) -> None:
    """Write two recordings of a man and of a woman.

    Args:
        folder: Folder of `man.wav`, `man-OTHER.mp3`, `woman.wav` and `woman-OTHER.mp3`.
        other: Name of the second recordings.
        start: Seconds at which the second recordings begin. The first ones end after 27 s.
    """
    for who in ("man", "woman"):
        samples, rate = media_samples.said(who)
        media_samples.write(folder / f"{who}.wav", "wav", samples[: 27 * rate], rate)
        media_samples.write(folder / f"{who}-{other}.mp3", "mp3", samples[start * rate :], rate)


@pytest.fixture
def test_engines(tmp_path: Path) -> dict[str, str]:
    """Environment in which the third party's engines are installed."""
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ENGINES), os.environ.get("PYTHONPATH")])),
        "SOUNDCLONE_ENGINE_V1": "tone",
        "SOUNDCLONE_TEST_CALLS": str(tmp_path / "calls"),
    }
