"""Fast path for polling a task: `GET /api/open-api/v1/audios/{id}`.

Clients send this request more often than all others. The route of this module answers like
`tasks.get_task`, without FastAPI's dependency machinery and with one database query. The
application lists this route before the documented one.
"""

from __future__ import annotations

import time

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from starlette.routing import Route

from ..core import keys, tasks
from ..core.keys import Scope
from .audit import record_links
from .auth import bearer, identify
from .errors import error_response, translate
from .schemas import ok
from .state import state_of
from .tasks import TASK_ID, checked_id, view

_READERS = frozenset({Scope.READ, Scope.SPEAK, Scope.CLONE})


async def poll(request: Request) -> Response:
    """Answer like `tasks.get_task`."""
    request.scope["route"] = route  # the metrics label requests by the path of their route
    try:
        state = state_of(request)
        database, secret = state.database, state.settings.secret
        key, task_id = bearer(request.headers.get("Authorization")), request.path_params["id"]
        found = None
        if TASK_ID.fullmatch(task_id):
            found = await database.fetch_one_async(
                tasks.POLL, key=keys.digest(key, secret), task=task_id
            )
        if (
            found is not None
            and not _over(found.key_expires_at)
            and _may_read(found.scopes)
            and not _over(found.expires_at)
        ):
            await record_links(request, task_id, found.status, found.key_id)
            return JSONResponse(ok(view(request, found)))
        # These find out whether the key, the id or the age of the task is the reason.
        who = await identify(state, key)
        who.require(Scope.READ, Scope.SPEAK, Scope.CLONE)
        task = await database.read_async(tasks.get, checked_id(task_id), who.account_id)
        await record_links(request, task.id, task.status, who.key_id)
        return JSONResponse(ok(view(request, task)))
    except Exception as error:
        return error_response(request, translate(request, error), contract=True)


def _may_read(scopes: str) -> bool:
    return not _READERS.isdisjoint(scopes.split())


def _over(expires_at: float | None) -> bool:
    return expires_at is not None and expires_at <= time.time()


route = Route("/api/open-api/v1/audios/{id}", poll, methods=["GET"])
