"""Renders: the file is the concatenation of its takes, and all times fit."""

from __future__ import annotations

import io
import json
import math
import threading
import time
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from soundclone.asr.recognition import Recognizer
from soundclone.audio import encode
from soundclone.audio.loudness import loudness
from soundclone.audio.samples import Samples
from soundclone.config import Settings
from soundclone.core import files, ledger
from soundclone.core.renders import Piece, Plan
from soundclone.core.requests import (
    TAKE_RATE,
    AudioFormat,
    RenderRequest,
    SoundVersion,
    SpeechOptions,
    SpeechRequest,
    SubtitleUnit,
    TaskResult,
)
from soundclone.db import migrate
from soundclone.db.models import Key, Task
from soundclone.db.session import Database
from soundclone.engines.protocol import Word
from soundclone.engines.registry import InstalledEngines
from soundclone.errors import InternalError
from soundclone.jobs import provenance
from soundclone.jobs.chunks import SentenceTimes, groups_of
from soundclone.jobs.render import assemble_takes
from soundclone.jobs.runner import Job, Pools
from soundclone.storage import Storage
from soundclone.synthesis.concatenation import LEAD, TAIL
from soundclone.synthesis.room_tone import room_tone
from soundclone.text.script import Sentence
from soundclone.text.subtitles import Spoken
from tests import rows

LEADING, TRAILING = round(LEAD * TAKE_RATE), round(TAIL * TAKE_RATE)
SPEECH = 1.0  # seconds of each take


@dataclass(frozen=True)
class Studio:
    """A job that renders, and the takes of its project."""

    job: Job
    takes: dict[str, Samples]

    def render(self, *pieces: Piece, gap: float | None = None) -> tuple[TaskResult, Samples]:
        """The result, and the samples of the file."""
        record = assemble_takes(
            self.job, RenderRequest.from_json(self.job.task.params), Plan(pieces, gap)
        )
        result = TaskResult.recorded(record)
        with wave.open(io.BytesIO(self.job.storage.get(result.audio))) as file:
            assert (file.getframerate(), file.getnchannels()) == (TAKE_RATE, 1)
            whole = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        return result, (whole / np.float32(32767)).astype(np.float32)

    def read(self, key: str | None) -> str:
        assert key is not None
        return self.job.storage.get(key).decode()


def a_take(job: Job, account: str, task_id: str, text: str, seed: int) -> Samples:
    """Store the task and the files of a take of noise."""
    request = SpeechRequest(
        text, SoundVersion.V1, "builtin", "English", options=SpeechOptions(times=True)
    )
    noise = np.random.default_rng(seed).uniform(-0.3, 0.3, round(SPEECH * TAKE_RATE))
    samples = np.concatenate([np.zeros(LEADING), noise, np.zeros(TRAILING)]).astype(np.float32)
    audio, times = files.result(task_id, "flac"), files.result(task_id, "times.json")
    path = job.settings.data_dir / f"{task_id}.flac"
    with encode.Encoder(
        path, "flac", sample_rate_in=TAKE_RATE, sample_rate=TAKE_RATE, tags=encode.SYNTHETIC
    ) as encoder:
        encoder.write(samples)
    job.storage.put_file(audio, path)
    (sentence,) = (p for g in groups_of(text) for p in g if isinstance(p, Sentence))
    word = Word(sentence.text[:4], 0.0, 0.4, 0, 4)
    spoken = SentenceTimes.of(Spoken(sentence, LEAD, LEAD + SPEECH, (word,)))
    job.storage.put(times, json.dumps([[spoken.start, spoken.end, spoken.words]]).encode())
    result = TaskResult(audio, 1.35, "builtin", "English", ("English",), times=times)
    with job.database.transaction() as session:
        session.add(
            Task(
                id=task_id,
                kind="audio",
                status="completed",
                account_id=account,
                key_id="key_1",
                voice_id="model_" + "0" * 32,
                params=request.to_json(),
                characters=len(text),
                cost=1,
                turn=1,
                request_hash="",
                result=result.to_json(),
                created_at=time.time(),
            )
        )
    read, _ = encode.read_flac(job.storage.get(audio))
    return read


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    options = SpeechOptions(format=AudioFormat.WAV, subtitles=SubtitleUnit.SENTENCE)
    request = RenderRequest("proj_1", "Book", options)
    settings = Settings(data_dir=tmp_path)
    database = Database(f"sqlite:///{tmp_path}/database")
    migrate.upgrade(database)
    with database.transaction() as session:
        account = ledger.open_account(session, "test").id
        session.add(
            Key(
                id="key_1",
                account_id=account,
                name="",
                display="",
                hash="",
                scopes="",
                created_at=0.0,
            )
        )
        session.add(rows.voice(account))
    recognizer = Recognizer(settings)
    job = Job(
        Task(
            id="audio_9",
            kind=request.kind,
            account_id=account,
            params=request.to_json(),
            voice_id="",
        ),
        settings,
        database,
        Storage.open((tmp_path / "store").as_uri(), [b"x" * 32]),
        InstalledEngines(settings, recognizer),
        recognizer,
        "worker_1",
        Pools.of(settings),
        stopping=threading.Event(),
        halted=threading.Event(),
    )
    job.run.recorded = math.inf  # the task has no row for its progress
    texts = {"audio_1": "Loomings.", "audio_2": "Call me Ishmael.", "audio_3": "Some years ago."}
    takes = {
        task_id: a_take(job, account, task_id, text, seed)
        for seed, (task_id, text) in enumerate(texts.items())
    }
    return Studio(job, takes)


