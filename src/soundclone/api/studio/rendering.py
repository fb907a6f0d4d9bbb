"""Render templates in the language of the visitor, and errors as pages, fragments or JSON."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles as _StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from ... import __version__
from ...core.formatting import moment
from ...core.pricing import to_credits
from ...errors import AuthenticationError, SoundcloneError
from ...text import languages
from ..errors import ApiRoute
from ..uploads import reserve
from . import reasons, session
from .session import PATH, SAFE, SignInRequired

STUDIO = Path(__file__).parent
LANGUAGES = ("en", "zh")
SPOKEN = {"en": "English", "zh": "Chinese"}  # names of the same languages for voices
YEAR = 365 * 86_400
THEMES = ("auto", "light", "dark")
LANGUAGE_COOKIE = "soundclone_language"
THEME_COOKIE = "soundclone_theme"
# Fields of the API whose form field has another name.
_FIELDS = {
    "consent.recording": "consentRecording",
    "consent.speaker": "speaker",
    "expires_at": "until",
}


@cache
def strings(language: str) -> Mapping[str, str]:
    """Return the strings of a language, by key. Languages' names come from their own files."""
    found: dict[str, str] = json.loads((STUDIO / "locale" / f"{language}.json").read_text("utf-8"))
    names = {
        f"language.{spoken.name}": spoken.display[language]
        for spoken in languages.LANGUAGES.values()
    }
    return found | names


@cache
def passages() -> Mapping[str, str]:
    """Return the passages to read aloud for a recording, by language."""
    found: dict[str, str] = json.loads((STUDIO / "locale" / "passages.json").read_text("utf-8"))
    return found


def page_language(request: Request) -> str:
    """Return the language of the page.

    The `lang` parameter comes first, then the cookie, then the best match in `Accept-Language`.
    """
    chosen = _chosen_language(request)
    if chosen in LANGUAGES:
        return chosen
    tags = _accepted(request)
    # The pages are in simplified Chinese. Browsers of readers of traditional Chinese request zh-TW
    # first and zh next, and these readers get simplified Chinese only if they choose it.
    if any(map(_traditional, tags)):
        tags = [tag for tag in tags if tag != "zh" and not _traditional(tag)]
    found = (tag.partition("-")[0] for tag in tags)
    return next((language for language in found if language in LANGUAGES), LANGUAGES[0])


def _chosen_language(request: Request) -> str | None:
    return request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)


def _accepted(request: Request) -> list[str]:
    """Return the tags of `Accept-Language` in lower case, the most wanted first."""
    wanted = []
    for entry in request.headers.get("Accept-Language", "").split(","):
        tag, _, weight = entry.strip().lower().partition(";q=")
        quality = float(weight) if re.fullmatch(r"[01](\.\d{1,3})?", weight) else 1.0
        wanted.append((-quality, tag))
    return [tag for _, tag in sorted(wanted, key=lambda each: each[0])]


def reading_language(request: Request) -> str:
    """Return the language that the visitor reads aloud: one with a passage.

    The first language of `Accept-Language` with a passage, unless the visitor chose a language of
    the pages.
    """
    if _chosen_language(request) not in LANGUAGES:
        codes = {languages.LANGUAGES[name].code.partition("-")[0]: name for name in passages()}
        for tag in _accepted(request):
            if (code := tag.partition("-")[0]) in codes:
                return codes[code]
    return SPOKEN[page_language(request)]


def _traditional(tag: str) -> bool:
    language, *rest = tag.split("-")
    return language == "zh" and "hans" not in rest and bool({"hant", "tw", "hk", "mo"} & {*rest})


def other_than(language: str) -> str:
    """Return the other language of the studio, which the switch on the page changes to."""
    return next(each for each in LANGUAGES if each != language)


def localise(language: str, key: str, /, **values: object) -> str:
    """Return the string of a key with `values` filled in.

    With a `Markup` value the result is `Markup`, in which all other text is escaped.
    """
    found = strings(language)[key]
    if any(isinstance(value, Markup) for value in values.values()):
        return Markup(escape(found)).format(**values)  # noqa: S704
    return found.format(**values) if values else found


def credits(micro: int) -> str:
    """Format micro-credits as credits, such as `1,204.5`."""
    return f"{to_credits(micro):,.6f}".rstrip("0").rstrip(".")


def duration(seconds: float, language: str) -> str:
    """Format a duration, such as `22.7 s`, or `4:08` from one minute."""
    if round(seconds, 1) < 60:
        return localise(language, "seconds", seconds=f"{seconds:.1f}".removesuffix(".0"))
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def time_tag(seconds: float) -> Markup:
    """Return a `<time>` element in UTC. The page's script converts it to the local time zone."""
    iso = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    return Markup('<time datetime="{}">{}</time>').format(iso, moment(seconds))


def clock_tag(seconds: float) -> Markup:
    """Return a `<time>` element of a moment of today, which the script shows with its seconds."""
    iso = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    text = time.strftime("%H:%M:%S UTC", time.gmtime(seconds))
    return Markup('<time datetime="{}" data-clock>{}</time>').format(iso, text)


def day(seconds: float) -> str:
    """Format a date in UTC, such as `2026-01-31`."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def short_day(seconds: float) -> str:
    """Format a date in UTC without its year, such as `01-31`."""
    return time.strftime("%m-%d", time.gmtime(seconds))


def reason(language: str, message: str) -> Markup:
    """Return the message of an error or a warning as a sentence in the page's language."""
    found = reasons.sentence(language, message)
    return Markup('<span lang="{}">{}</span>').format(strings(found.language)["lang"], found.text)


def note(language: str, text: str) -> str:
    """Return a note of the ledger in the page's language, unchanged if it has no translation."""
    return (reasons.translated(language, text) if language != "en" else None) or text


