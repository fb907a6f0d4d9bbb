"""Projects: scripts of an account, whose blocks are spoken one by one.

Each change of a script raises the version of its project, and a change of one block also raises
the version of the block. Clients name the version that they have seen, so that two editors do not
overwrite each other. A change locks the row of the project before any other row.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from functools import lru_cache
from typing import Self

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.orm import Session

from ..db.models import Block, Json, Project
from ..engines.emotion import Emotion
from ..errors import InvalidParameter, NotFound, PreconditionFailed, TooLarge
from ..text import languages, script, ssml
from ..text.lexicon import Lexicon, Worded
from . import audit, ledger
from .audit import Event
from .requests import SoundVersion

LONGEST_TEXT = 10_000
"""Most characters of a block that are charged."""
LONGEST_TITLE = 200
"""Most characters of a chapter's heading."""
LONGEST_NAME = 200
"""Most characters of a project's name."""
START = "start"
"""Place before the first block."""

_STEP = 1 << 20  # between the positions of neighbours, with room for blocks between them
_WORDS = re.compile("[0-9A-Za-z\u4e00-\u9fff]")  # characters that are always spoken
_UNFIT = re.compile("[\0-\x1f\x7f\ud800-\udfff]")  # in a name


class BlockKind(StrEnum):
    """Kind of a block."""

    TEXT = "text"
    CHAPTER = "chapter"  # a heading, which is spoken and begins a chapter
    PAUSE = "pause"


@dataclass(frozen=True)
class Limits:
    """Most things that an account may keep."""

    projects: int  # of the account
    blocks: int  # of a project
    characters: int  # of a project


