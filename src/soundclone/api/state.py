"""Typed state of the running application: settings, database, storage, queue, prices, limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import Annotated

from fastapi import Depends, FastAPI
from starlette.requests import HTTPConnection

from ..config import Settings
from ..core.pricing import Prices
from ..db.session import Database
from ..engines.selection import EngineSelector
from ..jobs.queue import Queue
from ..storage import Storage
from .engine_offers import EngineOffers
from .listeners import Listeners
from .rate_limit import RateLimit, ReportLimits
from .recorded_links import RecordedLinks
from .sockets import OpenSockets
from .submissions import Submissions
from .task_signals import TaskSignals
from .waits import Waits


@dataclass
class Readiness:
    """Results of earlier readiness checks, which the next check starts from."""

    faults: dict[str, str] = field(default_factory=dict)  # last logged reason, by part
    storage_checked: float | None = None  # monotonic seconds of the last successful check


@dataclass
class FleetMetrics:
    """Time of the last read of the metrics that the database holds."""

    lock: Lock = field(default_factory=Lock)
    read: float | None = None  # monotonic seconds


@dataclass(frozen=True)
class AppState:
    """Shared objects of one application. They live from its start-up to its shutdown."""

    settings: Settings
    database: Database
    storage: Storage
    queue: Queue
    submissions: Submissions
    prices: Prices
    engine_selector: EngineSelector
    engine_offers: EngineOffers
    rate_limit: RateLimit
    verification_limit: RateLimit
    report_limits: ReportLimits
    task_signals: TaskSignals
    listeners: Listeners
    waits: Waits
    readiness: Readiness = field(default_factory=Readiness)
    fleet: FleetMetrics = field(default_factory=FleetMetrics)
    recorded_links: RecordedLinks = field(default_factory=RecordedLinks)
    open_sockets: OpenSockets = field(default_factory=OpenSockets)

    @classmethod
    def open(cls, settings: Settings, prices: Prices, engine_selector: EngineSelector) -> AppState:
        """Connect to the database and the store that `settings` names."""
        database = Database(settings.database, settings.database_connections)
        queue = Queue(database)
        return cls(
            settings=settings,
            database=database,
            storage=Storage.of(settings),
            queue=queue,
            submissions=Submissions(settings, database, queue),
            prices=prices,
            engine_selector=engine_selector,
            engine_offers=EngineOffers(database, settings.worker_lost_after),
            rate_limit=RateLimit(
                database, "submissions", max(1, round(settings.requests_per_second * 60))
            ),
            verification_limit=RateLimit(
                database, "verifications", settings.verifications_per_minute, of="address"
            ),
            report_limits=ReportLimits(database),
            task_signals=TaskSignals(database),
            listeners=Listeners(database, settings.heartbeat),
            waits=Waits(),
        )

    def close(self) -> None:
        """Close the connections to the database."""
        self.task_signals.close()
        self.submissions.close()
        for each in (self.rate_limit, self.verification_limit, self.report_limits):
            each.close()
        self.queue.close()
        self.database.close()


def attach(app: FastAPI, state: AppState) -> None:
    """Make `state` available to the requests of `app`."""
    app.state.soundclone = state


def state_of(request: HTTPConnection) -> AppState:
    """Return the state of the application that serves the request."""
    state: AppState = request.app.state.soundclone
    return state


State = Annotated[AppState, Depends(state_of)]
