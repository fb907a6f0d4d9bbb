"""Routes for models, the account and its history in ElevenLabs' format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from ...core import history, ledger, tasks, voices
from ...core.keys import Caller, Scope
from ...core.pricing import UNIT_CHARACTERS, to_micro
from ...core.requests import SpeechRequest, TaskResult, request_of
from ...db.models import Account, Task, TaskKind, TaskStatus, Voice
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
from ...text.languages import LANGUAGES, names
from ..audit import record_links
from ..auth import BalanceReader, Reader, TaskOwner, TaskReader
from ..files import content_type
from ..openai.models import MODELS
from ..orders import TEXT_LIMIT
from ..state import AppState, State
from ..tasks import TASK_ID
from .errors import ElevenLabsRoute, error_responses
from .schemas import (
    ElevenLabsHistory,
    ElevenLabsHistoryItem,
    ElevenLabsModel,
    ElevenLabsStatus,
    ElevenLabsSubscription,
    ElevenLabsUser,
)

ALIASES = (
    "eleven_multilingual_v2",
    "eleven_flash_v2_5",
    "eleven_turbo_v2_5",
    "eleven_v3",
)
"""Names of ElevenLabs' models. They stand for the version that the voice was made with."""

_UNLIMITED = 1_000_000_000  # characters, where speech is free

router = APIRouter(route_class=ElevenLabsRoute)

ItemPath = Annotated[str, Path(description="Id of an item: that of its task, audio_…")]


@router.get(
    "/v1/models",
    operation_id="listElevenLabsModels",
    summary="List models",
    response_model=list[ElevenLabsModel],
    responses=error_responses(AuthenticationError, Forbidden, Unavailable),
)
async def models(who: TaskReader) -> JSONResponse:
    """Return the models that `model_id` of a request can name."""
    own = [
        _model(name, f"soundclone {version}", f"soundVersion {version}", version)
        for name, version in MODELS.items()
    ]
    same = "The version that the voice was made with"
    aliases = [_model(name, f"As the voice ({name})", same, "v2") for name in ALIASES]
    return JSONResponse(own + aliases)


@router.get(
    "/v1/user/subscription",
    operation_id="getElevenLabsSubscription",
    summary="Get the credits as characters",
    response_model=ElevenLabsSubscription,
    responses=error_responses(AuthenticationError, Forbidden, Unavailable),
)
async def subscription(state: State, who: BalanceReader) -> JSONResponse:
    """Return the used and the available credits, as characters of speech."""
    return JSONResponse(await _subscription(state, who))


@router.get(
    "/v1/user",
    operation_id="getElevenLabsUser",
    summary="Get the account",
    response_model=ElevenLabsUser,
    responses=error_responses(AuthenticationError, Forbidden, Unavailable),
)
async def user(state: State, who: BalanceReader) -> JSONResponse:
    """Return the account of the key with its credits."""

    def work(session: Session) -> str:
        return session.get_one(Account, who.account_id).name

    return JSONResponse(
        {
            "user_id": who.account_id,
            "first_name": await state.database.read_async(work),
            "is_new_user": False,
            "subscription": await _subscription(state, who),
        }
    )


@router.get(
    "/v1/history",
    operation_id="listElevenLabsHistory",
    summary="List speech",
    response_model=ElevenLabsHistory,
    responses=error_responses(AuthenticationError, Forbidden, InvalidParameter, Unavailable),
)
async def list_history(
    state: State,
    who: Reader,
    page_size: Annotated[
        int, Query(ge=1, le=1000, description="Largest number of items of the page")
    ] = 100,
    start_after_history_item_id: Annotated[
        str | None, Query(description="The last_history_item_id of the page before")
    ] = None,
    voice_id: Annotated[str | None, Query(description="List only speech of this voice")] = None,
) -> JSONResponse:
    """Return one page of the account's completed speech whose audio is kept, newest first."""

    def work(session: Session) -> tuple[list[dict[str, object]], bool]:
        found, following = history.page(
            session,
            who.account_id,
            limit=page_size,
            cursor=start_after_history_item_id or None,
            status=TaskStatus.COMPLETED,
            kind=TaskKind.AUDIO,
            voice_id=voice_id or None,
        )
        named = _names(session, found)
        return [_item(task, named.get(task.voice_id)) for task in found], following is not None

    items, more = await state.database.read_async(work)
    return JSONResponse(
        {
            "history": items,
            "last_history_item_id": items[-1]["history_item_id"] if items else None,
            "has_more": more,
        }
    )


@router.get(
    "/v1/history/{item_id}",
    operation_id="getElevenLabsHistoryItem",
    summary="Get a speech",
    response_model=ElevenLabsHistoryItem,
    responses=error_responses(
        AuthenticationError, Forbidden, NotFound, Expired, Deleted, Unavailable
    ),
)
async def get_item(state: State, item_id: ItemPath, who: Reader) -> JSONResponse:
    """Return a completed speech of the account, without its audio."""

    def work(session: Session) -> dict[str, object]:
        task = _spoken(session, item_id, who)
        return _item(task, _names(session, [task]).get(task.voice_id))

    return JSONResponse(await state.database.read_async(work))


