from __future__ import annotations

import hashlib
import io
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import cast

import c2pa
import numpy as np
import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from soundclone.asr.recognition import Recognizer
from soundclone.audio import encode, loudness
from soundclone.audio.decode import decode
from soundclone.audio.samples import Samples
from soundclone.audio.watermark import detect_both
from soundclone.config import Settings
from soundclone.core import files, watermarks
from soundclone.core.requests import (
    AudioFormat,
    SoundVersion,
    SpeechOptions,
    SpeechRequest,
    SubtitleUnit,
    TaskResult,
)
from soundclone.db import migrate
from soundclone.db.models import Task
from soundclone.db.session import Database
from soundclone.engines.builtin import BuiltinEngine
from soundclone.engines.protocol import Controls, EngineInfo, Speech, Voice
from soundclone.engines.registry import InstalledEngines
from soundclone.errors import SynthesisError, Unavailable
from soundclone.jobs import provenance
from soundclone.jobs.chunks import Chunk, groups_of, request_groups, speak_chunk, speaker_of
from soundclone.jobs.runner import Job, Pools
from soundclone.jobs.slots import Slots
from soundclone.jobs.speak import speak
from soundclone.jobs.stream import Sender, first_due
from soundclone.jobs.voices import VoiceRef
from soundclone.storage import Storage
from soundclone.text import script
from soundclone.text.ssml import Turn

RATE = 24_000
TEXT = "The first sentence of them. Then one more is said. <#0.5#> And that is the last one of all."


def a_job(folder: Path, form: str, watermark: bool = True) -> Job:
    options = SpeechOptions(format=AudioFormat(form), opening=25)
    request = SpeechRequest(TEXT, SoundVersion.V1, "builtin", "English", options=options)
    task = Task(id="audio_1", kind=request.kind, params=request.to_json(), voice_id="model_1")
    task.account_id, task.created_at = "account_1", time.time()
    settings = Settings(data_dir=folder, watermark=watermark)
    database = Database(f"sqlite:///{folder}/database")
    migrate.upgrade(database)
    recognizer = Recognizer(settings)
    return Job(
        task,
        settings,
        database,
        Storage.open(folder.as_uri(), [b"x" * 32]),
        InstalledEngines(settings, recognizer),
        recognizer,
        "worker_1",
        Pools.of(settings),
        stopping=threading.Event(),
        halted=threading.Event(),
    )


def a_sender(job: Job) -> Sender:
    return Sender(job, SpeechRequest.from_json(job.task.params))


def spoken(job: Job) -> list[Chunk]:
    chunks = []
    for index, _ in enumerate(groups_of(TEXT, 25)):
        level = 0.05 * (index + 1)
        noise = np.random.default_rng(index).standard_normal((2 + index) * RATE) * level
        samples = noise.astype(np.float32)
        key = files.chunk("audio_1", index)
        job.storage.put(key, encode.pack(samples, RATE))
        chunks.append(Chunk(key, 1, len(samples), RATE, loudness.loudness(samples, RATE), ()))
    return chunks


@pytest.mark.parametrize("form", encode.STREAMS)
def test_who_takes_over_goes_on_with_the_same_bytes(tmp_path: Path, form: str) -> None:
    job = a_job(tmp_path, form)
    chunks = spoken(job)
    assert len(chunks) == 3
    first, parts = a_sender(job), []
    for index in range(3):
        first.send(index, chunks[: index + 1])
        parts.append(job.storage.get(files.part("audio_1", index)))
    result = first.finish("English", chunks)
    whole = job.storage.get(result["audio"])
    assert whole.startswith(b"".join(parts))
    assert all(parts)

    # Another worker, after the first part was sent.
    second = a_sender(job)
    for index in (1, 2):
        job.storage.delete(files.part("audio_1", index))
        second.send(index, chunks[: index + 1])
        second.send(index, chunks[: index + 1])
        assert job.storage.get(files.part("audio_1", index)) == parts[index]
    assert job.storage.get(second.finish("English", chunks)["audio"]) == whole
    # One that finds everything said.
    assert job.storage.get(a_sender(job).finish("English", chunks)["audio"]) == whole

    if form not in ("pcm", "ulaw", "alaw"):
        path = tmp_path / "file"
        path.write_bytes(whole)
        assert decode(path).seconds == pytest.approx(result["seconds"], abs=0.1)


