"""Export and erasure of accounts, for the API and the studio."""

from __future__ import annotations

from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from ..core.audit import by_key
from ..core.keys import Caller
from ..db.models import Key
from ..errors import Forbidden, InvalidParameter
from ..jobs import account_data
from .state import AppState

_ERASURE_WAIT = 10.0  # seconds in which workers may leave running tasks


async def export_response(state: AppState, account_id: str) -> StreamingResponse:
    """Return a response that streams the archive of an account. Raises NotFound."""
    blocks = await run_in_threadpool(account_data.export, state.database, state.storage, account_id)
    return StreamingResponse(
        blocks,
        media_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{account_id}.zip"',
            "Cache-Control": "no-store",
        },
    )


async def erase(state: AppState, who: Caller, confirm: str) -> account_data.Report:
    """Erase the caller's account.

    Args:
        state: State of the application.
        who: The caller.
        confirm: Id of the account, against mistakes.

    Raises:
        Forbidden: The key has a quota.
        InvalidParameter: `confirm` is not the id of the account.
        Unavailable: The store does not answer. Erase the account again.
    """

    def work(session: Session) -> bool:
        return session.get_one(Key, who.key_id).quota == 0

    if not await state.database.read_async(work):
        raise Forbidden("this API key has a quota, so it cannot erase the account")
    if confirm != who.account_id:
        raise InvalidParameter(
            f"confirm is {confirm[:60]!r}; to erase this account, it must be {who.account_id}",
            param="confirm",
        )
    return await run_in_threadpool(
        account_data.erase,
        state.database,
        state.storage,
        state.queue,
        who.account_id,
        wait=_ERASURE_WAIT,
        actor=by_key(who.key_id),
    )
