"""A preview without a text speaks the language of the recording."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.service import API, Service, finish

MAN = Path(__file__).parents[1] / "recordings" / "man.opus"  # Romanian


@pytest.mark.parametrize(
    ("options", "language"),
    [
        ({}, "Romanian"),
        ({"language": "English"}, "English"),
        ({"contentText": "Good morning, this is my new voice."}, "English"),
    ],
)
def test_language_of_a_preview(
    service: Service, sources: tuple[Path, str], options: dict[str, str], language: str
) -> None:
    (sources[0] / "man.opus").write_bytes(MAN.read_bytes())
    _, key = service.new_key(100)
    body = {"fileUrl": f"{sources[1]}/man.opus"} | options
    created = service.post(f"{API}/soundCloning/clones", body, key)[1]["data"]
    preview = finish(service, created["id"], key)
    assert preview["status"] == "completed", preview
    assert preview["language"] == language
    assert preview["cost"] == created["cost"]
    (voice,) = service.get(f"{API}/voices", key)[1]["data"]["list"]
    assert voice["language"] == "Romanian"
