"""The API of MiniMax, with a worker that is only pretended."""

from __future__ import annotations

import io
import json
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from soundclone.core import ledger
from soundclone.db.models import NumberedFile, Task, Upload, Voice

from .conftest import Account, Api, serve
from .pretended import AUDIO, ERRORS, PretendedWorker

SPEECH = {"model": "speech-2.8-hd", "text": "Good morning. It rains."}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    yield from serve(tmp_path_factory.mktemp("minimax"))


@pytest.fixture(scope="module")
def worker(api: Api) -> Iterator[PretendedWorker]:
    thread = PretendedWorker(api)
    thread.start()
    yield thread
    thread.stopping.set()
    thread.join()


@pytest.fixture
def account(api: Api, worker: PretendedWorker) -> Account:
    return api.new_account()


def call(api: Api, key: str, path: str, body: Any = None, **options: Any) -> dict[str, Any]:
    """The answer to a request, which has status 200 and a `base_resp`."""
    method = "GET" if body is None and not options else "POST"
    response = api.send(method, path, key=key, body=body, **options)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    assert set(answer["base_resp"]) == {"status_code", "status_msg"}
    assert response.headers["Trace-Id"] == response.headers["X-Request-Id"]
    return answer


def refusal(api: Api, key: str, path: str, body: Any = None, **options: Any) -> tuple[int, str]:
    """Code and sentence of an answer that refuses."""
    answer = call(api, key, path, body, **options)
    assert not {"data", "file", "task_id", "demo_audio"} & set(answer)
    return answer["base_resp"]["status_code"], answer["base_resp"]["status_msg"]


def upload(api: Api, key: str, data: bytes = b"speech", purpose: str = "voice_clone") -> int:
    """The number of an uploaded file."""
    answer = call(
        api,
        key,
        "/v1/files/upload",
        data={"purpose": purpose},
        files={"file": ("a b.mp3", data)},
    )
    assert answer["base_resp"]["status_code"] == 0, answer
    number = answer["file"]["file_id"]
    assert isinstance(number, int)
    return number


def clone(api: Api, key: str, voice_id: str, **fields: Any) -> dict[str, Any]:
    """The answer to a request for a voice."""
    body = {"file_id": upload(api, key), "voice_id": voice_id, **fields}
    return call(api, key, "/v1/voice_clone", body)


@pytest.fixture
def voice(api: Api, account: Account) -> str:
    """The id of a voice of the account."""
    assert clone(api, account.key, "Anna-voice_1")["base_resp"]["status_code"] == 0
    return "Anna-voice_1"


def speech(voice: str, **fields: Any) -> dict[str, Any]:
    """The body of a request for speech."""
    return {**SPEECH, "voice_setting": {"voice_id": voice}, **fields}


def balance(api: Api, account: Account) -> ledger.Balance:
    with api.database.read() as session:
        return ledger.balance(session, account.id)


# Voices


def test_a_clone_has_the_id_that_the_client_chose(api: Api, account: Account) -> None:
    body = {
        "file_id": str(upload(api, account.key)),
        "voice_id": "Anna-voice_1",
        "text": "Hello, it is me.",
        "model": "speech-2.8-hd",
        "clone_prompt": {"prompt_audio": 1, "prompt_text": "a"},
        "need_noise_reduction": True,
    }
    response = api.send("POST", "/minimax/v1/voice_clone", body=body, key=account.key)
    answer = response.json()
    assert answer["base_resp"] == {"status_code": 0, "status_msg": "success"}
    assert (answer["input_sensitive"], answer["input_sensitive_type"]) == (False, 0)
    assert response.headers["X-Soundclone-Ignored"] == "clone_prompt"
    demo = api.client.get(answer["demo_audio"].removeprefix("http://testserver"))
    assert demo.content == AUDIO
    listed = call(api, account.key, "/v1/get_voice", {"voice_type": "all"})
    assert (listed["system_voice"], listed["voice_generation"]) == ([], [])
    (one,) = listed["voice_cloning"]
    assert (one["voice_id"], one["voice_name"]) == ("Anna-voice_1", "Anna-voice_1")
    assert one["created_time"] == time.strftime("%Y-%m-%d", time.gmtime())
    assert call(api, account.key, "/v1/get_voice", {"voice_type": "system"})["voice_cloning"] == []
    # Other interfaces know the voice by its name.
    names = api.get("/v1/audio/voices", account.key)[1]["voices"]
    assert [each["name"] for each in names] == ["Anna-voice_1"]
    assert balance(api, account).used == 16_000  # micro-credits


