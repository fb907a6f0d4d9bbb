"""Fetching models from a hub on this machine, by the real client and the real command."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pty
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from soundclone.errors import EngineUnavailable
from soundclone.weights import download as fetching
from soundclone.weights import pocket_config, store
from soundclone.weights.catalogue import MODELS
from soundclone.weights.download import HubListing, pull

from .local_hub import COMMIT, Hub, serve

pytest.importorskip("huggingface_hub")

WHISPER = MODELS["asr-tiny"].repository
VOXCPM = MODELS["voxcpm"].repository
SMALL = ("config.json", "tokenizer.json", "vocabulary.txt")
BIG = random.Random(1).randbytes(3_000_000)
SHA256 = hashlib.sha256(BIG).hexdigest()


def yes(offer: HubListing) -> bool:
    return True


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    small = {name: f'"{name}"'.encode() for name in SMALL}
    others = {"README.md": b"# Whisper", ".gitattributes": b"*", "pytorch_model.bin": BIG[:2000]}
    voxcpm = {
        "config.json": b"{}",
        "tokenizer.json": b"{}",
        "model.safetensors": BIG[:5000],
        "audiovae.pth": BIG[:1500],
        "modeling.py": b"raise SystemExit",
    }
    with serve(Hub({WHISPER: small | others | {"model.bin": BIG}, VOXCPM: voxcpm})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.setattr(fetching, "_PAUSE", 0.01)
        yield hub


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def test_a_model_is_fetched_once(hub: Hub, models: Path) -> None:
    offers: list[HubListing] = []
    told: list[tuple[int, int]] = []

    def accept(offer: HubListing) -> bool:
        offers.append(offer)
        return True

    found = pull(
        models, "asr-tiny", accept=accept, progress=lambda done, total: told.append((done, total))
    )
    assert found == store.find(models, "asr-tiny")
    store.verify(found)
    assert sorted(path.name for path in found.path.iterdir()) == [
        "config.json",
        "manifest.json",
        "model.bin",
        "tokenizer.json",
        "vocabulary.txt",
    ]
    assert (found.path / "model.bin").read_bytes() == BIG
    manifest = json.loads((found.path / "manifest.json").read_text())
    assert manifest["sources"] == {WHISPER: COMMIT}
    assert manifest["files"]["model.bin"]["sha256"] == SHA256
    assert offers[0].page == f"{hub.url}/{WHISPER}"
    assert told[-1] == (offers[0].size, offers[0].size)
    assert [done for done, _ in told] == sorted(done for done, _ in told)

    hub.requests.clear()
    assert pull(models, "asr-tiny", accept=lambda offer: False) == found
    assert hub.requests == []


def test_nothing_is_fetched_until_the_licence_is_accepted(hub: Hub, models: Path) -> None:
    with pytest.raises(EngineUnavailable, match="--accept-licence"):
        pull(models, "asr-tiny", accept=lambda offer: False)
    assert hub.asked("/resolve/") == []
    assert not models.exists()


def test_pickles_and_programs_stay_where_they_are(hub: Hub, models: Path) -> None:
    found = pull(models, "voxcpm", accept=yes)
    # The exception: voxcpm has no other form of it, and reads it by torch.load(weights_only=True).
    assert (found.path / "audiovae.pth").exists()
    assert not (found.path / "modeling.py").exists()
    store.remove(models, "voxcpm")
    hub.files[VOXCPM]["audiovae.safetensors"] = BIG[:1400]
    assert not (pull(models, "voxcpm", accept=yes).path / "audiovae.pth").exists()
    store.remove(models, "voxcpm")
    del hub.files[VOXCPM]["model.safetensors"]
    hub.files[VOXCPM]["pytorch_model.bin"] = BIG[:2000]
    with pytest.raises(EngineUnavailable, match=r"has no model\*\.safetensors of a kind"):
        pull(models, "voxcpm", accept=yes)


# pocket-tts: two repositories, at the commits that the package's configuration names


@pytest.fixture
def pocket(hub: Hub) -> Hub:
    pytest.importorskip("yaml")
    _, paths = pocket_config.local(pocket_config.packaged(MODELS["pocket-fr"]))
    for path in paths:
        at = pocket_config.hub_file(path)
        content = BIG if at.file.endswith(".safetensors") else b"{}"
        hub.files.setdefault(at.repository, {})[at.file] = content
    hub.gated = {MODELS["pocket-fr"].repository}
    hub.token = "hf_secret"
    return hub


def test_pocket_is_fetched_with_its_configuration(pocket: Hub, models: Path) -> None:
    found = pull(models, "pocket-fr", token="hf_secret", accept=yes)
    store.verify(found)
    names = {path.name for path in found.path.iterdir()}
    assert names == {"config.yaml", "manifest.json", "model.safetensors", "tokenizer.json"}
    assert "hf://" not in (found.path / "config.yaml").read_text()
    asked = {request.path for request in pocket.asked("/api/")}
    assert all(path.rpartition("/")[2].isalnum() and "main" not in path for path in asked)


def test_a_token_does_not_go_to_another_host(pocket: Hub, models: Path) -> None:
    pull(models, "pocket-fr", token="hf_secret", accept=yes)
    assert {request.authorization for request in pocket.asked("/resolve/")} == {"Bearer hf_secret"}
    assert {request.authorization for request in pocket.asked("/large/")} == {None}


@pytest.mark.parametrize("token", [None, "hf_other"])
def test_terms_that_were_not_agreed_to(pocket: Hub, models: Path, token: str | None) -> None:
    with pytest.raises(EngineUnavailable, match="agree to its terms on") as caught:
        pull(models, "pocket-fr", token=token, accept=yes)
    assert f"{pocket.url}/{MODELS['pocket-fr'].repository}" in caught.value.message
    assert "HF_TOKEN" in caught.value.message
    assert "hf_other" not in caught.value.message
    assert not store.is_installed(models, "pocket-fr")


def test_a_token_of_the_environment(
    pocket: Hub, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    store.verify(pull(models, "pocket-fr", accept=yes))


def test_non_commercial_weights_are_not_asked_for(hub: Hub, models: Path) -> None:
    with pytest.raises(EngineUnavailable, match="SOUNDCLONE_ACCEPT_NONCOMMERCIAL=omnivoice"):
        pull(models, "omnivoice", accept=yes)
    assert hub.requests == []


# What goes wrong on the way


def test_answers_that_break_off_are_taken_up_again(hub: Hub, models: Path) -> None:
    hub.cut = 1_000_000
    store.verify(pull(models, "asr-tiny", accept=yes))
    ranges = [request.range for request in hub.asked("/large/")]
    assert ranges == [None, "bytes=1000000-", "bytes=2000000-"]


def test_a_hub_that_knows_no_ranges(hub: Hub, models: Path) -> None:
    hub.cut, hub.ranges = 1_000_000, False
    with pytest.raises(EngineUnavailable, match="broke off"):
        pull(models, "asr-tiny", accept=yes)
    hub.cut = None
    store.verify(pull(models, "asr-tiny", accept=yes))


def test_a_hub_that_is_busy_for_a_while(hub: Hub, models: Path) -> None:
    hub.failures = 3
    store.verify(pull(models, "asr-tiny", accept=yes))


def test_a_hub_that_stays_busy(hub: Hub, models: Path) -> None:
    hub.failures = 1000
    with pytest.raises(EngineUnavailable, match=r"status 503\); try again later"):
        pull(models, "asr-tiny", accept=yes)


def test_what_an_attempt_at_another_revision_left(hub: Hub, models: Path) -> None:
    hub.wrong = {SHA256}
    with pytest.raises(EngineUnavailable, match="run the command again"):
        pull(models, "asr-tiny", accept=yes)
    hub.files[WHISPER] |= {"model.bin": BIG[:2_000_000], "config.json": b'"config.xyz"'}
    (models / ".asr-tiny.partial" / "vocabulary.json").write_text("{}")
    found = pull(models, "asr-tiny", accept=yes)
    store.verify(found)
    assert (found.path / "config.json").read_text() == '"config.xyz"'
    assert not (found.path / "vocabulary.json").exists()


def test_wrong_bytes_are_thrown_away(hub: Hub, models: Path) -> None:
    hub.wrong = {SHA256}
    with pytest.raises(EngineUnavailable, match=r"model\.bin of .* did not come as the hub says"):
        pull(models, "asr-tiny", accept=yes)
    assert not store.is_installed(models, "asr-tiny")
    hub.wrong = set()
    store.verify(pull(models, "asr-tiny", accept=yes))


def test_more_than_was_said_is_not_written(hub: Hub, models: Path) -> None:
    hub.endless = True
    store.verify(pull(models, "asr-tiny", accept=yes))


@pytest.mark.parametrize("name", ["../config.json", "/config.json", "a/../../x.json", "a\\b.json"])
def test_a_hostile_name_is_refused(hub: Hub, models: Path, name: str) -> None:
    hub.listed = {name: b"{}"}
    with pytest.raises(EngineUnavailable, match="has a file"):
        pull(models, "voxcpm", accept=yes)
    assert hub.asked("/resolve/") == []


@pytest.mark.parametrize("size", [5, -5, None])
@pytest.mark.parametrize("sha256", ["../../../x", "", None, 7, "0" * 63])
def test_a_hostile_hash_is_refused(hub: Hub, models: Path, size: object, sha256: object) -> None:
    row = {"rfilename": "model.bin", "size": size, "lfs": {"sha256": sha256, "size": 5}}
    hub.body = json.dumps({"id": WHISPER, "sha": COMMIT, "siblings": [row]}).encode()
    with pytest.raises(EngineUnavailable, match=r"of unknown size or hash|as a hub does"):
        pull(models, "asr-tiny", accept=yes)
    assert not models.exists()


def test_a_model_of_another_size_is_refused(hub: Hub, models: Path) -> None:
    names = dict.fromkeys(SMALL, 5) | {"model.bin": 300_000_000}
    rows = [{"rfilename": n, "size": size, "blobId": "0" * 40} for n, size in names.items()]
    hub.body = json.dumps({"id": WHISPER, "sha": COMMIT, "siblings": rows}).encode()
    with pytest.raises(EngineUnavailable, match="has 300 MB there, where about 78 are expected"):
        pull(models, "asr-tiny", accept=yes)
    assert not models.exists()


def test_what_another_process_fetched_meanwhile_is_not_fetched_again(
    hub: Hub, models: Path
) -> None:
    def accept(offer: HubListing) -> bool:
        pull(models, "asr-tiny", accept=yes)
        return True

    store.verify(pull(models, "asr-tiny", accept=accept))
    assert len(hub.asked("/large/")) == 1
    assert [path.name for path in models.iterdir() if path.is_dir()] == ["asr-tiny"]


DEEP = b"[" * 100_000


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"sha": 5, "siblings": [1]}', DEEP]
)
def test_what_is_no_hub(hub: Hub, models: Path, body: bytes) -> None:
    hub.body = body
    with pytest.raises(EngineUnavailable, match=r"does not answer as a hub does|has no commit"):
        pull(models, "asr-tiny", accept=yes)


def test_a_repository_that_is_gone(hub: Hub, models: Path) -> None:
    del hub.files[WHISPER]
    with pytest.raises(EngineUnavailable, match=r"is not there \(status 404\)"):
        pull(models, "asr-tiny", accept=yes)


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:9", "http://[::", "http://", "ftp://x.invalid", "hub"]
)
def test_a_hub_out_of_reach(
    hub: Hub, models: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(EngineUnavailable, match=r"cannot be reached|does not answer as a hub"):
        pull(models, "asr-tiny", accept=yes)


def test_no_room(hub: Hub, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = fetching.look_up(MODELS["asr-tiny"], None)
    blobs = tuple(
        dataclasses.replace(blob, size=1 << 43) if blob.name == "model.bin" else blob
        for blob in model.blobs
    )
    monkeypatch.setattr(fetching, "look_up", lambda *_: HubListing(model.model, model.page, blobs))
    with pytest.raises(EngineUnavailable, match="MB free; model 'asr-tiny' needs"):
        pull(models, "asr-tiny", accept=yes)
    assert hub.asked("/resolve/") == []


# The command


@pytest.fixture
def command(models: Path) -> Callable[..., subprocess.Popen[str]]:
    def start(*arguments: str, **options: Any) -> subprocess.Popen[str]:
        streams = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        }
        return subprocess.Popen(
            [sys.executable, "-m", "soundclone", "models", *arguments],
            env=os.environ | {"SOUNDCLONE_MODELS_DIR": str(models)},
            text=True,
            **(streams | options),
        )

    return start


def interrupt(
    process: subprocess.Popen[str], models: Path, kind: signal.Signals
) -> tuple[int, str]:
    """Send a signal once a part of the large file is here; how much was, and the last words."""
    part = models / ".asr-tiny.partial" / ".parts" / SHA256
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size > 500_000):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(kind)
    _, errors = process.communicate(timeout=30)
    return part.stat().st_size, errors


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGINT])
def test_it_goes_on_from_where_it_was_ended(
    hub: Hub, models: Path, command: Callable[..., subprocess.Popen[str]], kind: signal.Signals
) -> None:
    hub.pause = 0.05
    process = command("pull", "asr-tiny", "--accept-licence")
    held, errors = interrupt(process, models, kind)
    assert 0 < held < len(BIG)
    if kind == signal.SIGINT:
        assert process.returncode == 130
        assert "the same command continues the download" in errors
        assert "Traceback" not in errors
    assert not store.is_installed(models, "asr-tiny")

    hub.pause = 0
    hub.requests.clear()
    again = command("pull", "asr-tiny", "--accept-licence", "--json")
    output, errors = again.communicate(timeout=60)
    assert again.returncode == 0, errors
    assert [request.range for request in hub.asked("/large/")] == [f"bytes={held}-"]
    row = json.loads(output)[0]
    assert row["path"] == str(models / "asr-tiny")
    store.verify(store.find(models, "asr-tiny"))


def test_the_command_shows_the_licence_and_refuses_without_a_word(
    hub: Hub, models: Path, command: Callable[..., subprocess.Popen[str]]
) -> None:
    process = command("pull", "asr-tiny")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "MIT: Free for any use" in errors
    assert "3 MB from" in errors
    assert "--accept-licence" in errors


def test_the_command_asks_at_a_terminal(
    hub: Hub,
    models: Path,
    command: Callable[..., subprocess.Popen[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for answer, state in (b"n\n", False), (b"y\n", True):
        ours, theirs = pty.openpty()
        process = command("pull", "asr-tiny", stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # of a terminal whose other end was closed
            while piece := os.read(ours, 4096):
                if b"[y/N]" in shown + piece and b"[y/N]" not in shown:
                    os.write(ours, answer)
                shown += piece
        os.close(ours)
        assert (process.wait(30) == 0) is state, shown
        assert b"MIT: Free for any use" in shown
        assert store.is_installed(models, "asr-tiny") is state
    assert b"3.0 MB" in shown  # beside the bar


def test_two_that_fetch_at_once(
    hub: Hub, models: Path, command: Callable[..., subprocess.Popen[str]]
) -> None:
    hub.pause = 0.02
    processes = [command("pull", "asr-tiny", "--accept-licence") for _ in range(2)]
    ends = [(process.communicate(timeout=60)[1], process.returncode) for process in processes]
    assert 0 in {code for _, code in ends}, ends
    for errors, code in ends:
        assert code == 0 or "is being written by another process" in errors
    assert len(hub.asked("/large/")) == 1
    store.verify(store.find(models, "asr-tiny"))


def test_a_disk_that_fills_up(
    hub: Hub, models: Path, command: Callable[..., subprocess.Popen[str]]
) -> None:
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    process = command("pull", "asr-tiny", "--accept-licence", preexec_fn=limit)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "model 'asr-tiny' cannot be written to" in errors
    assert "Traceback" not in errors
    store.verify(pull(models, "asr-tiny", accept=yes))


def test_fetched_models_need_no_hub(
    hub: Hub,
    models: Path,
    command: Callable[..., subprocess.Popen[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pull(models, "asr-tiny", accept=yes)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    for arguments in (["pull", "asr-tiny"], ["verify", "asr-tiny"], ["list"]):
        process = command(*arguments)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    process = command("pull", "voxcpm")
    _, errors = process.communicate(timeout=60)
    assert "while HF_HUB_OFFLINE is set" in errors
