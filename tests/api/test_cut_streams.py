"""Streams whose client leaves at each of their events, with a worker that is only pretended."""

from __future__ import annotations

import base64
import json
import logging
import time
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from structlog.testing import capture_logs
from websockets.sync.client import connect

from soundclone.core import files, ledger, tasks
from soundclone.core.pricing import share
from soundclone.core.requests import SpeechRequest, request_of
from soundclone.db.models import Task, TaskStatus
from soundclone.storage import Storage
from soundclone.text import parts
from tests.service import API

from .conftest import Account
from .pretended import AUDIO, PARTS
from .site import Site, served

TEXT = "One is said here first. " * 12  # four parts
CLAUSES = ("The first clause is said here. ", "The other clause is the last one. ")


@dataclass(frozen=True)
class Event:
    """An event that a client has received."""

    audio: bytes
    ends: bool = False  # the last of a speech


Events = Generator[Event, None, None]


@dataclass(frozen=True)
class Front:
    """A kind of stream."""

    texts: tuple[str, ...]  # one for each task
    open: Callable[[httpx.Client, Site, Account], AbstractContextManager[Events]]


def post(path: str, body: dict[str, Any], read: Callable[[str], Event]) -> Front:
    """A stream over HTTP, whose events are lines."""

    @contextmanager
    def opened(http: httpx.Client, site: Site, account: Account) -> Iterator[Events]:
        headers = {"Authorization": f"Bearer {account.key}"}
        with http.stream("POST", site.url + path, json=body, headers=headers) as response:
            assert response.status_code == 200
            yield (read(line) for line in response.iter_lines() if line)

    return Front((TEXT,), opened)


def openai_event(line: str) -> Event:
    data = json.loads(line.removeprefix("data: "))
    done = data["type"] == "speech.audio.done"
    assert done or data["type"] == "speech.audio.delta"
    return Event(base64.b64decode(data.get("audio", "")), done)


def minimax_event(line: str) -> Event:
    data = json.loads(line.removeprefix("data: "))
    assert data["base_resp"]["status_code"] == 0
    return Event(bytes.fromhex(data["data"]["audio"]), data["data"]["status"] == 2)


def elevenlabs_line(line: str) -> Event:
    audio = base64.b64decode(json.loads(line)["audio_base64"])
    return Event(audio, audio[-1:] == AUDIO[-1:])  # as no other part ends


def talk(
    path: str,
    texts: tuple[str, ...],
    hello: dict[str, Any] | None,
    say: Callable[[str], list[dict[str, Any]]],
    read: Callable[[dict[str, Any]], Event],
    *,
    ready: int,
    bye: dict[str, Any],
) -> Front:
    """A WebSocket, on which the second text is sent after the end of the first one.

    Args:
        path: Path of the WebSocket.
        texts: Texts of the tasks.
        hello: First message of the client.
        say: Returns the messages that contain a text.
        read: Reads a message of the server.
        ready: Messages of the server before the first text.
        bye: Last message of the client.
    """

    @contextmanager
    def opened(_: httpx.Client, site: Site, account: Account) -> Iterator[Events]:
        url = site.url.replace("http", "ws") + path
        headers = {"Authorization": f"Bearer {account.key}"}
        with connect(url, additional_headers=headers, proxy=None, close_timeout=5) as socket:

            def events() -> Events:
                if hello is not None:
                    socket.send(json.dumps(hello))
                for _ in range(ready):
                    yield read(json.loads(socket.recv(20)))
                for text in texts:
                    for message in say(text):
                        socket.send(json.dumps(message))
                    event = Event(b"")
                    while not event.ends:
                        event = read(json.loads(socket.recv(20)))
                        yield event
                socket.send(json.dumps(bye))
                yield from (read(json.loads(message)) for message in socket)

            yield events()

    return Front(texts, opened)


