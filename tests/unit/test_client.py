"""The SDK against a planned server, without network."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import subprocess
import sys
import time
import tomllib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from inspect import getdoc, isasyncgenfunction, signature
from pathlib import Path
from typing import Any

import httpx2
import pytest

import soundclone.client
import soundclone_client
from soundclone_client import (
    Account,
    ApiError,
    AsyncClient,
    AuthenticationError,
    Client,
    Clone,
    Consent,
    Language,
    ParameterError,
    PaymentError,
    RateLimitError,
    SignInLink,
    Task,
    TaskFailed,
    Timeout,
    Unreachable,
)

ROOT = Path(__file__).parents[2]
SDK = ROOT / "clients" / "python"
KEY = "sk_test_0123456789"
ID = "audio_16b635ba-5889-4fa5-bbcc-bf67a38c353a"
MODEL = "model_0123456789abcdef0123456789abcdef"
CLONES = "POST /api/open-api/v1/soundCloning/clones"
AUDIOS = "POST /api/open-api/v1/soundCloning/audios"
TASK = f"GET /api/open-api/v1/audios/{ID}"
PROJECTS = "POST /api/open-api/v1/projects"
UPLOAD = "POST /api/open-api/v1/files/upload"


@dataclass(frozen=True)
class Answer:
    data: Any = None
    code: int = 20000
    msg: str = "ok"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None  # instead of the envelope
    drop: bool = False  # close the connection, with nothing said
    short: bool = False  # close it before the end of the body


@dataclass(frozen=True)
class Seen:
    route: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Server:
    """Answers each route with the planned answers; the last answer repeats."""

    url: str = "http://soundclone.test"
    plan: dict[str, list[Answer]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    bodies: list[Body] = field(default_factory=list)

    def on(self, route: str, *answers: Answer) -> None:
        self.plan[route] = list(answers)

    def asked(self, route: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.route == route]

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        path, _, query = request.url.raw_path.decode().partition("?")
        route = f"{request.method} {path}"
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append(Seen(route, query, headers, request.read()))
        answers = self.plan[route]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer.drop:
            raise httpx2.RemoteProtocolError("the server closed the connection")
        envelope = {"code": answer.code, "msg": answer.msg, "data": answer.data}
        body = json.dumps(envelope).encode() if answer.body is None else answer.body
        headers = answer.headers | {"Content-Length": str(len(body))}
        self.bodies.append(Body(body[:3] if answer.short else body, broken=answer.short))
        return httpx2.Response(answer.status, headers=headers, stream=self.bodies[-1])

    async def handle_async(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        return self.handle(request)


@dataclass
class Body(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """The body of an answer, which may end early."""

    data: bytes
    broken: bool
    closed: bool = False

    def __iter__(self) -> Iterator[bytes]:
        yield self.data
        if self.broken:
            raise httpx2.RemoteProtocolError("the body is incomplete")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for block in self:
            yield block

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture
def server() -> Server:
    return Server()


class Awaited:
    """An AsyncClient that is used like a Client."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = AsyncClient(*arguments, **options)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)
        if isasyncgenfunction(method):
            return lambda *arguments, **options: self._iterate(method(*arguments, **options))
        return lambda *arguments, **options: self._runner.run(method(*arguments, **options))

    def _iterate(self, items: AsyncGenerator[Any, None]) -> Iterator[Any]:
        async def following() -> Any:
            return await anext(items, None)

        try:
            while (item := self._runner.run(following())) is not None:
                yield item
        finally:
            self._runner.run(items.aclose())

    def close(self) -> None:
        self._runner.run(self._client.close())
        self._runner.close()


@pytest.fixture(params=[Client, Awaited])
def client(request: pytest.FixtureRequest, server: Server) -> Iterator[Client]:
    handler = server.handle if request.param is Client else server.handle_async
    client = request.param(server.url, KEY, transport=httpx2.MockTransport(handler))
    yield client
    client.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody sleeps; what they would have slept."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    return slept


def task(status: str = "queued", **more: Any) -> Answer:
    data = {"id": ID, "object": "audio", "created": 1781777280, "model": "soundCloningClone"}
    return Answer({**data, "status": status, "error": None, **more})


def test_clone_from_a_url(server: Server, client: Client, quick: list[float]) -> None:
    server.on(CLONES, task())
    server.on(
        TASK,
        task(),
        task("processing", progress=40),
        task("processing", progress=40),
        task("completed", progress=100, modelId=MODEL, audioUrl=f"{server.url}/files/a.mp3",
             seconds=6.5, speechSeconds=20.1, language="English", cost=0.0001, expiresAt=9,
             warnings=["noisy"], somethingNew=1),
    )  # fmt: skip
    steps: list[tuple[str, int | None]] = []
    done = client.clone(
        "https://example.com/me.mp3",
        "Hi <#1#> there",
        "v2",
        "English",
        on_progress=lambda task: steps.append((task.status, task.progress)),
    )
    assert done == Clone(
        id=ID, model_id=MODEL, audio_url=f"{server.url}/files/a.mp3", seconds=6.5,
        speech_seconds=20.1, language="English", cost=0.0001, created=1781777280, expires_at=9,
        warnings=("noisy",),
    )  # fmt: skip
    assert done.raw["somethingNew"] == 1
    assert steps == [("queued", None), ("processing", 40), ("completed", 100)]
    assert quick == pytest.approx([0.25, 0.3, 0.36], abs=0.1)
    (request,) = server.asked(CLONES)
    assert request.json == {
        "fileUrl": "https://example.com/me.mp3",
        "contentText": "Hi <#1#> there",
        "soundVersion": "v2",
        "language": "English",
    }
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["user-agent"].startswith("soundclone-client/")


