from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from soundclone.asr.recognition import Recognizer  # noqa: E402
from soundclone.config import Settings  # noqa: E402
from soundclone.engines.neural import voice_file  # noqa: E402
from soundclone.engines.neural.cache import Cache  # noqa: E402
from soundclone.engines.neural.omnivoice import OmniVoiceEngine, code  # noqa: E402
from soundclone.engines.protocol import Controls, Reference, Voice  # noqa: E402
from soundclone.engines.registry import EngineContext  # noqa: E402
from soundclone.errors import EngineUnavailable, NoSpeech, SynthesisError  # noqa: E402
from soundclone.text.languages import LANGUAGES  # noqa: E402
from soundclone.weights import store  # noqa: E402

from . import tiny_omnivoice, tiny_whisper  # noqa: E402

TEXTS = ["It was a cold day.", "No.", "The clocks were striking thirteen, all of them at once."]
SAID = "It was a bright cold day in April."
ENGLISH = Controls("English", seed=5)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of the engine, and those that recognise speech."""
    folder = tmp_path_factory.mktemp("omnivoice")
    store.adopt(folder, "omnivoice", tiny_omnivoice.make(folder / "made"), ["omnivoice"])
    store.adopt(folder, "asr-tiny", tiny_whisper.make(folder / "whisper"))
    return folder


@pytest.fixture(scope="module")
def engine(models: Path) -> Iterator[OmniVoiceEngine]:
    engine = start(models)
    engine.clone(recording(), "English")
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def voice(engine: OmniVoiceEngine) -> Voice:
    return engine.clone(recording(), "English")


def settings_of(models: Path, **changes: Any) -> Settings:
    given: dict[str, Any] = {"models_dir": models, "device": "cpu", "asr_model": "asr-tiny"}
    return Settings(**given | {"accept_noncommercial": ("omnivoice",)} | changes)


def start(models: Path, **changes: Any) -> OmniVoiceEngine:
    engine = OmniVoiceEngine(settings_of(models, **changes))
    engine.voices = Cache(10_000_000)
    return engine


def recording(seconds: float = 3.0, said: str | None = SAID) -> Reference:
    noise = np.random.default_rng(0).standard_normal(round(seconds * 16_000))
    return Reference((noise / 10).astype(np.float32), 16_000, "English", said)


def test_it_speaks_every_language(engine: OmniVoiceEngine) -> None:
    assert engine.unusable() is None
    info = engine.info
    assert (info.rank, info.sample_rate, set(info.native)) == (30, 24_000, {"speed"})
    assert info.noncommercial
    assert info.needs_transcript
    assert info.languages == set(LANGUAGES)
    known = engine._model.supported_language_ids()
    assert {code(language) for language in LANGUAGES} <= known
    assert [code(each) for each in ("Arabic", "Chinese,Yue", "Filipino", "Nynorsk")] == [
        "arb",
        "yue",
        "fil",
        "nn",
    ]


def test_its_licence_has_to_be_accepted(models: Path) -> None:
    engine = start(models, accept_noncommercial=())
    assert "SOUNDCLONE_ACCEPT_NONCOMMERCIAL=omnivoice" in (engine.unusable() or "")
    with pytest.raises(EngineUnavailable, match="non-commercial use only"):
        engine.warm()
    engine.close()


def test_speed_is_its_own(engine: OmniVoiceEngine, voice: Voice) -> None:
    normal, slow, fast = (
        len(engine.speak(voice, TEXTS[2], replace(ENGLISH, speed=speed)).samples)
        for speed in (1.0, 0.5, 2.0)
    )
    assert slow / normal == pytest.approx(2, rel=0.15)
    assert fast / normal == pytest.approx(0.5, rel=0.15)


def test_no_text_is_a_sound_that_the_model_makes(engine: OmniVoiceEngine, voice: Voice) -> None:
    plain, tagged = (engine.speak(voice, text, ENGLISH) for text in ("sigh No.", "[sigh] No."))
    assert np.array_equal(plain.samples, tagged.samples)


def test_a_long_recording_is_cut_and_listened_to(engine: OmniVoiceEngine) -> None:
    with suppress(NoSpeech):  # the tiny model hears nonsense, which may be too much or too little
        made = engine.clone(recording(25.0, said="not of the part that is used"), "English")
        held = voice_file.unpack(made.data, "omnivoice", made.version)
        assert held.arrays["ref_audio_tokens"].shape[1] <= 250
        assert held.notes["text"] != "not of the part that is used"


def test_it_shares_the_recognizer_of_the_service(models: Path) -> None:
    settings = settings_of(models)
    recognizer = Recognizer(settings)
    engine = OmniVoiceEngine.create(EngineContext(settings, recognizer))
    assert engine._recognizer is recognizer


def test_a_recording_that_cannot_be_transcribed(models: Path) -> None:
    engine = start(models, asr="off")
    assert "SOUNDCLONE_ASR is off" in (engine.unusable() or "")
    with pytest.raises(EngineUnavailable, match="needs to know what is said"):
        engine.clone(recording(said=None), "English")
    engine.close()


@pytest.mark.parametrize("said", ["", "a", SAID * 20])
def test_a_transcript_that_cannot_be_all_that_was_said(engine: OmniVoiceEngine, said: str) -> None:
    with pytest.raises(NoSpeech, match=r"characters were understood in 6\.0 s"):
        engine.clone(recording(6.0, said), "English")


def test_a_voice_with_tokens_that_the_model_lacks(engine: OmniVoiceEngine, voice: Voice) -> None:
    held = voice_file.unpack(voice.data, "omnivoice", voice.version)
    tokens = held.arrays["ref_audio_tokens"]
    notes = dict(held.notes)
    for arrays, changed in (
        ({"ref_audio_tokens": tokens + 64}, notes),
        ({"ref_audio_tokens": tokens - 64}, notes),
        ({"ref_audio_tokens": tokens[:4]}, notes),
        ({"ref_audio_tokens": np.tile(tokens, 5)}, notes),
        (held.arrays, notes | {"text": 3}),
        (held.arrays, notes | {"rms": -1.0}),
        (held.arrays, {}),
    ):
        data = voice_file.pack(voice_file.Prompt(arrays, changed), "omnivoice", voice.version)
        with pytest.raises(SynthesisError, match="does not hold what it must"):
            engine.speak(replace(voice, data=data), TEXTS[0], ENGLISH)


def test_weights_without_their_codec(tmp_path: Path) -> None:
    made = tiny_omnivoice.make(tmp_path / "made")
    (made / "audio_tokenizer" / "config.json").write_text(json.dumps({}))
    store.adopt(tmp_path / "models", "omnivoice", made, ["omnivoice"])
    engine = start(tmp_path / "models")
    with pytest.raises(EngineUnavailable, match="cannot be loaded"):
        engine.warm()
    engine.close()