@router.get(
    "/v1/history/{item_id}/audio",
    operation_id="getElevenLabsHistoryAudio",
    summary="Get the audio of a speech",
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
    """Return the audio of a completed speech, in the format in which it was made."""

    def work(session: Session) -> str:
        result = TaskResult.from_json(_spoken(session, item_id, who).result)
        assert result is not None  # the result of a task that is not expired is kept
        return result.audio

    key = await state.database.read_async(work)
    blocks = await run_in_threadpool(state.storage.stream, key)
    await record_links(request, item_id, TaskStatus.COMPLETED, who.key_id)
    return StreamingResponse(
        blocks, media_type=content_type(key), headers={"Cache-Control": "private, no-store"}
    )


@router.delete(
    "/v1/history/{item_id}",
    operation_id="deleteElevenLabsHistoryItem",
    summary="Delete a speech",
    response_model=ElevenLabsStatus,
    responses=error_responses(
        AuthenticationError, Forbidden, NotFound, Expired, Deleted, StateConflict, Unavailable
    ),
)
async def delete_item(state: State, item_id: ItemPath, who: TaskOwner) -> JSONResponse:
    """Delete the text and the audio of a speech. Links to the audio no longer work."""

    def work(session: Session) -> list[str]:
        result = TaskResult.from_json(_spoken(session, item_id, who).result)
        tasks.discard(session, item_id, who.account_id)
        return list(result.files) if result else []

    keys = await state.database.transaction_async(work)
    await run_in_threadpool(state.storage.delete_all, (), keys)
    return JSONResponse({"status": "ok"})


async def _subscription(state: AppState, who: Caller) -> dict[str, object]:
    price = to_micro(state.settings.price_list["sound-cloning-audio"])

    def characters(micro: int) -> int:
        return micro * UNIT_CHARACTERS // price if price else 0

    def work(session: Session) -> tuple[int, int, int]:
        balance = ledger.balance(session, who.account_id)
        count = len(voices.listing(session, who.account_id))
        return characters(balance.used), characters(max(0, balance.available)), count

    used, left, count = await state.database.read_async(work)
    return {
        "tier": "soundclone",
        "status": "active",
        "character_count": used,
        "character_limit": used + left if price else _UNLIMITED,
        "can_extend_character_limit": False,
        "allowed_to_extend_character_limit": False,
        "voice_slots_used": count,
        "can_use_instant_voice_cloning": Scope.CLONE in who.scopes,
        "can_use_professional_voice_cloning": False,
    }


def _spoken(session: Session, item_id: str, who: Caller) -> Task:
    """Return a completed speech of the account. Raises NotFound, Deleted and Expired."""
    unknown = NotFound(
        f"there is no speech {item_id[:60]!r} in this account; GET /v1/history lists the speech"
    )
    if not TASK_ID.fullmatch(item_id):
        raise unknown
    task = tasks.get(session, item_id, who.account_id)
    if task.kind != TaskKind.AUDIO or task.status != TaskStatus.COMPLETED:
        raise unknown
    return task


def _names(session: Session, found: Sequence[Task]) -> dict[str, str | None]:
    """Return the names of the tasks' voices by their ids."""
    ids = {task.voice_id for task in found}
    rows = session.execute(select(Voice.id, Voice.name).where(Voice.id.in_(ids)))
    return {row.id: row.name for row in rows}


def _item(task: Task, name: str | None) -> dict[str, object]:
    made = request_of(task)
    assert isinstance(made, SpeechRequest)
    models = {version: model for model, version in MODELS.items()}
    return {
        "history_item_id": task.id,
        "request_id": task.id,
        "voice_id": task.voice_id,
        "voice_name": name,
        "voice_category": "cloned",
        "model_id": models[made.version],
        "text": made.text,
        "date_unix": int(task.created_at),
        "character_count_change_from": 0,
        "character_count_change_to": task.characters,
        "content_type": content_type(f"speech.{made.options.format.extension}"),
        "state": "created",
        "source": "TTS",
    }


def _model(name: str, title: str, description: str, version: str) -> dict[str, object]:
    return {
        "model_id": name,
        "name": title,
        "description": description,
        "can_do_text_to_speech": True,
        "can_do_voice_conversion": True,
        "can_be_finetuned": False,
        "can_use_style": False,
        "can_use_speaker_boost": False,
        "serves_pro_voices": False,
        "requires_alpha_access": False,
        "token_cost_factor": 1.0,
        "max_characters_request_free_user": TEXT_LIMIT,
        "max_characters_request_subscribed_user": TEXT_LIMIT,
        "maximum_text_length_per_request": TEXT_LIMIT,
        "concurrency_group": "standard",
        "languages": [
            {"language_id": LANGUAGES[each].code, "name": each} for each in names(version)
        ],
    }
