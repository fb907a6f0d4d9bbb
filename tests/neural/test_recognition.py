"""Speech recognition through the real packages, by a model that knows nothing."""

from __future__ import annotations

import json
import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from soundclone.asr import recognition
from soundclone.asr.recognition import Recognizer
from soundclone.config import Settings
from soundclone.engines.protocol import Controls, EngineInfo, Reference, Speech, Voice
from soundclone.errors import EngineUnavailable, SynthesisError
from soundclone.synthesis.allowance import Allowance
from soundclone.synthesis.sentence import SentenceSynthesizer
from soundclone.text.languages import LANGUAGES
from soundclone.text.script import Sentence
from soundclone.weights import store
from soundclone.weights.catalogue import MANIFEST

from . import tiny_whisper

RATE = 24_000
TEXT = "The ferry to the islands leaves at nine tomorrow morning."


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_whisper.make(tmp_path_factory.mktemp("whisper") / "made")


@pytest.fixture
def models(made: Path, tmp_path: Path) -> Path:
    store.adopt(tmp_path, "asr-small", made)
    return tmp_path


@pytest.fixture
def recognizer(models: Path) -> Recognizer:
    return recognizer_of(models)


def recognizer_of(models: Path, **changes: Any) -> Recognizer:
    return Recognizer(Settings(models_dir=models, device="cpu", **changes))


