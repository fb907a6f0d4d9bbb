"""Conversations: text arrives in pieces, and speech leaves clause by clause."""

from __future__ import annotations

import base64
import json
import re
import time
import uuid
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from soundclone.api.conversation import asyncapi
from soundclone.api.fronts.registry import FRONTS
from soundclone.core import keys, ledger
from soundclone.core.pricing import Prices, share, to_micro
from soundclone.text import parts
from tests import rows

from .conftest import Account, Api, serve
from .pretended import AUDIO, PretendedWorker

PATH = "/v1/audio/speech/stream"
FIRST, SECOND = "When the morning came, ", "they left at once. "


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    yield from serve(tmp_path_factory.mktemp("conversation"))


@pytest.fixture(scope="module")
def worker(api: Api) -> Iterator[PretendedWorker]:
    thread = PretendedWorker(api)
    thread.start()
    yield thread
    thread.stopping.set()
    thread.join()


@pytest.fixture
def account(api: Api, worker: PretendedWorker) -> Account:
    return new(api)


def new(api: Api, credit: float = 100) -> Account:
    account = api.new_account(credit)
    with api.database.transaction() as session:
        session.add(rows.voice(account.id, id=f"model_{uuid.uuid4().hex}", name="Anna"))
    return account


DOCUMENT = asyncapi.document("127.0.0.1:8000")
VALIDATORS = {
    name: jsonschema_rs.Draft202012Validator(
        {**message["payload"], "components": DOCUMENT["components"]}
    )
    for name, message in DOCUMENT["components"]["messages"].items()
}


class Talk:
    """A session, as a client uses it."""

    def __init__(self, socket: WebSocketTestSession) -> None:
        self.socket = socket

    def send(self, type: str, **fields: Any) -> None:
        message = {"type": type, **fields}
        VALIDATORS[type].validate(message)
        self.socket.send_json(message)

    def say(self, *pieces: str) -> None:
        for piece in pieces:
            self.send("text", text=piece)

    def until(self, type: str, **expected: Any) -> list[dict[str, Any]]:
        """The messages up to the first of a type."""
        found = []
        while True:
            found.append(self.socket.receive_json())
            VALIDATORS[found[-1]["type"]].validate(found[-1])
            if found[-1]["type"] == type:
                assert expected.items() <= found[-1].items(), found[-1]
                return found

    def closed(self) -> int:
        with pytest.raises(WebSocketDisconnect) as raised:
            self.socket.receive_text()
        return raised.value.code


