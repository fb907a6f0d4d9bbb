"""Routes for the pronunciation dictionaries of an account and of its projects."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from ..core import dictionaries, projects
from ..db.models import Project
from ..errors import (
    AuthenticationError,
    Forbidden,
    InvalidParameter,
    PreconditionFailed,
    RateLimited,
    Unavailable,
)
from ..text.pronunciation import Entry
from .auth import LimitedSpeaker, TaskReader
from .errors import ServiceRoute
from .openapi import error_responses
from .orders import entries_of
from .projects import READING, ProjectId, ProjectMatch, etag, read, versions_of
from .schemas import PronunciationsRequest, PronunciationsResponse, ok
from .state import AppState, State

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


@router.get(
    "/projects/{project_id}/pronunciations",
    operation_id="getProjectPronunciations",
    summary="Get the pronunciation dictionary of a project",
    response_model=PronunciationsResponse,
    responses=error_responses(*READING),
    tags=["Projects"],
)
async def get_project_pronunciations(
    state: State, project_id: ProjectId, who: TaskReader
) -> JSONResponse:
    """Return the entries of a project, without those of the account.

    The ETag is that of the project.
    """

    def work(session: Session) -> tuple[Project, Sequence[Entry]]:
        project = projects.get(session, project_id, who.account_id)
        return project, dictionaries.of_project(session, project_id)

    project, entries = await read(state, work)
    return _answer(entries, project)


@router.put(
    "/projects/{project_id}/pronunciations",
    operation_id="putProjectPronunciations",
    summary="Replace the pronunciation dictionary of a project",
    response_model=PronunciationsResponse,
    responses=error_responses(*READING, InvalidParameter, PreconditionFailed, RateLimited),
    tags=["Projects"],
)
async def put_project_pronunciations(
    state: State,
    project_id: ProjectId,
    body: PronunciationsRequest,
    who: LimitedSpeaker,
    if_match: ProjectMatch = None,
) -> JSONResponse:
    """Replace the entries of a project. They prevail over those of the account.

    A take becomes stale when an entry for a word of its block is added, changed or deleted, here
    or in the dictionary of the account. The ETag is that of the project.
    """
    entries = entries_of(body.entries, "entries")
    return _answer(entries, await _put(state, who.account_id, project_id, entries, if_match))


@router.delete(
    "/projects/{project_id}/pronunciations",
    operation_id="deleteProjectPronunciations",
    summary="Delete the pronunciation dictionary of a project",
    response_model=PronunciationsResponse,
    responses=error_responses(*READING, PreconditionFailed, RateLimited),
    tags=["Projects"],
)
async def delete_project_pronunciations(
    state: State, project_id: ProjectId, who: LimitedSpeaker, if_match: ProjectMatch = None
) -> JSONResponse:
    """Delete all entries of a project. The response has the empty dictionary."""
    return _answer((), await _put(state, who.account_id, project_id, (), if_match))


async def _put(
    state: AppState,
    account_id: str,
    project_id: str,
    entries: Sequence[Entry],
    if_match: str | None,
) -> Project:
    def work(session: Session) -> Project:
        project = projects.lock(session, project_id, account_id, versions_of(if_match))
        dictionaries.put_of_project(session, project, entries)
        return project

    return await state.database.transaction_async(work)


def _answer(entries: Sequence[Entry], project: Project | None = None) -> JSONResponse:
    rows = [
        {
            "written": entry.written,
            "spoken": entry.spoken,
            "language": entry.language,
            "matchCase": entry.match_case,
            "ipa": entry.ipa,
        }
        for entry in entries
    ]
    headers = etag(project.version) if project else None
    return JSONResponse(ok({"entries": rows}), headers=headers)
