"""Tests of every engine that is an `Adapter`."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from safetensors.numpy import load_file, save_file  # noqa: E402

from soundclone.config import Settings  # noqa: E402
from soundclone.engines.neural import voice_file  # noqa: E402
from soundclone.engines.neural.base import Adapter  # noqa: E402
from soundclone.engines.neural.cache import Cache  # noqa: E402
from soundclone.engines.neural.omnivoice import OmniVoiceEngine  # noqa: E402
from soundclone.engines.neural.voxcpm import VoxCPMEngine  # noqa: E402
from soundclone.engines.protocol import (  # noqa: E402
    Controls,
    Emotion,
    Engine,
    Reference,
    Voice,
)
from soundclone.errors import (  # noqa: E402
    EngineUnavailable,
    NoSpeech,
    SourceError,
    SpeechTooShort,
    SynthesisError,
)
from soundclone.weights import store  # noqa: E402

from . import tiny_omnivoice, tiny_voxcpm  # noqa: E402

# librosa, which reads a recording for voxcpm, looks for all that could.
pytestmark = pytest.mark.filterwarnings("ignore:'(aifc|audioop|sunau)' is deprecated")

TEXT = "It was a cold day."
ENGLISH = Controls("English", seed=5)
SAID = "It was a bright cold day in April."


@dataclass(frozen=True)
class Kind:
    """An engine and its tiny model."""

    engine: type[Adapter]
    make: Callable[..., Path]
    models: Path

    @property
    def name(self) -> str:
        return self.engine.name

    def settings(self, **changes: Any) -> Settings:
        given: dict[str, Any] = {"models_dir": self.models, "device": "cpu"}
        given |= {"accept_noncommercial": (self.name,)}
        return Settings(**given | changes)

    def start(self, **changes: Any) -> Adapter:
        engine = self.engine(self.settings(**changes))
        engine.voices = Cache(10_000_000)  # not shared with the process
        return engine


@pytest.fixture(scope="module", params=[VoxCPMEngine, OmniVoiceEngine], ids=["voxcpm", "omnivoice"])
def kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Kind:
    engine = request.param
    makers: dict[str, Callable[..., Path]] = {
        "voxcpm": tiny_voxcpm.make,
        "omnivoice": tiny_omnivoice.make,
    }
    make = makers[engine.name]
    models = tmp_path_factory.mktemp(engine.name)
    made = make(models / "made")
    store.adopt(models, engine.name, made, [engine.name])
    return Kind(engine, make, models)


@pytest.fixture(scope="module")
def engine(kind: Kind) -> Iterator[Adapter]:
    engine = kind.start()
    engine.clone(recording(), "English")
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def voice(engine: Adapter) -> Voice:
    return engine.clone(recording(), "English")


def recording(seconds: float = 3.0, rate: int = 24_000, seed: int = 0) -> Reference:
    noise = np.random.default_rng(seed).standard_normal(round(seconds * rate))
    return Reference((noise / 10).astype(np.float32), rate, "English", SAID)


def other_weights(kind: Kind, folder: Path, **changes: Any) -> tuple[Path, Path]:
    """The files of another model, and the folder of models that has them."""
    made = kind.make(folder / "made", **changes)
    store.adopt(folder / "models", kind.name, made, [kind.name])
    return made, folder / "models"


def test_an_engine_says_what_it_is(kind: Kind, engine: Adapter) -> None:
    assert isinstance(engine, Engine)
    info = engine.info
    assert info.name == kind.name
    assert info.version == f"1-{store.find(kind.models, kind.name, [kind.name]).digest}"
    assert info.seeded
    assert not engine.concurrent


def test_another_process_speaks_with_the_voice_bit_for_bit(
    kind: Kind, engine: Adapter, voice: Voice, tmp_path: Path
) -> None:
    here = engine.speak(voice, TEXT, ENGLISH)
    assert here.sample_rate == engine.info.sample_rate
    assert here.samples.dtype == np.float32
    assert here.samples.ndim == 1
    assert here.samples.std() > 0
    (tmp_path / "voice").write_bytes(voice.data)
    program = (
        "import sys, pathlib, numpy\n"
        "from soundclone.config import Settings\n"
        "from soundclone.engines.protocol import Controls, Voice\n"
        f"from {kind.engine.__module__} import {kind.engine.__name__} as Engine\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "settings = Settings(\n"
        f"    models_dir=sys.argv[2], device='cpu', accept_noncommercial=({kind.name!r},)\n"
        ")\n"
        "engine = Engine(settings)\n"
        f"voice = Voice({kind.name!r}, {voice.version!r}, (folder / 'voice').read_bytes())\n"
        f"speech = engine.speak(voice, {TEXT!r}, Controls('English', seed=5))\n"
        "numpy.save(folder / 'speech.npy', speech.samples)\n"
    )
    run = [sys.executable, "-c", program, str(tmp_path), str(kind.models)]
    subprocess.run(run, check=True, timeout=100, capture_output=True)
    assert np.array_equal(np.load(tmp_path / "speech.npy"), here.samples)


def test_the_same_recording_gives_the_same_voice(engine: Adapter, voice: Voice) -> None:
    assert engine.clone(recording(), "English") == voice
    assert engine.clone(recording(seed=1), "English").data != voice.data


def test_a_seed_gives_the_same_speech_and_another_seed_another(
    engine: Adapter, voice: Voice
) -> None:
    first, second = (engine.speak(voice, TEXT, ENGLISH).samples for _ in range(2))
    assert np.array_equal(first, second)
    other = engine.speak(voice, TEXT, replace(ENGLISH, seed=6)).samples
    assert not np.array_equal(first, other)


def test_it_leaves_the_processs_random_numbers_alone(
    kind: Kind, engine: Adapter, voice: Voice
) -> None:
    """Or another engine, which draws its own meanwhile, would not say the same again."""
    other = kind.start()
    for work in (
        lambda: engine.speak(voice, TEXT, ENGLISH),
        lambda: engine.clone(recording(), "English"),
        other.warm,  # loads
    ):
        before = torch.get_rng_state()
        work()
        assert torch.equal(torch.get_rng_state(), before)
    other.close()


def test_voices_in_turn_stay_within_the_bound(kind: Kind, engine: Adapter, voice: Voice) -> None:
    before, engine.voices = engine.voices, Cache(3 * len(voice.data) + 100)
    try:
        for seed in range(8):
            each = engine.clone(recording(seed=seed), "English")
            engine.speak(each, "Yes.", ENGLISH)
            assert engine.voices.size <= engine.voices.limit
        assert len(engine.voices) == 3
        engine.speak(each, "Yes.", ENGLISH)
        assert engine.voices.statistics.hits == 1
    finally:
        engine.voices = before


def test_warming_loads_and_speaks_and_closing_lets_go(kind: Kind) -> None:
    engine = kind.start()
    engine.warm()
    assert engine._model is not None
    assert len(engine.voices) == 1
    engine.close()
    assert engine._model is None
    assert len(engine.voices) == 0


def test_a_voice_that_is_not_one_of_these_weights(
    kind: Kind, engine: Adapter, voice: Voice, tmp_path: Path
) -> None:
    with pytest.raises(SynthesisError, match="made by the engine 'builtin'"):
        engine.speak(replace(voice, engine="builtin"), TEXT, ENGLISH)
    with pytest.raises(SynthesisError, match="clone it again"):
        engine.speak(replace(voice, version="1-000000000000"), TEXT, ENGLISH)
    _, models = other_weights(kind, tmp_path, seed=9)
    other = kind.engine(kind.settings(models_dir=models))
    with pytest.raises(SynthesisError, match=f"made by version '{voice.version}'"):
        other.speak(voice, TEXT, ENGLISH)
    # Nor does it help to say that it is: the bytes say what they belong to.
    with pytest.raises(SynthesisError, match=f"made by version '{voice.version}'"):
        other.speak(replace(voice, version=other.info.version), TEXT, ENGLISH)
    other.close()


def test_bytes_that_are_no_voice(kind: Kind, engine: Adapter, voice: Voice) -> None:
    version = voice.version
    flipped = bytearray(voice.data)
    flipped[-1] ^= 1
    holds = {
        b"": "is not one of the engine",
        b"\x80\x04pickle": "is not one of the engine",
        voice.data[:30]: "damaged",
        voice.data[:-1]: "damaged",
        bytes(flipped): "damaged",
    }
    for array in (np.zeros((3, 4, 8), np.float64), np.zeros((3, 5), np.float32), np.zeros(0)):
        for name in voice_file.unpack(voice.data, kind.name, version).arrays:
            packed = voice_file.pack(voice_file.Prompt({name: array}), kind.name, version)
            holds[packed] = "does not hold what it must"
    deep = b'{"__metadata__": {"soundclone": "' + b"[" * 100_000 + b'"}}'
    deep = len(deep).to_bytes(8, "little") + deep
    holds[voice_file.MAGIC + hashlib.sha256(deep).digest() + deep] = "cannot be read"
    empty = voice_file.pack(voice_file.Prompt({}), kind.name, version)
    holds[empty] = "does not hold what it must"
    for data, message in holds.items():
        with pytest.raises(SynthesisError, match=message):
            engine.speak(replace(voice, data=data), TEXT, ENGLISH)


def test_what_cannot_be_said(engine: Adapter, voice: Voice) -> None:
    for text, controls, message in (
        ("", ENGLISH, "nothing that can be spoken"),
        ("<>[]", ENGLISH, "nothing that can be spoken"),
        ("ab " * 400, ENGLISH, "has 1200 characters"),
        (TEXT, replace(ENGLISH, language="Klingon"), "does not speak 'Klingon'"),
        (TEXT, replace(ENGLISH, emotion=cast("Emotion", "bored")), "emotion is 'bored'"),
        (TEXT, replace(ENGLISH, speed=3.0), "speed is 3.0"),
        (TEXT, replace(ENGLISH, speed=float("nan")), "speed is nan"),
    ):
        with pytest.raises(SynthesisError, match=message):
            engine.speak(voice, text, controls)


def test_recordings_that_make_no_voice(engine: Adapter) -> None:
    noise = recording().samples
    broken = noise.copy()
    broken[7] = np.nan
    for reference, error, message in (
        (Reference(noise[:100], 24_000), SpeechTooShort, "lasts 0.0 s"),
        (Reference(np.zeros(48_000, np.float32), 24_000), NoSpeech, "silent"),
        (Reference(broken, 24_000), SourceError, "not finite"),
        (Reference(noise, 100), SourceError, "100 Hz"),
        (Reference(noise.reshape(2, -1), 24_000), SourceError, "one channel is needed"),
    ):
        with pytest.raises(error, match=message):
            engine.clone(reference, "English")
    with pytest.raises(EngineUnavailable, match="does not speak 'Klingon'"):
        engine.clone(recording(), "Klingon")


@pytest.mark.parametrize(
    "text", ["<s></s> a", "<|text_end|> a", "(a", "a)", "((((a))))", "👍", "\u200da"]
)
def test_hostile_texts_are_spoken_or_refused(engine: Adapter, voice: Voice, text: str) -> None:
    try:
        speech = engine.speak(voice, text, ENGLISH)
    except SynthesisError:
        return
    assert np.isfinite(speech.samples).all()


def test_a_model_that_fails_does_not_show_the_text(
    engine: Adapter, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("my secret text")

    monkeypatch.setattr(type(engine), "_synthesise", fail)
    with pytest.raises(SynthesisError, match="failed with ValueError") as caught:
        engine.speak(voice, TEXT, ENGLISH)
    assert "secret" not in caught.value.message
    assert "secret" not in caught.value.logged


def test_a_model_that_loads_and_cannot_speak_is_not_to_be_used(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = kind.start()

    def fail(*_: object) -> None:
        raise RuntimeError("no kernel image is available")

    monkeypatch.setattr(type(engine), "_synthesise", fail)
    with pytest.raises(EngineUnavailable, match=r"cannot speak here: .* failed with RuntimeError"):
        engine.warm()
    engine.close()


# Weights


def test_weights_that_are_not_here(kind: Kind, tmp_path: Path) -> None:
    engine = kind.engine(kind.settings(models_dir=tmp_path))
    assert f"soundclone models pull {kind.name}" in (engine.unusable() or "")
    assert engine.info.version == "1"
    with pytest.raises(EngineUnavailable, match="models pull"):
        engine.warm()
    engine.close()


def test_truncated_and_tampered_weights(kind: Kind, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(kind.models / kind.name, models / kind.name)
    engine = kind.engine(kind.settings(models_dir=models))
    file = models / kind.name / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    with pytest.raises(EngineUnavailable, match=r"model\.safetensors is damaged"):
        engine.warm()
    file.write_bytes(content[:-100])
    assert "model.safetensors is damaged" in (engine.unusable() or "")
    engine.close()


def test_weights_that_lack_a_parameter_are_refused(kind: Kind, tmp_path: Path) -> None:
    made = kind.make(tmp_path / "made")
    tensors = load_file(made / "model.safetensors")
    absent = min(tensors)
    del tensors[absent]
    save_file(tensors, made / "model.safetensors", {"format": "pt"})
    store.adopt(tmp_path / "models", kind.name, made, [kind.name])
    engine = kind.engine(kind.settings(models_dir=tmp_path / "models"))
    with pytest.raises(EngineUnavailable, match=absent.replace(".", r"\.")):
        engine.warm()
    assert absent in (engine.unusable() or "")
    # Others in their place are seen without a restart.
    store.adopt(tmp_path / "models", kind.name, kind.models / "made", [kind.name])
    assert absent not in (engine.unusable() or "")
    engine.warm()
    engine.close()


def test_a_configuration_that_is_none(kind: Kind, tmp_path: Path) -> None:
    made = kind.make(tmp_path / "made")
    (made / "config.json").write_text(json.dumps({"model_type": "omnivoice"}))
    store.adopt(tmp_path / "models", kind.name, made, [kind.name])
    engine = kind.engine(kind.settings(models_dir=tmp_path / "models"))
    with pytest.raises(EngineUnavailable, match="cannot be loaded"):
        engine.warm()
    engine.close()


# What it needs


def test_without_a_gpu_it_says_how_to_run_all_the_same(kind: Kind) -> None:
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        pytest.skip("there is a GPU")
    engine = kind.engine(kind.settings(device="auto"))
    assert "SOUNDCLONE_DEVICE=cpu" in (engine.unusable() or "")
    with pytest.raises(EngineUnavailable, match="far slower than speech"):
        engine.warm()
    engine.close()


@pytest.mark.parametrize("absent", ["torch", "package"])
def test_a_missing_package_is_a_sentence(kind: Kind, absent: str) -> None:
    name = "torch" if absent == "torch" else kind.engine.package
    program = (
        "import sys\n"
        "class Blocked:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] == {name!r}: raise ModuleNotFoundError(name=name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "from soundclone.config import Settings\n"
        f"from {kind.engine.__module__} import {kind.engine.__name__} as Engine\n"
        "settings = Settings(\n"
        f"    models_dir=sys.argv[1], device='cpu', accept_noncommercial=({kind.name!r},)\n"
        ")\n"
        "engine = Engine(settings)\n"
        "assert engine.info.languages\n"
        "print(engine.unusable())\n"
    )
    run = [sys.executable, "-c", program, str(kind.models)]
    result = subprocess.run(run, check=True, timeout=60, capture_output=True, text=True)
    assert name in result.stdout
    assert "pip install 'soundclone[" in result.stdout
    assert not result.stderr


def test_asking_whether_it_is_usable_imports_no_torch_before_the_weights_are_here(
    kind: Kind, tmp_path: Path
) -> None:
    program = (
        "import sys\n"
        f"from {kind.engine.__module__} import {kind.engine.__name__} as Engine\n"
        "from soundclone.config import Settings\n"
        f"settings = Settings(models_dir=sys.argv[1], accept_noncommercial=({kind.name!r},))\n"
        "engine = Engine(settings)\n"
        "engine.info, engine.unusable()\n"
        "assert not {'torch', 'voxcpm', 'omnivoice', 'transformers'} & set(sys.modules)\n"
    )
    run = [sys.executable, "-c", program, str(tmp_path)]
    subprocess.run(run, check=True, timeout=60)
