"""Takes: recordings of the blocks of a project, each made by an ordinary speech task.

A take is stale when its block would be spoken differently now: with other words or controls, or
with other pronunciations. The result of a take has no expiry
while the take exists. Transactions lock the project, then tasks, then voices, then the account.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from ..db.models import Block, Project, ProjectDictionary, Render, Take, Task, TaskStatus
from ..errors import NotFound, StateConflict, TaskCancelled, TooLarge
from . import dictionaries, projects, results, tasks
from .projects import Style
from .voices import ACTIVE

MOST_TAKES = 50
"""Most takes of a block."""

_LEAVE = 60.0  # seconds in which the worker of a cancelled task notices the end of the task
_BATCH = 500  # ids in a query


@dataclass(frozen=True)
class Recording:
    """Take with its task."""

    take: Take
    task: Task
    is_stale: bool  # the block would be spoken differently now

    @property
    def is_usable(self) -> bool:
        """True if the take can be heard."""
        return self.task.status == TaskStatus.COMPLETED

    @property
    def is_active(self) -> bool:
        """True if the take is being recorded."""
        return self.task.status in ACTIVE


@dataclass(frozen=True)
class Unrecorded:
    """Blocks of a project that have neither a take of their present content nor one under way."""

    characters: tuple[int, ...] = ()  # of each block


def kept() -> ColumnElement[bool]:
    """Return the condition that the result of a task is kept."""
    return or_(Task.expires_at.is_(None), Task.expires_at > time.time())


class _Readings:
    """Readings of the blocks of a project, with the entries that apply now."""

    def __init__(self, session: Session, project: Project) -> None:
        self._lexicon = dictionaries.lexicon(session, project)
        self._language = Style.from_json(project.style).language
        self._known: dict[str, str] = {}  # by id of the block

    def prepare(self, blocks: Iterable[Block | Row[*tuple[Any, ...]]]) -> None:
        """Read blocks, of which the id, the text and the style are needed."""
        if not self._lexicon:
            return
        new = {block.id: block for block in blocks if block.id not in self._known}
        texts = [
            projects.worded(each.text, each.is_ssml, each.style.get("language") or self._language)
            for each in new.values()
        ]
        self._known.update(zip(new, self._lexicon.readings(texts), strict=True))

    def fits(self, block_id: str, reading: str | None) -> bool:
        """Return true if a take with a reading is spoken as a prepared block would be now."""
        return reading is None or reading == self._known.get(block_id, "")

    def recording(self, block: Block, take: Take, task: Task) -> Recording:
        """Return a take of a block."""
        self.prepare([block])
        stale = take.digest != block.digest or not self.fits(block.id, take.reading)
        return Recording(take, task, stale)


def of_blocks(
    session: Session, project: Project, blocks: Iterable[Block]
) -> dict[str, list[Recording]]:
    """Return the takes of blocks of a project by the blocks' ids, the newest first."""
    known = {block.id: block for block in blocks}
    wanted = list(known)
    found: dict[str, list[Recording]] = {each: [] for each in wanted}
    readings = _Readings(session, project)
    for start in range(0, len(wanted), _BATCH):
        rows = session.execute(
            select(Take, Task)
            .join(Task, Task.id == Take.task_id)
            .where(
                Take.block_id.in_(wanted[start : start + _BATCH]),
                kept(),
            )
            .order_by(Take.created_at.desc(), Take.id.desc())
        ).all()
        readings.prepare({take.block_id: known[take.block_id] for take, _ in rows}.values())
        for take, task in rows:
            found[take.block_id].append(readings.recording(known[take.block_id], take, task))
    return found


def chosen(block: Block, recordings: Sequence[Recording]) -> Recording | None:
    """Return the take that a render uses: the client's choice, or else the best one.

    The best take is the newest of the block's present content, or else the newest of all.

    Args:
        block: The block.
        recordings: Its takes, the newest first.
    """
    usable = [each for each in recordings if each.is_usable]
    named = (each for each in usable if each.take.id == block.take_id)
    fresh = (each for each in usable if not each.is_stale)
    return next(named, None) or next(fresh, None) or next(iter(usable), None)


def get(session: Session, project: Project, take_id: str, block_id: str | None = None) -> Recording:
    """Return a take of a project, or of one block.

    Raises:
        NotFound: There is no such take.
    """
    row = None
    if take_id.isprintable():
        row = session.execute(
            select(Take, Task)
            .join(Task, Task.id == Take.task_id)
            .where(
                Take.id == take_id,
                Take.project_id == project.id,
                kept(),
            )
        ).one_or_none()
    if row is None or block_id not in (None, row.Take.block_id):
        raise NotFound(f"there is no take {take_id[:60]!r} in project {project.id}")
    block = session.get_one(Block, row.Take.block_id)
    return _Readings(session, project).recording(block, row.Take, row.Task)


