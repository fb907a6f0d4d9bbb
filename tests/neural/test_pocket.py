from __future__ import annotations

import gc
import hashlib
import shutil
import subprocess
import sys
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from soundclone.config import Settings
from soundclone.engines.neural import pocket, voice_file
from soundclone.engines.neural.cache import Cache
from soundclone.engines.neural.pocket import RATE, PocketEngine
from soundclone.engines.protocol import Controls, Engine, Reference, Speech, Voice
from soundclone.errors import (
    EngineUnavailable,
    NoSpeech,
    SourceError,
    SpeechTooShort,
    SynthesisError,
)
from soundclone.weights import store

from . import tiny_pocket

TEXT = "It was a bright cold day in April."
ENGLISH, FRENCH = Controls("English", seed=5), Controls("French", seed=5)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of two languages."""
    folder = tmp_path_factory.mktemp("pocket")
    for number, name in enumerate(("pocket", "pocket-fr")):
        made = tiny_pocket.make(folder / f"made-{name}", seed=number)
        store.adopt(folder / "models", name, made)
    return folder / "models"


@pytest.fixture
def engine(models: Path) -> PocketEngine:
    return engine_of(models)


def engine_of(models: Path, memory: int = 100_000_000, **settings: Any) -> PocketEngine:
    made = PocketEngine(Settings(models_dir=models, **settings))
    made.loaded = Cache(memory)  # not shared with the process
    return made


def recording(seconds: float = 3, rate: int = 16_000, seed: int = 0) -> Reference:
    noise = np.random.default_rng(seed).standard_normal(round(seconds * rate))
    return Reference((noise / 20).astype(np.float32), rate)


def models_with(folder: Path, **options: Any) -> Path:
    made = tiny_pocket.make(folder / "made", **options)
    store.adopt(folder / "models", "pocket", made)
    return folder / "models"


def test_what_it_says_of_itself(engine: PocketEngine) -> None:
    assert isinstance(engine, Engine)
    assert engine.unusable() is None
    info = engine.info
    assert info.languages == {"English", "French"}
    assert (info.name, info.rank, info.sample_rate, info.seeded) == ("pocket", 20, 24_000, True)
    assert "CC-BY-4.0" in info.licence
    assert info.version_for("English") != info.version_for("French")
    assert not engine.concurrent


def test_a_voice_speaks(engine: PocketEngine) -> None:
    voice = engine.clone(recording(), "English")
    assert voice.version == engine.info.version_for("English")
    speech = engine.speak(voice, TEXT, ENGLISH)
    assert speech.sample_rate == RATE
    assert speech.samples.dtype == np.float32
    assert speech.samples.ndim == 1
    assert len(speech.samples) > RATE / 2


def test_one_seed_one_reading(engine: PocketEngine) -> None:
    voice = engine.clone(recording(), "English")
    first = engine.speak(voice, TEXT, ENGLISH)
    state = torch.get_rng_state()
    engine.speak(voice, "Something else.", ENGLISH)
    torch.testing.assert_close(torch.get_rng_state(), state, rtol=0, atol=0)
    assert np.array_equal(engine.speak(voice, TEXT, ENGLISH).samples, first.samples)
    other = engine.speak(voice, TEXT, replace(ENGLISH, seed=6)).samples
    assert not np.array_equal(other, first.samples)


def test_it_leaves_the_processs_random_numbers_alone(engine: PocketEngine) -> None:
    """Or another engine, which draws its own meanwhile, would not say the same again."""
    before = torch.get_rng_state()
    engine.speak(engine.clone(recording(), "English"), TEXT, ENGLISH)  # loads
    assert torch.equal(torch.get_rng_state(), before)


def test_two_recordings_two_voices(engine: PocketEngine) -> None:
    one, other = (engine.clone(recording(seed=seed), "English") for seed in (0, 1))
    assert one.data == engine.clone(recording(seed=0), "English").data
    assert not np.array_equal(
        engine.speak(one, TEXT, ENGLISH).samples, engine.speak(other, TEXT, ENGLISH).samples
    )


def test_a_voice_is_the_same_in_another_process(
    engine: PocketEngine, models: Path, tmp_path: Path
) -> None:
    voice = engine.clone(recording(), "English")
    (tmp_path / "voice").write_bytes(voice.data)
    program = f"""