def in_16_bits(samples: Samples) -> Samples:
    """Samples as a file of 16 bits has them."""
    return (np.round(samples * 32767) / np.float32(32767)).astype(np.float32)


def test_the_file_is_the_concatenation_of_its_takes(studio: Studio) -> None:
    result, samples = studio.render(
        Piece("b1", "audio_1", title="Loomings"), Piece("b2", "audio_2"), Piece("b3", "audio_3")
    )
    expected = np.concatenate(list(studio.takes.values()))
    assert np.array_equal(samples, in_16_bits(expected))
    assert result.seconds == round(len(expected) / TAKE_RATE, 3)


def test_pauses_and_gaps_have_their_exact_length(studio: Studio) -> None:
    first, second, third = studio.takes.values()
    _, samples = studio.render(
        Piece("b1", "audio_1"),
        Piece("p", seconds=0.5),
        Piece("b2", "audio_2"),
        Piece("b3", "audio_3"),
    )
    pause = room_tone(round(0.5 * TAKE_RATE), TAKE_RATE, 0)
    expected = np.concatenate([first[:-TRAILING], pause, second[LEADING:], third])
    assert np.array_equal(samples, in_16_bits(expected))
    _, samples = studio.render(Piece("b1", "audio_1"), Piece("b2", "audio_2"), gap=0.2)
    pause = room_tone(round(0.2 * TAKE_RATE), TAKE_RATE, 0)
    expected = np.concatenate([first[:-TRAILING], pause, second[LEADING:]])
    assert np.array_equal(samples, in_16_bits(expected))


