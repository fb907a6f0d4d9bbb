"""The studio over HTTP: sessions, forged requests, and who may see what."""

from __future__ import annotations

import hashlib
import html
import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from soundclone.api.studio import session
from soundclone.api.studio.session import COOKIE, Ticket
from soundclone.config import Settings
from soundclone.core import keys as core_keys
from soundclone.core import ledger, sessions
from soundclone.db.models import StudioSession
from soundclone.db.session import Database
from soundclone.text.languages import LANGUAGES
from tests.service import Service

PAGES = ("clone", "speak", "voices", "history", "account")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("studio"), "--no-worker") as running:
        yield running


def new_key(
    service: Service, credit: int = 0, quota: int = 0, operator: bool = False, name: str = "tést"
) -> str:
    """Made in place: a command of its own takes seconds."""
    settings = Settings(data_dir=service.folder / "data")
    database = Database(settings.database)
    with database.transaction() as session:
        account = ledger.open_account(session, name)
        if credit:
            ledger.credit(session, account.id, credit)
        _, key = core_keys.create(
            session,
            settings.secret,
            account_id=account.id,
            name=name,
            quota=quota,
            operator=operator,
        )
    database.close()
    return key


@pytest.fixture
def visitor(service: Service) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=service.url, timeout=120) as client:
        yield client


def sign_in(client: httpx2.Client, key: str) -> str:
    """Signs in; returns the token of the session."""
    page = client.get("/studio/sign-in").text
    answer = client.post("/studio/sign-in", data={"key": key, "token": token_of(page)})
    assert answer.status_code == 303, answer.text
    return token_of(client.get("/studio/account").text)


def token_of(page: str) -> str:
    found = re.search(r'name="csrf-token" content="([\w-]{43})"', page)
    assert found
    return found[1]


def test_the_first_page_leads_to_signing_in(visitor: httpx2.Client) -> None:
    answer = visitor.get("/", follow_redirects=True)
    assert answer.url.path == "/studio/sign-in"
    assert "soundclone keys create" in answer.text
    for page in PAGES:
        answer = visitor.get(f"/studio/{page}")
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/studio/sign-in?next=/studio/{page}"


def test_a_session(service: Service, visitor: httpx2.Client) -> None:
    key = new_key(service, credit=10_000_000)
    token = sign_in(visitor, key)
    cookie = next(each for each in visitor.cookies.jar if each.name == "soundclone_session")
    assert cookie.path == "/studio"
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "strict"
    assert key not in str(cookie.value)
    for page in PAGES:
        answer = visitor.get(f"/studio/{page}")
        assert answer.status_code == 200
        assert key not in answer.text
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert "microphone=(self)" in answer.headers["permissions-policy"]
    answer = visitor.post("/studio/sign-out", data={"token": token})
    assert answer.headers["location"] == "/studio/sign-in"
    assert visitor.get("/studio/account").status_code == 303
    assert key not in service.log.read_text()


def copy_of(client: httpx2.Client) -> dict[str, str]:
    """The session's cookie, as somebody who copied it would send it."""
    return {"Cookie": f"{COOKIE}={client.cookies[COOKIE]}"}


def test_signing_out_ends_every_copy_of_the_session(
    service: Service, visitor: httpx2.Client
) -> None:
    token = sign_in(visitor, new_key(service))
    copy = copy_of(visitor)
    assert httpx2.get(f"{service.url}/studio/account", headers=copy).status_code == 200
    visitor.post("/studio/sign-out", data={"token": token})
    assert httpx2.get(f"{service.url}/studio/account", headers=copy).status_code == 303
    answer = httpx2.post(
        f"{service.url}/studio/keys",
        data={"name": "more"},
        headers=copy | {"X-CSRF-Token": token, "Accept": "application/json"},
    )
    assert answer.status_code == 401


def test_signing_out_everywhere(service: Service, visitor: httpx2.Client) -> None:
    key = new_key(service)
    token = sign_in(visitor, key)
    with (
        httpx2.Client(base_url=service.url, timeout=120) as other,
        httpx2.Client(base_url=service.url, timeout=120) as stranger,
    ):
        sign_in(other, key)
        sign_in(stranger, new_key(service))
        visitor.post("/studio/sign-out", data={"token": token, "everywhere": "1"})
        assert other.get("/studio/account").status_code == 303
        assert stranger.get("/studio/account").status_code == 200


