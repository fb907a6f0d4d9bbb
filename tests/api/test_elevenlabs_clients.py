"""Every call of ElevenLabs' package about voices, speech and the account, over HTTP.

The worker is only pretended, so these tests are about requests, answers and prices.
"""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import httpx
import jsonschema_rs
import openai
import pytest
from elevenlabs.client import ElevenLabs
from elevenlabs.core.api_error import ApiError
from elevenlabs.types import DialogueInput
from sqlalchemy import select
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from soundclone.core import ledger
from soundclone.core.pricing import Prices, share
from soundclone.db.models import Task
from soundclone.text import parts

from .conftest import Account
from .pretended import AUDIO, PART
from .site import Site, served

SLOW = "Speak this slowly. It must not be spoken to its end."
HOUR = 3_600_000  # milliseconds


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("elevenlabs")) as made:
        yield made


@pytest.fixture
def account(site: Site) -> Account:
    return site.api.new_account()


@contextmanager
def client_of(site: Site, account: Account) -> Iterator[ElevenLabs]:
    with httpx.Client(timeout=60) as http:
        yield ElevenLabs(base_url=site.url, api_key=account.key, httpx_client=http)


@pytest.fixture
def client(site: Site, account: Account) -> Iterator[ElevenLabs]:
    with client_of(site, account) as made:
        yield made


@pytest.fixture
def voice(client: ElevenLabs) -> str:
    return str(client.voices.ivc.create(name="Anna", files=[b"\xffrecording"]).voice_id)


def sentence(work: Callable[[], Any], status: int) -> str:
    """The message of the error that a call raises."""

    def drain() -> None:
        made = work()
        if isinstance(made, Iterator):
            b"".join(made)

    with pytest.raises(ApiError) as raised:
        drain()
    assert raised.value.status_code == status
    detail = raised.value.body["detail"]
    return str(detail["message"] if isinstance(detail, dict) else detail[0]["msg"])


def test_the_history_and_the_account_agree_with_the_ledger(
    site: Site, account: Account, client: ElevenLabs, voice: str
) -> None:
    before = client.user.subscription.get()
    texts = ("Good morning.", "A longer text, which costs more.")
    for text in texts:
        assert b"".join(client.text_to_speech.convert(voice, text=text)) == AUDIO
    assert b"".join(client.speech_to_speech.convert(voice, audio=b"\xffperformance")) == AUDIO
    used = site.used(account)
    after = client.user.subscription.get()
    items = client.history.list().history
    made = [("STS", ""), ("TTS", texts[1]), ("TTS", texts[0])]
    assert [(item.source, item.text) for item in items] == made
    changes = [item.character_count_change_to - item.character_count_change_from for item in items]
    spent = after.character_count - before.character_count
    assert sum(changes) == pytest.approx(spent, abs=len(items))  # each is rounded down
    assert after.character_limit == before.character_limit == 100 * 5000
    micro = {item.history_item_id: change for item, change in zip(items, changes, strict=True)}
    with site.api.database.read() as session:
        for task in session.scalars(select(Task).where(Task.id.in_(micro))):
            assert micro[task.id] == task.cost // 200  # micro-credits of a character
        assert ledger.balance(session, account.id).used == used
    now = int(time.time() * 1000)
    usage = client.usage.get(start_unix=now - HOUR, end_unix=now + 1000)
    assert sum(usage.usage["All"]) == pytest.approx(after.character_count, abs=2)
    hours = client.usage.get(
        start_unix=now - 5 * HOUR,
        end_unix=now + 1000,
        aggregation_interval="hour",
        metric="request_count",
    )
    assert (len(hours.time), sum(hours.usage["All"])) in ((6, 4), (7, 4))
    total = client.usage.get(
        start_unix=0, end_unix=now + 1000, aggregation_interval="cumulative"
    ).usage["All"]
    assert total == [pytest.approx(after.character_count, abs=1)]
    for start, end, more, words in (
        (0, now, {}, "aggregation_interval is day, which makes 2"),
        (0, 9, {"breakdown_type": "voice"}, "breakdown_type is 'voice'"),
        (9000, 0, {}, "must not be before start_unix"),
    ):
        work = partial(client.usage.get, start_unix=start, end_unix=end, **more)
        assert words in sentence(work, 422)


