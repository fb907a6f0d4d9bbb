"""The page of projects: creation, import, renaming and deletion."""

from __future__ import annotations

import html
import re

import httpx2
import pytest
from sqlalchemy import select

from soundclone.api import uploads
from soundclone.db.models import Block, Project
from soundclone.text import imports

from ..conftest import Api
from .visitors import new_key, sign_in

PAGE = "/studio/projects"
BOOK = """# The Ferry

## Morning

The ferry leaves at nine. Please bring a coat!

It may rain; it often does.

## Evening

Good night.
"""


@pytest.fixture
def headers(studio: Api, visitor: httpx2.Client) -> dict[str, str]:
    """Headers of the requests of a visitor with a new account."""
    return {"X-CSRF-Token": sign_in(visitor, new_key(studio)), "HX-Request": "true"}


def created(response: httpx2.Response) -> str:
    """Return the id of the project that a form has created."""
    assert response.status_code == 204, response.text
    found = re.fullmatch(r"/studio/projects/(proj_\w+)", response.headers["HX-Redirect"])
    assert found
    return found[1]


def script(studio: Api, project_id: str) -> list[tuple[str, str, float | None]]:
    with studio.database.read() as session:
        found = session.scalars(
            select(Block).where(Block.project_id == project_id).order_by(Block.position)
        )
        return [(block.kind, block.text, block.seconds) for block in found]


def imported(
    visitor: httpx2.Client, headers: dict[str, str], file: str, data: bytes, **form: str
) -> httpx2.Response:
    return visitor.post(PAGE, data=form, files={"file": (file, data)}, headers=headers)


def test_an_empty_project_is_created_renamed_and_deleted(
    visitor: httpx2.Client, headers: dict[str, str]
) -> None:
    page = visitor.get(PAGE).text
    assert "No projects yet" in page
    assert f'href="{PAGE}" aria-current="page"' in page
    form = {"name": "A <b>", "modelId": "", "language": "German"}
    project = created(visitor.post(PAGE, data=form, headers=headers))
    page = visitor.get(PAGE).text
    assert "A &lt;b&gt;" in page
    assert f'href="{PAGE}/{project}"' in page
    assert "German · 0 blocks, 0 characters" in page
    assert "0 块" in visitor.get(f"{PAGE}?lang=zh").text
    path = f"{PAGE}/{project}"
    card = visitor.patch(path, data={"name": "B"}, headers=headers)
    assert card.status_code == 200
    assert ">B</a>" in card.text
    refused = visitor.patch(path, data={"name": " "}, headers=headers)
    assert (refused.status_code, refused.headers["X-Field"]) == (422, "name")
    gone = visitor.delete(path, headers=headers)
    assert gone.headers["HX-Redirect"] == PAGE
    assert "No projects yet" in visitor.get(f"{PAGE}?lang=en").text
    assert visitor.delete(path, headers=headers).status_code == 404


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "x", "modelId": "model_none"}, "modelId"),
        ({"name": "x", "language": "Klingon"}, "language"),
    ],
)
def test_a_wrong_value_is_named(
    visitor: httpx2.Client, headers: dict[str, str], form: dict[str, str], field: str
) -> None:
    refused = visitor.post(PAGE, data=form, headers=headers)
    assert (refused.status_code in (404, 422), refused.headers["X-Field"]) == (True, field)
    assert "No projects yet" in visitor.get(PAGE).text


def test_ssml_becomes_blocks(studio: Api, visitor: httpx2.Client, headers: dict[str, str]) -> None:
    play = (
        "<speak xml:lang='fr'>\n<s>Salut toi <sub alias='moi'>x</sub>"
        "<emphasis>là</emphasis>.</s><break/><s>Adieu.</s></speak>"
    )
    assert script(studio, created(imported(visitor, headers, "play.ssml", play.encode()))) == [
        (
            "text",
            "<speak>Salut toi moi"
            '<prosody rate="94%" pitch="+1st" volume="+1.5dB">là.</prosody></speak>',
            None,
        ),
        ("pause", "", 0.5),
        ("text", "Adieu.", None),
    ]
    unknown = play.replace("<s>", "<voice name='Carl'/><s>", 1).replace("Adieu", "<b/>")
    refused = imported(visitor, headers, "play.ssml", unknown.encode())
    assert refused.status_code == 422
    assert "SSML, line 2, column" in html.unescape(refused.text)
    unknown = play.replace("Adieu.", "<voice name='Carl'>Adieu.</voice>")
    refused = imported(visitor, headers, "play.ssml", unknown.encode())
    assert refused.status_code == 422
    assert "there is no voice 'Carl'" in html.unescape(refused.text)


