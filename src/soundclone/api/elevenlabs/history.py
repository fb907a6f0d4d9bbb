"""Routes for the account's speech and conversions in ElevenLabs' format."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ...core import history, tasks
from ...core.keys import Caller
from ...core.pricing import UNIT_CHARACTERS, to_micro
from ...core.requests import ConversionRequest, SpeechRequest, TaskResult, request_of
from ...db.models import Task, TaskKind, TaskStatus, Voice
from ...errors import (
    AuthenticationError,
    Deleted,
    Expired,
    Forbidden,
    InvalidParameter,
    NotFound,
    StateConflict,
    Unavailable,
)
from ...jobs.account_data import BlockBuffer
from ..audit import record_links
from ..auth import Reader, TaskOwner
from ..files import content_type
from ..openai.models import MODELS
from ..state import AppState, State
from ..tasks import TASK_ID
from .errors import ElevenLabsRoute, error_responses
from .schemas import (
    ElevenLabsDownload,
    ElevenLabsHistory,
    ElevenLabsHistoryItem,
    ElevenLabsStatus,
)

_SOURCES = {TaskKind.AUDIO: "TTS", TaskKind.CONVERSION: "STS"}
_PRIVATE = {"Cache-Control": "private, no-store"}

router = APIRouter(route_class=ElevenLabsRoute)

ItemPath = Annotated[str, Path(description="Id of an item: that of its task, audio_…")]


@router.get(
    "/v1/history",
    operation_id="listElevenLabsHistory",
    summary="List speech",
    response_model=ElevenLabsHistory,
    responses=error_responses(AuthenticationError, Forbidden, InvalidParameter, Unavailable),
)
async def listing(
    state: State,
    who: Reader,
    page_size: Annotated[
        int, Query(ge=1, le=1000, description="Largest number of items of the page")
    ] = 100,
    start_after_history_item_id: Annotated[
        str | None, Query(description="The last_history_item_id of the page before")
    ] = None,
    voice_id: Annotated[str | None, Query(description="List only items of this voice")] = None,
    model_id: Annotated[
        str | None, Query(description="List only speech of this model, see GET /v1/models")
    ] = None,
    date_before_unix: Annotated[
        float | None, Query(description="List only items before this time, in Unix seconds")
    ] = None,
    date_after_unix: Annotated[
        float | None, Query(description="List only items from this time on, in Unix seconds")
    ] = None,
    sort_direction: Annotated[
        Literal["asc", "desc"], Query(description="desc: the newest first")
    ] = "desc",
    search: Annotated[
        str | None, Query(description="List only speech whose text contains this")
    ] = None,
    source: Annotated[
        Literal["TTS", "STS", "Flows"] | None,
        Query(description="TTS: only speech. STS: only conversions. There are no Flows"),
    ] = None,
) -> JSONResponse:
    """Return a page of the completed speech and conversions whose audio is kept, newest first."""
    conditions: list[ColumnElement[bool]] = []
    if model_id:
        conditions.append(Task.params["version"].as_string() == MODELS.get(model_id, ""))
    if date_before_unix is not None:
        conditions.append(Task.created_at < date_before_unix)
    if date_after_unix is not None:
        conditions.append(Task.created_at >= date_after_unix)
    if search:
        text = Task.params["text"].as_string()
        conditions.append(text.icontains(search, autoescape=True))

    def work(session: Session) -> tuple[list[dict[str, object]], bool]:
        found, following = history.page(
            session,
            who.account_id,
            limit=page_size,
            cursor=start_after_history_item_id or None,
            status=TaskStatus.COMPLETED,
            kind=[kind for kind, name in _SOURCES.items() if source in (None, name)],
            voice_id=voice_id or None,
            conditions=conditions,
            oldest_first=sort_direction == "asc",
        )
        named = _names(session, found)
        items = [_item(state, task, named.get(task.voice_id)) for task in found]
        return items, following is not None

    items, more = await state.database.read_async(work)
    return JSONResponse(
        {
            "history": items,
            "last_history_item_id": items[-1]["history_item_id"] if items else None,
            "has_more": more,
        }
    )


@router.post(
    "/v1/history/download",
    operation_id="downloadElevenLabsHistory",
    summary="Get the audio of several items",
    response_class=Response,
    responses={
        200: {
            "description": "The audio of one item, or a ZIP archive of several",
            "content": {
                media_type: {"schema": {"type": "string", "format": "binary"}}
                for media_type in ("audio/mpeg", "application/zip")
            },
        },
        **error_responses(
            AuthenticationError,
            Forbidden,
            InvalidParameter,
            NotFound,
            Expired,
            Deleted,
            Unavailable,
        ),
    },
)
async def download(
    request: Request, state: State, body: ElevenLabsDownload, who: Reader
) -> Response:
    """Return the audio of one item, or of several in one archive, in the formats as made."""
    ids = list(dict.fromkeys(body.history_item_ids))

    def work(session: Session) -> list[str]:
        return [_audio_of(_ended(session, each, who)) for each in ids]

    keys = await state.database.read_async(work)
    for each in ids:
        await record_links(request, each, TaskStatus.COMPLETED, who.key_id)
    if len(keys) == 1:
        blocks = await run_in_threadpool(state.storage.stream, keys[0])
        return StreamingResponse(blocks, media_type=content_type(keys[0]), headers=_PRIVATE)
    files = {
        f"{each}.{key.rpartition('.')[2]}": await run_in_threadpool(state.storage.stream, key)
        for each, key in zip(ids, keys, strict=True)
    }
    return StreamingResponse(_archive(files), media_type="application/zip", headers=_PRIVATE)


@router.get(
    "/v1/history/{item_id}",
    operation_id="getElevenLabsHistoryItem",
    summary="Get an item",
    response_model=ElevenLabsHistoryItem,
    responses=error_responses(
        AuthenticationError, Forbidden, NotFound, Expired, Deleted, Unavailable
    ),
)
async def get_item(state: State, item_id: ItemPath, who: Reader) -> JSONResponse:
    """Return completed speech or a conversion of the account, without its audio."""

    def work(session: Session) -> dict[str, object]:
        task = _ended(session, item_id, who)
        return _item(state, task, _names(session, [task]).get(task.voice_id))

    return JSONResponse(await state.database.read_async(work))


@router.get(
    "/v1/history/{item_id}/audio",
    operation_id="getElevenLabsHistoryAudio",
    summary="Get the audio of an item",
    response_class=Response,
    responses={
        200: {
            "description": "The audio",
            "content": {"audio/mpeg": {"schema": {"type": "string", "format": "binary"}}},
        },
        **error_responses(AuthenticationError, Forbidden, NotFound, Expired, Deleted, Unavailable),
    },
)
async def item_audio(request: Request, state: State, item_id: ItemPath, who: Reader) -> Response:
    """Return the audio of an item, in the format in which it was made."""

    def work(session: Session) -> str:
        return _audio_of(_ended(session, item_id, who))

    key = await state.database.read_async(work)
    blocks = await run_in_threadpool(state.storage.stream, key)
    await record_links(request, item_id, TaskStatus.COMPLETED, who.key_id)
    return StreamingResponse(blocks, media_type=content_type(key), headers=_PRIVATE)


@router.delete(
    "/v1/history/{item_id}",
    operation_id="deleteElevenLabsHistoryItem",
    summary="Delete an item",
    response_model=ElevenLabsStatus,
    responses=error_responses(
        AuthenticationError, Forbidden, NotFound, Expired, Deleted, StateConflict, Unavailable
    ),
)
async def delete_item(state: State, item_id: ItemPath, who: TaskOwner) -> JSONResponse:
    """Delete the text and the audio of an item. Links to the audio no longer work."""

    def work(session: Session) -> list[str]:
        result = TaskResult.from_json(_ended(session, item_id, who).result)
        tasks.discard(session, item_id, who.account_id)
        return list(result.files) if result else []

    keys = await state.database.transaction_async(work)
    await run_in_threadpool(state.storage.delete_all, (), keys)
    return JSONResponse({"status": "ok"})


def characters_of(state: AppState, micro: int, *, unlimited: int = 0) -> int:
    """Return how many characters of speech cost an amount, `unlimited` where speech is free."""
    price = to_micro(state.settings.price_list["sound-cloning-audio"])
    return micro * UNIT_CHARACTERS // price if price else unlimited


def _ended(session: Session, item_id: str, who: Caller) -> Task:
    """Return a completed task of the account. Raises NotFound, Deleted and Expired."""
    unknown = NotFound(
        f"there is no speech {item_id[:60]!r} in this account; GET /v1/history lists the speech"
    )
    if not TASK_ID.fullmatch(item_id):
        raise unknown
    task = tasks.get(session, item_id, who.account_id)
    if task.kind not in _SOURCES or task.status != TaskStatus.COMPLETED:
        raise unknown
    return task


def _audio_of(task: Task) -> str:
    """Return the key of a task's audio."""
    result = TaskResult.from_json(task.result)
    assert result is not None  # the result of a task that is not expired is kept
    return result.audio


