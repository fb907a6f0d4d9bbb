"""Pages of the studio."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from ...core import files, queries, sessions, tasks, voices
from ...core.formatting import DAY
from ...core.keys import Scope
from ...core.requests import (
    LONGEST_CONVERSION,
    AudioFormat,
    CloneRequest,
    SoundVersion,
    SpeechOptions,
    SpeechRequest,
    SubtitleUnit,
    TaskResult,
    UrlSource,
    request_of,
)
from ...db.models import Task, TaskKind, TaskStatus, Voice
from ...engines.emotion import Emotion
from ...errors import AuthenticationError, NotFound
from ...telemetry import SIGN_INS_FAILED
from ...text.languages import LANGUAGES
from ...text.script import MAX_PAUSES
from ..audit import record_links
from ..orders import PREVIEW_LIMIT, TEXT_LIMIT
from ..state import state_of
from ..tasks import checked_id, links_expire
from . import snippets
from .actions import studio_path
from .rendering import PublicRoute, StudioRoute, passages, reading_language, render_page
from .session import (
    Cloner,
    Known,
    Reader,
    SpeakPage,
    close_session,
    open_session,
    remember_visit,
)

router = APIRouter(prefix="/studio", route_class=StudioRoute)
public = APIRouter(prefix="/studio", route_class=PublicRoute)

STATUSES = ("active", TaskStatus.COMPLETED, TaskStatus.FAILED)  # filters of the history
PAGE = 30  # tasks on a page of the history
FORMATS = (AudioFormat.MP3, AudioFormat.WAV, AudioFormat.FLAC, AudioFormat.OGG)
NEW_SPEECH = SpeechOptions(subtitles=SubtitleUnit.SENTENCE)
_LINK = 3600.0  # seconds until a link to a recording expires

T = TypeVar("T")


@public.get("/sign-in")
async def sign_in(request: Request, next: str = "/studio", link: str = "") -> Response:
    """Show the form that takes a key, or sign in by a link that works once."""
    target, error = studio_path(next), None
    if link:
        try:
            return await _redeem(request, link, target)
        except AuthenticationError as refusal:
            SIGN_INS_FAILED.labels("link").inc()
            error = refusal
    response = render_page(request, "sign_in.html", 401 if error else 200, next=target, error=error)
    remember_visit(request, response)
    return response


async def _redeem(request: Request, link: str, target: str) -> Response:
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        # Otherwise another site could sign its visitors in to an account that the site controls.
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
    """Redirect to the first page that the key may open.

    That is the speak page if the account has voices, and otherwise the clone page.
    """
    found = await state_of(request).database.read_async(voices.listing, me.account.id)
    if not me.pages:  # a key that only speaks
        me.caller.require(Scope.READ)
    first = "speak" if found and "speak" in me.pages else me.pages[0]
    return RedirectResponse(f"/studio/{first}", 303)


@router.get("/clone")
async def clone(request: Request, me: Cloner, again: str = "") -> Response:
    """Show the form that makes a voice, filled with an earlier task if `again` names one."""
    native = reading_language(request)
    form = CloneForm(language=native, text=LANGUAGES[native].preview)
    if again:
        read = state_of(request).database.read_async
        task = await read(tasks.get, checked_id(again), me.account.id)
        if isinstance(made := request_of(task), CloneRequest):
            form = clone_form(request, task, made)
    return render_page(
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
        versions=tuple(SoundVersion),
        reading=form.language if form.language in passages() else native,
        form=form,
        policy=state_of(request).settings.consent,
        page="clone",
    )


@dataclass(frozen=True)
class CloneForm:
    """Initial values of the form on the clone page."""

    kind: str = "record"  # source of the recording: "record", "file" or "web"
    url: str = ""
    name: str = ""
    version: SoundVersion = SoundVersion.V1
    language: str = "auto"
    text: str = ""
    consent: str = ""  # "own" or "given"
    speaker: str = ""
    purpose: str = ""
    until: str = ""  # last day of the consent, as in 2027-12-31


def clone_form(request: Request, task: Task, made: CloneRequest) -> CloneForm:
    """Return the values of the form that an earlier task was submitted with."""
    consent = made.consent
    return CloneForm(
        kind="web" if isinstance(made.source, UrlSource) else "file",
        url=snippets.source_of(request, task, made),
        name=made.name,
        version=made.version,
        language=made.language or "auto",
        text=made.text,
        consent=("given" if consent.speaker else "own") if consent else "",
        speaker=consent.speaker if consent else "",
        purpose=consent.purpose if consent else "",
        until=_last_day(consent.ends_at) if consent else "",
    )


def _last_day(ends_at: float | None) -> str:
    """Return the last whole day of a consent in UTC, empty for one without an end."""
    if ends_at is None:
        return ""
    return datetime.fromtimestamp(ends_at - DAY, UTC).date().isoformat()


@router.get("/speak")
async def speak(request: Request, me: SpeakPage, voice: str = "", again: str = "") -> Response:
    """Show the form for speech, filled with an earlier task if `again` names one."""
    read = state_of(request).database.read_async
    found = await read(voices.listing, me.account.id)
    form = SpeakForm(voice)
    if again:
        form = speak_form(await read(tasks.get, checked_id(again), me.account.id))
    return render_page(
        request,
        "speak.html",
        voices=found,
        form=form,
        languages=LANGUAGES.values(),
        emotions=tuple(Emotion),
        formats=FORMATS,
        units=tuple(SubtitleUnit),
        limit=TEXT_LIMIT,
        longest_pause=MAX_PAUSES,
        page="speak",
    )


@router.get("/convert")
async def convert(request: Request, me: SpeakPage, voice: str = "") -> Response:
    """Show the form for voice conversion."""
    state = state_of(request)
    return render_page(
        request,
        "convert.html",
        voices=await state.database.read_async(voices.listing, me.account.id),
        chosen=voice,
        formats=FORMATS,
        longest=LONGEST_CONVERSION,
        price=state.settings.price_list["sound-cloning-conversion"],
        page="convert",
    )


@dataclass(frozen=True)
class SpeakForm:
    """Initial values of the form on the speak page."""

    voice_id: str = ""
    text: str = ""
    language: str = "auto"
    options: SpeechOptions = NEW_SPEECH
    filled: bool = False  # with the values of an earlier task


def speak_form(task: Task) -> SpeakForm:
    """Return the values of the form that an earlier task was submitted with."""
    made = request_of(task)
    if not isinstance(made, CloneRequest | SpeechRequest):
        return SpeakForm(task.voice_id)
    options = made.options if isinstance(made, SpeechRequest) else SpeechOptions()
    return SpeakForm(task.voice_id, made.text, made.language or "auto", options, filled=True)


@router.get("/tasks/{id}")
async def task(request: Request, me: Reader, id: str) -> Response:
    """Show the progress and the result of a task.

    htmx requests the fragment of the page every second until the task has ended.
    """

    def work(session: Session) -> tuple[Task, Voice | None]:
        found = tasks.get(session, checked_id(id), me.account.id)
        return found, session.get(Voice, found.voice_id)

    found, voice = await state_of(request).database.read_async(work)
    await record_links(request, found.id, found.status, me.key.id)
    template = "part/task.html" if "HX-Request" in request.headers else "task.html"
    return render_page(
        request,
        template,
        task=found,
        text=text_of(found),
        result=TaskResult.from_json(found.result),
        voice=voice,
        links=await _links(request, found, voice),
        snippet=snippets.of_task(request, found),
        page="",
    )


def text_of(task: Task) -> str:
    """Return the text of a task. Empty for other tasks, and once the text is no longer kept."""
    made = request_of(task)
    return made.text if isinstance(made, CloneRequest | SpeechRequest) else ""


@dataclass(frozen=True)
class Links:
    """Signed links to the files of a task. The link of a missing file is empty."""

    audio: str = ""
    subtitles: str = ""
    subtitles_json: str = ""
    subtitles_vtt: str = ""
    credentials: str = ""
    recording: str = ""


async def _links(request: Request, task: Task, voice: Voice | None) -> Links:
    def sign(key: str | None) -> str:
        if not key:
            return ""
        filename = f"{task.id[:14]}.{key.rpartition('.')[2]}"
        return state_of(request).storage.sign(key, links_expire(request, task), filename)

    recording = ""
    if voice and task.kind == TaskKind.CLONE:
        recording = await recording_link(request, voice) or ""
    result = TaskResult.from_json(task.result)
    if result is None or task.status != TaskStatus.COMPLETED:
        return Links(recording=recording)
    return Links(
        sign(result.audio),
        sign(result.subtitles),
        sign(result.subtitles_json),
        sign(result.subtitles_vtt),
        sign(result.credentials),
        recording,
    )


async def recording_link(request: Request, voice: Voice) -> str | None:
    """Return a link to the recording that a voice was made from, None if it is not kept."""
    storage = state_of(request).storage
    key = files.voice_recording(voice.id)
    over = voice.expires_at is not None and voice.expires_at <= time.time()
    if over or await run_in_threadpool(storage.size, key) is None:
        return None
    return storage.sign(key, int(time.time() + _LINK))


@router.get("/history")
async def history(
    request: Request, me: Reader, kind: str = "", status: str = "", before: float | None = None
) -> Response:
    """List the tasks of the account, newest first."""
    kind = kind if kind in tuple(TaskKind) else ""
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

    found, known = await read_in_thread(request, work)
    older = None
    if len(found) > PAGE:
        found = found[:PAGE]
        chosen = {"kind": kind, "status": status, "before": found[-1].created_at}
        older = "/studio/history?" + urlencode({k: v for k, v in chosen.items() if v})
    return render_page(
        request,
        "history.html",
        tasks=[(each, text_of(each)) for each in found],
        voices=known,
        kinds=tuple(TaskKind),
        kind=kind,
        statuses=STATUSES,
        chosen=status,
        older=older,
        page="history",
    )


@router.get("/{rest:path}")
async def unknown_page(request: Request, me: Known, rest: str) -> Response:
    """Refuse all other paths. Raises NotFound."""
    raise NotFound("there is no such page; the menu lists the pages")


async def read_in_thread(request: Request, work: Callable[[Session], T]) -> T:
    """Run the slow queries of `work` on a snapshot in a thread, and return their result."""

    def job() -> T:
        with state_of(request).database.snapshot() as session:
            return work(session)

    return await run_in_threadpool(job)
