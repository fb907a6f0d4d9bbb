"""Measure the controls with Praat: speed, pitch, and the differences between emotions.

    python bench/controls.py SPEAKERS [--by-itself] [--json]

`SPEAKERS` and the environment are those of bench/quality.py, with praat-parselmouth (GPL: only for
measurements, never a dependency). `--by-itself` treats the engine as one without controls, so that
`synthesis.prosody` applies them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import parselmouth
import soxr
from sentences import SCRIPTS

from soundclone.audio import loudness
from soundclone.audio.decode import decode
from soundclone.config import Settings
from soundclone.engines.emotion import PROFILES
from soundclone.engines.protocol import Controls, Emotion, Engine, Reference, Speech, Voice
from soundclone.engines.registry import InstalledEngines
from soundclone.synthesis.concatenation import trim
from soundclone.synthesis.prosody import speak
from soundclone.text.languages import LANGUAGES

SPEEDS = (0.5, 0.75, 1.25, 1.5, 2.0)
PITCHES = (-12, -7, -3, 3, 7, 12)
FEATURES = ("F0, semitones", "F0 range, semitones", "rate, %", "loudness, LU", "tilt, dB")


class ByItself:
    """An engine, as if it had no controls."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.info = replace(engine.info, native=frozenset())
        self.speak = engine.speak
        self.clone = engine.clone


@dataclass(frozen=True)
class Person:
    name: str
    language: str
    voice: Voice
    recording: parselmouth.Sound


def sound_of(speech: Speech) -> parselmouth.Sound:
    return parselmouth.Sound(speech.samples.astype(np.float64), speech.sample_rate)


def length(sound: parselmouth.Sound) -> float:
    """Seconds from the first to the last frame within 40 dB of the loudest."""
    intensity = sound.to_intensity(100, 0.005)
    loud = intensity.xs()[intensity.values[0] > intensity.values.max() - 40]
    return float(loud[-1] - loud[0])


def f0(sound: parselmouth.Sound, semitones: float = 0.0) -> np.ndarray:
    """Hz every 10 ms, 0 where unvoiced, looked for in a range that is moved with the pitch."""
    factor = 2 ** (semitones / 12)
    pitch = sound.to_pitch_ac(0.01, 60 * factor, pitch_ceiling=500 * factor)
    return np.asarray(pitch.selected_array["frequency"])


def formants(sound: parselmouth.Sound, voiced: np.ndarray) -> list[float]:
    """Medians of the first three, in Hz, over the frames that are voiced."""
    found = sound.to_formant_burg(0.01, 5, 5250)
    times = np.arange(len(voiced))[voiced] * 0.01 + 0.05
    rows = [[found.get_value_at_time(n, time) for n in (1, 2, 3)] for time in times]
    return [float(value) for value in np.nanmedian(rows, axis=0)]


def cents_off(low: parselmouth.Sound, high: parselmouth.Sound, semitones: int) -> float:
    """Return the median deviation from the requested semitones, in cents."""
    before, after = f0(low), f0(high, semitones)
    size = min(len(before), len(after))
    both = (before[:size] > 0) & (after[:size] > 0)
    ratio = after[:size][both] / before[:size][both]
    return float(np.median(1200 * np.log2(ratio))) - 100 * semitones


def manner(speech: Speech, factor: float) -> list[float]:
    """FEATURES, absolute, of speech that is handed out at `factor` times the usual level."""
    rate = speech.sample_rate
    gain = 10 ** ((loudness.TARGET - loudness.loudness(speech.samples, rate)) / 20)
    limiter = loudness.Limiter(rate)
    parts = [limiter.process(speech.samples * np.float32(gain * factor)), limiter.flush()]
    out = replace(speech, samples=np.concatenate(parts))
    sound = sound_of(out)
    hertz = f0(sound)
    tones = 12 * np.log2(hertz[hertz > 0])
    spectrum = sound.to_spectrum()
    bands = [spectrum.get_band_energy(*band) for band in ((1000.0, 5000.0), (60.0, 1000.0))]
    return [
        float(np.median(tones)),
        float(np.subtract(*np.percentile(tones, [90, 10]))),
        -100 * float(np.log(length(sound))),
        loudness.loudness(out.samples, out.sample_rate),
        float(10 * np.log10(bands[0] / bands[1])),
    ]


def told_apart(rows: Mapping[str, Sequence[Sequence[float]]]) -> float:
    """Share of clips that are nearest to their own emotion's centre, made of all other clips."""
    clips = [(name, np.array(row)) for name, found in rows.items() for row in found]
    spread = np.std([row for _, row in clips], axis=0)
    right = 0
    for index, (name, row) in enumerate(clips):
        rest = clips[:index] + clips[index + 1 :]
        centres = {e: np.mean([r for n, r in rest if n == e], axis=0) for e in rows}
        nearest = min(centres, key=lambda e: float(np.linalg.norm((row - centres[e]) / spread)))
        right += nearest == name
    return right / len(clips)


