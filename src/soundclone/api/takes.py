"""Routes for takes, which record the blocks of a project, and for renders of the project."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from ..core import dictionaries, projects, renders, takes
from ..core.keys import Caller
from ..core.renders import Planned
from ..core.requests import SpeechOptions, SubtitleUnit
from ..core.takes import Recording
from ..core.tasks import Order
from ..db.models import Block, Project, Task
from ..errors import (
    InvalidParameter,
    PaymentError,
    PreconditionFailed,
    RateLimited,
    SoundcloneError,
    StateConflict,
    TooLarge,
    Unavailable,
)
from ..text.pronunciation import Entry
from .audit import record_links_of
from .auth import LimitedSpeaker, TaskReader
from .errors import ServiceRoute
from .openapi import error_responses
from .orders import digest, reading_of, render_order, submit, take_order
from .project_views import record_takes, render_view, take_view
from .projects import (
    PREFIX,
    READING,
    BlockId,
    Cursor,
    PageSize,
    ProjectId,
    ProjectMatch,
    read,
    remove_results,
    versions_of,
)
from .schemas import (
    ProjectRenderRequest,
    RecordingRequest,
    RecordingResponse,
    RenderListResponse,
    RenderResponse,
    TakeListResponse,
    TakeRequest,
    TakeResponse,
    ok,
)
from .state import AppState, State
from .tasks import SUBMISSION, IdempotencyKey

router = APIRouter(prefix=PREFIX, route_class=ServiceRoute, tags=["Projects"])

TakeId = Annotated[str, Path(description="The id of a take, take_…")]
RenderId = Annotated[str, Path(description="The id of a render, which is a task")]
_SEEDS = 2**32
_AT_ONCE = 50  # takes that one request orders
_FOR_ALL = (PaymentError, RateLimited, TooLarge, Unavailable)  # no other block would fare better


@router.post(
    "/{project_id}/blocks/{block_id}/takes",
    operation_id="createTake",
    summary="Record a block",
    response_model=TakeResponse,
    responses=error_responses(*SUBMISSION, StateConflict),
    response_description="Take ordered",
)
async def create_take(
    request: Request,
    state: State,
    project_id: ProjectId,
    block_id: BlockId,
    body: TakeRequest,
    who: LimitedSpeaker,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Record a block as it is now. Only this block is rendered and charged.

    Poll the take. Without a `seed`, each take is another reading of the text.
    """
    seed = secrets.randbelow(_SEEDS) if body.seed is None else body.seed

    def find(session: Session) -> tuple[Project, Block, Sequence[Entry]]:
        project = projects.get(session, project_id, who.account_id)
        block = projects.get_block(session, project, block_id)
        takes.check_room(session, block_id)
        return project, block, dictionaries.of_project(session, project_id)

    project, block, own = await state.database.read_async(find)
    asked = {"block": block_id, "digest": block.digest, "seed": body.seed, "choose": body.choose}
    order = await take_order(
        state,
        who,
        project,
        block,
        pronunciations=own,
        seed=seed,
        request_hash=digest("take", asked),
        idempotency_key=idempotency_key,
    )
    reading = reading_of(order, project, block)

    def claim(session: Session) -> None:
        locked = projects.lock(session, project_id, who.account_id)
        projects.get_block(session, locked, block_id)

    def record(session: Session, task: Task) -> None:
        if takes.of_task(session, task.id) is not None:
            return  # of an earlier request with the same idempotency key
        locked = projects.lock(session, project_id, who.account_id)
        target = projects.get_block(session, locked, block_id)
        if not body.choose:
            known = takes.of_blocks(session, locked, [target])[block_id]
            best = takes.chosen(target, known)
            takes.choose(session, locked, target, best.take.id if best else None)
        takes.check_room(session, block_id)
        takes.add(session, locked, target, task, seed=seed, digest=block.digest, reading=reading)
        if body.choose:
            takes.choose(session, locked, target, None)

    task = await submit(state, order, claim=claim, record=record)

    def result(session: Session) -> tuple[Recording, Recording | None]:
        take = takes.of_task(session, task.id)
        if take is None:
            raise StateConflict(f"the take that task {task.id} made was deleted")
        made = session.get_one(Block, block_id)
        recordings = takes.of_blocks(session, project, [made])[block_id]
        return takes.get(session, project, take.id), takes.chosen(made, recordings)

    recording, best = await state.database.read_async(result)
    return JSONResponse(ok(take_view(request, recording, best)))