def test_an_id_is_taken_once(api: Api, account: Account, voice: str) -> None:
    before = balance(api, account)
    answer = clone(api, account.key, voice)
    assert answer["base_resp"]["status_code"] == 2039
    assert call(api, account.key, "/v1/delete_voice", {"voice_id": voice}) == {
        "voice_id": voice,
        "created_time": time.strftime("%Y-%m-%d", time.gmtime()),
        "base_resp": {"status_code": 0, "status_msg": "success"},
    }
    answer = clone(api, account.key, voice)
    assert answer["base_resp"]["status_code"] == 2039
    assert "was deleted" in answer["base_resp"]["status_msg"]
    assert refusal(api, account.key, "/v1/t2a_v2", speech(voice))[0] == 20132
    assert balance(api, account) == before
    stranger = api.new_account()
    assert clone(api, stranger.key, voice)["base_resp"]["status_code"] == 0


def test_an_unused_voice_that_expired_frees_its_id(api: Api, account: Account, voice: str) -> None:
    with api.database.transaction() as session:
        owned = update(Voice).where(Voice.account_id == account.id)
        session.execute(owned.values(expires_at=time.time() - 1))
    assert refusal(api, account.key, "/v1/t2a_v2", speech(voice))[0] == 20132
    assert clone(api, account.key, voice)["base_resp"]["status_code"] == 0


def test_a_failed_clone_frees_its_id_and_costs_nothing(api: Api, account: Account) -> None:
    for data, code in ((b"short", 2037), (b"protected", 2038)):
        body = {"file_id": upload(api, account.key, data), "voice_id": "Anna-voice_1"}
        found, message = refusal(api, account.key, "/v1/voice_clone", body)
        assert (found, message) == (code, ERRORS[data].message)
    assert balance(api, account).used == 0
    assert clone(api, account.key, "Anna-voice_1")["base_resp"]["status_code"] == 0


def test_an_equal_request_waits_for_the_same_voice(
    api: Api, account: Account, worker: PretendedWorker
) -> None:
    body = {"file_id": upload(api, account.key), "voice_id": "Anna-voice_1"}
    answers: list[dict[str, Any]] = []

    def ask() -> None:
        answers.append(call(api, account.key, "/v1/voice_clone", body))

    worker.paused.set()
    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    other = {**body, "text": "Something else."}
    assert refusal(api, account.key, "/v1/voice_clone", other)[0] == 2039
    worker.paused.clear()
    for thread in threads:
        thread.join()
    assert [each["base_resp"]["status_code"] for each in answers] == [0, 0, 0]
    with api.database.read() as session:
        made = select(Task).where(Task.account_id == account.id)
        assert len(session.scalars(made).all()) == 1


@pytest.mark.parametrize(
    "voice_id",
    [
        "short",
        "1anna-voice",
        "anna-voice-",
        "anna voice",
        "a" * 257,
        "anna\0voice",
        "model_" + "0" * 32,
    ],
)
def test_ids_of_another_form(api: Api, account: Account, voice_id: str) -> None:
    body = {"file_id": 1, "voice_id": voice_id}
    code, message = refusal(api, account.key, "/v1/voice_clone", body)
    assert (code, message.startswith("voice_id is ")) == (2013, True)