def people(folder: Path, engine: Any, most: int) -> list[Person]:
    names = {language.code: name for name, language in LANGUAGES.items()}
    found = []
    for path in sorted(folder.iterdir())[:most]:
        decoded = decode(path / "ref.wav")
        samples, rate = decoded.samples, decoded.sample_rate
        voice = engine.clone(Reference(samples, rate), "English")
        recording = parselmouth.Sound(samples.astype(np.float64), rate)
        found.append(Person(path.name, names[path.name.partition("_")[0]], voice, recording))
    return found


class Likeness:
    """Resemblyzer's, between a clip and a recording."""

    def __init__(self) -> None:
        from resemblyzer import VoiceEncoder

        self._encoder = VoiceEncoder("cpu", verbose=False)

    def embedding(self, samples: np.ndarray, rate: float) -> np.ndarray:
        from resemblyzer import preprocess_wav

        wave = soxr.resample(samples.astype(np.float32), rate, 16_000)
        return np.asarray(self._encoder.embed_utterance(preprocess_wav(wave)))


def measure(engine: Any, persons: Sequence[Person], count: int) -> dict[str, Any]:
    likeness = Likeness()
    speeds: dict[float, list[float]] = {speed: [] for speed in SPEEDS}
    pitches: dict[int, list[float]] = {pitch: [] for pitch in PITCHES}
    moved: dict[int, list[list[float]]] = {pitch: [] for pitch in PITCHES}
    rows: dict[str, list[list[float]]] = {emotion: [] for emotion in Emotion}
    alike: dict[str, list[float]] = {emotion: [] for emotion in Emotion}
    for person in persons:
        own = likeness.embedding(person.recording.values[0], person.recording.sampling_frequency)
        clips: dict[str, list[np.ndarray]] = {emotion: [] for emotion in Emotion}
        rate = engine.info.sample_rate
        for text in SCRIPTS.get(person.language, ())[:count]:
            usual = Controls(person.language)

            def said(text: str = text, person: Person = person, **controls: Any) -> Speech:
                asked = Controls(person.language, **controls)
                return trim(speak(engine, person.voice, text, asked))

            plain = speak(engine, person.voice, text, usual)
            for speed in SPEEDS:
                ratio = length(sound_of(said(speed=speed))) * speed / length(sound_of(plain))
                speeds[speed].append(100 * (ratio - 1))
            was = sound_of(plain)
            voiced = f0(was) > 0
            resonances = formants(was, voiced)
            for pitch in PITCHES:
                high = sound_of(speak(engine, person.voice, text, replace(usual, pitch=pitch)))
                pitches[pitch].append(cents_off(was, high, pitch))
                now = formants(high, voiced)
                moved[pitch].append(
                    [100 * (b / a - 1) for a, b in zip(resonances, now, strict=True)]
                )
            neutral: list[float] = []
            for emotion in ("neutral", *(e for e in Emotion if e != "neutral")):
                speech = said(emotion=emotion)
                features = manner(speech, 10 ** (PROFILES[emotion].energy / 20))
                neutral = neutral or features
                rows[emotion].append(list(np.subtract(features, neutral)))
                clips[emotion].append(speech.samples)
        for emotion, parts in clips.items():
            alike[emotion].append(float(likeness.embedding(np.concatenate(parts), rate) @ own))
        print(person.name, file=sys.stderr, flush=True)
    base = mean(alike["neutral"])
    return {
        "speed": {
            str(speed): {
                "duration off, median %": median(abs(each) for each in off),
                "worst %": max(abs(each) for each in off),
            }
            for speed, off in speeds.items()
        },
        "pitch": {
            f"{pitch:+}": {
                "F0 off, median cents": median(abs(each) for each in off),
                "worst clip, cents": max(abs(each) for each in off),
                **{f"F{n + 1} moved, %": median(row[n] for row in moved[pitch]) for n in range(3)},
            }
            for pitch, off in pitches.items()
        },
        "emotion": {
            emotion: {
                **{name: mean(row[n] for row in found) for n, name in enumerate(FEATURES)},
                "similarity": mean(alike[emotion]) - base,
            }
            for emotion, found in rows.items()
        },
        "told apart": told_apart(rows),
        "similarity of neutral": base,
    }


def table(head: str, rows: Mapping[str, Mapping[str, float]]) -> str:
    columns = list(next(iter(rows.values())))
    lines = [[head, *columns], ["---"] * (len(columns) + 1)]
    for name, row in rows.items():
        lines.append(
            [name, *(f"{row[c]:+.3f}" if c == "similarity" else f"{row[c]:.1f}" for c in columns)]
        )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("speakers", type=Path)
    parser.add_argument("--engine", default="builtin")
    parser.add_argument("--most", type=int, default=99, help="speakers")
    parser.add_argument("--sentences", type=int, default=3, help="of each speaker")
    parser.add_argument("--by-itself", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    engine: Any = InstalledEngines(Settings()).load(options.engine)
    if options.by_itself:
        engine = ByItself(engine)
    found = measure(engine, people(options.speakers, engine, options.most), options.sentences)
    if options.json:
        print(json.dumps(found))
        return
    for head in ("speed", "pitch", "emotion"):
        print(table(head, found[head]), end="\n\n")
    print(f"told apart {found['told apart']:.0%}, neutral {found['similarity of neutral']:.2f}")


if __name__ == "__main__":
    main()
