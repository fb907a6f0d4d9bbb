from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from safetensors.numpy import load_file, save_file  # noqa: E402

from soundclone.config import Settings  # noqa: E402
from soundclone.engines.neural import voice_file  # noqa: E402
from soundclone.engines.neural.cache import Cache  # noqa: E402
from soundclone.engines.neural.voxcpm import STYLES, VoxCPMEngine  # noqa: E402
from soundclone.engines.protocol import Controls, Emotion, Reference, Voice  # noqa: E402
from soundclone.errors import EngineUnavailable, SynthesisError  # noqa: E402
from soundclone.text.duration_bounds import duration_bounds  # noqa: E402
from soundclone.text.languages import names  # noqa: E402
from soundclone.weights import store  # noqa: E402

from . import tiny_voxcpm  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:'(aifc|audioop|sunau)' is deprecated")

TEXT = "It was a cold day."
ENGLISH = Controls("English", seed=5)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("voxcpm")
    store.adopt(folder, "voxcpm", tiny_voxcpm.make(folder / "made"))
    return folder


@pytest.fixture(scope="module")
def engine(models: Path) -> Iterator[VoxCPMEngine]:
    engine = start(models)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def voice(engine: VoxCPMEngine) -> Voice:
    return engine.clone(recording(), "English")


def start(models: Path) -> VoxCPMEngine:
    engine = VoxCPMEngine(Settings(models_dir=models, device="cpu"))
    engine.voices = Cache(10_000_000)
    return engine


def recording(seconds: float = 6.0, rate: int = 22_050) -> Reference:
    noise = np.random.default_rng(0).standard_normal(round(seconds * rate))
    return Reference((noise / 10).astype(np.float32), rate)


def test_it_speaks_27_of_the_languages(engine: VoxCPMEngine) -> None:
    assert engine.unusable() is None
    info = engine.info
    assert (info.rank, info.sample_rate, set(info.native)) == (40, 48_000, {"emotion"})
    assert not info.noncommercial
    assert not info.needs_transcript
    first = set(names("v1")) - {"Ukrainian", "Romanian", "Czech"}
    later = {"Danish", "Hebrew", "Malay", "Swedish", "Filipino", "Norwegian"}
    assert info.languages == first | later
    assert len(info.languages) == 27


def test_a_processor_computes_in_full_precision_whatever_the_weights_say(
    engine: VoxCPMEngine, voice: Voice
) -> None:
    assert {each.dtype for each in engine._model.parameters()} == {torch.float32}
    assert engine._model.base_lm.kv_cache.kv_cache.dtype == torch.float32


def test_no_more_is_generated_than_the_sentence_can_last(
    engine: VoxCPMEngine, voice: Voice
) -> None:
    for text in ("No.", TEXT, "你好你好"):
        _, most = duration_bounds(text)
        spoken = len(engine.speak(voice, text, ENGLISH).samples) / 48_000
        assert 0 < spoken <= most + 4 * 0.16  # a sentence that went on is longer than it can be


def test_a_sentence_that_the_model_has_no_room_for(engine: VoxCPMEngine, voice: Voice) -> None:
    with pytest.raises(SynthesisError, match="has 1000 characters and may last"):
        engine.speak(voice, "你" * 1000, ENGLISH)


def test_every_emotion_has_a_style_and_changes_the_speech(
    engine: VoxCPMEngine, voice: Voice
) -> None:
    assert set(STYLES) == set(Emotion)
    spoken = {
        emotion: engine.speak(voice, TEXT, replace(ENGLISH, emotion=emotion)).samples
        for emotion in (Emotion.NEUTRAL, Emotion.HAPPY, Emotion.SAD)
    }
    assert not np.array_equal(spoken[Emotion.NEUTRAL], spoken[Emotion.HAPPY])
    assert not np.array_equal(spoken[Emotion.SAD], spoken[Emotion.HAPPY])


def test_a_text_in_brackets_is_no_style(
    engine: VoxCPMEngine, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    generate = engine._model.generate_with_prompt_cache

    def listen(target_text: str, **options: object) -> object:
        asked.append(target_text)
        return generate(target_text=target_text, **options)

    monkeypatch.setattr(engine._model, "generate_with_prompt_cache", listen)
    engine.speak(voice, "(angry) hello.", ENGLISH)
    engine.speak(voice, "(angry) hello.", replace(ENGLISH, emotion=Emotion.HAPPY))
    assert asked == ["angry, hello.", "(cheerful tone)angry, hello."]


def test_half_a_minute_of_the_recording_is_kept(engine: VoxCPMEngine) -> None:
    version = engine.info.version
    made = engine.clone(recording(100.0), "English")
    (features,) = voice_file.unpack(made.data, "voxcpm", version).arrays.values()
    assert 180 <= len(features) <= 30 / 0.16
    engine.speak(made, "No.", ENGLISH)


def test_weights_with_what_the_package_does_not_know(tmp_path: Path) -> None:
    made = tiny_voxcpm.make(tmp_path / "made")
    tensors = load_file(made / "model.safetensors")
    save_file(tensors | {"another.weight": np.zeros(2, np.float32)}, made / "model.safetensors")
    store.adopt(tmp_path / "models", "voxcpm", made)
    engine = start(tmp_path / "models")
    with pytest.raises(EngineUnavailable, match=r"another\.weight"):
        engine.warm()
    engine.close()


def test_weights_of_an_earlier_model(tmp_path: Path) -> None:
    made = tiny_voxcpm.make(tmp_path / "made", tiny_voxcpm.config(16_000))
    store.adopt(tmp_path / "models", "voxcpm", made)
    engine = start(tmp_path / "models")
    with pytest.raises(EngineUnavailable, match="speak at 16000 Hz; 48000 Hz is needed"):
        engine.warm()
    engine.close()


def test_a_pickle_in_the_place_of_weights_is_not_run(tmp_path: Path) -> None:
    made = tiny_voxcpm.make(tmp_path / "made")
    torch.save({"state_dict": Path("/")}, made / "audiovae.pth")
    store.adopt(tmp_path / "models", "voxcpm", made)
    engine = start(tmp_path / "models")
    with pytest.raises(EngineUnavailable, match="cannot be loaded"):
        engine.warm()
    engine.close()
