"""Models on this machine: brought in, found, checked, refused. No hub, no torch."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from soundclone.cli import app
from soundclone.errors import EngineUnavailable
from soundclone.text.languages import LANGUAGES
from soundclone.weights import pocket_config, store
from soundclone.weights.catalogue import MODELS, is_inside

POCKET = """
weights_path: hf://someone/pocket/english/model.safetensors@0123abc
weights_path_without_voice_cloning: hf://someone/other/model.safetensors@0123abc
flow_lm:
  lookup_table:
    tokenizer_path: /elsewhere/tokenizer.json
"""


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def pocket(tmp_path: Path) -> Path:
    folder = tmp_path / "pocket"
    folder.mkdir()
    (folder / "config.yaml").write_text(POCKET)
    (folder / "model.safetensors").write_bytes(bytes(range(256)) * 8)
    (folder / "tokenizer.json").write_text("{}")
    (folder / "README.md").write_text("not of the model")
    return folder


@pytest.fixture
def whisper(tmp_path: Path) -> Path:
    folder = tmp_path / "whisper"
    folder.mkdir()
    for name in ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt"):
        (folder / name).write_text(name)
    return folder


def test_the_catalogue_agrees_with_itself() -> None:
    for name, model in MODELS.items():
        assert model.name == name
        assert set(model.languages) <= set(LANGUAGES)
        assert model.lacks(["x"])
        assert is_inside(name)


def test_what_was_added_is_found_and_is_as_it_came(models: Path, pocket: Path) -> None:
    added = store.adopt(models, "pocket", pocket)
    assert added == store.find(models, "pocket")
    assert added.path == models / "pocket"
    assert len(added.digest) == 12
    store.verify(added)
    assert sorted(path.name for path in added.path.iterdir()) == [
        "config.yaml",
        "manifest.json",
        "model.safetensors",
        "tokenizer.json",
    ]
    manifest = json.loads((added.path / "manifest.json").read_text())
    assert manifest["licence"] == "CC-BY-4.0"
    assert manifest["accepted"]
    assert manifest["files"]["model.safetensors"]["size"] == 2048


def test_a_configuration_names_files_beside_it(models: Path, pocket: Path) -> None:
    path = store.adopt(models, "pocket", pocket).path
    text = (path / "config.yaml").read_text()
    assert "weights_path: model.safetensors" in text
    assert "tokenizer_path: tokenizer.json" in text
    assert "without_voice_cloning" not in text
    assert "hf:" not in text


def test_the_digest_is_of_the_content_alone(models: Path, pocket: Path, tmp_path: Path) -> None:
    first = store.adopt(models, "pocket", pocket)
    assert store.adopt(tmp_path / "other", "pocket", pocket).digest == first.digest
    (pocket / "tokenizer.json").write_text("[]")
    second = store.adopt(models, "pocket", pocket)
    assert second.digest != first.digest
    store.verify(second)
    assert [path.name for path in models.iterdir() if path.is_dir()] == ["pocket"]


def test_a_model_that_is_not_here_says_how_to_get_it(models: Path) -> None:
    with pytest.raises(EngineUnavailable, match="soundclone models pull voxcpm") as caught:
        store.find(models, "voxcpm")
    assert caught.value.message.startswith("model 'voxcpm' is not on this machine; fetch it by ")


@pytest.mark.parametrize(
    "name", ["", "../pocket", "/etc", "pocket/../pocket", "Pocket", "\0", "🙂"]
)
def test_a_name_that_is_none_is_refused(models: Path, pocket: Path, name: str) -> None:
    for call in (store.find, store.remove):
        with pytest.raises(EngineUnavailable, match="there is no model"):
            call(models, name)
    with pytest.raises(EngineUnavailable, match="there is no model"):
        store.adopt(models, name, pocket)


def test_a_truncated_file_is_found_by_its_size(models: Path, pocket: Path) -> None:
    path = store.adopt(models, "pocket", pocket).path / "model.safetensors"
    os.truncate(path, 100)
    with pytest.raises(EngineUnavailable, match=r"model\.safetensors is damaged \(100 bytes, not"):
        store.find(models, "pocket")


def test_a_missing_file_is_named(models: Path, pocket: Path) -> None:
    (store.adopt(models, "pocket", pocket).path / "tokenizer.json").unlink()
    with pytest.raises(EngineUnavailable, match=r"tokenizer\.json is damaged \(No such file"):
        store.find(models, "pocket")


def test_a_changed_byte_is_found_by_reading(models: Path, pocket: Path) -> None:
    added = store.adopt(models, "pocket", pocket)
    with (added.path / "model.safetensors").open("r+b") as file:
        file.write(b"\xff")
    assert store.find(models, "pocket") == added
    with pytest.raises(EngineUnavailable, match=r"model\.safetensors is damaged \(not what it"):
        store.verify(added)


@pytest.mark.parametrize("name", ["more.safetensors", "audio_tokenizer/x.json", ".hidden"])
def test_an_added_file_is_found(models: Path, pocket: Path, name: str) -> None:
    added = store.adopt(models, "pocket", pocket)
    (added.path / name).parent.mkdir(exist_ok=True)
    (added.path / name).write_text("?")
    with pytest.raises(EngineUnavailable, match="not among those that came"):
        store.verify(added)


def test_a_link_in_place_of_a_file_is_refused(models: Path, pocket: Path) -> None:
    path = store.adopt(models, "pocket", pocket).path / "tokenizer.json"
    path.unlink()
    path.symlink_to(pocket / "tokenizer.json")
    with pytest.raises(EngineUnavailable, match="not a regular file"):
        store.find(models, "pocket")


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value | {"files": {"../../secret.json": {"size": 1, "sha256": "0"}}},
        lambda value: value | {"files": {"/etc/passwd.json": {"size": 1, "sha256": "0"}}},
        lambda value: value | {"files": {"model.safetensors": {"size": 1, "sha256": "0"}}},
        lambda value: value | {"files": {}},
        lambda value: value | {"files": {"model.safetensors": None}},
        lambda value: value | {"files": {"model.safetensors": {"size": "∞", "sha256": "0"}}},
        lambda value: value | {"model": "pocket-fr"},
        lambda value: {"model": "pocket"},
        lambda value: [value],
        lambda value: None,
    ],
)
def test_a_manifest_that_is_none_is_refused(
    models: Path, pocket: Path, change: Callable[[Any], Any]
) -> None:
    path = store.adopt(models, "pocket", pocket).path / "manifest.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(EngineUnavailable, match=r"manifest\.json is damaged"):
        store.find(models, "pocket")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 100_000, b'{"files": 1e999}'])
def test_a_manifest_that_cannot_be_read_is_refused(
    models: Path, pocket: Path, content: bytes
) -> None:
    path = store.adopt(models, "pocket", pocket).path / "manifest.json"
    path.write_bytes(content)
    with pytest.raises(EngineUnavailable, match=r"manifest\.json is damaged"):
        store.find(models, "pocket")


@pytest.mark.parametrize("change", [{"accepted": ""}, {"licence": "MIT"}])
def test_a_licence_that_was_not_accepted(
    models: Path, pocket: Path, change: dict[str, str]
) -> None:
    path = store.adopt(models, "pocket", pocket).path / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(EngineUnavailable, match=r"licence of model 'pocket' .* was not accepted"):
        store.find(models, "pocket")


def test_a_folder_without_a_manifest_is_not_a_model(models: Path, pocket: Path) -> None:
    (store.adopt(models, "pocket", pocket).path / "manifest.json").unlink()
    with pytest.raises(EngineUnavailable, match="is not on this machine"):
        store.find(models, "pocket")


def test_non_commercial_weights_wait_for_a_word(models: Path, tmp_path: Path) -> None:
    folder = tmp_path / "omnivoice"
    (folder / "audio_tokenizer").mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (folder / name).write_text("{}")
    (folder / "audio_tokenizer" / "model.safetensors").write_text("{}")
    refused = "SOUNDCLONE_ACCEPT_NONCOMMERCIAL=omnivoice"
    with pytest.raises(EngineUnavailable, match=refused):
        store.find(models, "omnivoice")
    with pytest.raises(EngineUnavailable, match=refused):
        store.adopt(models, "omnivoice", folder)
    added = store.adopt(models, "omnivoice", folder, ["omnivoice"])
    assert added == store.find(models, "omnivoice", ["omnivoice"])
    store.verify(added)
    assert (added.path / "audio_tokenizer" / "model.safetensors").exists()
    with pytest.raises(EngineUnavailable, match="non-commercial use only"):
        store.find(models, "omnivoice")


@pytest.mark.parametrize("absent", ["model.safetensors", "tokenizer.json"])
def test_what_lacks_a_file_is_not_added(models: Path, pocket: Path, absent: str) -> None:
    (pocket / absent).unlink()
    with pytest.raises(EngineUnavailable, match=absent.partition(".")[0]):
        store.adopt(models, "pocket", pocket)
    assert not store.is_installed(models, "pocket")


@pytest.mark.parametrize(
    "text",
    ["", "[", "- a", "a: 1", "weights_path: 5", "!!python/object:os.system {}", "\x00"],
)
def test_a_configuration_that_is_none_is_not_added(models: Path, pocket: Path, text: str) -> None:
    (pocket / "config.yaml").write_text(text)
    with pytest.raises(EngineUnavailable, match="no configuration of pocket-tts"):
        store.adopt(models, "pocket", pocket)


def test_a_link_is_not_added(models: Path, pocket: Path) -> None:
    (pocket / "model.safetensors").rename(pocket / "real")
    (pocket / "model.safetensors").symlink_to(pocket / "real")
    with pytest.raises(EngineUnavailable, match="regular one, no link"):
        store.adopt(models, "pocket", pocket)


def test_no_pickle_is_added(models: Path, whisper: Path) -> None:
    (whisper / "vocabulary.pkl").write_bytes(b"")
    with pytest.raises(EngineUnavailable, match="runs no code"):
        store.adopt(models, "asr-tiny", whisper)
    (whisper / "vocabulary.pkl").unlink()
    store.verify(store.adopt(models, "asr-tiny", whisper))


def test_a_folder_of_another_machine_is_checked_by_its_manifest(
    models: Path, pocket: Path, tmp_path: Path
) -> None:
    theirs = store.adopt(tmp_path / "theirs", "pocket", pocket)
    ours = store.adopt(models, "pocket", theirs.path)
    assert ours.digest == theirs.digest
    store.verify(ours)
    with (theirs.path / "model.safetensors").open("r+b") as file:
        file.write(b"\xff")
    with pytest.raises(EngineUnavailable, match=r"model\.safetensors is not what the manifest"):
        store.adopt(models, "pocket", theirs.path)
    store.verify(ours)
    shutil.copytree(ours.path, tmp_path / "more")
    (tmp_path / "more" / "more.safetensors").write_text("?")
    with pytest.raises(EngineUnavailable, match=r"more\.safetensors is not what the manifest"):
        store.adopt(models, "pocket", tmp_path / "more")
    (theirs.path / "manifest.json").write_text("{}")
    with pytest.raises(EngineUnavailable, match="is no manifest of model 'pocket'"):
        store.adopt(models, "pocket", theirs.path)


@pytest.mark.parametrize("what", ["link", "dangling", "file", "folder for manifest"])
@pytest.mark.parametrize("again", [store.remove, store.adopt])
def test_what_is_there_instead_of_a_model_goes(
    models: Path, pocket: Path, tmp_path: Path, what: str, again: Callable[..., object]
) -> None:
    found = store.adopt(models, "pocket", pocket)
    elsewhere = tmp_path / "disk"
    if what == "folder for manifest":
        (found.path / "manifest.json").unlink()
        (found.path / "manifest.json").mkdir()
    else:
        found.path.rename(elsewhere)
        if what == "file":
            found.path.write_text("?")
        else:
            found.path.symlink_to(elsewhere)
    if what == "dangling":
        shutil.rmtree(elsewhere)
    if again is store.adopt:
        for _ in range(2):
            store.verify(store.adopt(models, "pocket", pocket))
    else:
        assert store.remove(models, "pocket")
        assert not store.remove(models, "pocket")
    left = {path.name for path in models.iterdir()} - {".pocket.lock"}
    assert left == ({"pocket"} if again is store.adopt else set())
    if what == "link":
        assert (elsewhere / "model.safetensors").exists()


@pytest.mark.parametrize("name", ["nowhere", "config.yaml"])
def test_no_folder_is_not_added(models: Path, pocket: Path, name: str) -> None:
    with pytest.raises(EngineUnavailable, match="is no folder"):
        store.adopt(models, "pocket", pocket / name)


def test_a_disk_that_fills_up_leaves_no_model(models: Path, pocket: Path) -> None:
    # A file of 2 MB where files may have 1 MB: writing fails in the middle, as on a full disk.
    (pocket / "model.safetensors").write_bytes(bytes(2_000_000))
    program = (
        "import sys; from pathlib import Path; from soundclone.weights import store\n"
        "store.adopt(Path(sys.argv[1]), 'pocket', Path(sys.argv[2]))"
    )

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    ended = subprocess.run(
        [sys.executable, "-c", program, models, pocket],
        preexec_fn=limit,
        capture_output=True,
        text=True,
    )
    assert "EngineUnavailable: model 'pocket' cannot be written to" in ended.stderr
    assert not store.is_installed(models, "pocket")
    store.verify(store.adopt(models, "pocket", pocket))


def test_no_room_is_seen_before_anything_is_written(models: Path, pocket: Path) -> None:
    with (pocket / "model.safetensors").open("wb") as file:
        file.truncate(1 << 43)  # 8 TB of nothing
    with pytest.raises(EngineUnavailable, match="MB free; model 'pocket' needs"):
        store.adopt(models, "pocket", pocket)


def test_a_folder_that_cannot_be_made(pocket: Path) -> None:
    with pytest.raises(EngineUnavailable, match="cannot be written to"):
        store.adopt(pocket / "README.md" / "models", "pocket", pocket)


def test_one_writes_at_a_time(models: Path, pocket: Path) -> None:
    with (
        store.staged(models, MODELS["pocket"], 0),
        pytest.raises(EngineUnavailable, match="being written by another process"),
    ):
        store.adopt(models, "pocket", pocket)


def test_where_a_packaged_path_points_to() -> None:
    at = pocket_config.hub_file("hf://kyutai/pocket-tts/languages/x/model.safetensors@0123abc")
    assert (at.repository, at.revision) == ("kyutai/pocket-tts", "0123abc")
    assert at.file == "languages/x/model.safetensors"
    for path in ("hf://a/b/c", "https://a/b/c@1", "hf://a/b@1", "/a/b/c@1"):
        with pytest.raises(ValueError, match="no file of a commit"):
            pocket_config.hub_file(path)


# The command line

Run = Callable[..., Result]


@pytest.fixture
def run(models: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("SOUNDCLONE_MODELS_DIR", str(models))

    def command(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["models", *map(str, arguments)])

    return command


def test_models_are_added_listed_verified_and_removed(run: Run, models: Path, pocket: Path) -> None:
    assert run("add", "pocket", pocket, "--accept-licence").exit_code == 0
    rows = json.loads(run("list", "--json").stdout)
    assert {row["name"]: row["state"] for row in rows}["pocket"] == "here"
    assert {row["name"]: row["state"] for row in rows}["voxcpm"] == "absent"
    assert run("verify").exit_code == 0
    with (models / "pocket" / "model.safetensors").open("r+b") as file:
        file.write(b"\xff")
    damaged = run("verify", "--json")
    assert damaged.exit_code == 1
    assert "model.safetensors" in json.loads(damaged.stdout)[0]["detail"]
    os.truncate(models / "pocket" / "model.safetensors", 1)
    row = json.loads(run("list", "--json").stdout)[0]
    assert (row["state"], "damaged" in row["detail"]) == ("unusable", True)
    assert "unusable" in run("list").stdout
    assert "is removed" in run("remove", "pocket").stdout
    assert "was not installed" in run("remove", "pocket").stdout


def test_without_a_terminal_a_licence_is_accepted_by_a_flag_only(
    run: Run, models: Path, pocket: Path
) -> None:
    result = run("add", "pocket", pocket)
    assert isinstance(result.exception, EngineUnavailable)
    assert "--accept-licence" in result.exception.message
    assert "CC-BY-4.0" in result.stderr
    assert not store.is_installed(models, "pocket")


def test_a_licence_can_be_read(run: Run) -> None:
    assert "CC-BY-NC-4.0" in run("licence", "omnivoice").stdout
    row = json.loads(run("licence", "omnivoice", "--json").stdout)
    assert row["noncommercial"] is True


def test_a_language_that_no_model_speaks(run: Run) -> None:
    result = run("pull", "pocket", "--language", "Klingon")
    assert isinstance(result.exception, EngineUnavailable)
    assert "no model of engine 'pocket' speaks 'Klingon'" in result.exception.message
