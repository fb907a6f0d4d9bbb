"""Find the engines that are installed, and create them.

Engines are plug-ins: classes behind entry points of the group `soundclone.engines`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from threading import Lock
from typing import Any, NoReturn

from ..asr.recognition import Recognizer
from ..config import Settings
from ..errors import EngineUnavailable
from .processes import end_process
from .protocol import Engine

GROUP = "soundclone.engines"
_MEMBERS = ("info", "concurrent", "unusable", "warm", "clone", "speak", "close")


@dataclass(frozen=True)
class EngineContext:
    """Parts of the service that an engine may use."""

    settings: Settings
    recognizer: Recognizer
    processes: int = 0
    """Child processes in which an engine may compute. With none, it computes in this process."""

    crashed: Callable[[], NoReturn] = end_process
    """Called when one of these processes has ended unexpectedly."""


class InstalledEngines:
    """The engines of this process, each created once when it is first needed."""

    def __init__(
        self,
        settings: Settings,
        recognizer: Recognizer | None = None,
        *,
        processes: int = 0,
        crashed: Callable[[], NoReturn] = end_process,
    ) -> None:
        """Create no engine yet. `EngineContext` describes the arguments."""
        recognizer = recognizer or Recognizer(settings)
        self._context = EngineContext(settings, recognizer, processes, crashed)
        self._engines: dict[str, Engine] = {}
        self._usable: set[str] = set()
        self._lock = Lock()

    def names(self) -> tuple[str, ...]:
        """Return the names of the installed engines, sorted."""
        return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))

    def load(self, name: str) -> Engine:
        """Return the engine `name`. Raises EngineUnavailable if there is none or it is broken."""
        with self._lock:
            if name not in self._engines:
                self._engines[name] = self._create(name)
            return self._engines[name]

    def unusable(self, name: str) -> str | None:
        """Return the reason why the engine cannot or must not work here; None if it may.

        Raises EngineUnavailable as `load` does.
        """
        engine = self.load(name)
        if reason := engine.unusable():
            return reason
        if engine.info.noncommercial and name not in self._context.settings.accept_noncommercial:
            return (
                f"its licence ({engine.info.licence}) forbids commercial use; where yours is not, "
                f"set SOUNDCLONE_ACCEPT_NONCOMMERCIAL={name}"
            )
        return None

    def usable(self, name: str) -> Engine:
        """Return the engine after checking, the first time, that it works here.

        Raises EngineUnavailable with the remedy.
        """
        engine = self.load(name)
        if name not in self._usable:
            if reason := engine.unusable():
                raise EngineUnavailable(f"engine {name!r} is not usable on this worker: {reason}")
            self._usable.add(name)
        return engine

    def close(self) -> None:
        """Close the engines that were created."""
        with self._lock:
            for engine in self._engines.values():
                engine.close()

    def _create(self, name: str) -> Engine:
        for entry in entry_points(group=GROUP):
            if entry.name == name:
                return _create(entry, self._context)
        known = ", ".join(self.names()) or "none"
        raise EngineUnavailable(f"there is no engine {name!r}; installed: {known}")


def _create(entry: EntryPoint, context: EngineContext) -> Engine:
    try:
        plugin = entry.load()
    except (ImportError, AttributeError) as error:
        raise EngineUnavailable(f"engine {entry.name!r} cannot be loaded: {error}") from error
    create = getattr(plugin, "create", None)
    engine: Any = plugin() if create is None else create(context)
    # The class is asked first, because reading `info` of an instance may be work.
    missing = [
        name for name in _MEMBERS if not (hasattr(type(engine), name) or hasattr(engine, name))
    ]
    if missing:
        raise EngineUnavailable(
            f"engine {entry.name!r} cannot be used: {type(engine).__name__} has no "
            f"{' and no '.join(missing)}, which engines.protocol.Engine requires"
        )
    checked: Engine = engine
    return checked
