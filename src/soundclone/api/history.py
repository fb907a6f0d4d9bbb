"""The list of an account's tasks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BeforeValidator

from ..core import history
from .auth import KnownCaller
from .errors import OwnRoute
from .schemas import Status, TaskListResponse, ok
from .state import state_of
from .tasks import view

router = APIRouter(prefix="/api/open-api/v1", route_class=OwnRoute, tags=["Tasks"])


def _given(value: Any) -> Any:
    """None for an empty value, which clients send for an option that is not set."""
    return None if value == "" else value


@router.get(
    "/audios",
    operation_id="listSoundCloneTasks",
    summary="List tasks",
    response_model=TaskListResponse,
)
async def list_tasks(
    request: Request,
    who: KnownCaller,
    limit: Annotated[
        int | None,
        Query(ge=1, le=100, description="Largest number of tasks of the page"),
        BeforeValidator(_given),
    ] = 20,
    cursor: Annotated[
        str | None,
        Query(description="The nextCursor of the page before. Default: the first page"),
        BeforeValidator(_given),
    ] = None,
    status: Annotated[
        Status | None, Query(description="List only tasks of this status"), BeforeValidator(_given)
    ] = None,
    kind: Annotated[
        Literal["clone", "audio"] | None,
        Query(description="List only previews (clone), or only production speech (audio)"),
        BeforeValidator(_given),
    ] = None,
) -> JSONResponse:
    """The account's tasks, the newest first, a page at a time. A task leaves the list when its
    result expires."""
    found, following = await state_of(request).database.read_async(
        history.page, who.account_id, limit=limit or 20, cursor=cursor, status=status, kind=kind
    )
    return JSONResponse(
        ok({"list": [view(request, task) for task in found], "nextCursor": following})
    )