def check_room(session: Session, block_id: str) -> None:
    """Check that a block may have another take. Raises TooLarge."""
    count = session.scalar(select(func.count()).select_from(Take).where(Take.block_id == block_id))
    if (count or 0) >= MOST_TAKES:
        raise no_room(block_id)


def no_room(block_id: str) -> TooLarge:
    """Return the error for a block that may have no other take."""
    return TooLarge(
        f"block {block_id} has {MOST_TAKES} takes; at most {MOST_TAKES} are kept; delete one"
    )


def without_room(session: Session, block_ids: Collection[str]) -> Sequence[str]:
    """Return the blocks that may have no other take."""
    return session.scalars(
        select(Take.block_id)
        .where(Take.block_id.in_(block_ids))
        .group_by(Take.block_id)
        .having(func.count() >= MOST_TAKES)
    ).all()


def add(
    session: Session,
    project: Project,
    block: Block,
    task: Task,
    *,
    seed: int,
    digest: str,
    reading: str,
) -> Take:
    """Register the task as a take of a block of a locked project, which has room for the take.

    Args:
        session: The transaction.
        project: The project, locked.
        block: The block.
        task: The task.
        seed: Seed of the speech.
        digest: Digest of the block as it is spoken.
        reading: Hash of the pronunciations with which it is spoken.
    """
    take = Take(
        id=f"take_{uuid.uuid4().hex}",
        project_id=project.id,
        block_id=block.id,
        account_id=project.account_id,
        task_id=task.id,
        seed=seed,
        digest=digest,
        reading=reading,
        created_at=time.time(),
    )
    session.add(take)
    return take


def of_task(session: Session, task_id: str) -> Take | None:
    """Return the take that a task makes."""
    return session.scalar(select(Take).where(Take.task_id == task_id))


def choose(session: Session, project: Project, block: Block, take_id: str | None) -> None:
    """Choose a take of a block of a locked project. None leaves the choice to `chosen`.

    Raises:
        NotFound: The block has no such take.
        StateConflict: The take is not complete.
    """
    if take_id is not None:
        recording = get(session, project, take_id, block.id)
        if not recording.is_usable:
            raise StateConflict(
                f"take {take_id} has the status {recording.task.status}; only a completed take "
                "can be chosen"
            )
    if block.take_id != take_id:
        block.take_id = take_id
        projects.touch_block(project, block)


def _needing(
    session: Session,
    project: Project,
    block_ids: Collection[str] | None = None,
    last: Block | None = None,
) -> Iterator[tuple[str, int]]:
    """Yield the blocks that have neither a fitting take nor one under way, in their order.

    Yields their ids and characters. Batches of blocks are read, because a script has thousands.

    Args:
        session: The session.
        project: The project.
        block_ids: Blocks to look at. None: all.
        last: Only blocks behind this one are yielded.
    """
    readings = _Readings(session, project)
    query = (
        select(Block.id, Block.text, Block.is_ssml, Block.style, Block.characters, Block.position)
        .where(
            Block.project_id == project.id,
            Block.deleted_at.is_(None),
            Block.digest != "",
            *([] if block_ids is None else [Block.id.in_(block_ids)]),
        )
        .order_by(Block.position, Block.id)
        .limit(_BATCH)
    )
    place = None if last is None else (last.position, last.id)
    while True:
        following = [] if place is None else [tuple_(Block.position, Block.id) > place]
        blocks = session.execute(query.where(*following)).all()
        known = _covering(session, [block.id for block in blocks])
        readings.prepare(
            block for block in blocks if any(each is not None for each in known.get(block.id, ()))
        )
        for block in blocks:
            if not any(readings.fits(block.id, each) for each in known.get(block.id, ())):
                yield block.id, block.characters
        if len(blocks) < _BATCH:
            return
        place = (blocks[-1].position, blocks[-1].id)


def _covering(session: Session, block_ids: Sequence[str]) -> dict[str, set[str | None]]:
    """Return the readings of the takes of blocks that have the blocks' present content.

    Takes that are complete or under way count.
    """
    rows = session.execute(
        select(Take.block_id, Take.reading)
        .join(Block, Block.id == Take.block_id)
        .join(Task, Task.id == Take.task_id)
        .where(
            Take.block_id.in_(block_ids),
            Take.digest == Block.digest,
            or_(Task.status.in_(ACTIVE), and_(Task.status == TaskStatus.COMPLETED, kept())),
        )
    )
    found: dict[str, set[str | None]] = {}
    for block_id, reading in rows:
        found.setdefault(block_id, set()).add(reading)
    return found


def unrecorded(session: Session, project: Project) -> Unrecorded:
    """Return how much of a project is still to be recorded."""
    return Unrecorded(tuple(characters for _, characters in _needing(session, project)))


