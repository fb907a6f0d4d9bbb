"""The command line against a real service."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from tests.acceptance.conftest import RECORDING
from tests.service import API, Service

pytestmark = pytest.mark.slow

Done = subprocess.CompletedProcess[bytes]


class Shell:
    """A user's shell in a folder, with the address and a key of a service."""

    def __init__(self, service: Service, key: str, folder: Path) -> None:
        self.service, self.key, self.folder = service, key, folder
        self.environment = service.environment | {
            "SOUNDCLONE_BASE_URL": service.url,
            "SOUNDCLONE_API_KEY": key,
        }

    def start(
        self,
        *arguments: str,
        stdin: int | None = None,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [self.service.python, "-m", "soundclone", *arguments],
            env=self.environment,
            cwd=self.folder,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
        )

    def run(self, *arguments: str, stdin: bytes | None = None) -> Done:
        with self.start(*arguments, stdin=subprocess.PIPE) as process:
            output, error = process.communicate(stdin, timeout=400)
        return Done(arguments, process.returncode, output, error)

    def good(self, *arguments: str, stdin: bytes | None = None) -> bytes:
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def available(self) -> float:
        credits: float = self.service.get(f"{API}/user/balance", self.key)[1]["data"]["available"]
        return credits


@pytest.fixture(scope="module")
def key(service: Service) -> str:
    return service.new_key(100)[1]


@pytest.fixture
def shell(service: Service, key: str, tmp_path: Path) -> Shell:
    return Shell(service, key, tmp_path)


