"""The service as clients meet it that were written for OpenAI's API: with OpenAI's own package."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import threading
import time
import urllib.request
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import openai
import pytest
import soxr
from openai import OpenAI

from soundclone.audio.decode import decode
from soundclone.core import consents, keys
from soundclone.core.pricing import share
from soundclone.db.session import Database
from soundclone.text import parts
from tests import media_samples, rows
from tests.acceptance.conftest import ENGINES, RECORDING
from tests.service import API, Service, finish

pytestmark = pytest.mark.slow

SAID = "One sentence that is said here. "
SECONDS = 0.1  # that the engine takes for one


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose engine is slow, says tones, and goes wrong where a text says `always`."""
    folder = tmp_path_factory.mktemp("openai")
    environment = {
        "PYTHONPATH": str(ENGINES),
        "SOUNDCLONE_ENGINE_V1": "fickle",
        "SOUNDCLONE_ENGINE_V2": "fickle",
        "SOUNDCLONE_TEST_CALLS": str(folder / "calls"),
        "SOUNDCLONE_TEST_SECONDS": str(SECONDS),
        "SOUNDCLONE_WORKER_CONCURRENCY": "4",
    }
    with Service(folder, environment=environment) as running:
        yield running


def client_of(service: Service, key: str, **options: Any) -> OpenAI:
    return OpenAI(base_url=f"{service.url}/v1", api_key=key, **({"max_retries": 0} | options))


@pytest.fixture(scope="module")
def key(service: Service) -> str:
    return service.new_key(1000)[1]


@pytest.fixture(scope="module")
def client(service: Service, key: str) -> Iterator[OpenAI]:
    with client_of(service, key) as made:
        yield made


@pytest.fixture(scope="module")
def consent(client: OpenAI) -> str:
    return client.audio.voice_consents.create(
        name="Anna agrees", language="en-US", recording=RECORDING
    ).id


@pytest.fixture(scope="module")
def voice(client: OpenAI, consent: str) -> str:
    made = client.audio.voices.create(name="Anna", audio_sample=RECORDING, consent=consent)
    assert (made.name, made.object, made.type) == ("Anna", "audio.voice", "audio_sample")
    return made.id


def used(service: Service, key: str) -> float:
    spent: float = service.get(f"{API}/user/balance", key)[1]["data"]["used_coin"]
    return spent


def held(service: Service, account: str) -> list[str]:
    """The ledger's entries of an account, without deposits."""
    ledger = service.command("credit", "ledger", "--account", account, "--json")
    assert ledger["sound"]
    return [entry["kind"] for entry in ledger["entries"] if entry["kind"] != "credit"]


@pytest.mark.parametrize("form", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
def test_every_format(client: OpenAI, voice: str, form: Any, tmp_path: Path) -> None:
    answer = client.audio.speech.create(
        model="tts-1", voice=voice, input=SAID * 3, response_format=form
    )
    path = tmp_path / "speech"
    answer.write_to_file(path)
    kind = {"mp3": "audio/mpeg", "opus": "audio/ogg"}.get(form, f"audio/{form}")
    assert answer.response.headers["content-type"] == kind
    assert answer.response.headers["transfer-encoding"] == "chunked"
    if form == "pcm":
        pcm = np.frombuffer(path.read_bytes(), "<i2")
        samples, rate = (pcm / 2**15).astype(np.float32), 24_000
    else:
        decoded = decode(path)
        samples, rate = decoded.samples, decoded.sample_rate
    # A fifteenth of a second a character, the silence around the text, and two gaps of .2 to .7 s
    # by the seed of the voice.
    assert len(samples) / rate == pytest.approx(3 * 31 / 15 + 0.35 + 2 * 0.45, abs=0.6)
    middle = samples[int(0.5 * rate) : int(1.5 * rate)]
    assert np.argmax(np.abs(np.fft.rfft(middle))) == pytest.approx(220, abs=2)


def test_the_first_sentence_comes_before_the_last_is_said(
    service: Service, client: OpenAI, key: str, voice: str
) -> None:
    started = time.perf_counter()
    with client.audio.speech.with_streaming_response.create(
        model="soundclone-v1", voice={"id": voice}, input=SAID * 60
    ) as answer:
        blocks = answer.iter_bytes()
        got = next(blocks)
        first = time.perf_counter() - started
        got += b"".join(blocks)
    whole = time.perf_counter() - started
    assert whole > 60 * SECONDS
    assert first < 0.25 * whole
    task = finish(service, answer.headers["x-soundclone-task"], key)
    assert task["status"] == "completed"
    assert service.request("GET", task["audioUrl"])[1] == got, "what was sent is what is kept"


def test_events(client: OpenAI, voice: str) -> None:
    def events(text: str) -> list[dict[str, Any]]:
        with client.audio.speech.with_streaming_response.create(
            model="soundclone-v1", voice=voice, input=text, stream_format="sse"
        ) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = list(answer.iter_lines())
        return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]

    *deltas, done = events(SAID * 4)
    assert len(deltas) > 1
    assert {each["type"] for each in deltas} == {"speech.audio.delta"}
    assert done["type"] == "speech.audio.done"
    assert done["usage"]["total_tokens"] == len(SAID * 4)
    audio = client.audio.speech.create(model="soundclone-v1", voice=voice, input=SAID * 4)
    sent = b"".join(base64.b64decode(each["audio"]) for each in deltas)
    assert len(sent) == len(audio.content)  # the sounds differ in their watermark

    *deltas, error = events(SAID * 6 + "This one always fails. ")
    assert deltas
    assert error["type"] == "error"
    assert error["error"]["code"] == "synthesis_failed"
    assert "This one always fails" in error["error"]["message"]