def test_a_consent_that_the_service_requires(tmp_path: Path) -> None:
    for api in serve(tmp_path, consent="declared"):
        key = api.new_account().key
        body = {"file_id": upload(api, key), "voice_id": "Anna-voice_1"}
        code, message = refusal(api, key, "/v1/voice_clone", body)
        assert (code, "consent is missing" in message) == (2038, True)


def test_a_voice_cannot_be_described(api: Api, account: Account) -> None:
    body = {"prompt": "An old man", "preview_text": "Hello."}
    code, message = refusal(api, account.key, "/v1/voice_design", body)
    assert (code, "cannot be made from a description" in message) == (2013, True)


# Speech


def test_speech_as_hex(api: Api, account: Account, voice: str, worker: PretendedWorker) -> None:
    body = speech(
        voice,
        stream=False,
        audio_setting={"format": "mp3", "sample_rate": 32000, "bitrate": 64000, "channel": 2},
        language_boost="English",
    )
    body["voice_setting"] |= {"speed": 1, "vol": 2.5, "pitch": -3.0, "emotion": "calm"}
    answer = call(api, account.key, "/v1/t2a_v2?GroupId=17", body)
    assert bytes.fromhex(answer["data"]["audio"]) == AUDIO
    assert "status" not in answer
    assert (answer["data"]["status"], "audio_url" in answer["data"]) == (2, False)
    assert answer["extra_info"] == {
        "audio_length": 3500,
        "audio_sample_rate": 32000,
        "audio_size": len(AUDIO),
        "bitrate": 64000,
        "audio_format": "mp3",
        "audio_channel": 2,
        "invisible_character_ratio": 0,
        "usage_characters": len(SPEECH["text"]),
        "word_count": 4,
    }
    options = worker.seen[-1].options
    assert (options.emotion, options.speed, options.volume, options.pitch) == (
        "neutral",
        1,
        2.5,
        -3,
    )
    assert (options.sample_rate, options.bit_rate, options.channels) == (32000, 64000, 2)


def test_speech_as_a_link_with_subtitles(api: Api, account: Account, voice: str) -> None:
    body = speech(voice, output_format="url", subtitle_enable=True, subtitle_type="word")
    data = call(api, account.key, "/v1/t2a_v2", body)["data"]
    read = api.client.get
    assert read(data["audio"].removeprefix("http://testserver")).content == AUDIO
    response = read(data["subtitle_file"].removeprefix("http://testserver"))
    first, second = response.json()
    assert (first["text"], first["text_begin"], first["text_end"]) == ("Good morning.", 0, 13)
    assert (first["time_begin"], first["time_end"]) == (0, 190)
    assert [each["word"] for each in first["timestamped_words"]] == ["Good", "morning."]
    assert second["text"] == "It rains."
    assert read(data["subtitle_file"].partition("&")[0]).status_code == 422
    body["subtitle_type"] = "sentence"
    link = call(api, account.key, "/v1/t2a_v2", body)["data"]["subtitle_file"]
    (row,) = read(link.removeprefix("http://testserver")).json()
    assert (row["text"], row["timestamped_words"]) == (SPEECH["text"], None)


def events(text: str) -> list[dict[str, Any]]:
    """The events of a stream."""
    blocks = text.removesuffix("\n\n").split("\n\n")
    assert all(block.startswith("data: ") for block in blocks)
    return [json.loads(block.removeprefix("data: ")) for block in blocks]


def test_speech_as_a_stream(api: Api, account: Account, voice: str) -> None:
    body = speech(voice, stream=True, subtitle_enable=True, audio_setting={"format": "pcm"})
    response = api.send("POST", "/v1/t2a_v2", body=body, key=account.key)
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert response.headers["X-Soundclone-Ignored"] == "subtitle_enable"
    *parts, last = events(response.text)
    assert len(parts) > 2
    assert b"".join(bytes.fromhex(each["data"]["audio"]) for each in parts) == AUDIO
    assert {each["data"]["status"] for each in parts} == {1}
    assert all("extra_info" not in each for each in parts)
    assert last["data"] == {"audio": "", "status": 2}
    assert last["extra_info"]["audio_size"] == len(AUDIO)
    assert {each["base_resp"]["status_code"] for each in (*parts, last)} == {0}


