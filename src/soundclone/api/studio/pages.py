"""The pages of the studio."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from ...core import files, keys, ledger, queries, sessions, tasks, voices
from ...core.requests import CloneRequest, TaskResult, UrlSource, request_of
from ...db.models import Task, TaskStatus, Voice
from ...engines.emotion import Emotion
from ...errors import AuthenticationError, NotFound
from ...text.languages import LANGUAGES
from ...text.script import MAX_PAUSES
from ..orders import PREVIEW_LIMIT, TEXT_LIMIT
from ..state import state_of
from ..tasks import checked_id
from . import snippets
from .actions import local, voice_id
from .rendering import SPOKEN, PublicRoute, StudioRoute, language_of, passages, render
from .session import Known, close_session, open_session, remember_visit

router = APIRouter(prefix="/studio", route_class=StudioRoute)
public = APIRouter(prefix="/studio", route_class=PublicRoute)

EMOTIONS = tuple(Emotion)
KINDS = ("clone", "audio")
STATUSES = ("active", "completed", "failed")
PAGE = 30  # tasks on a page of the history
LEDGER = 60  # lines of the ledger
_LINK = 3600.0  # seconds for which a page's links work


@public.get("/sign-in")
async def sign_in(request: Request, next: str = "/studio", link: str = "") -> Response:
    """Show the form that takes a key, or sign in by a link that works once."""
    target, error = local(next), None
    if link:
        try:
            return await _redeem(request, link, target)
        except AuthenticationError as refusal:
            error = refusal
    response = render(request, "sign_in.html", 401 if error else 200, next=target, error=error)
    remember_visit(request, response)
    return response


async def _redeem(request: Request, link: str, target: str) -> Response:
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        # Another site could sign its visitors in to an account of its own.
        raise AuthenticationError("another site opened this sign-in link; sign in with an API key")
    if "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", "")):
        return Response(status_code=503, headers={"Cache-Control": "no-store"})
    key_id = await state_of(request).database.transaction_async(sessions.redeem_link, link)
    response = RedirectResponse(target, 303)
    if request.state.visitor:
        await close_session(request, response)
    await open_session(request, response, key_id)
    return response


@router.get("")
@router.get("/")
async def home(request: Request, me: Known) -> Response:
    """The script for those who have a voice; for the others, how to make one."""
    found = await state_of(request).database.read_async(voices.listing, me.account.id)
    return RedirectResponse("/studio/speak" if found else "/studio/clone", 303)


@router.get("/clone")
async def clone(request: Request, me: Known, again: str = "") -> Response:
    """The form that makes a voice: an empty one, or that of an earlier attempt."""
    mine = SPOKEN[language_of(request)]
    look = state_of(request).database.read_async
    earlier = Attempt(language=mine, text=LANGUAGES[mine].preview)
    if again:
        task = await look(tasks.get, checked_id(again), me.account.id)
        if isinstance(made := request_of(task), CloneRequest):
            earlier = attempt(request, task, made)
    return render(
        request,
        "clone.html",
        languages=LANGUAGES.values(),
        limit=PREVIEW_LIMIT,
        samples={
            each.name: {
                "code": each.code,
                "preview": each.preview,
                "passage": passages().get(each.name, ""),
            }
            for each in LANGUAGES.values()
        },
        reading=earlier.language if earlier.language in passages() else mine,
        earlier=earlier,
        policy=state_of(request).settings.consent,
        page="clone",
    )


@dataclass(frozen=True)
class Attempt:
    """The values that the form of a voice begins with."""

    kind: str = "record"  # source of the recording: "record", "file" or "web"
    url: str = ""
    name: str = ""
    version: str = "v1"
    language: str = "auto"
    text: str = ""
    consent: str = ""  # "own" or "given"
    speaker: str = ""


def attempt(request: Request, task: Task, made: CloneRequest) -> Attempt:
    """Return the values of the form that an earlier task came from."""
    consent = made.consent
    return Attempt(
        kind="web" if isinstance(made.source, UrlSource) else "file",
        url=snippets.source_of(request, task, made),
        name=made.name,
        version=made.version,
        language=made.language or "auto",
        text=made.text,
        consent=("given" if consent.speaker else "own") if consent else "",
        speaker=consent.speaker if consent else "",
    )


@router.get("/speak")
async def speak(request: Request, me: Known, voice: str = "", again: str = "") -> Response:
    """A script becomes speech: a new one, or that of a task again."""
    look = state_of(request).database.read_async
    found = await look(voices.listing, me.account.id)
    earlier = await look(tasks.get, checked_id(again), me.account.id) if again else None
    return render(
        request,
        "speak.html",
        voices=found,
        chosen=earlier.voice_id if earlier else voice,
        params=earlier.params if earlier else {},
        languages=LANGUAGES.values(),
        emotions=EMOTIONS,
        limit=TEXT_LIMIT,
        longest_pause=MAX_PAUSES,
        page="speak",
    )


@router.get("/tasks/{id}")
async def task(request: Request, me: Known, id: str) -> Response:
    """How far a task is, and what it made. A part of the page for htmx, which asks for it until
    the task has ended."""

    def work(session: Session) -> tuple[Task, Voice | None]:
        found = tasks.get(session, checked_id(id), me.account.id)
        return found, session.get(Voice, found.voice_id)

    found, voice = await state_of(request).database.read_async(work)
    template = "part/task.html" if "HX-Request" in request.headers else "task.html"
    return render(request, template, page="", **await _outcome(request, found, voice))


@dataclass(frozen=True)
class Links:
    """Signed links to the files of a task. A file that is not kept has an empty link."""

    audio: str = ""
    subtitles: str = ""
    subtitles_json: str = ""
    recording: str = ""


async def _outcome(request: Request, task: Task, voice: Voice | None) -> dict[str, Any]:
    """The values that a task's page shows."""
    sign = state_of(request).storage.sign
    found: dict[str, str] = {}
    result = TaskResult.from_json(task.result)
    if task.status == TaskStatus.COMPLETED and task.expires_at and result:
        expires = int(task.expires_at)
        for name in ("audio", "subtitles", "subtitles_json"):
            if key := getattr(result, name):
                extension = key.rpartition(".")[2]
                found[name] = sign(key, expires, f"{task.id[:14]}.{extension}")
    if voice and task.kind == "clone":
        found["recording"] = await recording_link(request, voice) or ""
    links = Links(**found)
    return {
        "task": task,
        "voice": voice,
        "links": links,
        "snippet": snippets.of_task(request, task),
    }


