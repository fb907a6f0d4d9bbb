"""The limit of submissions."""

from __future__ import annotations

import pytest

from .conftest import Api

SPEECH = {"model": "tts-1", "input": "Hello.", "voice": "nobody"}


def test_every_submission_counts(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.app.state.soundclone.rate_limit, "_limit", 2)
    key = api.new_account().key
    path = "/api/open-api/v1/soundCloning/clones"
    for _ in range(2):
        assert api.post(path, {"fileUrl": "ftp://x"}, key)[1]["code"] == 20002
    response = api.send("POST", path, key=key, body={"fileUrl": "ftp://x"})
    assert response.status_code == (429 if api.real else 200)
    assert response.json()["data"]["errorCode"] == "rate_limited"
    assert int(response.headers["Retry-After"]) >= 1
    answer = api.send("POST", "/v1/audio/speech", key=key, body=SPEECH)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert api.get("/api/open-api/v1/user/balance", key)[1]["code"] == 20000