def start(api: Api, account: Account, **options: Any) -> tuple[Any, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {account.key}"}
    return api.client.websocket_connect(PATH, headers=headers), {
        "type": "start",
        "voice": "Anna",
        "format": "mp3",
        **options,
    }


class Opened:
    """A session that has started."""

    def __init__(self, api: Api, account: Account, **options: Any) -> None:
        self._connection, self._start = start(api, account, **options)

    def __enter__(self) -> Talk:
        talk = Talk(self._connection.__enter__())
        talk.socket.send_json(self._start)
        talk.until("ready")
        return talk

    def __exit__(self, *error: Any) -> None:
        self._connection.__exit__(*error)


def spent(api: Api, account: Account) -> int:
    """Micro-credits that are used, once nothing is held."""
    until = time.monotonic() + 10
    while True:
        with api.database.read() as session:
            balance = ledger.balance(session, account.id)
        if not balance.held:
            return balance.used
        assert time.monotonic() < until
        time.sleep(0.02)


def price(api: Api, text: str) -> int:
    return Prices(api.settings.price_list).audio(len(text))


def test_clauses_are_spoken_while_the_text_arrives(api: Api, account: Account) -> None:
    with Opened(api, account, words=True) as talk:
        talk.say(*FIRST)
        first = talk.until("clause_done", clause=0, characters=len(FIRST))
        assert first[0] == {"type": "clause", "clause": 0, "text": FIRST, "offset": 0}
        talk.say(SECOND[:6], SECOND[6:])
        second = talk.until("clause_done", clause=1)
        assert (second[0]["text"], second[0]["offset"]) == (SECOND, len(FIRST))
        talk.send("flush")
        talk.until("flushed")
        talk.send("close")
        ended = talk.until("ended", clauses=2)[-1]
        assert talk.closed() == 1000
    audio = [base64.b64decode(each["audio"]) for each in first if each["type"] == "audio"]
    assert b"".join(audio) == AUDIO
    words = [word for each in second if each["type"] == "words" for word in each["words"]]
    assert [word["text"] for word in words] == SECOND.split()
    assert words[0]["offset"] == len(FIRST)
    assert round(ended["credits"] * 1e6) == spent(api, account)
    assert spent(api, account) <= price(api, FIRST + SECOND), "the fee is charged once"


def test_the_places_of_clauses(api: Api, account: Account, worker: PretendedWorker) -> None:
    worker.seen.clear()
    with Opened(api, account) as talk:
        for text in (FIRST, SECOND, "The end"):
            talk.say(text)
            if text != "The end":
                talk.until("clause_done")
        talk.send("flush")
        talk.until("flushed")
        talk.say("Again. ")
        talk.until("clause_done")
    places = [(each.options.place, each.options.goes_on) for each in worker.seen]
    assert places == [(0, True), (len(FIRST), True), (len(FIRST + SECOND), False), (0, True)]


def test_binary_audio(api: Api, account: Account) -> None:
    with Opened(api, account, audio="binary", format="pcm") as talk:
        talk.say(FIRST)
        talk.until("clause")
        heard = b""
        while len(heard) < len(AUDIO):
            heard += talk.socket.receive_bytes()
        assert heard == AUDIO
        talk.until("clause_done")


def test_who_cancels_pays_for_what_was_delivered(api: Api, account: Account) -> None:
    text = "Speak this slowly. Speak that slowly as well. And all of this slowly. Nor is"
    with Opened(api, account) as talk:
        talk.say(text)  # no clause of it is complete before the client cancels
        talk.until("audio")
        talk.send("cancel")
        cancelled = talk.until("cancelled")[-1]
        whole = "Speak this slowly. "
        billed = parts.delivered(whole, 25)
        due = share(price(api, whole), to_micro("0.01"), billed[0], billed[-1])
        assert round(cancelled["credits"] * 1e6) == due == spent(api, account)
        talk.say("Another answer. ")
        done = talk.until("clause_done")
        assert done[0]["text"] == "Another answer. "
        assert done[0]["offset"] == len(text)
        talk.send("close")
        ended = talk.until("ended")[-1]
    assert round(ended["credits"] * 1e6) == spent(api, account)


def test_who_cancels_before_the_audio_pays_nothing(
    api: Api, account: Account, worker: PretendedWorker
) -> None:
    worker.paused.set()
    try:
        with Opened(api, account) as talk:
            talk.say("A sentence. Another one. And")
            talk.send("cancel")
            talk.until("cancelled", credits=0)
            assert spent(api, account) == 0
            worker.paused.clear()
            talk.say("Now. ")
            assert talk.until("clause_done")[-1]["credits"] > 0.01, "the fee is still due"
    finally:
        worker.paused.clear()


@pytest.mark.parametrize("event", ["ready", "clause", "words", "audio", "clause_done", "flushed"])
def test_a_stream_that_is_cut_at_every_event(api: Api, account: Account, event: str) -> None:
    """The client leaves, and is charged for no more than it was sent."""
    text = "The first one. Speak this slowly. Never heard. "
    with Opened(api, account, words=True) as talk:
        if event != "ready":
            talk.say("The first one. ")
            talk.send("flush")
            talk.until(event)
            talk.say(text)
    assert spent(api, account) <= price(api, "The first one. " + text[:33])
    assert event != "flushed" or spent(api, account) >= price(api, "The first one.")
    with api.database.read() as session:
        found = ledger.audit(session)
    assert not found.wrong_accounts
    assert found.total == 0


def test_clients_without_headers_send_their_key(api: Api, account: Account) -> None:
    with api.client.websocket_connect(PATH) as socket:
        talk = Talk(socket)
        talk.send("start", voice="Anna", api_key=account.key)
        ready = talk.until("ready")[0]
        assert (ready["format"], ready["sample_rate"]) == ("pcm", 24000)


@pytest.mark.parametrize(
    ("message", "code", "sentence"),
    [
        ({"type": "start", "voice": "Anna"}, "unauthenticated", "there is no API key"),
        ({"type": "start", "voice": "Anna", "api_key": "sk_no"}, "unauthenticated", "a key has 43"),
        ({"type": "text", "text": "Hi"}, "invalid_request", "the first message"),
        ({"type": "sing"}, "invalid_request", "type is 'sing'; it must be one of start, text"),
        ({"type": "start"}, "invalid_parameter", "voice is missing"),
        ({"type": "start", "voice": "Anna", "speed": 9}, "invalid_parameter", "0.25 to 4"),
        ({"type": "start", "voice": "Anna", "sped": 1}, "invalid_parameter", "sped is 1"),
        ({"type": "start", "voice": "Nobody"}, "voice_not_found", "there is no voice 'Nobody'"),
        ({"type": "start", "voice": "Anna", "language": "Elvish"}, "invalid_parameter", "Elvish"),
        ({"type": "start", "voice": "Anna", "model": "x"}, "model_not_found", "there is no model"),
        (["start"], "invalid_request", "no JSON object"),
    ],
)
def test_a_session_that_is_refused(
    api: Api, account: Account, message: Any, code: str, sentence: str
) -> None:
    headers = {"Authorization": f"Bearer {account.key}"}
    if code == "unauthenticated":
        headers = {}
    with api.client.websocket_connect(PATH, headers=headers) as socket:
        talk = Talk(socket)
        socket.send_json(message)
        error = talk.until("error", fatal=True)[-1]
        assert (error["code"], sentence in error["message"]) == (code, True), error
        assert talk.closed() == 1008


def test_messages_that_are_wrong_keep_the_session(api: Api, account: Account) -> None:
    with Opened(api, account) as talk:
        for sent, sentence in (
            ("{", "no JSON object"),
            ("[" * 100_000, "no JSON object"),
            ('{"type": "text", "text": 5}', "text is 5"),
            ('{"type": "text"}', "text is missing"),
            (json.dumps({"type": "text", "text": "a" * 10_001}), "at most 10,000"),
            ('{"type": "start", "voice": "Anna"}', "the session has started"),
        ):
            talk.socket.send_text(sent)
            assert sentence in talk.until("error", fatal=False)[-1]["message"]
        talk.socket.send_bytes(b"\0\xff")
        talk.until("error", fatal=False)
        talk.send("ping")
        talk.until("pong")
        talk.send("flush")
        talk.until("flushed")
        talk.send("cancel")
        talk.until("cancelled", credits=0)
        talk.say("a" * 6000)
        talk.say("b" * 6000)
        assert "wait to be spoken" in talk.until("error")[-1]["message"]


def test_a_clause_that_fails_is_not_the_end(api: Api, account: Account) -> None:
    with Opened(api, account) as talk:
        talk.say("I stumble here. Not here. ")
        error = talk.until("error", clause=0, code="synthesis_failed", fatal=False)
        assert "was not spoken" in error[-1]["message"]
        talk.until("clause_done", clause=1)


def test_an_account_without_credit_hears_what_it_has_paid(api: Api, worker: Any) -> None:
    account = new(api, credit=0.02)
    with Opened(api, account) as talk:
        talk.say("This is short. ", "This one is long, " * 8 + "and more. ")
        talk.until("clause_done", clause=0)
        talk.until("error", code="insufficient_balance", fatal=True)
        assert talk.closed() == 1008


def test_idle_sessions_end(api: Api, account: Account) -> None:
    with Opened(api, account, idle=1) as talk:
        begun = time.monotonic()
        talk.until("error", code="request_timeout", fatal=True)
        assert time.monotonic() - begun > 0.8


def test_a_revoked_key_ends_the_session(api: Api, account: Account) -> None:
    with Opened(api, account) as talk:
        talk.say("A sentence. ")
        talk.until("clause_done")
        with api.database.transaction() as session:
            keys.revoke(session, account.key_id)
        talk.say("Another sentence. ")
        talk.until("error", code="unauthenticated", fatal=True)


def test_the_asyncapi_document(api: Api) -> None:
    document = api.client.get("/asyncapi.json").json()
    channels = [channel for front in FRONTS for channel in front.channels]
    assert document == asyncapi.document("testserver", channels=channels)
    assert len(document["channels"]) == 4
    channel = document["channels"]["conversation"]
    assert channel["address"] == PATH
    references = re.findall(r'"#(/[^"]*)"', json.dumps(document))
    assert len(references) > 40
    for reference in references:
        found = document
        for part in reference.split("/")[1:]:
            found = found[part]
    shown = (
        document["operations"]["listen"]["messages"] + document["operations"]["speak"]["messages"]
    )
    assert {each["$ref"].rpartition("/")[2] for each in shown} == set(channel["messages"])
    with pytest.raises(jsonschema_rs.ValidationError):
        VALIDATORS["text"].validate({"type": "text"})
    with pytest.raises(jsonschema_rs.ValidationError):
        VALIDATORS["start"].validate({"type": "start", "voice": "Anna", "sped": 1})
