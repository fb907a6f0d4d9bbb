"""Paths of the fronts, and the setting that switches them off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from soundclone.config import Settings
from tests.api.conftest import Api, serve


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API without any front."""
    yield from serve(tmp_path_factory.mktemp("bare"), fronts=())


def test_a_front_answers_below_its_prefix(real_api: Api) -> None:
    key = real_api.new_account().key
    for path in ("/v1/models", "/openai/v1/models"):
        status, body = real_api.get(path, key)
        assert (status, body["object"]) == (200, "list"), path
        assert real_api.get(path)[1]["error"]["code"] == "invalid_api_key"
    assert real_api.get("/openai/v1/nothing", key)[1]["error"]["code"] == "not_found"


def test_a_prefix_leads_to_its_front_alone(real_api: Api) -> None:
    key = real_api.new_account().key
    for path in ("/openai/api/open-api/v1/voices", "/openai/healthz", "/openai"):
        assert real_api.send("GET", path, key=key).status_code == 404, path


def test_fronts_can_be_switched_off(bare: Api) -> None:
    key = bare.new_account().key
    for path in ("/v1/models", "/openai/v1/models"):
        status, body = bare.get(path, key)
        assert (status, body["data"]["errorCode"]) == (404, "not_found"), path
    assert bare.get("/api/open-api/v1/voices", key)[0] == 200
    assert not [path for path in bare.app.openapi()["paths"] if path.startswith("/v1/")]


def test_the_setting_names_fronts(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="'azure' is not an API; it takes openai, "):
        Settings(data_dir=tmp_path, fronts=("azure",))
    assert Settings(data_dir=tmp_path, fronts="openai, openai").fronts == ("openai",)  # type: ignore[arg-type]