def our_message(message: dict[str, Any]) -> Event:
    assert message["type"] != "error", message
    return Event(base64.b64decode(message.get("audio", "")), message["type"] == "clause_done")


def elevenlabs_message(message: dict[str, Any]) -> Event:
    audio = base64.b64decode(message["audio"])
    return Event(audio, audio[-1:] == AUDIO[-1:])  # as no other part ends


def minimax_message(message: dict[str, Any]) -> Event:
    assert message["base_resp"]["status_code"] == 0, message
    audio = message.get("data", {}).get("audio", "")
    return Event(bytes.fromhex(audio), bool(message.get("is_final")))


VOICE = {"voice_setting": {"voice_id": "Anna"}, "model": "speech-2.8-hd"}
ELEVENLABS = "/v1/text-to-speech/Anna"
FRONTS = {
    "openai-events": post(
        "/v1/audio/speech",
        {"input": TEXT, "voice": "Anna", "model": "tts-1", "stream_format": "sse"},
        openai_event,
    ),
    "minimax-events": post(
        "/minimax/v1/t2a_v2", {"text": TEXT, "stream": True, **VOICE}, minimax_event
    ),
    "elevenlabs-timed": post(
        f"{ELEVENLABS}/stream/with-timestamps", {"text": TEXT}, elevenlabs_line
    ),
    "conversation": talk(
        "/v1/audio/speech/stream",
        CLAUSES,
        {"type": "start", "voice": "Anna", "format": "pcm", "words": True},
        lambda text: [{"type": "text", "text": text}, {"type": "flush"}],
        our_message,
        ready=1,
        bye={"type": "close"},
    ),
    "elevenlabs-input": talk(
        f"{ELEVENLABS}/stream-input?output_format=pcm_24000",
        CLAUSES,
        None,
        lambda text: [{"text": text, "flush": True}],
        elevenlabs_message,
        ready=0,
        bye={"text": ""},
    ),
    "elevenlabs-contexts": talk(
        f"{ELEVENLABS}/multi-stream-input?output_format=pcm_24000",
        CLAUSES,
        None,
        lambda text: [{"text": text, "flush": True, "context_id": "a"}],
        elevenlabs_message,
        ready=0,
        bye={"close_socket": True},
    ),
    "minimax-socket": talk(
        "/ws/v1/t2a_v2",
        (TEXT, CLAUSES[1]),
        {"event": "task_start", **VOICE},
        lambda text: [{"event": "task_continue", "text": text}],
        minimax_message,
        ready=2,
        bye={"event": "task_finish"},
    ),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("cut"), stream_wait=60) as made:
        yield made


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=60) as client:
        yield client


def tasks_of(site: Site, account: Account) -> list[Task]:
    """The account's tasks, once its connections are gone and all of the tasks have ended."""
    query = select(Task).where(Task.account_id == account.id).order_by(Task.created_at)
    until = time.monotonic() + 20
    while site.api.app.state.soundclone.open_sockets.count(account.id):
        assert time.monotonic() < until
        time.sleep(0.02)
    while True:
        with site.api.database.read() as session:
            found = list(session.scalars(query))
            session.expunge_all()
        if all(task.ended_at is not None for task in found):
            return found
        assert time.monotonic() < until, "a task that nobody hears goes on"
        time.sleep(0.02)


@dataclass(frozen=True)
class Cut:
    """The state of a stream when the client leaves after an event."""

    complete: int  # speeches
    sent: int  # bytes of the next one


def cuts_of(events: list[Event]) -> list[Cut]:
    """Return the cut before the first event, and that after each event."""
    cuts = [Cut(0, 0)]
    for event in events:
        before = cuts[-1]
        sent = before.sent + len(event.audio)
        cuts.append(Cut(before.complete + 1, 0) if event.ends else replace(before, sent=sent))
    return cuts