@router.post(
    "/{project_id}/takes",
    operation_id="recordProject",
    summary="Record the blocks that need it",
    response_model=RecordingResponse,
    responses=error_responses(*SUBMISSION),
    response_description="Takes ordered",
)
async def record_project(
    request: Request,
    state: State,
    project_id: ProjectId,
    body: RecordingRequest,
    who: LimitedSpeaker,
) -> JSONResponse:
    """Record the blocks whose present content has no take, 50 at a time.

    Blocks whose take fits or is under way are not recorded again, so the request can be repeated.
    """
    wanted = None if body.blockIds is None else set(body.blockIds)

    def find(
        session: Session,
    ) -> tuple[Project, Sequence[Block], Sequence[str], Sequence[Entry]]:
        project = projects.get(session, project_id, who.account_id)
        found = takes.to_record(session, project, wanted, after=body.cursor, limit=_AT_ONCE + 1)
        full = takes.without_room(session, [block.id for block in found[:_AT_ONCE]])
        return project, found, full, dictionaries.of_project(session, project_id)

    project, found, full, own = await read(state, find)
    orders: list[_Ordered] = []
    refused: dict[str, SoundcloneError] = {}
    for block in found[:_AT_ONCE]:
        if block.id in full:
            continue
        seed = secrets.randbelow(_SEEDS)
        asked = digest("take", {"block": block.id, "digest": block.digest, "seed": seed})
        try:
            order = await take_order(
                state, who, project, block, pronunciations=own, seed=seed, request_hash=asked
            )
        except SoundcloneError as error:
            refused[block.id] = error
        else:
            orders.append(_Ordered(block, seed, order, reading_of(order, project, block)))
    state.storage.check_free(state.settings.least_free_bytes)
    made, late = await state.database.transaction_async(
        _order_takes, state, who, project_id, orders
    )
    refused |= late
    if not made:
        for reason in refused.values():
            if isinstance(reason, _FOR_ALL):
                raise reason
    refused |= {block_id: takes.no_room(block_id) for block_id in full}
    following = found[_AT_ONCE - 1].id if len(found) > _AT_ONCE else None
    return JSONResponse(
        ok(
            {
                "list": [take_view(request, each, None) for each in made],
                "refused": [
                    {"blockId": block_id, "error": error.safe_message, "errorCode": error.word}
                    for block_id, error in refused.items()
                ],
                "nextCursor": following,
            }
        )
    )


@dataclass(frozen=True)
class _Ordered:
    """Take of a block that a request asks for."""

    block: Block
    seed: int
    order: Order
    reading: str


def _order_takes(
    session: Session,
    state: AppState,
    who: Caller,
    project_id: str,
    orders: Sequence[_Ordered],
) -> tuple[list[Recording], dict[str, SoundcloneError]]:
    """Submit takes of blocks that still need one. Return them, and the refused blocks' errors."""
    project = projects.lock(session, project_id, who.account_id)
    ids = [each.block.id for each in orders]
    present = {block.id: block for block in takes.to_record(session, project, ids, limit=len(ids))}
    refused: dict[str, SoundcloneError] = {
        block_id: takes.no_room(block_id) for block_id in takes.without_room(session, ids)
    }
    needed = [
        replace(each, block=present[each.block.id])
        for each in orders
        if each.block.id in present
        and present[each.block.id].digest == each.block.digest
        and each.block.id not in refused
    ]
    outcomes = state.submissions.submit_all_in(session, [each.order for each in needed])
    made: list[Recording] = []
    for each, outcome in zip(needed, outcomes, strict=True):
        block = each.block
        if isinstance(outcome, SoundcloneError):
            refused[block.id] = outcome
            continue
        take = takes.add(
            session,
            project,
            block,
            outcome,
            seed=each.seed,
            digest=block.digest,
            reading=each.reading,
        )
        takes.choose(session, project, block, None)
        made.append(Recording(take, outcome, is_stale=False))
    return made, refused


async def stop_recording(state: AppState, who: Caller, project_id: str) -> int:
    """Cancel and delete the takes of a project that are being recorded. Return their number.

    Raises:
        NotFound: The account has no such project.
    """
    number, done = 0, False
    while not done:
        ended, done = await state.database.transaction_async(takes.stop, project_id, who.account_id)
        await remove_results(state, ended)
        number += len(ended)
    return number


@router.get(
    "/{project_id}/blocks/{block_id}/takes",
    operation_id="listTakes",
    summary="List takes",
    response_model=TakeListResponse,
    responses=error_responses(*READING),
)
async def list_takes(
    request: Request, state: State, project_id: ProjectId, block_id: BlockId, who: TaskReader
) -> JSONResponse:
    """Return all takes of a block, newest first. There are at most 50."""

    def work(session: Session) -> tuple[Block, dict[str, list[Recording]]]:
        project = projects.get(session, project_id, who.account_id)
        block = projects.get_block(session, project, block_id)
        return block, takes.of_blocks(session, project, [block])

    block, found = await read(state, work)
    await record_takes(request, found, who)
    best = takes.chosen(block, found[block_id])
    rows = [take_view(request, each, best) for each in found[block_id]]
    return JSONResponse(ok({"list": rows}))


