"""Measure neural engines beside their bare packages: seconds and memory.

    .venv-neural/bin/python bench/neural.py [--engine pocket|voxcpm|omnivoice] [--rounds 5]
        [--tiny] [--json]

Models are of full size with random weights: what they say is noise, and takes as long as speech.
They never come to an end, so that the same amount of audio is made every time. What is compared
takes turns, so that a busy machine slows both; each part runs in a process of its own, so that its
memory is its own. `--tiny` only shows that all of it runs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from soundclone.config import Settings  # noqa: E402
from soundclone.engines.protocol import Controls, Reference  # noqa: E402
from soundclone.weights import store  # noqa: E402

Figures = dict[str, float]


class Options(NamedTuple):
    rounds: int
    tiny: bool


class Bench(NamedTuple):
    """The steps that measure an engine."""

    prepare: Callable[[Path, Options], None]  # makes its weights in a folder of models
    parts: dict[str, Callable[[Path, Options], Figures]]  # each in a separate process


def noise(seconds: float, rate: int = 24_000) -> Reference:
    samples = np.random.default_rng(0).standard_normal(round(seconds * rate)) / 10
    return Reference(samples.astype(np.float32), rate)


def resident() -> float:
    """MB in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak() -> float:
    """MB in memory at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what came of it."""
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


# Pocket TTS

_TEXT = "Once upon"  # a token for each letter: 5 s of audio


def pocket_weights(models: Path, options: Options) -> None:
    import pocket_tts
    import yaml
    from tests.neural import tiny_pocket

    packaged = Path(pocket_tts.__file__).parent / "config" / "english.yaml"
    config = tiny_pocket.SMALL if options.tiny else yaml.safe_load(packaged.read_text())
    with tempfile.TemporaryDirectory() as folder:
        made = tiny_pocket.make(Path(folder) / "pocket", config, endless=True)
        store.adopt(models, "pocket", made)


class Inside:
    """The package's generator, and how long was spent in it: what is left is the adapter's."""

    def __init__(self, stream: Callable[..., Any]) -> None:
        self._stream = stream
        self.seconds = 0.0

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        stream = iter(self._stream(*arguments, **options))
        while True:
            seconds, chunk = timed(lambda: next(stream, None))
            self.seconds += seconds
            if chunk is None:
                return
            yield chunk


def pocket_speed(int8: bool) -> Callable[[Path, Options], Figures]:
    def measure(models: Path, options: Options) -> Figures:
        from soundclone.engines.neural import device
        from soundclone.engines.neural.pocket import PocketEngine, generate

        engine = PocketEngine(Settings(models_dir=models, pocket_int8=int8))
        voice = engine.clone(noise(10), "English")
        loaded = engine.model("English")
        state = engine.state(voice, "English")

        def adapter() -> Any:
            return engine.speak(voice, _TEXT, Controls("English", seed=1)).samples

        def bare(frames: int) -> Any:
            loaded.tts.max_decoder_frames_per_call = frames
            try:
                with device.threads(1):
                    return loaded.tts.generate_audio(state, _TEXT)
            finally:
                loaded.tts.max_decoder_frames_per_call = 1

        def first_chunk() -> Any:
            with device.threads(1), closing(generate(loaded.tts, state, _TEXT)) as stream:
                return next(stream)

        shares = []
        inside = Inside(loaded.tts.generate_audio_stream)
        loaded.tts.generate_audio_stream = inside
        for _ in range(options.rounds + 1):
            inside.seconds = 0.0
            seconds, _ = timed(adapter)
            shares.append(1 - inside.seconds / seconds)
        del loaded.tts.generate_audio_stream
        ways: dict[str, Callable[[], Any]] = {
            "adapter": adapter,
            "bare": lambda: bare(1),
            "bare, as it comes": lambda: bare(0),
        }
        factors: dict[str, list[float]] = {name: [] for name in ways}
        processor: dict[str, list[float]] = {name: [] for name in ways}
        chunks: list[float] = []
        for number in range(options.rounds + 1):
            for name in sorted(ways, reverse=number % 2 == 1):
                before = time.process_time()
                seconds, samples = timed(ways[name])
                if number:  # the first round finds cold caches
                    factors[name].append(seconds / (len(samples) / 24_000))
                    processor[name].append(time.process_time() - before)
            chunks.append(timed(first_chunk)[0])
            time.sleep(0.5)  # the threads of the stream come to their end
        figures = {f"real-time factor, {name}": median(each) for name, each in factors.items()}
        for name in ("bare", "bare, as it comes"):
            for what, each in (("time", factors), ("processor time", processor)):
                pairs = zip(each["adapter"], each[name], strict=True)
                ratio = median(ours / theirs for ours, theirs in pairs)
                figures[f"adapter / {name}, {what}"] = ratio
        return figures | {
            "the adapter's own share of its time, %": 100 * median(shares[1:]),
            "first chunk, s": median(chunks),
        }

    return measure


