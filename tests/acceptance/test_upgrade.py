"""The previous release and this one on one Postgres database, with tasks under way."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service import API, Service, finish

from .test_durability import AUDIOS, a_voice, assert_charged_once, calls, text, wait_for_calls

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

ROOT = Path(__file__).parents[2]
PREVIOUS = "10b9e4d"  # commit of release 0.1.0


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of the previous release, unpacked."""
    folder = tmp_path_factory.mktemp("previous")
    archive = folder / "source.tar"
    done = subprocess.run(
        ["git", "archive", f"--output={archive}", PREVIOUS, "src", "pyproject.toml", "README.md",
         "LICENSE", "NOTICE", "CHANGELOG.md"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"this checkout has no commit {PREVIOUS}: {done.stderr.decode()}")
    source = folder / "source"
    source.mkdir()
    subprocess.run(["tar", "-xf", archive, "-C", source], check=True)
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", folder, source],
        check=True, capture_output=True, cwd=folder,
    )  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(folder / "installed")
    return folder / "installed"


@pytest.fixture
def services(
    tmp_path: Path, previous: Path, postgres_database: str, test_engines: dict[str, str]
) -> Iterator[tuple[Service, Service]]:
    """The previous release and this one, which share the database, the files and the secret."""
    shared = test_engines | {
        "SOUNDCLONE_DATABASE_URL": postgres_database.replace("+psycopg", ""),
        "SOUNDCLONE_STORAGE_URL": (tmp_path / "files").as_uri(),
        "SOUNDCLONE_SECRET_KEY": "s" * 32,
        "SOUNDCLONE_TEST_SECONDS": "1",
        "SOUNDCLONE_STOP_GRACE": "2",
    }
    paths = [str(previous), shared["PYTHONPATH"]]
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    old = Service(
        tmp_path / "old",
        "--no-worker",
        environment=shared | {"PYTHONPATH": os.pathsep.join(paths)},
    )
    new = Service(tmp_path / "new", "--no-worker", environment=shared)
    old.start()
    try:
        yield old, new  # the new one is started by the test
    finally:
        for each in (new, old):
            each.__exit__()


def test_tasks_of_the_previous_release_continue(
    services: tuple[Service, Service], recording: str
) -> None:
    """A task begins in an old worker. The new release migrates the database and takes over."""
    old, new = services
    environment = old.environment
    account, key = old.new_key(100)
    worker = old.worker()
    old.wait_for("/readyz")
    voice = a_voice(old, key, recording)
    done = len(calls(environment))
    first = old.post(AUDIOS, {"modelId": voice, "contentText": text(4)}, key)[1]["data"]
    wait_for_calls(environment, done + 1)

    new.start()  # migrates the database
    second = new.post(AUDIOS, {"modelId": voice, "contentText": text(20)}, key)[1]["data"]
    spoken = len(calls(environment))
    wait_for_calls(environment, spoken + 2)  # the old worker does it
    new.worker()
    worker.terminate()
    assert worker.wait(60) == 0
    for each in (first, second):
        data = finish(new, each["id"], key)
        assert data["status"] == "completed", data
        assert_charged_once(new, account, each["id"], each["cost"])
    processes = {line.split()[0] for line in calls(environment)[done:]}
    assert len(processes) == 2
    # The key and the voice of the old release work.
    assert new.get(f"{API}/user/balance", key)[0] == 200
    body = {"modelId": voice, "contentText": "One more."}
    assert finish(new, new.post(AUDIOS, body, key)[1]["data"]["id"], key)["status"] == "completed"

    # A process of the previous release refuses to start, and names the reason.
    again = old.worker()
    assert again.wait(60) == 1
    assert "the database was written by a newer version of soundclone" in old.log.read_text()
