"""Routes for operators: liveness, readiness and metrics."""

from __future__ import annotations

import time

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ..core import workers
from ..core.workers import WorkerInfo
from ..errors import SoundcloneError
from ..telemetry import log
from .errors import ServiceRoute
from .state import state_of

_log = log(__name__)
router = APIRouter(route_class=ServiceRoute, tags=["Operation"])
_STORAGE_CHECK = 10.0  # seconds between two checks of a store that answers


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
async def metrics() -> Response:
    """Return the Prometheus metrics of this process."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