@dataclass(frozen=True)
class Style:
    """Voice and controls of a block. None: those of the project, or the usual ones."""

    voice_id: str | None = None
    language: str | None = None
    emotion: Emotion | None = None
    speed: float | None = None
    pitch: int | None = None  # semitones
    volume: float | None = None

    def within(self, outer: Style) -> Style:
        """Return this style with the values of `outer` where it has none."""
        return Style(
            **{
                each.name: getattr(outer, each.name) if value is None else value
                for each in fields(self)
                for value in [getattr(self, each.name)]
            }
        )

    def to_json(self) -> Json:
        """Return the values that are set."""
        return {name: value for name, value in vars(self).items() if value is not None}

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a style that `to_json` wrote."""
        emotion = data.get("emotion")
        return cls(**{**data, "emotion": None if emotion is None else Emotion(emotion)})


@dataclass(frozen=True)
class Draft:
    """Content of a block."""

    kind: BlockKind = BlockKind.TEXT
    text: str = ""
    is_ssml: bool = False
    seconds: float | None = None  # of a pause
    style: Style = Style()

    @property
    def characters(self) -> int:
        """Characters of the text that are charged, as far as the text is well-formed."""
        try:
            return script.billable(self._plain())
        except InvalidParameter:
            return len(self.text)

    def _plain(self) -> str:
        return ssml.parse(self.text, SoundVersion.V2).text if self.is_ssml else self.text

    def reading(self, lexicon: Lexicon, outer: Style) -> str:
        """Return the hash of the pronunciations that apply to the text, empty without any.

        Args:
            lexicon: Entries that apply to the project.
            outer: Style of the project.
        """
        language = self.style.language or outer.language
        return lexicon.reading(*worded(self.text, self.is_ssml, language)) if lexicon else ""

    def check(self) -> None:
        """Check the content. A text that cannot be spoken yet is accepted, as a draft.

        Raises:
            InvalidParameter: The content does not fit its kind, or is too long.
        """
        if (self.kind == BlockKind.PAUSE) != (self.seconds is not None):
            raise InvalidParameter(
                "a block of the kind pause has seconds and no text, and every other kind has a "
                "text and no seconds",
                param="seconds",
            )
        if self.kind == BlockKind.PAUSE and self.text:
            raise InvalidParameter("a block of the kind pause has no text", param="text")
        limit = LONGEST_TITLE if self.kind == BlockKind.CHAPTER else LONGEST_TEXT
        longest = ssml.BLOCK.characters if self.is_ssml else limit + script.MAX_MARKED
        characters = len(self.text) if len(self.text) > longest else self.characters
        if characters > limit:
            raise InvalidParameter(
                f"the text of a block of the kind {self.kind} has {characters:,} characters; at "
                f"most {limit:,} are allowed",
                param="text",
            )
        if broken := re.search("[\0\ud800-\udfff]", self.text):
            what = "a NUL character" if broken[0] == "\0" else "half of a surrogate pair"
            raise InvalidParameter(
                f"the text has {what} at character {broken.start() + 1}; it must be valid Unicode "
                "text",
                param="text",
            )

    def digest(self, outer: Style) -> str:
        """Return the hash of everything that the speech depends on, empty without speech.

        Args:
            outer: Style of the project.
        """
        if not self._is_spoken():
            return ""
        values = [self.text, self.is_ssml, self.style.within(outer).to_json()]
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    def _is_spoken(self) -> bool:
        if self.kind == BlockKind.PAUSE or not self.text.strip():
            return False
        if not self.is_ssml and "<#" not in self.text and _WORDS.search(self.text):
            return True  # parsing the sentences of a book takes seconds
        try:
            return bool(script.parse(self._plain()).sentences)
        except InvalidParameter:
            return True  # the client learns what is wrong when the block is recorded


def worded(text: str, is_ssml: bool, language: str | None) -> Worded:
    """Return the words of a block as a lexicon reads them.

    Args:
        text: The text.
        is_ssml: True for an SSML document, which may have several languages.
        language: Language of the block, as requests name it. None: unknown.
    """
    try:
        if is_ssml:
            return ssml.parse(text, SoundVersion.V2).text, None
        return text, _language_name(language) if language else None
    except InvalidParameter:
        return text, None


@lru_cache(maxsize=256)
def _language_name(language: str) -> str:
    """Return the name of a language. Raises InvalidParameter."""
    return languages.lookup(language, SoundVersion.V2).name


def draft_of(block: Block) -> Draft:
    """Return the content of a block."""
    return Draft(
        BlockKind(block.kind),
        block.text,
        block.is_ssml,
        block.seconds,
        Style.from_json(block.style),
    )


def style_of(block: Block, project: Project) -> Style:
    """Return the style in which a block is spoken."""
    return Style.from_json(block.style).within(Style.from_json(project.style))


# Projects


def create(
    session: Session,
    account_id: str,
    key_id: str,
    *,
    name: str,
    style: Style,
    limits: Limits,
) -> Project:
    """Create a project without blocks.

    Raises:
        InvalidParameter: The name cannot be used.
        TooLarge: The account has as many projects as it may have.
    """
    name = _checked_name(name)
    ledger.lock(session, account_id)
    count = session.scalar(
        select(func.count())
        .select_from(Project)
        .where(Project.account_id == account_id, Project.deleted_at.is_(None))
    )
    if (count or 0) >= limits.projects:
        raise TooLarge(
            f"this account has {count} projects; at most {limits.projects} are kept; delete one"
        )
    now = time.time()
    project = Project(
        id=f"proj_{uuid.uuid4().hex}",
        account_id=account_id,
        name=name,
        style=style.to_json(),
        version=1,
        blocks=0,
        characters=0,
        created_at=now,
        updated_at=now,
    )
    session.add(project)
    session.flush()
    audit.record(
        session,
        Event.PROJECT_CREATED,
        audit.by_key(key_id),
        account_id=account_id,
        detail=project.id,
    )
    return project


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or _UNFIT.search(name):
        raise InvalidParameter(
            f"name is {name[:60]!r}; it must have 1 to {LONGEST_NAME} characters, without control "
            "characters",
            param="name",
        )
    return name


def page(
    session: Session, account_id: str, *, limit: int, cursor: str | None = None
) -> tuple[Sequence[Project], str | None]:
    """Return the account's projects, the newest first, and the cursor of the next page.

    Raises:
        InvalidParameter: The cursor is unknown.
    """
    query = select(Project).where(Project.account_id == account_id, Project.deleted_at.is_(None))
    if cursor is not None:
        last = session.get(Project, cursor) if cursor.isprintable() else None
        if last is None or last.account_id != account_id:
            raise unknown_cursor(cursor)
        query = query.where(tuple_(Project.created_at, Project.id) < (last.created_at, last.id))
    query = query.order_by(Project.created_at.desc(), Project.id.desc())
    found = session.scalars(query.limit(limit + 1)).all()
    return found[:limit], found[limit - 1].id if len(found) > limit else None


def unknown_cursor(cursor: str) -> InvalidParameter:
    """Return the error for a cursor that no page has returned."""
    return InvalidParameter(
        f"cursor is {cursor[:60]!r}; it must be the nextCursor of an earlier page",
        param="cursor",
    )


def get(session: Session, project_id: str, account_id: str) -> Project:
    """Return the account's project.

    Raises:
        NotFound: The account has no such project, or it was deleted.
    """
    project = session.get(Project, project_id) if project_id.isprintable() else None
    return _checked(project, project_id, account_id)


def lock(
    session: Session,
    project_id: str,
    account_id: str,
    versions: Collection[int] | None = None,
) -> Project:
    """Return the account's project, and lock it until the transaction ends.

    Args:
        session: The transaction.
        project_id: Id of the project.
        account_id: Id of the account.
        versions: Versions of which the project must have one. None: any.

    Raises:
        NotFound: The account has no such project, or it was deleted.
        PreconditionFailed: The project has another version.
    """
    project = None
    if project_id.isprintable():
        project = session.scalar(
            select(Project)
            .where(Project.id == project_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    project = _checked(project, project_id, account_id)
    if versions is not None and project.version not in versions:
        raise PreconditionFailed(
            f'project {project_id} was changed meanwhile: its ETag is "{project.version}"; read '
            "it again and repeat the change"
        )
    return project


def _checked(project: Project | None, project_id: str, account_id: str) -> Project:
    if project is None or project.account_id != account_id or project.deleted_at is not None:
        raise NotFound(f"there is no project {project_id[:60]!r} in this account")
    return project


def change(
    session: Session,
    project_id: str,
    account_id: str,
    *,
    versions: Collection[int] | None,
    name: str | None,
    style: Json,
) -> Project:
    """Change a project. Takes of blocks whose style changes are stale afterwards.

    Args:
        session: The transaction.
        project_id: Id of the project.
        account_id: Id of the account.
        versions: Versions of which the project must have one. None: any.
        name: New name. None: the name stays.
        style: New values by the names of `Style`. None removes a value.

    Raises:
        NotFound: The account has no such project.
        PreconditionFailed: The project has another version.
        InvalidParameter: The name cannot be used.
    """
    project = lock(session, project_id, account_id, versions)
    if name is not None:
        project.name = _checked_name(name)
    if style:
        outer = replace(Style.from_json(project.style), **style)
        project.style = outer.to_json()
        _refresh_digests(session, project, outer)
    touch(project)
    return project


def _refresh_digests(session: Session, project: Project, outer: Style) -> None:
    blocks = session.scalars(select(Block).where(Block.project_id == project.id))
    changed = [
        {"id": block.id, "digest": digest}
        for block in blocks.all()
        if (digest := draft_of(block).digest(outer)) != block.digest
    ]
    if changed:
        session.execute(update(Block), changed)


def touch(project: Project) -> None:
    """Raise the version of a locked project."""
    project.version += 1
    project.updated_at = time.time()


def mark_deleted(
    session: Session,
    project_id: str,
    account_id: str,
    key_id: str,
    versions: Collection[int] | None,
) -> None:
    """Delete a project. Afterwards `takes.clear_project` removes its takes and rows.

    Raises:
        NotFound: The account has no such project.
        PreconditionFailed: The project has another version.
    """
    project = lock(session, project_id, account_id, versions)
    project.deleted_at = time.time()
    audit.record(
        session,
        Event.PROJECT_DELETED,
        audit.by_key(key_id),
        account_id=account_id,
        detail=project_id,
    )


# Blocks


def script_page(
    session: Session, project: Project, *, limit: int, cursor: str | None = None
) -> tuple[Sequence[Block], str | None]:
    """Return blocks in the order of the script, and the cursor of the next page.

    Raises:
        InvalidParameter: The cursor is unknown.
    """
    query = select(Block).where(Block.project_id == project.id, Block.deleted_at.is_(None))
    if cursor is not None:
        last = session.get(Block, cursor) if cursor.isprintable() else None
        if last is None or last.project_id != project.id:
            raise unknown_cursor(cursor)
        query = query.where(tuple_(Block.position, Block.id) > (last.position, last.id))
    query = query.order_by(Block.position, Block.id)
    found = session.scalars(query.limit(limit + 1)).all()
    return found[:limit], found[limit - 1].id if len(found) > limit else None


def get_block(
    session: Session,
    project: Project,
    block_id: str,
    *,
    versions: Collection[int] | None = None,
    deleted: bool = False,
) -> Block:
    """Return a block of a project.

    Args:
        session: The transaction.
        project: The project.
        block_id: Id of the block.
        versions: Versions of which the block must have one. None: any.
        deleted: True for a block that was deleted, False for any other.

    Raises:
        NotFound: The project has no such block.
        PreconditionFailed: The block has another version.
    """
    block = session.get(Block, block_id) if block_id.isprintable() else None
    if block is None or block.project_id != project.id or (block.deleted_at is not None) != deleted:
        if deleted:
            raise NotFound(f"there is no deleted block {block_id[:60]!r} in project {project.id}")
        raise NotFound(f"there is no block {block_id[:60]!r} in project {project.id}")
    if versions is not None and block.version not in versions:
        raise PreconditionFailed(
            f'block {block_id} was changed meanwhile: its ETag is "{block.version}"; read it '
            "again and repeat the change"
        )
    return block


def blocks_of(session: Session, project: Project, ids: Collection[str]) -> Sequence[Block]:
    """Return those blocks of a project that are not deleted, in the order of the ids."""
    found = session.scalars(
        select(Block).where(
            Block.project_id == project.id, Block.id.in_(ids), Block.deleted_at.is_(None)
        )
    )
    blocks = {block.id: block for block in found}
    return [blocks[each] for each in ids if each in blocks]


def insert(
    session: Session,
    project: Project,
    drafts: Sequence[Draft],
    *,
    after: str | None,
    limits: Limits,
) -> Sequence[Block]:
    """Insert blocks into a locked project.

    Args:
        session: The transaction.
        project: The project, locked.
        drafts: Contents of the blocks, in order.
        after: Id of the block before the new ones, or START. None: the end.
        limits: Most things that a project may have.

    Raises:
        NotFound: There is no block `after`.
        InvalidParameter: A content is wrong.
        TooLarge: The project would have too many blocks or characters.
    """
    for draft in drafts:
        draft.check()
    outer = Style.from_json(project.style)
    positions = _positions(session, project, after, len(drafts))
    now = time.time()
    blocks = [
        Block(
            id=f"block_{uuid.uuid4().hex}",
            project_id=project.id,
            account_id=project.account_id,
            position=position,
            kind=draft.kind,
            text=draft.text,
            is_ssml=draft.is_ssml,
            seconds=draft.seconds,
            style=draft.style.to_json(),
            characters=draft.characters,
            digest=draft.digest(outer),
            version=1,
            created_at=now,
            updated_at=now,
        )
        for draft, position in zip(drafts, positions, strict=True)
    ]
    _count(project, len(blocks), sum(block.characters for block in blocks), limits)
    session.add_all(blocks)
    touch(project)
    return blocks


def _count(project: Project, blocks: int, characters: int, limits: Limits) -> None:
    """Add to the totals of a project. Raises TooLarge."""
    total = project.blocks + blocks
    if blocks > 0 and total > limits.blocks:
        raise TooLarge(
            f"the project would have {total:,} blocks; at most {limits.blocks:,} are allowed"
        )
    total = project.characters + characters
    if characters > 0 and total > limits.characters:
        raise TooLarge(
            f"the project would have {total:,} characters; at most {limits.characters:,} are "
            "allowed"
        )
    project.blocks += blocks
    project.characters += characters


def _positions(session: Session, project: Project, after: str | None, count: int) -> Sequence[int]:
    """Return positions for new blocks. Deleted blocks keep their places between others."""
    before = None
    if after not in (None, START):
        before = get_block(session, project, str(after)).position
    bounds = select(func.min(Block.position), func.max(Block.position)).where(
        Block.project_id == project.id
    )
    first, last = session.execute(bounds).one()
    if first is None:
        return [_STEP * (1 + each) for each in range(count)]
    if after == START:
        return [first - _STEP * (count - each) for each in range(count)]
    if before is None or before == last:
        return [last + _STEP * (1 + each) for each in range(count)]
    following = session.scalar(
        select(func.min(Block.position)).where(
            Block.project_id == project.id, Block.position > before
        )
    )
    assert following is not None
    if following - before <= count:
        _spread(session, project)
        return _positions(session, project, after, count)
    return [before + (following - before) * (1 + each) // (count + 1) for each in range(count)]


def _spread(session: Session, project: Project) -> None:
    """Space the blocks of a project evenly, with room for all blocks of a request."""
    blocks = session.scalars(
        select(Block).where(Block.project_id == project.id).order_by(Block.position, Block.id)
    )
    for at, block in enumerate(blocks.all(), 1):
        block.position = _STEP * at
    session.flush()


def change_block(project: Project, block: Block, draft: Draft, limits: Limits) -> None:
    """Give a block of a locked project another content.

    Raises:
        InvalidParameter: The content is wrong.
        TooLarge: The project would have too many characters.
    """
    draft.check()
    _count(project, 0, draft.characters - block.characters, limits)
    block.kind, block.text, block.is_ssml = draft.kind, draft.text, draft.is_ssml
    block.seconds, block.style = draft.seconds, draft.style.to_json()
    block.characters = draft.characters
    block.digest = draft.digest(Style.from_json(project.style))
    touch_block(project, block)


def touch_block(project: Project, block: Block) -> None:
    """Raise the versions of a block and of its project, which is locked."""
    block.version += 1
    block.updated_at = time.time()
    touch(project)


def move(session: Session, project: Project, block: Block, after: str) -> None:
    """Move a block of a locked project behind another, or to START.

    Raises:
        NotFound: There is no block `after`.
    """
    if after != block.id:
        (position,) = _positions(session, project, after, 1)
        block.position = position
    touch_block(project, block)


def delete_block(project: Project, block: Block) -> None:
    """Delete a block of a locked project. `restore` brings the block back until the sweep."""
    block.deleted_at = time.time()
    project.blocks -= 1
    project.characters -= block.characters
    touch_block(project, block)


def restore(project: Project, block: Block, limits: Limits) -> None:
    """Restore a deleted block of a locked project, with its takes and at its place.

    Raises:
        TooLarge: The project would have too many blocks or characters.
    """
    _count(project, 1, block.characters, limits)
    block.deleted_at = None
    touch_block(project, block)
