"""Templates in the visitor's language, and errors as pages or as parts of one."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles as _StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from ... import __version__
from ...core.formatting import moment
from ...core.pricing import to_credits
from ...errors import AuthenticationError, SoundcloneError
from ..errors import ApiRoute
from ..uploads import reserve
from . import reasons, session
from .session import PATH, SAFE, SignInRequired

STUDIO = Path(__file__).parent
LANGUAGES = ("en", "zh")
SPOKEN = {"en": "English", "zh": "Chinese"}  # the languages of the pages, as voices speak them
YEAR = 365 * 86_400
THEMES = ("auto", "light", "dark")
LANGUAGE_COOKIE = "soundclone_language"
THEME_COOKIE = "soundclone_theme"


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Every text of the studio in a language, by its key."""
    texts: dict[str, str] = json.loads((STUDIO / "locale" / f"{language}.json").read_text("utf-8"))
    return texts


@cache
def passages() -> Mapping[str, str]:
    """Texts to read aloud for a recording, by language."""
    texts: dict[str, str] = json.loads((STUDIO / "locale" / "passages.json").read_text("utf-8"))
    return texts


def language_of(request: Request) -> str:
    """What was chosen by the switch, or else what the browser asks for first of ours."""
    chosen = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return chosen
    wanted = []
    for entry in request.headers.get("Accept-Language", "").split(","):
        tag, _, weight = entry.strip().lower().partition(";q=")
        quality = float(weight) if re.fullmatch(r"[01](\.\d{1,3})?", weight) else 1.0
        wanted.append((-quality, tag))
    tags = [tag for _, tag in sorted(wanted, key=lambda each: each[0])]
    # Pages are in simplified Chinese: readers of traditional Chinese get it only by choosing it.
    # Their browsers ask for zh-TW and then for zh.
    if any(map(_traditional, tags)):
        tags = [tag for tag in tags if tag != "zh" and not _traditional(tag)]
    found = (tag.partition("-")[0] for tag in tags)
    return next((language for language in found if language in LANGUAGES), LANGUAGES[0])


def _traditional(tag: str) -> bool:
    language, *rest = tag.split("-")
    return language == "zh" and "hans" not in rest and bool({"hant", "tw", "hk", "mo"} & {*rest})


def other_than(language: str) -> str:
    """The language that the switch leads to."""
    return next(each for each in LANGUAGES if each != language)


def text(language: str, key: str, /, **values: Any) -> str:
    """The text of a key with its values; values that are Markup stay so, all else is escaped."""
    found = catalogue(language)[key]
    if any(isinstance(value, Markup) for value in values.values()):
        return Markup(escape(found)).format(**values)  # noqa: S704
    return found.format(**values) if values else found


def credits(micro: int) -> str:
    """Micro-credits as people read them: `1,204.5`."""
    return f"{to_credits(micro):,.6f}".rstrip("0").rstrip(".")


def duration(seconds: float, language: str) -> str:
    """A length of time as people read it: `22.7 s`, and `4:08` from a minute on."""
    if round(seconds, 1) < 60:
        return text(language, "seconds", seconds=f"{seconds:.1f}".removesuffix(".0"))
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def time_tag(seconds: float) -> Markup:
    """A time in UTC, which the page's script shows in the reader's own zone."""
    iso = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    return Markup('<time datetime="{}">{}</time>').format(iso, moment(seconds))


def day(seconds: float) -> str:
    """The date in UTC: `2026-01-31`."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def reason(language: str, message: str) -> Markup:
    """The message of an error or a warning as a sentence in the page's language."""
    found = reasons.sentence(language, message)
    return Markup('<span lang="{}">{}</span>').format(catalogue(found.language)["lang"], found.text)