@pytest.mark.parametrize("form", encode.STREAMS)
def test_the_first_second_is_stored_before_the_rest_of_its_part(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = a_job(tmp_path, form)
    chunks, stored, opening = spoken(job), list[str](), files.opening("audio_1")
    put = job.storage.put

    def noted(key: str, data: bytes) -> None:
        stored.append(key)
        put(key, data)

    monkeypatch.setattr(job.storage, "put", noted)
    a_sender(job).send(0, chunks[:1])
    part = job.storage.get(files.part("audio_1", 0))
    assert stored == [opening, files.part("audio_1", 0)]
    begun = job.storage.get(opening)
    assert part.startswith(begun)
    assert 0.3 * len(part) < len(begun) < 0.9 * len(part)
    # A worker that takes over stores the same bytes.
    a_sender(job).send(1, chunks[:2])
    assert job.storage.get(opening) == begun


def test_a_listener_who_hears_something_lets_one_go_first_who_hears_nothing(
    tmp_path: Path,
) -> None:
    job = a_job(tmp_path, "mp3")
    job = replace(job, pools=replace(job.pools, compute=Slots(1)))
    account, compute = job.task.account_id, job.pools.compute
    chunks = spoken(job)
    job.set_due(time.monotonic())
    due = job.run.due
    found: list[tuple[bool, bool]] = []

    def silent() -> None:
        with compute.hold(account, due=due + 0.05):
            keys = files.opening("audio_1"), files.part("audio_1", 0)
            first, second = (job.storage.size(key) is not None for key in keys)
            found.append((first, second))

    with compute.hold(account, due=due) as place:
        job.run.place = place
        other = threading.Thread(target=silent)
        other.start()
        time.sleep(0.3)  # longer than the least time that a place is kept
        assert not found
        a_sender(job).send(0, chunks[:1])
    other.join()
    assert found == [(True, False)]
    assert job.storage.size(files.part("audio_1", 0))


def test_the_next_step_of_a_stream_is_due_before_its_listener_has_to_wait(tmp_path: Path) -> None:
    job = a_job(tmp_path, "mp3")
    job.task.created_at = time.time() - 0.5
    before = time.monotonic()
    begins = first_due(job) + 1 + 0.5 - job.settings.stream_wait
    assert before - 0.1 <= begins <= time.monotonic() + 0.1
    chunks, sender = spoken(job), a_sender(job)
    begun, due = time.monotonic(), []
    for index in range(3):
        sender.send(index, chunks[: index + 1])
        due.append(job.run.due)
    seconds = np.cumsum([chunk.samples / RATE for chunk in chunks])
    assert due[0] >= begun + seconds[0] - 1
    assert np.diff(due) == pytest.approx(np.diff(seconds), abs=0.01)


def test_times_of_words_come_with_the_whole_first_part(tmp_path: Path) -> None:
    job = a_job(tmp_path, "mp3")
    request = SpeechRequest.from_json(job.task.params)
    options = replace(request.options, subtitles=SubtitleUnit.WORD)
    chunks = [replace(chunk, spoken=()) for chunk in spoken(job)]
    sender = Sender(job, replace(request, options=options))
    sender._spoken = lambda *_: []  # type: ignore[method-assign]
    sender.send(0, chunks[:1])
    assert job.storage.size(files.part("audio_1", 0))
    assert job.storage.size(files.opening("audio_1")) is None


def test_the_first_part_is_stored_although_its_beginning_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = a_job(tmp_path, "mp3")
    chunks, put = spoken(job), job.storage.put
    a_sender(job).send(0, chunks[:1])
    part = job.storage.get(files.part("audio_1", 0))

    def fails(key: str, data: bytes) -> None:
        if key == files.opening("audio_1"):
            raise Unavailable("the disk is full")
        put(key, data)

    monkeypatch.setattr(job.storage, "put", fails)
    a_sender(job).send(0, chunks[:1])
    assert job.storage.get(files.part("audio_1", 0)) == part


def streamed(job: Job, path: Path) -> tuple[Samples, int]:
    """Return the samples and the sample rate of a stream."""
    chunks, sender = spoken(job), a_sender(job)
    for index in range(3):
        sender.send(index, chunks[: index + 1])
    path.write_bytes(job.storage.get(sender.finish("English", chunks)["audio"]))
    decoded = decode(path)
    return decoded.samples, decoded.sample_rate


def test_a_second_voice_is_as_loud_as_the_first(tmp_path: Path) -> None:
    job = a_job(tmp_path, "wav", watermark=False)
    request = SpeechRequest.from_json(job.task.params)
    second = Turn(TEXT.index("Then"), "model_2")
    request = replace(request, turns=(second, Turn(TEXT.index("And"), None)))
    voices = [speaker_of(request, group) for group in request_groups(request)]
    assert voices == [None, "model_2", None]
    # Two voices differ by more than the drift of one voice that is corrected.
    first, other, last = spoken(job)
    quiet = encode.unpack(job.storage.get(other.key))[0] * np.float32(0.1)
    job.storage.put(other.key, encode.pack(quiet, RATE))
    other = replace(other, loudness=other.loudness - 20, voice_id="model_2")
    chunks, sender = [first, other, last], Sender(job, request)
    for index in range(3):
        sender.send(index, chunks[: index + 1])
    path = tmp_path / "file"
    path.write_bytes(job.storage.get(sender.finish("English", chunks)["audio"]))
    decoded = decode(path)
    samples, rate = decoded.samples, decoded.sample_rate
    levels = [
        loudness.loudness(samples[round(start * rate) : round(end * rate)], rate)
        for start, end in ((0.2, 2.0), (2.2, 5.0))
    ]
    assert levels == pytest.approx([loudness.TARGET] * 2, abs=1.0)


def test_streams_are_marked(tmp_path: Path) -> None:
    job = a_job(tmp_path, "mp3")
    samples, rate = streamed(job, tmp_path / "file")
    with job.database.transaction() as session:
        secret = watermarks.secret(session)
        payload = watermarks.payload(session, "audio_1")
        assert watermarks.tasks(session, payload) == ["audio_1"]
    marks = detect_both(samples, rate, secret)
    assert marks.public.found
    assert marks.secret is not None
    assert marks.secret.payload == payload
    assert marks.secret.stretches[0][0] < 1, "from the first second"


def test_watermark_is_a_setting(tmp_path: Path) -> None:
    job = a_job(tmp_path, "mp3", watermark=False)
    samples, rate = streamed(job, tmp_path / "file")
    assert not detect_both(samples, rate, None).public.found
    with job.database.transaction() as session:
        assert watermarks.secret(session) is None


def test_a_store_that_was_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = a_job(tmp_path, "mp3")
    chunks = spoken(job)
    sender = a_sender(job)
    sender.send(0, chunks[:1])
    first = job.storage.get(files.part("audio_1", 0))
    job.storage.delete(files.part("audio_1", 0))
    folder = tmp_path / "work"
    folder.rename(tmp_path / "away")
    folder.write_text("no folder")
    with pytest.raises(Unavailable):
        sender.send(0, chunks[:1])
    folder.unlink()
    (tmp_path / "away").rename(folder)
    sender.send(0, chunks[:1])
    assert job.storage.get(files.part("audio_1", 0)) == first


def test_an_engine_that_is_busy_is_not_waited_for_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BuiltinEngine, "concurrent", False)
    job = a_job(tmp_path, "mp3")
    sender, chunks, done = (
        a_sender(job),
        spoken(job),
        threading.Event(),
    )

    def finish() -> None:
        for index in range(len(chunks)):
            sender.send(index, chunks[: index + 1])
        sender.finish("English", chunks)
        done.set()

    thread = threading.Thread(target=finish)
    with job.pools.compute.hold("acct_other") as place, place.using("builtin"):
        thread.start()
        finished = done.wait(300)
    thread.join()
    assert finished


