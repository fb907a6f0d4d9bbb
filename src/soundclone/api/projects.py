"""Routes for projects and their blocks. `takes` has the routes for takes and renders."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Concatenate, ParamSpec, TypeVar

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..core import creations, files, projects, takes, voices
from ..core.keys import Caller
from ..core.projects import BlockKind, Draft, Limits, Style
from ..core.requests import SoundVersion
from ..core.takes import Recording, Unrecorded
from ..db.models import Block, Json, Project
from ..errors import (
    AuthenticationError,
    Forbidden,
    IdempotencyConflict,
    InvalidParameter,
    NotFound,
    PreconditionFailed,
    RateLimited,
    StateConflict,
    TooLarge,
    Unavailable,
)
from .auth import LimitedSpeaker, TaskReader
from .errors import ServiceRoute
from .history import none_if_empty
from .openapi import error_responses
from .orders import digest, language_of
from .project_views import STYLE_FIELDS, block_view, project_view, record_takes, unrecorded_view
from .schemas import (
    BlockChange,
    BlockInsertion,
    BlockListResponse,
    BlockRequest,
    BlockResponse,
    ProjectChange,
    ProjectListResponse,
    ProjectRequest,
    ProjectResponse,
    ok,
)
from .state import AppState, State
from .tasks import idempotency_header

P = ParamSpec("P")
R = TypeVar("R")

PREFIX = "/api/open-api/v1/projects"
router = APIRouter(prefix=PREFIX, route_class=ServiceRoute, tags=["Projects"])

READING = (AuthenticationError, Forbidden, NotFound, Unavailable)
WRITING = (*READING, InvalidParameter, PreconditionFailed, TooLarge, RateLimited)
ProjectId = Annotated[str, Path(description="The id of a project, proj_…")]
BlockId = Annotated[str, Path(description="The id of a block, block_…")]
ProjectMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="The ETag of the project. The request is refused with 412 if the script was "
        "changed since. Default: any version",
    ),
]
BlockMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="The ETag of the block. The request is refused with 412 if the block was "
        "changed since. Default: any version",
    ),
]
CreationKey = Annotated[str | None, idempotency_header("returns what the first one made")]
PageSize = Annotated[
    int | None,
    Query(ge=1, le=100, description="Largest number of items of the page"),
    BeforeValidator(none_if_empty),
]
BlockPageSize = Annotated[
    int | None,
    Query(ge=1, le=500, description="Largest number of blocks of the page"),
    BeforeValidator(none_if_empty),
]
Cursor = Annotated[
    str | None,
    Query(description="The nextCursor of the page before. Default: the first page"),
    BeforeValidator(none_if_empty),
]
_TAG = re.compile(r'"([0-9]{1,18})"')


def versions_of(if_match: str | None) -> Collection[int] | None:
    """Return the versions that the header If-Match accepts, None for any."""
    if if_match is None or if_match.strip() == "*":
        return None
    tags = (_TAG.fullmatch(each.strip()) for each in if_match.split(","))
    return {int(tag[1]) for tag in tags if tag}


def etag(version: int) -> dict[str, str]:
    """Return the header ETag of a project or block."""
    return {"ETag": f'"{version}"'}


def limits_of(state: AppState) -> Limits:
    """Return the limits that the settings name."""
    settings = state.settings
    return Limits(
        settings.projects_per_account, settings.blocks_per_project, settings.characters_per_project
    )


async def read(
    state: AppState, work: Callable[Concatenate[Session, P], R], *a: P.args, **k: P.kwargs
) -> R:
    """Return `work(session, …)`, run in a thread because it reads many rows."""

    def job() -> R:
        with state.database.read() as session:
            return work(session, *a, **k)

    return await run_in_threadpool(job)


async def _create(state: AppState, work: Callable[[Session], R]) -> R:
    """Run a transaction that records an idempotency key."""
    try:
        return await state.database.transaction_async(work)
    except IntegrityError:
        # A request with the same idempotency key was faster. The second try finds what it made.
        return await state.database.transaction_async(work)


# Projects


@router.post(
    "",
    operation_id="createProject",
    summary="Create a project",
    response_model=ProjectResponse,
    responses=error_responses(*WRITING, IdempotencyConflict),
)
async def create_project(
    state: State,
    body: ProjectRequest,
    who: LimitedSpeaker,
    idempotency_key: CreationKey = None,
) -> JSONResponse:
    """Create a project without blocks. Its voice and controls hold for blocks that set none."""
    style = Style(**style_values(body))
    asked = digest("project", body.model_dump(mode="json", exclude_unset=True))

    def work(session: Session) -> tuple[Project, Unrecorded]:
        if idempotency_key is not None:
            made = creations.earlier(session, who.account_id, idempotency_key, asked)
            if made is not None:
                project = projects.get(session, made[0], who.account_id)
                return project, takes.unrecorded(session, project)
        check_style(session, who.account_id, style)
        project = projects.create(
            session,
            who.account_id,
            who.key_id,
            name=body.name,
            style=style,
            limits=limits_of(state),
        )
        if idempotency_key is not None:
            creations.add(session, who.account_id, idempotency_key, asked, [project.id])
        return project, Unrecorded()

    return _project_response(state, *await _create(state, work))


@router.get(
    "",
    operation_id="listProjects",
    summary="List projects",
    response_model=ProjectListResponse,
    responses=error_responses(AuthenticationError, Forbidden, InvalidParameter, Unavailable),
)
async def list_projects(
    state: State, who: TaskReader, limit: PageSize = 20, cursor: Cursor = None
) -> JSONResponse:
    """Return one page of the account's projects, newest first."""
    found, following = await read(
        state, projects.page, who.account_id, limit=limit or 20, cursor=cursor
    )
    rows = [project_view(project) for project in found]
    return JSONResponse(ok({"list": rows, "nextCursor": following}))