def test_a_failure_on_the_way_breaks_the_connection_off(
    service: Service, voice: str, client: OpenAI, key: str
) -> None:
    before = used(service, key)
    with (
        client.audio.speech.with_streaming_response.create(
            model="tts-1", voice=voice, input=SAID * 6 + "This one always fails. "
        ) as answer,
        pytest.raises(httpx2.RemoteProtocolError),
    ):
        for _ in answer.iter_bytes():
            pass
    task = finish(service, answer.headers["x-soundclone-task"], key)
    assert (task["status"], task["errorCode"]) == ("failed", "synthesis_failed")
    # What was heard is paid for: any text could have such a sentence after it.
    text = SAID * 6 + "This one always fails. "
    assert task["cost"] in [price / 1e6 for price in prices(text)[:-1]]
    assert used(service, key) == pytest.approx(before + task["cost"], abs=1e-9)
    before = used(service, key)
    # Before anything was sent it is an error like any other.
    with pytest.raises(openai.BadRequestError, match="another wording may help") as caught:
        client.audio.speech.create(model="tts-1", voice=voice, input="This one always fails.")
    assert caught.value.code == "synthesis_failed"
    assert used(service, key) == before


FEE = 10_000  # micro-credits of each task, at the default prices


def prices(text: str) -> list[int]:
    """Micro-credits of a stream of the text after each of its parts."""
    whole = FEE + len(text) * 200
    return [share(whole, FEE, upto, len(text)) for upto in parts.delivered(text, 25)]


def charges(service: Service, account: str, task: str) -> dict[str, int]:
    """The task's lines in the ledger, in micro-credits."""
    ledger = service.command("credit", "ledger", "--account", account, "--json")
    assert ledger["sound"]
    return {
        entry["kind"]: entry["amount_micro"] for entry in ledger["entries"] if entry["task"] == task
    }


