"""Deletion of voices, for the API, the OpenAI-compatible API and the studio."""

from __future__ import annotations

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from ..core import removal
from ..core.removal import Leavings
from ..errors import Unavailable
from ..storage import Storage
from .state import state_of


async def remove_voice(request: Request, voice_id: str, account_id: str) -> None:
    """Delete the account's voice and remove its files.

    Raises:
        NotFound: The account has no such voice.
        StateConflict: A task uses the voice.
        Unavailable: The store does not answer. The voice is deleted, and the sweep removes the
            files later.
    """
    state = state_of(request)
    leavings = await state.database.transaction_async(removal.delete, voice_id, account_id)
    try:
        await run_in_threadpool(_remove_files, state.storage, leavings)
    except Unavailable as error:
        raise Unavailable(
            f"voice {voice_id} is deleted and can no longer be used, but its files are not removed "
            f"yet: {error.message}; the service keeps trying, or send the request again"
        ) from error
    await state.database.transaction_async(removal.delete_uploads, leavings)


def _remove_files(storage: Storage, leavings: Leavings) -> None:
    for folder in leavings.folders:
        storage.delete_prefix(folder)
    for key in leavings.uploads:
        storage.delete(key)