def test_all_chunks_are_about_as_loud(tmp_path: Path) -> None:
    job = a_job(tmp_path, "wav")
    chunks = spoken(job)
    sender = a_sender(job)
    for index in range(3):
        sender.send(index, chunks[: index + 1])
    path = tmp_path / "file"
    path.write_bytes(job.storage.get(sender.finish("English", chunks)["audio"]))
    samples = decode(path).samples
    assert loudness.loudness(samples, 44_100) == pytest.approx(loudness.TARGET, abs=2)
    start = loudness.loudness(samples[: 2 * 44_100], 44_100)
    assert start == pytest.approx(loudness.TARGET, abs=0.5)


def test_the_first_sentence_is_a_group() -> None:
    text = "One short sentence is here. " * 40
    groups = script.chunks(script.parse(text), opening=25)
    sizes = [
        sum(len(piece.text) for piece in group if isinstance(piece, script.Sentence))
        for group in groups
    ]
    assert sizes[0] == 27
    assert max(sizes) <= 400
    assert sizes[:5] == [27, 27, 81, 189, 378]
    assert [piece for group in groups for piece in group] == list(script.parse(text).pieces)


@pytest.mark.parametrize("form", ["mp3", "pcm", "ulaw", "alaw", "ulaw_wav"])
def test_a_stream_has_a_sidecar_and_a_register_entry(tmp_path: Path, form: str) -> None:
    job = a_job(tmp_path, form)
    chunks = spoken(job)
    sender = a_sender(job)
    for index in range(3):
        sender.send(index, chunks[: index + 1])
    result = TaskResult.recorded(sender.finish("English", chunks))
    assert result.credentials == "results/audio_1/speech.c2pa"
    stored = job.storage.get(result.audio)
    manifest = job.storage.get(result.credentials)
    with c2pa.Reader("application/octet-stream", io.BytesIO(stored), manifest) as reader:
        assert reader.get_validation_state() == "Valid"
    entry = provenance.sealed(job)
    assert entry is not None
    assert entry.sha256 == hashlib.sha256(stored).hexdigest()
    assert entry.seconds == pytest.approx(result.seconds, abs=0.1)
    assert len(entry.fingerprint) > 50