@pytest.mark.parametrize("form", ["audio", "sse"])
@pytest.mark.parametrize("way", ["leave", "cancel"])
def test_who_ends_a_stream_early_pays_for_what_was_sent(
    service: Service, voice: str, way: str, form: Any
) -> None:
    """The wanted text, and filler after it: the connection is closed, or the task cancelled, when
    the wanted text has been heard."""
    account, key = service.new_key(10)
    with client_of(service, key) as client:
        agreed = client.audio.voice_consents.create(name="A", language="en", recording=RECORDING)
        mine = client.audio.voices.create(name="A", audio_sample=RECORDING, consent=agreed.id).id
        before = used(service, key)
        wanted, text = 8, SAID * 48
        upto = parts.delivered(text, 25)
        needed = next(index for index, end in enumerate(upto) if end >= wanted * len(SAID))
        task = ""
        with client.audio.speech.with_streaming_response.create(
            model="tts-1", voice=mine, input=text, response_format="pcm", stream_format=form
        ) as answer:
            task = answer.headers["x-soundclone-task"]
            heard = 0
            for line in answer.iter_lines() if form == "sse" else answer.iter_bytes():
                if isinstance(line, bytes):
                    heard += len(line)
                elif line.startswith("data: "):
                    heard += len(base64.b64decode(json.loads(line[6:])["audio"]))
                if heard > wanted * len(SAID) * 3200:  # a fifteenth of a second a character
                    break
            if way == "cancel":
                ended = service.request("DELETE", f"{API}/audios/{task}", key=key)[1]["data"]
                assert ended["errorCode"] == "cancelled"
        ended = finish(service, task, key)
        assert (ended["status"], ended["errorCode"]) == ("failed", "cancelled")
        lines = charges(service, account, task)
        assert lines["capture"] in prices(text)[needed:]
        assert lines["capture"] + lines["release"] == lines["hold"] == FEE + len(text) * 200
        assert ended["cost"] == lines["capture"] / 1e6
        assert used(service, key) == pytest.approx(before + ended["cost"], abs=1e-9)
        assert f"; {ended['cost']:g} credits were charged for the " in ended["error"]
        assert f" of {len(text):,} characters that had been sent" in ended["error"]


def test_who_sends_another_request_behind_a_stream_pays_for_it(service: Service) -> None:
    account, key = service.new_key(10)
    with client_of(service, key) as client:
        agreed = client.audio.voice_consents.create(name="A", language="en", recording=RECORDING)
        mine = client.audio.voices.create(name="A", audio_sample=RECORDING, consent=agreed.id).id
    text = SAID * 48
    body = json.dumps(
        {"model": "tts-1", "voice": mine, "input": text, "response_format": "pcm"}
    ).encode()
    head = (
        f"POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", service.port), 60) as connection:
        connection.sendall(head + body + b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        got = b""
        while len(got) < 500_000:
            got += connection.recv(65536)
    task = got.lower().split(b"x-soundclone-task: ")[1].split(b"\r\n")[0].decode()
    ended = finish(service, task, key)
    assert ended["errorCode"] == "cancelled"
    assert charges(service, account, task)["capture"] in prices(text)[1:]


def test_who_does_not_read_does_not_pay_for_what_waits(service: Service, voice: str) -> None:
    account, key = service.new_key(10)
    with client_of(service, key) as client:
        agreed = client.audio.voice_consents.create(name="A", language="en", recording=RECORDING)
        mine = client.audio.voices.create(name="A", audio_sample=RECORDING, consent=agreed.id).id
    text = SAID * 300  # 30 MB, more than the kernel keeps for anybody
    body = json.dumps(
        {"model": "tts-1", "voice": mine, "input": text, "response_format": "pcm"}
    ).encode()
    head = (
        f"POST /v1/audio/speech HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", service.port))
        connection.sendall(head + body)
        got = b""
        while b"\r\n\r\n" not in got:
            got += connection.recv(1024)
        task = got.lower().split(b"x-soundclone-task: ")[1].split(b"\r\n")[0].decode()
        deadline = time.monotonic() + 300
        while service.get(f"{API}/audios/{task}", key)[1]["data"]["progress"] < 80:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    ended = finish(service, task, key)
    assert ended["errorCode"] == "cancelled"
    lines = charges(service, account, task)
    assert lines["capture"] in prices(text)
    assert lines["capture"] < 0.6 * lines["hold"]


def test_a_killed_server_forgets_nothing_that_it_sent(tmp_path: Path) -> None:
    environment = {
        "PYTHONPATH": str(ENGINES),
        "SOUNDCLONE_ENGINE_V1": "tone",
        "SOUNDCLONE_TEST_SECONDS": "0.4",
    }
    with Service(tmp_path, "--no-worker", environment=environment) as service:
        service.worker()
        service.wait_for("/readyz")
        account, key = service.new_key()
        with client_of(service, key) as client:
            agreed = client.audio.voice_consents.create(
                name="A", language="en", recording=RECORDING
            )
            voice = client.audio.voices.create(
                name="A", audio_sample=RECORDING, consent=agreed.id
            ).id
            text = SAID * 200
            with client.audio.speech.with_streaming_response.create(
                model="tts-1", voice=voice, input=text
            ) as answer:
                blocks = answer.iter_bytes()
                next(blocks)
                task = answer.headers["x-soundclone-task"]
                os.kill(service.pid, signal.SIGKILL)
                with pytest.raises(httpx2.RemoteProtocolError):
                    b"".join(blocks)
        service.start()
        for _ in range(2):
            status, body = service.request("DELETE", f"{API}/audios/{task}", key=key)
            assert (status, body["data"]["errorCode"]) == (200, "cancelled")
        lines = charges(service, account, task)
        assert lines["capture"] in prices(text)[:-1]
        assert lines["capture"] + lines["release"] == lines["hold"]


