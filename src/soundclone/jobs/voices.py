"""Find the voice of a task, or make it again from the recording that is kept with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from ..audio import encode
from ..core import files, voices
from ..db.models import TaskKind
from ..db.models import Voice as VoiceRow
from ..engines.protocol import Engine, Reference, Voice
from ..errors import NotFound, SynthesisError, TaskCancelled
from .runner import Job


@dataclass(frozen=True)
class VoiceRef:
    """A voice as one version of an engine made it."""

    engine: str
    version: str
    licence: str
    key: str  # in the object store

    def to_json(self) -> dict[str, str]:
        """Return the reference as the step records it."""
        return {
            "engine": self.engine,
            "version": self.version,
            "licence": self.licence,
            "key": self.key,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, str]) -> Self:
        """Read a reference that `to_json` wrote."""
        return cls(data["engine"], data["version"], data["licence"], data["key"])


def kept_voice(job: Job, voice_id: str) -> VoiceRow:
    """Return the row of a voice. Raises SynthesisError if the voice is no longer kept."""
    row = job.transact(lambda session: session.get(VoiceRow, voice_id))
    if row is None or row.purged_at is not None or row.deleted_at is not None:
        raise SynthesisError(f"voice {voice_id} is no longer kept; clone the recording again")
    return row


def find_voice(
    job: Job,
    name: str,
    language: str,
    others: Sequence[str] = (),
    *,
    spoken: str | None = None,
) -> dict[str, str]:
    """Find or make the task's voice for an engine and a language. Return its VoiceRef as JSON.

    Args:
        job: The task.
        name: Name of the engine.
        language: Name of the language.
        others: Ids of further voices to find or make.
        spoken: Language of the recording of a preview.

    Raises SourceError and EngineUnavailable.
    """
    with job.voice_engine(name) as engine:
        for voice_id in (job.task.voice_id, *others):
            VoiceLoader(job, engine, voice_id, spoken).voice_for(language)
        version, licence = engine.info.version_for(language), engine.info.licence
    key = files.voice(job.task.voice_id, name, version)
    return VoiceRef(name, version, licence, key).to_json()


class VoiceLoader:
    """Loads a voice for a task, each version once."""

    def __init__(self, job: Job, engine: Engine, voice_id: str, spoken: str | None = None) -> None:
        self._job = job
        self._voice_id = voice_id
        self._spoken = spoken  # language of the recording, if the voice has no row yet
        self._engine = engine
        self._loaded: dict[str, Voice] = {}  # by version: a model of a language has its own voice

    def voice_for(self, language: str) -> Voice:
        """Return the voice as the engine speaks a language with it.

        A voice that this version of the engine, or its model of the language, has not made yet is
        made from the recording, and stored.

        Raises:
            SourceError: The engine cannot make a voice from the recording.
            SynthesisError: The recording is no longer kept.
            TaskCancelled: The voice was deleted meanwhile.
        """
        version = self._engine.info.version_for(language)
        if version not in self._loaded:
            key = files.voice(self._voice_id, self._engine.info.name, version)
            if self._job.storage.size(key) is None:
                self._loaded[version] = self._make(key, language)
            else:
                data = self._job.storage.get(key)
                self._loaded[version] = Voice(self._engine.info.name, version, data)
        return self._loaded[version]

    def _make(self, key: str, language: str) -> Voice:
        job, voice_id = self._job, self._voice_id
        try:
            kept = job.storage.get(files.voice_reference(voice_id))
        except NotFound as error:
            raise SynthesisError(
                f"voice {voice_id} is no longer kept; clone the recording again"
            ) from error
        samples, rate = encode.unpack(kept)
        reference = Reference(samples, rate, self._spoken or self._recorded_language())
        voice = self._engine.clone(reference, language)
        job.storage.put(key, voice.data)
        if job.task.kind == TaskKind.CLONE:
            return voice  # the voice has no row before its preview is completed
        with job.database.transaction() as session:
            deleted = not voices.record_version(session, voice_id, voice.engine, voice.version)
        if deleted:
            # The deletion may have removed the files before this one was written.
            job.storage.delete(key)
            raise TaskCancelled(f"voice {voice_id} was deleted")
        return voice

    def _recorded_language(self) -> str | None:
        """Return the language of the recording that is stored with the voice."""
        with self._job.database.read() as session:
            row = session.get(VoiceRow, self._voice_id)
            return None if row is None else row.language