def test_subtitles_chapters_and_timeline_fit(studio: Studio) -> None:
    result, samples = studio.render(
        Piece("b1", "audio_1", title="Loomings"),
        Piece("p", seconds=1.0),
        Piece("b2", "audio_2", title="The Carpet-Bag"),
        Piece("b3", "audio_3"),
    )
    cues = json.loads(studio.read(result.subtitles_json))
    starts = [LEAD, LEAD + SPEECH + 1.0, LEAD + SPEECH + 1.0 + SPEECH + TAIL + LEAD]
    assert [(cue["start"], cue["end"]) for cue in cues] == [
        (round(1000 * start), round(1000 * (start + SPEECH))) for start in starts
    ]
    assert [(cue["block"], cue["text"], cue["offset"]) for cue in cues] == [
        ("b1", "Loomings.", 0),
        ("b2", "Call me Ishmael.", 0),
        ("b3", "Some years ago.", 0),
    ]
    for cue in cues:  # each is heard from its start to its end, and not before
        start, end = (round(cue[side] * TAKE_RATE / 1000) for side in ("start", "end"))
        assert np.abs(samples[start : start + 50]).max() > 0.05
        assert np.abs(samples[end - 50 : end]).max() > 0.05
        assert np.abs(samples[max(0, start - 500) : start - 50]).max() < 0.01
    assert "00:00:02,100 --> 00:00:03" in studio.read(result.subtitles)
    assert studio.read(result.subtitles_vtt).startswith("WEBVTT\n")
    assert result.chapters is not None
    assert [(each.title, each.start) for each in result.chapters] == [
        ("Loomings", 0.0),
        ("The Carpet-Bag", LEAD + SPEECH + 1.0),
    ]
    timeline = json.loads(studio.read(result.timeline))
    assert [(each["block"], each["task"], each["start"]) for each in timeline] == [
        ("b1", "audio_1", 0),
        ("p", None, 1100),
        ("b2", "audio_2", 2100),
        ("b3", "audio_3", 3350),
    ]
    assert timeline[-1]["end"] == round(1000 * len(samples) / TAKE_RATE)
    assert set(result.files) == {
        *(files.result("audio_9", each) for each in ("wav", "srt", "vtt", "json", "timeline.json"))
    }
    entry = provenance.sealed(studio.job)
    assert entry is not None
    assert (entry.seconds, len(entry.fingerprint)) == (result.seconds, 0)


def test_a_render_has_the_loudness_of_its_target(studio: Studio) -> None:
    studio.job.task.params = {**studio.job.task.params, "loudness": "broadcast"}
    pieces = [Piece(f"block_{take}", take) for take in studio.takes]
    result, whole = studio.render(*pieces)
    assert len(whole) == sum(map(len, studio.takes.values()))
    assert loudness(whole, TAKE_RATE) == pytest.approx(-23.0, abs=0.15)
    assert np.abs(whole).max() <= 10 ** (-1 / 20)
    assert result.seconds == pytest.approx(len(whole) / TAKE_RATE, abs=0.001)


def test_the_progress_counts_the_measurement_of_the_loudness(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[int] = []
    monkeypatch.setattr(Job, "report", lambda _, progress: reported.append(progress))
    pieces = [Piece(f"block_{take}", take) for take in list(studio.takes)[:2]]
    studio.render(*pieces)
    assert reported == [48, 95]
    reported.clear()
    studio.job.task.params = {**studio.job.task.params, "loudness": "audiobook"}
    studio.render(*pieces)
    assert reported == [10, 20, 30, 40, 68, 95]


def test_a_lost_take_fails_the_render(studio: Studio) -> None:
    with pytest.raises(InternalError, match="deleted meanwhile"):
        studio.render(Piece("b1", "audio_7"))


def test_a_take_keeps_its_own_pauses(studio: Studio) -> None:
    account = studio.job.task.account_id
    text = "<#0.5#> Wait."
    path = files.result("audio_4", "flac")
    a_take(studio.job, account, "audio_4", text, 4)
    silent = np.zeros(round(0.5 * TAKE_RATE), np.float32)
    noise = studio.takes["audio_1"][LEADING:-TRAILING]
    whole = np.concatenate([silent, noise, np.zeros(TRAILING, np.float32)])
    target = studio.job.settings.data_dir / "own.flac"
    with encode.Encoder(target, "flac", sample_rate_in=TAKE_RATE, sample_rate=TAKE_RATE) as encoder:
        encoder.write(whole)
    studio.job.storage.put_file(path, target)
    _, samples = studio.render(Piece("p", seconds=1.0), Piece("b4", "audio_4"))
    pause = room_tone(TAKE_RATE, TAKE_RATE, 0)
    assert np.array_equal(samples, in_16_bits(np.concatenate([pause, whole])))
