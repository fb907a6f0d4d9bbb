"""Workflow of production speech: a text becomes an audio file and its subtitles."""

from __future__ import annotations

from functools import partial

from ..core.requests import SpeechRequest, TaskResult, voices_of
from ..core.tasks import SPEAKING
from ..db.models import Json
from .ahead import Ahead
from .assembly import assemble
from .chunks import Chunk, check_length, language_of, request_groups, speak_chunk, spent
from .runner import ENCODE, FIND_VOICE, LANGUAGE, Job, Outcome, Stage, Step
from .stream import first_due, stream_text
from .voices import VoiceRef, find_voice, kept_voice


def speak(job: Job) -> Outcome:
    """Run a speech task. The option `opening` means that a client listens meanwhile."""
    request = SpeechRequest.from_json(job.task.params)
    for each in voices_of(job.task):
        kept_voice(job, each)
    if request.options.opening is not None:
        job.set_due(first_due(job))
    language = job.step(LANGUAGE, 1, language_of, request)
    found = job.step(FIND_VOICE, 2, find_voice, job, request.engine, language, request.voices)
    voice = VoiceRef.from_json(found)
    speak_or_stream = stream_text if request.options.opening else speak_text
    result = speak_or_stream(job, request, language, voice, start=SPEAKING)
    return Outcome(result, on_delivery=request.options.on_delivery)


def speak_text(
    job: Job, request: SpeechRequest, language: str, voice: VoiceRef, start: int
) -> TaskResult:
    """Speak a text and store the file. `start` is the task's progress so far in per cent."""
    count = len(request_groups(request))
    chunks: list[Chunk] = []

    def speak_part(job: Job, index: int) -> Json:
        return speak_chunk(job, request, voice, language, index, spent(chunks))

    # An engine that does one thing at a time would only be waited for.
    parallel = job.engines.usable(voice.engine).concurrent
    with Ahead(job, count if parallel else 0, speak_part) as ahead:
        for index in range(count):
            progress = start + round((95 - start) * (index + 1) / count)
            record = job.step_unless_begun(
                Step(Stage.SPEAK, str(index)),
                progress,
                partial(ahead.begun, index),
                partial(speak_part, job, index),
            )
            chunks.append(Chunk.from_json(record))
            check_length(job, request, chunks)
    return TaskResult.recorded(job.step(ENCODE, 99, assemble, job, request, language, chunks))
