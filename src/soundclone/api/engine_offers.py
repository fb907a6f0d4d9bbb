"""Engine capabilities that workers advertise, remembered for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..core import engine_registry
from ..db.session import Database
from ..engines.selection import EngineCapability

_KEPT = 0.25  # seconds, little against those after which a worker is lost


class EngineOffers:
    """Reader of the engine registry. Submissions within a quarter of a second share a read."""

    def __init__(
        self, database: Database, silence: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._silence = silence
        self._clock = clock
        self._until = 0.0
        self._offers: tuple[EngineCapability, ...] = ()

    async def get(self) -> tuple[EngineCapability, ...]:
        """Return the capabilities of all engines that tasks may need now."""
        if self._clock() >= self._until:
            found = await self._database.read_async(engine_registry.current, self._silence)
            self._offers, self._until = found, self._clock() + _KEPT
        return self._offers
