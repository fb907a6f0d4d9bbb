"""Conditions that the tests themselves run under."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.conftest import system_programs


@pytest.mark.skipif(not shutil.which("useradd", path="/usr/sbin:/sbin"), reason="no useradd")
def test_a_path_without_the_programs_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with system_programs():
        assert shutil.which("useradd")
    assert os.environ["PATH"] == "/nonexistent"
