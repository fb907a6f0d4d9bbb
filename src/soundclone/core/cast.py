"""Voices of texts that several voices speak: by the names in SSML, and of tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..db.models import TaskVoice, Voice
from ..engines.selection import EngineCapability, EngineSelector
from ..errors import InvalidParameter, Unavailable
from ..text.ssml import Play, Turn, VoiceName

MOST_VOICES = 20
"""Voices that the document of one speech task may name."""

Cast = Mapping[VoiceName, Voice]
"""Voices by their places in a document."""


def others_of(session: Session, task_id: str) -> Sequence[str]:
    """Return the ids of the voices that a task speaks with beside its own, sorted."""
    found = select(TaskVoice.voice_id).where(TaskVoice.task_id == task_id)
    return sorted(session.scalars(found))


def cast_of(play: Play, voices: Iterable[Voice], param: str = "contentText") -> Cast:
    """Return the voices that a document names, from those of the account with such names.

    Raises InvalidParameter.
    """
    known = {voice.id: voice for voice in voices}
    names = {voice.id: voice.name or "" for voice in known.values()}
    found: dict[VoiceName, Voice] = {}
    for _, voice in play.voices:
        if voice is None:
            continue
        found[voice] = known[voice_id_of(voice, names, param)]
        if len({each.id for each in found.values()}) > MOST_VOICES:
            reason = f"a text has at most {MOST_VOICES} voices; send the rest in another request"
            raise refusal(voice, reason, param)
    return found


def check_engines(
    cast: Cast,
    engine: str,
    version: str,
    language: str | None,
    *,
    selector: EngineSelector,
    offers: Sequence[EngineCapability],
    param: str = "contentText",
) -> None:
    """Check that the engine of the text would also speak a text of each voice alone.

    Args:
        cast: The voices.
        engine: Engine of the text.
        version: The soundVersion.
        language: Name of the language of the text, None if the engine does not depend on it.
        selector: Choice of engines by the settings.
        offers: Engines of the workers.
        param: Field of the request that has the document.

    Raises:
        InvalidParameter: A voice has another engine.
    """
    for voice, row in cast.items():
        # Another version may have another engine, and a request for that version means that engine.
        if row.engine == engine or row.version != version:
            continue
        own: str | None = row.engine
        try:
            if language is not None:
                own = selector.select(offers, language, version, row.engine)
        except (InvalidParameter, Unavailable):
            own = row.engine
        if own != engine:
            reason = (
                f"voice {voice.name[:40]!r} is spoken by {own!r}, and this text by {engine!r}; "
                "a text has one engine, send the part in its own request"
            )
            raise refusal(voice, reason, param)


def turns_of(play: Play, cast: Cast, usual: str) -> tuple[Turn, ...]:
    """Return the turns of the voices in a text. `usual` is the id of the voice of the task."""
    turns: list[Turn] = []
    last: str | None = None
    for start, voice in play.voices:
        voice_id = None if voice is None else cast[voice].id
        voice_id = None if voice_id == usual else voice_id
        if voice_id != last:
            turns.append(Turn(start, voice_id))
            last = voice_id
    return tuple(turns)


def voice_id_of(voice: VoiceName, voices: Mapping[str, str], param: str) -> str:
    """Return the id of a voice by its id or its name.

    Args:
        voice: The name, and its place in the document.
        voices: Names by the ids of the account's voices.
        param: Field of the request that has the document.

    Raises:
        InvalidParameter: None or several of the voices have the name.
    """
    if voice.name in voices:
        return voice.name
    found = [id for id, name in voices.items() if name == voice.name]
    if len(found) == 1:
        return found[0]
    reason = (
        f"{len(found)} voices are named {voice.name[:40]!r}; write the id of one of them"
        if found
        else f"there is no voice {voice.name[:40]!r}; write the name or the id of one of your "
        "voices"
    )
    raise refusal(voice, reason, param)


def refusal(voice: VoiceName, reason: str, param: str) -> InvalidParameter:
    """Return the error that refuses a voice at its place in the document."""
    return InvalidParameter(
        f"SSML, line {voice.line}, column {voice.column}: {reason}", param=param
    )
