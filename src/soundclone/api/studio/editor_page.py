"""The page that edits and plays a project's script, and the requests of that page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from ...core import projects, voices
from ...core.keys import Caller
from ...core.requests import Loudness
from ...db.models import Project, Voice
from ...engines.emotion import Emotion
from ...text.languages import LANGUAGES
from .. import projects as api
from .. import takes as takes_api
from ..projects import BlockMatch, BlockPageSize, CreationKey, Cursor
from ..schemas import (
    BlockChange,
    BlockInsertion,
    ProjectChange,
    ProjectRenderRequest,
    RecordingRequest,
    TakeRequest,
)
from ..state import State, state_of
from ..tasks import IdempotencyKey
from .pages import FORMATS, read_in_thread
from .rendering import StudioRoute, render_page
from .session import Reader, Speaker, SpeakPage

router = APIRouter(prefix="/studio/projects/{project_id}", route_class=StudioRoute)

FILES = 5  # of a project that the page lists


async def _writer(request: Request, me: Speaker) -> Caller:
    """Return the visitor as a caller of the API, whose requests are limited."""
    await state_of(request).rate_limit.check(me.key.id)
    return me.caller


Writer = Annotated[Caller, Depends(_writer)]


@router.get("")
async def show(request: Request, me: SpeakPage, project_id: str) -> Response:
    """Show a project. The page's script requests the blocks."""

    def work(session: Session) -> tuple[Project, Sequence[Voice]]:
        project = projects.get(session, project_id, me.account.id)
        return project, voices.listing(session, me.account.id)

    project, known = await read_in_thread(request, work)
    return render_page(
        request,
        "project.html",
        project=project,
        voices=known,
        languages=LANGUAGES.values(),
        emotions=tuple(Emotion),
        formats=FORMATS,
        targets=tuple(Loudness),
        page="projects",
    )


@router.get("/script")
async def get_project(state: State, me: Reader, project_id: str) -> Response:
    """Return a project, and how much of it is still to be recorded."""
    return await api.get_project(state, project_id, me.caller)


@router.patch("/script")
async def change_project(
    state: State, who: Writer, project_id: str, body: ProjectChange
) -> Response:
    """Change the voice or the controls of a project."""
    return await api.update_project(state, project_id, body, who)


@router.get("/blocks")
async def list_blocks(
    request: Request,
    state: State,
    me: Reader,
    project_id: str,
    limit: BlockPageSize = 100,
    cursor: Cursor = None,
) -> Response:
    """Return one page of the script."""
    return await api.list_blocks(request, state, project_id, me.caller, limit, cursor)


@router.post("/blocks")
async def insert_blocks(
    request: Request,
    state: State,
    who: Writer,
    project_id: str,
    body: BlockInsertion,
    idempotency_key: CreationKey = None,
) -> Response:
    """Insert blocks."""
    return await api.insert_blocks(
        request, state, project_id, body, who, idempotency_key=idempotency_key
    )


@router.get("/blocks/{block_id}")
async def get_block(
    request: Request, state: State, me: Reader, project_id: str, block_id: str
) -> Response:
    """Return a block with its take."""
    return await api.get_block(request, state, project_id, block_id, me.caller)


@router.patch("/blocks/{block_id}")
async def change_block(
    request: Request,
    state: State,
    who: Writer,
    project_id: str,
    block_id: str,
    body: BlockChange,
    if_match: BlockMatch = None,
) -> Response:
    """Change a block, or choose its take."""
    return await api.update_block(request, state, project_id, block_id, body, who, if_match)


@router.delete("/blocks/{block_id}")
async def delete_block(state: State, who: Writer, project_id: str, block_id: str) -> Response:
    """Delete a block."""
    return await api.delete_block(state, project_id, block_id, who)


@router.post("/blocks/{block_id}/restoration")
async def restore_block(
    request: Request, state: State, who: Writer, project_id: str, block_id: str
) -> Response:
    """Restore a deleted block."""
    return await api.restore_block(request, state, project_id, block_id, who)


@router.get("/blocks/{block_id}/takes")
async def list_takes(
    request: Request, state: State, me: Reader, project_id: str, block_id: str
) -> Response:
    """Return the takes of a block."""
    return await takes_api.list_takes(request, state, project_id, block_id, me.caller)


@router.post("/blocks/{block_id}/takes")
async def create_take(
    request: Request,
    state: State,
    who: Writer,
    project_id: str,
    block_id: str,
    body: TakeRequest,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Record a block."""
    return await takes_api.create_take(
        request, state, project_id, block_id, body, who, idempotency_key
    )


@router.post("/takes")
async def record(
    request: Request, state: State, who: Writer, project_id: str, body: RecordingRequest
) -> Response:
    """Record the blocks that need a take, some at a time."""
    return await takes_api.record_project(request, state, project_id, body, who)


@router.delete("/takes")
async def stop(state: State, who: Writer, project_id: str) -> Response:
    """Cancel the takes that are being recorded."""
    await takes_api.stop_recording(state, who, project_id)
    return Response(status_code=204)


@router.get("/takes/{take_id}")
async def get_take(
    request: Request, state: State, me: Reader, project_id: str, take_id: str
) -> Response:
    """Return the progress of a take."""
    return await takes_api.get_take(request, state, project_id, take_id, me.caller)


@router.delete("/takes/{take_id}")
async def delete_take(state: State, who: Writer, project_id: str, take_id: str) -> Response:
    """Delete a take."""
    return await takes_api.delete_take(state, project_id, take_id, who)


@router.post("/renders")
async def create_render(
    request: Request,
    state: State,
    who: Writer,
    project_id: str,
    body: ProjectRenderRequest,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Make a file of the project."""
    return await takes_api.create_render(
        request, state, project_id, body, who, idempotency_key=idempotency_key
    )


@router.get("/renders")
async def list_renders(request: Request, state: State, me: Reader, project_id: str) -> Response:
    """Return the newest files of the project."""
    return await takes_api.list_renders(request, state, project_id, me.caller, FILES)


@router.get("/renders/{render_id}")
async def get_render(
    request: Request, state: State, me: Reader, project_id: str, render_id: str
) -> Response:
    """Return the progress of a render."""
    return await takes_api.get_render(request, state, project_id, render_id, me.caller)