import hashlib, sys
from pathlib import Path
from soundclone.config import Settings  # noqa: E402
from soundclone.engines.protocol import Controls, Voice  # noqa: E402
from soundclone.engines.neural.pocket import PocketEngine  # noqa: E402
voice = Voice("pocket", {voice.version!r}, Path("voice").read_bytes())
engine = PocketEngine(Settings(models_dir=Path({str(models)!r})))
speech = engine.speak(voice, {TEXT!r}, Controls("English", seed=5))
print(hashlib.sha256(speech.samples.tobytes()).hexdigest())
"""
    there = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=110,
    )
    here = engine.speak(voice, TEXT, ENGLISH).samples
    assert there.stdout.strip() == hashlib.sha256(here.tobytes()).hexdigest()
    assert "bright" not in there.stderr


def test_a_voice_belongs_to_its_model(engine: PocketEngine) -> None:
    voice = engine.clone(recording(), "English")
    with pytest.raises(SynthesisError, match=r"made by version .*; clone it again"):
        engine.speak(voice, TEXT, FRENCH)
    other = replace(voice, version=engine.info.version_for("French"))
    with pytest.raises(SynthesisError, match="made by version"):
        engine.speak(other, TEXT, FRENCH)


def damaged(data: bytes) -> dict[str, bytes]:
    middle = len(data) // 2
    return {
        "empty": b"",
        "nothing of ours": b"RIFF" + bytes(500),
        "truncated": data[:-100],
        "changed": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        "header alone": data[:40],
        "pickle": b"\x80\x04\x95" + data[3:],
    }


@pytest.mark.parametrize("kind", damaged(bytes(1000)))
def test_a_damaged_voice_is_refused(engine: PocketEngine, kind: str) -> None:
    voice = engine.clone(recording(), "English")
    engine.speak(voice, TEXT, ENGLISH)
    broken = replace(voice, data=damaged(voice.data)[kind])
    engine.loaded.forget("pocket")
    with pytest.raises(SynthesisError, match="clone it again"):
        engine.speak(broken, TEXT, ENGLISH)
    assert len(engine.speak(voice, TEXT, ENGLISH).samples)


def test_a_voice_of_other_tensors_is_refused(engine: PocketEngine) -> None:
    version = engine.info.version_for("English")
    arrays = {"transformer.layers.0.self_attn/offset": np.zeros(1, np.int64)}
    voice = Voice("pocket", version, voice_file.pack(voice_file.Prompt(arrays), "pocket", version))
    with pytest.raises(SynthesisError, match="clone it again"):
        engine.speak(voice, TEXT, ENGLISH)


@pytest.mark.parametrize("moments", [0, 3, 10**6, 10**12, -5])
def test_a_voice_that_contradicts_itself_is_refused(engine: PocketEngine, moments: int) -> None:
    """Room is made for as much as it says that it holds."""
    voice = engine.clone(recording(), "English")
    arrays = voice_file.unpack(voice.data, "pocket", voice.version).arrays
    for what in ("/offset", "/cache"):
        altered = {
            name: np.full_like(array, moments) if array.ndim == 1 else array[:, :, :moments]
            for name, array in arrays.items()
            if name.endswith(what)
        }
        if what == "/cache" and moments > 3:
            continue  # no fewer than there were
        data = voice_file.pack(voice_file.Prompt({**arrays, **altered}), "pocket", voice.version)
        with pytest.raises(SynthesisError, match="clone it again"):
            engine.speak(replace(voice, data=data), TEXT, ENGLISH)


def test_the_package_may_fail_and_does_not_show_the_text(engine: PocketEngine) -> None:
    voice = engine.clone(recording(), "English")
    with pytest.raises(SynthesisError, match="pocket failed with TypeError") as caught:
        engine.speak(voice, "secret \ud800", ENGLISH)
    assert "secret" not in caught.value.message + caught.value.logged


def test_a_model_that_cannot_speak_is_not_to_be_used(
    engine: PocketEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("could not create a primitive")

    monkeypatch.setattr(pocket, "generate", fail)
    assert engine.unusable() is None
    with pytest.raises(EngineUnavailable, match=r"cannot speak here: .* failed with RuntimeError"):
        engine.warm()


def test_other_weights_in_their_place_are_not_taken_for_them(tmp_path: Path) -> None:
    folder = models_with(tmp_path)
    engine = engine_of(folder)
    voice = engine.clone(recording(), "English")
    models_with(tmp_path / "other", seed=9)
    store.adopt(folder, "pocket", tmp_path / "other" / "made")
    engine.speak(voice, TEXT, ENGLISH)  # with what was loaded
    engine.loaded.forget("pocket")  # as another language's would
    with pytest.raises(EngineUnavailable, match="not the one that the service started with"):
        engine.speak(voice, TEXT, ENGLISH)
    assert engine.unusable() is None
    with pytest.raises(SynthesisError, match="clone it again"):
        engine.speak(voice, TEXT, ENGLISH)


@pytest.mark.parametrize("text", ["", " ", "...", "\u2026 \u2014!", "\n\t"])
def test_nothing_to_say(engine: PocketEngine, text: str) -> None:
    voice = engine.clone(recording(), "English")
    with pytest.raises(SynthesisError, match="nothing to say"):
        engine.speak(voice, text, ENGLISH)


@pytest.mark.parametrize(
    "text",
    ["a", "I", "7", "日本", "é" * 300, "ok; " * 40, "<unk> <1>", "a\0b", "A.B.C.D. " * 30, "🦜 x"],
)
def test_odd_texts_are_said(engine: PocketEngine, text: str) -> None:
    voice = engine.clone(recording(), "English")
    speech = engine.speak(voice, text, ENGLISH)
    assert np.isfinite(speech.samples).all()
    assert len(speech.samples) >= 6 * RATE * 0.08


def test_a_long_text_is_said_in_pieces() -> None:
    text = "One two three, four five six; " * 40
    pieces = pocket._pieces(text, lambda piece: [0] * len(piece.split()))
    assert " ".join(pieces).split() == text.split()
    assert max(len(piece.split()) for piece in pieces) <= 48
    assert all(piece.endswith((",", ";")) for piece in pieces)
    assert pocket._pieces("x" * 99, lambda piece: [0] * len(piece)) == ["x" * 33] * 3


def test_speech_without_an_end_is_bounded(tmp_path: Path) -> None:
    engine = engine_of(models_with(tmp_path, endless=True))
    voice = engine.clone(recording(), "English")
    speech = engine.speak(voice, TEXT, ENGLISH)
    tokens = len(TEXT)  # the tiny tokenizer has one for each letter
    assert tokens / 3 + 2 <= len(speech.samples) / RATE <= tokens / 3 + 2.1


def test_models_and_voices_are_loaded_once(engine: PocketEngine) -> None:
    voices = [engine.clone(recording(seed=seed), "English") for seed in range(3)]
    for _ in range(2):
        for voice in voices:
            engine.speak(voice, TEXT, ENGLISH)
    assert engine.loaded.statistics.made == {"model": 1, "voice": 3}
    engine.close()
    assert len(engine.loaded) == engine.loaded.size == 0


def test_a_hundred_voices_stay_within_the_bound(models: Path) -> None:
    engine = engine_of(models, memory=400_000)
    voices = [engine.clone(recording(1 + seed / 50, seed=seed), "English") for seed in range(100)]
    states: list[weakref.ref[object]] = []
    for voice in voices:
        engine.speak(voice, "Hello there.", ENGLISH)
        assert engine.loaded.size <= 400_000
        newest = next(reversed(engine.loaded._values.values()))[0]
        states.append(weakref.ref(next(iter(newest.values()))["cache"]))
        del newest
    statistics = engine.loaded.statistics
    assert statistics.made == {"model": 1, "voice": 100}
    gc.collect()
    assert sum(state() is not None for state in states) == len(engine.loaded) - 1


def test_the_least_recently_used_model_goes(models: Path) -> None:
    engine = engine_of(models, memory=300_000)
    english, french = (engine.clone(recording(), each) for each in ("English", "French"))
    one = weakref.ref(engine.model("English").tts)
    engine.speak(french, TEXT, FRENCH)
    gc.collect()
    assert one() is None
    engine.speak(english, TEXT, ENGLISH)
    assert engine.loaded.statistics.made["model"] >= 3
    assert engine.loaded.size <= 300_000


@pytest.mark.parametrize(
    ("reference", "error", "sentence"),
    [
        (recording(0.5), SpeechTooShort, r"the reference lasts 0\.5 s; at least 1 s is needed"),
        (Reference(np.zeros(50_000, np.float32), 16_000), NoSpeech, "silent"),
        (Reference(np.full(50_000, np.nan, np.float32), 16_000), SourceError, "not finite"),
        (Reference(np.ones((2, 50_000), np.float32), 16_000), SourceError, "one channel"),
        (recording(3, rate=900), SourceError, "has 900 Hz"),
    ],
)
def test_what_is_no_recording(
    engine: PocketEngine, reference: Reference, error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        engine.clone(reference, "English")


def test_it_hears_thirty_seconds(engine: PocketEngine) -> None:
    sizes = [len(engine.clone(recording(s, rate=8000), "English").data) for s in (15, 30, 300)]
    assert sizes[1] > 1.8 * sizes[0]
    assert sizes[2] <= 1.05 * sizes[1]


@pytest.mark.parametrize("seconds", [0.05, 9.96, 10.0, 10.04, 13.1, 29.97])
def test_a_reference_is_encoded_in_blocks_as_it_is_at_once(
    engine: PocketEngine, seconds: float
) -> None:
    mimi = engine.model("English").tts.mimi
    audio = torch.from_numpy(recording(seconds, RATE).samples)[None, None]
    with torch.no_grad():
        whole = mimi.encode_to_latent(audio)
        blocks = pocket.encode_in_blocks(mimi, mimi.encode_to_latent, audio)
    torch.testing.assert_close(blocks, whole, rtol=1e-4, atol=1e-5)


def test_a_language_that_is_not_here(engine: PocketEngine) -> None:
    with pytest.raises(EngineUnavailable, match="soundclone models pull pocket-de"):
        engine.clone(recording(), "German")
    with pytest.raises(EngineUnavailable, match="does not speak Thai; it speaks English, French"):
        engine.clone(recording(), "Thai")


def test_no_weights(tmp_path: Path) -> None:
    engine = engine_of(tmp_path)
    assert "soundclone models pull pocket`" in (engine.unusable() or "")
    assert engine.info.languages == frozenset()


def test_weights_that_come_later_are_found(tmp_path: Path, models: Path) -> None:
    engine = engine_of(tmp_path / "models")
    assert engine.unusable() is not None
    shutil.copytree(models, tmp_path / "models")
    assert engine.unusable() is None
    assert engine.info.languages == {"English", "French"}


def test_tampered_weights_are_named(tmp_path: Path, models: Path) -> None:
    shutil.copytree(models, tmp_path / "models")
    path = tmp_path / "models" / "pocket-fr" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    engine = engine_of(tmp_path / "models")
    assert str(path) in (engine.unusable() or "")


def test_truncated_weights_are_named(tmp_path: Path) -> None:
    folder = models_with(tmp_path)
    path = folder / "pocket" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    assert str(path) in (engine_of(folder).unusable() or "")


def test_weights_that_cannot_clone(tmp_path: Path) -> None:
    engine = engine_of(models_with(tmp_path, deaf=True))
    reason = engine.unusable() or ""
    assert "cannot clone voices" in reason
    assert "HF_TOKEN" in reason


def test_weights_of_another_model(tmp_path: Path) -> None:
    made = tiny_pocket.make(tmp_path / "made")
    other = dict(tiny_pocket.SMALL, mimi=dict(tiny_pocket.SMALL["mimi"], inner_dim=4))
    tiny_pocket.make(tmp_path / "other", other)
    shutil.copy(tmp_path / "other" / "model.safetensors", made)
    store.adopt(tmp_path / "models", "pocket", made)
    reason = engine_of(tmp_path / "models").unusable() or ""
    assert "model 'pocket' cannot be loaded (RuntimeError: Error" in reason
    assert "\n" not in reason


@pytest.mark.parametrize(
    "line",
    ["weights_path: hf://someone/else/model.safetensors", "weights_path: ../x", "[1", "a: 1"],
)
def test_a_configuration_that_leads_elsewhere(tmp_path: Path, line: str) -> None:
    (tmp_path / "config.yaml").write_text(line)
    found = store.Weights("pocket", tmp_path, "0" * 12)
    with pytest.raises(EngineUnavailable, match="cannot be used") as raised:
        pocket._config(found)
    assert "\n" not in raised.value.message


def test_int8(models: Path) -> None:
    quantised, plain = engine_of(models, pocket_int8=True), engine_of(models)
    voice = plain.clone(recording(), "English")
    first = quantised.speak(voice, TEXT, ENGLISH).samples
    assert np.array_equal(quantised.speak(voice, TEXT, ENGLISH).samples, first)
    assert not np.array_equal(plain.speak(voice, TEXT, ENGLISH).samples, first)


def test_threads_of_torch_stay_as_they_were(models: Path) -> None:
    program = f"""
