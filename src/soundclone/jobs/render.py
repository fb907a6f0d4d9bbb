"""Workflow of a render: the chosen takes of a project become one file with subtitles.

Without a target of loudness, the takes are joined as they are, and each keeps its loudness. Each
keeps its own watermark, which leads to the task of the take. The register has their fingerprints
already, and gets the hash of the file. A second watermark over the others would only weaken them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from sqlalchemy import select

from ..audio import encode, loudness
from ..audio.samples import Samples
from ..core import files, renders
from ..core.renders import Piece, Plan
from ..core.requests import (
    TAKE_RATE,
    Chapter,
    RenderRequest,
    SpeechRequest,
    SubtitleUnit,
    TaskResult,
)
from ..db.models import Json, Task, Voice
from ..errors import InternalError
from ..synthesis.concatenation import margins
from ..synthesis.room_tone import room_tone
from ..text import subtitles
from ..text.script import Sentence
from ..text.subtitles import Cue, Spoken
from . import provenance
from .assembly import blocks, ceiling_of, standard_gain
from .chunks import SentenceTimes, request_groups
from .runner import ENCODE, Job, Outcome

_BATCH = 100  # takes whose rows are read together
_MEASURED = 40  # per cent of the progress when the loudness is known
_PASS = 20  # per cent of the progress for each of the two usual measurements


@dataclass(frozen=True)
class TakeSource:
    """Request and result of the task of a take."""

    request: SpeechRequest
    result: TaskResult
    consent: Json | None  # of the voice

    @property
    def margins(self) -> tuple[int, int]:
        """Samples of silence that the take has before and after its text and own pauses."""
        groups = request_groups(self.request)
        lead, tail = margins([piece for group in groups for piece in group])
        return round(lead * TAKE_RATE), round(tail * TAKE_RATE)

    @property
    def sentences(self) -> list[Sentence]:
        """Sentences of the text, in order."""
        groups = request_groups(self.request)
        return [piece for group in groups for piece in group if isinstance(piece, Sentence)]


@dataclass(frozen=True)
class Section:
    """Samples of one piece, and the sentences that they speak."""

    piece: Piece
    samples: Samples
    spoken: tuple[Spoken, ...] = ()  # times from the start of the section
    source: TakeSource | None = None  # None: a pause or a gap


def render(job: Job) -> Outcome:
    """Run a render task."""
    request = RenderRequest.from_json(job.task.params)
    plan = job.transact(renders.plan_of, job.task.id)
    if plan is None:
        raise _lost()
    return Outcome(TaskResult.recorded(job.step(ENCODE, 99, assemble_takes, job, request, plan)))


def assemble_takes(job: Job, request: RenderRequest, plan: Plan) -> Json:
    """Join the takes, and store the file, its subtitles and its timeline.

    Return the TaskResult as JSON.
    """
    options = request.options
    audio = files.result(job.task.id, options.format.extension)
    timeline = Timeline()
    consents: list[Json | None] = []
    engines: set[str] = set()
    languages: set[str] = set()
    gain: np.float32 | None = None
    measured = 0  # per cent of the work
    if options.loudness is not None:
        measured = _MEASURED
        levelled = partial(_levelled, job, plan, count())
        gain = np.float32(standard_gain(options, levelled, TAKE_RATE))
    limiter = loudness.Limiter(TAKE_RATE, ceiling_of(options))
    with TemporaryDirectory(prefix="soundclone-") as folder:
        path = Path(folder) / "speech"
        with encode.Encoder(
            path,
            options.format,
            sample_rate_in=TAKE_RATE,
            sample_rate=options.sample_rate,
            channels=options.channels,
            bit_rate=options.bit_rate,
            tags={"title": request.title, **encode.SYNTHETIC},
        ) as encoder:
            for done, section in enumerate(sections(job, plan), 1):
                job.yield_slot()
                for block in blocks(section.samples):
                    encoder.write(block if gain is None else limiter.process(block * gain))
                timeline.append(section)
                if section.source is not None:
                    consents.append(section.source.consent)
                    engines.add(section.source.request.engine)
                    languages.update(section.source.result.languages or ())
                job.report(measured + round((95 - measured) * done / len(plan.pieces)))
            if gain is not None:
                encoder.write(limiter.flush())
        result = TaskResult(
            audio=audio,
            seconds=round(timeline.seconds, 3),
            engine=", ".join(sorted(engines)),
            languages=tuple(sorted(languages)),
            chapters=tuple(timeline.chapters),
        )
        result = provenance.seal(
            job,
            result,
            path,
            options,
            consent=provenance.weakest_class(consents),
            fingerprinted=False,
        )
        job.storage.put_file(audio, path)
    return timeline.store(job, result, options.subtitles or SubtitleUnit.SENTENCE).to_json()


def _levelled(job: Job, plan: Plan, passes: Iterator[int]) -> Iterator[Samples]:
    """Yield the samples of a plan in blocks, for one more measurement of their loudness."""
    begun = _PASS * next(passes)
    for done, section in enumerate(sections(job, plan), 1):
        job.yield_slot()
        yield from blocks(section.samples)
        job.report(min(begun + round(_PASS * done / len(plan.pieces)), _MEASURED))


def sections(job: Job, plan: Plan) -> Iterator[Section]:
    """Yield the takes and pauses of a plan, one after the other.

    A take beside a pause loses the silence of its file on that side, so that the pause has its
    exact length. The same holds for both sides of a gap.
    """
    exact = plan.gap is not None
    pieces: Sequence[Piece | None] = [None, *plan.pieces, None]
    for start in range(0, len(plan.pieces), _BATCH):
        batch = plan.pieces[start : start + _BATCH]
        sources = _sources(job, [piece.task_id for piece in batch if piece.task_id])
        for at, piece in enumerate(batch, start + 1):
            before, after = pieces[at - 1], pieces[at + 1]
            if piece.task_id is None:
                yield Section(piece, _silence(piece.seconds))
                continue
            if plan.gap and before is not None and before.task_id is not None:
                yield Section(Piece(""), _silence(plan.gap))
            yield _take(
                job,
                piece,
                sources[piece.task_id],
                trim_start=before is not None and (exact or before.task_id is None),
                trim_end=after is not None and (exact or after.task_id is None),
            )


def _silence(seconds: float) -> Samples:
    return room_tone(round(seconds * TAKE_RATE), TAKE_RATE, 0)


def _take(
    job: Job, piece: Piece, source: TakeSource, *, trim_start: bool, trim_end: bool
) -> Section:
    """Read a take, without the silence of its file at the sides to trim."""
    samples, rate = encode.read_flac(job.storage.get(source.result.audio))
    if rate != TAKE_RATE or source.result.times is None:
        raise InternalError("a take of this render is damaged; record its block again")
    lead, tail = source.margins
    first = lead if trim_start else 0
    last = len(samples) - (tail if trim_end else 0)
    shift = -first / TAKE_RATE
    times = json.loads(job.storage.get(source.result.times))
    spoken = [
        SentenceTimes(start, end, tuple(map(tuple, words))).spoken(sentence, shift)
        for sentence, (start, end, words) in zip(source.sentences, times, strict=True)
    ]
    return Section(piece, samples[first:last], tuple(spoken), source)


def _sources(job: Job, task_ids: Sequence[str]) -> dict[str, TakeSource]:
    """Return the takes that were made by tasks. Raises InternalError if one is missing."""
    with job.database.read() as session:
        rows = session.execute(
            select(Task, Voice.consent)
            .outerjoin(Voice, Voice.id == Task.voice_id)
            .where(Task.id.in_(task_ids), Task.account_id == job.task.account_id)
        ).all()
    found = {}
    for task, consent in rows:
        result = TaskResult.from_json(task.result)
        if result is not None and task.params:
            found[task.id] = TakeSource(SpeechRequest.from_json(task.params), result, consent)
    if len(found) < len(set(task_ids)):
        raise _lost()
    return found


def _lost() -> InternalError:
    return InternalError("a take of this render was deleted meanwhile; render the project again")


class Timeline:
    """Times of the blocks, chapters and sentences of a render."""

    def __init__(self) -> None:
        self._samples = 0
        self._sections: list[tuple[Piece, float, float, list[Spoken]]] = []

    @property
    def seconds(self) -> float:
        """Length so far."""
        return self._samples / TAKE_RATE

    @property
    def chapters(self) -> list[Chapter]:
        """Chapters with the times at which their sections start."""
        return [
            Chapter(piece.title, round(start, 3))
            for piece, start, _, _ in self._sections
            if piece.title is not None
        ]

    def append(self, section: Section) -> None:
        """Add a section at the end."""
        start = self.seconds
        self._samples += len(section.samples)
        spoken = [
            replace(each, start=each.start + start, end=each.end + start) for each in section.spoken
        ]
        self._sections.append((section.piece, start, self.seconds, spoken))

    def store(self, job: Job, result: TaskResult, unit: SubtitleUnit) -> TaskResult:
        """Store the subtitles and the timeline, and return the result with their keys.

        The JSON subtitles name the block of each cue. Offsets count from the start of its text.
        """
        of = subtitles.word_cues if unit == SubtitleUnit.WORD else subtitles.sentence_cues
        cues: list[Cue] = []
        rows: list[Json] = []
        for piece, _, _, spoken in self._sections:
            own = list(of(spoken))
            cues += own
            rows += [{**row, "block": piece.block_id} for row in json.loads(subtitles.to_json(own))]
        shown = cues if unit == SubtitleUnit.WORD else list(subtitles.readable(cues, self.seconds))
        contents = {
            "srt": subtitles.to_srt(shown),
            "vtt": subtitles.to_vtt(shown),
            "json": json.dumps(rows, ensure_ascii=False),
            "timeline.json": json.dumps(self._rows()),
        }
        keys = {name: files.result(job.task.id, name) for name in contents}
        for name, content in contents.items():
            job.storage.put(keys[name], content.encode())
        return replace(
            result,
            subtitles=keys["srt"],
            subtitles_vtt=keys["vtt"],
            subtitles_json=keys["json"],
            timeline=keys["timeline.json"],
        )

    def _rows(self) -> list[Json]:
        """Return the blocks with their start and end in milliseconds. A gap has no row."""
        return [
            {
                "block": piece.block_id,
                "task": piece.task_id,
                "start": round(1000 * start),
                "end": round(1000 * end),
            }
            for piece, start, end, _ in self._sections
            if piece.block_id
        ]
