"""Production speech for somebody who listens already: encoded while it is spoken, and put into the
store part by part.

A part is `work/{task}/part-0000` and so on, one for each group of sentences, so that an API node,
which has no encoder, passes it on as it is. All parts, one after the other, are the beginning of
the file that the task leaves; the file has a little more, its end. The parts go when the task ends,
and the file stays for whoever has not read that far.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ..audio import encode, loudness
from ..audio.samples import Samples
from ..core import files
from ..core.requests import SpeechRequest, TaskResult
from ..synthesis.concatenation import margins
from .allowance import Chunk
from .runner import Job, Outcome
from .speak import (
    groups_of,
    levelling,
    read_result,
    report,
    say,
    speak,
    speak_chunk,
    title,
    volume_of,
)

_BLOCK = 1 << 18  # samples that are on their way to the encoder at once


def produce(job: Job) -> Outcome:
    """The whole of a production task, whether it is listened to meanwhile or not. The parameter
    `opening` says that it is, and how many characters are said first."""
    request = SpeechRequest.from_json(job.task.params)
    return speak(job, stream if request.options.opening else say)


def stream(
    job: Job, request: SpeechRequest, language: str, voice: Mapping[str, str], start: int
) -> TaskResult:
    """As `say`, with a part in the store after each group. The task's result; without subtitles."""
    count = len(groups_of(request.text, request.options.opening))
    sender = Sender(job, request)
    spoken: list[Chunk] = []
    for index in range(count):
        progress = start + round((95 - start) * (index + 1) / count)
        spoken.append(
            job.step(f"speak {index}", progress, speak_chunk, job, request, voice, language, spoken)
        )
        job.step(f"send {index}", progress, sender.send, index, spoken)
    return read_result(job.step("finish", 99, sender.finish, language, spoken))


class Sender:
    """Encodes the chunks of a text one after the other.

    Its state lives as long as the workflow's run. In a run that takes over from a lost worker,
    whose parts may have been heard already, it encodes the finished chunks again and gets the same
    bytes, as long as the libraries and the kind of processor are the same; so the next part
    continues what was sent. Each method may be called again after it has failed.

    How loud the whole will be is not known while it is spoken. Each chunk is levelled as in
    `speak.levelling`, but by the mean of what has been said so far: the first one is at the
    target, and a later one goes where the target is for all until then.
    """

    def __init__(self, job: Job, request: SpeechRequest) -> None:
        self._job = job
        self._request = request
        self._options = request.options
        self._groups = groups_of(request.text, self._options.opening)
        self._margins = margins([piece for group in self._groups for piece in group])
        self._samples = 0  # before the limiter
        self._encoded = 0  # chunks
        self._part = b""  # of the last of them
        self._end: bytes | None = None
        self._parts = encode.Parts()

    def send(self, index: int, spoken: Sequence[Chunk]) -> None:
        """Put the part of a chunk into the store; `spoken` are the chunks so far."""
        self._encode(spoken)
        self._job.storage.put(self._key(index), self._part)

    def finish(self, language: str, spoken: Sequence[Chunk]) -> dict[str, Any]:
        """Put the file into the store that the parts are the beginning of; the task's result."""
        self._encode(spoken)
        if self._end is None:
            self._write(self._silence(self._margins[1]), np.float32(1))
            self._encoder.write(self._limiter.flush())
            self._encoder.close()
            self._end = self._parts.take()
        key = files.result(self._job.task.id, self._options.format)
        with TemporaryDirectory(prefix="soundclone-") as folder:
            path = Path(folder) / "speech"
            with path.open("wb") as file:
                for index in range(len(spoken)):
                    file.writelines(self._job.storage.stream(self._key(index)))
                file.write(self._end)
            self._job.storage.put_file(key, path)
        return report(self._job, self._request, language, key, self._samples / self._rate).to_json()

    def _encode(self, spoken: Sequence[Chunk]) -> None:
        """Encode those of the chunks that have not been."""
        for index in range(self._encoded, len(spoken)):
            self._job.breathe()
            samples, rate = encode.unpack(self._job.storage.get(spoken[index]["key"]))
            if index == 0:
                self._begin(rate)
            volume = volume_of(self._options) * levelling(spoken[index], spoken[: index + 1])
            self._write(samples, np.float32(volume))
            self._part = self._parts.take()
            self._encoded = index + 1

    def _begin(self, rate: int) -> None:
        self._rate = rate
        self._limiter = loudness.Limiter(rate)
        self._encoder = encode.Encoder(
            self._parts,
            self._options.format,
            sample_rate_in=rate,
            sample_rate=self._options.sample_rate,
            channels=self._options.channels,
            tags={"title": title(self._groups), **encode.SYNTHETIC},
        )
        self._write(self._silence(self._margins[0]), np.float32(1))

    def _write(self, samples: Samples, gain: np.float32) -> None:
        for start in range(0, len(samples), _BLOCK):
            block = samples[start : start + _BLOCK] * gain
            self._encoder.write(self._limiter.process(block))
        self._samples += len(samples)

    def _silence(self, seconds: float) -> Samples:
        return np.zeros(round(seconds * self._rate), np.float32)

    def _key(self, index: int) -> str:
        return files.part(self._job.task.id, index)