def charges_of(task: Task, sent: int) -> tuple[int, set[int]]:
    """Return the parts of which `sent` bytes are, and what they may cost. 0 parts: the whole."""
    request = request_of(task)
    assert isinstance(request, SpeechRequest)
    assert request.options.opening
    upto = parts.delivered(request.text, request.options.opening)
    ends = list(accumulate(map(len, PARTS[: len(upto)])))
    if sent > ends[-1]:  # from the file of the completed task
        return 0, {task.cost}
    part = bisect_left(ends, sent)
    charged = share(task.cost, task.fee, upto[part], upto[-1])
    # A client that leaves before the audio may be gone before the first part is sent.
    return part + 1, {charged} if sent else {0, charged}


@pytest.mark.parametrize("name", FRONTS)
def test_a_stream_is_cut_at_every_event(
    site: Site, http: httpx.Client, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    front = FRONTS[name]
    account = site.account()
    with front.open(http, site, account) as events:
        heard = list(events)
    whole = tasks_of(site, account)
    cuts = cuts_of(heard)
    assert [task.status for task in whole] == [TaskStatus.COMPLETED] * len(front.texts)
    assert cuts[-1].complete == len(front.texts)
    assert len(cuts) > 2 * len(front.texts)
    for count, cut in enumerate(cuts):
        account = site.account()
        paid = sum(task.cost for task in whole[: cut.complete])
        due = {paid}
        site.worker.halts = {}
        if cut.complete < len(whole):
            most, charges = charges_of(whole[cut.complete], cut.sent)
            due = {paid + charge for charge in charges}
            if most:
                site.worker.halts = {front.texts[cut.complete][:9]: most}
        with capture_logs() as logged, front.open(http, site, account) as events:
            assert [next(events) for _ in range(count)] == heard[:count]
        ended = tasks_of(site, account)
        spent = site.used(account)
        where = f"{name} after {count} of {len(heard)} events"
        assert spent in due, where
        assert spent == sum(task.cost for task in ended), where
        for task, complete in zip(ended, whole, strict=False):
            if task.status == TaskStatus.COMPLETED:
                assert task.cost == complete.cost, where
            else:
                assert task.error_word == "cancelled", where
        assert not [entry for entry in logged if entry["log_level"] == "error"], where
        body = {"input": "Hello.", "voice": "Anna", "model": "tts-1"}
        headers = {"Authorization": f"Bearer {account.key}"}
        after = http.post(f"{site.url}/v1/audio/speech", json=body, headers=headers)
        assert (after.status_code, after.content) == (200, AUDIO), where
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    with site.api.database.read() as session:
        found = ledger.audit(session)
    assert not found.wrong_accounts
    assert found.total == 0


AHEAD = tuple(f"Clause number {number} is said. " for number in ("one", "two", "three"))
SOCKETS: dict[str, tuple[str, list[dict[str, Any]], Callable[[str], dict[str, Any]]]] = {
    "conversation": (
        "/v1/audio/speech/stream",
        [{"type": "start", "voice": "Anna", "format": "pcm", "language": "English"}],
        lambda text: {"type": "text", "text": text},
    ),
    "elevenlabs-input": (
        f"{ELEVENLABS}/stream-input?output_format=pcm_24000",
        [],
        lambda text: {"text": text},
    ),
    "elevenlabs-contexts": (
        f"{ELEVENLABS}/multi-stream-input?output_format=pcm_24000",
        [],
        lambda text: {"text": text, "context_id": "a"},
    ),
}


def submitted(site: Site, account: Account, count: int) -> list[str]:
    """The ids of the account's tasks, once there are so many."""
    query = select(Task.id).where(Task.account_id == account.id).order_by(Task.created_at)
    until = time.monotonic() + 60
    while True:
        with site.api.database.read() as session:
            found = list(session.scalars(query))
        if len(found) == count:
            return found
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("name", "cancels"), [("conversation", True), *((name, False) for name in SOCKETS)]
)
def test_clauses_that_were_only_spoken_ahead_cost_nothing(
    site: Site, http: httpx.Client, name: str, cancels: bool
) -> None:
    """Two clauses are complete when the client cancels or leaves, and no byte of them is sent."""
    path, hello, say = SOCKETS[name]
    account = site.account()
    headers = {"Authorization": f"Bearer {account.key}"}
    url = site.url.replace("http", "ws") + path
    site.worker.halts = {}
    with connect(url, additional_headers=headers, proxy=None, close_timeout=5) as socket:
        for message in [*hello, say("The first clause is heard. ")]:
            socket.send(json.dumps(message))
        heard = b""
        while not heard.endswith(AUDIO):
            heard += base64.b64decode(json.loads(socket.recv(20)).get("audio") or "")
        paid = site.used(account)
        assert paid > 0
        site.worker.paused.set()
        try:
            for text in AHEAD:
                socket.send(json.dumps(say(text)))
            _, *spoken_ahead = submitted(site, account, 4)[1:]
            for task in spoken_ahead:
                site.worker.end(task)
                data = http.get(f"{site.url}{API}/audios/{task}", headers=headers).json()["data"]
                assert (data["status"], "audioUrl" in data) == ("processing", False), (
                    "the speech cannot be downloaded before it is paid"
                )
            if cancels:
                socket.send(json.dumps({"type": "cancel"}))
                answers: list[dict[str, Any]] = []
                while not answers or answers[-1]["type"] != "cancelled":
                    answers.append(json.loads(socket.recv(20)))
                assert answers[-1] == {"type": "cancelled", "characters": 0, "credits": 0.0}
        finally:
            if not cancels:
                socket.close()
            site.worker.paused.clear()
    ended = tasks_of(site, account)
    assert site.used(account) == paid == sum(task.cost for task in ended)
    assert [task.status for task in ended] == ["completed", "failed", "failed", "failed"]
    assert {task.error for task in ended[1:]} == {"the task was cancelled; nothing was charged"}
    storage = Storage.of(site.api.settings)
    for unheard in ended[1:]:
        assert unheard.size == 0
        assert storage.size(files.result(unheard.id, "mp3")) is None, "nobody may have the speech"
    history = http.get(f"{site.url}/elevenlabs/v1/history", headers=headers).json()["history"]
    assert [item["history_item_id"] for item in history] == [ended[0].id]
    with site.api.database.read() as session:
        lines = [line for line in ledger.statement(session, account.id) if line.task_id]
        found = ledger.audit(session)
    assert [line.task_id for line in lines if line.kind == "capture"] == [ended[0].id]
    assert found.sound
    assert found.total == 0