def _names(session: Session, found: Sequence[Task]) -> dict[str, str | None]:
    """Return the names of the tasks' voices by their ids."""
    ids = {task.voice_id for task in found}
    rows = session.execute(select(Voice.id, Voice.name).where(Voice.id.in_(ids)))
    return {row.id: row.name for row in rows}


def _item(state: AppState, task: Task, name: str | None) -> dict[str, object]:
    made = request_of(task)
    assert isinstance(made, SpeechRequest | ConversionRequest)
    speech = made if isinstance(made, SpeechRequest) else None
    models = {version: model for model, version in MODELS.items()}
    return {
        "history_item_id": task.id,
        "request_id": task.id,
        "voice_id": task.voice_id,
        "voice_name": name,
        "voice_category": "cloned",
        "model_id": models[speech.version] if speech else None,
        "text": speech.text if speech else "",
        "date_unix": int(task.created_at),
        "character_count_change_from": 0,
        "character_count_change_to": characters_of(state, task.cost),
        "content_type": content_type(f"speech.{made.options.format.extension}"),
        "state": "created",
        "source": _SOURCES[TaskKind(task.kind)],
    }


def _archive(files: Mapping[str, Iterator[bytes]]) -> Iterator[bytes]:
    """Yield a ZIP archive of files, by their names in the archive."""
    written = BlockBuffer()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for name, blocks in files.items():
            head = zipfile.ZipInfo(name, time.gmtime()[:6])
            with archive.open(head, "w", force_zip64=True) as entry:
                for block in blocks:
                    entry.write(block)
                    yield written.take()
    yield written.take()