def pocket_memory(int8: bool) -> Callable[[Path, Options], Figures]:
    def measure(models: Path, options: Options) -> Figures:
        from soundclone.engines.neural.pocket import PocketEngine

        engine = PocketEngine(Settings(models_dir=models, pocket_int8=int8))
        import pocket_tts  # noqa: F401  torch and all

        packages = resident()
        first, _ = timed(lambda: engine.model("English"))
        figures = {
            "packages, MB": packages,
            "load, s": first,
            "model, MB": resident() - packages,
            "peak of loading, MB": peak(),
        }
        for seconds in (10, 30):
            took, voice = timed(lambda seconds=seconds: engine.clone(noise(seconds), "English"))
            figures |= {
                f"clone of {seconds} s, s": took,
                f"voice of {seconds} s, MB": len(voice.data) / 1e6,
                f"peak after a clone of {seconds} s, MB": peak(),
            }
        figures["second voice, s"], _ = timed(lambda: engine.state(voice, "English"))
        engine.close()
        again, _ = timed(lambda: engine.model("English"))
        return figures | {"load again, s": again}

    return measure


def pocket_voices(models: Path, options: Options) -> Figures:
    """Speak with a hundred voices while memory holds the model and ten of them."""
    from soundclone.engines.neural import voice_file
    from soundclone.engines.neural.cache import Cache
    from soundclone.engines.neural.pocket import PocketEngine

    engine = PocketEngine(Settings(models_dir=models))
    engine.loaded = Cache(10**12)
    voice = engine.clone(noise(10), "English")
    engine.loaded.limit = engine.loaded.size + 10 * len(voice.data)
    first = voice_file.unpack(voice.data, "pocket", voice.version)
    figures: Figures = {}
    for number in range(1, 101):
        arrays = {
            name: array + np.float32(number) if array.dtype == np.float32 else array
            for name, array in first.arrays.items()
        }
        data = voice_file.pack(voice_file.Prompt(arrays), "pocket", voice.version)
        another = type(voice)("pocket", voice.version, data)
        engine.state(another, "English")
        if number % 10 == 1:
            engine.speak(another, "A", Controls("English"))
        assert engine.loaded.size <= engine.loaded.limit
        if number in (1, 10, 20, 50, 100):
            figures[f"resident after {number} voices, MB"] = resident()
    made = engine.loaded.statistics.made
    return figures | {"models loaded": made["model"], "voices loaded": made["voice"]}


# VoxCPM2 and OmniVoice

_SAID = "It was a bright cold day in April."  # in three seconds
_SENTENCE = "The clocks were striking thirteen, all of them at once, and nobody looked up at them."
_AT_ONCE = (1, 2, 4, 8, 16)


def voxcpm_weights(models: Path, options: Options) -> None:
    from tests.neural import tiny_voxcpm

    shape = tiny_voxcpm.config() if options.tiny else tiny_voxcpm.published()
    with tempfile.TemporaryDirectory() as folder:
        made = tiny_voxcpm.make(Path(folder) / "voxcpm", shape, endless=True)
        store.adopt(models, "voxcpm", made)


def omnivoice_weights(models: Path, options: Options) -> None:
    from tests.neural import tiny_omnivoice

    shape = tiny_omnivoice.SMALL if options.tiny else tiny_omnivoice.PUBLISHED
    os.environ["SOUNDCLONE_ACCEPT_NONCOMMERCIAL"] = "omnivoice"
    with tempfile.TemporaryDirectory() as folder:
        made = tiny_omnivoice.make(Path(folder) / "omnivoice", shape)
        store.adopt(models, "omnivoice", made, ["omnivoice"])


def gpu_engine(name: str, models: Path, options: Options) -> Any:
    """Return an engine on the GPU, or a tiny one on any device."""
    from soundclone.engines.neural.omnivoice import OmniVoiceEngine
    from soundclone.engines.neural.voxcpm import VoxCPMEngine

    engine = {"voxcpm": VoxCPMEngine, "omnivoice": OmniVoiceEngine}[name]
    return engine(Settings(models_dir=models, device="cpu" if options.tiny else "auto"))


def gpu_memory() -> float:
    """MB that torch has taken of the GPU at most; 0 where there is none."""
    import torch

    return torch.cuda.max_memory_allocated() / 1e6 if torch.cuda.is_available() else 0.0


