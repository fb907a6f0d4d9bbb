"""Route that lists the tasks of an account."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BeforeValidator

from ..core import history
from ..errors import AuthenticationError, Forbidden, InvalidParameter, Unavailable
from .audit import record_links_of
from .auth import Reader
from .errors import ServiceRoute
from .openapi import error_responses
from .schemas import TaskListResponse, WireStatus, ok
from .state import state_of
from .tasks import view

router = APIRouter(prefix="/api/open-api/v1", route_class=ServiceRoute, tags=["Tasks"])


def none_if_empty(value: object) -> object:
    """Return None for an empty value, which clients send for an unset option."""
    return None if value == "" else value


@router.get(
    "/audios",
    operation_id="listSoundCloneTasks",
    summary="List tasks",
    response_model=TaskListResponse,
    responses=error_responses(AuthenticationError, Forbidden, InvalidParameter, Unavailable),
)
async def list_tasks(
    request: Request,
    who: Reader,
    limit: Annotated[
        int | None,
        Query(ge=1, le=100, description="Largest number of tasks of the page"),
        BeforeValidator(none_if_empty),
    ] = 20,
    cursor: Annotated[
        str | None,
        Query(description="The nextCursor of the page before. Default: the first page"),
        BeforeValidator(none_if_empty),
    ] = None,
    status: Annotated[
        WireStatus | None,
        Query(description="List only tasks of this status"),
        BeforeValidator(none_if_empty),
    ] = None,
    kind: Annotated[
        Literal["clone", "audio", "conversion", "render"] | None,
        Query(
            description="List only previews (clone), production speech (audio), voice conversions "
            "(conversion) or renders of projects (render)"
        ),
        BeforeValidator(none_if_empty),
    ] = None,
) -> JSONResponse:
    """Return one page of the account's tasks, newest first.

    A task leaves the list when its result expires. A take is listed as long as its project keeps
    it.
    """
    found, following = await state_of(request).database.read_async(
        history.page, who.account_id, limit=limit or 20, cursor=cursor, status=status, kind=kind
    )
    await record_links_of(request, [(task.id, task.status) for task in found], who.key_id)
    return JSONResponse(
        ok({"list": [view(request, task) for task in found], "nextCursor": following})
    )