def test_errors_of_speech(api: Api, account: Account, voice: str) -> None:
    before = balance(api, account).used
    bad: list[tuple[dict[str, Any], int, str]] = [
        ({"text": ""}, 2013, "the text is empty"),
        ({"text": "a" * 10_001}, 2013, "10,001 characters; at most 10,000"),
        ({"text": "a <#100#>"}, 2013, "pause marker"),
        ({"text": "\ud800"}, 2013, "surrogate"),
        ({"text": "stumble"}, 1000, "was not spoken"),
        ({"model": "gpt-4o"}, 2013, "model is 'gpt-4o'"),
        ({"language_boost": "Klingon"}, 2013, "Klingon"),
        ({"voice_setting": {}}, 2013, "voice_id is missing"),
        ({"voice_setting": {"voice_id": "nobody-here"}}, 20132, "there is no voice"),
        ({"voice_setting": {"voice_id": "model_" + "0" * 32}}, 20132, "there is no voice"),
        ({"voice_setting": {"voice_id": voice, "speed": 3}}, 2013, "from 0.5 to 2"),
        ({"voice_setting": {"voice_id": voice, "pitch": 1.5}}, 2013, "pitch is 1.5"),
        ({"voice_setting": {"voice_id": voice, "emotion": "bored"}}, 2013, "bored"),
        ({"audio_setting": {"sample_rate": 12345}}, 2013, "sample_rate is 12345"),
        ({"audio_setting": {"format": "exe"}}, 2013, "format is 'exe'"),
        ({"pronunciation_dict": {"tone": ["x"]}}, 2013, "written/spoken"),
        ({"pronunciation_dict": {"tone": "x/y"}}, 2013, "tone is 'x/y'"),
        ({"timbre_weights": [{"voice_id": "a"}, {"voice_id": "b"}]}, 2013, "cannot be mixed"),
    ]
    for fields, code, sentence in bad:
        found, message = refusal(api, account.key, "/v1/t2a_v2", speech(voice, **fields))
        assert (found, sentence in message) == (code, True), message
    assert balance(api, account).used == before
    for body in (b"[" * 100_000, b"\xff", b"[]", b"null", b'{"text": NaN}'):
        assert refusal(api, account.key, "/v1/t2a_v2", body)[0] == 2013
    assert refusal(api, "sk_" + "0" * 43, "/v1/t2a_v2", speech(voice))[0] == 1004
    assert refusal(api, account.key, "/minimax/v1/t2a_v3", speech(voice))[0] == 2013
    assert refusal(api, account.key, "/v1/t2a_v2", b" " * 400_000)[0] == 2013


def test_an_account_without_credit(api: Api, worker: PretendedWorker) -> None:
    poor = api.new_account(0)
    body = {"file_id": upload(api, poor.key), "voice_id": "Anna-voice_1"}
    assert refusal(api, poor.key, "/v1/voice_clone", body)[0] == 1008
    remains = call(api, poor.key, "/v1/token_plan/remains")
    assert (remains["model_remains"], remains["balance"]) == ([], 0)


def test_pronunciations_are_spoken_and_charged(
    api: Api, account: Account, voice: str, worker: PretendedWorker
) -> None:
    body = speech(
        voice,
        text="omg, it is <#1#> romg.",
        pronunciation_dict={"tone": ["omg/oh my god", "处理/(chu3)(li3)"]},
        output_format="url",
    )
    response = api.send("POST", "/v1/t2a_v2", body=body, key=account.key)
    assert response.headers["X-Soundclone-Ignored"] == "pronunciation_dict"
    spoken = "oh my god, it is <#1#> romg."
    assert worker.seen[-1].text == spoken
    assert response.json()["extra_info"]["usage_characters"] == len(spoken) - len("<#1#>")