def test_signing_in_again_ends_the_earlier_session(
    service: Service, visitor: httpx2.Client
) -> None:
    sign_in(visitor, new_key(service))
    copy = copy_of(visitor)
    page = visitor.get("/studio/sign-in").text
    visitor.post("/studio/sign-in", data={"key": new_key(service), "token": token_of(page)})
    assert httpx2.get(f"{service.url}/studio/account", headers=copy).status_code == 303


@pytest.mark.parametrize(("age", "left"), [(0, sessions.IDLE), (sessions.LONGEST - 500, 500)])
def test_a_used_session_is_extended_within_its_longest_time(
    service: Service, visitor: httpx2.Client, age: float, left: float
) -> None:
    sign_in(visitor, new_key(service))
    settings = Settings(data_dir=service.folder / "data")
    ticket = session.read(settings.signing_secrets, visitor.cookies[COOKIE])
    assert ticket
    begun = time.time() - age
    database = Database(settings.database)
    with database.transaction() as transaction:
        digest = hashlib.sha256(ticket.id.encode()).hexdigest()
        transaction.get_one(StudioSession, digest).created_at = begun
    database.close()
    soon = session.write(settings.signing_secrets, Ticket(ticket.id, int(time.time()) + 60))
    cookie = {"Cookie": f"{COOKIE}={soon}"}
    answer = httpx2.get(f"{service.url}/studio/account", headers=cookie, timeout=120)
    assert answer.status_code == 200
    renewed = session.read(settings.signing_secrets, answer.cookies[COOKIE])
    assert renewed
    assert renewed.id == ticket.id
    assert abs(renewed.expires - time.time() - left) < 120
    assert renewed.expires <= begun + sessions.LONGEST


def test_cookies_are_bound_to_the_host_over_https(tmp_path: Path) -> None:
    address = "https://studio.example"
    with Service(
        tmp_path, "--no-worker", environment={"SOUNDCLONE_PUBLIC_URL": address}
    ) as running:
        headers = {"Host": "studio.example"}
        with httpx2.Client(base_url=running.url, timeout=120, headers=headers) as client:
            page = client.get("/studio/sign-in")
            visit = page.headers["set-cookie"]
            assert visit.startswith("__Host-soundclone_visit=")
            form = {"key": new_key(running), "token": token_of(page.text)}
            cookie = {"Cookie": visit.partition(";")[0]}
            answer = client.post("/studio/sign-in", data=form, headers=cookie)
            assert answer.status_code == 303, answer.text
            parts = answer.headers["set-cookie"].split("; ")
            assert parts[0].startswith("__Host-soundclone_session=")
            assert {"Secure", "HttpOnly", "Path=/", "SameSite=strict"} <= set(parts)
            assert not any(part.startswith("Domain") for part in parts)
            session_cookie = {"Cookie": parts[0]}
            assert client.get("/studio/account", headers=session_cookie).status_code == 200
            plain = {"Cookie": parts[0].removeprefix("__Host-")}
            assert client.get("/studio/account", headers=plain).status_code == 303


@pytest.mark.parametrize(
    "wrong", ["", "sk_", "nonsense", "<b>", pytest.param(core_keys.generate(), id="unknown key")]
)
def test_a_wrong_key_is_told(visitor: httpx2.Client, wrong: str) -> None:
    token = token_of(visitor.get("/studio/sign-in").text)
    answer = visitor.post("/studio/sign-in", data={"key": wrong, "token": token})
    assert answer.status_code == 401
    assert "Invalid key" in answer.text
    assert "<b>" not in answer.text
    assert "soundclone_session" not in visitor.cookies


def test_a_revoked_key_ends_its_sessions(service: Service, visitor: httpx2.Client) -> None:
    key = new_key(service)
    sign_in(visitor, key)
    service.command("keys", "revoke", key[:9], "--json")
    assert visitor.get("/studio/account").status_code == 303
    answer = visitor.get("/studio/account", headers={"HX-Request": "true"})
    assert answer.headers["hx-redirect"].startswith("/studio/sign-in")


