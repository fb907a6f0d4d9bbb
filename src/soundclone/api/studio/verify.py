"""Page that verifies a file, for anybody: no session is needed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form, Request, Response, UploadFile

from ..state import state_of
from ..verify import admit, examine
from .rendering import PublicRoute, render_page
from .session import Visitor, remember_visit


class VerifyRoute(PublicRoute):
    """Route that limits the verifications of an address before the body is read."""

    async def admit(self, request: Request) -> None:
        """Check the token of the page, and count the verification. Raises RateLimited."""
        await super().admit(request)
        if request.method == "POST":
            await admit(request)


router = APIRouter(prefix="/studio", route_class=VerifyRoute)


@router.get("/verify")
async def page(request: Request) -> Response:
    """Show the form that takes a file or a URL."""
    limit = state_of(request).settings.verify_max_bytes // 1_000_000
    response = render_page(request, "verify.html", limit=limit, page="verify")
    if request.state.visitor is None:
        remember_visit(request, response)
    return response


@router.post("/verify")
async def verify(
    request: Request,
    file: Annotated[UploadFile | None, File()] = None,
    url: Annotated[str | None, Form()] = None,
    sidecar: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """Show the verdict. An operator also sees the task."""
    visitor: Visitor | None = request.state.visitor
    verdict = await examine(state_of(request), file, url, sidecar)
    if visitor is None or not visitor.key.operator:
        verdict = verdict.without_tasks()
    return render_page(request, "part/verdict.html", verdict=verdict)
