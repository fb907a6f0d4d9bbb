"""Headers, host names and origins: what the middlewares add and reject."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from soundclone.api import health
from soundclone.core import queries

from .conftest import Api, serve

API = "/api/open-api/v1"
ORIGIN = {"Origin": "https://app.example.com"}
STRANGER = {"Origin": "https://evil.example"}
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,x-stainless-lang",
}


def ask(api: Api, method: str, path: str, **headers: str) -> httpx2.Response:
    """The response to a request without a key. Names of headers have _ in place of -."""
    sent = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return api.send(method, path, headers=sent)


def test_every_answer_has_an_id(real_api: Api) -> None:
    ids = set()
    for method, path in (
        ("GET", "/healthz"),
        ("GET", "/nowhere"),
        ("GET", f"{API}/user/balance"),
        ("GET", "/v1/nowhere"),
        ("PUT", "/docs"),
        ("GET", "/studio/sign-in"),
        ("GET", "/static/swagger-ui/swagger-ui.css"),
        ("GET", "/files/uploads/a/b.wav"),
    ):
        headers = ask(real_api, method, path).headers
        assert re.fullmatch("req_[0-9a-f]{32}", headers["X-Request-Id"]), path
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "Strict-Transport-Security" not in headers
        ids.add(headers["X-Request-Id"])
    assert len(ids) == 8


@pytest.mark.parametrize(
    ("given", "kept"),
    [("7f3c-a.b_c:1", True), ("a" * 128, True), ("a" * 129, False), ("a b", False), ("é", False)],
)
def test_a_well_formed_id_of_the_client_is_kept(real_api: Api, given: str, kept: bool) -> None:
    response = ask(real_api, "GET", "/healthz", X_Request_Id=given)
    assert (response.headers["X-Request-Id"] == given) is kept


def test_names_of_strangers_are_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    for api in serve(tmp_path_factory.mktemp("hosts")):
        with capture_logs() as logged:
            for path in (
                "/healthz",
                "/docs/",
                "/studio/sign-in",
                f"{API}/user/balance",
                "/v1/models",
            ):
                response = ask(api, "GET", path, Host="evil.example:80")
                assert response.status_code == 421
                assert "'evil.example' is not a name of this service" in response.text
                assert "SOUNDCLONE_ALLOWED_HOSTS" in response.text
                assert response.headers["X-Request-Id"]
        assert [each["event"] for each in logged].count("host refused") == 1
        for host in (
            *("localhost", "127.0.0.1:8000", "[::1]:8000", "10.1.2.3", "nas", "nas.local", ""),
        ):
            assert ask(api, "GET", "/healthz", Host=host).status_code == 200


def test_other_sites_may_not_use_the_api(real_api: Api) -> None:
    headers = ask(real_api, "GET", "/v1/models", **ORIGIN).headers
    assert "Access-Control-Allow-Origin" not in headers


def test_readiness_names_no_paths(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("ready")
    for api in serve(folder):
        files = folder / "files"
        moved = folder / "moved"
        files.rename(moved)
        files.write_text("in the way")
        try:
            with capture_logs() as logged:
                status, body = api.get("/readyz")
        finally:
            files.unlink()
            moved.rename(files)
        assert status == 503
        assert body["checks"]["storage"] == (
            "the storage does not answer; the log of the service has the reason"
        )
        assert str(folder) not in str(body)
        assert [each["check"] for each in logged] == ["storage"]


def test_metrics_of_the_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for api in serve(tmp_path):
        account = api.new_account(5)
        body = {"fileUrl": "https://example.com/a.mp3", "contentText": "Hello."}
        api.post(f"{API}/soundCloning/clones", body, account.key)
        shown = api.send("GET", "/metrics").text
        assert "soundclone_database_up 1.0" in shown
        assert 'soundclone_queue_tasks{engine="builtin",status="queued"} 1.0' in shown
        assert 'soundclone_workers{engine="builtin"} 0.0' in shown
        (age,) = re.findall(r'soundclone_queue_age_seconds\{engine="builtin"\} (\S+)', shown)
        assert 0 <= float(age) < 600
        amounts = dict(re.findall(r'soundclone_credits\{state="(\w+)"\} (\S+)', shown))
        assert 0 < float(amounts["held"]) < 1
        assert sum(map(float, amounts.values())) == pytest.approx(5)

        monkeypatch.setattr(health, "_FLEET_INTERVAL", 0.0)
        monkeypatch.setattr(queries, "engine_loads", unreadable)
        shown = api.send("GET", "/metrics").text
        assert "soundclone_database_up 0.0" in shown
        assert "soundclone_queue_tasks{" not in shown


def unreadable(*_: object) -> None:
    raise OperationalError("SELECT 1", {}, OSError("gone"))


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_that_ask_by_head_get_the_status(real_api: Api, path: str) -> None:
    response = ask(real_api, "HEAD", path)
    assert response.status_code == ask(real_api, "GET", path).status_code
    assert response.content == b""


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API at a public address, which one other site may use."""
    yield from serve(
        tmp_path_factory.mktemp("public"),
        public_url="https://voice.example.com",
        allowed_hosts="other.example.com,*.example.org",
        cors_origins="https://app.example.com",
    )


def test_names_that_are_allowed(public: Api) -> None:
    for host in (
        "voice.example.com",
        "VOICE.example.com.",
        "other.example.com:1",
        "a.b.example.org",
    ):
        assert ask(public, "GET", "/healthz", Host=host).status_code == 200
    for host in ("example.com", "example.org", "voice.example.com.evil.example", "evil.example/a"):
        assert ask(public, "GET", "/healthz", Host=host).status_code == 421


def test_an_encrypted_address_is_remembered(public: Api) -> None:
    headers = ask(public, "GET", "/healthz").headers
    assert headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.parametrize("path", [f"{API}/user/balance", "/v1/audio/speech", "/v1/nowhere"])
def test_a_site_that_is_allowed_may_use_the_api(public: Api, path: str) -> None:
    response = ask(public, "OPTIONS", path, **ORIGIN, **PREFLIGHT)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert "x-stainless-lang" in response.headers["Access-Control-Allow-Headers"].lower()
    for host in ("localhost", "evil.example"):
        headers = ask(public, "POST", path, Host=host, **ORIGIN).headers
        assert headers["Access-Control-Allow-Origin"] == "https://app.example.com"
        assert "X-Request-Id" in headers["Access-Control-Expose-Headers"]
    assert ask(public, "OPTIONS", path, **STRANGER, **PREFLIGHT).status_code == 400
    headers = ask(public, "POST", path, **STRANGER).headers
    assert "Access-Control-Allow-Origin" not in headers


def test_the_studio_is_of_its_own_site_alone(public: Api) -> None:
    headers = ask(public, "GET", "/studio/sign-in", **ORIGIN).headers
    assert "Access-Control-Allow-Origin" not in headers