def test_a_client_that_goes_away_before_anything_came_is_not_charged(
    service: Service, consent: str, key: str, client: OpenAI, voice: str
) -> None:
    before = used(service, key)
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.15).audio.speech.create(
            model="tts-1", voice=voice, input=SAID * 100
        )
    time.sleep(1)
    assert used(service, key) == before
    # The package tries again by itself, and that is charged once.
    retrying = client.with_options(timeout=0.15, max_retries=2)
    with pytest.raises(openai.APITimeoutError):
        retrying.audio.speech.create(model="tts-1", voice=voice, input=SAID * 100)
    time.sleep(1)
    client.audio.speech.create(model="tts-1", voice=voice, input=SAID)
    assert used(service, key) == pytest.approx(before + 0.01 + len(SAID) * 2 / 10_000, abs=1e-4)
    _, data = service.get(f"{API}/user/balance", key)
    balance = data["data"]
    assert balance["available"] == pytest.approx(balance["balance"] - balance["used_coin"])


def test_who_is_broken_off_by_a_stop_is_not_charged(tmp_path: Path) -> None:
    environment = {
        "PYTHONPATH": str(ENGINES),
        "SOUNDCLONE_ENGINE_V1": "tone",
        "SOUNDCLONE_TEST_SECONDS": "0.3",
        "SOUNDCLONE_STOP_GRACE": "1",
    }
    with Service(tmp_path, "--no-worker", environment=environment) as service:
        service.worker()
        service.wait_for("/readyz")
        account, key = service.new_key()
        with client_of(service, key) as client:
            agreed = client.audio.voice_consents.create(
                name="A", language="en", recording=RECORDING
            )
            voice = client.audio.voices.create(
                name="A", audio_sample=RECORDING, consent=agreed.id
            ).id
            with client.audio.speech.with_streaming_response.create(
                model="tts-1", voice=voice, input=SAID * 40
            ) as answer:
                blocks = answer.iter_bytes()
                next(blocks)
                os.kill(service.pid, signal.SIGTERM)
                with pytest.raises(httpx2.RemoteProtocolError):
                    b"".join(blocks)
        deadline = time.monotonic() + 20
        while len(kinds := held(service, account)) < 4 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert kinds == ["hold", "capture", "hold", "release"]


def test_what_nobody_says_in_time_is_over(tmp_path: Path) -> None:
    environment = {"SOUNDCLONE_TASK_TIMEOUT": "0.5"}
    with Service(tmp_path, "--no-worker", environment=environment) as service:
        account, key = service.new_key()
        voice = rows.voice(account)
        database = Database(f"sqlite:///{tmp_path / 'data' / 'soundclone.db'}")
        with database.transaction() as session:
            session.add(voice)
        database.close()
        with client_of(service, key) as client, pytest.raises(openai.InternalServerError) as caught:
            client.audio.speech.create(
                model="tts-1", voice=voice.id, input=SAID, extra_headers={"Idempotency-Key": "a"}
            )
        assert (caught.value.status_code, caught.value.code) == (503, "timed_out")
        assert held(service, account) == ["hold", "release"], "nothing was charged, and will not be"


def test_a_worker_that_dies_is_not_heard(
    service: Service, client: OpenAI, voice: str, key: str
) -> None:
    text = " ".join(f"Sentence number {n} goes on and on." for n in range(40))
    request: Any = {
        "model": "tts-1",
        "voice": voice,
        "input": text,
        "response_format": "opus",
        "extra_headers": {"Idempotency-Key": "a worker dies"},
    }
    before = used(service, key)
    with client.audio.speech.with_streaming_response.create(**request) as answer:
        blocks = answer.iter_bytes()
        got = next(blocks)
        for worker in service.children():
            os.kill(worker, signal.SIGKILL)
        got += b"".join(blocks)
    # The same key returns the finished file of the same task.
    assert got == client.audio.speech.create(**request).content
    assert used(service, key) == pytest.approx(before + 0.01 + len(text) * 2 / 10_000, abs=1e-4)


