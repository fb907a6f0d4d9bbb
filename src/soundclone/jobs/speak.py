"""Workflow of production speech: a text becomes an audio file and its subtitles."""

from __future__ import annotations

from ..core.requests import SpeechRequest, TaskResult
from ..core.tasks import SPEAKING
from ..db.models import Voice
from ..errors import SynthesisError
from .assembly import assemble
from .chunks import Chunk, groups_of, language_of, speak_chunk
from .runner import ENCODE, FIND_VOICE, LANGUAGE, Job, Outcome, Stage, Step
from .stream import stream_text
from .voices import VoiceRef, find_voice


def speak(job: Job) -> Outcome:
    """Run a speech task. The option `opening` means that a client listens meanwhile."""
    request = SpeechRequest.from_json(job.task.params)
    with job.database.read() as session:
        row = session.get(Voice, job.task.voice_id)
    if row is None or row.purged_at is not None or row.deleted_at is not None:
        raise SynthesisError(f"voice {job.task.voice_id} is no longer kept; make a new preview")
    job.run.urgent = request.options.opening is not None
    language = job.step(LANGUAGE, 1, language_of, request)
    voice = VoiceRef.from_json(job.step(FIND_VOICE, 2, find_voice, job, request.engine, language))
    speak_or_stream = stream_text if request.options.opening else speak_text
    return Outcome(speak_or_stream(job, request, language, voice, start=SPEAKING))


def speak_text(
    job: Job, request: SpeechRequest, language: str, voice: VoiceRef, start: int
) -> TaskResult:
    """Speak a text and store the file. `start` is the task's progress so far in per cent."""
    groups = groups_of(request.text, edges=request.edges)
    chunks: list[Chunk] = []
    for index, _ in enumerate(groups):
        progress = start + round((95 - start) * (index + 1) / len(groups))
        step = Step(Stage.SPEAK, str(index))
        record = job.step(step, progress, speak_chunk, job, request, voice, language, chunks)
        chunks.append(Chunk.from_json(record))
    return TaskResult.recorded(job.step(ENCODE, 99, assemble, job, request, language, chunks))
