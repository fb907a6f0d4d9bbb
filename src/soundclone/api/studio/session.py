"""Who is at the browser: a signed cookie that stands for a key, and tokens against forged requests.

The cookie holds the key's id, never the key, and is checked against revocation at each request.
An unsafe request carries a token that is derived from the session (or, before there is one, from
a cookie of the visit), which no other site can read: the synchroniser token of OWASP's guide.
"""

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response
from sqlalchemy.orm import Session

from ...core import keys
from ...core.keys import Caller
from ...db.models import Account, Key
from ...errors import AuthenticationError, RequestError

COOKIE = "soundclone_session"
VISIT = "soundclone_visit"
PATH = "/studio"
LIFETIME = 12 * 3600  # seconds
SAFE = ("GET", "HEAD", "OPTIONS")


class SignInNeeded(AuthenticationError):
    """There is no session, or it is over."""


class Forbidden(RequestError):
    word, status = "forbidden", 403


class Forged(Forbidden):
    """The request does not come from a page of ours."""


@dataclass(frozen=True)
class Ticket:
    """What the session's cookie says."""

    key_id: str
    id: str
    expires: int  # unix seconds


@dataclass(frozen=True)
class Visitor:
    """Who is signed in."""

    key: Key
    account: Account
    ticket: Ticket

    @property
    def caller(self) -> Caller:
        return Caller(self.key.id, self.key.account_id)

    @property
    def manages_keys(self) -> bool:
        """A key with a quota could otherwise make itself another without one."""
        return self.key.quota == 0


def write(secret: bytes, ticket: Ticket) -> str:
    """The cookie's value."""
    text = f"{ticket.key_id}.{ticket.id}.{ticket.expires}"
    return f"{text}.{_mac(secret, 'session', text)}"


def read(secret: bytes, cookie: str) -> Ticket | None:
    """The ticket of a cookie of ours whose time is not over."""
    text, _, mac = cookie.rpartition(".")
    if not hmac.compare_digest(_mac(secret, "session", text).encode(), mac.encode()):
        return None
    key_id, identifier, expires = text.split(".")
    return Ticket(key_id, identifier, int(expires)) if int(expires) > time.time() else None


def token(secret: bytes, identifier: str) -> str:
    """What an unsafe request must carry; `identifier` is that of a session or of a visit."""
    return _mac(secret, "token", identifier)


def _mac(secret: bytes, purpose: str, text: str) -> str:
    # A key of its own, so that no other use of the secret can be made to sign a session.
    key = hmac.digest(secret, f"soundclone studio {purpose}".encode(), "sha256")
    return hmac.digest(key, text.encode(errors="backslashreplace"), "sha256").hex()


async def identify(request: Request) -> Visitor | None:
    """The visitor whose session the request belongs to. Raises AuthenticationError when its key
    was revoked."""
    state = request.app.state
    ticket = read(state.settings.secret, request.cookies.get(COOKIE, ""))
    if ticket is None:
        return None

    def work(session: Session) -> Visitor:
        key = keys.holder(session, ticket.key_id)
        return Visitor(key, session.get_one(Account, key.account_id), ticket)

    found: Visitor = await state.database.look(work)
    return found


def token_of(request: Request) -> str:
    """The token of the request's session or visit."""
    known: Visitor | None = request.state.visitor
    identifier = known.ticket.id if known else request.state.visit
    return token(request.app.state.settings.secret, identifier)


async def check_token(request: Request) -> None:
    """Raises Forged."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Forged("this request was made by another site; use the page itself")
    given = request.headers.get("X-CSRF-Token", "")
    if not given and request.headers.get("Content-Type", "").startswith(
        "application/x-www-form-urlencoded"
    ):
        given = str((await request.form()).get("token", ""))
    if not hmac.compare_digest(given.encode(errors="replace"), token_of(request).encode()):
        raise Forged("this page is too old to be used; load it again")


def admit(request: Request, response: Response, ticket: Ticket) -> None:
    """Give the browser its session."""
    settings = request.app.state.settings
    response.set_cookie(
        COOKIE,
        write(settings.secret, ticket),
        max_age=LIFETIME,
        path=PATH,
        secure=_encrypted(request),
        httponly=True,
        samesite="strict",
    )


def renew(request: Request, response: Response) -> None:
    """Lengthen a session that is half over and is being used."""
    known: Visitor | None = getattr(request.state, "visitor", None)
    if known and known.ticket.expires < time.time() + LIFETIME / 2:
        admit(request, response, issue(known.key.id, known.ticket.id))


def issue(key_id: str, identifier: str | None = None) -> Ticket:
    """A session that begins, or goes on, now."""
    return Ticket(key_id, identifier or secrets.token_hex(16), int(time.time()) + LIFETIME)


def remember_visit(request: Request, response: Response) -> None:
    """Give a browser that has no session yet something to derive its token from."""
    response.set_cookie(
        VISIT,
        request.state.visit,
        path=PATH,
        secure=_encrypted(request),
        httponly=True,
        samesite="strict",
    )


def _encrypted(request: Request) -> bool:
    public: str = request.app.state.settings.public_url
    return "https" in (request.url.scheme, public.partition(":")[0])


async def visitor(request: Request) -> Visitor:
    """The one who is signed in; the route has seen to it that there is one."""
    known: Visitor = request.state.visitor
    return known


async def operator(request: Request) -> Visitor:
    """Raises Forbidden for a visitor whose key is no operator's."""
    known: Visitor = request.state.visitor
    if not known.key.operator:
        raise Forbidden(
            f"key {known.key.display} is no operator's; `soundclone keys create --operator` "
            "makes one that opens this page"
        )
    return known


Known = Annotated[Visitor, Depends(visitor)]
Operator = Annotated[Visitor, Depends(operator)]
