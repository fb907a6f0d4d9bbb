"""Ids of workers."""

import uuid


def new_id() -> str:
    """Return an id that no worker had before. A restarted worker gets a new id too."""
    return f"worker_{uuid.uuid4().hex[:16]}"