# Long texts and files


def test_a_long_text(api: Api, account: Account, voice: str, worker: PretendedWorker) -> None:
    body = speech(voice, audio_setting={"audio_sample_rate": 44100, "format": "mp3"})
    worker.paused.set()
    made = call(api, account.key, "/v1/t2a_async_v2", body)
    number = made["task_id"]
    assert (made["file_id"], made["usage_characters"]) == (number, len(SPEECH["text"]))
    query = f"/v1/query/t2a_async_query_v2?task_id={number}"
    assert call(api, account.key, query)["status"] == "Processing"
    retrieve = f"/v1/files/retrieve?file_id={number}"
    code, message = refusal(api, account.key, retrieve)
    assert (code, "is not made yet" in message) == (2013, True)
    worker.paused.clear()
    deadline = time.monotonic() + 20
    while call(api, account.key, query)["status"] == "Processing":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    ended = call(api, account.key, query.partition("?")[0], {"task_id": str(number)})
    assert (ended["status"], ended["file_id"], ended["task_id"]) == ("Success", number, number)
    assert worker.seen[-1].options.channels == 2
    file = call(api, account.key, retrieve)["file"]
    assert (file["file_id"], file["purpose"]) == (number, "t2a_async")
    by_link = api.client.get(file["download_url"].removeprefix("http://testserver"))
    content = f"/v1/files/retrieve_content?file_id={number}"
    assert api.send("GET", content, key=account.key).content == by_link.content
    assert file["bytes"] == len(by_link.content)
    with tarfile.open(fileobj=io.BytesIO(by_link.content)) as archive:
        found = {each.name: archive.extractfile(each) for each in archive.getmembers()}
        read = {name: file.read() for name, file in found.items() if file}
    assert read["speech.mp3"] == AUDIO
    (title,) = json.loads(read["speech.titles"])
    assert title["text"] == SPEECH["text"]
    assert json.loads(read["speech.extra"])["audio_size"] == len(AUDIO)
    assert refusal(api, api.new_account().key, retrieve)[0] == 2013
    deleted = call(api, account.key, "/v1/files/delete", {"file_id": number})
    assert (deleted["file_id"], deleted["deleted"]) == (number, True)
    assert refusal(api, account.key, query)[0] == 2013
    gone = api.client.get(file["download_url"].removeprefix("http://testserver"))
    assert gone.status_code == 404


def test_a_long_text_that_fails_or_expires(api: Api, account: Account, voice: str) -> None:
    made = call(api, account.key, "/v1/t2a_async_v2", speech(voice, text="stumble"))
    query = f"/v1/query/t2a_async_query_v2?task_id={made['task_id']}"
    while (state := call(api, account.key, query))["status"] == "Processing":
        time.sleep(0.05)
    assert state["status"] == "Failed"
    assert "was not spoken" in state["base_resp"]["status_msg"]
    with api.database.transaction() as session:
        ended = update(Task).where(Task.id == made["task_token"])
        session.execute(ended.values(expires_at=time.time() - 1))
    assert call(api, account.key, query)["status"] == "Expired"