@router.get(
    "/{project_id}",
    operation_id="getProject",
    summary="Get a project",
    response_model=ProjectResponse,
    responses=error_responses(*READING),
)
async def get_project(state: State, project_id: ProjectId, who: TaskReader) -> JSONResponse:
    """Return a project, and how much of it is still to be recorded."""

    def work(session: Session) -> tuple[Project, Unrecorded]:
        project = projects.get(session, project_id, who.account_id)
        return project, takes.unrecorded(session, project)

    project, left = await read(state, work)
    return _project_response(state, project, left)


@router.patch(
    "/{project_id}",
    operation_id="updateProject",
    summary="Change a project",
    response_model=ProjectResponse,
    responses=error_responses(*WRITING),
)
async def update_project(
    state: State,
    project_id: ProjectId,
    body: ProjectChange,
    who: LimitedSpeaker,
    if_match: ProjectMatch = None,
) -> JSONResponse:
    """Change the name, the voice or the controls of a project.

    Takes of blocks that would be spoken differently become stale.
    """
    values = style_values(body)

    def work(session: Session) -> tuple[Project, Unrecorded]:
        check_style(session, who.account_id, Style(**values))
        project = projects.change(
            session,
            project_id,
            who.account_id,
            versions=versions_of(if_match),
            name=body.name,
            style=values,
        )
        session.flush()
        return project, takes.unrecorded(session, project)

    project, left = await state.database.transaction_async(work)
    return _project_response(state, project, left)


@router.delete(
    "/{project_id}",
    operation_id="deleteProject",
    summary="Delete a project",
    status_code=204,
    responses=error_responses(*READING, PreconditionFailed, RateLimited),
)
async def delete_project(
    state: State, project_id: ProjectId, who: LimitedSpeaker, if_match: ProjectMatch = None
) -> Response:
    """Delete a project with its blocks, takes and renders. Running takes are cancelled.

    When the response arrives, the files are removed and their links no longer work.
    """
    await remove_project(state, project_id, who, versions_of(if_match))
    return Response(status_code=204)


def _project_response(state: AppState, project: Project, left: Unrecorded) -> JSONResponse:
    view = project_view(project) | unrecorded_view(left, state.prices)
    return JSONResponse(ok(view), headers=etag(project.version))


async def remove_project(
    state: AppState, project_id: str, who: Caller, versions: Collection[int] | None
) -> None:
    """Delete a project with its blocks, takes and renders.

    Raises:
        NotFound: The account has no such project.
        PreconditionFailed: The project has another version.
    """
    run = state.database.transaction_async
    await run(projects.mark_deleted, project_id, who.account_id, who.key_id, versions)
    done = False
    while not done:
        ended, done = await run(takes.clear_project, project_id)
        await remove_results(state, ended)


