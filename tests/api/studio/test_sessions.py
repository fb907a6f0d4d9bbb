"""The studio over HTTP: sessions, forged requests, and who may see what."""

from __future__ import annotations

import hashlib
import html
import time
from pathlib import Path

import httpx2
import pytest

from soundclone.api.studio import session
from soundclone.api.studio.session import COOKIE, Ticket
from soundclone.core import keys, sessions
from soundclone.db.models import StudioSession
from soundclone.text.languages import LANGUAGES

from ..conftest import Api, serve
from .conftest import Visit, visitor_of
from .visitors import new_key, sign_in, token_of

PAGES = ("clone", "speak", "voices", "history", "account")


def test_the_first_page_leads_to_signing_in(visitor: httpx2.Client) -> None:
    response = visitor.get("/", follow_redirects=True)
    assert response.url.path == "/studio/sign-in"
    assert "soundclone keys create" in response.text
    for page in PAGES:
        response = visitor.get(f"/studio/{page}")
        assert response.status_code == 303
        assert response.headers["location"] == f"/studio/sign-in?next=/studio/{page}"


def test_a_session(studio: Api, visitor: httpx2.Client) -> None:
    key = new_key(studio, credit=10_000_000)
    token = sign_in(visitor, key)
    cookie = next(each for each in visitor.cookies.jar if each.name == "soundclone_session")
    assert cookie.path == "/studio"
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "strict"
    assert key not in str(cookie.value)
    for page in PAGES:
        response = visitor.get(f"/studio/{page}")
        assert response.status_code == 200
        assert key not in response.text
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert response.headers["cache-control"] == "no-store"
        assert "microphone=(self)" in response.headers["permissions-policy"]
    response = visitor.post("/studio/sign-out", data={"token": token})
    assert response.headers["location"] == "/studio/sign-in"
    assert visitor.get("/studio/account").status_code == 303


def copy_of(client: httpx2.Client) -> dict[str, str]:
    """The session's cookie, as somebody who copied it would send it."""
    return {"Cookie": f"{COOKIE}={client.cookies[COOKIE]}"}


def test_signing_out_ends_every_copy_of_the_session(
    studio: Api, visitor: httpx2.Client, visit: Visit
) -> None:
    token = sign_in(visitor, new_key(studio))
    copy = copy_of(visitor)
    assert visit().get("/studio/account", headers=copy).status_code == 200
    visitor.post("/studio/sign-out", data={"token": token})
    assert visit().get("/studio/account", headers=copy).status_code == 303
    response = visit().post(
        "/studio/keys",
        data={"name": "more"},
        headers=copy | {"X-CSRF-Token": token, "Accept": "application/json"},
    )
    assert response.status_code == 401


def test_signing_out_everywhere(studio: Api, visitor: httpx2.Client, visit: Visit) -> None:
    key = new_key(studio)
    token = sign_in(visitor, key)
    other, stranger = visit(), visit()
    sign_in(other, key)
    sign_in(stranger, new_key(studio))
    visitor.post("/studio/sign-out", data={"token": token, "everywhere": "1"})
    assert other.get("/studio/account").status_code == 303
    assert stranger.get("/studio/account").status_code == 200


def test_signing_in_again_ends_the_earlier_session(
    studio: Api, visitor: httpx2.Client, visit: Visit
) -> None:
    sign_in(visitor, new_key(studio))
    copy = copy_of(visitor)
    page = visitor.get("/studio/sign-in").text
    visitor.post("/studio/sign-in", data={"key": new_key(studio), "token": token_of(page)})
    assert visit().get("/studio/account", headers=copy).status_code == 303


@pytest.mark.parametrize(("age", "left"), [(0, sessions.IDLE), (sessions.LONGEST - 500, 500)])
def test_a_used_session_is_extended_within_its_longest_time(
    studio: Api, visitor: httpx2.Client, visit: Visit, age: float, left: float
) -> None:
    sign_in(visitor, new_key(studio))
    secrets = studio.settings.signing_secrets
    ticket = session.read(secrets, visitor.cookies[COOKIE])
    assert ticket
    begun = time.time() - age
    with studio.database.transaction() as transaction:
        digest = hashlib.sha256(ticket.id.encode()).hexdigest()
        transaction.get_one(StudioSession, digest).created_at = begun
    soon = session.write(secrets, Ticket(ticket.id, int(time.time()) + 60))
    response = visit().get("/studio/account", headers={"Cookie": f"{COOKIE}={soon}"})
    assert response.status_code == 200
    renewed = session.read(secrets, response.cookies[COOKIE])
    assert renewed
    assert renewed.id == ticket.id
    assert abs(renewed.expires - time.time() - left) < 120
    assert renewed.expires <= begun + sessions.LONGEST


