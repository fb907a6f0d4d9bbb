"""Routes for models and the account in ElevenLabs' format."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from ...core import ledger, queries, voices
from ...core.keys import Caller, Scope
from ...db.models import Account
from ...errors import AuthenticationError, Forbidden, InvalidParameter, Unavailable
from ...text.languages import LANGUAGES, names
from ..auth import BalanceReader, TaskReader
from ..openai.models import MODELS
from ..orders import TEXT_LIMIT
from ..state import AppState, State
from .errors import ElevenLabsRoute, error_responses
from .history import characters_of
from .schemas import ElevenLabsModel, ElevenLabsSubscription, ElevenLabsUsage, ElevenLabsUser

ALIASES = (
    "eleven_multilingual_v2",
    "eleven_flash_v2_5",
    "eleven_turbo_v2_5",
    "eleven_v3",
)
"""Names of ElevenLabs' models. They stand for the version that the voice was made with."""

_UNLIMITED = 1_000_000_000  # characters, where speech is free

_MOST_BUCKETS = 1000

router = APIRouter(route_class=ElevenLabsRoute)


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
    "/v1/usage/character-stats",
    operation_id="getElevenLabsUsage",
    summary="Get the used characters over time",
    response_model=ElevenLabsUsage,
    responses=error_responses(AuthenticationError, Forbidden, InvalidParameter, Unavailable),
)
async def usage(
    state: State,
    who: BalanceReader,
    start_unix: Annotated[int, Query(ge=0, le=10**14, description="Start, in Unix milliseconds")],
    end_unix: Annotated[int, Query(ge=0, le=10**14, description="End, in Unix milliseconds")],
    aggregation_interval: Annotated[
        Literal["hour", "day", "week", "cumulative"],
        Query(description="Length of an interval; cumulative is one interval"),
    ] = "day",
    metric: Annotated[
        Literal["credits", "tts_characters", "request_count"],
        Query(
            description="credits and tts_characters: the charges, as characters of speech. "
            "request_count: the number of charged tasks"
        ),
    ] = "credits",
    breakdown_type: Annotated[
        Literal["none"], Query(description="Usage is broken down by nothing but time")
    ] = "none",
) -> JSONResponse:
    """Return the account's usage in each interval, from the ledger.

    Days begin at midnight UTC.
    """
    first, last = start_unix // 1000, end_unix // 1000
    if last < first:
        raise InvalidParameter(
            f"end_unix is {end_unix}; it must not be before start_unix, {start_unix}",
            param="end_unix",
        )
    length = {"hour": 3600, "day": 86_400, "week": 604_800}.get(aggregation_interval)
    if length is None:
        first, length = first // 3600 * 3600, max(3600, -(-(last - first + 1) // 3600) * 3600)
    else:
        first -= first % min(length, 86_400)
    count = (last - first) // length + 1
    if count > _MOST_BUCKETS:
        raise InvalidParameter(
            f"aggregation_interval is {aggregation_interval}, which makes {count:,} intervals; "
            f"there can be {_MOST_BUCKETS:,}, so request a shorter time or longer intervals",
            param="aggregation_interval",
        )
    found = await state.database.read_async(
        queries.usage_between, who.account_id, first, length, count
    )
    values = [
        each.tasks if metric == "request_count" else characters_of(state, each.spent)
        for each in found
    ]
    times = [1000 * int(each.start) for each in found]
    return JSONResponse({"time": times, "usage": {"All": values}})


async def _subscription(state: AppState, who: Caller) -> dict[str, object]:
    def work(session: Session) -> tuple[int, int, int]:
        balance = ledger.balance(session, who.account_id)
        count = len(voices.listing(session, who.account_id))
        return balance.used, max(0, balance.available), count

    used, left, count = await state.database.read_async(work)
    return {
        "tier": "soundclone",
        "status": "active",
        "character_count": characters_of(state, used),
        "character_limit": characters_of(state, used + left, unlimited=_UNLIMITED),
        "can_extend_character_limit": False,
        "allowed_to_extend_character_limit": False,
        "voice_slots_used": count,
        "can_use_instant_voice_cloning": Scope.CLONE in who.scopes,
        "can_use_professional_voice_cloning": False,
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