def test_filters_of_the_history(client: ElevenLabs, voice: str) -> None:
    for text in ("One hundred % sure.", "Nothing else.", "SURELY not."):
        b"".join(client.text_to_speech.convert(voice, text=text))
    b"".join(client.speech_to_speech.convert(voice, audio=b"\xffperformance"))

    def found(**filters: Any) -> list[str | None]:
        items = client.history.list(**filters).history
        return [item.text if item.source == "TTS" else item.source for item in items]

    assert found() == ["STS", "SURELY not.", "Nothing else.", "One hundred % sure."]
    assert found(sort_direction="asc") == found()[::-1]
    assert found(search="sure") == ["SURELY not.", "One hundred % sure."]
    assert found(search="%") == ["One hundred % sure."]
    assert found(source="STS") == ["STS"]
    assert found(source="Flows") == []
    assert len(found(source="TTS")) == 3
    assert len(found(source="TTS", model_id="soundclone-v1")) == 3
    assert found(source="TTS", model_id="eleven_v3") == []
    assert found(voice_id="model_" + "0" * 32) == []
    now = int(time.time())
    assert found(date_before_unix=now - 1000) == found(date_after_unix=now + 1000) == []
    assert len(found(date_after_unix=now - 1000, date_before_unix=now + 1000)) == 4
    first = client.history.list(page_size=3, sort_direction="asc")
    rest = client.history.list(
        sort_direction="asc", start_after_history_item_id=first.last_history_item_id
    )
    assert (first.has_more, rest.has_more) == (True, False)
    assert [item.source for item in rest.history] == ["STS"]


def test_downloads_of_the_history(client: ElevenLabs, voice: str) -> None:
    for text in ("One.", "Two."):
        b"".join(client.text_to_speech.convert(voice, text=text))
    b"".join(client.speech_to_speech.convert(voice, audio=b"\xffperformance"))
    ids = [item.history_item_id for item in client.history.list().history]
    assert b"".join(client.history.download(history_item_ids=ids[:1])) == AUDIO
    archive = b"".join(client.history.download(history_item_ids=[*ids, ids[0]]))
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.namelist() == [f"{each}.mp3" for each in ids]
        assert all(opened.read(name) == AUDIO for name in opened.namelist())
    assert b"".join(client.history.get_audio(ids[0])) == AUDIO
    assert client.history.get(ids[0]).source == "STS"
    assert client.history.delete(ids[0])
    lost = client.history.download(history_item_ids=ids)
    assert "expired" in sentence(lambda: lost, 404)
    as_wav = client.history.download(history_item_ids=ids[1:], output_format="wav")
    assert sentence(lambda: as_wav, 422).startswith("output_format is 'wav'; it must be ")
    assert "history_item_ids" in sentence(lambda: client.history.download(history_item_ids=[]), 422)


def test_voices(client: ElevenLabs, site: Site, account: Account, voice: str) -> None:
    assert [each.voice_id for each in client.voices.get_all().voices] == [voice]
    assert client.voices.get(voice).name == "Anna"
    assert client.voices.update(voice, name="Berta").status == "ok"
    sample = client.voices.get(voice).samples[0].sample_id
    assert client.voices.settings.get(voice) == client.voices.settings.get_default()
    for filters, number in (
        ({"search": "bert"}, 1),
        ({"search": "anna"}, 0),
        ({"category": "cloned", "voice_type": "personal"}, 1),
        ({"category": "premade"}, 0),
        ({"collection_id": "x"}, 0),
        ({"fine_tuning_state": "fine_tuned"}, 0),
        ({"gender": "female"}, 0),
        ({"use_cases": ["news"]}, 0),
        ({"language": "de"}, 0),
        ({"voice_ids": [voice]}, 1),
    ):
        assert len(client.voices.search(**filters).voices) == number, filters
    kept = sentence(lambda: client.samples.delete(voice, sample or ""), 404)
    assert kept.startswith("a voice keeps the recording that it was made from")
    assert client.voices.delete(voice).status == "ok"
    assert "there is no voice" in sentence(lambda: client.voices.get("nobody"), 404)


def test_raw_samples_are_converted(client: ElevenLabs, voice: str) -> None:
    made = client.speech_to_speech.convert(voice, audio=bytes(32_000), file_format="pcm_s16le_16")
    assert b"".join(made) == AUDIO


