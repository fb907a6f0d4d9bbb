"""Names, ranges and media types of files."""

from __future__ import annotations

import re

import pytest

from soundclone.api.files import (
    RangeNotSatisfiable,
    byte_range,
    content_type,
    disposition,
    safe_name,
)
from soundclone.api.uploads import space_of

from .conftest import Api
from .test_scopes import routes

UPLOAD = "/api/open-api/v1/files/upload"
PREFIXES = ("", "/v1", "/elevenlabs", "/minimax", "/studio")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, (0, 100)),
        ("", (0, 100)),
        ("bytes=0-", (0, 100)),
        ("bytes=0-0", (0, 1)),
        ("bytes=10-19", (10, 20)),
        ("bytes=90-1000", (90, 100)),
        ("bytes=99-", (99, 100)),
        ("bytes=-1", (99, 100)),
        ("bytes=-1000", (0, 100)),
        (" bytes=5-9 ", (5, 10)),
        # Malformed, or several ranges: RFC 9110 lets a server ignore the header.
        ("bytes=-", (0, 100)),
        ("bytes=9-5", (0, 100)),
        ("bytes=0-1,5-9", (0, 100)),
        ("items=0-1", (0, 100)),
        ("bytes=a-b", (0, 100)),
        ("bytes=0-" + "9" * 19, (0, 100)),
        ("bytes=١-٢", (1, 3)),  # digits of another script are digits to Python
    ],
)
def test_byte_ranges(header: str | None, expected: tuple[int, int]) -> None:
    assert byte_range(header, 100) == expected


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=100-", 100), ("bytes=-0", 100), ("bytes=0-", 0), ("bytes=-5", 0)]
)
def test_ranges_outside_of_the_file(header: str, size: int) -> None:
    with pytest.raises(RangeNotSatisfiable, match="outside the file"):
        byte_range(header, size)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("voice.mp3", "voice.mp3"),
        ("My Voice (final).MP3", "My-Voice-final.MP3"),
        ("../../etc/passwd", "passwd"),
        ("..", "recording"),
        (".bashrc", "recording.bashrc"),
        ("a..b...c.wav", "a.b.c.wav"),
        ("café.ogg", "cafe.ogg"),
        ("录音.wav", "recording.wav"),
        ("录音", "recording"),
        ("x" * 200 + ".flac", "x" * 90 + ".flac"),
        ("a." + "b" * 50, "a." + "b" * 10),
        ("a\r\nSet-Cookie: b.wav", "a-Set-Cookie-b.wav"),
        ('quo"te.wav', "quo-te.wav"),
    ],
)
def test_safe_names(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_names_of_downloads() -> None:
    assert disposition("voice.mp3") == 'inline; filename="voice.mp3"'
    assert disposition("录音.wav") == (
        "inline; filename=\"recording.wav\"; filename*=UTF-8''%E5%BD%95%E9%9F%B3.wav"
    )
    assert "\n" not in disposition("a\nb.wav")


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.mp3", "audio/mpeg"),
        ("a.WAV", "audio/wav"),
        ("a.flac", "audio/flac"),
        ("a.ogg", "audio/ogg"),
        ("a.srt", "application/x-subrip"),
        ("a.json", "application/json"),
        ("a.mp4", "video/mp4"),
        ("a.html", "application/octet-stream"),
        ("a.svg", "application/octet-stream"),
        ("a", "application/octet-stream"),
    ],
)
def test_media_types(name: str, media_type: str) -> None:
    assert content_type(name) == media_type


def test_a_download_cannot_run_as_a_page(real_api: Api) -> None:
    key = real_api.new_account().key
    files = {"file": ("page.html", b"<script>alert(1)</script>", "text/html")}
    url = real_api.request("POST", UPLOAD, key=key, files=files)[1]["data"]["url"]
    response = real_api.send("GET", url)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Security-Policy"].startswith("sandbox;")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    head = real_api.send("HEAD", url)
    assert (head.content, head.headers["Content-Length"]) == (b"", "25")


def test_a_range_that_cannot_be_served(real_api: Api) -> None:
    key = real_api.new_account().key
    files = {"file": ("a.wav", b"0123456789", "audio/wav")}
    url = real_api.request("POST", UPLOAD, key=key, files=files)[1]["data"]["url"]
    part = real_api.send("GET", url, headers=[("Range", "bytes=-3")])
    assert (part.status_code, part.content) == (206, b"789")
    assert part.headers["Content-Range"] == "bytes 7-9/10"
    status, body = real_api.request("GET", url, headers=[("Range", "bytes=10-")])
    assert (status, body["data"]["errorCode"]) == (416, "range_not_satisfiable")


def test_uploads_have_a_quota(real_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    key = real_api.new_account().key
    monkeypatch.setattr(real_api.settings, "upload_quota_bytes", 1000)
    files = {"file": ("a.wav", b"0" * 900, "audio/wav")}
    status, body = real_api.request("POST", UPLOAD, key=key, files=files)
    assert (status, body["data"]["errorCode"]) == (413, "too_large")


def test_every_route_that_takes_files_has_room_for_them(real_api: Api) -> None:
    taking = {
        route.path
        for route in routes(real_api.app.routes)
        for field in route.dependant.body_params
        if "UploadFile" in str(field.field_info.annotation)
    }
    assert len(taking) > 10
    for path in taking:
        plain = re.sub("{.*?}", "x", path)
        served = [prefix + plain for prefix in PREFIXES]
        assert any(space_of(each, real_api.settings).files for each in served), path
