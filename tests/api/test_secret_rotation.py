"""Rotation of the installation's secret: keys, links and sessions survive."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from soundclone.cli import app
from soundclone.config import Settings
from soundclone.db.models import Key

from .conftest import Api, serve
from .studio.conftest import visitor_of
from .studio.visitors import sign_in

API = "/api/open-api/v1"


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command on the data folder, and return the JSON that it prints."""
    monkeypatch.setenv("SOUNDCLONE_DATA_DIR", str(tmp_path))

    def run(*arguments: str) -> Any:
        done = CliRunner().invoke(app, [*arguments, "--json"])
        assert done.exit_code == 0, (done.output, done.exception)
        return json.loads(done.stdout)

    return run


def works(served: Api, key: str) -> bool:
    return bool(served.get(f"{API}/user/balance", key)[1]["code"] == 20000)


def test_keys_links_and_sessions_survive_a_rotation(tmp_path: Path, command: Any) -> None:
    started = serve(tmp_path)
    served = next(started)
    used, unused = served.new_account(), served.new_account()
    with served.database.transaction() as session:  # as an earlier release stored them
        session.execute(update(Key).values(secret_id=None))
    sent = {"file": ("a.wav", b"RIFF....WAVE", "audio/wav")}
    link = served.request("POST", f"{API}/files/upload", key=used.key, files=sent)[1]["data"]["url"]
    visitor = visitor_of(served)
    sign_in(visitor, used.key)
    cookie = visitor.cookies["soundclone_session"]
    next(started, None)

    first = Settings(data_dir=tmp_path).secret
    command("secret", "rotate")
    assert Settings(data_dir=tmp_path).secrets[1:] == (first,)
    started = serve(tmp_path)
    served = next(started)
    assert works(served, used.key)
    assert served.send("GET", link.removeprefix("http://testserver")).status_code == 200
    visitor = visitor_of(served)
    visitor.cookies.set("soundclone_session", cookie, domain="testserver.local", path="/studio")
    assert visitor.get("/studio/account").status_code == 200
    rows = command("secret", "list")
    assert [row["keys"] for row in rows] == [1, 1]

    # The former secret stays while a key or a link needs it.
    kept = command("secret", "retire")
    assert kept["retired"] == []
    assert unused.key_id in kept["kept"][0]["reason"]
    assert works(served, unused.key)
    assert [row["keys"] for row in command("secret", "list")] == [2, 0]
    kept = command("secret", "retire")
    assert "links and sessions may be valid for 7.0 more days" in kept["kept"][0]["reason"]
    former = Settings(data_dir=tmp_path).former_secret_files[0]
    former.rename(tmp_path / f"secret.key.{int(time.time()) - 8 * 86_400}")
    assert len(command("secret", "retire")["retired"]) == 1
    next(started, None)

    started = serve(tmp_path)
    served = next(started)
    assert len(Settings(data_dir=tmp_path).secrets) == 1
    assert works(served, used.key)
    assert works(served, unused.key)
    assert served.send("GET", link.removeprefix("http://testserver")).status_code == 404
    next(started, None)