def test_labels(client: ElevenLabs, site: Site) -> None:
    """The package sends a text as JSON in JSON."""
    for labels in ({"accent": "Irish", "consent": "own"}, '{"consent": "own"}', "null"):
        name = f"Voice {labels}"
        made = client.voices.ivc.create(name=name, files=[b"\xffrecording"], labels=labels)
        assert made.voice_id.startswith("model_")
    for wrong in ("accent", "[1]", '"x"'):
        create = partial(client.voices.ivc.create, name="x", files=[b"\xff"], labels=wrong)
        assert "it must be a JSON object of texts" in sentence(create, 422)


def test_calls_that_are_refused(client: ElevenLabs, voice: str) -> None:
    """Each sentence tells what to do instead."""
    line = DialogueInput(text="Hello.", voice_id=voice)
    described = "voices are not made from a description here; send a recording"
    library = "there is no library of shared voices here"
    workspace = "there are no workspaces here; the studio and `soundclone keys` manage API keys"
    dialogue = "there are no dialogues here; speak each line with POST /v1/text-to-speech/"
    dictionaries = "there are no pronunciation dictionaries here"
    for work, expected in (
        (lambda: client.text_to_voice.design(voice_description="An old man"), described),
        (lambda: client.text_to_voice.create_previews(voice_description="x", text="y"), described),
        (lambda: client.voices.pvc.create(name="x", language="en"), "there are no professional"),
        (lambda: client.voices.pvc.update(voice), "there are no professional"),
        (lambda: client.voices.get_shared(), library),
        (lambda: client.voices.find_similar_voices(audio_file=b"\xff"), library),
        (lambda: client.voices.share("someone", voice, new_name="x"), library),
        (lambda: client.text_to_dialogue.convert(inputs=[line]), dialogue),
        (lambda: client.text_to_dialogue.stream(inputs=[line]), dialogue),
        (lambda: client.text_to_dialogue.convert_with_timestamps(inputs=[line]), dialogue),
        (lambda: client.pronunciation_dictionaries.list(), dictionaries),
        (lambda: client.service_accounts.list(), workspace),
        (lambda: client.dubbing.get("x"), "there is nothing at '/v1/dubbing/x'"),
    ):
        assert sentence(work, 404).startswith(expected), expected


def test_timed_speech(client: ElevenLabs, voice: str) -> None:
    made = client.text_to_speech.convert_with_timestamps(voice, text="Good morning.")
    assert "".join(made.alignment.characters) == "Good morning."  # type: ignore[union-attr]
    heard = list(client.text_to_speech.stream_with_timestamps(voice, text="Good morning."))
    assert len(heard) > 1
    assert {model.model_id for model in client.models.list()} >= {"soundclone-v2", "eleven_v3"}
    assert client.user.get().subscription.can_use_instant_voice_cloning


@pytest.mark.parametrize("blocks", [0, 1, 2])
@pytest.mark.parametrize("front", ["elevenlabs", "openai"])
def test_audio_that_is_cut(
    site: Site, account: Account, voice: str, front: str, blocks: int
) -> None:
    paths: dict[str, tuple[str, dict[str, Any]]] = {
        "elevenlabs": (f"/v1/text-to-speech/{voice}/stream", {"text": SLOW}),
        "openai": ("/v1/audio/speech", {"input": SLOW, "voice": voice, "model": "tts-1"}),
    }
    path, body = paths[front]
    headers = {"Authorization": f"Bearer {account.key}"}
    with (
        httpx.Client(base_url=site.url, headers=headers, timeout=60) as http,
        http.stream("POST", path, json=body) as response,
    ):
        assert response.status_code == 200
        heard = response.iter_bytes(PART // 2)
        for _ in range(blocks):
            next(heard)
    cost = ended(site, account).cost
    prices = Prices(site.api.settings.price_list)
    part = share(prices.audio(len(SLOW)), prices.fee, parts.delivered(SLOW, 25)[0], len(SLOW))
    # Who leaves before the first part is noticed pays nothing.
    assert cost in ((part,) if blocks else (0, part))
    assert site.used(account) > 0  # the voice's preview


def test_clients_of_three_services_at_once(site: Site, account: Account, voice: str) -> None:
    def eleven(number: int) -> bool:
        with client_of(site, account) as client:
            made = client.text_to_speech.stream(voice, text=f"Number {number:02}.")
            return b"".join(made) == AUDIO

    def open_ai(number: int) -> bool:
        with openai.OpenAI(base_url=f"{site.url}/v1", api_key=account.key, max_retries=0) as client:
            text = f"Number {number:02}."
            made = client.audio.speech.create(model="tts-1", voice=voice, input=text)
            return made.read() == AUDIO

    def minimax(number: int) -> bool:
        body = {
            "model": "speech-02-hd",
            "text": f"Number {number:02}.",
            "voice_setting": {"voice_id": voice},
        }
        headers = {"Authorization": f"Bearer {account.key}"}
        answer = httpx.post(
            f"{site.url}/minimax/v1/t2a_v2", json=body, headers=headers, timeout=60
        ).json()
        return bytes.fromhex(answer["data"]["audio"]) == AUDIO

    before = site.used(account)
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit((eleven, open_ai, minimax)[number % 3], number) for number in range(9)]
        assert all(each.result() for each in calls)
    price = Prices(site.api.settings.price_list).audio(len("Number 00."))
    assert site.used(account) - before == 9 * price


