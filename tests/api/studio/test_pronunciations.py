"""The page of the pronunciation dictionary."""

from __future__ import annotations

import html

import httpx2
import pytest

from soundclone.core import dictionaries, keys
from soundclone.text.pronunciation import Entry

from ..conftest import Api
from .visitors import new_key, sign_in

PAGE = "/studio/pronunciations"
HOSTILE = '"><img src=x>&amp;'


@pytest.fixture
def key(studio: Api) -> str:
    return new_key(studio)


@pytest.fixture
def headers(studio: Api, visitor: httpx2.Client, key: str) -> dict[str, str]:
    """Headers of the requests of a visitor with a new account."""
    return {"X-CSRF-Token": sign_in(visitor, key), "HX-Request": "true"}


def kept(studio: Api, key: str) -> tuple[Entry, ...]:
    with studio.database.read() as session:
        account = keys.authenticate(session, studio.settings.secrets, key).account_id
        return dictionaries.of(session, account)


def test_entries_are_added_changed_and_deleted(
    studio: Api, visitor: httpx2.Client, headers: dict[str, str], key: str
) -> None:
    assert f'href="{PAGE}"' in visitor.get("/studio/account").text
    assert "No entries yet" in visitor.get(PAGE).text
    first = {"written": "Nguyen", "spoken": "nwin", "language": "", "matchCase": ""}
    for form in (first, {"written": HOSTILE + "x", "spoken": "y", "language": "French"}):
        done = visitor.post(PAGE, data=form, headers=headers)
        assert (done.status_code, done.headers["HX-Trigger"]) == (204, "pronunciations")
    page = visitor.get(PAGE).text
    assert "<img" not in page
    assert HOSTILE + "x" in html.unescape(page)
    assert "2 of at most 1,000 entries" in page
    change = {f"was-{name}": value for name, value in first.items()}
    change |= {"written": "Nguyen", "spoken": "win", "matchCase": "true"}
    assert visitor.patch(PAGE, data=change, headers=headers).status_code == 204
    assert kept(studio, key) == (
        Entry("Nguyen", "win", "", True),
        Entry(HOSTILE + "x", "y", "French"),
    )
    assert visitor.patch(PAGE, data=change, headers=headers).status_code == 404
    gone = {"written": HOSTILE + "x", "spoken": "y", "language": "French", "matchCase": ""}
    assert visitor.delete(PAGE, params=gone, headers=headers).status_code == 204
    assert visitor.delete(PAGE, params=gone, headers=headers).status_code == 404
    assert kept(studio, key) == (Entry("Nguyen", "win", "", True),)


def test_an_entry_in_ipa(
    studio: Api, visitor: httpx2.Client, headers: dict[str, str], key: str
) -> None:
    form = {"written": "pecan", "spoken": "", "ipa": "pɪˈkɑːn", "language": "", "matchCase": ""}
    assert visitor.post(PAGE, data=form, headers=headers).status_code == 204
    assert "/pɪˈkɑːn/" in visitor.get(PAGE).text
    change = {f"was-{name}": value for name, value in form.items()} | form | {"ipa": "ˈpiːkæn"}
    assert visitor.patch(PAGE, data=change, headers=headers).status_code == 204
    assert kept(studio, key) == (Entry("pecan", ipa="ˈpiːkæn"),)
    gone = form | {"ipa": "ˈpiːkæn"}
    assert visitor.delete(PAGE, params=gone, headers=headers).status_code == 204
    assert kept(studio, key) == ()


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"written": "", "spoken": "x"}, "written of entry 1 is ''"),
        ({"written": "x", "spoken": "y" * 101}, "at most 100 characters"),
        ({"written": "x", "ipa": "p@n"}, "is no symbol of the alphabet; write ə"),
        ({"written": "x", "ipa": "pæn", "spoken": "y"}, "leave one of them out"),
        ({"written": "x", "spoken": "y", "language": "Klingon"}, "is not known"),
        ({"written": "NGUYEN", "spoken": "y"}, "again; each word may be there once"),
    ],
)
def test_a_wrong_entry_is_refused(
    studio: Api,
    visitor: httpx2.Client,
    headers: dict[str, str],
    key: str,
    form: dict[str, str],
    message: str,
) -> None:
    visitor.post(PAGE, data={"written": "Nguyen", "spoken": "nwin"}, headers=headers)
    refused = visitor.post(PAGE, data=form, headers=headers)
    assert refused.status_code == 422
    assert message.casefold() in html.unescape(refused.text).casefold()
    assert kept(studio, key) == (Entry("Nguyen", "nwin"),)


