"""Projects, blocks and takes as responses show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastapi import Request

from ..core.keys import Caller
from ..core.pricing import Prices, to_credits
from ..core.projects import Style
from ..core.requests import TaskResult
from ..core.takes import Recording, Unrecorded, chosen
from ..db.models import Block, Json, Project, Task
from .audit import record_links_of
from .tasks import link, links_expire, view

STYLE_FIELDS: Mapping[str, str] = {
    "modelId": "voice_id",
    "language": "language",
    "emotion": "emotion",
    "speed": "speed",
    "pitch": "pitch",
    "vol": "volume",
}
"""Attributes of `Style` by the fields of requests and responses."""


def project_view(project: Project) -> dict[str, object]:
    """Return a project as lists show it."""
    return {
        "id": project.id,
        "object": "project",
        "name": project.name,
        **_style_view(project.style),
        "version": project.version,
        "blocks": project.blocks,
        "characters": project.characters,
        "created": int(project.created_at),
        "updated": int(project.updated_at),
    }


def unrecorded_view(left: Unrecorded, prices: Prices) -> dict[str, object]:
    """Return how much of a project is still to be recorded, and what that costs."""
    return {
        "unrecorded": {
            "blocks": len(left.characters),
            "characters": sum(left.characters),
            "cost": to_credits(sum(map(prices.audio, left.characters))),
        }
    }


def _style_view(stored: Json) -> dict[str, object]:
    style = Style.from_json(stored)
    return {field: getattr(style, name) for field, name in STYLE_FIELDS.items()}


def block_view(
    request: Request, block: Block, recordings: Sequence[Recording]
) -> dict[str, object]:
    """Return a block with its chosen take. The recordings are its takes, the newest first."""
    best = chosen(block, recordings)
    active = next((each for each in recordings if each.is_active), None)
    return {
        "id": block.id,
        "object": "block",
        "kind": block.kind,
        "text": block.text,
        "textFormat": "ssml" if block.is_ssml else "plain",
        "seconds": block.seconds,
        **_style_view(block.style),
        "characters": block.characters,
        "version": block.version,
        "state": _state(block, recordings, best, active),
        "take": take_view(request, best, best) if best else None,
        "takeId": block.take_id,
        "takes": len(recordings),
        "recordingId": active.take.id if active else None,
        "created": int(block.created_at),
        "updated": int(block.updated_at),
    }


def _state(
    block: Block,
    recordings: Sequence[Recording],
    best: Recording | None,
    active: Recording | None,
) -> str:
    if not block.digest:
        return "silent"
    if active is not None and not active.is_stale:
        return "recording"
    if best is not None:
        return "stale" if best.is_stale else "ready"
    if active is not None:
        return "recording"
    return "failed" if recordings else "unrecorded"


def take_view(request: Request, recording: Recording, best: Recording | None) -> dict[str, object]:
    """Return a take. `best` is the take that renders use."""
    take, task = recording.take, recording.task
    result = TaskResult.from_json(task.result) if recording.is_usable else None
    links: dict[str, object] = {
        "audioUrl": None,
        "subtitleVtt": None,
        "subtitleJson": None,
        "linksExpireAt": None,
    }
    if result is not None:
        expires = links_expire(request, task)
        links = {
            "audioUrl": link(request, result.audio, expires),
            "subtitleVtt": result.subtitles_vtt and link(request, result.subtitles_vtt, expires),
            "subtitleJson": result.subtitles_json and link(request, result.subtitles_json, expires),
            "linksExpireAt": expires,
        }
    return {
        "id": take.id,
        "object": "take",
        "blockId": take.block_id,
        "taskId": task.id,
        "status": task.status,
        "progress": task.progress,
        "error": task.error,
        "errorCode": task.error_word,
        "cost": to_credits(task.cost),
        "seed": take.seed,
        "text": task.params.get("text"),
        "stale": recording.is_stale,
        "chosen": best is not None and best.take.id == take.id,
        "seconds": result.seconds if result else None,
        "created": int(take.created_at),
        **links,
    }


def render_view(request: Request, task: Task, project_id: str) -> dict[str, object]:
    """Return a render of a project."""
    return view(request, task) | {"projectId": project_id}


async def record_takes(
    request: Request, recordings: Mapping[str, Sequence[Recording]], who: Caller
) -> None:
    """Record in the audit log that a key received the links to takes."""
    shown = [each.task for found in recordings.values() for each in found]
    await record_links_of(request, [(task.id, task.status) for task in shown], who.key_id)