import torch
before = torch.get_num_threads(), torch.get_rng_state()
torch.set_num_threads(3)
from pathlib import Path
from soundclone.config import Settings  # noqa: E402
from soundclone.engines.neural.pocket import PocketEngine  # noqa: E402
PocketEngine(Settings(models_dir=Path({str(models)!r}))).warm()
assert torch.get_num_threads() == 3, torch.get_num_threads()
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=110)


@pytest.mark.parametrize("absent", ["torch", "pocket_tts"])
def test_without_a_package(absent: str, models: Path) -> None:
    program = f"""
import sys
class Without:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] != {absent!r}:
            return self.finder.find_spec(name, path, target)
sys.meta_path[:] = map(Without, sys.meta_path)
from pathlib import Path
from soundclone.config import Settings  # noqa: E402
from soundclone.errors import EngineUnavailable  # noqa: E402
from soundclone.engines.protocol import Controls, Voice  # noqa: E402
from soundclone.engines.neural.pocket import PocketEngine  # noqa: E402
engine = PocketEngine(Settings(models_dir=Path({str(models)!r})))
engine.info
print(engine.unusable())
try:
    engine.speak(Voice("pocket", "", b""), "Hello.", Controls("English"))
except EngineUnavailable as error:
    print(error.message)
assert "torch" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=110, check=True
    )
    assert "pip install 'soundclone[pocket]'" in done.stdout
    first, second = done.stdout.splitlines()
    assert first == second


def test_warm_really_speaks(models: Path) -> None:
    engine = engine_of(models)
    engine.warm()
    assert engine.loaded.statistics.made == {"model": 1, "voice": 1}


def test_the_text_is_in_no_log(engine: PocketEngine, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    voice = engine.clone(recording(), "English")
    speech: Speech = engine.speak(voice, "Confidential" * 30, ENGLISH)
    assert len(speech.samples)
    assert "onfidential" not in caplog.text.lower()
