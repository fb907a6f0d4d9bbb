"""The command line without a service: help, exit codes, error messages and completion."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, get_args

import httpx2
import pytest
import typer
import typer.main

import soundclone_client
from soundclone import __version__
from soundclone.cli import app, credentials, login, main, remote
from soundclone.cli.service import url_of
from soundclone.engines.protocol import Emotion

SOUNDCLONE = Path(sys.executable).with_name("soundclone")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SOUNDCLONE")}
    return kept | {
        "SOUNDCLONE_DATA_DIR": str(tmp_path / "data"),
        "SOUNDCLONE_API_KEY": "sk_x",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "HOME": str(tmp_path),
    }


Done = subprocess.CompletedProcess[bytes]
Run = Callable[..., Done]


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process."""
    monkeypatch.chdir(tmp_path)
    for name in set(os.environ) - set(environment):
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def command(*arguments: str, stdin: bytes = b"", **more: str) -> Done:
        streams = [
            io.TextIOWrapper(io.BytesIO(data), "utf-8", write_through=True)
            for data in (stdin, b"", b"")
        ]
        with pytest.MonkeyPatch.context() as patch:
            for name, value in more.items():
                patch.setenv(name, value)
            for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
                patch.setattr(sys, name, stream)
            patch.setattr(sys, "argv", [str(SOUNDCLONE), *arguments])
            with pytest.raises(SystemExit) as ended:
                main()
        code = ended.value.code
        assert isinstance(code, int)
        output, error = (stream.detach() for stream in streams[1:])
        return Done(arguments, code, output.getvalue(), error.getvalue())

    return command


@pytest.fixture
def launch(environment: dict[str, str], tmp_path: Path) -> Run:
    """Run a command in a process."""

    def command(*arguments: str, stdin: bytes = b"", **more: str) -> Done:
        return subprocess.run(
            [SOUNDCLONE, *arguments],
            env=environment | more,
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            check=False,
            timeout=300,
        )

    return command


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("nas", "http://nas:8000"),
        ("::1", "http://[::1]:8000"),
    ],
)
def test_an_ipv6_address_is_in_brackets(host: str, url: str) -> None:
    assert url_of(host, 8000) == url