def test_forged_requests_are_refused(service: Service, visitor: httpx2.Client) -> None:
    token = sign_in(visitor, new_key(service))
    form = {"name": "more", "quota": "0"}
    for headers in (
        {},
        {"X-CSRF-Token": "0" * 64},
        {"X-CSRF-Token": token, "Sec-Fetch-Site": "cross-site"},
        {"X-CSRF-Token": token, "Sec-Fetch-Site": "same-site"},
    ):
        answer = visitor.post("/studio/keys", data=form, headers=headers)
        assert answer.status_code == 403
    answer = visitor.post("/studio/sign-in", data={"key": "sk_", "token": token[:-1] + "x"})
    assert answer.status_code == 403
    with httpx2.Client(base_url=service.url) as other:  # a token is of use in its session alone
        sign_in(other, new_key(service))
        answer = other.post("/studio/keys", data=form, headers={"X-CSRF-Token": token})
        assert answer.status_code == 403
    answer = visitor.post("/studio/keys", data=form, headers={"X-CSRF-Token": token})
    assert answer.status_code == 200
    assert core_keys.well_formed(answer.json()["key"])


def test_a_stranger_uploads_nothing(service: Service, visitor: httpx2.Client) -> None:
    files = {"file": ("a.mp3", b"x" * 1000)}
    answer = visitor.post(
        "/studio/files/upload", files=files, headers={"Accept": "application/json"}
    )
    assert answer.status_code == 401
    assert answer.json()["location"].startswith("/studio/sign-in")


def test_keys_with_a_quota_make_no_keys(service: Service, visitor: httpx2.Client) -> None:
    token = sign_in(visitor, new_key(service, quota=1))
    answer = visitor.post(
        "/studio/keys",
        data={"name": "more"},
        headers={"X-CSRF-Token": token, "Accept": "application/json"},
    )
    assert answer.status_code == 403
    assert "has a quota" in answer.json()["message"]


def test_the_operators_page_is_the_operators(service: Service, visitor: httpx2.Client) -> None:
    token = sign_in(visitor, new_key(service))
    answer = visitor.get("/studio/operator")
    assert answer.status_code == 403
    assert "soundclone keys create --operator" in answer.text
    form = {"account": "acct_1", "amount": "5"}
    answer = visitor.post("/studio/operator/credit", data=form, headers={"X-CSRF-Token": token})
    assert answer.status_code == 403
    with httpx2.Client(base_url=service.url) as chief:
        token = sign_in(chief, new_key(service, operator=True))
        page = chief.get("/studio/operator", params={"search": "%<i>\x00"})
        assert page.status_code == 200
        assert "<i>" not in page.text
        for amount in ("", "-1", "many", "nan", "0.0000001"):
            answer = chief.post(
                "/studio/operator/credit",
                data=form | {"amount": amount},
                headers={"X-CSRF-Token": token, "HX-Request": "true"},
            )
            assert answer.status_code == 422, amount


