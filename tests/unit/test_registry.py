from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from soundclone.asr.recognition import Recognizer
from soundclone.config import Settings
from soundclone.engines import registry
from soundclone.engines.builtin import BuiltinEngine
from soundclone.engines.processes import ProcessEngine
from soundclone.engines.registry import EngineContext, InstalledEngines
from soundclone.errors import EngineUnavailable


class Incomplete:
    info = None
    concurrent = True

    def unusable(self) -> str | None:
        return None


class Configured(BuiltinEngine):
    context: EngineContext

    @classmethod
    def create(cls, context: EngineContext) -> Configured:
        engine = cls()
        engine.context = context
        return engine


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> InstalledEngines:
    """Engines that this module provides, beside the installed ones."""
    here = [
        EntryPoint("incomplete", f"{__name__}:Incomplete", registry.GROUP),
        EntryPoint("configured", f"{__name__}:Configured", registry.GROUP),
        EntryPoint("misspelt", f"{__name__}:Misspelt", registry.GROUP),
        EntryPoint("absent", "soundclone_absent:Engine", registry.GROUP),
        EntryPoint("builtin", "soundclone.engines.builtin:BuiltinEngine", registry.GROUP),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: here)
    return InstalledEngines(Settings())


def test_an_engine_is_created_once(engines: InstalledEngines) -> None:
    assert engines.load("builtin") is engines.load("builtin")
    assert engines.names() == ("absent", "builtin", "configured", "incomplete", "misspelt")


def test_an_engine_may_take_the_settings(engines: InstalledEngines) -> None:
    engine = engines.load("configured")
    assert isinstance(engine, Configured)
    assert isinstance(engine.context.settings, Settings)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("incomplete", "Incomplete has no warm and no clone and no speak and no close"),
        ("misspelt", "engine 'misspelt' cannot be loaded: .*Misspelt"),
        ("absent", "engine 'absent' cannot be loaded: No module named 'soundclone_absent'"),
        ("unknown", "there is no engine 'unknown'; installed: absent, builtin"),
    ],
)
def test_a_plugin_that_is_no_engine(engines: InstalledEngines, name: str, message: str) -> None:
    with pytest.raises(EngineUnavailable, match=message):
        engines.load(name)


def test_an_engine_computes_in_one_process_without_semaphores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError("no /dev/shm")

    context = EngineContext(Settings(), Recognizer(Settings()), processes=2)
    several = BuiltinEngine.create(context)
    assert isinstance(several, ProcessEngine)
    several.close()
    monkeypatch.setattr("soundclone.engines.processes.ProcessPoolExecutor", fails)
    assert isinstance(BuiltinEngine.create(context), BuiltinEngine)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_engine_for_one_call_at_a_time_has_one_process_of_espeak() -> None:
    of_other_tests = _espeak_processes()
    worker = BuiltinEngine.create(EngineContext(Settings(), Recognizer(Settings()), processes=2))
    assert worker.unusable() is None
    assert _espeak_processes() <= of_other_tests  # it only computes in its child processes
    worker.close()
    engine = BuiltinEngine(1)
    engine.warm()
    assert len(_espeak_processes() - of_other_tests) == 1
    engine.close()


def _espeak_processes() -> set[int]:
    """Return the descendants of this process that run espeak-ng, without their own children."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            parents[int(folder.name)] = int(fields[1])
    family = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    found = set()
    for pid in family:
        with suppress(OSError):
            if "espeak.py" in Path(f"/proc/{pid}/cmdline").read_text():
                found.add(pid)
    return {pid for pid in found if parents[pid] not in found}  # a child answers each request