def excerpt(text: str, length: int = 90) -> str:
    """Shorten a script to at most `length` characters, without its pause markers."""
    plain = " ".join(re.sub(r"<#[\d.]+#>", " ", text).split())
    if len(plain) <= length:
        return plain
    cut = plain[:length]
    # Cut at the last space, unless that loses more than a third. Chinese has no spaces at all.
    space = cut.rfind(" ") if plain[length] != " " else length
    return cut[: space if space > length * 2 // 3 else length].rstrip(" .,;:。，；：") + "…"


def outline(bars: Sequence[int], height: int = 40) -> str:
    """Return the path of a waveform whose bars are 0-100: vertical lines, 3 units apart."""
    middle = height / 2
    lines = []
    for number, bar in enumerate(bars or [0] * 64):
        half = max(1.0, bar * (middle - 2) / 100)
        lines.append(f"M{3 * number + 1.5:g} {middle - half:.1f}V{middle + half:.1f}")
    return "".join(lines)


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
    "clock_tag": clock_tag,
    "day": day,
    "short_day": short_day,
    "number": "{:g}".format,
    "excerpt": excerpt,
    "outline": outline,
}


def render_page(
    request: Request, template: str, status: int = 200, **context: object
) -> HTMLResponse:
    """Render a template in the language of the visitor."""
    language = page_language(request)
    theme = request.cookies.get(THEME_COOKIE)
    body = _environment.get_template(template).render(
        t=partial(localise, language),
        reason=partial(reason, language),
        note=partial(note, language),
        strings=strings(language),
        script_strings=lambda: {
            key: value for key, value in strings(language).items() if key.startswith("js.")
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
    """Static files that browsers revalidate on each use, so that an upgrade takes effect."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Add headers to the response with a file."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def compressed(files: ASGIApp) -> ASGIApp:
    """Compress static files for browsers that accept gzip.

    Pages stay uncompressed: their size would tell an attacker about their CSRF token (BREACH).
    """
    return GZipMiddleware(files, minimum_size=1000, compresslevel=6)


class StudioRoute(ApiRoute):
    """Route that needs a session. Errors become pages, fragments or JSON."""

    public = False

    async def admit(self, request: Request) -> None:
        """Check the session and the CSRF token, and reserve space for uploaded files.

        This happens before the body is read, so that only users with a session can send files.

        Raises:
            SignInRequired: the route needs a session, and there is none.
            CsrfRejected: an unsafe request has no valid CSRF token.
            Forbidden: the key lacks a scope that the route needs.
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
            raise SignInRequired("you are not signed in; sign in with an API key")
        if request.method not in SAFE:
            await session.check_token(request)
        if request.state.visitor is not None:
            session.check_scopes(request.state.visitor, session.scopes_of(self))
            await reserve(request, request.state.visitor.account.id)

    def respond(self, request: Request, error: SoundcloneError) -> Response:
        """Return the error as a fragment, as JSON, or as a page."""
        return error_response(request, error)

    async def finish(self, request: Request, response: Response) -> None:
        """Extend the session, and set the headers and cookies of a page."""
        await session.renew(request, response)
        _add_security_headers(request, response)
        if "lang" in request.query_params:
            response.set_cookie(LANGUAGE_COOKIE, page_language(request), max_age=YEAR, path=PATH)


class PublicRoute(StudioRoute):
    """Route that works without a session."""

    public = True


def _add_security_headers(request: Request, response: Response) -> None:
    """Restrict pages to resources of this host, without inline scripts, and forbid caching."""
    response.headers["Content-Security-Policy"] = "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            # The waveform library inserts a style element with this nonce.
            f"style-src 'self' 'nonce-{request.state.nonce}'",
            "img-src 'self' data:",
            "media-src 'self' blob:",
            "connect-src 'self' blob:",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )
    response.headers["Permissions-Policy"] = "microphone=(self), camera=(), geolocation=()"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"


def error_response(request: Request, error: SoundcloneError) -> Response:
    """Return the response to an error: a fragment for htmx, JSON for scripts, or a page."""
    if isinstance(error, SignInRequired):
        return _to_sign_in(request)
    message = error.safe_message
    field = _FIELDS.get(error.param or "", error.param)
    if request.headers.get("Accept") == "application/json":
        title = title_of(page_language(request), error.word)
        sentence = reasons.sentence(page_language(request), message).text
        answer = {"title": title, "message": sentence, "field": field}
        return JSONResponse(answer, error.status)
    template = "part/error.html" if "HX-Request" in request.headers else "error.html"
    response = render_page(request, template, error.status, error=error, message=message)
    if field:
        response.headers["X-Field"] = field
    return response


def title_of(language: str, word: str) -> str:
    """Return the title of an error by its machine word."""
    return strings(language).get(f"error.{word}", strings(language)["error.error"])


_environment.globals["title_of"] = title_of


def _to_sign_in(request: Request) -> Response:
    target = request.url.path
    if request.method != "GET":
        try:
            target = urlsplit(request.headers.get("HX-Current-URL", "")).path
        except ValueError:  # the header is not a URL
            target = PATH
    url = f"/studio/sign-in?next={quote(target)}"
    if "HX-Request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": url})
    if request.headers.get("Accept") == "application/json":
        return JSONResponse({"title": "", "message": "", "location": url}, 401)
    if request.method == "GET" and request.headers.get("Sec-Fetch-Site") == "cross-site":
        # The session cookie is SameSite=strict, so a link on another site does not send it. A
        # redirect from within this site does.
        return HTMLResponse("", headers={"Refresh": f"0; url={quote(target)}"})
    return RedirectResponse(url, 303)
