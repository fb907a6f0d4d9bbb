"""Numbers of uploads and results, for APIs whose file ids are integers."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ..db.models import NumberedFile, Upload
from ..errors import NotFound

_SMALLEST, _LARGEST = 10**14, 2**53 - 1  # JavaScript reads larger integers inexactly


def new_number(session: Session) -> int:
    """Return a number that no file has."""
    while True:
        number = _SMALLEST + secrets.randbelow(_LARGEST - _SMALLEST)
        if session.get(NumberedFile, number) is None:
            return number


def add_upload(
    session: Session, upload_key: str, account_id: str, purpose: str, filename: str
) -> NumberedFile:
    """Assign a number to an upload. The number lasts as long as the upload."""
    upload = session.get_one(Upload, upload_key)
    file = NumberedFile(
        number=new_number(session),
        account_id=account_id,
        purpose=purpose,
        filename=filename,
        size=upload.size,
        upload_key=upload_key,
        task_id=None,
        created_at=upload.created_at,
        expires_at=upload.expires_at,
    )
    session.add(file)
    return file


def add_result(
    session: Session, task_id: str, account_id: str, purpose: str, keep: float
) -> NumberedFile:
    """Assign a number to the result of a task, for `keep` seconds."""
    now = time.time()
    number = new_number(session)
    file = NumberedFile(
        number=number,
        account_id=account_id,
        purpose=purpose,
        filename=f"{number}.tar",
        size=0,
        upload_key=None,
        task_id=task_id,
        created_at=now,
        expires_at=now + keep,
    )
    session.add(file)
    return file


def get(session: Session, number: int, account_id: str) -> NumberedFile:
    """Return the account's file.

    Raises:
        NotFound: The account has no such file, or the file is no longer kept.
    """
    file = session.get(NumberedFile, number) if 0 < number <= _LARGEST else None
    if (
        file is None
        or file.account_id != account_id
        or file.expires_at <= time.time()
        or (file.upload_key is not None and session.get(Upload, file.upload_key) is None)
    ):
        raise NotFound(f"there is no file {str(number)[:30]} in this account", param="file_id")
    return file


def listing(
    session: Session, account_id: str, purpose: str | None = None, limit: int = 1000
) -> Sequence[NumberedFile]:
    """Return the account's files, newest first."""
    query = (
        select(NumberedFile)
        .outerjoin(Upload, Upload.key == NumberedFile.upload_key)
        .where(
            NumberedFile.account_id == account_id,
            NumberedFile.expires_at > time.time(),
            NumberedFile.upload_key.is_(None) | Upload.key.is_not(None),
        )
    )
    if purpose is not None:
        query = query.where(NumberedFile.purpose == purpose)
    query = query.order_by(NumberedFile.created_at.desc(), NumberedFile.number)
    return session.scalars(query.limit(limit)).all()


def remove(session: Session, number: int) -> None:
    """Delete the number of a file."""
    session.execute(delete(NumberedFile).where(NumberedFile.number == number))


def delete_expired(session: Session) -> None:
    """Delete the numbers of files that are no longer kept."""
    session.execute(delete(NumberedFile).where(NumberedFile.expires_at <= time.time()))
