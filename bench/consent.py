"""Error rates of the comparison of a consent recording with the sample of a voice.

    python bench/consent.py FOLDER [FOLDER …] [--seed 5] [--json]

A FOLDER has either a folder per speaker, `<language>_<anything>/`, with `ref.wav` and
`other_1.wav`, …, or MANIFEST.tsv and QUALITY.tsv, which `training/features.py` describes. Of the
latter, only speakers that `training/speaker.py` did not train on are used: 60 for development,
together with the speakers of folders, and 150 for the test. The threshold was chosen on the
development speakers.

A speaker's clips are shared out: 3 to 10 s of speech are the consent, all else is the sample, at
least 10 s. Each consent is also made worse as consents are: a telephone's band, MP3 of 32 kbit/s,
noise 15 dB below the voice, an echoing room, and a low level.
Figures, their meanings and caveats: docs/consent.md.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from soundclone.audio import speakers
from soundclone.audio.consent import LEAST_SIMILARITY, Voiceprint, compare, voiceprint
from soundclone.audio.vad import detect_speech

RATE = speakers.RATE
CONSENT, SAMPLE = (3.0, 10.0), (10.0, 40.0)  # seconds of speech, least and most
MOST = 3  # consents of a speaker
TEST, DEVELOPMENT, LEAST = 150, 60, 12.0  # as training/speaker.py has them
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Clip:
    speech: Samples  # without its pauses
    seconds: float


@dataclass(frozen=True)
class Trial:
    """Consent recording of a speaker in all conditions, and the sample of the same speaker."""

    split: str  # development or test
    speaker: str
    sex: str  # F, M or empty
    language: str
    sample: Voiceprint
    consents: dict[str, Voiceprint]  # by condition


@dataclass(frozen=True)
class Rates:
    """Error rates at the threshold, in per cent, with bounds of 95 %."""

    split: str
    condition: str
    same: int  # pairs
    refused: float
    refused_bounds: tuple[float, float]
    different: int
    accepted: float
    accepted_bounds: tuple[float, float]
    alike: int  # pairs of the same sex
    alike_accepted: float
    alike_bounds: tuple[float, float]


class Worse:
    """Ways in which a consent recording is worse than the sample."""

    def __init__(self, seed: int) -> None:
        self._dice = np.random.default_rng(seed)

    def conditions(self) -> dict[str, Callable[[Samples], Samples]]:
        return {
            "as recorded": lambda sound: sound,
            "telephone": self.telephone,
            "MP3, 32 kbit/s": self.mp3,
            "noise at 15 dB": lambda sound: self.noise(sound, 15),
            "another room": self.room,
            "34 dB quieter": lambda sound: np.float32(0.02) * sound,
        }

    def telephone(self, sound: Samples) -> Samples:
        spectrum = np.fft.rfft(sound)
        hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
        spectrum[(hertz < 300) | (hertz > 3400)] = 0
        return np.fft.irfft(spectrum, len(sound)).astype(np.float32)

    def mp3(self, sound: Samples) -> Samples:
        file = io.BytesIO()
        with av.open(file, "w", format="mp3") as container:
            stream = container.add_stream("libmp3lame", rate=RATE)
            assert isinstance(stream, av.AudioStream)
            stream.bit_rate, stream.layout = 32_000, "mono"
            frame = av.AudioFrame.from_ndarray(np.clip(sound, -1, 1)[None], "fltp", "mono")
            frame.sample_rate = RATE
            for each in (frame, None):
                container.mux(stream.encode(each))
        file.seek(0)
        return decoded(file)

    def noise(self, sound: Samples, snr: float) -> Samples:
        spectrum = np.fft.rfft(self._dice.standard_normal(len(sound)))
        spectrum /= np.sqrt(np.arange(1, len(spectrum) + 1))  # pink
        noise = np.fft.irfft(spectrum, len(sound))
        gain = np.sqrt(np.mean(sound**2) / np.mean(noise**2)) * 10 ** (-snr / 20)
        return (sound + gain * noise).astype(np.float32)

    def room(self, sound: Samples) -> Samples:
        """Add an echo that fades by 60 dB in half a second, 3 dB below the direct sound."""
        length = RATE // 2
        echo = self._dice.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
        echo[:60] = 0
        echo *= 10 ** (-3 / 20) / np.sqrt(np.sum(echo**2))
        echo[0] = 1
        size = 1 << (len(sound) + length - 1).bit_length()
        heard = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(echo, size), size)
        return heard[: len(sound)].astype(np.float32)


def decoded(source: Path | io.BytesIO) -> Samples:
    """Mono samples at RATE, their RMS 0.1."""
    with av.open(str(source) if isinstance(source, Path) else source) as container:
        resampler = av.AudioResampler("flt", "mono", RATE)
        frames = [each for frame in container.decode(audio=0) for each in resampler.resample(frame)]
        frames += resampler.resample(None)
    sound = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    return np.asarray(0.1 * sound / np.sqrt(np.mean(sound**2) + 1e-9), np.float32)


def clip(path: Path) -> Clip:
    sound = decoded(path)
    activity = detect_speech(sound, RATE)
    parts = [sound[round(a * RATE) : round(b * RATE)] for a, b in activity.segments]
    return Clip(np.concatenate([np.zeros(0, np.float32), *parts]), activity.seconds)


def trials(folder: Path, worse: Worse) -> Iterator[Trial]:
    if (folder / "MANIFEST.tsv").exists():
        yield from _of_corpus(folder, worse)
        return
    sexes = sexes_of(folder)
    for place in sorted(each for each in folder.iterdir() if (each / "ref.wav").exists()):
        sample = voiceprint(clip(place / "ref.wav").speech)
        others = [clip(path) for path in sorted(place.glob("other_*.wav"))]
        name = Trial(
            "development", place.name, sexes.get(place.name, ""), place.name[:2], sample, {}
        )
        yield replace(name, consents=_worse([other.speech for other in others], worse))


def sexes_of(folder: Path) -> dict[str, str]:
    listed = folder.parent / "MANIFEST.tsv"
    rows = table(listed, "file").values() if listed.exists() else ()
    return {row["speaker"]: row["sex"][:1] for row in rows}


@dataclass(frozen=True)
class Person:
    """Speaker of a corpus."""

    paths: tuple[str, ...]  # clips, below the folder of the corpus
    sex: str
    language: str


def draw(corpus: Path) -> dict[str, dict[str, Person]]:
    """Return the people of each split that `training/speaker.py` did not train on, by name."""
    manifest, quality = table(corpus / "MANIFEST.tsv"), table(corpus / "QUALITY.tsv")
    seconds: dict[str, float] = defaultdict(float)
    paths: dict[str, list[str]] = defaultdict(list)
    for path, row in manifest.items():
        seconds[row["speaker"]] += float(quality[path]["speech_s"])
        paths[row["speaker"]].append(path)
    # The same draw as `held_out` of training/speaker.py.
    fit = sorted(s for s in seconds if seconds[s] >= LEAST and len(paths[s]) > 1)
    random.Random(1).shuffle(fit)

    def person(name: str) -> Person:
        row = manifest[paths[name][0]]
        return Person(tuple(paths[name]), row["sex"], row["language"])

    return {
        "test": {name: person(name) for name in fit[:TEST]},
        "development": {name: person(name) for name in fit[TEST : TEST + DEVELOPMENT]},
    }


def _of_corpus(corpus: Path, worse: Worse) -> Iterator[Trial]:
    for split, people in draw(corpus).items():
        for name, person in sorted(people.items()):
            clips = [clip(corpus / path) for path in person.paths]
            for consent in _consents(clips)[:MOST]:
                rest = [each.speech for n, each in enumerate(clips) if n not in consent]
                sample = voiceprint(np.concatenate(rest)[: round(SAMPLE[1] * RATE)])
                made = _worse([np.concatenate([clips[n].speech for n in consent])], worse)
                yield Trial(split, name, person.sex, person.language, sample, made)


def _consents(clips: Sequence[Clip]) -> list[tuple[int, ...]]:
    """Numbers of the clips of each consent: one clip, or two that are long enough together."""
    whole = sum(each.seconds for each in clips)
    found: list[tuple[int, ...]] = []
    at = 0
    while at < len(clips):
        group = (at,) if clips[at].seconds >= CONSENT[0] else (at, at + 1)
        at = group[-1] + 1
        if at > len(clips):
            break
        seconds = sum(clips[n].seconds for n in group)
        if CONSENT[0] <= seconds <= CONSENT[1] and whole - seconds >= SAMPLE[0]:
            found.append(group)
    return found


def _worse(consents: Sequence[Samples], worse: Worse) -> dict[str, Voiceprint]:
    sound = np.concatenate(consents)[: round(CONSENT[1] * RATE)]
    return {name: voiceprint(make(sound)) for name, make in worse.conditions().items()}


def table(path: Path, key: str = "path") -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row[key]: row for row in rows}


def rates(found: Sequence[Trial], condition: str, least: float, seed: int) -> Rates:
    """Error rates of a split in a condition."""
    likeness = np.array([[compare(a.consents[condition], b.sample) for b in found] for a in found])
    who = np.array([trial.speaker for trial in found])
    sex = np.array([trial.sex for trial in found])
    same = likeness[np.arange(len(found)), np.arange(len(found))]
    different = who[:, None] != who[None, :]
    alike = different & (sex[:, None] == sex[None, :]) & (sex[:, None] != "")
    refused = int(np.sum(same < least))
    taken = likeness >= least
    return Rates(
        found[0].split,
        condition,
        len(same),
        100 * refused / len(same),
        wilson(refused, len(same)),
        int(different.sum()),
        100 * float(taken[different].mean()),
        bootstrap(taken, different, who, seed),
        int(alike.sum()),
        100 * float(taken[alike].mean()),
        bootstrap(taken, alike, who, seed),
    )


def wilson(count: int, of: int) -> tuple[float, float]:
    """Bounds of a share, in per cent (Wilson, 1927)."""
    z, share = 1.96, count / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return 100 * max(0.0, middle - half), 100 * min(1.0, middle + half)


def bootstrap(
    taken: NDArray[np.bool_], pairs: NDArray[np.bool_], who: NDArray[np.str_], seed: int
) -> tuple[float, float]:
    """Bounds of a share of pairs, which are not independent: speakers are drawn anew."""
    dice = np.random.default_rng(seed)
    names, number = np.unique(who, return_inverse=True)
    hits, all_ = np.zeros((2, len(names), len(names)))
    np.add.at(hits, (number[:, None], number[None, :]), taken & pairs)
    np.add.at(all_, (number[:, None], number[None, :]), pairs)
    shares = []
    for _ in range(1000):
        weight = np.bincount(dice.integers(len(names), size=len(names)), minlength=len(names))
        shares.append((weight @ hits @ weight) / max(weight @ all_ @ weight, 1))
    low, high = np.percentile(shares, (2.5, 97.5))
    return 100 * float(low), 100 * float(high)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--threshold", type=float, default=LEAST_SIMILARITY)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    worse = Worse(options.seed)
    found = [trial for folder in options.folder for trial in trials(folder, worse)]
    rows = [
        rates([t for t in found if t.split == split], condition, options.threshold, options.seed)
        for split in sorted({trial.split for trial in found})
        for condition in worse.conditions()
    ]
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
        return
    for split in sorted({row.split for row in rows}):
        count = len({trial.speaker for trial in found if trial.split == split})
        print(f"\n{split}: {count} speakers, threshold {options.threshold:g}\n")
        print("| consent | the same person refused | another accepted | of the same sex |")
        print("|---|---|---|---|")
        for row in (row for row in rows if row.split == split):
            print(
                f"| {row.condition} | {row.refused:.1f} % ({_span(row.refused_bounds)}) of "
                f"{row.same} | {row.accepted:.1f} % ({_span(row.accepted_bounds)}) of "
                f"{row.different:,} | {row.alike_accepted:.1f} % ({_span(row.alike_bounds)}) of "
                f"{row.alike:,} |"
            )


def _span(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]:.1f}-{bounds[1]:.1f}"


if __name__ == "__main__":
    main()