def test_clone_uploads_a_file(server: Server, client: Client, tmp_path: Path) -> None:
    recording = tmp_path / "mé.wav"
    recording.write_bytes(b"RIFF" + bytes(200_000))
    data = {"url": "https://files/x", "filename": "m.wav", "size": 200_004, "mime_type": "audio/x"}
    server.on(UPLOAD, Answer(drop=True), Answer(data))
    server.on(CLONES, task())
    assert client.clone(recording, wait=False).status == "queued"
    for upload in server.asked(UPLOAD):
        assert upload.body.count(recording.read_bytes()) == 1
        assert b'name="file"' in upload.body
    (request,) = server.asked(CLONES)
    assert request.json == {
        "fileUrl": "https://files/x",
        "soundVersion": "v1",
        "language": "auto",
    }


def test_a_source_is_a_url_or_a_file(client: Client, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'ftp://x/y'; it must be an http"):
        client.clone("ftp://x/y")
    with pytest.raises(FileNotFoundError):
        client.clone(tmp_path / "none.wav")


class Pipe(io.BytesIO):
    """A file without a name that can be read once."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: Any) -> int:
        raise io.UnsupportedOperation("seek")


@pytest.mark.parametrize("kind", ["bytes", "file", "memory", "pipe"])
def test_a_source_is_content(server: Server, client: Client, tmp_path: Path, kind: str) -> None:
    content = b"RIFF" + bytes(100_000)
    path = tmp_path / "me.wav"
    path.write_bytes(content)
    data = {"url": "https://files/x", "filename": "m.wav", "size": 100_004, "mime_type": "audio/x"}
    server.on(UPLOAD, Answer(status=503, body=b""), Answer(data))
    server.on(CLONES, task())
    with path.open("rb") as file:
        file.seek(50)  # the client sends the whole file
        sources: dict[str, Any] = {
            "bytes": content,
            "file": file,
            "memory": io.BytesIO(content),
            "pipe": Pipe(content),
        }
        client.clone(sources[kind], wait=False)
        assert not file.closed
    name = b"me.wav" if kind == "file" else b"recording"
    for upload in server.asked(UPLOAD):
        assert upload.body.count(content) == 1
        assert b'filename="' + name + b'"' in upload.body
    assert len(server.asked(UPLOAD)) == 2
    assert server.seen[-1].json["fileUrl"] == "https://files/x"


def test_a_source_in_text_mode_is_refused(client: Client) -> None:
    with pytest.raises(TypeError, match="open it in binary mode"):
        client.clone(io.StringIO("RIFF"))  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("consent", "sent"),
    [
        (Consent(speaker="Anna"), {"declaration": "given", "speaker": "Anna"}),
        (Consent(own_voice=True), {"declaration": "own"}),
        ("cons_1", {"recording": "cons_1"}),
        (b"RIFF", {"recording": "https://files/x"}),
        (Consent("https://a/b", "Anna"),
         {"declaration": "given", "speaker": "Anna", "recording": "https://a/b"}),
    ],
)  # fmt: skip
def test_consent(server: Server, client: Client, consent: Any, sent: dict[str, str]) -> None:
    data = {"url": "https://files/x", "filename": "m.wav", "size": 4, "mime_type": "audio/x"}
    server.on(UPLOAD, Answer(data))
    server.on(CLONES, task())
    client.clone("http://x/y", consent=consent, wait=False)
    assert server.seen[-1].json["consent"] == sent


def test_convert(server: Server, client: Client) -> None:
    path = "POST /api/open-api/v1/soundCloning/voice-conversions"
    data = {"url": "https://files/x", "filename": "m.wav", "size": 4, "mime_type": "audio/x"}
    server.on(UPLOAD, Answer(data))
    server.on(path, task(model="soundCloningConversion"))
    made = client.convert(MODEL, b"RIFF", max_seconds=60, vol=2, format="flac", wait=False)
    assert made.kind == "conversion"
    (sent,) = server.asked(path)
    assert sent.json == {
        "modelId": MODEL, "fileUrl": "https://files/x", "maxSeconds": 60, "vol": 2,
        "format": "flac",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("subtitles", "sent"),
    [
        (None, {}),
        ("sentence", {"subtitleEnable": True}),
        ("word", {"subtitleEnable": True, "subtitleType": "word"}),
    ],
)
def test_speak(server: Server, client: Client, subtitles: Any, sent: dict[str, Any]) -> None:
    server.on(AUDIOS, task())
    client.speak(MODEL, "Hello", emotion="happy", speed=1.5, vol=2, pitch=-3, subtitles=subtitles,
                 wait=False)  # fmt: skip
    client.speak(MODEL, "Hello", version="v2", language="German", format="ogg", sample_rate=24_000,
                 channel=2, wait=False)  # fmt: skip
    first, second = server.asked(AUDIOS)
    assert first.json == sent | {
        "modelId": MODEL, "contentText": "Hello", "language": "auto", "emotion": "happy",
        "speed": 1.5, "vol": 2, "pitch": -3,
    }  # fmt: skip
    assert second.json == {
        "modelId": MODEL, "contentText": "Hello", "language": "German", "soundVersion": "v2",
        "format": "ogg", "sampleRate": 24_000, "channel": 2,
    }  # fmt: skip
    assert first.headers["idempotency-key"] != second.headers["idempotency-key"]


def test_a_completed_task_without_its_audio_is_not_a_result(
    server: Server, client: Client, quick: list[float]
) -> None:
    server.on(AUDIOS, task())
    server.on(TASK, task("completed", seconds=1.0, cost=0.1))
    with pytest.raises(ApiError, match="is completed, but the server's answer has no audio_url"):
        client.speak(MODEL, "Hello")


TYPED = """
from soundclone_client import AsyncClient, Client

with Client("http://127.0.0.1:8000", "sk_…") as client:
    voice = client.clone("me.mp3")
    speech = client.speak(voice.model_id, "Hello", subtitles="sentence")
    client.download(speech, "hello.mp3")
    client.download_subtitles(speech, "hello.srt")
    print(speech.subtitle_file.upper(), client.speak("m", "Hi").expires_at + 1)
    print(b"".join(client.stream("m", "Hi")), [task.id for task in client.tasks()])
    print(speech.seconds * 2, speech.cost + voice.cost, voice.audio_url.upper())
    print(client.clone("me.mp3", wait=False).id)


async def main() -> float:
    async with AsyncClient() as client:
        voice = await client.clone("me.mp3")
        speech = await client.speak(voice.model_id, "Hello")
        await client.wait((await client.speak(voice.model_id, "Hello", wait=False)).id)
        print([block async for block in client.stream("m", "Hi")])
    return speech.seconds
"""


def test_types_of_what_comes_back(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(TYPED)
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", program],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert checked.returncode == 0, checked.stdout


def test_speak_refuses_unknown_subtitles(client: Client) -> None:
    with pytest.raises(ValueError, match="subtitles is 'line'; it must be"):
        client.speak(MODEL, "Hello", subtitles="line")  # type: ignore[call-overload]


def test_a_repeated_submission_is_charged_once(
    server: Server, client: Client, quick: list[float]
) -> None:
    server.on(
        AUDIOS,
        Answer(drop=True),
        Answer(status=502, body=b"<html>"),
        Answer({"errorCode": "unavailable"}, -1, "the database does not answer"),
        task(),
    )
    server.on(CLONES, Answer(drop=True), task())
    assert client.speak(MODEL, "Hello", wait=False).id == ID
    assert client.clone("http://x/y", wait=False, idempotency_key="mine").id == ID
    assert len({request.headers["idempotency-key"] for request in server.asked(AUDIOS)}) == 1
    assert len(server.asked(AUDIOS)) == 4
    assert [r.headers["idempotency-key"] for r in server.asked(CLONES)] == ["mine", "mine"]
    assert quick == [0.5, 1.0, 2.0, 0.5]


def test_a_repeated_creation_makes_nothing_twice(
    server: Server, client: Client, quick: list[float]
) -> None:
    counts = {"version": 1, "blocks": 0, "characters": 0, "created": 1.0, "updated": 1.0}
    created = Answer({"id": "proj_1", "name": "Book"} | counts)
    server.on(PROJECTS, Answer(drop=True), Answer(status=502, body=b"<html>"), created)
    assert client.create_project("Book").id == "proj_1"
    assert client.create_project("Book", idempotency_key="mine").id == "proj_1"
    keys = [each.headers["idempotency-key"] for each in server.asked(PROJECTS)]
    assert (len(set(keys[:3])), keys[3]) == (1, "mine")

    def batch(name: str, version: int) -> Answer:
        block = counts | {"id": name, "kind": "text", "text": "x", "state": "unrecorded"}
        return Answer({"list": [block | {"takes": 0}], "version": version})

    blocks = f"{PROJECTS}/proj_1/blocks"
    server.on(blocks, batch("block_1", 2), Answer(drop=True), batch("block_2", 3))
    made = client.add_blocks("proj_1", ["x"] * 501, if_version=1, idempotency_key="mine")
    assert [each.id for each in made] == ["block_1", "block_2"]
    assert [
        (each.headers["idempotency-key"], each.headers["if-match"], each.json.get("after"))
        for each in server.asked(blocks)
    ] == [("mine", '"1"', None), ("mine-1", '"2"', "block_1"), ("mine-1", '"2"', "block_1")]
    server.on(blocks, Answer({"list": [], "version": 4}))  # those blocks are deleted
    assert client.add_blocks("proj_1", ["x"] * 501) == []


def test_a_render_has_a_loudness(server: Server, client: Client) -> None:
    renders = f"{PROJECTS}/proj_1/renders"
    server.on(renders, task("completed"))
    client.render("proj_1", loudness="audiobook", wait=False)
    client.render("proj_1", wait=False)
    assert [each.json.get("loudness") for each in server.asked(renders)] == ["audiobook", None]


def test_retries_end(server: Server, client: Client, quick: list[float]) -> None:
    server.on(AUDIOS, Answer(drop=True))
    with pytest.raises(Unreachable, match=r"/soundCloning/audios does not answer: "):
        client.speak(MODEL, "Hello")
    assert len(server.asked(AUDIOS)) == 5


@pytest.mark.parametrize("status", [200, 429])
def test_rate_limits_are_waited_for(
    server: Server, client: Client, quick: list[float], status: int
) -> None:
    limited = Answer({"errorCode": "rate_limited"}, -1, "too many", status, {"Retry-After": "7"})
    server.on(AUDIOS, limited, task())
    client.speak(MODEL, "Hello", wait=False)
    assert quick == [7.0]


def test_a_long_rate_limit_is_an_error(server: Server, client: Client, quick: list[float]) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    server.on(AUDIOS, Answer(None, -1, "too many", 429, {"Retry-After": later}))
    with pytest.raises(RateLimitError, match="too many") as raised:
        client.speak(MODEL, "Hello")
    assert raised.value.retry_after == pytest.approx(3600, abs=5)
    assert quick == []
    server.on(AUDIOS, Answer(None, -1, "too many", 429, {"Retry-After": "soon"}), task())
    client.speak(MODEL, "Hello", wait=False)
    assert quick == [0.5]


@pytest.mark.parametrize(
    ("answer", "kind", "word"),
    [
        (Answer(None, 20001, "bad key"), AuthenticationError, "unauthenticated"),
        (Answer(None, 20001, "bad key", 401), AuthenticationError, "unauthenticated"),
        (Answer(None, 20002, "bad field"), ParameterError, "invalid_request"),
        (Answer({"errorCode": "not_found"}, 20002, "none", 404), ParameterError, "not_found"),
        (Answer({"errorCode": "quota_exceeded"}, -1, "no"), PaymentError, "quota_exceeded"),
        (Answer({"errorCode": "x"}, -1, "no", 402), PaymentError, "x"),
        (Answer(None, -1, "insufficient balance"), ApiError, "error"),
        (Answer(body=b"<html>hello"), ApiError, "unexpected_answer"),
        (Answer(body=b'{"code": "0"}', status=404), ApiError, "unexpected_answer"),
        (Answer([1]), ApiError, "unexpected_answer"),
        (Answer({"id": ID}), ApiError, "unexpected_answer"),
    ],
)
def test_errors(
    server: Server, client: Client, answer: Answer, kind: type[ApiError], word: str
) -> None:
    server.on(TASK, answer)
    with pytest.raises(ApiError) as raised:
        client.task(ID)
    assert type(raised.value) is kind
    assert raised.value.word == word
    assert raised.value.status == answer.status
    assert KEY not in str(raised.value)
    if word != "unexpected_answer":
        assert raised.value.code == answer.code
        assert raised.value.message == str(raised.value) == answer.msg
    assert len(server.seen) == 1


def test_a_redirect_names_where_the_server_is(server: Server, client: Client) -> None:
    server.on(CLONES, Answer(status=301, body=b"", headers={"Location": "https://right.example/"}))
    with pytest.raises(ApiError, match=r"answered 301 to https://right.example/, not as"):
        client.clone("http://x/y")


def test_waiting_survives_faults(server: Server, client: Client, quick: list[float]) -> None:
    fault = Answer(status=503, body=b"")
    server.on(TASK, *[Answer(drop=True)] * 4, *[fault] * 4, task("completed"))
    assert client.wait(ID).status == "completed"
    assert quick == [0.5, 1, 2, 4, 8, 8, 8, 8]


def test_waiting_ends_at_once_where_waiting_is_of_no_use(server: Server, client: Client) -> None:
    server.on(TASK, Answer({"errorCode": "not_found"}, 20002, "no such task"))
    with pytest.raises(ParameterError, match="no such task"):
        client.wait(ID)


def test_waiting_gives_up_after_a_long_outage(
    server: Server, client: Client, quick: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.on(TASK, Answer(drop=True))
    started = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: started + sum(quick))
    with pytest.raises(Unreachable):
        client.wait(ID)
    assert 300 < sum(quick) < 320


def test_a_failed_task_is_an_error(server: Server, client: Client) -> None:
    sentence = "speech lasts 9.2 s; more than 15 s is needed"
    server.on(CLONES, task())
    server.on(TASK, task("failed", error=sentence, errorCode="speech_too_short"))
    with pytest.raises(TaskFailed, match=sentence) as raised:
        client.clone("http://x/y")
    assert raised.value.task.error_code == "speech_too_short"
    assert client.task(ID).status == "failed"


def test_a_slow_task(
    server: Server, client: Client, quick: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.on(TASK, task("processing", progress=1))
    monkeypatch.setattr(time, "monotonic", lambda: sum(quick))
    with pytest.raises(Timeout, match=r"not ended within 0\.6 s; it is processing") as raised:
        client.wait(ID, timeout=0.6)
    assert raised.value.task
    assert raised.value.task.id == ID
    assert quick == pytest.approx([0.25, 0.3, 0.05])


def test_polls_are_held_while_time_is_left(
    server: Server, client: Client, quick: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.on(TASK, task("processing"))
    monkeypatch.setattr(time, "monotonic", lambda: sum(quick))
    with pytest.raises(Timeout):
        client.wait(ID, timeout=8)
    waits = [request.headers.get("prefer") for request in server.asked(TASK)]
    assert waits == ["wait=1"] * 8 + ["wait=2"] * 2 + [None] * 2, waits


def test_no_sleep_follows_a_poll_that_was_held(
    server: Server, client: Client, quick: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.on(TASK, task("processing"), task("completed"))
    clock = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    assert client.wait(ID).status == "completed"
    assert quick == [0.0]


def test_cancel(server: Server, client: Client) -> None:
    server.on(f"DELETE /api/open-api/v1/audios/{ID}", task("failed", errorCode="cancelled"))
    assert client.cancel(ID).error_code == "cancelled"


def test_tasks_come_in_pages(server: Server, client: Client) -> None:
    one, two = task().data, task("failed", errorCode="cancelled").data
    route = "GET /api/open-api/v1/audios"
    pages = [
        Answer({"list": [one, two], "nextCursor": "next"}),
        Answer({"list": [one], "nextCursor": None}),
    ]
    server.on(route, *pages)
    page = client.task_page(limit=2, status="failed", kind="clone")
    assert [each.error_code for each in page.tasks] == [None, "cancelled"]
    assert client.task_page(cursor=page.next_cursor).next_cursor is None
    queries = [seen.query for seen in server.seen]
    assert queries == ["limit=2&status=failed&kind=clone", "limit=20&cursor=next"]
    server.on(route, *pages)
    assert [each.ended for each in client.tasks(kind="clone")] == [False, True, False]
    assert server.seen[-1].query == "limit=100&cursor=next&kind=clone"


def test_kinds_of_tasks() -> None:
    assert Task(ID, "soundCloningClone", "queued", 0).kind == "clone"
    assert Task(ID, "soundCloningAudio", "queued", 0).kind == "audio"


def test_names_of_voices(server: Server, client: Client) -> None:
    row = {"modelId": MODEL, "name": "Anna", "soundVersion": "v1", "engine": "builtin",
           "licence": "Apache-2.0", "speechSeconds": 20.5, "active": True, "created": 1,
           "expiresAt": None, "language": "German", "somethingNew": 1}  # fmt: skip
    server.on(f"PATCH /api/open-api/v1/voices/{MODEL}", Answer(row))
    server.on("GET /api/open-api/v1/voices", Answer({"list": [row]}))
    server.on(CLONES, task())
    renamed = client.rename_voice(MODEL, "Anna")
    assert (renamed.name, renamed.language, renamed.raw["somethingNew"]) == ("Anna", "German", 1)
    assert server.seen[-1].json == {"name": "Anna"}
    client.tag_voice(MODEL, ["calm"])
    assert server.seen[-1].json == {"tags": ["calm"]}
    assert client.voices() == [renamed]
    client.clone("http://x/y", name="Anna", wait=False)
    assert server.seen[-1].json["name"] == "Anna"


def test_an_id_cannot_lead_elsewhere(server: Server, client: Client) -> None:
    server.on("GET /api/open-api/v1/audios/..%2Fuser%2Fbalance%3Fa", task())
    client.task("../user/balance?a")


def test_money(server: Server, client: Client) -> None:
    server.on(
        "GET /api/open-api/v1/user/balance",
        Answer({"balance": 100.5, "used_coin": 20.3, "available": 80.2, "more": 1}),
    )
    key = {"name": "k", "total_quota": 0, "used_quota": 1.5, "available_quota": 8.5}
    server.on("GET /api/open-api/v1/key/balance", Answer({**key, "unlimited": True}))
    row = {
        "model_name": "sound-cloning-audio", "display_name": "Speech", "model_type": "audio",
        "price_mode": "per_10k_char", "unit_price": 2.0, "remark": "",
    }  # fmt: skip
    server.on("GET /api/openapi/model/catalog", Answer({"list": [row]}))
    assert client.balance().available == 80.2
    assert client.key_balance().unlimited
    assert client.catalog("audio & more")[0].unit_price == 2.0
    assert server.seen[-1].query == "search=audio+%26+more"


def test_languages(server: Server, client: Client) -> None:
    row = {"name": "German", "code": "de", "engines": {"v1": "builtin", "v2": None}}
    server.on("GET /api/open-api/v1/languages", Answer({"list": [row]}))
    assert client.languages() == [Language("German", "de", {"v1": "builtin", "v2": None})]


def test_a_sign_in_link(server: Server, client: Client) -> None:
    url = f"{server.url}/studio/sign-in?link=x"
    server.on("POST /api/open-api/v1/sign-in-links", Answer({"url": url, "expiresAt": 9}))
    assert client.sign_in_link() == SignInLink(url, 9)


KEYS = "/api/open-api/v1/keys"
KEY_ROW = {
    "id": "key_1", "account": "acct_1", "name": "announcer", "display": "sk_012345…",
    "scopes": ["read", "speak"], "quota": 0, "used": 1.5, "created": 1, "expiresAt": 9,
    "formerUntil": None, "revokedAt": None,
}  # fmt: skip


def test_keys(server: Server, client: Client) -> None:
    server.on(f"GET {KEYS}", Answer({"list": [KEY_ROW]}))
    server.on(f"POST {KEYS}", Answer({**KEY_ROW, "key": KEY}))
    server.on(f"POST {KEYS}/key_1/rotation", Answer({**KEY_ROW, "key": KEY, "formerUntil": 5}))
    server.on(f"DELETE {KEYS}/key_1", Answer({**KEY_ROW, "revokedAt": 7}))
    (listed,) = client.keys()
    assert (listed.scopes, listed.expires_at, listed.revoked_at) == (("read", "speak"), 9, None)
    client.keys("acct_2")
    assert server.seen[-1].query == "account=acct_2"
    end = datetime(2027, 1, 1, tzinfo=UTC)
    made = client.create_key("announcer", scopes=("read", "speak"), expires=end, quota=2)
    assert made.key == KEY
    assert KEY not in repr(made)
    wanted = {"name": "announcer", "scopes": ["read", "speak"], "expiresAt": 1_798_761_600}
    assert server.seen[-1].json == {**wanted, "quota": 2}
    client.create_key("same")
    assert server.seen[-1].json == {"name": "same"}
    assert client.rotate_key("key_1", overlap=1.5).former_until == 5
    assert server.seen[-1].query == "overlapHours=1.5"
    assert client.revoke_key("key_1").revoked_at == 7


HOOK_ROW = {
    "id": "hook_1", "url": "https://example.com/", "description": "", "events": ["task.failed"],
    "enabled": True, "disabledReason": None, "failingSince": None, "formerUntil": 9, "created": 1,
}  # fmt: skip
DELIVERY_ROW = {
    "id": "dlv_1", "webhook": "hook_1", "message": "msg_1", "type": "task.failed",
    "status": "pending", "attempts": 1, "statusCode": 500, "error": "the endpoint answered 500",
    "seconds": 0.5, "created": 1, "attempted": 2, "nextAttempt": 7, "payload": {"type": "x"},
}  # fmt: skip


def test_webhooks(server: Server, client: Client) -> None:
    hooks, log = "/api/open-api/v1/webhooks", "/api/open-api/v1/webhook-deliveries"
    new = {**HOOK_ROW, "secret": "whsec_x"}
    server.on(f"GET {hooks}", Answer({"list": [HOOK_ROW]}))
    server.on(f"POST {hooks}", Answer(new))
    server.on(f"PATCH {hooks}/hook_1", Answer({**HOOK_ROW, "enabled": False}))
    server.on(f"DELETE {hooks}/hook_1", Answer({"id": "hook_1", "deleted": True}))
    server.on(f"POST {hooks}/hook_1/rotation", Answer(new))
    server.on(f"POST {hooks}/hook_1/test", Answer(DELIVERY_ROW))
    server.on(f"GET {log}/dlv_1", Answer(DELIVERY_ROW))
    server.on(f"POST {log}/dlv_1/replay", Answer(DELIVERY_ROW))
    (shown,) = client.webhooks()
    assert (shown.events, shown.enabled, shown.former_until) == (("task.failed",), True, 9)
    made = client.create_webhook("https://example.com/", events=["task.failed"])
    assert (made.secret, "whsec" in repr(made)) == ("whsec_x", False)
    assert server.seen[-1].json == {"url": "https://example.com/", "events": ["task.failed"]}
    assert not client.update_webhook("hook_1", enabled=False).enabled
    assert server.seen[-1].json == {"enabled": False}
    assert client.rotate_webhook_secret("hook_1", overlap=2).secret == "whsec_x"
    assert server.seen[-1].query == "overlapHours=2"
    sent = client.test_webhook("hook_1")
    assert (sent.status_code, sent.next_attempt, sent.payload) == (500, 7, {"type": "x"})
    assert client.delivery("dlv_1") == client.replay_delivery("dlv_1") == sent
    client.delete_webhook("hook_1")
    server.on(
        f"GET {log}",
        Answer({"list": [DELIVERY_ROW], "nextCursor": "dlv_1"}),
        Answer({"list": [DELIVERY_ROW], "nextCursor": None}),
    )
    assert len(list(client.deliveries(status="failed"))) == 2
    assert server.seen[-1].query == "status=failed&limit=100&cursor=dlv_1"
    server.on("PATCH /api/open-api/v1/account", Answer({"id": "a", "name": "b", "created": 1}))
    client.set_low_balance(20)
    assert server.seen[-1].json == {"lowBalance": 20}


def test_a_key_is_created_once(server: Server, client: Client, quick: list[float]) -> None:
    server.on(f"POST {KEYS}", Answer(drop=True), Answer({**KEY_ROW, "key": KEY}))
    with pytest.raises(Unreachable):
        client.create_key("announcer")
    assert len(server.seen) == 1


def test_an_account(server: Server, client: Client, tmp_path: Path) -> None:
    path = "/api/open-api/v1/account"
    server.on(f"GET {path}", Answer({"id": "acct_1", "name": "Anna", "created": 1}))
    assert client.account() == Account("acct_1", "Anna", 1)
    server.on(f"GET {path}/export", Answer(body=b"PK"))
    archive = client.export_account(tmp_path / "account.zip")
    assert archive.read_bytes() == b"PK"
    assert archive.stat().st_mode & 0o777 == 0o600
    assert server.seen[-1].headers["authorization"] == f"Bearer {KEY}"
    report = {"account": "acct_1", "erased": {"voices": 2}, "kept": {"credits": 1.5}, "pending": []}
    server.on(f"DELETE {path}", Answer(report))
    erased = client.erase_account("acct_1")
    assert (erased.erased["voices"], erased.kept["credits"], erased.pending) == (2, 1.5, ())
    assert server.seen[-1].query == "confirm=acct_1"


def test_verify(server: Server, client: Client) -> None:
    verdict = {
        "synthetic": True,
        "watermark": {"found": True, "p_value": 3e-24, "task": ID, "stretches": [[0.0, 2.5]]},
        "c2pa": {"found": False, "valid": False, "synthetic": False, "signer": ""},
        "register": {"found": False, "task": None, "exact": False, "stretches": []},
        "seconds": 2.5,
    }
    server.on("POST /verify", Answer(body=json.dumps(verdict).encode()))
    found = client.verify(b"RIFF")
    assert b'filename="recording"' in server.seen[-1].body
    assert (found.synthetic, found.watermark.p_value, found.watermark.task) == (True, 3e-24, ID)
    assert (found.watermark.stretches, found.register.stretches) == (((0.0, 2.5),), ())
    assert (found.c2pa.found, found.seconds, found.raw["seconds"]) == (False, 2.5, 2.5)
    client.verify(b"RIFF", sidecar=b"jumb")
    for part in (b'name="file"', b'name="sidecar"', b"jumb"):
        assert part in server.seen[-1].body
    client.verify("https://example.com/a.mp3")
    assert server.seen[-1].body == b"url=https%3A%2F%2Fexample.com%2Fa.mp3"
    assert server.seen[-1].query == "details=true"
    refusal = {"code": 20002, "msg": "not a recording", "data": {"errorCode": "invalid_parameter"}}
    server.on("POST /verify", Answer(status=422, body=json.dumps(refusal).encode()))
    with pytest.raises(ParameterError, match="not a recording"):
        client.verify(b"RIFF")


def test_download_of_credentials(server: Server, client: Client, tmp_path: Path) -> None:
    server.on("GET /files/a.c2pa", Answer(body=b"jumb"))
    link = "/files/a.c2pa?s=0"
    done = Task(ID, "soundCloningAudio", "completed", 0, credentials_url=link)
    assert client.download_credentials(done, tmp_path / "a.c2pa").read_bytes() == b"jumb"
    with pytest.raises(ValueError, match="has no file of Content Credentials"):
        client.download_credentials(Task(ID, "soundCloningAudio", "completed", 0), tmp_path / "b")
    server.on(AUDIOS, task())
    end = {"audioUrl": "/a", "seconds": 1, "language": "English", "cost": 1, "expiresAt": 9}
    server.on(TASK, task("completed", **end, credentialsUrl=link))
    assert client.speak(MODEL, "Hello.", format="ogg").credentials_url == link
    server.on(TASK, task("completed", **end))
    assert client.speak(MODEL, "Hello.").credentials_url is None


def test_download(server: Server, client: Client, tmp_path: Path, quick: list[float]) -> None:
    sound = bytes(range(256)) * 1000
    route = "GET /files/a.mp3"
    server.on(
        route,
        Answer(body=sound, short=True),
        Answer(status=503, body=b""),
        Answer(status=302, headers={"Location": "/files/b.mp3?signature=1"}),
    )
    server.on("GET /files/b.mp3", Answer(body=sound))
    finished = Task(ID, "soundCloningAudio", "completed", 0, audio_url="/files/a.mp3?signature=0")
    target = tmp_path / "sound.mp3"
    assert client.download(finished, target) == target
    assert target.read_bytes() == sound
    assert [path.name for path in tmp_path.iterdir()] == ["sound.mp3"]
    assert len(server.asked(route)) == 3
    assert all("authorization" not in seen.headers for seen in server.seen)


def test_download_of_subtitles(server: Server, client: Client, tmp_path: Path) -> None:
    server.on("GET /files/a.srt", Answer(body=b"1"))
    finished = Task(ID, "soundCloningAudio", "completed", 0, subtitle_file="/files/a.srt?s=0")
    assert client.download_subtitles(finished, tmp_path / "a.srt").read_bytes() == b"1"
    with pytest.raises(ValueError, match="has no subtitles; ask for them with subtitles="):
        client.download_subtitles(Task(ID, "soundCloningAudio", "completed", 0), tmp_path / "b.srt")
    server.on("GET /files/a.json", Answer(body=b"[]"))
    cued = Task(ID, "soundCloningAudio", "completed", 0, subtitle_json="/files/a.json")
    path = client.download_subtitles(cued, tmp_path / "a.json", format="json")
    assert path.read_bytes() == b"[]"
    server.on("GET /files/a.vtt", Answer(body=b"WEBVTT"))
    shown = Task(ID, "soundCloningAudio", "completed", 0, subtitle_vtt="/files/a.vtt")
    path = client.download_subtitles(shown, tmp_path / "a.vtt", format="vtt")
    assert path.read_bytes() == b"WEBVTT"


def test_how_far_a_transfer_is(server: Server, client: Client, tmp_path: Path) -> None:
    recording = tmp_path / "me.wav"
    recording.write_bytes(bytes(150_000))
    data = {"url": "https://files/x", "filename": "m.wav", "size": 150_000, "mime_type": "audio/x"}
    server.on(UPLOAD, Answer(data))
    server.on("GET /files/a.mp3", Answer(body=bytes(200_000)))
    sent: list[tuple[int, int | None]] = []
    came: list[tuple[int, int | None]] = []
    client.upload(recording, on_progress=lambda *at: sent.append(at))
    client.download("/files/a.mp3", tmp_path / "a.mp3", on_progress=lambda *at: came.append(at))
    assert sent[0] == (65_536, 150_000)
    assert sent[-1] == (150_000, 150_000)
    assert came[-1] == (200_000, 200_000)
    assert came == sorted(came)


def test_a_download_that_fails_leaves_what_was_there(
    server: Server, client: Client, tmp_path: Path, quick: list[float]
) -> None:
    server.on("GET /gone", Answer({"errorCode": "expired"}, 20002, "the link expired", 404))
    server.on("GET /cut", Answer(body=b"12345", short=True))
    target = tmp_path / "sound.mp3"
    target.write_bytes(b"before")
    with pytest.raises(ParameterError, match="the link expired"):
        client.download(f"{server.url}/gone", target)
    with pytest.raises(Unreachable):
        client.download(f"{server.url}/cut?signature=1", target)
    with pytest.raises(ValueError, match="has no audio; it is queued"):
        client.download(Task(ID, "soundCloningAudio", "queued", 0), target)
    assert target.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["sound.mp3"]


def test_settings_come_from_the_environment(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOUNDCLONE_BASE_URL", server.url + "/")
    monkeypatch.setenv("SOUNDCLONE_API_KEY", KEY + "\n")
    server.on(TASK, task())
    with Client(transport=httpx2.MockTransport(server.handle)) as client:
        assert client.task(ID).id == ID
    assert server.seen[0].headers["authorization"] == f"Bearer {KEY}"


def test_settings_that_cannot_be_right() -> None:
    with pytest.raises(ValueError, match=r"base_url is 'example.org'; it must begin with http"):
        Client("example.org")
    with pytest.raises(ValueError, match="api_key has characters that no key has") as raised:
        Client("http://example.org", "sk_clé")
    assert "clé" not in str(raised.value)


def test_async_context(server: Server) -> None:
    server.on(TASK, task())

    async def work() -> list[Task]:
        transport = httpx2.MockTransport(server.handle_async)
        async with AsyncClient(server.url, KEY, transport=transport) as client:
            return await asyncio.gather(*(client.task(ID) for _ in range(5)))

    assert len(asyncio.run(work())) == 5


# Streams

STREAM = "POST /v1/audio/speech"


def test_stream(server: Server, client: Client) -> None:
    server.on(STREAM, Answer(body=b"ID3 audio"))
    blocks = client.stream("Anna", "Hello", format="opus", emotion="sad", version="v2", speed=1.5)
    assert server.seen == []
    assert b"".join(blocks) == b"ID3 audio"
    assert server.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert server.seen[0].json == {
        "model": "soundclone-v2",
        "input": "Hello",
        "voice": "Anna",
        "instructions": "sad",
        "speed": 1.5,
        "response_format": "opus",
    }
    b"".join(client.stream(MODEL, "Hello"))
    assert server.seen[1].json == {
        "model": "tts-1", "input": "Hello", "voice": MODEL, "response_format": "mp3"
    }  # fmt: skip


def test_a_stream_that_is_left_is_closed(server: Server, client: Client) -> None:
    server.on(STREAM, Answer(body=b"ID3 audio"))
    with closing(client.stream(MODEL, "Hello")) as blocks:
        assert next(blocks) == b"ID3 audio"
    assert server.bodies[-1].closed


def test_a_stream_begins_again_after_a_fault(
    server: Server, client: Client, quick: list[float]
) -> None:
    refusal = {"error": {"message": "too many", "code": "rate_limited"}}
    limited = Answer(status=429, body=json.dumps(refusal).encode(), headers={"Retry-After": "7"})
    server.on(STREAM, Answer(drop=True), limited, Answer(body=b"ID3"))
    assert b"".join(client.stream(MODEL, "Hello")) == b"ID3"
    assert quick == [0.5, 7.0]


@pytest.mark.parametrize("failed", [True, False])
def test_a_stream_that_breaks_is_an_error(server: Server, client: Client, failed: bool) -> None:
    server.on(STREAM, Answer(body=b"ID3 audio", short=True, headers={"X-Soundclone-Task": ID}))
    server.on(TASK, task("failed", error="it failed") if failed else task("processing"))
    heard = []
    with pytest.raises(TaskFailed if failed else Unreachable):
        heard += list(client.stream(MODEL, "Hello"))
    assert len(server.asked(STREAM)) == 1


@pytest.mark.parametrize(
    ("status", "code", "kind", "word"),
    [
        (401, "invalid_api_key", AuthenticationError, "unauthenticated"),
        (400, "voice_not_found", ParameterError, "voice_not_found"),
        (404, "not_found", ParameterError, "not_found"),
        (429, "insufficient_quota", PaymentError, "insufficient_balance"),
        (409, "cancelled", ApiError, "cancelled"),
    ],
)
def test_refusals_of_streams(
    server: Server, client: Client, status: int, code: str, kind: type[ApiError], word: str
) -> None:
    refusal = {"error": {"message": "no", "type": "x", "param": None, "code": code}}
    server.on(STREAM, Answer(status=status, body=json.dumps(refusal).encode()))
    with pytest.raises(ApiError, match=r"^no$") as raised:
        list(client.stream(MODEL, "Hello"))
    assert type(raised.value) is kind
    assert (raised.value.word, raised.value.status) == (word, status)
    assert len(server.seen) == 1


# The package


def test_the_blocking_client_is_generated() -> None:
    done = subprocess.run(
        [sys.executable, SDK / "generate", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_every_public_thing_is_documented() -> None:
    for kind in (Client, AsyncClient):
        for name, method in vars(kind).items():
            if not name.startswith("_") and name != "close":
                assert "Example:" in (getdoc(method) or ""), (kind, name)
    for name in soundclone_client.__all__:
        assert name == "__version__" or getdoc(getattr(soundclone_client, name)), name


def test_the_former_import_has_the_same_names() -> None:
    names = set(soundclone.client.__all__)
    assert names == set(soundclone_client.__all__) - {"__version__"}
    for name in names:
        assert getattr(soundclone.client, name) is getattr(soundclone_client, name)


def test_server_and_sdk_have_one_version() -> None:
    server, sdk = (
        tomllib.loads((folder / "pyproject.toml").read_text())["project"] for folder in (ROOT, SDK)
    )
    assert server["version"] == sdk["version"]
    assert f"soundclone-client=={sdk['version']}" in server["dependencies"]


def test_both_clients_take_the_same() -> None:
    def face(kind: type) -> dict[str, Any]:
        return {
            name: list(signature(method).parameters.values())
            for name, method in vars(kind).items()
            if not name.startswith("_")
        }

    assert face(Client) == face(AsyncClient)


def test_import_is_light() -> None:
    code = (
        "import sys, soundclone_client\n"
        "heavy = {'fastapi', 'sqlalchemy', 'numpy', 'pydantic', 'soundclone'}\n"
        "sys.exit(bool(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=300).returncode == 0