def commands(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command that does something, by how it is called."""
    command = command or typer.main.get_command(app)
    for name, each in getattr(command, "commands", {}).items():
        yield from commands(each, (*path, name))
    if not hasattr(command, "commands"):
        yield " ".join(path), command


def test_every_command_and_option_says_what_it_is() -> None:
    found = dict(commands())
    assert {"serve", "clone", "voices delete", "models pull", "keys set-quota"} <= set(found)
    for name, command in found.items():
        assert command.help, name
        for parameter in command.params:
            assert getattr(parameter, "help", None), (name, parameter.name)


def test_no_line_of_help_is_cut(run: Run) -> None:
    for group in (
        (),
        ("keys",),
        ("credit",),
        ("voices",),
        ("tasks",),
        ("models",),
        ("projects",),
        ("pronunciations",),
    ):
        done = run(*group, "--help")
        listed = done.stdout.decode().partition("\nCommands:\n")[2].partition("\n\n")[0]
        assert listed
        assert "..." not in listed, listed


def test_no_command_prints_the_help(run: Run) -> None:
    done = run()
    assert done.returncode == 2
    assert done.stderr.decode() == run("--help").stdout.decode()


# Servers, files of their own format, and audio that is paid for clause by clause.
OWN_OUTPUT = (
    *("serve", "worker", "mcp", "wyoming", "talk"),
    *("audit export", "pronunciations export"),
)


def test_what_a_machine_may_read_is_json_on_request() -> None:
    for name, command in commands():
        options = {option for parameter in command.params for option in parameter.opts}
        assert ("--json" in options) == (name not in OWN_OUTPUT), name


def test_the_help_is_light(run: Run) -> None:
    code = (
        "import sys; sys.argv = ['soundclone', '--help']\n"
        "from soundclone.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'sqlalchemy', 'pydantic', 'httpx2', 'rich', 'fastapi', 'torch'}\n"
        "sys.exit(bool(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=300)
    assert done.returncode == 0
    assert b"Exit codes:" in done.stdout
    assert b"ffplay" in run("speak", "-h").stdout


def test_the_version_is_that_of_the_package(run: Run) -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert f'\nversion = "{__version__}"\n' in project
    assert run("--version").stdout.decode() == f"{__version__}\n"


def test_emotions_are_those_of_the_engines() -> None:
    assert get_args(remote.Emotion) == tuple(Emotion)


def test_a_quota_of_0_is_no_limit(run: Run) -> None:
    made = json.loads(run("keys", "create", "--name", "a", "--quota", "5", "--json").stdout)
    said = run("keys", "set-quota", made["id"], "0").stdout.decode()
    assert said == f"{made['id']} may spend without a limit\n"
    said = run("keys", "set-quota", made["id"], "12.50").stdout.decode()
    assert said == f"{made['id']} may spend at most 12.5 credits\n"


# What goes wrong

WRONG: list[tuple[list[str], dict[str, str], int, str, str]] = [
    (["speek"], {}, 2, "usage", "Did you mean 'speak', 'serve'? (see `soundclone --help`)"),
    (["keys"], {}, 2, "usage", "set-quota"),
    (["speak"], {}, 2, "usage", "Missing argument"),
    (["speak", "m", "--speed", "9"], {}, 2, "usage", "--speed"),
    (["speak", "m", "--emotion", "bored"], {}, 2, "usage", "--emotion"),
    (["speak", "m", "--text", "a", "-f", "b"], {}, 2, "usage", "--text and --file exclude"),
    (["speak", "m", "--text", "a", "--words"], {}, 2, "usage", "--subtitles"),
    (["speak", "m", "--text", "a", "-o", "-", "--subtitles", "-"], {}, 2, "usage", "only one can"),
    (["speak", "m", "--text", "a", "-o", "no/a.mp3"], {}, 1, "file", "there is no folder no"),
    (["speak", "m", "--text", "a", "-o", "."], {}, 1, "file", "name a file in it"),
    (["speak", "m", "-f", "no.txt"], {}, 1, "file", "no.txt cannot be read: No such file"),
    (["speak", "m", "-f", "/dev/zero"], {}, 1, "too_large", "longer than 1 MB"),
    (["speak", "m", "--text", "a", "-o", "a.xyz"], {}, 2, "usage", "unknown ending .xyz; use .mp3"),
    (["clone", "no.mp3", "-o", "a.wav"], {}, 2, "usage", "ending .wav; a preview is MP3"),
    (["speak", "m", "--text", " "], {}, 1, "invalid_parameter", "the text is empty"),
    (["speak", "m", "--text", "a", "--language", "Klingon"], {}, 1, "invalid_parameter",
     "'Klingon' is not known"),
    (["voices", "list"], {"SOUNDCLONE_API_KEY": ""}, 1, "unauthenticated",
     "set SOUNDCLONE_API_KEY, or pass --key"),
    (["voices", "list", "--url", "http://127.0.0.1:1"], {}, 1, "unreachable",
     "Connection refused; is the service running? `soundclone serve` starts it"),
    (["clone", "no.mp3"], {}, 1, "file", "no.mp3 is neither a file"),
    (["clone", "ftp://x/a.mp3"], {}, 1, "invalid_parameter", "http(s) URL"),
    (["voices", "list", "--url", "ftp://x"], {}, 1, "invalid_parameter", "http://"),
    (["keys", "list"], {}, 1, "not_found", "data/soundclone.db; if the service runs with another"),
    (["keys", "revoke", "key_x"], {}, 1, "not_found", "there is no database at "),
    (["credit", "show", "--account", "a"], {}, 1, "not_found", "there is no database at "),
    (["keys", "create", "--name", "a", "--credit", "x"], {}, 1, "invalid_parameter", "12.5"),
    (["keys", "create", "--name", "a", "--quota", "1e400"], {}, 1, "invalid_parameter", "too much"),
    (["keys", "create", "--name", "a"], {"SOUNDCLONE_DATA_DIR": "/dev/null/x"}, 1, "file",
     "/dev/null/x"),
    (["keys", "list"], {"SOUNDCLONE_DATABASE_URL": "?"}, 1, "settings", "_DATABASE_URL"),
    (["keys", "list"], {"SOUNDCLONE_DATABASE_URL": "mysql://x"}, 1, "unavailable", "'mysql'"),
    (["keys", "list"], {"SOUNDCLONE_DATABASE_URL": "postgresql://u:pw@127.0.0.1:1/x"}, 1,
     "unavailable", "the database cannot be used"),
    (["doctor"], {"SOUNDCLONE_PRICES": '{"a": 1}'}, 1, "settings", "unknown price 'a'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "word", "said"),
    WRONG,
    ids=[" ".join([*row[0], *row[1].values()]) for row in WRONG],
)
def test_what_is_wrong_is_a_sentence_and_a_code(
    run: Run, arguments: list[str], settings: dict[str, str], code: int, word: str, said: str
) -> None:
    plain = run(*arguments, **settings)
    assert plain.returncode == code
    assert plain.stdout == b""
    text = plain.stderr.decode()
    assert "Errno" not in text
    assert text.startswith("Usage: " if arguments == ["keys"] else "soundclone: ")
    assert said in text
    assert "Traceback" not in text
    assert "pw@" not in text
    if arguments != ["keys"]:
        assert text.count("\n") == 1
        coded = run(*arguments, "--json", **settings)
        assert coded.returncode == code
        assert coded.stdout == b""
        error = json.loads(coded.stderr)["error"]
        if arguments[0] != "speek":
            assert error["word"] == word
            assert said in error["message"]


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"SOUNDCLONE_STORAGE_URL": "ftp://x"}, "use file:///folder or s3://bucket/prefix"),
        ({"SOUNDCLONE_WORKER_CONCURRENCY": "0"}, "SOUNDCLONE_WORKER_CONCURRENCY is invalid"),
        ({"SOUNDCLONE_SECRET_KEY": "short"}, "SOUNDCLONE_SECRET_KEY is invalid"),
        ({"SOUNDCLONE_DATABASE_URL": "mysql://x"}, "is not supported"),
    ],
)
@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_service_with_bad_settings_does_not_start(
    launch: Run, port: int, command: str, settings: dict[str, str], said: str
) -> None:
    arguments = ("--port", str(port)) if command == "serve" else ()
    done = launch(command, *arguments, **settings)
    assert done.returncode == 1
    assert said in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_a_port_that_is_taken(launch: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = launch("serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert b"Address already in use; choose another with --port" in done.stderr
    assert done.stdout == b""
    assert not (tmp_path / "data").exists()


def test_doctor_leaves_no_trace(run: Run, tmp_path: Path) -> None:
    report = json.loads(run("doctor", "--json").stdout)
    details = {check["name"]: check["detail"] for check in report["checks"]}
    for name, path in (("database", "data/soundclone.db"), ("storage", "data/files")):
        expected = f"there is none yet at {tmp_path / path}; the first `soundclone serve` makes it"
        assert details[name] == expected
    assert not (tmp_path / "data").exists()


def test_a_new_database_is_reported(run: Run, tmp_path: Path) -> None:
    made = run("keys", "create", "--name", "a", "--json")
    assert json.loads(made.stdout)["key"].startswith("sk_")
    assert f"there was no database at {tmp_path}/data/soundclone.db" in made.stderr.decode()
    again = run("keys", "create", "--name", "b", "--json")
    assert again.stderr == b""
    assert len(json.loads(run("keys", "list", "--json").stdout)) == 2


@pytest.mark.parametrize("kind", ["another file", "cut short", "pages overwritten"])
def test_a_damaged_database_is_a_sentence(
    launch: Run, port: int, tmp_path: Path, kind: str
) -> None:
    launch("keys", "create", "--name", "a")
    path = tmp_path / "data" / "soundclone.db"
    content = bytearray(path.read_bytes())
    if kind == "another file":
        content = bytearray(b"The quick brown fox. " * 1000)
    elif kind == "cut short":
        del content[len(content) // 2 :]
    else:
        for page in range(1, len(content) // 4096, 2):
            content[page * 4096 : (page + 1) * 4096] = bytes(range(256)) * 16
    path.write_bytes(content)
    for name in ("soundclone.db-wal", "soundclone.db-shm"):
        (tmp_path / "data" / name).unlink(missing_ok=True)
    for command in (["keys", "list"], ["serve", "--port", str(port)], ["worker"]):
        done = launch(*command)
        assert done.returncode == 1, (command, done.stdout)
        said = done.stderr.decode()
        assert "Traceback" not in said
        assert f"the database {path} is damaged (" in said
        assert "from a backup as docs/howto/back-up.md describes" in said
    report = json.loads(launch("doctor", "--json").stdout)
    (check,) = [check for check in report["checks"] if check["name"] == "database"]
    assert not check["ok"]
    assert f"the database {path} is damaged (" in check["detail"]


def test_a_database_of_a_newer_version_is_a_sentence(run: Run, tmp_path: Path) -> None:
    run("keys", "create", "--name", "a")
    with closing(sqlite3.connect(tmp_path / "data" / "soundclone.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    done = run("keys", "list")
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert b"was written by a newer version of soundclone" in done.stderr


def test_a_secret_that_others_can_read_is_reported(run: Run, tmp_path: Path) -> None:
    run("keys", "create", "--name", "a")
    secret = tmp_path / "data" / "secret.key"
    for mode, fine in ((0o600, True), (0o640, False)):
        secret.chmod(mode)
        report = json.loads(run("doctor", "--json").stdout)
        (check,) = [check for check in report["checks"] if check["name"] == "secret"]
        assert check["ok"] is fine
        assert fine or "has mode 0640" in check["detail"]


# Commands that use a service

MODEL = "model_0123456789abcdef0123456789abcdef"
API = "/api/open-api/v1"
LINK = "http://127.0.0.1:8000/studio/sign-in?link=secret"


@dataclass
class FakeService:
    """Answers requests of the SDK in this process."""

    answers: dict[str, Any]
    seen: list[httpx2.Request] = field(default_factory=list)

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        answer = self.answers.get(f"{request.method} {request.url.path}")
        if answer is None:
            refusal = {"code": 20002, "msg": "no such path", "data": {"errorCode": "not_found"}}
            return httpx2.Response(404, json=refusal)
        return httpx2.Response(200, json={"code": 20000, "msg": "ok", "data": answer})


def voice(model_id: str, name: str | None) -> dict[str, Any]:
    return {"modelId": model_id, "name": name, "soundVersion": "v1", "engine": "builtin",
            "licence": "Apache-2.0", "speechSeconds": 20.5, "active": False, "created": 1,
            "expiresAt": None}  # fmt: skip


def task(id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "object": "audio", "created": 1781777280, "model": "soundCloningAudio",
            "status": "completed", "error": None, **more}  # fmt: skip


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> FakeService:
    key = {"name": "laptop", "total_quota": 0, "used_quota": 0, "available_quota": 1}
    other = "model_" + "f" * 32
    fake = FakeService(
        {
            f"GET {API}/key/balance": {**key, "unlimited": True},
            f"POST {API}/sign-in-links": {"url": LINK, "expiresAt": 9},
            f"GET {API}/voices": {"list": [voice(MODEL, "Anna"), voice(other, "Ben")]},
            f"DELETE {API}/voices/{MODEL}": {"modelId": MODEL, "deleted": True},
            f"PATCH {API}/voices/{MODEL}": voice(MODEL, "Berta"),
            f"GET {API}/audios": {"list": [task("audio_1"), task("audio_2")], "nextCursor": None},
            f"GET {API}/audios/audio_1": task("audio_1", seconds=2.5, audioUrl="http://x/a.mp3"),
            f"DELETE {API}/audios/audio_1": task("audio_1", status="failed", error="cancelled"),
        }
    )
    client = partial(soundclone_client.Client, transport=httpx2.MockTransport(fake.handle))
    monkeypatch.setattr(soundclone_client, "Client", client)
    return fake


def keys_of(service: FakeService) -> set[str]:
    return {request.headers["authorization"].removeprefix("Bearer ") for request in service.seen}


def test_a_login_is_stored_and_used(service: FakeService, run: Run) -> None:
    file = credentials.login_file()
    done = run("login", "--url", "http://nas:8000/", stdin=b"sk_mine\n", SOUNDCLONE_API_KEY="")
    assert done.stdout.decode() == (
        f"logged in to http://nas:8000/ with key laptop; stored in {file}\n"
    )
    assert file.stat().st_mode & 0o777 == 0o600
    assert run("voices", "list", SOUNDCLONE_API_KEY="").returncode == 0
    assert service.seen[-1].url.host == "nas"
    assert keys_of(service) == {"sk_mine"}


class Terminal:
    """A terminal from which nothing may be read but by a prompt."""

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        raise AssertionError("the terminal was read without a prompt")


def test_a_login_asks_on_a_terminal(
    service: FakeService, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, bool]] = []

    def prompt(text: str, *, hide_input: bool = False, **_: object) -> str:
        asked.append((text, hide_input))
        return "sk_typed" if hide_input else "http://nas:8000"

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(typer, "prompt", prompt)
    login.login()
    assert asked == [("URL of the service", False), ("API key", True)]
    assert (service.seen[-1].url.host, keys_of(service)) == ("nas", {"sk_typed"})


def test_options_and_variables_precede_the_login(service: FakeService, run: Run) -> None:
    run("login", "--url", "http://nas:8000", "--key", "sk_mine")
    service.seen.clear()
    run("voices", "list", SOUNDCLONE_API_KEY="sk_variable")
    run("voices", "list", "--key", "sk_option", SOUNDCLONE_API_KEY="sk_variable")
    assert keys_of(service) == {"sk_variable", "sk_option"}
    assert {request.url.host for request in service.seen} == {"nas"}


def test_a_stored_key_is_sent_to_its_own_service_only(service: FakeService, run: Run) -> None:
    run("login", "--url", "http://nas:8000", "--key", "sk_mine")
    service.seen.clear()
    done = run("voices", "list", "--url", "http://elsewhere:8000", SOUNDCLONE_API_KEY="")
    assert done.returncode == 1
    assert b"there is no API key" in done.stderr
    assert service.seen == []
    assert run("voices", "list", "--url", "http://nas:8000/", SOUNDCLONE_API_KEY="").returncode == 0


def test_a_refused_login_is_not_stored(service: FakeService, run: Run) -> None:
    service.answers.clear()
    done = run("login", "--key", "sk_wrong")
    assert (done.returncode, done.stderr) == (1, b"soundclone: no such path\n")
    assert not credentials.login_file().exists()
    assert b"no API key was given" in run("login", SOUNDCLONE_API_KEY="").stderr


def test_logout_removes_the_login(service: FakeService, run: Run) -> None:
    run("login", "--key", "sk_mine")
    file = credentials.login_file()
    assert run("logout").stdout.decode() == f"removed {file}\n"
    assert not file.exists()
    assert run("logout").stdout == b"no login was stored\n"
    assert run("logout", "--json").stdout == b'{"file": null}\n'


def test_a_damaged_login_is_a_sentence(service: FakeService, run: Run) -> None:
    file = credentials.login_file()
    file.parent.mkdir(parents=True)
    file.write_text("{")
    done = run("voices", "list", SOUNDCLONE_API_KEY="")
    assert done.stderr.decode() == (
        f"soundclone: {file} is damaged; `soundclone login` writes it again\n"
    )


@pytest.mark.parametrize("found", [True, False])
def test_open(service: FakeService, run: Run, monkeypatch: pytest.MonkeyPatch, found: bool) -> None:
    opened: list[str] = []

    def open_browser(url: str) -> bool:
        opened.append(url)
        return found

    monkeypatch.setattr(webbrowser, "open", open_browser)
    shown = run("open").stdout.decode()
    assert opened == [LINK]
    if found:
        assert shown == "opened http://127.0.0.1:8000/studio\n"
    else:
        assert shown.endswith(f"\n{LINK}\n")
    assert run("open", "--print").stdout.decode() == f"{LINK}\n"
    assert json.loads(run("open", "--json").stdout) == {"url": LINK, "expiresAt": 9}
    assert opened == [LINK]


def test_voices_go_by_name(service: FakeService, run: Run) -> None:
    assert run("voices", "rename", "anna", "Berta").stdout.decode() == f"{MODEL} is named Berta\n"
    assert run("voices", "delete", "Anna").stdout.decode() == f"Anna ({MODEL}) is deleted\n"
    assert run("voices", "delete", MODEL).stdout.decode() == f"{MODEL} is deleted\n"
    assert json.loads(run("voices", "delete", "Anna", "--json").stdout)["modelId"] == MODEL
    done = run("voices", "delete", "Nobody")
    assert (
        done.stderr
        == b"soundclone: there is no voice 'Nobody'; `soundclone voices list` shows them\n"
    )


def test_tasks(service: FakeService, run: Run) -> None:
    listed = run("tasks", "list", "--all", "--status", "completed").stdout.decode()
    assert [line.split()[0] for line in listed.splitlines()] == ["task", "audio_1", "audio_2"]
    assert service.seen[-1].url.params["status"] == "completed"
    assert len(json.loads(run("tasks", "list", "--json").stdout)["list"]) == 2
    shown = run("tasks", "show", "audio_1").stdout.decode()
    assert "kind       audio\n" in shown
    assert "audio      2.5 s, http://x/a.mp3\n" in shown
    assert "error" not in shown
    assert json.loads(run("tasks", "show", "audio_1", "--json").stdout)["seconds"] == 2.5
    for command in (("tasks", "cancel"), ("cancel",)):
        assert run(*command, "audio_1").stdout == b"audio_1: failed (cancelled)\n"


# Logs


@pytest.mark.parametrize("terminal", [True, False])
def test_logs_are_readable_on_a_terminal(terminal: bool) -> None:
    code = (
        f"import sys; sys.stderr.isatty = lambda: {terminal}\n"
        "from soundclone import telemetry\n"
        "telemetry.configure()\n"
        "hidden = 'sk_secret'\n"
        "try: 1 / 0\n"
        "except ZeroDivisionError:\n"
        "    telemetry.log('a').error('it broke', task='audio_1', exc_info=True)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True, text=True, env=os.environ | {"NO_COLOR": "1"}, check=True,
    )  # fmt: skip
    if terminal:
        assert re.match(r"\S+Z \[error +\] it broke +task=audio_1\n", done.stderr)
        assert done.stderr.endswith("ZeroDivisionError: division by zero\n")
    else:
        line = json.loads(done.stderr)
        assert (line["event"], line["task"]) == ("it broke", "audio_1")
        assert "ZeroDivisionError" in line["exception"]
    assert "hidden =" not in done.stderr


# The first key


def started(environment: dict[str, str], port: int, output: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [SOUNDCLONE, "serve", "--no-worker", "--port", str(port)],
        env=environment,
        stdout=output,
        stderr=subprocess.STDOUT,
    )


def until(read: Callable[[], bytes], wanted: bytes) -> bytes:
    seen = b""
    while wanted not in seen:
        block = read()
        assert block, seen
        seen += block
    return seen


def test_the_first_key_is_not_in_a_log(
    environment: dict[str, str], port: int, tmp_path: Path
) -> None:
    process = started(environment, port, subprocess.PIPE)
    assert process.stdout
    seen = until(process.stdout.readline, b"Another key: ")
    process.terminate()
    seen += process.communicate()[0]
    path = tmp_path / "data" / "first-key"
    assert f"Your API key: in the file {path}\n".encode() in seen
    assert f"SOUNDCLONE_DATA_DIR={tmp_path}/data {SOUNDCLONE} keys create".encode() in seen
    assert b"sk_" not in seen
    assert b"link=" not in seen
    assert path.read_text().startswith("sk_")
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_first_key_is_shown_on_a_terminal(
    environment: dict[str, str], port: int, tmp_path: Path
) -> None:
    ours, theirs = pty.openpty()
    process = started(environment, port, theirs)
    os.close(theirs)
    seen = until(lambda: os.read(ours, 65_536), b"Another key: ")
    process.terminate()
    process.wait()
    os.close(ours)
    assert b"Your API key: sk_" in seen
    link = rb"Sign in once, within 10 minutes: http://127.0.0.1:%d/studio/sign-in\?link=\S{43}"
    assert re.search(link % port, seen)
    assert not (tmp_path / "data" / "first-key").exists()


def test_texts_that_are_none(run: Run) -> None:
    done = run("speak", "m", stdin=b"caf\xe9")
    assert (done.returncode, b"is not UTF-8 at byte 3" in done.stderr) == (1, True)


def test_audio_is_not_written_to_a_terminal(environment: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [SOUNDCLONE, "speak", "m", "--text", "a", "-o", "-"],
            env=environment, stdout=theirs, stderr=subprocess.PIPE, check=False, timeout=300,
        )  # fmt: skip
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 2
    assert b"standard output is a terminal" in done.stderr


def test_a_reader_that_has_seen_enough(environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{SOUNDCLONE} languages | head -0; echo ${{PIPESTATUS[0]}}"],
        env=environment, capture_output=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.stdout == b"1\n"
    assert b"Traceback" not in done.stderr
    assert b"Broken pipe" not in done.stderr
    assert b"Exception ignored" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_disk_that_is_full(environment: dict[str, str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [SOUNDCLONE, "models", "list"],
            env=environment, stdout=full, stderr=subprocess.PIPE, check=False, timeout=300,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == b"soundclone: No space left on device\n"


def test_ctrl_c(environment: dict[str, str]) -> None:
    """While it waits for a service that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)):
            process = subprocess.Popen(
                [SOUNDCLONE, "voices", "list", "--json"],
                env=environment
                | {"SOUNDCLONE_BASE_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"},
                stderr=subprocess.PIPE,
            )
            connection, _ = silent.accept()
            with connection:
                time.sleep(0.2)
                process.send_signal(number)
                _, error = process.communicate(timeout=300)
            assert process.returncode == code
            if number == signal.SIGINT:
                assert json.loads(error)["error"]["word"] == "interrupted"