def test_messages_of_the_sockets_are_described(site: Site, account: Account, voice: str) -> None:
    document = httpx.get(f"{site.url}/asyncapi.json").json()
    headers = {"Authorization": f"Bearer {account.key}"}

    def talk(name: str, path: str, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The answers to messages, which are described like the messages."""
        channel = document["channels"][name]
        assert re.fullmatch(re.sub("{.*?}", "[^/]+", channel["address"]), path)
        checks: dict[str, list[jsonschema_rs.Draft202012Validator]] = {}
        for verb in ("listen", "speak"):
            names = [
                each["$ref"].rpartition("/")[2]
                for each in document["operations"][f"{name}.{verb}"]["messages"]
            ]
            checks[verb] = [
                jsonschema_rs.Draft202012Validator(
                    {
                        **document["components"]["messages"][each]["payload"],
                        "components": document["components"],
                    }
                )
                for each in names
            ]
        url = site.url.replace("http", "ws") + path
        with connect(url, additional_headers=headers) as socket:
            for message in messages:
                assert any(check.is_valid(message) for check in checks["listen"]), message
                socket.send(json.dumps(message))
            answers: list[dict[str, Any]] = []
            with suppress(ConnectionClosedError):  # after an error
                answers.extend(map(json.loads, socket))
        for answer in answers:
            assert sum(check.is_valid(answer) for check in checks["speak"]) == 1, answer
        return answers

    base = f"/v1/text-to-speech/{voice}"
    cases: tuple[tuple[str, str, list[dict[str, Any]], str], ...] = (
        ("elevenLabsInput", f"{base}/stream-input", [{"text": "Hi. "}, {"text": ""}], "isFinal"),
        (
            "elevenLabsInput",
            f"{base}/stream-input",
            [{"text": "I stumble. ", "flush": True}],
            "code",
        ),
        (
            "elevenLabsContexts",
            f"{base}/multi-stream-input",
            [{"text": "Hi. ", "context_id": "a"}, {"close_socket": True}],
            "isFinal",
        ),
    )
    for name, path, messages, last in cases:
        assert talk(name, path, messages)[-1][last], path
    settings = {"model": "speech-02-hd", "voice_setting": {"voice_id": voice}}
    spoken = talk(
        "minimaxSpeech",
        "/ws/v1/t2a_v2",
        [
            {"event": "task_start", **settings},
            {"event": "task_continue", "text": "Good morning."},
            {"event": "task_finish"},
        ],
    )
    kinds = [each["event"] for each in spoken]
    assert kinds[:2] == ["connected_success", "task_started"]
    assert kinds[-1] == "task_finished"
    failed = talk("minimaxSpeech", "/ws/v1/t2a_v2", [{"event": "task_continue", "text": "a"}])
    assert failed[-1]["event"] == "task_failed"


def ended(site: Site, account: Account) -> Task:
    """The account's newest speech task, once it has ended."""
    deadline = time.monotonic() + 20
    while True:
        with site.api.database.read() as session:
            query = select(Task).where(Task.account_id == account.id, Task.kind == "audio")
            task = session.scalars(query.order_by(Task.created_at.desc())).first()
            if task is not None and task.ended_at is not None:
                session.expunge(task)
                return task
        assert time.monotonic() < deadline
        time.sleep(0.05)