@pytest.fixture(autouse=True)
def _nothing_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("it reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def noise(seconds: float, rate: int = RATE, seed: int = 0) -> NDArray[np.float32]:
    samples = np.random.default_rng(seed).standard_normal(round(seconds * rate))
    return (samples / 10).astype(np.float32)


def silence(seconds: float, rate: int = RATE) -> NDArray[np.float32]:
    return np.zeros(round(seconds * rate), np.float32)


def damaged(models: Path, file: str, content: bytes | None) -> None:
    """Put other content in a file's place, and let the manifest agree."""
    source = models.parent / f"{models.name}-damaged"
    shutil.copytree(models / "asr-small", source)
    if content is None:
        (source / file).unlink()
    else:
        (source / file).write_bytes(content)
    (source / MANIFEST).unlink()
    shutil.rmtree(models / "asr-small")
    store.adopt(models, "asr-small", source)


def test_a_transcript_has_words_in_order_and_within_the_audio(recognizer: Recognizer) -> None:
    assert recognizer.unusable() is None
    heard = recognizer.transcribe(noise(3), RATE, "English")
    assert heard.language == "en"
    assert heard.words
    assert " ".join(word.text for word in heard.words) == heard.text
    for word in heard.words:
        assert 0 <= word.start <= word.end <= 3
        assert 0 <= word.probability <= 1
    for word, following in pairwise(heard.words):
        assert word.start <= following.start


def test_a_loaded_model_is_used_without_a_look_at_its_files(
    recognizer: Recognizer, models: Path
) -> None:
    first = recognizer.transcribe(noise(1), RATE, "English")
    shutil.rmtree(models / "asr-small")
    assert recognizer.unusable() is None
    assert recognizer.transcribe(noise(1), RATE, "English") == first


def test_the_same_samples_give_the_same_transcript(recognizer: Recognizer) -> None:
    first = recognizer.transcribe(noise(2), RATE, "German")
    recognizer.close()
    assert recognizer.transcribe(noise(2), RATE, "German") == first


def test_silence_has_no_words(recognizer: Recognizer) -> None:
    for samples in (silence(0), silence(1), silence(40), noise(0.001)):
        assert recognizer.transcribe(samples, RATE, "English").words == ()


def test_silence_around_is_not_heard(recognizer: Recognizer) -> None:
    around = np.concatenate([silence(5), noise(2), silence(20)])
    heard = recognizer.transcribe(around, RATE, "English")
    assert all(4.7 <= word.start <= word.end <= 7.3 for word in heard.words)


def test_a_long_recording_is_heard_in_windows(recognizer: Recognizer) -> None:
    samples = np.concatenate([noise(27), silence(0.4), noise(27, seed=1), silence(0.4), noise(9)])
    heard = recognizer.transcribe(samples, RATE, "English")
    starts = [word.start for word in heard.words]
    assert starts == sorted(starts)
    assert heard.words[-1].end <= 64
    assert any(27 <= start <= 28 for start in starts), "a window begins in the pause"


def test_rates(recognizer: Recognizer) -> None:
    for rate in (8_000, 16_000, 44_100, 48_000):
        assert recognizer.transcribe(noise(1, rate), rate, "English").words


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_language_is_told_to_the_model(recognizer: Recognizer, name: str) -> None:
    from faster_whisper.tokenizer import _LANGUAGE_CODES

    assert recognition.code(name) in _LANGUAGE_CODES
    heard = recognizer.transcribe(noise(0.3), RATE, name)
    assert heard.language == ("zh" if name == "Chinese,Yue" else recognition.code(name))


def test_cantonese_where_the_model_has_it(models: Path) -> None:
    made = tiny_whisper.make(models.parent / f"{models.name}-made", cantonese=True)
    store.adopt(models, "asr-large-v3-turbo", made)
    recognizer = recognizer_of(models, asr_model="asr-large-v3-turbo")
    assert recognizer.transcribe(noise(0.5), RATE, "Chinese,Yue").language == "yue"


def test_many_threads_share_one_model(recognizer: Recognizer) -> None:
    alone = recognizer.transcribe(noise(1), RATE, "English")
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(recognizer.transcribe, noise(1), RATE, "English") for _ in range(6)]
    assert {future.result() for future in futures} == {alone}


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("model.bin", b""),
        ("model.bin", b"PK\x03\x04 this is an archive"),
        ("model.bin", "half"),
        ("config.json", b"{"),
        ("vocabulary.json", b"[]"),
        ("tokenizer.json", b"{}"),
        ("tokenizer.json", b'{"model": {"type": "BPE", "vocab": {}, "merges": []}}'),
        ("tokenizer.json", b"\xff\xfe"),
        ("preprocessor_config.json", b'{"feature_size": 128}'),
        ("preprocessor_config.json", b'{"feature_size": "many"}'),
    ],
)  # fmt: skip
def test_weights_that_are_no_whisper(
    recognizer: Recognizer, models: Path, file: str, content: Any
) -> None:
    if content == "half":
        whole = (models / "asr-small" / file).read_bytes()
        content = whole[: len(whole) // 2]
    damaged(models, file, content)
    with pytest.raises(
        EngineUnavailable, match=r"speech recognition (cannot load|failed)"
    ) as error:
        recognizer.transcribe(noise(0.5), RATE, "English")
    assert not error.value.message.endswith(".")


def test_a_model_that_cannot_be_loaded_is_not_tried_again(
    recognizer: Recognizer, models: Path, made: Path
) -> None:
    damaged(models, "model.bin", b"nonsense")
    assert recognizer.unusable() is None, "it is not looked into before it is needed"
    with pytest.raises(EngineUnavailable):
        recognizer.transcribe(noise(0.5), RATE, "English")
    assert "soundclone models verify asr-small" in (recognizer.unusable() or "")
    shutil.rmtree(models / "asr-small")
    assert "soundclone models pull asr-small" in (recognizer.unusable() or "")
    store.adopt(models, "asr-small", made)
    assert recognizer.unusable() is None
    assert recognizer.transcribe(noise(0.5), RATE, "English").words


def test_tampered_weights_are_not_read(recognizer: Recognizer, models: Path, made: Path) -> None:
    path = models / "asr-small" / "model.bin"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(EngineUnavailable, match=r"model\.bin is damaged \(not what it was\)"):
        recognizer.transcribe(noise(0.5), RATE, "English")
    path.write_bytes(content)
    assert recognizer.transcribe(noise(0.5), RATE, "English").words


def test_a_model_without_word_times(recognizer: Recognizer, models: Path) -> None:
    config = json.loads((models / "asr-small" / "config.json").read_text())
    del config["alignment_heads"]
    damaged(models, "config.json", json.dumps(config).encode())
    with pytest.raises(EngineUnavailable, match=r"failed on the cpu .*; SOUNDCLONE_ASR=off"):
        recognizer.transcribe(noise(0.5), RATE, "English")


def test_weights_that_are_not_there(recognizer: Recognizer, models: Path) -> None:
    absent = recognizer_of(models, asr_model="asr-tiny")
    assert "soundclone models pull asr-tiny" in (absent.unusable() or "")
    with pytest.raises(EngineUnavailable, match="asr-tiny"):
        absent.transcribe(noise(0.5), RATE, "English")
    assert "recognises no speech" in (recognizer_of(models, asr_model="pocket").unusable() or "")
    (models / "asr-small" / "model.bin").write_bytes(b"cut")
    assert "model.bin" in (recognizer.unusable() or "")


# What becomes of a sentence


class Babbler:
    """Says noise; `seeded`, so that it is checked."""

    concurrent = True

    def __init__(self, *, seeded: bool) -> None:
        self.info = EngineInfo("babbler", "1", "", frozenset(LANGUAGES), RATE, seeded=seeded)
        self.seeds: list[int] = []

    def unusable(self) -> str | None:
        return None

    def warm(self) -> None: ...

    def close(self) -> None: ...

    def clone(self, reference: Reference, language: str) -> Voice:
        raise NotImplementedError

    def speak(self, voice: Voice, sentence: str, controls: Controls) -> Speech:
        self.seeds.append(controls.seed)
        return Speech(noise(4, seed=controls.seed), RATE)


class OneVoice:
    def voice_for(self, language: str) -> Voice:
        return Voice("babbler", "1", b"")


def said(engine: Babbler, recognizer: Recognizer) -> Speech:
    synthesizer = SentenceSynthesizer(
        engine, OneVoice(), Controls("English"), Allowance(1000), recognizer=recognizer
    )
    return synthesizer.synthesize(Sentence(TEXT, 0))


def test_a_sentence_that_was_not_said_is_tried_again_and_refused(recognizer: Recognizer) -> None:
    engine = Babbler(seeded=True)
    with pytest.raises(SynthesisError, match=r"recognised .*; another wording may help") as error:
        said(engine, recognizer)
    assert len(set(engine.seeds)) == 3
    assert "ferry" not in error.value.logged


def test_an_engine_that_has_no_seeds_is_not_checked_but_timed(recognizer: Recognizer) -> None:
    speech = said(Babbler(seeded=False), recognizer)
    assert [word.text for word in speech.words] == TEXT.rstrip(".").split()
    assert 0 <= speech.words[0].start <= speech.words[-1].end <= 4


def test_speech_stays_as_it_is_without_recognition(models: Path) -> None:
    damaged(models, "model.bin", b"nonsense")
    for setting in ("auto", "off"):
        recognizer = recognizer_of(models, asr=setting)
        speech = said(Babbler(seeded=True), recognizer)
        assert speech.words == ()
