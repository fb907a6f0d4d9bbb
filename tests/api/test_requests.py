"""Every kind of request, right and wrong, as the contract's page answers it."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest

from soundclone.core import keys

from .conftest import Account, Api

API = "/api/open-api/v1"
CLONES = f"{API}/soundCloning/clones"
AUDIOS = f"{API}/soundCloning/audios"
SOURCE = "https://example.com/voice.mp3"


def refused(
    api: Api, answer: tuple[int, Any], code: int, status: int, word: str, *said: str
) -> None:
    got, body = answer
    assert body["code"] == code, body
    assert body["data"]["errorCode"] == word, body
    assert got == (status if api.real else 200)
    for text in said:
        assert text in body["msg"], body["msg"]


def test_a_preview_is_accepted(api: Api, key: str) -> None:
    status, body = api.post(CLONES, {"fileUrl": SOURCE, "contentText": "Hello."}, key)
    data = body["data"]
    assert (status, body["code"], body["msg"]) == (200, 20000, "ok")
    assert data["id"].startswith("audio_")
    uuid.UUID(data["id"].removeprefix("audio_"))
    assert (data["object"], data["model"], data["status"]) == (
        "audio",
        "soundCloningClone",
        "queued",
    )
    assert data["error"] is None
    assert abs(data["created"] - time.time()) < 60
    assert data["cost"] == 6 * 10 / 10_000
    again = api.get(f"{API}/audios/{data['id']}", key)[1]["data"]
    assert again["id"] == data["id"]
    assert "modelId" not in again


def test_fields_that_are_not_known_are_ignored(api: Api, key: str) -> None:
    body = {"fileUrl": SOURCE, "contentText": "Hello.", "webhook": "x", "debug": True}
    assert api.post(CLONES, body, key)[1]["code"] == 20000


@pytest.mark.parametrize(
    ("authorization", "said"),
    [
        (None, "no API key"),
        ("sk_wrong", "5 characters after sk_; a key has 43"),
        ("pk_" + "0" * 43, "begins with sk_"),
        ("sk_" + "-" * 43, "letters and digits"),
        ("sk_" + "A" * 43, "mistyped"),
        pytest.param(keys.generate(), "not known", id="unknown key"),
    ],
)
def test_no_key_or_a_wrong_one(api: Api, authorization: str | None, said: str) -> None:
    answer = api.get(f"{API}/user/balance", authorization)
    refused(api, answer, 20001, 401, "unauthenticated", "key", said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fileUrl": None}, ["fileUrl is null"]),
        ({"fileUrl": ""}, ["fileUrl is empty"]),
        ({"fileUrl": "/home/me/voice.mp3"}, ["http"]),
        ({"fileUrl": "file:///etc/passwd"}, ["'file'", "http"]),
        ({"fileUrl": "ftp://example.com/a.mp3"}, ["'ftp'", "http"]),
        ({"fileUrl": "https://example.com/录音.mp3"}, ["Chinese", "percent-encode"]),
        ({"fileUrl": "https://" + "a" * 3000}, ["2048"]),
        ({"fileUrl": "https:///a.mp3"}, ["host"]),
        ({"fileUrl": "https://me:secret@example.com/a.mp3"}, ["user name"]),
        ({"contentText": "x" * 271}, ["271", "270"]),
        ({"contentText": "..."}, ["nothing to speak"]),
        ({"contentText": "a <#0#> b"}, ["<#0#>"]),
        ({"contentText": "a <#1.234#> b"}, ["<#1.234#>"]),
        ({"contentText": 5}, ["contentText is 5"]),
        ({"contentText": "\ud800"}, ["surrogate"]),
        ({"soundVersion": "v3"}, ["'v3'", '"v1" or "v2"']),
        ({"soundVersion": 1}, ["soundVersion is 1"]),
        ({"language": "Klingon"}, ["Klingon"]),
        ({"language": "Swedish"}, ["Swedish", "v2"]),
        ({"language": 7}, ["language is 7"]),
    ],
)
def test_a_wrong_preview_request(
    api: Api, key: str, change: dict[str, Any], said: list[str]
) -> None:
    body = {"fileUrl": SOURCE, "contentText": "Hello."} | change
    refused(api, api.post(CLONES, body, key), 20002, 422, "invalid_parameter", *said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"emotion": "bored"}, ["'bored'", "happy"]),
        ({"speed": 0.49}, ["0.49", "0.5 to 2"]),
        ({"speed": 2.01}, ["2.01"]),
        ({"speed": "fast"}, ["'fast'"]),
        ({"speed": True}, ["speed is true"]),
        ({"vol": 0}, ["vol is 0", "above 0"]),
        ({"vol": 10.5}, ["10.5"]),
        ({"pitch": 13}, ["13", "-12 to 12"]),
        ({"pitch": 1.5}, ["1.5", "whole"]),
        ({"subtitleEnable": "yes"}, ["'yes'"]),
        ({"subtitleEnable": 1}, ["subtitleEnable is 1"]),
        ({"subtitleType": "line"}, ["'line'", "word"]),
        ({"format": "aac"}, ["'aac'", "mp3, wav, flac, ogg"]),
        ({"contentText": None}, ["contentText is null"]),
        ({"contentText": ""}, ["empty"]),
        ({"modelId": None}, ["modelId is null"]),
        ({"sampleRate": 11_025}, ["11025", "44100"]),
        ({"sampleRate": "44100"}, ["'44100'"]),
        ({"sampleRate": 44_100, "format": "ogg"}, ["44100", "ogg", "48000"]),
        ({"channel": 3}, ["channel is 3", "1 or 2"]),
        ({"channel": True}, ["channel is true"]),
        ({"contentText": "x" * 10_001}, ["10,001", "10,000"]),
        ({"textFormat": "html"}, ["'html'", "plain"]),
        ({"textFormat": "ssml"}, ["SSML, line 1, column 1"]),
        (
            {"textFormat": "ssml", "contentText": "<speak>\n<mark name='a'/></speak>"},
            ["SSML, line 2, column 1: <mark> is not supported"],
        ),
        ({"textFormat": "ssml", "contentText": "<speak><break/></speak>"}, ["nothing to speak"]),
        ({"modelId": 5}, ["modelId is 5"]),
    ],
)
def test_a_wrong_production_request(
    api: Api, key: str, change: dict[str, Any], said: list[str]
) -> None:
    body = {"modelId": f"model_{'0' * 32}", "contentText": "Hello."} | change
    refused(api, api.post(AUDIOS, body, key), 20002, 422, "invalid_parameter", *said)


@pytest.mark.parametrize("model", [f"model_{'0' * 32}", "model_x", "", "../etc", "\x00", "é" * 500])
def test_an_unknown_voice(api: Api, key: str, model: str) -> None:
    answer = api.post(AUDIOS, {"modelId": model, "contentText": "Hello."}, key)
    refused(api, answer, 20002, 404, "not_found", "no voice")


def test_missing_fields(api: Api, key: str) -> None:
    refused(api, api.post(CLONES, {}, key), 20002, 422, "invalid_parameter", "fileUrl is missing")
    refused(
        api,
        api.post(AUDIOS, {"modelId": "model_x"}, key),
        20002,
        422,
        "invalid_parameter",
        "contentText is missing",
    )


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b'"x"', b"\xff\xfe", b"[" * 100_000])
def test_bodies_that_are_no_object(api: Api, key: str, body: bytes) -> None:
    status, answer = api.post(CLONES, body, key)
    assert answer["code"] == 20002, answer
    assert status == 200 or (api.real and status in (400, 422))


def test_limits_are_exact(api: Api, key: str) -> None:
    body = {"fileUrl": SOURCE, "contentText": "é<#1.5#>" + "x" * 269}
    data = api.post(CLONES, body, key)[1]["data"]
    assert data["cost"] == 0.27
    body = {"modelId": f"model_{'0' * 32}", "contentText": "x" * 10_000}
    assert api.post(AUDIOS, body, key)[1]["data"]["errorCode"] == "not_found"


def test_a_default_line_is_charged(api: Api, key: str) -> None:
    for language in ("auto", "English", "Chinese"):
        data = api.post(CLONES, {"fileUrl": SOURCE, "language": language}, key)[1]["data"]
        assert data["cost"] > 0.01, language


@pytest.mark.parametrize(
    "task", [f"audio_{uuid.UUID(int=7)}", "audio_x", "x" * 300, "%00", "a%2Fb"]
)
def test_an_unknown_task(api: Api, key: str, task: str) -> None:
    status, body = api.get(f"{API}/audios/{task}", key)
    assert body["code"] == 20002
    assert status == (404 if api.real else 200)


def test_a_foreign_task_is_an_unknown_one(api: Api, key: str) -> None:
    task = api.post(CLONES, {"fileUrl": SOURCE}, key)[1]["data"]["id"]
    stranger = api.new_account(1).key
    foreign = api.get(f"{API}/audios/{task}", stranger)
    refused(api, foreign, 20002, 404, "not_found")
    other = f"audio_{uuid.uuid4()}"
    unknown = api.get(f"{API}/audios/{other}", stranger)[1]
    assert foreign[1]["msg"] == unknown["msg"].replace(other, task)
    answer = api.request("DELETE", f"{API}/audios/{task}", key=stranger)
    assert (answer[0], answer[1]["data"]["errorCode"]) == (404, "not_found")


def test_cancel(api: Api, key: str) -> None:
    before = api.get(f"{API}/user/balance", key)[1]["data"]["available"]
    task = api.post(CLONES, {"fileUrl": SOURCE}, key)[1]["data"]["id"]
    assert api.get(f"{API}/user/balance", key)[1]["data"]["available"] < before
    for _ in range(2):
        status, body = api.request("DELETE", f"{API}/audios/{task}", key=key)
        assert (status, body["data"]["status"], body["data"]["errorCode"]) == (
            200,
            "failed",
            "cancelled",
        )
        assert body["data"]["cost"] == 0
    assert api.get(f"{API}/user/balance", key)[1]["data"]["available"] == before


def test_the_same_request_twice(api: Api, key: str) -> None:
    headers = [("Idempotency-Key", uuid.uuid4().hex)]
    body = {"fileUrl": SOURCE, "contentText": "Hello."}
    first = api.post(CLONES, body, key, headers)[1]["data"]["id"]
    assert api.post(CLONES, body, key, headers)[1]["data"]["id"] == first
    other = api.post(CLONES, body | {"contentText": "Goodbye."}, key, headers)
    refused(api, other, 20002, 409, "idempotency_conflict", "another request")
    wrong = api.post(CLONES, body, key, [("Idempotency-Key", "x" * 256)])
    refused(api, wrong, 20002, 422, "invalid_parameter", "255")


def test_no_money_no_task(api: Api) -> None:
    poor = api.new_account(0.005).key
    answer = api.post(CLONES, {"fileUrl": SOURCE, "contentText": "Hello."}, poor)
    refused(api, answer, -1, 402, "insufficient_balance", "0.006", "0.005")
    assert api.get(f"{API}/user/balance", poor)[1]["data"] == {
        "balance": 0.005,
        "used_coin": 0.0,
        "available": 0.005,
    }


def test_a_quota(api: Api, account: Account) -> None:
    made = api.new_account(0, account=account.id, quota="0.01")
    body = {"fileUrl": SOURCE, "contentText": "Hello."}
    assert api.post(CLONES, body, made.key)[1]["code"] == 20000
    answer = api.post(CLONES, body, made.key)
    refused(api, answer, -1, 402, "quota_exceeded", "quota")
    data = api.get(f"{API}/key/balance", made.key)[1]["data"]
    assert data == {
        "name": "test",
        "total_quota": 0.01,
        "used_quota": 0.0,
        "available_quota": 0.004,
        "unlimited": False,
    }
    with api.database.transaction() as session:
        keys.revoke(session, made.key_id)
    refused(
        api,
        api.get(f"{API}/key/balance", made.key),
        20001,
        401,
        "unauthenticated",
        "revoked",
    )


def test_an_upload_and_its_link(api: Api, key: str) -> None:
    data = upload(api, key, "my 录音.mp3", b"0123456789" * 100)["data"]
    assert (data["size"], data["filename"]) == (1000, "my 录音.mp3")
    assert data["mime_type"] == "audio/mpeg"
    assert data["url"].isascii()
    assert api.send("GET", data["url"]).content == b"0123456789" * 100
    part = api.send("GET", data["url"], headers=[("Range", "bytes=5-9")])
    assert (part.status_code, part.content) == (206, b"56789")
    assert api.send("GET", data["url"], headers=[("Range", "bytes=2000-")]).status_code == 416
    altered = data["url"].replace("expires=", "expires=1")
    assert api.get(altered)[0] == 404
    assert api.post(CLONES, {"fileUrl": data["url"]}, key)[1]["code"] == 20000


@pytest.mark.parametrize(
    ("name", "path", "saved"),
    [
        ("我的 录音.wav", "recording.wav", "%E6%88%91%E7%9A%84%20%E5%BD%95%E9%9F%B3.wav"),
        ("录音 (1).MP3", "1.MP3", "%E5%BD%95%E9%9F%B3%20%281%29.MP3"),
        ("café.ogg", "cafe.ogg", "caf%C3%A9.ogg"),
        ("voice.mp3", "voice.mp3", None),
        (".wav", "recording.wav", ".wav"),
        ("../../etc/pass wd", "pass-wd", "pass%20wd"),
        ("录音", "recording", "%E5%BD%95%E9%9F%B3"),
    ],
)
def test_an_upload_keeps_the_ending_of_its_name(
    api: Api, key: str, name: str, path: str, saved: str | None
) -> None:
    url = upload(api, key, name, b"0123456789")["data"]["url"]
    assert url.partition("?")[0].endswith(f"/{path}")
    header = f'inline; filename="{path}"'
    if saved:
        header += f"; filename*=UTF-8''{saved}"
    assert api.send("GET", url).headers["Content-Disposition"] == header
    assert api.post(CLONES, {"fileUrl": url}, key)[1]["code"] == 20000


def test_an_empty_upload(api: Api, key: str) -> None:
    body = upload(api, key, "a.mp3", b"")
    assert body["code"] == 20002
    assert "empty" in body["msg"]
    answer = api.post(f"{API}/files/upload", {}, key)
    refused(api, answer, 20002, 422, "invalid_parameter", "file is missing")


def upload(api: Api, key: str, name: str, content: bytes) -> Any:
    """Upload a file under a name that is sent as it is; the answer."""
    boundary = uuid.uuid4().hex
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: audio/mpeg\r\n\r\n"
    )
    return api.client.post(
        f"{API}/files/upload",
        content=head.encode() + content + f"\r\n--{boundary}--\r\n".encode(),
        headers={
            "Authorization": f"Bearer {key}",
            "Content-Type": f"multipart/form-data; boundary={boundary}",
        },
    ).json()


def test_a_body_that_is_too_long(api: Api, key: str) -> None:
    answer = api.post(CLONES, {"fileUrl": "x" * 310_000}, key)
    refused(api, answer, 20002, 413, "too_large", "300,000")
    body = {"fileUrl": SOURCE, "contentText": "a" + "<#0.01#>" * 2000}
    answer = api.post(CLONES, body, key)
    refused(api, answer, 20002, 422, "invalid_parameter", "16,001", "9,270")


def test_the_price_list(api: Api) -> None:
    status, body = api.get("/api/openapi/model/catalog?search=AUDIO")
    assert (status, body["code"]) == (200, 20000)
    (row,) = body["data"]["list"]
    assert row == {
        "model_name": "sound-cloning-audio",
        "display_name": "Production speech",
        "model_type": "audio",
        "price_mode": "per_10k_char",
        "unit_price": 2.0,
        "remark": row["remark"],
    }
    names = [row["model_name"] for row in api.get("/api/openapi/model/catalog")[1]["data"]["list"]]
    assert names == [
        "sound-cloning-clone",
        "sound-cloning-audio",
        "sound-cloning-voice",
        "sound-cloning-conversion",
    ]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{API}/nope"),
        ("POST", f"{API}/videos/generate"),
        ("GET", f"{API}/images/1"),
        ("GET", API),
        ("GET", "/api/openapi/nope"),
        ("GET", f"{API}/audios/a/b"),
    ],
)
def test_an_unknown_path_of_the_contract(api: Api, key: str, method: str, path: str) -> None:
    answer = api.request(method, path, key=key)
    refused(api, answer, 20002, 404, "not_found", f"nothing at '{path}'")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", CLONES, "POST"),
        ("GET", CLONES, "POST"),
        ("POST", f"{API}/user/balance", "GET"),
        ("POST", "/api/openapi/model/catalog", "GET"),
        ("PATCH", f"{API}/audios/audio_x", "DELETE, GET"),
    ],
)
def test_another_method_of_a_path_of_the_contract(
    api: Api, key: str, method: str, path: str, allowed: str
) -> None:
    answer = api.request(method, path, key=key)
    refused(api, answer, 20002, 405, "method_not_allowed", f"'{method}'", allowed)


def test_other_paths_and_methods_have_real_statuses(api: Api, key: str) -> None:
    for path in ("/nothing", "/api/other", "/v2/audio"):
        assert api.get(path)[0] == 404
    for path, allowed in (
        (f"{API}/voices", "GET"),
        (f"{API}/voices/model_x", "DELETE, PATCH"),
        (f"{API}/audios", "GET"),
        ("/files/uploads/x/a.wav", "GET, HEAD"),
        ("/static/swagger-ui/swagger-ui.css", "GET, HEAD"),
    ):
        answer = api.send("POST", path)
        assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
        assert answer.json()["data"]["errorCode"] == "method_not_allowed"


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_option_is_not_given(api: Api, key: str, empty: str | None) -> None:
    """Some clients send every option, also without a value."""
    names: tuple[str, ...] = ("contentText", "soundVersion", "language", "name")
    plain = api.post(CLONES, {"fileUrl": SOURCE}, key)[1]["data"]
    body = {"fileUrl": SOURCE} | dict.fromkeys(names, empty)
    status, answer = api.post(CLONES, body, key)
    assert (status, answer["code"]) == (200, 20000), answer
    assert answer["data"]["cost"] == plain["cost"]
    names = (
        *("soundVersion", "language", "emotion", "speed", "vol", "pitch"),
        *("subtitleEnable", "subtitleType", "format", "sampleRate", "channel"),
    )
    body = {"modelId": f"model_{'0' * 32}", "contentText": "Hello."} | dict.fromkeys(names, empty)
    assert api.post(AUDIOS, body, key)[1]["data"]["errorCode"] == "not_found"


def test_an_empty_option_does_not_change_a_repeated_request(api: Api, key: str) -> None:
    headers = [("Idempotency-Key", uuid.uuid4().hex)]
    first = api.post(CLONES, {"fileUrl": SOURCE}, key, headers)[1]["data"]["id"]
    body = {"fileUrl": SOURCE, "language": "", "contentText": None}
    assert api.post(CLONES, body, key, headers)[1]["data"]["id"] == first


def test_a_link_without_its_query(api: Api) -> None:
    status, body = api.get("/files/results/x/speech.mp3")
    assert (status, body["data"]["errorCode"]) == (422, "invalid_parameter")
    assert body["msg"] == (
        "expires is missing; it is part of a link to a file, which must be used as the service "
        "gave it"
    )


def test_without_a_worker_it_is_not_ready(api: Api) -> None:
    status, body = api.get("/readyz")
    assert (status, body["ready"]) == (503, False)
    assert body["checks"]["database"] == body["checks"]["storage"] == "ok"


def test_docs_ask_no_other_host(api: Api) -> None:
    page = api.send("GET", "/docs").text
    assert "http://" not in page
    assert "https://" not in page
    assert api.send("GET", "/static/swagger-ui/swagger-ui-bundle.js").status_code == 200


def test_voices_of_an_account_without_any(api: Api, key: str) -> None:
    assert api.get(f"{API}/voices", key)[1]["data"] == {"list": []}
    status, body = api.request("DELETE", f"{API}/voices/model_x", key=key)
    assert (status, body["data"]["errorCode"]) == (404, "not_found")
