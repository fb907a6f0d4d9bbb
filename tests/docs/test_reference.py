"""Generated pages describe all routes, settings and commands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main

import soundclone_client
from soundclone.api.app import create_app
from soundclone.cli import app
from soundclone.config import Settings
from soundclone.errors import SoundcloneError

from .pages import ROOT


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reference")
    program = ROOT / "scripts" / "reference"
    subprocess.run([sys.executable, program, folder, "--dry"], check=True, timeout=600)
    return folder


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return create_app(Settings(data_dir=tmp_path_factory.mktemp("data"))).openapi()


def test_every_operation_is_there_with_an_example(reference: Path, schema: dict[str, Any]) -> None:
    page = (reference / "api.md").read_text("utf-8")
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            name = operation["operationId"]
            rest = page.partition(f"{{#{name}}}")[2]
            assert rest, f"{name} is not on the page"
            part = rest.partition("\n### ")[0]
            assert f"`{method.upper()} {path}`" in part
            for parameter in operation.get("parameters", ()):
                assert f"| `{parameter['name']}` | {parameter['in']} |" in part
            assert "```sh" in part, (
                f"{name} has no example: add one to scripts/reference/examples.py"
            )


def test_every_field_is_there(reference: Path, schema: dict[str, Any]) -> None:
    page = (reference / "api.md").read_text("utf-8")
    for name, model in schema["components"]["schemas"].items():
        for field in model.get("properties", {}):
            envelope = field in ("code", "msg", "data") and "data" in model["properties"]
            error = name.startswith(("Error", "OpenAIError", "ElevenLabsError", "ElevenLabsField"))
            assert envelope or error or f"{field}` |" in page, f"{name}.{field}"


def test_every_command_and_option_is_there(reference: Path) -> None:
    page = (reference / "cli.md").read_text("utf-8")

    def check(command: Any, name: str) -> None:
        for each in getattr(command, "commands", {}).values():
            check(each, f"{name} {each.name}")
        if not hasattr(command, "commands") and not command.hidden:
            part = page.partition(f"# {name}\n")[2].partition("\n## ")[0]
            assert part, f"{name} is not on the page"
            for parameter in command.params:
                if not parameter.hidden and parameter.name != "help":
                    shown = parameter.opts[0]
                    wanted = f"`{shown}`" if shown.startswith("-") else "| `"
                    assert wanted in part, f"{name} {shown}"

    check(typer.main.get_command(app), "soundclone")


def test_every_setting_is_there_and_told(reference: Path) -> None:
    page = (reference / "settings.md").read_text("utf-8")
    for name in Settings.model_fields:
        row = next(line for line in page.splitlines() if f"`SOUNDCLONE_{name.upper()}`" in line)
        assert len(row.split("|")[-2].strip()) > 4, f"{name} has no description in config.py"
    assert "| `SOUNDCLONE_DATA_DIR` | `~/.local/share/soundclone` |" in page


def test_every_error_word_is_there_and_told(reference: Path) -> None:
    page = (reference / "errors.md").read_text("utf-8")

    def classes(error: type[SoundcloneError]) -> list[type[SoundcloneError]]:
        return [error, *(each for child in error.__subclasses__() for each in classes(child))]

    leaves = [each for each in classes(SoundcloneError) if not each.__subclasses__()]
    for word in {each.word for each in leaves if each.__module__ == "soundclone.errors"}:
        row = next((line for line in page.splitlines() if line.startswith(f"| `{word}` ")), None)
        assert row, f"{word} is not on the page"
        assert len(row.split("|")[-2].strip()) > 4, f"{word} has no meaning"


def test_every_dependency_has_a_licence(reference: Path) -> None:
    page = (reference / "licences.md").read_text("utf-8")
    assert "not said" not in page
    for name in ("fastapi", "numpy", "uvicorn", "uvloop"):
        assert f"| {name} |" in page


def test_every_class_and_method_of_the_sdk_is_there(reference: Path) -> None:
    page = (reference / "sdk.md").read_text("utf-8")
    for name in vars(soundclone_client.Client):
        if not name.startswith("_"):
            assert f"\n### {name}\n" in page
    for name in soundclone_client.__all__:
        if name not in ("AsyncClient", "AsyncConversation", "__version__"):
            assert f"## {name}\n" in page or f"| `{name}` |" in page
