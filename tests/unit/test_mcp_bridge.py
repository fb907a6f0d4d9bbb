"""Tools of the MCP server that make audio, against a planned service."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import AudioContent, CallToolResult, ResourceLink, TextContent

from soundclone.cli.bridges.folder import Folder
from soundclone.cli.bridges.mcp import Bridge, build

from .test_client import AUDIOS, CLONES, ID, MODEL, TASK, UPLOAD, Answer, Server

SOUND = b"ID3 sound"
LINK = f"/files/{ID}.mp3"
STATE = {"id": ID, "model": "soundCloningAudio", "status": "queued", "created": 1}
DONE = STATE | {
    "status": "completed", "progress": 100, "audioUrl": LINK, "seconds": 1.5, "cost": 0.02,
    "language": "English", "expiresAt": 86_400, "warnings": [],
}  # fmt: skip
PRICES = [
    {
        "model_name": f"sound-cloning-{name}", "display_name": "", "model_type": "audio",
        "price_mode": "", "unit_price": price, "remark": "",
    }
    for name, price in (
        ("audio", 2.0), ("voice", 0.01), ("clone", 10.0), ("conversion", 0.003),
    )
]  # fmt: skip
CONVERSIONS = "POST /api/open-api/v1/soundCloning/voice-conversions"
HELLO = {"voice": MODEL, "text": "Hello."}


@pytest.fixture
def server() -> Server:
    planned = Server()
    planned.on(AUDIOS, Answer(STATE))
    planned.on(CLONES, Answer(STATE | {"model": "soundCloningClone"}))
    planned.on(TASK, Answer(STATE | {"status": "processing", "progress": 40}), Answer(DONE))
    planned.on(f"GET {LINK}", Answer(body=SOUND))
    planned.on("GET /api/openapi/model/catalog", Answer({"list": PRICES}))
    return planned


def using(server: Server, work: Callable[[Client], Awaitable[None]], folder: Path | None) -> None:
    """Run `work` with a client of an MCP server that uses the planned service."""
    bridge = Bridge(
        server.url,
        "sk_test",
        Folder(folder) if folder else None,
        httpx2.MockTransport(server.handle_async),
    )

    async def run() -> None:
        async with Client(build(bridge)) as client:
            await work(client)

    asyncio.run(run())


def call(
    server: Server, tool: str, arguments: dict[str, Any], folder: Path | None = None
) -> CallToolResult:
    """Return the answer to one call."""
    answers: list[CallToolResult] = []

    async def work(client: Client) -> None:
        answers.append(await client.call_tool(tool, arguments))

    using(server, work, folder)
    return answers[0]


def sentence(answer: CallToolResult) -> str:
    """Return the error of an answer."""
    assert answer.is_error
    [block] = answer.content
    assert isinstance(block, TextContent)
    return block.text


def test_speech_is_saved_in_the_folder(server: Server, tmp_path: Path) -> None:
    arguments = HELLO | {"emotion": "happy", "speed": 1.2, "file": "hello.mp3"}
    answer = call(server, "speak", arguments, tmp_path)
    assert not answer.is_error, answer.content
    assert (tmp_path / "hello.mp3").read_bytes() == SOUND
    saved = answer.structured_content or {}
    assert saved["file"] == str(tmp_path / "hello.mp3")
    assert (saved["cost"], saved["link"]) == (0.02, server.url + LINK)
    assert saved["expires"] == "1970-01-02T00:00:00+00:00"
    [sent] = server.asked(AUDIOS)
    assert (sent.json["emotion"], sent.json["speed"], sent.json["format"]) == ("happy", 1.2, "mp3")
    server.on(TASK, Answer(DONE))
    unnamed = call(server, "speak", HELLO, tmp_path)
    assert (unnamed.structured_content or {})["file"] == str(tmp_path / f"{ID}.mp3")


def test_audio_in_the_answer_and_as_a_resource(server: Server) -> None:
    server.on(TASK, Answer(DONE))
    inline = call(server, "speak", HELLO | {"output": "audio", "format": "flac"}).content[1]
    assert isinstance(inline, AudioContent)
    assert (b64decode(inline.data), inline.mime_type) == (SOUND, "audio/flac")

    async def work(client: Client) -> None:
        link = (await client.call_tool("speak", HELLO)).content[1]
        assert isinstance(link, ResourceLink)
        assert link.uri == f"soundclone://audio/{ID}.mp3"
        [content] = (await client.read_resource(link.uri)).contents
        assert (b64decode(content.model_dump()["blob"]), content.mime_type) == (SOUND, "audio/mpeg")
        server.on(TASK, Answer(STATE))
        with pytest.raises(MCPError, match="has no audio; it is queued"):
            await client.read_resource(link.uri)

    using(server, work, None)


def test_long_audio_is_a_link(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soundclone.cli.bridges.mcp._LARGEST_INLINE", len(SOUND) - 1)
    answer = call(server, "speak", HELLO | {"output": "audio"})
    assert isinstance(answer.content[1], ResourceLink)


def test_progress(server: Server) -> None:
    seen: list[tuple[float, float | None, str | None]] = []

    async def work(client: Client) -> None:
        async def report(progress: float, total: float | None, message: str | None) -> None:
            seen.append((progress, total, message))

        await client.call_tool("speak", HELLO, progress_callback=report)

    using(server, work, None)
    assert seen == [(40, 100, "processing"), (100, 100, "completed")]


def test_a_local_recording_is_uploaded(server: Server, tmp_path: Path) -> None:
    (tmp_path / "me.wav").write_bytes(b"RIFF recording")
    url = "http://soundclone.test/files/me.wav"
    upload = {"url": url, "filename": "me.wav", "size": 1, "mimeType": "audio/wav"}
    server.on(UPLOAD, Answer(upload))
    server.on(TASK, Answer(DONE | {"model": "soundCloningClone", "modelId": MODEL}))
    arguments = {"source": "me.wav", "name": "Anna", "speaker": "Anna Berg"}
    answer = call(server, "clone_voice", arguments, tmp_path)
    assert (answer.structured_content or {})["voice"] == MODEL
    assert b"RIFF recording" in server.asked(UPLOAD)[0].body
    [sent] = server.asked(CLONES)
    assert (sent.json["fileUrl"], sent.json["name"]) == (url, "Anna")
    assert sent.json["consent"] == {"declaration": "given", "speaker": "Anna Berg"}
    assert (tmp_path / f"{ID}.mp3").read_bytes() == SOUND


def test_no_other_file_is_read_or_written(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "voices"
    folder.mkdir()
    secret = tmp_path / "secret.wav"
    secret.write_bytes(b"secret")
    (folder / "link.wav").symlink_to(secret)
    (folder / "kept.mp3").write_bytes(b"kept")
    refused: list[tuple[str, dict[str, Any], str]] = [
        ("clone_voice", {"source": str(secret)}, "is outside"),
        ("clone_voice", {"source": "../secret.wav"}, "is outside"),
        ("clone_voice", {"source": "link.wav"}, "is outside"),
        ("clone_voice", {"source": f"file://{secret}"}, "is no http(s) URL"),
        ("clone_voice", {"source": "nothing.wav"}, "is not a file"),
        ("clone_voice", {"source": "a\0b"}, "is not a path"),
        ("clone_voice", {"source": "http://x/y", "consent": "../secret.wav"}, "is outside"),
        ("speak", HELLO | {"file": "../new.mp3"}, "is outside"),
        ("speak", HELLO | {"file": "kept.mp3"}, "exists"),
        ("speak", HELLO | {"file": "no/new.mp3"}, "there is no folder"),
        ("speak", HELLO | {"file": "a.mp3", "output": "link"}, "use output 'file'"),
    ]
    for tool, arguments, reason in refused:
        assert reason in sentence(call(server, tool, arguments, folder)), arguments
    assert "may use no files" in sentence(call(server, "clone_voice", {"source": str(secret)}))
    assert "may use no files" in sentence(call(server, "speak", HELLO | {"file": "a.mp3"}))
    assert server.seen == []
    assert (folder / "kept.mp3").read_bytes() == b"kept"


def test_a_recording_is_converted(server: Server, tmp_path: Path) -> None:
    url = "http://soundclone.test/files/performance.wav"
    upload = {"url": url, "filename": "performance.wav", "size": 1, "mimeType": "audio/wav"}
    server.on(UPLOAD, Answer(upload))
    server.on(CONVERSIONS, Answer(STATE | {"model": "soundCloningConversion"}))
    done = DONE | {"model": "soundCloningConversion", "modelId": MODEL}
    server.on(TASK, Answer(STATE | {"status": "processing", "progress": 40}), Answer(done))
    (tmp_path / "performance.wav").write_bytes(b"RIFF")
    arguments = {
        "voice": MODEL,
        "source": "performance.wav",
        "max_seconds": 60,
        "volume": 2,
        "format": "flac",
    }
    steps: list[float] = []

    async def work(client: Client) -> None:
        async def report(progress: float, total: float | None, message: str | None) -> None:
            steps.append(progress)

        answer = await client.call_tool("convert", arguments, progress_callback=report)
        assert not answer.is_error, answer.content
        assert answer.structured_content is not None
        assert answer.structured_content["file"] == str(tmp_path / f"{ID}.flac")
        assert answer.structured_content["voice"] == MODEL

    using(server, work, tmp_path)
    assert steps[-1] == 100
    [seen] = server.asked(CONVERSIONS)
    assert (seen.json["modelId"], seen.json["maxSeconds"], seen.json["vol"]) == (MODEL, 60, 2)
    assert (tmp_path / f"{ID}.flac").read_bytes() == SOUND
    outside = call(server, "convert", arguments | {"source": "/etc/passwd"}, tmp_path)
    assert "is outside" in sentence(outside)
    cheap = call(server, "convert", arguments | {"max_credits": 0.1}, tmp_path)
    assert (
        "up to 0.19 credits, more than max_credits 0.1; nothing was spent, and a lower max_seconds"
        in sentence(cheap)
    )
    assert len(server.asked(CONVERSIONS)) == 1
    price = call(server, "estimate_price", {"kind": "conversion", "seconds": 2.5})
    assert price.structured_content == {"credits": 0.0175, "characters": 0}


def test_a_price_above_the_limit_spends_nothing(server: Server) -> None:
    answer = call(server, "speak", HELLO | {"text": "a" * 5000, "max_credits": 1})
    assert "up to 1.01 credits, more than max_credits 1; nothing was spent" in sentence(answer)
    source = {"source": "http://x/y.wav", "max_credits": 0.1}
    assert "up to 0.27 credits" in sentence(call(server, "clone_voice", source))
    assert server.asked(AUDIOS) == server.asked(CLONES) == []
    assert not call(server, "speak", HELLO | {"text": "a" * 5000, "max_credits": 1.01}).is_error


def test_a_failed_task_is_the_error_of_the_tool(server: Server) -> None:
    failed = STATE | {"status": "failed", "error": "the text cannot be spoken", "errorCode": "x"}
    server.on(TASK, Answer(failed))
    assert "the text cannot be spoken" in sentence(call(server, "speak", HELLO))
    server.on(AUDIOS, Answer({"errorCode": "insufficient_balance"}, -1, "0.01 credits are left"))
    assert "0.01 credits are left" in sentence(call(server, "speak", HELLO))
    assert "speed" in sentence(call(server, "speak", HELLO | {"speed": 9}))


def test_a_cancelled_call_cancels_the_task(server: Server) -> None:
    server.on(TASK, Answer(STATE | {"status": "processing", "progress": 1}))
    server.on(TASK.replace("GET", "DELETE"), Answer(STATE | {"status": "failed"}))

    async def work(client: Client) -> None:
        with anyio.move_on_after(0.2):
            await client.call_tool("speak", HELLO)

    using(server, work, None)
    assert [json.loads(seen.body or b"null") for seen in server.asked(f"DELETE {TASK[4:]}")] == [
        None
    ]
