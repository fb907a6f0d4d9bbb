"""`soundclone projects` and `soundclone pronunciations` on a service with a pretended worker."""

from __future__ import annotations

import io
import json
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from soundclone.cli import main
from tests.books import archive, epub_files

from .conftest import Account
from .pretended import AUDIO
from .site import Site, served

CHAPTERS = (("One", ("Call me Al. It was late.",)), ("Two", ("Nobody came.",)))


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    error: str


Run = Callable[..., Done]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with served(tmp_path / "data") as site:
        yield site


@pytest.fixture
def account(site: Site) -> Account:
    return site.account()


@pytest.fixture
def run(site: Site, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process and in an empty folder."""
    structlog.reset_defaults()  # a command has no logs, but an earlier test may have set them up
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SOUNDCLONE_BASE_URL", site.url)
    monkeypatch.setenv("SOUNDCLONE_API_KEY", account.key)

    def command(*arguments: str, stdin: str = "") -> Done:
        streams = [
            io.TextIOWrapper(io.BytesIO(data.encode()), "utf-8", write_through=True)
            for data in (stdin, "", "")
        ]
        with pytest.MonkeyPatch.context() as patch:
            for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
                patch.setattr(sys, name, stream)
            patch.setattr(sys, "argv", ["soundclone", *arguments])
            with pytest.raises(SystemExit) as ended:
                main()
        code = ended.value.code
        assert isinstance(code, int)
        output, error = (stream.detach() for stream in streams[1:])
        assert isinstance(output, io.BytesIO)
        assert isinstance(error, io.BytesIO)
        return Done(code, output.getvalue().decode(), error.getvalue().decode())

    return command


def good(done: Done) -> str:
    assert done.code == 0, done.error
    return done.out


def test_from_a_book_to_a_file(run: Run) -> None:
    Path("book.epub").write_bytes(archive(epub_files(CHAPTERS, title="Short")))
    id = good(run("projects", "create", "book.epub", "--voice", "Anna", "--quiet")).strip()
    shown = json.loads(good(run("projects", "show", "Short", "--json", "--blocks")))
    assert (shown["id"], shown["name"], shown["language"]) == (id, "Short", "English")
    assert [each["text"] for each in shown["script"] if each["kind"] != "pause"] == [
        "One",
        "Call me Al.",
        "It was late.",
        "Two",
        "Nobody came.",
    ]
    assert shown["states"] == {"unrecorded": 5, "silent": shown["blocks"] - 5}
    table = good(run("projects", "show", id, "--blocks"))
    assert "to record   5 blocks for " in table
    assert "chapter  unrecorded  -        Two" in table
    refused = run("projects", "render", id, "-o", "a.mp3", "--json")
    assert (refused.code, json.loads(refused.error)["error"]["word"]) == (1, "conflict")
    recorded = json.loads(good(run("projects", "record", id, "--json")))
    assert (recorded["recorded"], recorded["failed"]) == (5, [])
    assert recorded["cost"] == pytest.approx(shown["unrecorded"]["cost"])
    assert json.loads(good(run("projects", "record", id, "--json")))["cost"] == 0
    arguments = ("projects", "render", id, "-o", "a.mp3", "--loudness", "podcast")
    assert "render      a.mp3" in good(run(*arguments))
    assert Path("a.mp3").read_bytes() == AUDIO
    listed = json.loads(good(run("projects", "list", "--json")))
    assert [(each["id"], each["name"]) for each in listed] == [(id, "Short")]
    assert "Short" in good(run("projects", "list"))
    assert json.loads(good(run("projects", "delete", "Short", "--json"))) == {
        "id": id,
        "deleted": True,
    }
    assert good(run("projects", "list")) == "none\n"


def test_ssml_becomes_blocks(run: Run) -> None:
    Path("play.ssml").write_text(
        "<speak xml:lang='en'><voice name='Anna'><prosody rate='80%' volume='-6dB'>Who is there?"
        "</prosody></voice><break time='1.5s'/>"
        "Is it <phoneme alphabet='ipa' ph='pɪˈkɑːn'>pecan</phoneme>?</speak>",
        "utf-8",
    )
    id = good(run("projects", "create", "play.ssml", "--voice", "Anna", "--quiet")).strip()
    shown = json.loads(good(run("projects", "show", id, "--json", "--blocks")))
    first, pause, second = shown["script"]
    assert (shown["name"], shown["language"]) == ("play", "English")
    assert (first["text"], first["model_id"]) == ("Who is there?", shown["model_id"])
    assert (first["speed"], first["vol"]) == (0.8, 0.501)
    assert (pause["kind"], pause["seconds"]) == ("pause", 1.5)
    assert (second["text_format"], second["model_id"]) == ("ssml", None)
    assert '<phoneme alphabet="ipa" ph="pɪˈkɑːn">pecan</phoneme>' in second["text"]
    recorded = json.loads(good(run("projects", "record", id, "--json")))
    assert (recorded["recorded"], recorded["failed"]) == (2, [])
    Path("play.ssml").write_text("<speak>\n<voice name='Carl'>Hi.</voice></speak>", "utf-8")
    done = run("projects", "create", "play.ssml")
    assert done.code == 1
    assert "SSML, line 2, column 1: there is no voice 'Carl'" in done.error


def test_a_block_that_fails_is_named(run: Run, site: Site, account: Account) -> None:
    Path("a.txt").write_text("All is well. Here we stumble.", "utf-8")
    good(run("projects", "create", "a.txt", "--voice", "Anna"))
    done = run("projects", "record", "a", "--json")
    answer = json.loads(done.out)
    assert (done.code, answer["recorded"]) == (1, 1)
    with site.client(account) as client:
        (block,) = [b for b in client.blocks(answer["project"]) if "stumble" in b.text]
    assert [each["block"] for each in answer["failed"]] == [block.id]
    assert "stumble" in answer["failed"][0]["error"]
    again = run("projects", "record", "a")
    assert again.code == 1
    assert f"{block.id}: " in again.error


def test_takes_of_an_interrupted_run_are_waited_for(run: Run, site: Site, account: Account) -> None:
    Path("a.txt").write_text("All is well. It was late.", "utf-8")
    id = good(run("projects", "create", "a.txt", "--voice", "Anna", "--quiet")).strip()
    site.worker.paused.set()
    with site.client(account) as client:
        ordered = client.record_project(id, wait=False)
    site.worker.paused.clear()
    recorded = json.loads(good(run("projects", "record", id, "--json")))
    assert recorded["recorded"] in (0, 1, 2)  # those that had not ended yet
    assert site.tasks(account) == len(ordered.takes) == 2
    assert json.loads(good(run("projects", "show", id, "--json")))["states"] == {"ready": 2}


def test_more_blocks_than_a_key_may_have_tasks(
    run: Run, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.api.settings.active_tasks_per_key = 2
    monkeypatch.setattr("soundclone_client._wire.pause_before_retry", lambda *_: 0.0)
    Path("a.txt").write_text("It was late. " * 5, "utf-8")
    id = good(run("projects", "create", "a.txt", "--voice", "Anna", "--quiet")).strip()
    site.worker.paused.set()
    resumed = threading.Timer(3.0, site.worker.paused.clear)
    resumed.start()
    recorded = json.loads(good(run("projects", "record", id, "--json")))
    resumed.join()
    assert recorded["failed"] == []
    assert json.loads(good(run("projects", "show", id, "--json")))["states"] == {"ready": 5}


def test_a_script_that_is_refused_leaves_no_project(run: Run, site: Site) -> None:
    site.api.settings.characters_per_project = 20
    Path("a.txt").write_text("All is well. It was late. Nobody came.", "utf-8")
    done = run("projects", "create", "a.txt", "--json")
    assert (done.code, json.loads(done.error)["error"]["word"]) == (1, "too_large")
    assert good(run("projects", "list")) == "none\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("projects", "create"), 2, "name a file to import, or pass --name"),
        (("projects", "create", "none.txt"), 1, "none.txt cannot be read"),
        (("projects", "create", "empty.txt"), 1, "empty.txt"),
        (("projects", "create", "--name", "A", "--voice", "Nobody"), 1, "no voice 'Nobody'"),
        (("projects", "show", "Nobody"), 1, "there is no project 'Nobody'"),
        (("projects", "show", "proj_0"), 1, "proj_0"),
        (("projects", "render", "A", "-o", "a.m4b", "--format", "mp3"), 2, "ending .m4b"),
        (("projects", "render", "A", "-o", "a.xyz"), 2, "unknown ending .xyz"),
        (("projects", "render", "A", "-o", "a.mp3", "--words"), 2, "--words requires"),
        (("pronunciations", "remove", "x"), 1, "there is no entry for 'x'"),
        (("pronunciations", "add", "x", "y", "--language", "Klingon"), 1, "Klingon"),
        (("pronunciations", "add", "x", "y", "--ipa", "z"), 2, "give either SPOKEN or --ipa"),
        (("pronunciations", "add", "x"), 2, "give either SPOKEN or --ipa"),
        (("pronunciations", "list", "--project", "Nothing"), 1, "there is no project 'Nothing'"),
        (("pronunciations", "import", "empty.txt"), 1, "has the head ''"),
        (("pronunciations", "import", "none.csv"), 1, "none.csv cannot be read"),
    ],
)
def test_refused(run: Run, arguments: tuple[str, ...], code: int, message: str) -> None:
    Path("empty.txt").write_text("", "utf-8")
    done = run(*arguments)
    assert (done.code, message in done.error) == (code, True), done.error


def test_two_projects_of_one_name(run: Run) -> None:
    for _ in range(2):
        good(run("projects", "create", "--name", "Same"))
    done = run("projects", "delete", "Same")
    assert (done.code, "2 projects are named 'Same': proj_" in done.error) == (1, True)


def test_the_dictionary(run: Run) -> None:
    good(run("pronunciations", "add", "Nguyen", "nwin"))
    good(run("pronunciations", "add", "US", "you ess", "--match-case"))
    good(run("pronunciations", "add", "chat", "shah", "--language", "French"))
    added = json.loads(good(run("pronunciations", "add", "Nguyen", "win", "--json")))
    assert [(each["written"], each["spoken"]) for each in added] == [
        ("Nguyen", "win"),
        ("US", "you ess"),
        ("chat", "shah"),
    ]
    assert "chat     shah     French    any" in good(run("pronunciations", "list"))
    good(run("pronunciations", "export", "-o", "words.csv"))
    assert good(run("pronunciations", "export")) == Path("words.csv").read_bytes().decode()
    good(run("pronunciations", "remove", "chat", "--language", "french"))
    good(run("pronunciations", "remove", "US"))
    good(run("pronunciations", "add", "Ahab", "ay hab"))
    merged = json.loads(good(run("pronunciations", "import", "words.csv", "--json")))
    assert [each["written"] for each in merged] == ["Nguyen", "Ahab", "US", "chat"]
    replaced = good(run("pronunciations", "import", "words.csv", "--replace", "--json"))
    assert json.loads(replaced) == added
    piped = '\ufeffwritten,spoken\r\n"a, b","say ""ab"""\r\n'
    done = good(run("pronunciations", "import", "-", "--replace", "--json", stdin=piped))
    assert [(e["written"], e["spoken"]) for e in json.loads(done)] == [("a, b", 'say "ab"')]


def test_entries_in_ipa(run: Run) -> None:
    good(run("pronunciations", "add", "pecan", "--ipa", "pɪˈkɑːn"))
    good(run("pronunciations", "add", "pie", "pye"))
    assert "pecan    /pɪˈkɑːn/" in good(run("pronunciations", "list"))
    good(run("pronunciations", "export", "-o", "words.csv"))
    Path("more.csv").write_text("written,ipa\npie,paɪ\n", "utf-8")
    good(run("pronunciations", "import", "more.csv"))
    found = json.loads(good(run("pronunciations", "list", "--json")))
    assert [(e["written"], e["spoken"], e["ipa"]) for e in found] == [
        ("pecan", "", "pɪˈkɑːn"),
        ("pie", "", "paɪ"),
    ]
    back = json.loads(good(run("pronunciations", "import", "words.csv", "--json")))
    assert [(e["spoken"], e["ipa"]) for e in back] == [("", "pɪˈkɑːn"), ("pye", "")]


def test_the_dictionary_of_a_project(run: Run) -> None:
    good(run("pronunciations", "import", "-", "--replace", stdin="written,spoken\nAhab,ay hab\n"))
    id = good(run("projects", "create", "--name", "Whales", "--quiet")).strip()
    good(run("pronunciations", "add", "Ahab", "--ipa", "ˈeɪhæb", "--project", "Whales"))
    good(run("pronunciations", "add", "Queequeg", "kwee kweg", "--project", id))
    listed = good(run("pronunciations", "list", "--project", "Whales"))
    assert "/ˈeɪhæb/" in listed
    assert "Queequeg" in listed
    assert "Queequeg" not in good(run("pronunciations", "list"))
    good(run("pronunciations", "export", "--project", id, "-o", "own.csv"))
    good(run("pronunciations", "remove", "Queequeg", "--project", id))
    assert "Queequeg" not in good(run("pronunciations", "list", "--project", id))
    good(run("pronunciations", "import", "own.csv", "--project", id, "--replace"))
    assert "Queequeg" in good(run("pronunciations", "list", "--project", id))
    assert "Ahab     ay hab" in good(run("pronunciations", "list"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"written;spoken\na;b\n", "has the head 'written;spoken'"),
        (b"written,language\na,French\n", "has the head 'written,language'"),
        (b"written,ipa\na,p@n\n", "'@' (U+0040) is no symbol of the alphabet"),
        (b"written,spoken,colour\na,b,c\n", "has the head 'written,spoken,colour'"),
        (b"written,spoken\na,b\nc\n", "line 3: there must be 2 values"),
        (b"written,spoken\na,b,c\n", "line 2: there must be 2 values"),
        (b"written,spoken,match_case\na,b,maybe\n", "match_case is 'maybe'"),
        (b"written,spoken\n", "has no entries below its head"),
        (b'written,spoken\n"a,b\n', "is not CSV"),
        (b"written,spoken\n\xff,b\n", "is not UTF-8 at byte 15"),
    ],
)
def test_wrong_files_of_entries(run: Run, content: bytes, message: str) -> None:
    Path("words.csv").write_bytes(content)
    done = run("pronunciations", "import", "words.csv")
    assert (done.code, message in done.error) == (1, True), done.error
