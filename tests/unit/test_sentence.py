"""The steps that speak a sentence, with an engine that records its calls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from soundclone.engines.protocol import Controls, EngineInfo, Reference, Speech, Voice, Word
from soundclone.errors import SynthesisError
from soundclone.synthesis.allowance import Allowance
from soundclone.synthesis.sentence import SentenceSynthesizer
from soundclone.text.ipa import Transcription
from soundclone.text.pronunciation import Entry
from soundclone.text.script import Sentence

RATE = 24_000


class Engine:
    """Speaks a second of tone, after a number of silent attempts."""

    concurrent = True

    def __init__(self, silent: int = 0, *, seeded: bool = True) -> None:
        languages = frozenset({"English", "Chinese"})
        self.info = EngineInfo("tone", "1", "", languages, RATE, seeded=seeded)
        self.silent = silent
        self.calls: list[tuple[str, Voice, Controls]] = []

    def unusable(self) -> str | None:
        return None

    def warm(self) -> None: ...

    def close(self) -> None: ...

    def clone(self, reference: Reference, language: str) -> Voice:
        raise NotImplementedError

    def speak(self, voice: Voice, sentence: str, controls: Controls) -> Speech:
        self.calls.append((sentence, voice, controls))
        tone = 0.3 * np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE).astype(np.float32)
        if len(self.calls) <= self.silent:
            tone *= 0
        return Speech(tone, RATE, (Word(sentence, 0.0, 1.0, 0, len(sentence)),))


class Voices:
    def voice_for(self, language: str) -> Voice:
        return Voice("tone", "1", language.encode())


def synthesizer(engine: Engine, allowance: Allowance | None = None) -> SentenceSynthesizer:
    controls = Controls("English", seed=7)
    allowance = allowance or Allowance(1000)
    return SentenceSynthesizer(engine, Voices(), controls, allowance, languages={9: "Chinese"})


def test_each_part_has_its_language_and_voice() -> None:
    engine = Engine()
    speech = synthesizer(engine).synthesize(Sentence("The word 你好 costs €5.", 0))
    assert [(text, voice.data, given.language) for text, voice, given in engine.calls] == [
        ("The word", b"English", "English"),
        ("你好", b"Chinese", "Chinese"),
        ("costs 5 euros.", b"English", "English"),
    ]
    assert [word.text for word in speech.words] == ["The word", "你好", "costs €5."]


def test_a_sentence_may_be_in_another_language_than_the_text() -> None:
    engine = Engine()
    synthesizer(engine).synthesize(Sentence("你好吗?", 9))
    ((_, _, controls),) = engine.calls
    assert controls.language == "Chinese"


@pytest.mark.parametrize("speaks_ipa", [True, False])
def test_an_engine_without_ipa_reads_what_is_written(speaks_ipa: bool) -> None:
    engine = Engine()
    engine.info = replace(engine.info, ipa=speaks_ipa)
    part = Transcription(30, 33, "dɒk")
    speaker = SentenceSynthesizer(
        engine,
        Voices(),
        Controls("English"),
        Allowance(1000),
        pronunciations=[Entry("km", ipa="keɪ")],
        transcriptions=[part],
    )
    speaker.synthesize(Sentence("Dr. Who ran 5 km.", 30))
    ((text, _, controls),) = engine.calls
    if speaks_ipa:
        assert text == "Dr. Who ran 5 km."
        assert controls.ipa == (Transcription(0, 3, "dɒk"), Transcription(14, 16, "keɪ"))
    else:
        assert text == "Doctor Who ran 5 kilometers."
        assert controls.ipa == ()


def test_a_failed_attempt_is_repeated_with_another_seed() -> None:
    engine = Engine(silent=2)
    synthesizer(engine).synthesize(Sentence("Hello there.", 0))
    assert len({controls.seed for _, _, controls in engine.calls}) == 3


@pytest.mark.parametrize(("seeded", "attempts"), [(True, 3), (False, 1)])
def test_attempts_end(seeded: bool, attempts: int) -> None:
    engine = Engine(silent=9, seeded=seeded)
    with pytest.raises(SynthesisError, match="it is silent; another wording may help") as error:
        synthesizer(engine).synthesize(Sentence("A secret.", 0))
    assert len(engine.calls) == attempts
    assert "secret" not in error.value.logged


def test_the_allowance_is_spent() -> None:
    with pytest.raises(SynthesisError, match="which is the most for 10 characters"):
        synthesizer(Engine(), Allowance(10, spent=51.5)).synthesize(Sentence("Hello.", 0))


def test_each_place_in_the_text_has_its_own_reading() -> None:
    engine = Engine()
    speaker = synthesizer(engine)
    for offset in (0, 20, 20):
        speaker.synthesize(Sentence("I see.", offset))
    assert [controls.place for _, _, controls in engine.calls] == [0, 20, 20]
    assert len({controls.seed for _, _, controls in engine.calls}) == 1
