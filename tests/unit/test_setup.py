"""`scripts/setup`, with a Python that notes what it is asked for and installs nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYTHON = """#!/bin/sh
case "$*" in
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip install "*) echo "$*" >>asked; [ ! -e broken ] ;;
esac
"""


def test_what_could_not_be_installed_is_installed_next_time(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "requirements").mkdir()
    shutil.copy(ROOT / "scripts" / "setup", tmp_path / "scripts")
    for name in ("pyproject.toml", "requirements/runtime.txt"):
        (tmp_path / name).write_text("")
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)

    def setup() -> tuple[int, int]:
        """The exit code, and how often pip was asked."""
        ended = subprocess.run(
            [tmp_path / "scripts" / "setup"],
            env=os.environ | {"PYTHON": str(python)},
            capture_output=True,
            check=False,
        )
        return ended.returncode, len((tmp_path / "asked").read_text().splitlines())

    (tmp_path / "broken").touch()
    assert setup() == (1, 1)
    assert setup() == (1, 2)
    (tmp_path / "broken").unlink()
    assert setup() == (0, 4)  # what it needs, and itself
    assert setup() == (0, 4)