async def recording_link(request: Request, voice: Voice) -> str | None:
    """A link to the recording that a voice was made from, if it is kept."""
    storage = state_of(request).storage
    key = files.voice_recording(voice.id)
    over = voice.expires_at is not None and voice.expires_at <= time.time()
    if over or await run_in_threadpool(storage.size, key) is None:
        return None
    link: str = storage.sign(key, int(time.time() + _LINK))
    return link


@router.get("/voices")
async def list_voices(request: Request, me: Known) -> Response:
    """The account's voices."""
    found = await state_of(request).database.read_async(voices.listing, me.account.id)
    return render(
        request, "voices.html", voices=found, snippet=snippets.of_voices(request), page="voices"
    )


@router.get("/voices/{id}/recording")
async def recording(request: Request, me: Known, id: str) -> Response:
    """To the recording that a voice was made from."""
    voice = await state_of(request).database.read_async(voices.get, voice_id(id), me.account.id)
    link = await recording_link(request, voice)
    if link is None:
        raise NotFound("the recording of this voice is not kept in a form that can be heard")
    return RedirectResponse(link, 303)


@router.get("/history")
async def history(
    request: Request, me: Known, kind: str = "", status: str = "", before: float | None = None
) -> Response:
    """The account's tasks."""
    kind = kind if kind in KINDS else ""
    status = status if status in STATUSES else ""

    def work(session: Session) -> tuple[list[Task], dict[str, Voice]]:
        found = list(
            queries.history(
                session,
                me.account.id,
                kind=kind or None,
                status=status or None,
                before=before,
                limit=PAGE + 1,
            )
        )
        return found, {voice.id: voice for voice in voices.listing(session, me.account.id)}

    found, known = await read(request, work)
    older = None
    if len(found) > PAGE:
        found = found[:PAGE]
        chosen = {"kind": kind, "status": status, "before": found[-1].created_at}
        older = "/studio/history?" + urlencode({k: v for k, v in chosen.items() if v})
    return render(
        request,
        "history.html",
        tasks=found,
        voices=known,
        kind=kind,
        chosen=status,
        older=older,
        page="history",
    )


@router.get("/account")
async def account(request: Request, me: Known) -> Response:
    """Balance, usage, ledger and keys."""

    def work(session: Session) -> dict[str, Any]:
        return {
            "balance": ledger.balance(session, me.account.id),
            "days": queries.usage(session, me.account.id),
            "lines": list(reversed(ledger.statement(session, me.account.id, LEDGER))),
            "keys": keys.listing(session, me.account.id),
        }

    return render(
        request,
        "account.html",
        prices=state_of(request).prices.rows,
        snippet=snippets.of_balance(request),
        page="account",
        **await read(request, work),
    )


@router.get("/{rest:path}")
async def nothing(request: Request, me: Known, rest: str) -> Response:
    """Whatever else is asked for."""
    raise NotFound("there is no such page; the menu has all of them")


async def read(request: Request, work: Any) -> Any:
    """Run `work(session)`, which may take a while, in a thread."""

    def job() -> Any:
        with state_of(request).database.read() as session:
            return work(session)

    return await run_in_threadpool(job)