def test_clauses_that_wait_for_the_listener_are_paid_when_they_are_sent(
    site: Site, http: httpx.Client
) -> None:
    account = site.account()
    headers = {"Authorization": f"Bearer {account.key}"}
    site.worker.halts = {}
    path, hello, say = SOCKETS["conversation"]
    url = site.url.replace("http", "ws") + path
    with connect(url, additional_headers=headers, proxy=None, close_timeout=5) as socket:
        site.worker.paused.set()
        try:
            for message in [*hello, *map(say, AHEAD)]:
                socket.send(json.dumps(message))
            first, *spoken_ahead = submitted(site, account, 3)
            for task in (*spoken_ahead, first):
                site.worker.end(task)
            done: list[dict[str, Any]] = []
            while len(done) < 3:
                message = json.loads(socket.recv(20))
                done += [message] if message["type"] == "clause_done" else []
        finally:
            site.worker.paused.clear()
        assert [message["task"] for message in done] == [first, *spoken_ahead]
    ended = tasks_of(site, account)
    assert [task.status for task in ended] == ["completed"] * 3
    assert all(task.progress == tasks.SPOKEN and task.expires_at for task in ended)
    charged = round(1e6 * sum(message["credits"] for message in done))
    assert site.used(account) == charged == sum(task.cost for task in ended) > 0
