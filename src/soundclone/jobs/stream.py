"""Speech for a client that listens already: encoded while it is spoken, and stored in parts.

Each chunk of the text becomes one part, `work/{task}/part-0000` and so on. The API has no encoder
and passes the parts on as they are. All parts together are the beginning of the task's file, which
only adds the end. The parts are removed when the task ends. A client that has not read all of them
by then reads on in the file.

The first second of sound is stored before the rest of the first part is encoded, in a file of its
own, so that the client hears it while the worker encodes. That file is the beginning of the part.

A request for subtitles also gets the times of the words of each part, in a file beside the part.
The first part of such a request is stored as a whole.

The steps of a stream are due at the time when its listener would otherwise have to wait. So streams
that nobody hears yet go before those whose listeners have sound left (`slots`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ..audio import encode
from ..audio.samples import Samples
from ..core import files
from ..core.requests import SpeechRequest, TaskResult
from ..db.models import Json
from ..errors import Unavailable
from ..synthesis.concatenation import margins
from ..synthesis.room_tone import room_tone
from ..text import subtitles
from ..text.script import Sentence
from ..text.subtitles import Spoken
from . import provenance
from .assembly import (
    Mastering,
    blocks,
    level_gain,
    result_of,
    store_subtitles,
    tags,
    volume_gain,
)
from .chunks import Chunk, request_groups, spent, spoken_chunk, store_chunk
from .runner import FINISH, Job, Stage, Step
from .voices import VoiceRef

_OPENING = 1.2  # seconds of sound in the file that is stored first
_AHEAD = 1.0  # seconds before a listener has to wait, when the next step is due


def first_due(job: Job) -> float:
    """Return when the first steps of a stream are due, in monotonic seconds."""
    age = max(0.0, time.time() - job.task.created_at)
    return time.monotonic() - age + job.settings.stream_wait - _AHEAD


def stream_text(
    job: Job, request: SpeechRequest, language: str, voice: VoiceRef, start: int
) -> TaskResult:
    """Speak a text, with a part in the store after each chunk."""
    count = len(request_groups(request))
    sender = Sender(job, request)
    chunks: list[Chunk] = []
    for index in range(count):
        progress = start + round((95 - start) * (index + 1) / count)
        step = Step(Stage.SPEAK, str(index))
        record = job.step(step, progress, sender.speak, voice, language, chunks)
        chunks.append(Chunk.from_json(record))
        job.step(Step(Stage.SEND, str(index)), progress, sender.send_once, index, chunks)
    return TaskResult.recorded(job.step(FINISH, 99, sender.finish, language, chunks))


class Sender:
    """Encodes the chunks of a text one after the other.

    A sender lives as long as one run of the workflow. In a run that takes over from a lost worker,
    a client may have heard parts already. The new sender encodes the finished chunks again and
    gets the same bytes, with the same libraries and kind of processor, so the next part continues
    the stream. Each method may be called again after a failure.

    The loudness of the whole text is unknown while it is spoken. Each chunk is levelled like in
    `assembly.level_gain`, but against the mean of the voice's chunks so far.
    """

    def __init__(self, job: Job, request: SpeechRequest) -> None:
        self._job = job
        self._request = request
        self._options = request.options
        self._groups = request_groups(request)
        lead, tail = margins([piece for group in self._groups for piece in group])
        self._margins = (
            0.0 if self._options.place else lead,
            0.0 if self._options.goes_on else tail,
        )
        self._samples = 0  # before the watermark and the limiter
        self._starts: list[int] = []  # samples before each chunk
        self._encoded = 0  # chunks
        self._stored = 0  # parts
        self._part = b""  # of the last of them
        self._end: bytes | None = None
        self._parts = encode.Parts()
        self._prepared: Mastering | None = None
        self._heard: float | None = None  # monotonic seconds when the first sound was stored

    def speak(self, voice: VoiceRef, language: str, chunks: Sequence[Chunk]) -> Json:
        """Speak the chunk after `chunks`, and store its part. Return the chunk as JSON.

        A listener hears the part before the database has recorded the chunk. After a crash between
        both, another worker speaks the same samples again.
        """
        index = len(chunks)
        arguments = (self._job, self._request, voice, language, index, spent(chunks))
        with ThreadPoolExecutor(1) as pool:
            beside = pool.submit(self._prepare, voice.engine) if index == 0 else None
            chunk, samples = spoken_chunk(*arguments)
            if beside:
                beside.result()
            stored = pool.submit(store_chunk, self._job, chunk, samples)
            with suppress(Unavailable):  # `send_once` is tried again without speaking
                self.send(index, [*chunks, chunk], encode.rounded(samples))
            stored.result()
        return chunk.to_json()

    def _prepare(self, engine: str) -> None:
        """Record that a worker speaks the text now, and prepare its watermark.

        Raises TaskCancelled if the task has ended.
        """
        self._job.mark_speaking()
        info = self._job.engines.usable(engine).info
        self._prepared = Mastering(self._job, info.sample_rate)

    def send_once(self, index: int, chunks: Sequence[Chunk]) -> None:
        """Store the part like `send`, unless this sender has stored it."""
        if index >= self._stored:
            self.send(index, chunks)

    def send(self, index: int, chunks: Sequence[Chunk], samples: Samples | None = None) -> None:
        """Store the part of the last of the `chunks` so far, whose audio is stored or given."""
        self._encode(chunks, samples)
        if self._options.subtitles:  # first, because a reader of the part expects its times
            cues = subtitles.word_cues(self._spoken(index, chunks[index]))
            key = files.part_times(self._job.task.id, index)
            self._job.storage.put(key, subtitles.to_json(cues).encode())
        self._job.storage.put(self._key(index), self._part)
        self._stored = index + 1
        self._job.announce(self._job.task.id)
        self._set_due()

    def finish(self, language: str, chunks: Sequence[Chunk]) -> Json:
        """Store the file that the parts are the beginning of. Return the TaskResult as JSON."""
        self._encode(chunks)
        if self._end is None:
            gain = np.float32(volume_gain(self._options))
            self._write(self._room_tone(self._margins[1]), gain)
            self._encoder.write(self._mastering.finish())
            self._encoder.close()
            self._end = self._parts.take()
        key = files.result(self._job.task.id, self._options.format.extension)
        with TemporaryDirectory(prefix="soundclone-") as folder:
            path = Path(folder) / "speech"
            with path.open("wb") as file:
                for index in range(len(chunks)):
                    file.writelines(self._job.storage.stream(self._key(index)))
                file.write(self._end)
            seconds = self._samples / self._rate
            result = result_of(self._job, self._request, language, key, seconds)
            result = provenance.seal(self._job, result, path, self._options, embed=False)
            self._job.storage.put_file(key, path)
        if self._options.subtitles:
            spoken = [
                each for index, chunk in enumerate(chunks) for each in self._spoken(index, chunk)
            ]
            unit = self._options.subtitles
            result = store_subtitles(self._job, result, spoken, seconds, unit)
        return result.to_json()

    def _spoken(self, index: int, chunk: Chunk) -> list[Spoken]:
        """Return the sentences of an encoded chunk, with their times in the file."""
        sentences = [piece for piece in self._groups[index] if isinstance(piece, Sentence)]
        shift = self._starts[index] / self._rate
        return [
            times.spoken(sentence, shift)
            for sentence, times in zip(sentences, chunk.spoken, strict=True)
        ]

    def _encode(self, chunks: Sequence[Chunk], last: Samples | None = None) -> None:
        """Encode the chunks that are not encoded yet. `last` is the audio of the last one."""
        for index in range(self._encoded, len(chunks)):
            self._job.yield_slot()
            samples, rate = last, chunks[index].sample_rate
            if samples is None or index + 1 < len(chunks):
                samples, rate = encode.unpack(self._job.storage.get(chunks[index].key))
            opening = 0
            if index == 0:
                self._begin(rate)
                opening = self._opening_of(samples, rate)
            self._starts.append(self._samples)
            gain = volume_gain(self._options) * level_gain(chunks[index], chunks[: index + 1])
            self._write(samples[:opening], np.float32(gain))
            self._part = self._parts.take()
            if opening:
                self._send_opening()
            self._write(samples[opening:], np.float32(gain))
            self._part += self._parts.take()
            self._encoded = index + 1

    def _opening_of(self, samples: Samples, rate: int) -> int:
        """Return the number of samples that are sent before the rest of the first part."""
        opening = round(_OPENING * rate)
        return opening if opening < len(samples) and not self._options.subtitles else 0

    def _send_opening(self) -> None:
        """Store the beginning of the first part, unless the store fails."""
        if not self._part:  # the encoder has given nothing yet
            return
        with suppress(Unavailable):
            self._job.storage.put(files.opening(self._job.task.id), self._part)
            self._job.announce(self._job.task.id)
            self._set_due()
            self._job.yield_slot()

    def _set_due(self) -> None:
        """Set when the next step is due, now that a listener hears what is stored."""
        self._heard = self._heard or time.monotonic()
        self._job.set_due(self._heard + self._samples / self._rate - _AHEAD)

    def _begin(self, rate: int) -> None:
        """Open the encoder. A step that is tried again begins anew."""
        self._rate, self._samples, self._starts = rate, 0, []
        self._parts = encode.Parts()
        self._mastering = self._prepared or Mastering(self._job, rate)
        self._prepared = None
        self._encoder = encode.Encoder(
            self._parts,
            self._options.format,
            sample_rate_in=rate,
            sample_rate=self._options.sample_rate,
            channels=self._options.channels,
            bit_rate=self._options.bit_rate,
            tags=tags(self._groups),
        )
        gain = np.float32(volume_gain(self._options))
        self._write(self._room_tone(self._margins[0]), gain)

    def _write(self, samples: Samples, gain: np.float32) -> None:
        for block in blocks(samples):
            self._encoder.write(self._mastering.process(block * gain))
        self._samples += len(samples)

    def _room_tone(self, seconds: float) -> Samples:
        return room_tone(round(seconds * self._rate), self._rate, 0)

    def _key(self, index: int) -> str:
        return files.part(self._job.task.id, index)
