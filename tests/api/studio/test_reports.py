"""The page for reports of abuse: open to anybody, limited, and read by the operator alone."""

from __future__ import annotations

import re

import httpx2
import pytest

from soundclone.core import abuse

from ..conftest import Api
from .conftest import visitor_of
from .visitors import new_key, sign_in

FORM = {
    "reason": "my_voice",
    "subject": "https://example.com/a.mp3?x=1",
    "message": "It is my voice.\r\nI did not agree.",
    "contact": "anna@example.com",
}


def token(page: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found
    return found[1]


def send(client: httpx2.Client, **changes: str) -> httpx2.Response:
    page = client.get("/studio/report")
    assert page.status_code == 200
    return client.post("/studio/report", data=FORM | {"token": token(page.text)} | changes)


@pytest.fixture
def anybody(studio: Api) -> httpx2.Client:
    return visitor_of(studio)


def test_anybody_reports_abuse(studio: Api, anybody: httpx2.Client) -> None:
    page = anybody.get("/studio/report", params={"about": "model_1<script>", "lang": "zh"})
    assert "举报滥用" in page.text
    assert "model_1&lt;script&gt;" in page.text
    sent = send(anybody)
    assert sent.status_code == 200
    number = re.search(r"report_[0-9a-f]{12}", sent.text)
    assert number
    with studio.database.read() as session:
        report = abuse.get(session, number[0])
        assert (report.reason, report.subject) == ("my_voice", FORM["subject"])
        assert report.message == "It is my voice.\nI did not agree."
        assert (report.contact, report.closed_at) == ("anna@example.com", None)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reason": ""}, "The reason is missing"),
        ({"reason": "boredom"}, "The reason is missing"),
        ({"subject": " "}, "subject has 0 characters; 1 to 500 are needed"),
        ({"message": "a" * 4001}, "message has 4001 characters; 1 to 4000 are needed"),
        ({"contact": ""}, "contact has 0 characters"),
    ],
)
def test_a_report_that_lacks_something_stays_on_the_page(
    studio: Api, anybody: httpx2.Client, changes: dict[str, str], words: str
) -> None:
    studio.app.state.soundclone.report_limits.__init__(studio.database, 100, 100)
    sent = send(anybody, **changes)
    assert sent.status_code == 422
    assert words.lower() in sent.text.lower()
    if "message" not in changes:
        assert "I did not agree." in sent.text


def test_a_report_needs_the_token_of_the_page(anybody: httpx2.Client) -> None:
    anybody.get("/studio/report")
    assert anybody.post("/studio/report", data=FORM).status_code == 403


def test_the_operator_closes_a_report(studio: Api, anybody: httpx2.Client) -> None:
    number = re.search(r"report_[0-9a-f]{12}", send(anybody, message="<b>Mine</b>").text)
    assert number
    operator = visitor_of(studio)
    headers = {"X-CSRF-Token": sign_in(operator, new_key(studio, operator=True))}
    page = operator.get("/studio/operator").text
    assert "&lt;b&gt;Mine&lt;/b&gt;" in page
    assert number[0] in operator.get("/studio/operator/reports").text
    path = f"/studio/operator/reports/{number[0]}"
    closed = operator.post(path, data={"note": "voice deleted"}, headers=headers)
    assert closed.status_code == 200
    assert number[0] not in closed.text
    with studio.database.read() as session:
        assert abuse.get(session, number[0]).note == "voice deleted"
    assert operator.post(f"{path}0", headers=headers).status_code == 404
    live = operator.get("/studio/operator/live").text
    assert live.startswith('<div id="operator-live"')
    assert "Ledger" not in live  # adding up the ledger takes too long
    customer = visitor_of(studio)
    headers = {"X-CSRF-Token": sign_in(customer, new_key(studio))}
    for method, refused in (("GET", "live"), ("GET", "reports"), ("POST", "reports/report_1")):
        answer = customer.request(method, f"/studio/operator/{refused}", headers=headers)
        assert answer.status_code == 403, refused


def test_reports_of_an_address_are_limited(studio: Api, anybody: httpx2.Client) -> None:
    studio.app.state.soundclone.report_limits.__init__(studio.database, 12, 1000)
    page = token(anybody.get("/studio/report").text)
    # A new minute may begin in between, so there is one report more than fits in two.
    sent = [anybody.post("/studio/report", data=FORM | {"token": page}) for _ in range(25)]
    assert sent[0].status_code == 200
    refused = [each for each in sent if each.status_code == 429]
    assert refused
    assert "I did not agree." in refused[0].text