@pytest.fixture(scope="module")
def voice(service: Service, key: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("voice")
    shell = Shell(service, key, folder)
    said = shell.good("clone", str(RECORDING), "--text", "Hello.", "--quiet")
    assert (folder / "preview.mp3").stat().st_size > 1000
    return said.decode().strip()


def test_from_a_recording_to_speech(shell: Shell) -> None:
    cloned = json.loads(shell.good("clone", str(RECORDING), "--text", "Hello.", "--json"))
    assert cloned["files"] == {"preview": "preview.mp3"}
    assert (shell.folder / "preview.mp3").stat().st_size > 1000
    model = cloned["modelId"]
    (shell.folder / "script.txt").write_text("\ufeffOne sentence. And another one.", "utf-8")
    said = shell.good("speak", model, "-f", "script.txt", "-o", "a.flac", "--subtitles", "a.srt")
    assert b"speech    a.flac\nsubtitles a.srt\ncost      " in said
    flac = (shell.folder / "a.flac").read_bytes()
    assert flac[:3] == b"ID3"  # Content Credentials
    assert b"fLaC" in flac
    assert (shell.folder / "a.srt").read_text().count("-->") == 2
    assert model in shell.good("voices", "list").decode()
    assert model in [row["model_id"] for row in json.loads(shell.good("voices", "list", "--json"))]
    shell.good("voices", "rename", model, "Doomed")
    gone = json.loads(shell.good("voices", "delete", "doomed", "--json"))
    assert gone == {"modelId": model, "deleted": True}
    failed = shell.run("speak", model, "--text", "Hello?", "--json")
    assert failed.returncode == 1
    assert "was deleted" in json.loads(failed.stderr)["error"]["message"]


def test_voices_have_names(shell: Shell) -> None:
    cloned = json.loads(
        shell.good("clone", str(RECORDING), "--text", "Hi.", "--name", "Anna", "--sound-version",
                   "v2", "--json")
    )  # fmt: skip
    model = cloned["modelId"]
    head, row = shell.good("voices", "list").decode().splitlines()[:2]
    assert head.split() == "voice name tags version engine speech made expires".split()
    assert row.split()[:5] == [model, "Anna", "-", "v2", "builtin"]
    assert row.endswith(" UTC")
    assert max(map(len, (head, row))) < 140
    windy = shell.good("speak", "anna", "--text", "It is windy.", "-o", "windy.ogg", "--json")
    spoken = json.loads(windy)
    assert spoken["status"] == "completed"
    assert spoken["files"] == {"speech": "windy.ogg", "credentials": "windy.c2pa"}
    said = shell.good("download", spoken["id"])
    assert said.decode().startswith("audio       speech.ogg\ncredentials speech.c2pa\ncost ")
    for one, other in (("windy.ogg", "speech.ogg"), ("windy.c2pa", "speech.c2pa")):
        assert (shell.folder / one).read_bytes() == (shell.folder / other).read_bytes()
    assert shell.good("voices", "rename", "Anna", "Berta").decode() == f"{model} is named Berta\n"
    renamed = json.loads(shell.good("voices", "rename", model, "Carla", "--json"))
    assert (renamed["modelId"], renamed["name"]) == (model, "Carla")
    (listed,) = [
        row for row in json.loads(shell.good("voices", "list", "--json")) if row["modelId"] == model
    ]
    assert (listed["name"], listed["soundVersion"], listed["version"]) == ("Carla", "v2", "v2")
    unknown = shell.run("speak", "Berta", "--text", "Hello.")
    assert unknown.returncode == 1
    assert b"there is no voice 'Berta'; `soundclone voices list` shows them" in unknown.stderr
    first = shell.run("speak", "Berta", "--text", "Hello.", "--language", "Klingon")
    assert b"'Klingon' is not known" in first.stderr


def test_from_a_script_to_a_book(shell: Shell, voice: str) -> None:
    (shell.folder / "novel.md").write_text(
        "# A novel\n\n## One\n\nIt was late. Mr Nguyen came.\n\n## Two\n\nNobody left.\n", "utf-8"
    )
    shell.good("pronunciations", "add", "Nguyen", "nwin")
    project = shell.good("projects", "create", "novel.md", "--voice", voice, "--quiet")
    id = project.decode().strip()
    left = json.loads(shell.good("projects", "show", id, "--json"))["unrecorded"]
    before = shell.available()
    recorded = json.loads(shell.good("projects", "record", "A novel", "--json"))
    assert (recorded["recorded"], recorded["failed"]) == (left["blocks"], [])
    assert before - shell.available() == pytest.approx(recorded["cost"])
    arguments = ("-o", "novel.m4b", "--subtitles", "novel.srt", "--loudness", "audiobook")
    rendered = json.loads(shell.good("projects", "render", id, *arguments, "--json"))
    with av.open(str(shell.folder / "novel.m4b")) as book:
        marks = book.chapters()
        assert [mark["metadata"]["title"] for mark in marks] == ["One", "Two"]
        assert book.duration is not None
        assert book.duration / av.time_base == pytest.approx(rendered["seconds"], abs=0.1)
    starts = [float(mark["start"] * (mark["time_base"] or 0)) for mark in marks]
    assert starts == pytest.approx([each["start"] for each in rendered["chapters"]], abs=0.01)
    assert "Mr Nguyen came." in (shell.folder / "novel.srt").read_text("utf-8")
    assert b"Nguyen" in shell.good("pronunciations", "export")
    shell.good("pronunciations", "remove", "Nguyen")
    shell.good("projects", "delete", id)


def test_tasks_are_listed(service: Service, voice: str, shell: Shell) -> None:
    task = json.loads(shell.good("speak", voice, "--text", "It is windy.", "--json"))["id"]
    listed = json.loads(shell.good("tasks", "list", "--kind", "audio", "--limit", "1", "--json"))
    assert [row["id"] for row in listed["list"]] == [task]
    shown = shell.good("tasks", "list", "--status", "completed").decode()
    assert re.search(rf"{task}  audio  completed +\d{{4}}-.* UTC +\d+\.\d s +0\.0\d+", shown)
    first = shell.good("tasks", "list", "--limit", "1").decode()
    assert "status     completed\n" in shell.good("tasks", "show", task).decode()
    cursor = first.rpartition("--cursor ")[2].strip()
    assert task not in shell.good("tasks", "list", "--cursor", cursor).decode()


def test_a_login_opens_the_studio_once(service: Service, key: str, shell: Shell) -> None:
    shell.environment |= {"XDG_CONFIG_HOME": str(shell.folder), "HOME": str(shell.folder)}
    shell.good("login")
    del shell.environment["SOUNDCLONE_BASE_URL"], shell.environment["SOUNDCLONE_API_KEY"]
    link = shell.good("open", "--print").decode().strip()
    assert link.startswith(f"{service.url}/studio/sign-in?link=")
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(link) as page:
        assert "/studio/sign-in" not in page.url
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(link)
    assert link.partition("link=")[2] not in service.log.read_text()


def test_the_machine(shell: Shell) -> None:
    report = json.loads(shell.good("doctor", "--json"))
    assert report["ok"], report
    names = {row["name"] for row in report["checks"]}
    assert {"engine builtin", "database", "storage", "disk", "workers"} <= names
    spoken = json.loads(shell.good("languages", "--json"))["languages"]
    assert len(spoken) == 40


def test_from_a_pipe_into_a_pipe(shell: Shell, voice: str) -> None:
    done = shell.run("speak", voice, "--format", "wav", "-o", "-", stdin=b"It is windy.\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout[:4] == b"RIFF"
    assert done.stderr.startswith(b"speech   -\ncost ")
    quiet = shell.run("speak", voice, "--format", "wav", "-o", "-", "-q", stdin=b"It is windy.\n")
    # The sounds differ in their watermark, and in nothing else.
    assert len(quiet.stdout) == len(done.stdout)
    assert (quiet.stdout[:44], quiet.stderr) == (done.stdout[:44], b"")
    assert list(shell.folder.iterdir()) == []


def test_a_pipe_that_has_a_name_stays_one(shell: Shell, voice: str) -> None:
    named = shell.folder / "pipe.mp3"
    os.mkfifo(named)
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append(named.read_bytes()), daemon=True)
    reader.start()
    shell.good("speak", voice, "--text", "It is windy.", "-o", "pipe.mp3")
    reader.join(300)
    assert named.is_fifo()
    assert len(heard[0]) > 1000


def test_what_the_service_refuses(shell: Shell, voice: str) -> None:
    refused = shell.run("speak", voice, "--text", "Hi.", "--language", "Klingon", "--json")
    assert refused.returncode == 1
    assert json.loads(refused.stderr)["error"]["word"] == "invalid_parameter"
    wrong = shell.run("voices", "list", "--key", "sk_wrong", "--json")
    assert (wrong.returncode, json.loads(wrong.stderr)["error"]["word"]) == (1, "unauthenticated")
    (shell.folder / "page.mp3").write_text("<!doctype html><html></html>")
    failed = shell.run("clone", "page.mp3", "--json")
    assert (failed.returncode, failed.stdout) == (1, b"")
    assert json.loads(failed.stderr)["error"]["word"] == "source_not_media"
    missing = shell.run("cancel", "audio_x")
    assert (missing.returncode, missing.stderr[:12]) == (1, b"soundclone: ")


@pytest.mark.parametrize(
    ("arguments", "drawn"), [((), True), (("--json",), False), (("-q",), False)]
)
def test_progress_is_for_terminals(shell: Shell, arguments: tuple[str, ...], drawn: bool) -> None:
    ours, theirs = pty.openpty()
    shell.environment |= {"TERM": "xterm", "COLUMNS": "100"}
    process = shell.start("clone", str(RECORDING), "--text", "Hi.", *arguments, stderr=theirs)
    os.close(theirs)
    seen = b""
    while True:
        try:
            block = os.read(ours, 65_536)
        except OSError:  # Linux: the other end is closed
            break
        if not block:
            break
        seen += block
    os.close(ours)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    assert output
    shown = [word in seen for word in (b"uploading", b"cloning", b"%")]
    assert shown == [drawn] * 3, seen


# Leaving


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service without a worker, so that tasks remain queued."""
    with Service(tmp_path_factory.mktemp("idle"), "--no-worker") as running:
        yield running


def waiting(shell: Shell, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a clone, and return once its task is queued."""
    before = shell.available()
    process = shell.start("clone", str(RECORDING), *arguments)
    deadline = time.monotonic() + 300
    while shell.available() == before:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(3)  # the command has read the answer by now
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_who_leaves_cancels_and_pays_nothing(
    idle: Service, tmp_path: Path, number: int, code: int
) -> None:
    shell = Shell(idle, idle.new_key(100)[1], tmp_path)
    process = waiting(shell)
    process.send_signal(number)
    output, error = process.communicate(timeout=300)
    assert (process.returncode, output) == (code, b"")
    assert error.startswith(b"soundclone: interrupted; audio_")
    assert error.endswith(b" is cancelled and costs nothing\n")
    assert shell.available() == 100
    assert list(tmp_path.iterdir()) == []


def test_who_leaves_a_service_that_is_gone(tmp_path: Path) -> None:
    with Service(tmp_path, "--no-worker") as service:
        shell = Shell(service, service.new_key(100)[1], tmp_path)
        process = waiting(shell, "--json")
        service.terminate()
        process.send_signal(signal.SIGINT)
        output, error = process.communicate(timeout=300)
    assert (process.returncode, output) == (130, b"")
    said = json.loads(error)["error"]
    assert said["word"] == "interrupted"
    assert "continues, because it could not be cancelled" in said["message"]


def test_cancel(idle: Service, tmp_path: Path) -> None:
    shell = Shell(idle, idle.new_key(100)[1], tmp_path)
    body = {"fileUrl": "http://127.0.0.1:1/a.mp3"}
    task = idle.post(f"{API}/soundCloning/clones", body, shell.key)[1]["data"]["id"]
    data = json.loads(shell.good("cancel", task, "--json"))
    assert (data["id"], data["status"], data["errorCode"]) == (task, "failed", "cancelled")
    assert b"failed" in shell.good("cancel", task)


def test_ctrl_c_ends_a_service(tmp_path: Path) -> None:
    """A terminal sends the signal to all processes of the group."""
    with Service(tmp_path) as service:
        process = service._processes[0]
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(300) == 0
        assert service.children() == []
    assert "Traceback" not in service.log.read_text()
