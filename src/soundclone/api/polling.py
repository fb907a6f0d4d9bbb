"""Fast path for polling a task: `GET /api/open-api/v1/audios/{id}`.

Clients send this request more often than all others. The middleware of this module answers a poll
that finds its task, with one database query. Every other request goes on to the application, whose
documented route `tasks.get_task` gives the same response, or the reason why there is none.
"""

from __future__ import annotations

import time

from fastapi import Request
from pydantic_core import to_json
from starlette.types import ASGIApp, Receive, Scope, Send

from .. import tracing
from ..core import keys, tasks
from ..core.keys import Scope as KeyScope
from ..core.voices import ACTIVE
from ..db.models import TaskStatus
from ..db.point_reads import AnyRow
from ..errors import AuthenticationError
from ..telemetry import REQUESTS
from .audit import record_links
from .auth import bearer
from .errors import error_response, translate
from .schemas import ok
from .state import state_of
from .task_signals import preferred_wait
from .tasks import TASK_ID, view

_FOLDER = "/api/open-api/v1/audios/"
_ROUTE = f"{_FOLDER}{{id}}"  # label of the metrics
_READERS = frozenset({KeyScope.READ, KeyScope.SPEAK, KeyScope.CLONE})
_ANSWERED = REQUESTS.labels(_ROUTE, "200")


class PollingMiddleware:
    """Answer polls like `tasks.get_task`, without FastAPI's layers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, as ASGI defines."""
        if (
            scope["type"] != "http"
            or scope["method"] != "GET"
            or not scope["path"].startswith(_FOLDER)
            or tracing.enabled()  # the other path records a span
        ):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            body = await _poll(request, scope["path"].removeprefix(_FOLDER))
        except Exception as error:
            response = error_response(request, translate(request, error), contract=True)
            REQUESTS.labels(_ROUTE, str(response.status_code)).inc()
            await response(scope, receive, send)
            return
        if body is None:
            await self._app(scope, receive, send)
            return
        _ANSWERED.inc()
        headers = [
            (b"content-length", b"%d" % len(body)),
            (b"content-type", b"application/json"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _poll(request: Request, task_id: str) -> bytes | None:
    """Return the response to a poll. None: the application finds out what is wrong."""
    if not TASK_ID.fullmatch(task_id):
        return None
    try:
        key = bearer(request.headers.get("Authorization"))
    except AuthenticationError:
        return None
    state = state_of(request)
    digest = keys.digest(key, state.settings.secret)

    async def read() -> AnyRow | None:
        return await state.database.fetch_one_async(tasks.POLL, key=digest, task=task_id)

    wait = preferred_wait(request.headers.getlist("Prefer"))
    found = await state.task_signals.read_until(task_id, wait, read, _answered)
    if found is None or _refused(found):
        return None
    if found.status == TaskStatus.COMPLETED:
        await record_links(request, task_id, found.status, found.key_id)
    return to_json(ok(view(request, found)))


def _answered(found: AnyRow | None) -> bool:
    """Tell whether a poll is answered at once."""
    return found is None or found.status not in ACTIVE or _refused(found)


def _refused(found: AnyRow) -> bool:
    """Tell whether the key may not read the task, or the task has expired."""
    return (
        _over(found.key_expires_at)
        or _READERS.isdisjoint(found.scopes.split())
        or _over(found.expires_at)
    )


def _over(expires_at: float | None) -> bool:
    return expires_at is not None and expires_at <= time.time()