def test_who_gave_a_key_may_come_back(
    service: Service, client: OpenAI, voice: str, key: str
) -> None:
    request: Any = {
        "model": "tts-1",
        "voice": voice,
        "input": SAID * 20,
        "extra_headers": {"Idempotency-Key": "one and the same"},
    }
    with client.audio.speech.with_streaming_response.create(**request) as answer:
        beginning = next(answer.iter_bytes())
    before = used(service, key)
    again = client.audio.speech.create(**request)
    assert again.response.headers["x-soundclone-task"] == answer.headers["x-soundclone-task"]
    assert again.content.startswith(beginning)
    assert client.audio.speech.create(**request).content == again.content
    assert used(service, key) == pytest.approx(
        before + 0.01 + len(SAID) * 20 * 2 / 10_000, abs=1e-4
    )
    with pytest.raises(openai.ConflictError) as caught:
        client.with_options(max_retries=2).audio.speech.create(**request | {"input": "Another."})
    assert caught.value.code == "idempotency_conflict"


def test_many_listen_and_others_do_not_wait(
    service: Service, client: OpenAI, voice: str, key: str
) -> None:
    slowest = 0.0
    over = threading.Event()

    def poll() -> None:
        nonlocal slowest
        while not over.is_set():
            started = time.perf_counter()
            assert service.get(f"{API}/user/balance", key)[0] == 200
            slowest = max(slowest, time.perf_counter() - started)
            time.sleep(0.05)

    def hear(number: int) -> bytes:
        said = client.audio.speech.create(
            model="tts-1", voice=voice, input=f"Listener number {number}. {SAID * 8}"
        )
        return said.content

    poller = threading.Thread(target=poll)
    poller.start()
    began = time.perf_counter()
    try:
        with ThreadPoolExecutor(20) as pool:
            heard = list(pool.map(hear, range(20)))
    finally:
        over.set()
        poller.join()
    assert len(heard) == 20
    assert min(map(len, heard)) > 100_000
    assert slowest < 0.5 * (time.perf_counter() - began)


def test_what_cannot_be_asked(service: Service, client: OpenAI, voice: str) -> None:
    def refused(error: type[openai.APIStatusError], **changes: Any) -> openai.APIStatusError:
        request = {"model": "tts-1", "voice": voice, "input": "Hello."} | changes
        with pytest.raises(error) as caught:
            client.audio.speech.create(**request)
        return caught.value

    error = refused(openai.NotFoundError, model="tts-9")
    assert (error.code, error.param, error.type) == (
        "model_not_found",
        "model",
        "invalid_request_error",
    )
    assert "soundclone-v1, soundclone-v2" in error.message
    error = refused(openai.NotFoundError, voice="alloy")
    assert (error.code, error.param) == ("voice_not_found", "voice")
    assert "POST /v1/audio/voices" in error.message
    error = refused(openai.NotFoundError, voice={"id": "model_" + "0" * 32})
    assert error.param == "voice"
    error = refused(openai.BadRequestError, speed=5.0)
    assert (error.status_code, error.param) == (400, "speed")
    assert "speed is 5.0; it must be a number from 0.25 to 4" in error.message
    error = refused(openai.BadRequestError, response_format="ogg")
    assert "one of mp3, opus, aac, flac, wav, pcm" in error.message
    error = refused(openai.BadRequestError, input="a" * 10_001)
    assert (error.param, error.code) == ("input", "invalid_parameter")
    assert "at most 10,000 are allowed" in error.message
    for text in ("", "…", "a\0b", "<#200#> a"):
        assert refused(openai.BadRequestError, input=text).param == "input"
    error = refused(openai.BadRequestError, input="<#90#>" * 40 + "a")
    assert "the pauses of the text last 3600 s; 1 characters may have 121 s" in error.message
    assert error.param == "input"
    error = refused(openai.BadRequestError, input="🈷🈂🈁🔯🈹🈺🈴🉐🉑🈸" * 4 + "a")
    assert "s of speech; 41 characters may have 45 s" in error.message
    assert error.param == "input"
    error = refused(openai.BadRequestError, voice=["a"])
    assert error.param == "voice"
    error = refused(openai.BadRequestError, extra_body={"language": "Klingon"})
    assert "Klingon" in error.message
    assert error.param == "language"
    stranger = client_of(service, keys.generate())
    with pytest.raises(openai.AuthenticationError, match="not known") as caught:
        stranger.models.list()
    assert caught.value.code == "invalid_api_key"