def gpu_speed(name: str) -> Callable[[Path, Options], Figures]:
    """Return a measurement of concurrent sentences.

    Each sentence has its own thread. An engine that can batch also speaks them in one call.
    """

    def measure(models: Path, options: Options) -> Figures:
        engine = gpu_engine(name, models, options)
        loading, _ = timed(engine.warm)
        example = replace(noise(3), language="English", transcript=_SAID)
        cloning, voice = timed(lambda: engine.clone(example, "English"))
        figures = {"load and compile, s": loading, "clone, s": cloning}
        rate = engine.info.sample_rate

        def one(seed: int) -> Any:
            return engine.speak(voice, _SENTENCE, Controls("English", seed=seed))

        def apart(count: int) -> list[Any]:
            with ThreadPoolExecutor(count) as threads:
                return list(threads.map(one, range(count)))

        apart(1)
        for count in _AT_ONCE:
            factors, waits = [], []
            for _ in range(options.rounds):
                seconds, spoken = timed(lambda count=count: apart(count))
                audio = sum(len(each.samples) for each in spoken) / rate
                factors.append(seconds / audio)
                waits.append(seconds)
            figures |= {
                f"real-time factor, {count} sentences": median(factors),
                f"until the last of {count} sentences, s": median(waits),
                f"GPU at most, {count} sentences, MB": gpu_memory(),
            }
        return figures | {"resident at most, MB": peak()}

    return measure


def gpu_overhead(name: str) -> Callable[[Path, Options], Figures]:
    """Return a measurement that alternates between the adapter and the model's own code."""

    def measure(models: Path, options: Options) -> Figures:
        engine = gpu_engine(name, models, options)
        example = replace(noise(3), language="English", transcript=_SAID)
        voice = engine.clone(example, "English")
        controls = Controls("English", seed=1)
        ways: dict[str, Callable[[], Any]] = {
            "adapter": lambda: engine.speak(voice, _SENTENCE, controls),
            "model": engine.bare(voice, _SENTENCE, controls),
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for number in range(options.rounds + 1):
            for way in sorted(ways, reverse=number % 2 == 1):
                took, _ = timed(ways[way])
                if number:
                    seconds[way].append(took)
        pairs = zip(seconds["adapter"], seconds["model"], strict=True)
        return {"adapter / model": median(ours / theirs for ours, theirs in pairs)}

    return measure


def gpu_voices(name: str) -> Callable[[Path, Options], Figures]:
    """Return a measurement of a hundred voices while memory holds ten of them."""

    def measure(models: Path, options: Options) -> Figures:
        from soundclone.engines.neural.cache import Cache

        engine = gpu_engine(name, models, options)
        example = replace(noise(3), language="English", transcript=_SAID)
        figures: Figures = {}
        for number in range(1, 101):
            turned = replace(example, samples=np.roll(example.samples, number * 100))
            voice = engine.clone(turned, "English")
            if number == 1:
                engine.voices = Cache(10 * len(voice.data))
            engine.speak(voice, "A.", Controls("English"))
            assert engine.voices.size <= engine.voices.limit
            if number in (1, 10, 50, 100):
                figures[f"resident after {number} voices, MB"] = resident()
                figures[f"GPU at most after {number} voices, MB"] = gpu_memory()
        return figures

    return measure


def gpu_bench(name: str, prepare: Callable[[Path, Options], None]) -> Bench:
    return Bench(
        prepare,
        {
            "speed": gpu_speed(name),
            "overhead": gpu_overhead(name),
            "a hundred voices": gpu_voices(name),
        },
    )


BENCHES = {
    "pocket": Bench(
        pocket_weights,
        {
            "float32": pocket_speed(int8=False),
            "int8": pocket_speed(int8=True),
            "float32, memory": pocket_memory(int8=False),
            "int8, memory": pocket_memory(int8=True),
            "a hundred voices": pocket_voices,
        },
    ),
    "voxcpm": gpu_bench("voxcpm", voxcpm_weights),
    "omnivoice": gpu_bench("omnivoice", omnivoice_weights),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=BENCHES, default="pocket")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--models", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    options = Options(arguments.rounds, arguments.tiny)
    bench = BENCHES[arguments.engine]
    warnings.simplefilter("ignore")
    if arguments.part:
        print(json.dumps(bench.parts[arguments.part](arguments.models, options)))
        return
    report: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as models:
        bench.prepare(Path(models), options)
        for part in bench.parts:
            command = [sys.executable, __file__, *sys.argv[1:], "--part", part, "--models", models]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
            report[part] = json.loads(done.stdout)
            if not arguments.json:
                print_table(part, report[part])
    if arguments.json:
        print(json.dumps({"cores": os.cpu_count(), "engine": arguments.engine, "parts": report}))


def print_table(part: str, figures: Figures) -> None:
    print(f"\n| {part} | |\n|---|---|")
    for name, value in figures.items():
        print(f"| {name} | {value:.3g} |" if value < 100 else f"| {name} | {value:.0f} |")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
