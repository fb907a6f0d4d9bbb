"""Export and erasure of an account over HTTP."""

from __future__ import annotations

import io
import json
import zipfile

from .conftest import Api

API = "/api/open-api/v1"


def test_an_account_exports_and_erases_itself(real_api: Api) -> None:
    owner, other = real_api.new_account(), real_api.new_account()
    body = {"fileUrl": "https://example.com/a.mp3", "contentText": "My diary."}
    made = real_api.post(f"{API}/soundCloning/clones", body, owner.key)[1]["data"]["id"]
    response = real_api.send("GET", f"{API}/account/export", key=owner.key)
    assert response.headers["Content-Type"] == "application/zip"
    assert f'filename="{owner.id}.zip"' in response.headers["Content-Disposition"]
    archive = zipfile.ZipFile(io.BytesIO(response.content))
    assert archive.testzip() is None
    assert json.loads(archive.read("data/tasks.jsonl"))["id"] == made
    assert b"My diary." in archive.read("data/tasks.jsonl")

    status, answer = real_api.request("DELETE", f"{API}/account?confirm=acct_1", key=owner.key)
    assert (status, answer["data"]["errorCode"]) == (422, "invalid_parameter")
    assert owner.id in answer["msg"]
    limited = real_api.new_account(account=owner.id, quota="5", credit=0)
    path = f"{API}/account?confirm={owner.id}"
    status, answer = real_api.request("DELETE", path, key=limited.key)
    assert (status, answer["data"]["errorCode"]) == (403, "forbidden")
    status, answer = real_api.request("DELETE", path, key=owner.key)
    assert (status, answer["code"]) == (200, 20000)
    report = answer["data"]
    assert (report["account"], report["erased"]["tasks"], report["erased"]["keys"]) == (
        owner.id,
        1,
        2,
    )
    assert report["kept"]["credits"] == 100
    for key in (owner.key, limited.key):
        assert real_api.get(f"{API}/voices", key)[0] == 401
    assert real_api.get(f"{API}/voices", other.key)[0] == 200
