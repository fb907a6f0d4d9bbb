"""Speak the sentences of bench/sentences.py as each speaker of a folder, and write the clips.

    python bench/speak.py SPEAKERS OUT [--engine builtin] [--languages en,de] [--sentences 2]

OUT gets `<speaker>_<n>.wav`, where n is the index of the sentence in the script of the speaker's
language, `<speaker>_passage.wav` with all sentences as the service joins them, and `costs.json`.
bench/quality.py runs this script with the interpreter of an earlier release to compare both
releases in one run. Therefore this script needs nothing of bench/ except the sentences.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sentences import SCRIPTS

from soundclone.audio.decode import decode
from soundclone.config import Settings
from soundclone.engines.builtin import BuiltinEngine
from soundclone.engines.protocol import Controls, Engine, Reference, Speech
from soundclone.engines.registry import InstalledEngines
from soundclone.synthesis.concatenation import join
from soundclone.text.languages import LANGUAGES
from soundclone.text.script import Sentence

_PASSAGE = 12  # sentences of a passage, at least


def script(language: str, most: int = 0) -> tuple[str, ...]:
    """Return the sentences to speak in a language, at most `most` of them unless `most` is 0."""
    sentences = SCRIPTS.get(language) or (LANGUAGES[language].preview,)
    return sentences[: most or None]


def load(name: str) -> Engine | BuiltinEngine:
    """Return the engine `name`. The built-in engine also works from a source tree."""
    if name == "builtin":
        return BuiltinEngine()
    return InstalledEngines(Settings()).load(name)


def write(path: Path, samples: NDArray[np.floating], sample_rate: int) -> None:
    """Write mono samples as 16-bit WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes((samples.clip(-1, 1) * 32767).astype("<i2").tobytes())


def passage(texts: Sequence[str], speeches: Sequence[Speech]) -> NDArray[np.floating]:
    """Join spoken sentences as the service does, to measure the pauses between them.

    The sentences are repeated, because the spread of a few pauses is not known.
    """
    times = -(-_PASSAGE // len(texts))
    texts, speeches = [*texts] * times, [*speeches] * times
    offsets = np.cumsum([0, *(len(text) + 1 for text in texts)])
    pieces = [Sentence(text, int(at)) for text, at in zip(texts, offsets, strict=False)]
    return join(pieces, speeches, speeches[0].sample_rate, last=True).samples


def speak(
    engine: Engine | BuiltinEngine, people: dict[str, tuple[str, Path]], out: Path, most: int = 0
) -> dict[str, float]:
    """Write the clips of each speaker and close the engine.

    Args:
        engine: Engine that clones and speaks.
        people: Language and reference of each speaker.
        out: Folder of the clips.
        most: Number of sentences of a speaker, or 0 for the whole script.

    Returns:
        CPU seconds, memory and seconds of speech.
    """
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    engine.warm()
    clone = spoken = seconds = 0.0
    for name, (language, path) in people.items():
        decoded = decode(path)
        samples = decoded.samples.astype(np.float32)
        started = time.process_time()
        voice = engine.clone(Reference(samples, decoded.sample_rate, language), language)
        clone += time.process_time() - started
        started = time.process_time()
        texts = script(language, most)
        speeches = [engine.speak(voice, text, Controls(language)) for text in texts]
        spoken += time.process_time() - started
        rate = speeches[0].sample_rate
        for index, speech in enumerate(speeches):
            seconds += len(speech.samples) / rate
            write(out / f"{name}_{index}.wav", speech.samples, rate)
        write(out / f"{name}_passage.wav", passage(texts, speeches), rate)
    engine.close()  # the time of child processes counts after their end
    spoken += resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - children
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "clone_cpu_seconds": round(clone / len(people), 2),
        "real_time_factor": round(spoken / seconds, 3),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6),
        "seconds_spoken": round(seconds),
    }


def people_of(folder: Path, codes: set[str]) -> dict[str, tuple[str, Path]]:
    """Return language and reference of each speaker whose language code is in `codes`.

    Without codes, return all speakers.
    """
    by_code = {language.code: language.name for language in LANGUAGES.values()}
    found = {}
    for path in sorted(folder.iterdir()):
        code = path.name.split("_")[0]
        if (path / "ref.wav").is_file() and (code in codes or not codes):
            if code not in by_code:
                raise SystemExit(
                    f"{path} begins with {code!r}, which is not the code of a language; "
                    f"use one of {', '.join(sorted(by_code))}"
                )
            found[path.name] = (by_code[code], path / "ref.wav")
    if not found:
        raise SystemExit(f"{folder} has no speaker's folder; <code>_<name>/ref.wav is one")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--engine", default="builtin")
    parser.add_argument("--languages", default="", help="codes, comma-separated; all when empty")
    parser.add_argument("--sentences", type=int, default=0, help="of each speaker; 0: all")
    options = parser.parse_args()
    people = people_of(options.folder, set(filter(None, options.languages.split(","))))
    options.out.mkdir(parents=True, exist_ok=True)
    costs = speak(load(options.engine), people, options.out, options.sentences)
    (options.out / "costs.json").write_text(json.dumps(costs))


if __name__ == "__main__":
    main()