def to_record(
    session: Session,
    project: Project,
    block_ids: Collection[str] | None = None,
    *,
    after: str | None = None,
    limit: int,
) -> Sequence[Block]:
    """Return blocks that are still to be recorded, in the order of the script.

    Args:
        session: The session.
        project: The project.
        block_ids: Blocks to look at. None: all.
        after: Id of a block. Only blocks behind it are returned.
        limit: Most blocks to return.

    Raises:
        NotFound: There is no block `after`.
    """
    last = None if after is None else projects.get_block(session, project, after)
    found = [id for id, _ in islice(_needing(session, project, block_ids, last), limit)]
    return projects.blocks_of(session, project, found)


def remove(session: Session, project_id: str, take_id: str, account_id: str) -> str:
    """Delete a take with its result, and cancel a take that is being recorded.

    Return the id of the task, whose files the caller removes.

    Raises:
        NotFound: There is no such project or take.
    """
    project = projects.lock(session, project_id, account_id)
    recording = get(session, project, take_id)
    _end(session, recording.task.id, "the take was deleted")
    block = session.get_one(Block, recording.take.block_id)
    if block.take_id == take_id:
        block.take_id = None
    projects.touch_block(project, block)
    session.execute(delete(Take).where(Take.id == take_id))
    return recording.task.id


def stop(
    session: Session, project_id: str, account_id: str, limit: int = 100
) -> tuple[Sequence[str], bool]:
    """Cancel and delete a batch of the takes that are being recorded, which cost nothing.

    Return the ids of their tasks, whose files the caller removes, and whether none is left.

    Raises:
        NotFound: There is no such project.
    """
    project = projects.lock(session, project_id, account_id)
    found = session.scalars(
        select(Take.task_id)
        .join(Task, Task.id == Take.task_id)
        .where(Take.project_id == project.id, Task.status.in_(ACTIVE))
        .limit(limit)
    ).all()
    # A task that ends before its row is locked has made a take.
    active = session.scalars(
        select(Task.id)
        .where(Task.id.in_(found), Task.status.in_(ACTIVE))
        .order_by(Task.id)
        .with_for_update()
    ).all()
    _clear(session, active, "the recording was stopped")
    return active, len(found) < limit


def _end(session: Session, task_id: str, reason: str) -> None:
    """Cancel a task, or expire the result of a task that has ended."""
    if not tasks.fail(session, task_id, TaskCancelled(reason), keep=_LEAVE):
        session.execute(update(Task).where(Task.id == task_id).values(expires_at=time.time()))
        results.resize(session, task_id, 0)


def deleted_projects(session: Session, limit: int = 100) -> Sequence[str]:
    """Return the ids of deleted projects, whose rows must be removed."""
    return session.scalars(
        select(Project.id).where(Project.deleted_at.is_not(None)).limit(limit)
    ).all()


def deleted_blocks(session: Session, before: float, limit: int = 100) -> Sequence[str]:
    """Return the ids of blocks that were deleted before a time and cannot be restored."""
    return session.scalars(select(Block.id).where(Block.deleted_at < before).limit(limit)).all()


def clear_project(session: Session, project_id: str, limit: int = 100) -> tuple[list[str], bool]:
    """Remove a batch of the takes and renders of a deleted project, and at last its rows.

    Return the ids of their tasks, whose files the caller removes, and whether nothing is left.
    """
    ended = list(
        session.scalars(select(Take.task_id).where(Take.project_id == project_id).limit(limit))
    )
    ended += session.scalars(
        select(Render.task_id).where(Render.project_id == project_id).limit(limit)
    )
    _clear(session, ended, "the project was deleted")
    if ended:
        return ended, False
    for table in (Block, ProjectDictionary):
        session.execute(delete(table).where(table.project_id == project_id))
    session.execute(delete(Project).where(Project.id == project_id))
    return [], True


def clear_block(session: Session, block_id: str) -> list[str]:
    """Remove a deleted block and its takes. Return the ids of their tasks."""
    ended = list(session.scalars(select(Take.task_id).where(Take.block_id == block_id)))
    _clear(session, ended, "the block was deleted")
    session.execute(delete(Block).where(Block.id == block_id, Block.deleted_at.is_not(None)))
    return ended


def _clear(session: Session, task_ids: Sequence[str], reason: str) -> None:
    # Lock all tasks before the account, as all transactions do, to avoid deadlocks.
    session.scalars(
        select(Task.id).where(Task.id.in_(task_ids)).order_by(Task.id).with_for_update()
    ).all()
    for task_id in task_ids:
        _end(session, task_id, reason)
    session.execute(delete(Take).where(Take.task_id.in_(task_ids)))
    session.execute(delete(Render).where(Render.task_id.in_(task_ids)))
