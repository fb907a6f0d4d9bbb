"""Runs the blocks of a page, one after the other, as a reader would."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import time
import tomllib
import warnings
from collections.abc import Mapping
from configparser import ConfigParser
from contextlib import chdir, suppress
from pathlib import Path
from string import Template
from typing import Any
from unittest import mock

from .pages import Block, Page

LIMIT = 300.0  # seconds for a block
FUNCTIONS = """
port() {
  python -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])'
}
answers() {
  for _ in {1..600}; do curl -fso /dev/null "$1" && return; sleep 0.2; done
  echo "$1 does not answer" >&2; return 1
}
"""
"""What hidden blocks may use: a port that nobody listens on, and to wait until a URL answers."""


class Session:
    """A shell and a Python over one folder and one environment.

    Variables that a shell block sets are there for the blocks after it, Python ones too. Processes
    that it leaves in the background live until `close`. What the shell block before printed is in
    the file $OUTPUT.
    """

    def __init__(
        self, page: Page, folder: Path, environment: Mapping[str, str], words: Mapping[str, str]
    ) -> None:
        """`words` are what a page writes for what only the reader has, and what stands for it."""
        self._page = page
        self._folder = folder
        self._environment = dict(environment)
        self._words = dict(words)
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._groups: list[int] = []
        self._output = ""
        (folder / ".session").mkdir()

    def run(self, block: Block) -> None:
        """Run a block. Raises AssertionError when it fails or is not what it says."""
        text = block.text
        if not block.hidden:
            for old, new in self._page.replacements:
                if old in text:
                    text = text.replace(old, Template(new).substitute(self._environment))
        for old, new in self._words.items():
            text = text.replace(old, new)
        where = f"{self._page.name}:{block.line}"
        if block.language == "sh":
            self._shell(text, where)
        elif block.language == "python":
            # Line numbers of a traceback are those of the page.
            code = compile("\n" * (block.line - 1) + text, self._page.path, "exec")
            with chdir(self._folder), mock.patch.dict(os.environ, self._environment, clear=True):
                exec(code, self._names)
        elif block.language == "json":
            self._answer(json.loads(text), where)
        elif block.language == "toml":
            tomllib.loads(text)
        elif block.language == "ini":
            ConfigParser(strict=False, interpolation=None).read_string(text)
        else:
            assert block.language == "text", f"{where}: what is {block.language!r}?"

    def close(self) -> None:
        """End the processes, and the clients that readers leave to the end of their program."""
        self._names.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
        for group in self._groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGTERM)
        deadline = time.monotonic() + 200
        for group in self._groups:
            with suppress(ProcessLookupError):
                while time.monotonic() < deadline:
                    os.killpg(group, 0)
                    time.sleep(0.05)
                os.killpg(group, signal.SIGKILL)

    def _shell(self, text: str, where: str) -> None:
        state = self._folder / ".session"
        script, output, errors = state / "block.sh", state / "output", state / "errors"
        if output.exists():
            self._environment["OUTPUT"] = str(output.rename(state / "before"))
        # All that is set is exported, and so is in the environment that the block ends with.
        script.write_text(
            f"{FUNCTIONS}set -aeuo pipefail\ntrap 'env -0 >{state}/environment' EXIT\n{text}",
            "utf-8",
        )
        with output.open("wb") as out, errors.open("wb") as err:
            process = subprocess.Popen(
                ["bash", script],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
            self._groups.append(process.pid)
            code = process.wait(LIMIT)
        self._output = output.read_text("utf-8")
        said = f"{where} ended with {code}:\n{text}\n{self._output}\n{errors.read_text('utf-8')}"
        assert code == 0, said
        print(self._output)
        pairs = (state / "environment").read_text("utf-8").split("\0")
        self._environment = dict(pair.split("=", 1) for pair in pairs if "=" in pair)

    def _answer(self, shown: Any, where: str) -> None:
        """An answer that a page shows has what the answer before it has."""
        lines = [line for line in self._output.splitlines() if line.startswith(("{", "["))]
        assert lines, f"{where}: the block before printed no JSON"
        missing = _missing(shown, json.loads(lines[-1]))
        assert not missing, f"{where} shows {missing}; the answer was {lines[-1]}"


def _missing(shown: Any, real: Any, path: str = "") -> list[str]:
    """Keys of `shown` that `real` has not, and kinds that differ."""
    if isinstance(shown, dict) and isinstance(real, dict):
        return [
            each
            for key, value in shown.items()
            for each in (
                _missing(value, real[key], f"{path}.{key}") if key in real else [f"{path}.{key}"]
            )
        ]
    if isinstance(shown, list) and isinstance(real, list):
        return _missing(shown[0], real[0], f"{path}[0]") if shown and real else []
    kinds = {type(each) if type(each) is not int else float for each in (shown, real)}
    return [] if len(kinds) == 1 else [f"{path}: {shown!r} for {real!r}"]
