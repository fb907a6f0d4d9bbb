"""Deletion of voices, for the API, the OpenAI-compatible API and the studio."""

from __future__ import annotations

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from ..core import audit, removal
from ..core.keys import Caller
from ..core.removal import Leavings
from ..errors import Unavailable
from .state import state_of


async def remove_voice(request: Request, voice_id: str, who: Caller) -> None:
    """Delete the account's voice and remove its files.

    Raises:
        NotFound: The account has no such voice.
        StateConflict: A task uses the voice.
        Unavailable: The store does not answer. The voice is deleted, and the sweep removes the
            files later.
    """
    run = state_of(request).database.transaction_async
    leavings = await run(removal.delete, voice_id, who.account_id, audit.by_key(who.key_id))
    await _remove(request, leavings, f"voice {voice_id} is deleted and can no longer be used")


async def withdraw_voice(request: Request, voice_id: str, who: Caller) -> Leavings:
    """Withdraw the consent to the account's voice, and remove the files.

    Raises:
        NotFound: The account has no such voice.
        Unavailable: The store does not answer. The voice is deleted, and the sweep removes the
            files later.
    """
    run = state_of(request).database.transaction_async
    leavings = await run(removal.withdraw, voice_id, who.account_id, audit.by_key(who.key_id))
    await _remove(request, leavings, f"the consent to voice {voice_id} is withdrawn")
    return leavings


async def withdraw_consent(request: Request, consent_id: str, who: Caller) -> Leavings:
    """Withdraw a consent of the account, and remove the files.

    Raises:
        NotFound: The account has no such consent.
        Unavailable: The store does not answer. The voices are deleted, and the sweep removes the
            files later.
    """
    run = state_of(request).database.transaction_async
    leavings = await run(
        removal.withdraw_consent, consent_id, who.account_id, audit.by_key(who.key_id)
    )
    await _remove(request, leavings, f"consent {consent_id} is withdrawn")
    return leavings


async def _remove(request: Request, leavings: Leavings, done: str) -> None:
    state = state_of(request)
    try:
        await run_in_threadpool(
            state.storage.delete_all,
            leavings.folders,
            (*leavings.uploads, *leavings.recordings),
        )
    except Unavailable as error:
        raise Unavailable(
            f"{done}, but its files are not removed yet: {error.message}; the service keeps "
            "trying, or send the request again"
        ) from error
    await state.database.transaction_async(removal.forget, leavings)