# Completion


def complete(environment: dict[str, str], tmp_path: Path, line: str) -> list[str]:
    """Return the completions of `line` that bash finds with the program's script."""
    asked = f"""
        PATH={SOUNDCLONE.parent}:$PATH
        eval "$(_SOUNDCLONE_COMPLETE=source_bash soundclone)"
        complete -p soundclone | grep -q -- '-o default' || exit 3
        COMP_WORDS=({line}); [[ {line!r} == *' ' ]] && COMP_WORDS+=('')
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _soundclone_completion soundclone
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", asked],
        env=environment, cwd=tmp_path, capture_output=True, check=True, timeout=300, text=True,
    )  # fmt: skip
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("soundclone s", ["serve", "speak", "secret", "storage"]),
        ("soundclone keys ", ["create", "list", "rotate", "revoke", "set-quota"]),
        ("soundclone speak m --emotion s", ["sad", "surprised"]),
        ("soundclone speak m --format ", ["mp3", "wav", "flac", "ogg"]),
        ("soundclone speak m --language Chin", ["Chinese", "Chinese,Yue"]),
        ("soundclone clone me.mp3 --version ", ["v1", "v2"]),
        ("soundclone clone me.mp3 --sub", []),
        ("soundclone clone ", []),  # then bash offers files, by `-o default`
        ("soundclone models pull vox", ["voxcpm"]),
    ],
)
def test_bash_completes(
    environment: dict[str, str], tmp_path: Path, line: str, offered: list[str]
) -> None:
    assert complete(environment, tmp_path, line) == offered


def test_the_completion_is_that_of_the_shell_it_is_asked_from(
    environment: dict[str, str],
) -> None:
    asked = f"{SOUNDCLONE} --show-completion; true"
    done = subprocess.run(
        ["bash", "--norc", "-c", asked],
        env=environment, capture_output=True, check=True, timeout=300, text=True,
    )  # fmt: skip
    assert "complete -o default -F _soundclone_completion soundclone" in done.stdout


@pytest.mark.parametrize(
    ("shell", "has"), [("zsh", "compdef _soundclone_completion"), ("fish", "complete --command")]
)
def test_other_shells_have_completions(launch: Run, shell: str, has: str) -> None:
    done = launch(_SOUNDCLONE_COMPLETE=f"source_{shell}")
    assert (done.returncode, has in done.stdout.decode()) == (0, True)


def test_the_command_for_another_key_names_the_database_and_no_password(tmp_path: Path) -> None:
    from soundclone.cli.service import _another_key
    from soundclone.config import Settings

    url = "postgresql://ann:hidden@db.internal/soundclone"
    command = _another_key(Settings(data_dir=tmp_path, database_url=url, secret_key="x" * 40))
    assert command.startswith("SOUNDCLONE_DATABASE_URL=… SOUNDCLONE_SECRET_KEY=… ")
    assert "hidden" not in command
    assert "SOUNDCLONE_DATABASE_URL" not in _another_key(Settings(data_dir=tmp_path))


@pytest.mark.parametrize("command", ["mcp", "wyoming"])
def test_a_missing_extra_is_a_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr("soundclone.cli.bridge.find_spec", lambda name: None)
    done = run(command)
    assert done.returncode == 1
    assert f"run `pip install 'soundclone[{command}]'`" in done.stderr.decode()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["mcp", "--http", "--folder", "."], 2, "--folder and --http exclude each other"),
        (["mcp", "--allow-host", "x"], 2, "--allow-host and --allow-origin require --http"),
        (["mcp", "--folder", "nothing"], 1, "nothing is not a folder"),
        (["mcp", "--url", "ftp://x"], 1, "it must begin with http:// or https://"),
        (["mcp", "--key", " "], 1, "there is no API key; run `soundclone login`"),
        (["wyoming", "--key", " "], 1, "there is no API key; run `soundclone login`"),
        (["wyoming", "--uri", "tcp://x"], 1, "it must be tcp://HOST:PORT or unix:///PATH"),
        (["wyoming", "--url", "ftp://x"], 1, "it must begin with http:// or https://"),
    ],
)
def test_bridges_refuse_wrong_options(
    run: Run, arguments: list[str], code: int, message: str
) -> None:
    done = run(*arguments)
    assert (done.returncode, message in done.stderr.decode()) == (code, True), done.stderr