def test_a_book_becomes_blocks(
    studio: Api, visitor: httpx2.Client, headers: dict[str, str]
) -> None:
    by_sentence = created(imported(visitor, headers, "book.md", BOOK.encode()))
    assert script(studio, by_sentence) == [
        ("chapter", "Morning", None),
        ("pause", "", 1.0),
        ("text", "The ferry leaves at nine.", None),
        ("text", "Please bring a coat!", None),
        ("pause", "", 0.4),
        ("text", "It may rain; it often does.", None),
        ("pause", "", 2.0),
        ("chapter", "Evening", None),
        ("pause", "", 1.0),
        ("text", "Good night.", None),
    ]
    by_paragraph = created(
        imported(visitor, headers, "book.md", BOOK.encode(), unit="paragraph", name="Mine")
    )
    texts = [text for kind, text, _ in script(studio, by_paragraph) if kind == "text"]
    assert texts == [
        "The ferry leaves at nine. Please bring a coat!",
        "It may rain; it often does.",
        "Good night.",
    ]
    page = visitor.get(PAGE).text
    assert ">The Ferry</a>" in page
    assert ">Mine</a>" in page
    assert "10 blocks" in page


def test_subtitles_become_blocks(
    studio: Api, visitor: httpx2.Client, headers: dict[str, str]
) -> None:
    first = "1\n00:00:01,000 --> 00:00:02,000\nGood morning. It is nine.\n\n"
    second = "2\n00:00:03,000 --> 00:00:04,000\nHello\n"
    project = created(imported(visitor, headers, "a/morning.srt", f"{first}{second}".encode()))
    assert script(studio, project) == [
        ("text", "Good morning. It is nine.", None),
        ("text", "Hello", None),
    ]
    assert ">morning" in visitor.get(PAGE).text


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.txt", b"", "it has no text"),
        ("a.txt", b"caf\xe9", "the file cannot be read"),
        ("a.epub", b"PK\x03\x04nonsense", "damaged zip archive"),
        ("a.mp3", b"ID3\x04" + bytes(5000), "the file cannot be read"),
        ("a.srt", b"1\n00:00:05,000 --> 00:00:01,000\nx\n", "not after its start"),
    ],
)
def test_an_unreadable_document_is_explained(
    visitor: httpx2.Client, headers: dict[str, str], name: str, data: bytes, message: str
) -> None:
    refused = imported(visitor, headers, name, data, name="x")
    assert (refused.status_code, refused.headers["X-Field"]) == (422, "file")
    assert message.casefold() in html.unescape(refused.text).casefold()
    assert "No projects yet" in visitor.get(PAGE).text
    chinese = visitor.post(
        f"{PAGE}?lang=zh", files={"file": (name, data)}, data={"name": "x"}, headers=headers
    )
    assert re.search("文件无法读取|无法读取该文件", chinese.text), chinese.text


def test_a_document_that_is_too_large_names_the_limit_of_documents(
    studio: Api, visitor: httpx2.Client, headers: dict[str, str]
) -> None:
    declared = str(imports.LARGEST + uploads.MULTIPART_OVERHEAD + 1)
    refused = visitor.post(
        PAGE,
        content=b"x",
        headers=headers
        | {"Content-Length": declared, "Content-Type": "multipart/form-data; boundary=x"},
    )
    assert refused.status_code == 413
    assert f"{imports.LARGEST:,} bytes" in refused.text
    assert "without its pictures" in refused.text
    assert "recording" not in refused.text
    long = "A sentence of the book. " * 90_000
    refused = imported(visitor, headers, "long.txt", long.encode())
    assert refused.status_code == 413
    assert f"at most {studio.settings.characters_per_project:,} are allowed" in refused.text
    many = "Yes.\n\n" * 10_001
    refused = imported(visitor, headers, "many.txt", many.encode(), unit="paragraph")
    assert refused.status_code == 413
    assert f"at most {studio.settings.blocks_per_project:,} are allowed" in refused.text
    with studio.database.read() as session:
        assert not session.scalars(select(Project).where(Project.name.in_(("long", "many")))).all()


def test_pages_of_projects(visitor: httpx2.Client, headers: dict[str, str]) -> None:
    for number in range(21):
        form = {"name": f"Number {number:02}"}
        assert visitor.post(PAGE, data=form, headers=headers).status_code == 204
    first = visitor.get(PAGE).text
    assert "Number 20" in first
    assert "Number 00" not in first
    older = re.search(rf'href="({PAGE}\?cursor=proj_\w+)"', first)
    assert older
    second = visitor.get(older[1]).text
    assert "Number 00" in second
    assert "Number 20" not in second
    assert visitor.get(f"{PAGE}?cursor=nonsense").status_code == 422


def test_a_stranger_and_a_forged_request_change_nothing(
    studio: Api, visitor: httpx2.Client, headers: dict[str, str]
) -> None:
    project = created(visitor.post(PAGE, data={"name": "Private"}, headers=headers))
    path = f"{PAGE}/{project}"
    assert visitor.delete(path).status_code == 403
    other = {"X-CSRF-Token": sign_in(visitor, new_key(studio)), "HX-Request": "true"}
    assert "Private" not in visitor.get(PAGE).text
    assert visitor.get(f"{PAGE}?cursor={project}").status_code == 422
    assert visitor.patch(path, data={"name": "Mine"}, headers=other).status_code == 404
    assert visitor.delete(path, headers=other).status_code == 404