def test_a_text_from_a_file(
    api: Api, account: Account, voice: str, worker: PretendedWorker
) -> None:
    number = upload(api, account.key, "\ufeffVom Blatt.".encode(), "t2a_async_input")
    body = speech(voice, text_file_id=number)
    assert refusal(api, account.key, "/v1/t2a_async_v2", body)[0] == 2013
    del body["text"]
    made = call(api, account.key, "/v1/t2a_async_v2", body)
    assert made["usage_characters"] == len("Vom Blatt.")
    body["text_file_id"] = upload(api, account.key, zipped({"a/b.txt": "Vom Archiv."}))
    assert call(api, account.key, "/v1/t2a_async_v2", body)["usage_characters"] == 11
    locked = bytearray(zipped({"a.txt": "secret"}))
    locked[6] |= 1  # encrypted, in the local header
    locked[locked.index(b"PK\1\2") + 8] |= 1
    for data, sentence in (
        (b"\xff", "no text in UTF-8"),
        (b"PK\3\4\xff", "cannot be unpacked"),
        (zipped({"a.txt": "A" * 80_001}), "at most 10,000"),
        (zipped({"a.txt": "A", "b.txt": "B"}), "has 2 .txt files; the archive must have one"),
        (zipped({"__MACOSX/a.txt": "A", "b.json": "{}", "c/.d.txt": ""}), "has 0 .txt files"),
        (zipped({"a.txt": "A"})[:-30], "cannot be unpacked"),
        (zipped({"a.txt": "A"}, zipfile.ZIP_LZMA), "cannot be unpacked"),
        (bytes(locked), "cannot be unpacked"),
        (b"a" * 80_001, "at most 10,000"),
    ):
        body["text_file_id"] = upload(api, account.key, data)
        code, message = refusal(api, account.key, "/v1/t2a_async_v2", body)
        assert (code, sentence in message) == (2013, True)
    assert (
        "text is missing"
        in refusal(api, account.key, "/v1/t2a_async_v2", speech(voice, text=""))[1]
    )


def zipped(texts: dict[str, str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of texts, by their names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def test_files(api: Api, account: Account) -> None:
    first, second = upload(api, account.key), upload(api, account.key, purpose="prompt_audio")
    listed = call(api, account.key, "/v1/files/list")["files"]
    assert [each["file_id"] for each in listed] == [second, first]
    assert (listed[1]["filename"], listed[1]["bytes"]) == ("a b.mp3", 6)
    only = call(api, account.key, "/v1/files/list?purpose=prompt_audio")["files"]
    assert [each["file_id"] for each in only] == [second]
    file = call(api, account.key, f"/v1/files/retrieve?file_id={first}")["file"]
    link = file["download_url"].removeprefix("http://testserver")
    assert api.client.get(link).content == b"speech"
    call(api, account.key, "/v1/files/delete", {"file_id": first, "purpose": "voice_clone"})
    assert api.client.get(link).status_code == 404
    for number in (first, 0, -1, 2**63, 10**30, "x", "1e3", "%00"):
        assert refusal(api, account.key, f"/v1/files/retrieve?file_id={number}")[0] == 2013
    assert refusal(api, account.key, "/v1/files/list?purpose=%00")[0] == 2013
    with api.database.read() as session:
        numbers = select(NumberedFile.number).join(Upload, Upload.key == NumberedFile.upload_key)
        assert first not in session.scalars(numbers).all()


@pytest.mark.parametrize(
    "form",
    [
        {"data": {"purpose": "voice_clone"}},
        {"data": {"purpose": "voice_clone", "file": "a.mp3"}},
        {"data": {"purpose": "\0"}, "files": {"file": ("a", b"a")}},
        {"files": {"file": ("a", b"")}},
        {"body": {"file": "a"}},
    ],
)
def test_uploads_of_another_form(api: Api, account: Account, form: dict[str, Any]) -> None:
    assert refusal(api, account.key, "/v1/files/upload", **form)[0] == 2013


# WebSocket


def test_a_conversation(api: Api, account: Account, voice: str) -> None:
    headers = {"Authorization": f"Bearer {account.key}"}
    with api.client.websocket_connect("/ws/v1/t2a_v2", headers=headers) as socket:
        hello = socket.receive_json()
        assert (hello["event"], hello["base_resp"]["status_code"]) == ("connected_success", 0)
        start = {"event": "task_start", **speech(voice), "text": None}
        socket.send_json(start)
        assert socket.receive_json()["event"] == "task_started"
        for text in ("Good morning.", "It rains."):
            socket.send_json({"event": "task_continue", "text": text})
            audio = b""
            message: dict[str, Any] = {"is_final": False}
            while not message["is_final"]:
                message = socket.receive_json()
                assert message["event"] == "task_continued"
                audio += bytes.fromhex(message["data"]["audio"])
            assert audio == AUDIO
            assert message["extra_info"]["usage_characters"] == len(text)
        socket.send_json({"event": "task_finish"})
        assert socket.receive_json()["event"] == "task_finished"
        assert socket.receive()["type"] == "websocket.close"


def test_a_deleted_voice_is_named_by_its_id(api: Api, account: Account, voice: str) -> None:
    call(api, account.key, "/v1/delete_voice", {"voice_id": voice})
    code, sentence = refusal(api, account.key, "/v1/t2a_v2", speech(voice))
    assert code == 20132
    assert sentence.startswith(f"voice {voice} was deleted on ")


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["{"], 2013),
        (["[" * 50_000], 2013),
        (['{"event": "task_continue", "text": "a"}'], 2013),
        (['{"event": "task_start"}'], 2013),
        (
            ['{"event": "task_start", "model": "speech-01", "voice_setting": {"voice_id": "b"}}'],
            20132,
        ),
    ],
)
def test_messages_that_are_wrong(
    api: Api, account: Account, messages: list[str], code: int
) -> None:
    headers = {"Authorization": f"Bearer {account.key}"}
    with api.client.websocket_connect("/minimax/ws/v1/t2a_v2", headers=headers) as socket:
        socket.receive_json()
        for message in messages:
            socket.send_text(message)
        failed = socket.receive_json()
        assert (failed["event"], failed["base_resp"]["status_code"]) == ("task_failed", code)
        assert socket.receive()["type"] == "websocket.close"