async def remove_results(state: AppState, task_ids: Sequence[str]) -> None:
    """Remove the files of tasks whose results have expired."""
    folders = [files.result_folder(each) for each in task_ids]
    await run_in_threadpool(state.storage.delete_all, folders, ())


# Blocks


@router.get(
    "/{project_id}/blocks",
    operation_id="listBlocks",
    summary="List blocks",
    response_model=BlockListResponse,
    responses=error_responses(*READING, InvalidParameter),
)
async def list_blocks(
    request: Request,
    state: State,
    project_id: ProjectId,
    who: TaskReader,
    limit: BlockPageSize = 100,
    cursor: Cursor = None,
) -> JSONResponse:
    """Return one page of a project's blocks in the order of the script, each with its take.

    The ETag is that of the project.
    """

    def work(
        session: Session,
    ) -> tuple[Project, Sequence[Block], dict[str, list[Recording]], str | None]:
        project = projects.get(session, project_id, who.account_id)
        found, following = projects.script_page(session, project, limit=limit or 100, cursor=cursor)
        recordings = takes.of_blocks(session, project, found)
        return project, found, recordings, following

    project, found, recordings, following = await read(state, work)
    await record_takes(request, recordings, who)
    rows = [block_view(request, block, recordings[block.id]) for block in found]
    page = {"list": rows, "nextCursor": following, "version": project.version}
    return JSONResponse(ok(page), headers=etag(project.version))


@router.post(
    "/{project_id}/blocks",
    operation_id="insertBlocks",
    summary="Insert blocks",
    response_model=BlockListResponse,
    responses=error_responses(*WRITING, IdempotencyConflict),
)
async def insert_blocks(
    request: Request,
    state: State,
    project_id: ProjectId,
    body: BlockInsertion,
    who: LimitedSpeaker,
    if_match: ProjectMatch = None,
    idempotency_key: CreationKey = None,
) -> JSONResponse:
    """Insert blocks into a script, by default at the end. The ETag is that of the project."""
    drafts = [_draft(each, Draft()) for each in body.blocks]
    asked = digest(
        "blocks", {"project": project_id, **body.model_dump(mode="json", exclude_unset=True)}
    )

    def work(
        session: Session,
    ) -> tuple[Project, Sequence[Block], Mapping[str, Sequence[Recording]]]:
        project = projects.lock(session, project_id, who.account_id)
        if idempotency_key is not None:
            earlier = creations.earlier(session, who.account_id, idempotency_key, asked)
            if earlier is not None:  # that request has raised the version
                found = projects.blocks_of(session, project, earlier)
                return project, found, takes.of_blocks(session, project, found)
        project = projects.lock(session, project_id, who.account_id, versions_of(if_match))
        for style in dict.fromkeys(draft.style for draft in drafts):
            check_style(session, who.account_id, style)
        made = projects.insert(session, project, drafts, after=body.after, limits=limits_of(state))
        if idempotency_key is not None:
            ids = [block.id for block in made]
            creations.add(session, who.account_id, idempotency_key, asked, ids)
        return project, made, {}

    project, made, recordings = await _create(state, work)
    await record_takes(request, recordings, who)
    page = {
        "list": [block_view(request, block, recordings.get(block.id, ())) for block in made],
        "nextCursor": None,
        "version": project.version,
    }
    return JSONResponse(ok(page), headers=etag(project.version))


@router.get(
    "/{project_id}/blocks/{block_id}",
    operation_id="getBlock",
    summary="Get a block",
    response_model=BlockResponse,
    responses=error_responses(*READING),
)
async def get_block(
    request: Request, state: State, project_id: ProjectId, block_id: BlockId, who: TaskReader
) -> JSONResponse:
    """Return a block with the take that renders use. The ETag is that of the block."""

    def work(session: Session) -> tuple[Block, dict[str, list[Recording]]]:
        project = projects.get(session, project_id, who.account_id)
        block = projects.get_block(session, project, block_id)
        return block, takes.of_blocks(session, project, [block])

    return await _block_response(request, who, *await read(state, work))