def test_other_paths_and_methods(service: Service, key: str) -> None:
    for method, path, status in (
        ("GET", "/v1/nothing", 404),
        ("PUT", "/v1/audio/speech", 405),
        ("POST", "/v1/audio/speech", 400),
    ):
        found, body = service.request(method, path, body=b"{", key=key)
        assert (found, set(body)) == (status, {"error"})
        assert set(body["error"]) == {"message", "type", "param", "code"}
    assert service.request("POST", "/v1/audio/speech", body=b"{")[0] == 401
    hostile = (
        '{"model": "tts-1", "voice": "\\ud800", "input": "\\ud800", "instructions": "\\ud800"}'
    )
    for body in (hostile, hostile.replace("tts-1", "\\ud800"), "[]", '{"voice": {"id": 1}}', ""):
        status, answer = service.request("POST", "/v1/audio/speech", body=body.encode(), key=key)
        assert status in (400, 404), answer


def test_models(client: OpenAI) -> None:
    assert [each.id for each in client.models.list()] == ["soundclone-v1", "soundclone-v2"]
    assert client.models.retrieve("soundclone-v2").object == "model"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("whisper-1")


def uploads(service: Service) -> set[Path]:
    """Files that clients brought and that are kept."""
    folder = service.folder / "data" / "files" / "uploads"
    return {path for path in folder.rglob("*") if path.is_file()}


def test_no_credit(service: Service, consent: str) -> None:
    _, poor = service.new_key(0.05)
    with client_of(service, poor, max_retries=2) as client:
        agreed = client.audio.voice_consents.create(name="A", language="en", recording=RECORDING)
        kept = uploads(service)
        with pytest.raises(openai.RateLimitError) as caught:
            client.audio.voices.create(name="A", audio_sample=RECORDING, consent=agreed.id)
        assert uploads(service) == kept, "what was refused counts against the quota"
        assert (caught.value.code, caught.value.type) == ("insufficient_quota",) * 2
        tries = caught.value.response.request.headers["x-stainless-retry-count"]
        assert tries == "0", "tried again in vain"


def test_too_many_requests_and_a_store_that_is_away(tmp_path: Path) -> None:
    environment = {"SOUNDCLONE_REQUESTS_PER_SECOND": str(4 / 60)}
    with Service(tmp_path, "--no-worker", environment=environment) as service:
        _, key = service.new_key()
        with client_of(service, key) as client:
            consents = client.audio.voice_consents
            kept = consents.create(name="A", language="en", recording=RECORDING)
            files = tmp_path / "data" / "files"
            files.rename(tmp_path / "away")
            files.write_text("no folder")
            with pytest.raises(openai.InternalServerError) as broken:
                consents.create(name="A", language="en", recording=RECORDING)
            assert (broken.value.status_code, broken.value.type) == (503, "server_error")
            # A recording that is still there is not forgotten.
            with pytest.raises(openai.InternalServerError):
                consents.delete(kept.id)
            assert consents.retrieve(kept.id).id == kept.id
            files.unlink()
            (tmp_path / "away").rename(files)
            assert consents.delete(kept.id).deleted
            assert not [path for path in (files / "consents").rglob("*") if path.is_file()]
            request: Any = {"model": "nothing", "voice": "a", "input": "a"}
            for _ in range(2):
                with pytest.raises(openai.NotFoundError):
                    client.audio.speech.create(**request)
            with pytest.raises(openai.RateLimitError) as caught:
                client.audio.speech.create(**request)
            assert caught.value.code == "rate_limit_exceeded"
            assert int(caught.value.response.headers["retry-after"]) >= 1


