"""MiniMax's own client and OpenAI's, over HTTP, with a worker that is only pretended."""

from __future__ import annotations

import importlib
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import openai
import pytest
from sqlalchemy import select
from websockets.sync.client import connect

from soundclone.api.connections import Limits
from soundclone.api.server import bounded
from soundclone.config import Settings
from soundclone.core import ledger
from soundclone.core.pricing import Prices, share
from soundclone.db.models import Task
from soundclone.text import parts
from tests.service import free_port

from .conftest import Account, Api
from .pretended import AUDIO, PretendedWorker

TEXT = "Speak this slowly. It must not be spoken to its end."


@dataclass(frozen=True)
class Site:
    """A served API."""

    api: Api
    url: str


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    api = Api(Settings(data_dir=tmp_path_factory.mktemp("clients")))
    port = free_port()
    server = bounded(api.app, Limits(), port=port, timeout_graceful_shutdown=1)
    threads = [threading.Thread(target=server.run), PretendedWorker(api)]
    for thread in threads:
        thread.start()
    while not server.started:
        time.sleep(0.02)
    yield Site(api, f"http://127.0.0.1:{port}")
    server.should_exit = True
    threads[1].stopping.set()  # type: ignore[attr-defined]
    for thread in threads:
        thread.join()
    api.database.close()


@pytest.fixture
def account(site: Site) -> Account:
    return site.api.new_account()


@pytest.fixture
def minimax(
    site: Site, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ModuleType:
    """The server of `minimax-mcp`, whose tools are functions. It saves files in `tmp_path`."""
    for name, value in {
        "MINIMAX_API_KEY": account.key,
        "MINIMAX_API_HOST": site.url,
        "MINIMAX_MCP_BASE_PATH": str(tmp_path),
        "MINIMAX_API_RESOURCE_MODE": "local",
    }.items():
        monkeypatch.setenv(name, value)
    return importlib.reload(importlib.import_module("minimax_mcp.server"))


def recording(folder: Path, data: bytes = b"speech") -> str:
    """The path of a file to upload."""
    path = folder / "me.mp3"
    path.write_bytes(data)
    return str(path)


def test_minimax_mcp(minimax: ModuleType, tmp_path: Path) -> None:
    made = minimax.voice_clone("Anna-voice_1", recording(tmp_path), "Hello, it is me.").text
    assert made.startswith("Voice cloned successfully: Voice ID: Anna-voice_1, demo audio saved")
    assert Path(made.rpartition(": ")[2]).read_bytes() == AUDIO
    assert "Name: Anna-voice_1, ID: Anna-voice_1" in minimax.list_voices().text
    for form in ("mp3", "pcm", "flac"):
        spoken = minimax.text_to_audio("Good morning.", voice_id="Anna-voice_1", format=form).text
        assert spoken.startswith("Success. File saved as: ")
        path = Path(spoken.partition("as: ")[2].partition(". Voice used")[0])
        assert (path.suffix, path.read_bytes()) == (f".{form}", AUDIO)
    minimax.resource_mode = "url"  # type: ignore[attr-defined]
    link = minimax.text_to_audio("Good morning.", voice_id="Anna-voice_1").text.rpartition(": ")[2]
    assert httpx2.get(link).content == AUDIO


def test_minimax_mcp_shows_our_sentences(
    minimax: ModuleType, tmp_path: Path, account: Account
) -> None:
    failed = minimax.text_to_audio("Good morning.").text  # with the client's own voice
    assert "20132-there is no voice 'female-shaonv'" in failed
    assert "Trace-Id: req_" in failed
    short = minimax.voice_clone("Anna-voice_1", recording(tmp_path, b"short"), "Hello.").text
    assert "2037-speech lasts 9.2 s; more than 15 s is needed" in short
    assert "cannot be made from a description" in minimax.voice_design("An old man", "Hi.").text
    minimax.voice_clone("Anna-voice_1", recording(tmp_path), "Hello.")
    fast = minimax.text_to_audio("Hi.", voice_id="Anna-voice_1", speed=9).text
    assert "2013-voice_setting.speed is 9; it must be a number from 0.5 to 2" in fast
    minimax.api_client.session.headers["Authorization"] = "Bearer sk_wrong"
    assert "check your API key" in minimax.list_voices().text


def test_two_clients_share_an_account(
    site: Site, minimax: ModuleType, account: Account, tmp_path: Path
) -> None:
    minimax.voice_clone("Anna-voice_1", recording(tmp_path), "Hello.")
    other = openai.OpenAI(base_url=f"{site.url}/v1", api_key=account.key, max_retries=0)

    def one(index: int) -> bool:
        text = f"Number {index:02}."
        if index % 2:
            spoken = minimax.text_to_audio(text, voice_id="Anna-voice_1").text
            return bool(spoken.startswith("Success"))
        made = other.audio.speech.create(model="tts-1", voice="Anna-voice_1", input=text)
        return made.read() == AUDIO

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(one, range(8)))
    other.close()
    with site.api.database.read() as session:
        spent = sum(session.scalars(select(Task.cost).where(Task.account_id == account.id)))
        found = ledger.balance(session, account.id)
    assert (found.used, found.held) == (spent, 0)


def test_a_websocket(site: Site, account: Account) -> None:
    headers = {"Authorization": f"Bearer {account.key}"}
    with httpx2.Client(base_url=site.url, headers=headers) as client:
        start = {"event": "task_start", "model": "speech-2.8-hd", **cloned(client)}
    url = site.url.replace("http:", "ws:") + "/ws/v1/t2a_v2"
    with connect(url, additional_headers=headers, proxy=None) as socket:

        def heard() -> dict[str, Any]:
            return dict(json.loads(socket.recv(20)))

        def say(**message: str) -> None:
            socket.send(json.dumps(message))

        assert heard()["event"] == "connected_success"
        socket.send(json.dumps(start))
        assert heard()["event"] == "task_started"
        say(event="task_continue", text="Good morning.")
        messages = [heard()]
        while not messages[-1]["is_final"]:
            messages.append(heard())
        assert b"".join(bytes.fromhex(each["data"]["audio"]) for each in messages) == AUDIO
        say(event="task_continue", text=TEXT)
        heard()
    task = ended(site.api, account)  # the client left, and pays for the first part
    whole = Prices(site.api.settings.price_list).audio(len(TEXT))
    delivered = parts.delivered(TEXT, 25)[0]
    assert (task.status, task.cost) == ("failed", share(whole, task.fee, delivered, len(TEXT)))


def cloned(client: httpx2.Client) -> dict[str, Any]:
    """The `voice_setting` of a new voice."""
    files = {"file": ("me.mp3", b"speech")}
    number = client.post("/v1/files/upload", files=files).json()["file"]["file_id"]
    body = {"file_id": number, "voice_id": "Anna-voice_1"}
    assert client.post("/v1/voice_clone", json=body).json()["base_resp"]["status_code"] == 0
    return {"voice_setting": {"voice_id": "Anna-voice_1"}}


def ended(api: Api, account: Account) -> Task:
    """The account's newest speech task, once it has ended."""
    deadline = time.monotonic() + 20
    while True:
        with api.database.read() as session:
            query = select(Task).where(Task.account_id == account.id, Task.kind == "audio")
            task = session.scalars(query.order_by(Task.created_at.desc())).first()
            if task is not None and task.ended_at is not None:
                session.expunge(task)
                return task
        assert time.monotonic() < deadline
        time.sleep(0.05)
