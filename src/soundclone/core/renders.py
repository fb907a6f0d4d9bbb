"""Renders: one file of the chosen takes of a project, assembled by a task that costs nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from ..db.models import Block, Json, Project, Render, Task
from ..errors import InvalidParameter, NotFound, StateConflict
from . import takes
from .projects import BlockKind, unknown_cursor
from .requests import TaskResult

MOST_CHAPTERS = 1000
"""Most chapters of a render, whose titles and times are part of its result."""

_NAMED = 3  # blocks that a refusal names


@dataclass(frozen=True)
class Piece:
    """Take or pause in a render."""

    block_id: str
    task_id: str | None = None  # of the take; None: a pause
    seconds: float = 0.0  # of a pause
    title: str | None = None  # of the chapter that begins with the piece

    def to_json(self) -> Json:
        """Return the values that are set."""
        return {name: value for name, value in vars(self).items() if value not in (None, 0.0)}


@dataclass(frozen=True)
class Plan:
    """Pieces of a render, in order."""

    pieces: tuple[Piece, ...]
    gap: float | None = None  # seconds between two takes; None: the silence that the takes have

    def to_json(self) -> Json:
        """Return the plan as the database keeps it."""
        return {"pieces": [piece.to_json() for piece in self.pieces], "gap": self.gap}

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a plan that `to_json` wrote."""
        return cls(tuple(Piece(**each) for each in data["pieces"]), data["gap"])


@dataclass(frozen=True)
class Planned:
    """Plan of a render, with what its price and its quota depend on."""

    plan: Plan
    version: int  # of the project
    voices: tuple[str, ...]  # ids of the voices that are heard
    seconds: float
    characters: int


def plan(
    session: Session, project: Project, *, gap: float | None = None, allow_stale: bool = False
) -> Planned:
    """Return the plan of a render of a project's chosen takes.

    Args:
        session: The session.
        project: The project.
        gap: Seconds between two takes. None: the silence that the takes have.
        allow_stale: True to use takes whose block was changed since.

    Raises:
        StateConflict: A block has no take, or a stale one, or no block is spoken.
        InvalidParameter: The project has too many chapters.
    """
    blocks = session.scalars(
        select(Block)
        .where(Block.project_id == project.id, Block.deleted_at.is_(None))
        .order_by(Block.position, Block.id)
    ).all()
    recordings = takes.of_blocks(session, project, [block for block in blocks if block.digest])
    pieces: list[Piece] = []
    voices: dict[str, None] = {}
    missing, stale = [], []
    seconds, characters = 0.0, 0
    for block in blocks:
        if block.kind == BlockKind.PAUSE:
            pieces.append(Piece(block.id, seconds=block.seconds or 0.0))
            seconds += block.seconds or 0.0
        elif block.digest:
            recording = takes.chosen(block, recordings[block.id])
            if recording is None:
                missing.append(block.id)
                continue
            if recording.is_stale:
                stale.append(block.id)
            title = " ".join(block.text.split()) if block.kind == BlockKind.CHAPTER else None
            pieces.append(Piece(block.id, recording.task.id, title=title))
            voices[recording.task.voice_id] = None
            result = TaskResult.from_json(recording.task.result)
            seconds += (gap or 0.0) + ((result.seconds if result else None) or 0.0)
            characters += block.characters
    _check_ready(project, missing, [] if allow_stale else stale)
    if not voices:
        raise StateConflict(f"project {project.id} has no block to speak; add a text")
    chapters = sum(piece.title is not None for piece in pieces)
    if chapters > MOST_CHAPTERS:
        raise InvalidParameter(
            f"the project has {chapters:,} chapters; at most {MOST_CHAPTERS:,} are rendered"
        )
    return Planned(Plan(tuple(pieces), gap), project.version, tuple(voices), seconds, characters)


def _check_ready(project: Project, missing: Sequence[str], stale: Sequence[str]) -> None:
    """Raise StateConflict if blocks have no take, or stale ones."""
    if missing:
        raise StateConflict(
            f"project {project.id} has {len(missing):,} blocks without a completed take; record "
            f"them first: {_named(missing)}"
        )
    if stale:
        raise StateConflict(
            f"project {project.id} has {len(stale):,} blocks whose take is stale; record them "
            f"again, or set allowStale: {_named(stale)}"
        )


def _named(ids: Sequence[str]) -> str:
    return ", ".join(ids[:_NAMED]) + (" …" if len(ids) > _NAMED else "")


def add(session: Session, project: Project, task: Task, planned: Planned) -> None:
    """Register the task as a render of a locked project. A repeated call has no effect."""
    if session.get(Render, task.id) is None:
        session.add(
            Render(
                task_id=task.id,
                project_id=project.id,
                account_id=project.account_id,
                plan=planned.plan.to_json(),
                voices=list(planned.voices),
                created_at=time.time(),
            )
        )
        session.flush()


def plan_of(session: Session, task_id: str) -> Plan | None:
    """Return the plan of a render's task. None: the project was deleted."""
    found = session.scalar(select(Render.plan).where(Render.task_id == task_id))
    return None if found is None else Plan.from_json(found)


def page(
    session: Session, project: Project, *, limit: int, cursor: str | None = None
) -> tuple[Sequence[Task], str | None]:
    """Return the tasks of a project's renders, the newest first, and the next page's cursor.

    Raises:
        InvalidParameter: The cursor is unknown.
    """
    query = (
        select(Task)
        .join(Render, Render.task_id == Task.id)
        .where(
            Render.project_id == project.id,
            takes.kept(),
        )
    )
    if cursor is not None:
        last = session.get(Task, cursor) if cursor.isprintable() else None
        if last is None or last.account_id != project.account_id:
            raise unknown_cursor(cursor)
        query = query.where(tuple_(Task.created_at, Task.id) < (last.created_at, last.id))
    query = query.order_by(Task.created_at.desc(), Task.id.desc())
    found = session.scalars(query.limit(limit + 1)).all()
    return found[:limit], found[limit - 1].id if len(found) > limit else None


def get(session: Session, project: Project, task_id: str) -> Task:
    """Return the task of a project's render.

    Raises:
        NotFound: The project has no such render.
    """
    task = None
    if task_id.isprintable():
        task = session.scalar(
            select(Task)
            .join(Render, Render.task_id == Task.id)
            .where(
                Task.id == task_id,
                Render.project_id == project.id,
                takes.kept(),
            )
        )
    if task is None:
        raise NotFound(f"there is no render {task_id[:60]!r} in project {project.id}")
    return task