def test_cookies_are_bound_to_the_host_over_https(tmp_path: Path) -> None:
    for served in serve(tmp_path, public_url="https://studio.example"):
        client = visitor_of(served)
        client.headers["Host"] = "studio.example"
        page = client.get("/studio/sign-in")
        visit = page.headers["set-cookie"]
        assert visit.startswith("__Host-soundclone_visit=")
        form = {"key": new_key(served), "token": token_of(page.text)}
        cookie = {"Cookie": visit.partition(";")[0]}
        response = client.post("/studio/sign-in", data=form, headers=cookie)
        assert response.status_code == 303, response.text
        parts = response.headers["set-cookie"].split("; ")
        assert parts[0].startswith("__Host-soundclone_session=")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=strict"} <= set(parts)
        assert not any(part.startswith("Domain") for part in parts)
        session_cookie = {"Cookie": parts[0]}
        assert client.get("/studio/account", headers=session_cookie).status_code == 200
        plain = {"Cookie": parts[0].removeprefix("__Host-")}
        assert client.get("/studio/account", headers=plain).status_code == 303


@pytest.mark.parametrize(
    "wrong", ["", "sk_", "nonsense", "<b>", pytest.param(keys.generate(), id="unknown key")]
)
def test_a_wrong_key_is_refused(visitor: httpx2.Client, wrong: str) -> None:
    token = token_of(visitor.get("/studio/sign-in").text)
    response = visitor.post("/studio/sign-in", data={"key": wrong, "token": token})
    assert response.status_code == 401
    assert "Sign-in failed" in response.text
    assert "<b>" not in response.text
    assert "soundclone_session" not in visitor.cookies


def test_a_revoked_key_ends_its_sessions(studio: Api, visitor: httpx2.Client) -> None:
    key = new_key(studio)
    sign_in(visitor, key)
    with studio.database.transaction() as transaction:
        keys.revoke(transaction, key[:9])
    assert visitor.get("/studio/account").status_code == 303
    response = visitor.get("/studio/account", headers={"HX-Request": "true"})
    assert response.headers["hx-redirect"].startswith("/studio/sign-in")


def test_forged_requests_are_refused(studio: Api, visitor: httpx2.Client, visit: Visit) -> None:
    token = sign_in(visitor, new_key(studio))
    form = {"name": "more", "quota": "0"}
    for headers in (
        {},
        {"X-CSRF-Token": "0" * 64},
        {"X-CSRF-Token": token, "Sec-Fetch-Site": "cross-site"},
        {"X-CSRF-Token": token, "Sec-Fetch-Site": "same-site"},
    ):
        response = visitor.post("/studio/keys", data=form, headers=headers)
        assert response.status_code == 403
    response = visitor.post("/studio/sign-in", data={"key": "sk_", "token": token[:-1] + "x"})
    assert response.status_code == 403
    other = visit()  # a token is valid in its session alone
    sign_in(other, new_key(studio))
    response = other.post("/studio/keys", data=form, headers={"X-CSRF-Token": token})
    assert response.status_code == 403
    response = visitor.post("/studio/keys", data=form, headers={"X-CSRF-Token": token})
    assert response.status_code == 200
    assert keys.well_formed(response.json()["key"])


def test_a_stranger_uploads_nothing(studio: Api, visitor: httpx2.Client) -> None:
    files = {"file": ("a.mp3", b"x" * 1000)}
    response = visitor.post(
        "/studio/files/upload", files=files, headers={"Accept": "application/json"}
    )
    assert response.status_code == 401
    assert response.json()["location"].startswith("/studio/sign-in")


def test_keys_with_a_quota_make_no_keys(studio: Api, visitor: httpx2.Client) -> None:
    token = sign_in(visitor, new_key(studio, quota=1))
    response = visitor.post(
        "/studio/keys",
        data={"name": "more"},
        headers={"X-CSRF-Token": token, "Accept": "application/json"},
    )
    assert response.status_code == 403
    assert "has a quota" in response.json()["message"]


def test_the_operators_page_is_the_operators(
    studio: Api, visitor: httpx2.Client, visit: Visit
) -> None:
    token = sign_in(visitor, new_key(studio))
    response = visitor.get("/studio/operator")
    assert response.status_code == 403
    assert "soundclone keys create --operator" in response.text
    form = {"account": "acct_1", "amount": "5"}
    response = visitor.post("/studio/operator/credit", data=form, headers={"X-CSRF-Token": token})
    assert response.status_code == 403
    chief = visit()
    token = sign_in(chief, new_key(studio, operator=True))
    page = chief.get("/studio/operator", params={"search": "%<i>\x00"})
    assert page.status_code == 200
    assert "<i>" not in page.text
    for amount in ("", "-1", "many", "nan", "0.0000001"):
        response = chief.post(
            "/studio/operator/credit",
            data=form | {"amount": amount},
            headers={"X-CSRF-Token": token, "HX-Request": "true"},
        )
        assert response.status_code == 422, amount