def test_consents(service: Service, client: OpenAI) -> None:
    _, key = service.new_key()
    with client_of(service, key) as mine:
        consents = mine.audio.voice_consents
        made = [
            consents.create(name=f"Consent {n}", language="de-DE", recording=RECORDING).id
            for n in range(5)
        ]
        page = consents.list(limit=2)
        assert [each.id for each in page.data] == made[:2:-1]
        assert [each.id for each in page] == made[::-1], "over all pages"
        assert consents.retrieve(made[0]).language == "de-DE"
        assert consents.update(made[0], name="Another").name == "Another"
        assert consents.retrieve(made[0]).name == "Another"
        with pytest.raises(openai.NotFoundError):
            client.audio.voice_consents.retrieve(made[0])  # another account's
        with pytest.raises(openai.NotFoundError):
            client.audio.voice_consents.delete(made[0])
        stored = service.folder / "data" / "files" / "consents"
        assert len(list(stored.rglob("cons_*"))) >= 5
        for each in made:
            gone = consents.delete(each)
            assert gone.deleted
        assert not [each for each in stored.rglob("cons_*") if each.name in made]
        assert list(consents.list()) == []
        for changes in (
            {"recording": ("a.mp3", b"<html>no audio</html>")},
            {"recording": ("a.mp3", b"")},
            {"recording": ("a.mp3", b"ID3" + bytes(10 * 1024 * 1024))},
            {"language": "Klingonese"},
            {"name": " "},
            {"name": "a" * 100},
        ):
            request: Any = {"name": "A", "language": "en", "recording": RECORDING} | changes
            with pytest.raises(openai.BadRequestError):
                consents.create(**request)
        with pytest.raises(openai.BadRequestError, match="from 1 to 100"):
            consents.list(limit=0)
        with pytest.raises(openai.NotFoundError):
            consents.list(after="cons_1")


def test_a_voice_is_made_and_charged_once(service: Service, tmp_path: Path) -> None:
    _, key = service.new_key(100)
    with client_of(service, key) as client:
        agreed = client.audio.voice_consents.create(
            name="I", language="en-GB", recording=RECORDING
        ).id
        request: Any = {"name": "Me", "audio_sample": RECORDING, "consent": agreed}
        first = client.audio.voices.create(**request)
        spent = used(service, key)
        assert spent > 0
        with ThreadPoolExecutor(4) as pool:
            again = list(pool.map(lambda _: client.audio.voices.create(**request), range(4)))
        assert {each.id for each in again} == {first.id}
        assert used(service, key) == spent
        other = client.audio.voices.create(**request | {"name": "Me too"})
        assert other.id != first.id
        twice = client.audio.voices.create(
            **request, extra_headers={"Idempotency-Key": "another one"}
        )
        assert twice.id != first.id
        kept = uploads(service)
        same = client.audio.voices.create(
            **request, extra_headers={"Idempotency-Key": "another one"}
        )
        assert same.id == twice.id
        assert uploads(service) == kept

        # By name, if there is one of that name.
        client.audio.speech.create(model="soundclone-v1", voice="Me too", input="Hello.")
        with pytest.raises(openai.BadRequestError) as caught:
            client.audio.speech.create(model="soundclone-v1", voice="Me", input="Hello.")
        assert first.id in caught.value.message
        assert twice.id in caught.value.message
        listed = service.get("/v1/audio/voices", key)[1]["data"]
        assert [each["id"] for each in listed] == [twice.id, other.id, first.id]
        assert {each["consent"] for each in listed} == {agreed}
        gone = client.audio.voices.delete(first.id)
        assert (gone.id, gone.deleted) == (first.id, True)
        client.audio.speech.create(model="soundclone-v1", voice="Me", input="Hello.")
        anew = client.audio.voices.create(**request)
        assert anew.id not in (first.id, twice.id)

        # What cannot be a voice.
        path = tmp_path / "tone.wav"
        media_samples.write(path, "wav", media_samples.tone(20, 16_000), 16_000)
        before = used(service, key)
        with pytest.raises(openai.BadRequestError) as caught:
            client.audio.voices.create(name="T", audio_sample=path, consent=agreed)
        assert (caught.value.code, caught.value.param) == ("no_speech", "audio_sample")
        assert used(service, key) == before
        with pytest.raises(openai.NotFoundError) as missing:
            client.audio.voices.create(name="T", audio_sample=path, consent="cons_1")
        assert missing.value.param == "consent"
        with pytest.raises(openai.NotFoundError):
            client.audio.voices.delete(first.id[:-1])