@router.patch(
    "/{project_id}/blocks/{block_id}",
    operation_id="updateBlock",
    summary="Change a block",
    response_model=BlockResponse,
    responses=error_responses(*WRITING, StateConflict),
)
async def update_block(
    request: Request,
    state: State,
    project_id: ProjectId,
    block_id: BlockId,
    body: BlockChange,
    who: LimitedSpeaker,
    if_match: BlockMatch = None,
) -> JSONResponse:
    """Change the content of a block, choose its take, or move the block.

    Takes with other words or controls become stale. When the former content returns, its takes fit
    again. The ETag is that of the block.
    """

    def work(session: Session) -> tuple[Block, dict[str, list[Recording]]]:
        project = projects.lock(session, project_id, who.account_id)
        block = projects.get_block(session, project, block_id, versions=versions_of(if_match))
        before = projects.draft_of(block)
        draft = _draft(body, before)
        if draft != before:
            check_style(session, who.account_id, draft.style, before.style)
            projects.change_block(project, block, draft, limits_of(state))
        if "takeId" in body.model_fields_set:
            takes.choose(session, project, block, body.takeId)
        if body.after is not None:
            projects.move(session, project, block, body.after)
        session.flush()
        return block, takes.of_blocks(session, project, [block])

    return await _block_response(request, who, *await state.database.transaction_async(work))


@router.delete(
    "/{project_id}/blocks/{block_id}",
    operation_id="deleteBlock",
    summary="Delete a block",
    status_code=204,
    responses=error_responses(*READING, PreconditionFailed, RateLimited),
)
async def delete_block(
    state: State,
    project_id: ProjectId,
    block_id: BlockId,
    who: LimitedSpeaker,
    if_match: BlockMatch = None,
) -> Response:
    """Delete a block. It can be restored with its takes while results are kept."""

    def work(session: Session) -> None:
        project = projects.lock(session, project_id, who.account_id)
        block = projects.get_block(session, project, block_id, versions=versions_of(if_match))
        projects.delete_block(project, block)

    await state.database.transaction_async(work)
    return Response(status_code=204)


@router.post(
    "/{project_id}/blocks/{block_id}/restoration",
    operation_id="restoreBlock",
    summary="Restore a deleted block",
    response_model=BlockResponse,
    responses=error_responses(*WRITING),
)
async def restore_block(
    request: Request, state: State, project_id: ProjectId, block_id: BlockId, who: LimitedSpeaker
) -> JSONResponse:
    """Restore a deleted block with its takes, at its former place in the script."""

    def work(session: Session) -> tuple[Block, dict[str, list[Recording]]]:
        project = projects.lock(session, project_id, who.account_id)
        block = projects.get_block(session, project, block_id, deleted=True)
        projects.restore(project, block, limits_of(state))
        return block, takes.of_blocks(session, project, [block])

    return await _block_response(request, who, *await state.database.transaction_async(work))


async def _block_response(
    request: Request, who: Caller, block: Block, recordings: Mapping[str, Sequence[Recording]]
) -> JSONResponse:
    await record_takes(request, recordings, who)
    view = block_view(request, block, recordings[block.id])
    return JSONResponse(ok(view), headers=etag(block.version))


def style_values(body: BaseModel) -> Json:
    """Return the values of a style that a request names, by the attributes of `Style`."""
    named = {field: name for field, name in STYLE_FIELDS.items() if field in body.model_fields_set}
    return {name: getattr(body, field) for field, name in named.items()}


def _draft(body: BlockRequest | BlockChange, before: Draft) -> Draft:
    """Return the content of a block with the values that a request names."""
    given = body.model_fields_set
    values: Json = {}
    if "kind" in given:
        values["kind"] = BlockKind(body.kind)
    if "text" in given:
        values["text"] = body.text or ""
    if "textFormat" in given:
        values["is_ssml"] = body.textFormat == "ssml"
    if "seconds" in given:
        values["seconds"] = body.seconds
    return replace(before, style=replace(before.style, **style_values(body)), **values)


def check_style(
    session: Session, account_id: str, style: Style, before: Style | None = None
) -> None:
    """Check the voice and the language of a style, unless they are those of `before`.

    Raises NotFound and InvalidParameter.
    """
    before = before or Style()
    if style.voice_id not in (None, before.voice_id):
        voices.get(session, str(style.voice_id), account_id, param="modelId")
    if style.language not in (None, before.language):
        language_of(str(style.language), SoundVersion.V2)
