"""Replace the engine's parts by those of real speech, one by one, to find where likeness is lost.

    python bench/oracles.py CORPUS CLIPS [--speakers 16]

CORPUS is the corpus of training/README.md, and CLIPS the output of training/corpus.py, which has
the sounds and their times. A voice is made from all clips of a speaker but the last two. The
systems speak the texts of these two. Each result is compared with the clips that the voice was made
from. The speakers speak other languages than English. Packages: bench/requirements-quality.in.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from gallery import Gallery
from hearing import Array, Instruments, Sound, pieces
from report import mean_of
from score import MOST, PIECE

from soundclone.audio.decode import decode
from soundclone.engines.builtin import conversion, reading, sounds, synthesis, vocoder
from soundclone.engines.builtin.analysis import Analysis, analyse
from soundclone.engines.builtin.frontend import VOICES, Pool
from soundclone.engines.builtin.voice import VoiceData
from soundclone.engines.protocol import Controls
from soundclone.text.languages import LANGUAGES

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from features import table

FEWEST = 6  # clips of a speaker
TESTED = 2  # clips of a speaker whose texts are spoken
GAP = 0.2  # seconds between the clips of a reference
SYSTEMS = (
    "real speech",
    "real sounds, timing, melody and levels (vocoder)",
    "real sounds, timing and melody; decoder",
    "real timing, melody and levels; source's sounds, decoder",
    "the same, real levels in speech only",
    "real timing and melody; source's sounds and levels, decoder",
    "real timing; source's sounds, levels and melody, decoder",
    "engine",
)


@dataclass(frozen=True)
class Clip:
    """A recording, its text, and its sounds with their times."""

    sound: Sound
    language: str
    text: str
    rows: np.ndarray
    durations: np.ndarray  # frames of 10 ms


def people(corpus: Path, clips: Path, count: int) -> Iterator[tuple[str, list[Clip]]]:
    """Yield `count` speakers with FEWEST clips or more, alternating between languages."""
    by_code = {language.code: name for name, language in LANGUAGES.items() if name in VOICES}
    manifest = table(corpus / "MANIFEST.tsv")
    found: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for path in sorted(clips.glob("*.npz")):
        with np.load(path) as file:
            code = str(file["language"]).split("-")[0]
            if "durations" in file.files and code in by_code and code != "en":
                found[code, str(file["speaker"])].append(path)
    many = [key for key, paths in found.items() if len(paths) >= FEWEST]
    rank = {key: sum(other[0] == key[0] for other in many[: many.index(key)]) for key in many}
    for code, speaker in sorted(many, key=lambda key: (rank[key], key))[:count]:
        read = []
        for path in found[code, speaker]:
            with np.load(path) as file:
                name = str(file["path"])
                decoded = decode(corpus / name)
                read.append(
                    Clip(
                        Sound(decoded.samples.astype(np.float64), decoded.sample_rate),
                        by_code[code],
                        manifest[name]["transcript"],
                        file["rows"].astype(int),
                        file["durations"].astype(int),
                    )
                )
        yield f"{code}_{speaker}", read


def reference(clips: list[Clip]) -> Sound:
    """Join the recordings of a speaker."""
    rate = clips[0].sound.sample_rate
    gap = np.zeros(round(GAP * rate))
    return Sound(np.concatenate([part for c in clips for part in (c.sound.samples, gap)]), rate)


def origin(clip: Clip, source_rows: np.ndarray, times: np.ndarray, count: int) -> Array | None:
    """Return the times in the source's speech of the frames of a recording: (count,), seconds.

    None if the sounds differ.
    """
    said = clip.rows[:, sounds.SOUND] != sounds.PAUSE
    if not np.array_equal(clip.rows[said, sounds.SOUND], source_rows[:, sounds.SOUND]):
        return None
    edges = np.concatenate([[0], np.cumsum(clip.durations)]) * 0.01
    real = np.stack([edges[:-1][said], edges[1:][said]], axis=1).ravel()
    known = np.maximum.accumulate(times.ravel())
    return np.interp(np.arange(count) * vocoder.HOP, real, known)


def systems(clip: Clip, voice: VoiceData, pool: Pool) -> list[Sound] | None:
    """Return the text of a clip, spoken by SYSTEMS, or None if the source reads other sounds."""
    heard = analyse(clip.sound.samples, clip.sound.sample_rate)
    real = heard.parameters
    source = pool.speak(clip.text, clip.language)
    rows, times = sounds.sequence(source.phones, source.words, clip.text)
    times = np.minimum(times, len(source.samples) / source.sample_rate)
    path = origin(clip, rows, times, len(real.f0))
    if path is None or not real.voiced.any():
        return None
    spoken = analyse(source.samples, source.sample_rate, source.phones)
    moved = reading.retimed(spoken, path)
    count = (len(real.f0) + 1) // 2
    heard = None if moved.sounds is None else moved.sounds[:count]
    moved = replace(moved, posteriors=moved.posteriors[:count], sounds=heard)
    frames = np.arange(len(real.f0))
    melody = np.interp(frames, frames[real.voiced], np.log(real.f0[real.voiced]))
    on_source = replace(moved, parameters=replace(moved.parameters, f0=sung(moved, melody)))
    with_f0 = own(on_source, voice, clip.language)
    plain = conversion.convert(moved, voice, clip.language)
    whole = synthesis.speak(pool, voice, clip.text, Controls(clip.language))
    decoded = conversion.convert(heard, voice, clip.language, melody - voice.f0[0])
    decoded = replace(decoded, f0=real.f0, level=real.level)
    made = [real, decoded, replace(with_f0, level=real.level)]
    loud = np.where(heard.active, real.level, with_f0.level)
    made += [replace(with_f0, level=loud), with_f0, plain]
    return [
        clip.sound,
        *(Sound(vocoder.synthesise(p), vocoder.OUTPUT_RATE) for p in made),
        Sound(whole.samples.astype(np.float64), whole.sample_rate),
    ]


def sung(moved: Analysis, melody: Array) -> Array:
    """Return F0 of a real melody where the source is voiced."""
    return np.where(moved.parameters.voiced, np.exp(melody), 0.0)


def own(moved: Analysis, voice: VoiceData, language: str) -> vocoder.Parameters:
    """Convert the source with the F0 that it has already."""
    f0 = moved.parameters.f0
    logs = np.log(np.where(f0 > 0, f0, 1.0)) - voice.f0[0]
    converted = conversion.convert(moved, voice, language, logs)
    return replace(converted, f0=f0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--speakers", type=int, default=16)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    instruments, pool = Instruments(), Pool(size=1)
    said: dict[str, list[list[Sound]]] = {}
    known: dict[str, tuple[Sound, ...]] = {}
    for name, clips in people(options.corpus, options.clips, options.speakers):
        kept = reference(clips[:-TESTED])
        voice = conversion.voice_of(analyse(kept.samples, kept.sample_rate), clips[0].language)
        spoken = [systems(clip, voice, pool) for clip in clips[-TESTED:]]
        known[name] = (kept,)
        said[name] = [each for each in spoken if each]
    pool.close()
    gallery = Gallery(instruments, known, thorough=False)
    print("| system | hp similarity | hp right - wrong | minus the line above |\n|---|---|---|---|")
    before: list[float] = []
    for number, system in enumerate(SYSTEMS):
        rows = [
            mean_of(
                [gallery.compare(name, p) for p in pieces([e[number] for e in each], PIECE, MOST)]
            )
            for name, each in said.items()
            if each
        ]
        hp = [row["hp_similarity"] for row in rows]
        less = np.subtract(hp, before) if before else np.zeros(len(hp))
        error = less.std() / np.sqrt(max(len(hp) - 1, 1))
        margin = np.mean([row["hp_margin"] for row in rows])
        print(f"| {system} | {np.mean(hp):.3f} | {margin:.3f} | {less.mean():+.3f} ± {error:.3f} |")
        before = hp
    print(f"{len(before)} speakers")


if __name__ == "__main__":
    main()