def test_a_studio_recording_may_be_a_sample(client: OpenAI, consent: str, tmp_path: Path) -> None:
    """96 kHz, 24 bits and two channels: more bytes than a consent may have."""
    decoded = decode(RECORDING)
    heard = soxr.resample(np.array(decoded.samples), decoded.sample_rate, 96_000)
    words = (np.clip(heard, -1, 1) * (2**31 - 256)).astype("<i4")
    with wave.open(str(tmp_path / "studio.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(3)
        file.setframerate(96_000)
        both = np.repeat(words, 2).view(np.uint8).reshape(-1, 4)
        file.writeframes(both[:, 1:].tobytes())
    assert (tmp_path / "studio.wav").stat().st_size > consents.LARGEST
    made = client.audio.voices.create(
        name="Studio", audio_sample=tmp_path / "studio.wav", consent=consent
    )
    assert made.name == "Studio"


def test_instructions(client: OpenAI, voice: str) -> None:
    def said(instructions: str) -> Any:
        return client.audio.speech.create(
            model="gpt-4o-mini-tts",
            voice=voice,
            input="Hello.",
            instructions=instructions,
            response_format="pcm",
        )

    def sounds_like_plain(answer: Any) -> bool:
        one, other = (np.frombuffer(each.content, "<i2").astype(float) for each in (plain, answer))
        # Two tasks have different watermarks.
        return one.shape == other.shape and bool(np.std(one - other) < 0.1 * np.std(one))

    plain = said("Neutral, please.")
    assert "x-soundclone-ignored" not in plain.response.headers
    happy = said("Sound happy!")
    assert "x-soundclone-ignored" not in happy.response.headers
    assert not sounds_like_plain(happy)
    for each in ("Like a pirate.", "Happy and sad at once."):
        ignored = said(each)
        assert ignored.response.headers["x-soundclone-ignored"] == "instructions"
        assert sounds_like_plain(ignored)


def test_on_postgres_and_s3(tmp_path: Path, postgres_database: str, s3_endpoint: str) -> None:
    bucket = f"openai-{tmp_path.name.lower().replace('_', '-')}"[:60]
    made = urllib.request.Request(f"{s3_endpoint}/{bucket}", method="PUT")
    urllib.request.urlopen(made).close()
    environment = {
        "PYTHONPATH": str(ENGINES),
        "SOUNDCLONE_ENGINE_V1": "tone",
        "SOUNDCLONE_TEST_SECONDS": "0.2",
        "SOUNDCLONE_DATABASE_URL": postgres_database.replace("postgresql+psycopg", "postgresql"),
        "SOUNDCLONE_STORAGE_URL": f"s3://{bucket}/files?endpoint={s3_endpoint}&region=us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    with Service(tmp_path, environment=environment) as service:
        _, key = service.new_key()
        with client_of(service, key) as client:
            agreed = client.audio.voice_consents.create(
                name="A", language="en", recording=RECORDING
            )
            voice = client.audio.voices.create(
                name="A", audio_sample=RECORDING, consent=agreed.id
            ).id
            started = time.perf_counter()
            with client.audio.speech.with_streaming_response.create(
                model="tts-1", voice=voice, input=SAID * 30
            ) as answer:
                blocks = answer.iter_bytes()
                got = next(blocks)
                first = time.perf_counter() - started
                got += b"".join(blocks)
            assert first < 0.5 * (time.perf_counter() - started)
            task = finish(service, answer.headers["x-soundclone-task"], key)
            assert service.request("GET", task["audioUrl"])[1] == got
            before = used(service, key)
            with client.audio.speech.with_streaming_response.create(
                model="tts-1", voice=voice, input=SAID * 60
            ) as answer:
                next(answer.iter_bytes())
            task = finish(service, answer.headers["x-soundclone-task"], key)
            assert task["errorCode"] == "cancelled"
            assert task["cost"] in [price / 1e6 for price in prices(SAID * 60)[:-1]]
            assert used(service, key) == pytest.approx(before + task["cost"], abs=1e-9)
            assert client.audio.voice_consents.delete(agreed.id).deleted
