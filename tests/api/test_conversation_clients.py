"""Conversations with the SDK and the command line, with a worker that is only pretended."""

from __future__ import annotations

import asyncio
import io
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from soundclone.api.conversation import session
from soundclone_client import (
    AsyncClient,
    AuthenticationError,
    Client,
    ParameterError,
    PaymentError,
    Unreachable,
    _conversation,
)

from .conftest import Account
from .pretended import AUDIO
from .site import Site, served

TEXT = "When the morning came, they left at once. Nobody saw them again."


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("talk")) as made:
        yield made


@pytest.fixture
def account(site: Site) -> Account:
    return site.account()


def test_the_sdk(site: Site, account: Account) -> None:
    with site.client(account) as client, client.converse("Anna", words=True) as talk:
        assert b"".join(talk.speak(TEXT)).count(AUDIO[:64]) >= 3
        talk.send("Speak this slowly. And")
        kinds = set()
        for event in talk:
            kinds.add(event.type)
            if event.type == "audio":
                talk.cancel()
            elif event.type == "cancelled":
                assert event.credits > 0
                break
        assert kinds >= {"clause", "audio", "cancelled"}
        talk.ping()
        talk.send("Again.")
        talk.flush()
        events = []
        for event in talk:
            events.append(event)
            if event.type == "flushed":
                break
        words = [word.text for event in events for word in event.words]
        assert words == ["Again."]
        assert [event.text for event in events if event.type == "clause"] == ["Again."]


def test_the_sdk_for_asyncio(site: Site, account: Account) -> None:
    async def words() -> Any:
        for word in TEXT.split():
            yield f"{word} "

    async def listen() -> bytes:
        async with AsyncClient(site.url, account.key) as client, client.converse("Anna") as talk:
            heard = b"".join([block async for block in talk.speak(words())])
            return heard + b"".join([block async for block in talk.speak(["One", " more."])])

    assert asyncio.run(listen()).count(AUDIO[:64]) >= 4


def test_errors_of_the_sdk(site: Site, account: Account) -> None:
    with Client(site.url, "sk_wrong") as client, pytest.raises(AuthenticationError):
        client.converse("Anna").__enter__()
    with site.client(account) as client:
        with pytest.raises(ParameterError, match="there is no voice 'Nobody'"):
            client.converse("Nobody").__enter__()
        with client.converse("Anna") as talk, pytest.raises(ParameterError, match="stumble"):
            b"".join(talk.speak("I stumble here."))
        with client.converse("Anna") as talk, pytest.raises(ZeroDivisionError):
            b"".join(talk.speak(str(1 // each) for each in (1, 0)))
    poor = site.account(credit=0.001)
    with site.client(poor) as client, client.converse("Anna") as talk, pytest.raises(PaymentError):
        b"".join(talk.speak(TEXT))
    with Client("http://127.0.0.1:9", "sk_x") as client, pytest.raises(Unreachable):
        client.converse("Anna").__enter__()


def test_a_text_that_is_longer_than_may_wait(
    site: Site, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK sends no more than the server takes."""
    monkeypatch.setattr(session, "LONGEST_PENDING", 300)
    monkeypatch.setattr(_conversation, "_PENDING", 200)
    monkeypatch.setattr(_conversation, "_PIECE", 50)
    with site.client(account) as client, client.converse("Anna", format="mp3") as talk:
        text = "A sentence of some length that is spoken at once, and then another. " * 10
        heard = b"".join(talk.speak([text]))
    assert heard.count(AUDIO[3:64]) >= 10


def test_a_listener_who_does_not_read_halts_the_synthesis(site: Site, account: Account) -> None:
    url = f"{site.url.replace('http', 'ws')}/v1/audio/speech/stream"
    headers = {"Authorization": f"Bearer {account.key}"}
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)  # or the kernel reads ahead
    narrow.connect(("127.0.0.1", site.port))
    with connect(url, sock=narrow, additional_headers=headers, max_queue=1) as talk:
        talk.send(json.dumps({"type": "start", "voice": "Anna"}))
        talk.send(json.dumps({"type": "text", "text": "Another short sentence. " * 400}))
        before, now = -1, 0
        while now != before or not now:  # the buffers of the connection are full
            time.sleep(1)
            before, now = now, site.tasks(account)
        assert 3 <= now < 300
        talk.send(json.dumps({"type": "cancel"}))
    charged = site.used(account)
    assert charged > 0
    assert site.tasks(account) <= now + 1


def test_two_clients_at_once_on_one_account(site: Site, account: Account) -> None:
    """One talks over our socket, and one over ElevenLabs'."""

    def ours() -> bytes:
        with site.client(account) as client, client.converse("Anna") as talk:
            return b"".join(talk.speak(TEXT))

    def theirs() -> int:
        url = f"{site.url.replace('http', 'ws')}/v1/text-to-speech/Anna/stream-input"
        with connect(url, additional_headers={"xi-api-key": account.key}) as talk:
            for text in (" ", TEXT, ""):
                talk.send(json.dumps({"text": text}))
            return sum(bool(json.loads(each)["audio"]) for each in talk)

    with ThreadPoolExecutor() as pool:
        calls = [pool.submit(ours), pool.submit(ours)]
        other = pool.submit(theirs)
    assert calls[0].result() == calls[1].result()
    assert other.result()
    prices = site.api.settings.price_list
    once = 0.01 + len(TEXT) * float(prices["sound-cloning-audio"]) / 10_000
    assert site.used(account) / 1e6 == pytest.approx(3 * once, abs=5e-4)


def test_the_command(
    site: Site, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from soundclone.cli import app, talk

    monkeypatch.setattr(talk, "_pieces", lambda: iter([TEXT[:30], TEXT[30:]]))
    target = tmp_path / "speech.pcm"
    options = ["--url", site.url, "--key", account.key]
    found = CliRunner().invoke(app, ["talk", "Anna", "-o", str(target), *options])
    assert found.exit_code == 0, found.output
    assert target.read_bytes().count(AUDIO[:64]) >= 3


def test_standard_input_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    from soundclone.cli import talk

    blocks = iter(["schö".encode()[:-1], "ö".encode()[-1:] + b"n", b""])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    monkeypatch.setattr(os, "read", lambda _, __: next(blocks))
    monkeypatch.setattr(sys.stdin, "fileno", lambda: 0, raising=False)
    assert "".join(talk._pieces()) == "schön"
