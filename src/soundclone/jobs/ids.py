"""Names of workers."""

import uuid


def new_id() -> str:
    """An id that no worker had before: a restarted worker is another one."""
    return f"worker_{uuid.uuid4().hex[:16]}"