def test_a_link_from_elsewhere_finds_the_session(visitor: httpx2.Client) -> None:
    response = visitor.get("/studio/voices", headers={"Sec-Fetch-Site": "cross-site"})
    assert response.headers["refresh"] == "0; url=/studio/voices"
    response = visitor.get("/studio/voices", headers={"Sec-Fetch-Site": "same-origin"})
    assert response.status_code == 303


def test_the_operator_sees_what_waits(studio: Api, visitor: httpx2.Client, visit: Visit) -> None:
    key = new_key(studio, credit=10_000_000, operator=True)
    token = sign_in(visitor, key)
    form = {"fileUrl": "https://example.com/a.mp3", "consent": "own", "contentText": "Dear Bob"}
    response = visitor.post("/studio/clones", data=form, headers={"X-CSRF-Token": token})
    task = response.headers["hx-redirect"].rpartition("/")[2]
    page = visitor.get("/studio/operator").text
    assert f"{task[:14]}…" in page
    assert "No worker is running" in page
    assert "Dear Bob" not in page
    assert "Dear Bob" in visitor.get(f"/studio/tasks/{task}").text
    other = visit()
    sign_in(other, new_key(studio))
    assert other.get(f"/studio/tasks/{task}").status_code == 404
    assert "Dear Bob" not in other.get("/studio/history").text


def test_names_are_not_markup(studio: Api, visitor: httpx2.Client) -> None:
    sign_in(visitor, new_key(studio, operator=True, name="<script>alert(1)</script>"))
    for page in ("account", "operator"):
        body = visitor.get(f"/studio/{page}").text
        assert "<script>alert" not in body
        assert "&lt;script&gt;alert(1)" in body


def test_odd_requests(studio: Api, visitor: httpx2.Client) -> None:
    token = sign_in(visitor, new_key(studio))
    for path in (
        "nothing", "tasks/audio_1", "tasks/%00", "voices/%00/recording", "speak?again=audio_1"
    ):  # fmt: skip
        response = visitor.get(f"/studio/{path}")
        assert response.status_code == 404, path
        assert "Not found" in response.text
    for query in ("kind=%00&status=x", "before=nan", "before=1e400", "before=-1", "lang=../../etc"):
        assert visitor.get(f"/studio/history?{query}").status_code == 200, query
    response = visitor.get("/studio/history?before=x")
    assert response.status_code == 422
    headers = {"X-CSRF-Token": token, "HX-Request": "true"}
    for method, path in (
        ("PATCH", "voices/model_1"), ("DELETE", "voices/%00"), ("DELETE", "keys/%00"),
        ("DELETE", "tasks/audio_1"),
    ):  # fmt: skip
        response = visitor.request(method, f"/studio/{path}", headers=headers, data={})
        assert response.status_code == 404, path


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"consent": ""}, "consent", "Consent is missing"),
        ({"consent": "given"}, "speaker", "a name of 1 to 200 characters"),
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
    studio: Api, visitor: httpx2.Client, change: dict[str, str], field: str, sentence: str
) -> None:
    token = sign_in(visitor, new_key(studio))
    form = {"fileUrl": "https://example.com/a.mp3", "consent": "own", "soundVersion": "v1"}
    response = visitor.post(
        "/studio/clones",
        data=form | change,
        headers={"X-CSRF-Token": token, "HX-Request": "true"},
    )
    assert response.status_code == 422
    assert response.headers.get("x-field") == field, response.text
    assert sentence.replace("<", "&lt;") in response.text


def test_without_credit_nothing_is_made(studio: Api, visitor: httpx2.Client) -> None:
    token = sign_in(visitor, new_key(studio))
    form = {"fileUrl": "https://example.com/a.mp3", "consent": "own", "soundVersion": "v1"}
    response = visitor.post(
        "/studio/clones",
        data=form,
        headers={"X-CSRF-Token": token, "HX-Request": "true", "Accept-Language": "zh"},
    )
    assert response.status_code == 402
    assert "余额不足" in response.text
    assert "请充值或缩短文本" in response.text


def test_a_form_that_is_sent_twice_is_done_once(studio: Api, visitor: httpx2.Client) -> None:
    token = sign_in(visitor, new_key(studio, credit=10_000_000))
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
    ids=["Chinese page", "English page", "chosen language", "written text"],
)
def test_an_empty_preview_speaks_the_pages_language(
    studio: Api, visitor: httpx2.Client, language: str, form: dict[str, str], spoken: str
) -> None:
    token = sign_in(visitor, new_key(studio, credit=10_000_000))
    response = visitor.post(
        "/studio/clones",
        data={"fileUrl": "https://example.com/a.mp3", "consent": "own", "soundVersion": "v1"}
        | form,
        headers={"X-CSRF-Token": token, "Accept-Language": language},
    )
    page = visitor.get(response.headers["hx-redirect"]).text
    assert spoken in html.unescape(page)
