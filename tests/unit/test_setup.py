"""`scripts/setup`, with a Python that records its arguments and installs nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = """#!/bin/sh
case "$*" in
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip install "*) echo "$*" >>asked; [ ! -e broken ] ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the script and empty locks, and the Python that notes."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "requirements").mkdir()
    shutil.copy(ROOT / "scripts" / "setup", tmp_path / "scripts")
    (tmp_path / "pyproject.toml").touch()
    for lock in (ROOT / "requirements").glob("*.*"):
        (tmp_path / "requirements" / lock.name).touch()
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    return tmp_path


def setup(checkout: Path, *arguments: str) -> tuple[int, list[str]]:
    """The exit code, and every request to pip so far."""
    ended = subprocess.run(
        [checkout / "scripts" / "setup", *arguments],
        env=os.environ | {"PYTHON": str(checkout / "python")},
        capture_output=True,
        check=False,
    )
    return ended.returncode, (checkout / "asked").read_text().splitlines()


def test_what_could_not_be_installed_is_installed_next_time(checkout: Path) -> None:
    (checkout / "broken").touch()
    for code, count in ((1, 1), (1, 2)):
        ended, asked = setup(checkout)
        assert (ended, len(asked)) == (code, count)
    (checkout / "broken").unlink()
    for _ in range(2):
        ended, asked = setup(checkout)
        assert (ended, len(asked)) == (0, 4)  # the packages, and soundclone itself


@pytest.mark.parametrize("kind", ["runtime", "dev", "neural", "docs"])
def test_nothing_is_downloaded_without_a_hash(checkout: Path, kind: str) -> None:
    ended, asked = setup(checkout, kind)
    assert ended == 0
    for line in asked:
        local = "--no-index" in line and "--no-build-isolation" in line and "--no-deps" in line
        assert local or "--require-hashes --only-binary :all:" in line
    assert any("requirements/build.txt" in line for line in asked) == (kind != "docs")


@pytest.mark.parametrize(
    "lock", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda p: p.name
)
def test_every_version_has_a_hash(lock: Path) -> None:
    blocks = re.split(r"\n(?=\S)", lock.read_text().strip())
    packages = [block for block in blocks if not block.startswith("#")]
    assert packages
    for block in packages:
        assert re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+ ", block), block[:80]
        assert "--hash=sha256:" in block, block[:80]


def test_the_build_has_its_packages() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    locked = (ROOT / "requirements" / "build.txt").read_text()
    for requirement in wanted:
        assert f"{re.split('[<>=]', requirement)[0]}==" in locked