def test_an_account_has_a_limit_of_sockets(tmp_path: Path) -> None:
    for api in serve(tmp_path, sockets_per_account=1):
        headers = {"Authorization": f"Bearer {api.new_account().key}"}
        for _ in range(2):  # the second time, the first socket is closed
            with api.client.websocket_connect("/ws/v1/t2a_v2", headers=headers) as first:
                assert first.receive_json()["event"] == "connected_success"
                with api.client.websocket_connect("/ws/v1/t2a_v2", headers=headers) as second:
                    failed = second.receive_json()
                assert (failed["event"], failed["base_resp"]["status_code"]) == (
                    "task_failed",
                    1002,
                )
                first.send_json({"event": "task_finish"})
                assert first.receive_json()["event"] == "task_finished"
                assert first.receive()["type"] == "websocket.close"


def test_a_conversation_without_a_key(api: Api) -> None:
    with api.client.websocket_connect("/ws/v1/t2a_v2") as socket:
        failed = socket.receive_json()
        assert (failed["event"], failed["base_resp"]["status_code"]) == ("task_failed", 1004)


def test_a_client_that_leaves_cancels_the_speech(
    api: Api, account: Account, voice: str, worker: PretendedWorker
) -> None:
    worker.paused.set()
    headers = {"Authorization": f"Bearer {account.key}"}
    with api.client.websocket_connect("/ws/v1/t2a_v2", headers=headers) as socket:
        socket.receive_json()
        socket.send_json({"event": "task_start", **speech(voice)})
        socket.receive_json()
        socket.send_json({"event": "task_continue", "text": "Hello."})
        time.sleep(0.3)
    deadline = time.monotonic() + 10
    while balance(api, account).held:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    worker.paused.clear()


def test_the_front_can_be_switched_off(tmp_path: Path) -> None:
    for api in serve(tmp_path, fronts="openai"):
        key = api.new_account().key
        for path in ("/v1/t2a_v2", "/minimax/v1/t2a_v2"):
            code, sentence = refusal(api, key, path, {})
            assert (code, "is switched off" in sentence) == (2013, True)
