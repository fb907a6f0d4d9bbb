"""Errors become responses in the format of each interface."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import OperationalError

from soundclone import errors
from soundclone.api.app import create_app
from soundclone.api.errors import ApiRoute, MethodNotAllowed, ServerFault, error_response, translate
from soundclone.api.fronts.tasks import TaskFailed
from soundclone.api.openai import errors as openai
from soundclone.api.openai.errors import VoiceNotFound
from soundclone.errors import (
    AuthenticationError,
    InvalidParameter,
    NotFound,
    RateLimited,
    RequestError,
    SoundcloneError,
    TaskError,
    Unavailable,
)

from .conftest import Api


def classes(kind: type[SoundcloneError] = SoundcloneError) -> Iterator[type[SoundcloneError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from classes(child)


CLASSES = sorted(
    {each for each in classes() if each.__module__ == errors.__name__}, key=lambda k: k.__name__
)


@pytest.fixture
def request_(api: Api) -> Request:
    """A request to the application."""
    return Request(
        {"type": "http", "app": api.app, "method": "GET", "path": "/", "headers": [], "query": b""}
    )


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_the_envelope_of_each_error(api: Api, request_: Request, kind: type[Any]) -> None:
    error = kind("the value is 3; 4 is needed")
    for contract in (False, True):
        response = error_response(request_, error, contract=contract)
        masked = contract and not api.real
        assert response.status_code == (200 if masked else kind.status)
        assert json.loads(bytes(response.body)) == {
            "code": kind.code,
            "msg": "the value is 3; 4 is needed",
            "data": {"errorCode": kind.word},
        }
        assert ("Retry-After" in response.headers) == (kind is RateLimited)
        assert ("WWW-Authenticate" in response.headers) == (kind is AuthenticationError)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_openai_s_format_of_each_error(kind: type[Any]) -> None:
    response = openai.error_response(kind("the value is 3; 4 is needed"))
    body = json.loads(bytes(response.body))
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert body["error"]["param"] is None
    assert 400 <= response.status_code < 600
    if response.status_code >= 500:
        assert body["error"]["type"] == "server_error"
    assert ("Retry-After" in response.headers) == issubclass(kind, RateLimited | Unavailable)


@pytest.mark.parametrize(
    ("error", "status", "code", "param"),
    [
        (AuthenticationError("no"), 401, "invalid_api_key", None),
        (InvalidParameter("no", param="contentText"), 400, "invalid_parameter", "input"),
        (NotFound("no", param="modelId"), 404, "not_found", "voice"),
        (VoiceNotFound("no", param="voice"), 404, "voice_not_found", "voice"),
        (errors.InsufficientBalance("no"), 429, "insufficient_quota", None),
        (errors.QuotaExceeded("no"), 429, "insufficient_quota", None),
        (RateLimited("no", retry_after=7.4), 429, "rate_limit_exceeded", None),
        (TaskFailed("no", "cancelled"), 409, "cancelled", None),
        (TaskFailed("no", "no_speech"), 400, "no_speech", None),
        (TaskFailed("no", "timed_out"), 503, "timed_out", None),
        (TaskFailed("no", "worker_lost"), 500, "worker_lost", None),
        (errors.EngineUnavailable("no"), 503, "engine_unavailable", None),
    ],
)
def test_openai_s_statuses_and_codes(
    error: SoundcloneError, status: int, code: str, param: str | None
) -> None:
    response = openai.error_response(error)
    body = json.loads(bytes(response.body))["error"]
    assert (response.status_code, body["code"], body["param"]) == (status, code, param)
    if isinstance(error, RateLimited):
        assert response.headers["Retry-After"] == "7"
    if code in ("insufficient_quota", "cancelled"):
        assert response.headers["X-Should-Retry"] == "false"


def test_exceptions_of_libraries(request_: Request) -> None:
    caused = HTTPException(400, "There was an error parsing the body")
    caused.__cause__ = errors.TooLarge("the body is too long")
    for error, kind in (
        (caused, errors.TooLarge),
        (HTTPException(400, "bad"), RequestError),
        (HTTPException(404), NotFound),
        (HTTPException(405), MethodNotAllowed),
        (HTTPException(503), ServerFault),
        (OperationalError("SELECT 1", {}, Exception("gone")), Unavailable),
        (ZeroDivisionError(), ServerFault),
        (TaskError("the task failed"), TaskError),
    ):
        assert type(translate(request_, error)) is kind


def test_the_message_of_a_fault_has_no_details(request_: Request) -> None:
    found = translate(request_, RuntimeError("/etc/secret"))
    assert found.message == "the server failed at this request; it has been logged"


def test_a_value_that_is_not_unicode_can_be_quoted(request_: Request) -> None:
    error = translate(
        request_,
        RequestValidationError(
            [{"type": "string_type", "loc": ("query", "a"), "msg": "no", "input": "\ud800"}]
        ),
    )
    assert r"a is '\ud800'" in error.safe_message
    assert error_response(request_, NotFound("there is no \ud800")).body


def test_an_unexpected_exception_is_answered(
    real_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret")

    key = real_api.new_account().key
    state = real_api.app.state.soundclone
    for name in ("read_async", "fetch_one_async"):
        monkeypatch.setattr(state.database, name, broken)
    for path in ("/api/open-api/v1/user/balance", "/v1/models", "/api/open-api/v1/audios/audio_x"):
        response = real_api.send("GET", path, key=key)
        assert response.status_code == 500
        assert "secret" not in response.text
        assert "the server failed" in response.text


def test_the_database_is_away(real_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object, **__: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    key = real_api.new_account().key
    for name in ("read_async", "fetch_one_async"):
        monkeypatch.setattr(real_api.app.state.soundclone.database, name, away)
    status, body = real_api.get("/api/open-api/v1/voices", key)
    assert (status, body["data"]["errorCode"]) == (503, "unavailable")
    response = real_api.send("GET", "/v1/models", key=key)
    assert (response.status_code, response.json()["error"]["type"]) == (503, "server_error")
    assert response.headers["Retry-After"] == "2"


def test_every_route_answers_errors_in_a_format_of_the_service(real_api: Api) -> None:
    app = create_app(real_api.settings)
    plain = {
        route.path
        for route in app.routes
        if isinstance(route, APIRoute) and not isinstance(route, ApiRoute)
    }
    assert plain <= {"/docs", "/"}
