"""Routes for the pronunciation dictionary of an account."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from ..core import dictionaries
from ..errors import AuthenticationError, Forbidden, InvalidParameter, RateLimited, Unavailable
from ..text.pronunciation import Entry
from .auth import LimitedSpeaker, TaskReader
from .errors import ServiceRoute
from .openapi import error_responses
from .orders import entries_of
from .schemas import PronunciationsRequest, PronunciationsResponse, ok
from .state import State

router = APIRouter(prefix="/api/open-api/v1", route_class=ServiceRoute, tags=["Pronunciations"])


@router.get(
    "/pronunciations",
    operation_id="getPronunciations",
    summary="Get the pronunciation dictionary",
    response_model=PronunciationsResponse,
    responses=error_responses(AuthenticationError, Forbidden, Unavailable),
)
async def get_pronunciations(state: State, who: TaskReader) -> JSONResponse:
    """Return the pronunciation dictionary of the account."""
    return _answer(await state.database.read_async(dictionaries.of, who.account_id))


@router.put(
    "/pronunciations",
    operation_id="putPronunciations",
    summary="Replace the pronunciation dictionary",
    response_model=PronunciationsResponse,
    responses=error_responses(
        AuthenticationError, Forbidden, InvalidParameter, RateLimited, Unavailable
    ),
)
async def put_pronunciations(
    state: State, body: PronunciationsRequest, who: LimitedSpeaker
) -> JSONResponse:
    """Replace all entries. They apply to all later speech of the account, in every interface.

    Subtitles and the times of words still have the words as they are written. Of two entries for
    one place in a text, the longer applies.
    """
    entries = entries_of(body.entries, "entries")
    await state.database.transaction_async(dictionaries.put, who.account_id, entries)
    return _answer(entries)


@router.delete(
    "/pronunciations",
    operation_id="deletePronunciations",
    summary="Delete the pronunciation dictionary",
    response_model=PronunciationsResponse,
    responses=error_responses(AuthenticationError, Forbidden, RateLimited, Unavailable),
)
async def delete_pronunciations(state: State, who: LimitedSpeaker) -> JSONResponse:
    """Delete all entries. The response has the empty dictionary."""
    await state.database.transaction_async(dictionaries.remove, who.account_id)
    return _answer(())


def _answer(entries: Sequence[Entry]) -> JSONResponse:
    rows = [
        {
            "written": entry.written,
            "spoken": entry.spoken,
            "language": entry.language,
            "matchCase": entry.match_case,
        }
        for entry in entries
    ]
    return JSONResponse(ok({"entries": rows}))
