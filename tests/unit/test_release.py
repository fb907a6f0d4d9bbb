"""Tests of `scripts/release.py`."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("release", ROOT / "scripts" / "release.py")
assert _spec is not None
assert _spec.loader is not None
release = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(release)

PROJECT = """[project]
version = "1.2.0"
dependencies = ["httpx2>=2.16", "soundclone-client==1.2.0"]
"""
CHANGELOG = """# Changelog

## [Unreleased]

## [1.2.0] - 2026-12-01

### Added

- A language

## [1.1.0] - 2026-11-01

- An engine
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with version 1.2.0 of both distributions and a changelog."""
    for name in release.DISTRIBUTIONS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(PROJECT)
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    return tmp_path


def test_a_release_that_agrees_with_its_tag(checkout: Path) -> None:
    assert release.main(["check", "v1.2.0"], checkout) == 0


@pytest.mark.parametrize("tag", ["1.2.0", "v1.2.1", "v1.1.0", "v1.2"])
def test_a_tag_that_differs_from_the_version(
    checkout: Path, tag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert release.main(["check", tag], checkout) == 1
    assert f"tag {tag}" in capsys.readouterr().err


def test_the_changelog_needs_a_dated_section(checkout: Path) -> None:
    undated = CHANGELOG.replace(" - 2026-12-01", "")
    (checkout / "CHANGELOG.md").write_text(undated)
    assert release.check(checkout, "v1.2.0") == [
        "CHANGELOG.md has no section [1.2.0] with a date and an entry"
    ]


def test_the_server_requires_this_client(checkout: Path) -> None:
    project = PROJECT.replace("client==1.2.0", "client==1.1.0")
    (checkout / "pyproject.toml").write_text(project)
    assert release.check(checkout, "v1.2.0") == [
        "pyproject.toml requires soundclone-client==1.1.0; tag v1.2.0 needs ==1.2.0"
    ]


def test_notes(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["notes", "v1.2.0"], checkout) == 0
    assert capsys.readouterr().out == "### Added\n\n- A language\n"
    assert release.notes(checkout, "v1.1.0") == "- An engine"


def test_wrong_usage(checkout: Path) -> None:
    assert release.main([], checkout) == 2
