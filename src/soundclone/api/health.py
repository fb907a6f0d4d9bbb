"""Routes for operators: liveness, readiness and metrics."""

from __future__ import annotations

import time

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from ..core import queries, workers
from ..core.pricing import to_credits
from ..core.workers import WorkerInfo
from ..db.models import TaskStatus
from ..errors import SoundcloneError
from ..telemetry import CREDITS, DATABASE_UP, FLEET, QUEUE_AGE, QUEUE_TASKS, WORKERS, log
from .errors import ServiceRoute
from .state import AppState, state_of

_log = log(__name__)
router = APIRouter(route_class=ServiceRoute, tags=["Operation"])
_STORAGE_CHECK = 10.0  # seconds between two checks of a store that answers
_FLEET_INTERVAL = 5.0  # seconds between two reads of the queue, since anybody may ask


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", operation_id="getHealth", summary="Check liveness")
async def health() -> JSONResponse:
    """Answer 200 while the process runs."""
    return JSONResponse({"status": "ok"})


@router.head("/readyz", include_in_schema=False)
@router.get(
    "/readyz",
    operation_id="getReadiness",
    summary="Check readiness",
    responses={503: {"description": "The service cannot serve tasks now. The body has the reason"}},
)
async def ready(request: Request) -> JSONResponse:
    """Answer 200 if the service can serve tasks, else 503.

    The database and the store must answer, and a worker with a warm engine must be alive.
    """
    checks = await run_in_threadpool(_check, request)
    good = all(value == "ok" for value in checks.values())
    return JSONResponse({"ready": good, "checks": checks}, status_code=200 if good else 503)


def _check(request: Request) -> dict[str, str]:
    state = state_of(request)
    readiness = state.readiness
    checks = {}

    def failed(what: str, error: SoundcloneError) -> None:
        # The reason may contain paths and names of hosts, and this page needs no key.
        checks[what] = f"the {what} does not answer; the log of the service has the reason"
        if readiness.faults.get(what) != error.message:
            _log.error("not ready", check=what, reason=error.message)
        readiness.faults[what] = error.message

    try:
        state.database.check()
        checks["database"] = "ok"
        with state.database.read() as session:
            alive = workers.alive(session, state.settings.worker_lost_after)
        warm = [worker for worker in alive if WorkerInfo.of(worker).ready]
        checks["worker"] = "ok" if warm else "no worker is alive and warm"
    except SoundcloneError as error:
        failed("database", error)
    checked = readiness.storage_checked
    if checked is None or time.monotonic() - checked > _STORAGE_CHECK:
        try:
            state.storage.check()
            readiness.storage_checked = time.monotonic()
        except SoundcloneError as error:
            failed("storage", error)
            return checks
    checks["storage"] = "ok"
    readiness.faults = {what: why for what, why in readiness.faults.items() if checks[what] != "ok"}
    return checks


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Return the Prometheus metrics of this process, and those of the queue."""
    body = await run_in_threadpool(_metrics, request)
    return Response(body, media_type=CONTENT_TYPE_LATEST)


def _metrics(request: Request) -> bytes:
    state = state_of(request)
    with state.fleet.lock:  # two scrapers must not mix their values
        read = state.fleet.read
        if read is None or time.monotonic() - read > _FLEET_INTERVAL:
            state.fleet.read = time.monotonic()
            _read_fleet(state)
        return generate_latest() + generate_latest(FLEET)


def _read_fleet(state: AppState) -> None:
    """Set the metrics that are read from the database. None stays if it does not answer."""
    for gauge in (QUEUE_AGE, QUEUE_TASKS, WORKERS, CREDITS):
        gauge.clear()
    try:
        with state.database.read() as session:
            loads = queries.engine_loads(session, state.settings.worker_lost_after)
            money = queries.money(session)
    except SQLAlchemyError as error:
        DATABASE_UP.set(0)
        _log.warning("metrics of the queue not read", error=type(error).__name__)
        return
    DATABASE_UP.set(1)
    for load in loads:
        QUEUE_AGE.labels(load.engine).set(load.age)
        QUEUE_TASKS.labels(load.engine, TaskStatus.QUEUED).set(load.queued)
        QUEUE_TASKS.labels(load.engine, TaskStatus.PROCESSING).set(load.processing)
        WORKERS.labels(load.engine).set(load.workers)
    for name, amount in vars(money).items():
        CREDITS.labels(name).set(to_credits(amount))