def excerpt(text: str, length: int = 90) -> str:
    """The beginning of a script without its pause markers, cut between words where it has any."""
    plain = " ".join(re.sub(r"<#[\d.]+#>", " ", text).split())
    if len(plain) <= length:
        return plain
    cut = plain[:length]
    # Chinese and Japanese have no spaces to cut at; neither may half of the excerpt be lost.
    space = cut.rfind(" ") if plain[length] != " " else length
    return cut[: space if space > length * 2 // 3 else length].rstrip(" .,;:。，；：") + "…"


_environment = Environment(
    loader=FileSystemLoader(STUDIO / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {
    "duration": duration,
    "credits": credits,
    "time": time_tag,
    "day": day,
    "excerpt": excerpt,
}


def render(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A page, or a part of one, in the visitor's language."""
    language = language_of(request)
    theme = request.cookies.get(THEME_COOKIE)
    body = _environment.get_template(template).render(
        t=partial(text, language),
        reason=partial(reason, language),
        catalogue=catalogue(language),
        script_texts=lambda: {
            key: value for key, value in catalogue(language).items() if key.startswith("js.")
        },
        language=language,
        switch=request.url.include_query_params(lang=other_than(language)).query,
        theme=theme if theme in THEMES else THEMES[0],
        path=request.url.path,
        nonce=request.state.nonce,
        token=session.token_of(request),
        me=request.state.visitor,
        version=__version__,
        now=time.time(),
        **context,
    )
    return HTMLResponse(body, status)


class StaticFiles(_StaticFiles):
    """Files that browsers ask about again each time, so that none outlives an upgrade."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


class StudioRoute(ApiRoute):
    """A page or an action for somebody who is signed in."""

    public = False

    async def admit(self, request: Request) -> None:
        """Identify the visitor, and reserve space for uploaded files.

        Raises:
            SignInRequired: The page needs a session, and the visitor has none.
            CsrfRejected: Another site made the request.
        """
        request.state.nonce = secrets.token_urlsafe(12)
        request.state.visitor = None
        request.state.visit = session.visit_of(request) or secrets.token_hex(16)
        try:
            request.state.visitor = await session.identify(request)
        except AuthenticationError as error:
            if not self.public:
                raise SignInRequired(error.message) from error
        if request.state.visitor is None and not self.public:
            raise SignInRequired("there is no session; sign in with an API key")
        if request.method not in SAFE:
            await session.check_token(request)
        if request.state.visitor is not None:
            await reserve(request, request.state.visitor.account.id)

    def respond(self, request: Request, error: SoundcloneError) -> Response:
        """Return the error as a page, as a part of one, or as JSON."""
        return refused(request, error)

    async def finish(self, request: Request, response: Response) -> None:
        """Extend the session, and set the headers and cookies of a page."""
        await session.renew(request, response)
        protect(request, response)
        if "lang" in request.query_params:
            response.set_cookie(LANGUAGE_COOKIE, language_of(request), max_age=YEAR, path=PATH)


class PublicRoute(StudioRoute):
    """A page for everybody."""

    public = True


def protect(request: Request, response: Response) -> None:
    """What a browser may do with an answer: only what comes from here, and no script in a page."""
    response.headers["Content-Security-Policy"] = "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            # The waveforms bring a style sheet of their own.
            f"style-src 'self' 'nonce-{request.state.nonce}'",
            "img-src 'self' data:",
            "media-src 'self' blob:",
            "connect-src 'self' blob:",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )
    response.headers["Permissions-Policy"] = "microphone=(self), camera=(), geolocation=()"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"


def refused(request: Request, error: SoundcloneError) -> Response:
    """Return an error as a part of the page, as JSON for a script, or as a page."""
    if isinstance(error, SignInRequired):
        return _to_sign_in(request)
    message = error.safe_message
    if request.headers.get("Accept") == "application/json":
        title = title_of(language_of(request), error.word)
        sentence = reasons.sentence(language_of(request), message).text
        answer = {"title": title, "message": sentence, "field": error.param}
        return JSONResponse(answer, error.status)
    template = "part/error.html" if "HX-Request" in request.headers else "error.html"
    response = render(request, template, error.status, error=error, message=message)
    if error.param:
        response.headers["X-Field"] = error.param
    return response


def title_of(language: str, word: str) -> str:
    """What an error is called, by its machine word."""
    return catalogue(language).get(f"error.{word}", catalogue(language)["error.error"])


_environment.globals["title_of"] = title_of


def _to_sign_in(request: Request) -> Response:
    target = request.url.path
    if request.method != "GET":
        try:
            target = urlsplit(request.headers.get("HX-Current-URL", "")).path
        except ValueError:  # not the address of a page
            target = PATH
    url = f"/studio/sign-in?next={quote(target)}"
    if "HX-Request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": url})
    if request.headers.get("Accept") == "application/json":
        return JSONResponse({"title": "", "message": "", "location": url}, 401)
    if request.method == "GET" and request.headers.get("Sec-Fetch-Site") == "cross-site":
        # Browsers bring the session of somebody who comes from elsewhere to our own links only.
        return HTMLResponse("", headers={"Refresh": f"0; url={quote(target)}"})
    return RedirectResponse(url, 303)