def test_entries_of_a_project(
    studio: Api, visitor: httpx2.Client, headers: dict[str, str], key: str
) -> None:
    made = visitor.post("/studio/projects", data={"name": HOSTILE + "Book"}, headers=headers)
    editor = made.headers["HX-Redirect"]
    page = f"{editor}/pronunciations"
    assert f'data-from="{page}"' in visitor.get(editor).text
    first = {"written": "Nguyen", "spoken": "nwin", "language": "", "matchCase": ""}
    done = visitor.post(page, data=first, headers=headers)
    assert (done.status_code, done.headers["HX-Trigger"]) == (204, "pronunciations")
    assert visitor.get(page).headers["Location"] == editor
    shown = visitor.get(page, headers=headers).text
    assert "<img" not in shown
    assert "Nguyen" in shown
    assert f'hx-patch="{page}"' in shown
    assert kept(studio, key) == ()
    change = {f"was-{name}": value for name, value in first.items()}
    assert visitor.patch(page, data=change | first | {"spoken": "win"}, headers=headers).is_success
    assert '→</span> <span dir="auto">win' in visitor.get(page, headers=headers).text
    other = {"X-CSRF-Token": sign_in(visitor, new_key(studio)), "HX-Request": "true"}
    assert visitor.get(page).status_code == 404
    assert visitor.post(page, data=first, headers=other).status_code == 404
    again = {"X-CSRF-Token": sign_in(visitor, key), "HX-Request": "true"}
    assert visitor.delete(page, params=first | {"spoken": "win"}, headers=again).is_success
    assert "No entries yet" in visitor.get(page, headers=again).text


def test_pages_of_entries(visitor: httpx2.Client, headers: dict[str, str]) -> None:
    for number in range(51):
        form = {"written": f"word{number:02}", "spoken": "x"}
        assert visitor.post(PAGE, data=form, headers=headers).status_code == 204
    first, second = visitor.get(PAGE).text, visitor.get(f"{PAGE}?skip=50").text
    assert ("word49" in first, "word50" in first) == (True, False)
    assert ("word49" in second, "word50" in second) == (False, True)


def test_a_stranger_and_a_forged_request_change_nothing(
    studio: Api, visitor: httpx2.Client, headers: dict[str, str], key: str
) -> None:
    form = {"written": "Nguyen", "spoken": "nwin"}
    assert visitor.post(PAGE, data=form).status_code == 403
    assert visitor.post(PAGE, data=form, headers=headers).status_code == 204
    other = {"X-CSRF-Token": sign_in(visitor, new_key(studio)), "HX-Request": "true"}
    assert "Nguyen" not in visitor.get(PAGE).text
    assert visitor.delete(PAGE, params=form, headers=other).status_code == 404
    assert kept(studio, key) == (Entry("Nguyen", "nwin"),)


def test_speech_needs_a_voice(visitor: httpx2.Client, headers: dict[str, str]) -> None:
    refused = visitor.post(
        f"{PAGE}/speech",
        data={"written": "Nguyen", "spoken": "nwin", "modelId": "model_none"},
        headers=headers | {"Accept": "application/json"},
    )
    assert refused.status_code == 404
    assert "no voice" in refused.json()["message"]