def test_a_link_from_elsewhere_finds_the_session(visitor: httpx2.Client) -> None:
    answer = visitor.get("/studio/voices", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.headers["refresh"] == "0; url=/studio/voices"
    answer = visitor.get("/studio/voices", headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 303


def test_the_operator_sees_what_waits(service: Service, visitor: httpx2.Client) -> None:
    key = new_key(service, credit=10_000_000, operator=True)
    token = sign_in(visitor, key)
    form = {"fileUrl": "https://example.com/a.mp3", "consent": "own", "contentText": "Dear Bob"}
    answer = visitor.post("/studio/clones", data=form, headers={"X-CSRF-Token": token})
    task = answer.headers["hx-redirect"].rpartition("/")[2]
    page = visitor.get("/studio/operator").text
    assert f"{task[:14]}…" in page
    assert "No worker is running" in page
    assert "Dear Bob" not in page
    assert "Dear Bob" in visitor.get(f"/studio/tasks/{task}").text
    with httpx2.Client(base_url=service.url) as other:
        sign_in(other, new_key(service))
        assert other.get(f"/studio/tasks/{task}").status_code == 404
        assert "Dear Bob" not in other.get("/studio/history").text


def test_names_are_not_markup(service: Service, visitor: httpx2.Client) -> None:
    sign_in(visitor, new_key(service, operator=True, name="<script>alert(1)</script>"))
    for page in ("account", "operator"):
        body = visitor.get(f"/studio/{page}").text
        assert "<script>alert" not in body
        assert "&lt;script&gt;alert(1)" in body


def test_what_is_asked_for_oddly(service: Service, visitor: httpx2.Client) -> None:
    token = sign_in(visitor, new_key(service))
    for path in (
        "nothing", "tasks/audio_1", "tasks/%00", "voices/%00/recording", "speak?again=audio_1"
    ):  # fmt: skip
        answer = visitor.get(f"/studio/{path}")
        assert answer.status_code == 404, path
        assert "Not found" in answer.text
    for query in ("kind=%00&status=x", "before=nan", "before=1e400", "before=-1", "lang=../../etc"):
        assert visitor.get(f"/studio/history?{query}").status_code == 200, query
    answer = visitor.get("/studio/history?before=x")
    assert answer.status_code == 422
    headers = {"X-CSRF-Token": token, "HX-Request": "true"}
    for method, path in (
        ("PATCH", "voices/model_1"), ("DELETE", "voices/%00"), ("DELETE", "keys/%00"),
        ("DELETE", "tasks/audio_1"),
    ):  # fmt: skip
        answer = visitor.request(method, f"/studio/{path}", headers=headers, data={})
        assert answer.status_code == 404, path


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"consent": ""}, "consent", "Consent is missing"),
        ({"consent": "given"}, "speaker", "name, of at most 200"),
        ({"fileUrl": ""}, "fileUrl", "fileUrl is missing"),
        ({"fileUrl": "file:///etc/passwd"}, "fileUrl", "an http:// or https:// URL"),
        ({"contentText": "x" * 271}, "contentText", "at most 270"),
        ({"contentText": "a <#0#> b"}, "contentText", "from 0.01 to 99.99"),
        ({"soundVersion": "v9"}, "soundVersion", "soundVersion is"),
        ({"language": "Klingon"}, "language", "Klingon"),
        ({"name": "x" * 81}, "name", "Name has 81 characters"),
    ],
)
def test_errors_are_the_apis_and_name_their_field(
    service: Service, visitor: httpx2.Client, change: dict[str, str], field: str, sentence: str
) -> None:
    token = sign_in(visitor, new_key(service))
    form = {"fileUrl": "https://example.com/a.mp3", "consent": "own", "soundVersion": "v1"}
    answer = visitor.post(
        "/studio/clones",
        data=form | change,
        headers={"X-CSRF-Token": token, "HX-Request": "true"},
    )
    assert answer.status_code == 422
    assert answer.headers.get("x-field") == field, answer.text
    assert sentence.replace("<", "&lt;") in answer.text


def test_without_credit_nothing_is_made(service: Service, visitor: httpx2.Client) -> None:
    token = sign_in(visitor, new_key(service))
    form = {"fileUrl": "https://example.com/a.mp3", "consent": "own", "soundVersion": "v1"}
    answer = visitor.post(
        "/studio/clones",
        data=form,
        headers={"X-CSRF-Token": token, "HX-Request": "true", "Accept-Language": "zh"},
    )
    assert answer.status_code == 402
    assert "余额不足" in answer.text
    assert "请充值或缩短文本" in answer.text


def test_a_form_that_is_sent_twice_is_done_once(service: Service, visitor: httpx2.Client) -> None:
    token = sign_in(visitor, new_key(service, credit=10_000_000))
    form = {
        "fileUrl": "https://example.com/a.mp3",
        "consent": "given",
        "speaker": "Ana",
        "soundVersion": "v1",
        "idempotency": "0" * 32,
    }
    headers = {"X-CSRF-Token": token, "HX-Request": "true"}
    made = {
        visitor.post("/studio/clones", data=form, headers=headers).headers["hx-redirect"]
        for _ in range(2)
    }
    assert len(made) == 1


@pytest.mark.parametrize(
    ("language", "form", "spoken"),
    [
        ("zh", {}, LANGUAGES["Chinese"].preview),
        ("en", {}, LANGUAGES["English"].preview),
        ("zh", {"language": "German"}, LANGUAGES["German"].preview),
        ("zh", {"contentText": "Good morning."}, "Good morning."),
    ],
)
def test_an_empty_preview_speaks_the_pages_language(
    service: Service, visitor: httpx2.Client, language: str, form: dict[str, str], spoken: str
) -> None:
    token = sign_in(visitor, new_key(service, credit=10_000_000))
    answer = visitor.post(
        "/studio/clones",
        data={"fileUrl": "https://example.com/a.mp3", "consent": "own", "soundVersion": "v1"}
        | form,
        headers={"X-CSRF-Token": token, "Accept-Language": language},
    )
    page = visitor.get(answer.headers["hx-redirect"]).text
    assert spoken in html.unescape(page)