@router.get(
    "/{project_id}/takes/{take_id}",
    operation_id="getTake",
    summary="Get a take",
    response_model=TakeResponse,
    responses=error_responses(*READING),
)
async def get_take(
    request: Request, state: State, project_id: ProjectId, take_id: TakeId, who: TaskReader
) -> JSONResponse:
    """Return the progress of a take and, once it is completed, the links to its files."""

    def work(session: Session) -> tuple[Block, Recording, list[Recording]]:
        project = projects.get(session, project_id, who.account_id)
        found = takes.get(session, project, take_id)
        block = session.get_one(Block, found.take.block_id)
        return block, found, takes.of_blocks(session, project, [block])[block.id]

    block, found, recordings = await state.database.read_async(work)
    await record_takes(request, {block.id: [found]}, who)
    best = takes.chosen(block, recordings)
    return JSONResponse(ok(take_view(request, found, best)))


@router.delete(
    "/{project_id}/takes/{take_id}",
    operation_id="deleteTake",
    summary="Delete a take",
    status_code=204,
    responses=error_responses(*READING, RateLimited),
)
async def delete_take(
    state: State, project_id: ProjectId, take_id: TakeId, who: LimitedSpeaker
) -> Response:
    """Delete a take with its files. A take that is under way is cancelled and costs nothing."""
    task_id = await state.database.transaction_async(
        takes.remove, project_id, take_id, who.account_id
    )
    await remove_results(state, [task_id])
    return Response(status_code=204)


@router.post(
    "/{project_id}/renders",
    operation_id="createRender",
    summary="Render a project",
    response_model=RenderResponse,
    responses=error_responses(*SUBMISSION, PreconditionFailed, StateConflict),
    response_description="Task created",
)
async def create_render(
    request: Request,
    state: State,
    project_id: ProjectId,
    body: ProjectRenderRequest,
    who: LimitedSpeaker,
    if_match: ProjectMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Join the chosen takes of all blocks to one file with subtitles. A render is free.

    Poll the render, or its task, for `audioUrl`. A block without a completed take, or with a stale
    one, is refused with 409.
    """
    options = SpeechOptions(
        format=body.format,
        sample_rate=body.sampleRate,
        channels=body.channel,
        loudness=body.loudness,
        subtitles=SubtitleUnit(body.subtitleType or SubtitleUnit.SENTENCE),
    )

    def plan(session: Session) -> tuple[Project, Planned]:
        project = projects.get(session, project_id, who.account_id)
        return project, renders.plan(session, project, gap=body.gap, allow_stale=body.allowStale)

    project, planned = await read(state, plan)
    order = render_order(
        who,
        project,
        planned,
        options,
        request_hash=digest("render", {"project": project_id, **body.model_dump()}),
        idempotency_key=idempotency_key,
    )

    def claim(session: Session) -> None:
        projects.lock(session, project_id, who.account_id, versions_of(if_match))

    def record(session: Session, task: Task) -> None:
        renders.add(session, project, task, planned)

    task = await submit(state, order, claim=claim, record=record)
    return JSONResponse(ok(render_view(request, task, project_id)))


@router.get(
    "/{project_id}/renders",
    operation_id="listRenders",
    summary="List renders",
    response_model=RenderListResponse,
    responses=error_responses(*READING, InvalidParameter),
)
async def list_renders(
    request: Request,
    state: State,
    project_id: ProjectId,
    who: TaskReader,
    limit: PageSize = 20,
    cursor: Cursor = None,
) -> JSONResponse:
    """Return one page of a project's renders, newest first. They expire like other results."""

    def work(session: Session) -> tuple[Sequence[Task], str | None]:
        project = projects.get(session, project_id, who.account_id)
        return renders.page(session, project, limit=limit or 20, cursor=cursor)

    found, following = await read(state, work)
    await record_links_of(request, [(task.id, task.status) for task in found], who.key_id)
    rows = [render_view(request, task, project_id) for task in found]
    return JSONResponse(ok({"list": rows, "nextCursor": following}))


@router.get(
    "/{project_id}/renders/{render_id}",
    operation_id="getRender",
    summary="Get a render",
    response_model=RenderResponse,
    responses=error_responses(*READING),
)
async def get_render(
    request: Request, state: State, project_id: ProjectId, render_id: RenderId, who: TaskReader
) -> JSONResponse:
    """Return the progress of a render and, once it is completed, the links to its files."""

    def work(session: Session) -> Task:
        project = projects.get(session, project_id, who.account_id)
        return renders.get(session, project, render_id)

    task = await state.database.read_async(work)
    await record_links_of(request, [(task.id, task.status)], who.key_id)
    return JSONResponse(ok(render_view(request, task, project_id)))
