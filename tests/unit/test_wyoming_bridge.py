"""The Wyoming server, used by the client of the package, against a planned service."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient as WyomingClient
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info, SelectProgram
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeTextFormat,
    SynthesizeVoice,
)

from soundclone.cli import app
from soundclone.cli.bridges.wyoming import Options, checked_uri, serve
from soundclone_client import AsyncClient
from tests.service import free_port

API = "/api/open-api/v1"
ANNA, BOB = "model_" + "a" * 32, "model_" + "b" * 32
LIMIT = 30.0  # seconds for an event


@dataclass
class Service:
    """Speaks two odd-sized blocks for each text, the second once `proceed` is set."""

    spoken: list[dict[str, Any]] = field(default_factory=list)
    proceed: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    voices: tuple[tuple[str, str | None, str], ...] = ((ANNA, "Anna", "v2"), (BOB, None, "v1"))
    refusal: str = ""

    async def handle(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if self.refusal:
            data = {"errorCode": "unauthenticated"}
            return httpx2.Response(200, json={"code": 20001, "msg": self.refusal, "data": data})
        rows: list[dict[str, Any]]
        if path == f"{API}/voices":
            rows = [
                {
                    "modelId": id, "name": name, "soundVersion": version, "engine": "builtin",
                    "licence": "", "speechSeconds": 20, "active": True, "created": 1,
                    "version": version,
                }
                for id, name, version in self.voices
            ]  # fmt: skip
        elif path == f"{API}/languages":
            engines = {"German": {"v1": "builtin", "v2": "builtin"}, "Tamil": {"v2": "builtin"}}
            rows = [
                {"name": name, "code": name[:2].lower(), "engines": engines[name]}
                for name in engines
            ]
        else:
            assert path == "/v1/audio/speech"
            self.spoken.append(json.loads(await request.aread()))
            if "wrong" in self.spoken[-1]["input"]:
                error = {"error": {"message": "the text is wrong", "code": "bad_text"}}
                return httpx2.Response(400, json=error)
            return httpx2.Response(200, stream=Blocks(self))
        return httpx2.Response(200, json={"code": 20000, "msg": "ok", "data": {"list": rows}})


class Blocks(httpx2.AsyncByteStream):
    def __init__(self, service: Service) -> None:
        self._service = service
        self._ended = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"\1\0\2"
        await self._service.proceed.wait()
        yield b"\0\3\0"
        self._ended = True

    async def aclose(self) -> None:
        if not self._ended:
            self._service.cancelled.set()


def using(
    work: Callable[[WyomingClient, Service], Awaitable[None]],
    options: Options | None = None,
    **service: Any,
) -> Service:
    """Run `work` with a client that is connected to a server."""

    async def run() -> Service:
        planned = Service(**service)
        client = AsyncClient(
            "http://soundclone.test",
            "sk_test",
            retries=0,
            transport=httpx2.MockTransport(planned.handle),
        )
        uri = f"tcp://127.0.0.1:{free_port()}"
        ready = asyncio.Event()
        server = asyncio.create_task(
            serve(
                client, "http://soundclone.test", uri, options or Options(), lambda _: ready.set()
            )
        )
        await asyncio.wait_for(ready.wait(), LIMIT)
        async with WyomingClient.from_uri(uri, read_timeout=LIMIT) as connected:
            await work(connected, planned)
        server.cancel()
        await asyncio.gather(server, return_exceptions=True)
        return planned

    return asyncio.run(run())


async def until(client: WyomingClient, last: str) -> list[Event]:
    """Return the events up to one of a type."""
    events: list[Event] = []
    while not events or events[-1].type != last:
        event = await client.read_event()
        assert event is not None, [each.type for each in events]
        events.append(event)
    return events


def pcm(events: list[Event]) -> bytes:
    """Return the audio of events, whose chunks hold whole samples."""
    chunks = [AudioChunk.from_event(each) for each in events if AudioChunk.is_type(each.type)]
    assert all(len(chunk.audio) % 2 == 0 for chunk in chunks)
    assert {(c.rate, c.width, c.channels) for c in chunks} <= {(24_000, 2, 1)}
    return b"".join(chunk.audio for chunk in chunks)


def test_the_voices_of_the_account_are_described() -> None:
    async def work(client: WyomingClient, service: Service) -> None:
        await client.write_event(SelectProgram("soundclone").event())
        await client.write_event(Describe().event())
        [event] = await until(client, "info")
        [program] = Info.from_event(event).tts
        assert (program.name, program.supports_synthesize_streaming) == ("soundclone", True)
        anna, bob = program.voices
        assert (anna.name, anna.description, anna.languages) == (ANNA, "Anna", ["ge", "ta"])
        assert (bob.name, bob.description, bob.languages) == (BOB, BOB, ["ge"])
        assert program.installed
        assert anna.installed
        service.voices = ()
        await client.write_event(Describe().event())
        [event] = await until(client, "info")
        assert Info.from_event(event).tts[0].voices == []

    using(work)


def test_a_text_is_spoken() -> None:
    async def work(client: WyomingClient, service: Service) -> None:
        service.proceed.set()
        await client.write_event(Synthesize("Hallo.", SynthesizeVoice(BOB)).event())
        events = await until(client, "audio-stop")
        assert AudioStart.is_type(events[0].type)
        assert pcm(events) == b"\1\0\2\0\3\0"
        assert AudioStop.from_event(events[-1]).timestamp == 0  # 3 samples last 0.1 ms
        # A second request on the same connection, by language alone, and one without any.
        await client.write_event(Synthesize("Tag.", SynthesizeVoice(language="ge-AT")).event())
        await until(client, "audio-stop")
        await client.write_event(Synthesize("…").event())
        assert pcm(await until(client, "audio-stop")) == b""

    options = Options(emotion="happy", speed=1.5)
    spoken = using(work, options).spoken
    assert [(each["voice"], each["input"]) for each in spoken] == [(BOB, "Hallo."), (ANNA, "Tag.")]
    assert (spoken[0]["response_format"], spoken[0]["instructions"]) == ("pcm", "happy")
    assert spoken[0]["speed"] == 1.5
    assert [each.get("language") for each in spoken] == [None, "ge"]


def test_a_stream_is_spoken_while_it_arrives() -> None:
    async def work(client: WyomingClient, service: Service) -> None:
        await client.write_event(SynthesizeStart(SynthesizeVoice(BOB)).event())
        for text in ("Dr. Berg is here", ". Good", " evening"):
            await client.write_event(SynthesizeChunk(text).event())
        # The first sentence sounds while the stream is open and the service has not ended it.
        begun = await until(client, "audio-chunk")
        for text in (". One. Two", ". Thr"):
            await client.write_event(SynthesizeChunk(text).event())
        # What arrives meanwhile waits, and this repetition of the whole text is ignored.
        await client.write_event(Synthesize("Dr. Berg is here. Good evening. …").event())
        await client.write_event(Describe().event())
        await until(client, "info")
        service.proceed.set()
        await client.write_event(SynthesizeChunk("ee").event())
        await client.write_event(SynthesizeStop().event())
        events = [*begun, *await until(client, "synthesize-stopped")]
        kinds = [event.type for event in events]
        assert (kinds[0], kinds[-2:]) == ("audio-start", ["audio-stop", "synthesize-stopped"])
        assert kinds.count("audio-start") == kinds.count("audio-stop") == 1
        assert len(pcm(events)) == 6 * len(service.spoken)
        assert SynthesizeStopped.is_type(events[-1].type)

    spoken = using(work).spoken
    texts = [each["input"] for each in spoken]
    assert texts[0] == "Dr. Berg is here."
    assert "".join(texts) == "Dr. Berg is here. Good evening. One. Two. Three"
    assert 2 <= len(texts) <= 3
    assert {each["voice"] for each in spoken} == {BOB}


def test_a_closed_connection_cancels_the_speech() -> None:
    service = None

    async def work(client: WyomingClient, planned: Service) -> None:
        await client.write_event(Synthesize("Hello.", SynthesizeVoice(BOB)).event())
        await until(client, "audio-chunk")
        assert not planned.cancelled.is_set()
        await client.disconnect()
        await asyncio.wait_for(planned.cancelled.wait(), LIMIT)

    service = using(work)
    assert len(service.spoken) == 1


@pytest.mark.parametrize(
    ("event", "code", "message"),
    [
        (Synthesize("It is wrong.", SynthesizeVoice(BOB)), "bad_text", "the text is wrong"),
        (
            Synthesize("<speak/>", text_format=SynthesizeTextFormat.SSML),
            "invalid_parameter",
            "text_format is 'ssml'; only 'text' can be spoken",
        ),
    ],
)
def test_a_failure_is_an_error_and_closes_the_connection(
    event: Synthesize, code: str, message: str
) -> None:
    async def work(client: WyomingClient, service: Service) -> None:
        await client.write_event(event.event())
        error = Error.from_event((await until(client, "error"))[-1])
        assert (error.code, error.text) == (code, message)
        assert await client.read_event() is None

    using(work)


def test_an_account_without_voices() -> None:
    async def work(client: WyomingClient, service: Service) -> None:
        await client.write_event(Synthesize("Hello.").event())
        error = Error.from_event((await until(client, "error"))[-1])
        assert error.text == "the account has no voice; clone one first"

    using(work, voices=())


def test_the_service_refuses_the_key_of_a_running_server() -> None:
    async def work(client: WyomingClient, service: Service) -> None:
        service.refusal = "the API key was revoked"
        await client.write_event(Describe().event())
        error = Error.from_event((await until(client, "error"))[-1])
        assert (error.text, error.code) == ("the API key was revoked", "unauthenticated")

    using(work)


def test_malformed_events_close_their_connection_only() -> None:
    async def work(client: WyomingClient, service: Service) -> None:
        await client.write_event(Event("synthesize", {"no": "text"}))
        assert await client.read_event() is None
        await client.disconnect()
        await client.connect()
        await client.write_event(Event("unknown"))
        await client.write_event(Describe().event())
        await until(client, "info")

    using(work)


def test_an_address_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AsyncClient, "voices", lambda _: asyncio.sleep(0, []))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        uri = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        done = CliRunner().invoke(app, ["wyoming", "--uri", uri, "--key", "sk_x"])
    sentence = f"{uri} is not available: Address already in use; choose another with --uri"
    assert sentence in f"{done.exception!r}"
    assert "Wyoming at" not in done.output


def test_addresses() -> None:
    assert checked_uri("tcp://127.0.0.1:10200") == "127.0.0.1"
    assert checked_uri("unix:///run/soundclone.sock") == ""
    for uri in ("tcp://127.0.0.1", "http://127.0.0.1:1", "10200", "unix://", "tcp://x:99999"):
        with pytest.raises(ValueError):
            checked_uri(uri)