class Counting:
    """Engine that remembers its sentences, and the list of engines that has it alone."""

    info = EngineInfo("counting", "1", "MIT", frozenset({"English"}), RATE)
    concurrent = True

    def __init__(self) -> None:
        self.spoken: list[str] = []

    def usable(self, name: str) -> Counting:
        return self

    def speak(self, voice: Voice, sentence: str, controls: Controls) -> Speech:
        self.spoken.append(sentence)
        noise = np.random.default_rng(1).standard_normal(RATE) * 0.1
        return Speech(noise.astype(np.float32), RATE)


def test_a_sentence_is_spoken_once_while_the_store_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Counting()
    job = replace(a_job(tmp_path, "mp3"), engines=cast(InstalledEngines, engine))
    job.task.characters = 6
    voice = files.voice(job.task.voice_id, "counting", "1")
    job.storage.put(voice, b"voice")
    put, left = job.storage.put, [Unavailable("the disk is full")] * 2

    def fails(key: str, data: bytes) -> None:
        if left:
            raise left.pop()
        put(key, data)

    monkeypatch.setattr(job.storage, "put", fails)
    request = SpeechRequest("Hello.", SoundVersion.V1, "counting", "English")
    record = speak_chunk(job, request, VoiceRef("counting", "1", "MIT", voice), "English", 0, 0.0)
    assert engine.spoken == ["Hello."]
    assert job.storage.size(record["key"])


def test_a_stop_ends_the_wait_for_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = a_job(tmp_path, "mp3")

    def fails(key: str, data: bytes) -> None:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(job.storage, "put", fails)
    job.stopping.set()
    with pytest.raises(Unavailable):
        job.store(files.chunk("audio_1", 0), b"")


def test_a_database_that_is_away_at_the_start_fails_no_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = a_job(tmp_path, "mp3")
    opened, away = job.database._sessions, [OperationalError("SELECT 1", {}, Exception())]

    def sessions() -> Session:
        if away:
            raise away.pop()
        return opened()

    monkeypatch.setattr(job.database, "_sessions", sessions)
    with pytest.raises(SynthesisError, match="no longer kept"):  # there is no voice
        speak(job)
    assert not away
