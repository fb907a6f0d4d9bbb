"""Error rates of the comparison of speakers, for consents and for protected voices.

    python bench/speakers.py FOLDER [FOLDER …] [--final training/final_speakers.txt]
        [--cache EMBEDDINGS.npz] [--cosine] [--json]

FOLDERs are those of `bench/consent.py`: development speakers with `ref.wav` and `other_1.wav`, …,
or a corpus with MANIFEST.tsv and QUALITY.tsv. Of a corpus, only speakers count that
`training/speaker.py` did not train on and that --final does not list.

A consent is 3 to 10 s of a speaker's speech. A protected voice and the sample of a new voice have
at least 10 s each; those of development speakers have 4 s and 16 s. Each is compared with the
sample of each speaker, as recorded and in the band of a telephone. For thresholds from 0.2 to 0.7
the output is the share of pairs of one speaker that are below the threshold, and the share of pairs
of two speakers that are not.

The embedding of a recording is the mean of its windows of 1.5 s, within clips. Embeddings are
compared as the service compares them, normalised by its cohort; --cosine compares them without.
Figures and their meanings: docs/consent.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from consent import CONSENT, MOST, RATE, clip, draw, sexes_of, wilson
from numpy.typing import NDArray

from soundclone.audio import speakers
from soundclone.audio.consent import LEAST_SIMILARITY, MOST_SIMILARITY

LONGEST = 40.0  # seconds of a clip that are embedded
SAMPLE = 10.0  # least seconds of a sample and of a protected voice
SHORTEST = 4.0  # the same of a development speaker, who has little speech besides the sample
STEP = 0.75  # seconds from one window to the next
THRESHOLDS = sorted({*np.round(np.arange(0.2, 0.71, 0.05), 2), LEAST_SIMILARITY, MOST_SIMILARITY})
BANDS = ("as recorded", "telephone")
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Clip:
    speaker: str
    seconds: float
    windows: tuple[Floats, Floats]  # embeddings in each of BANDS, (n, E)


@dataclass(frozen=True)
class Group:
    """Speakers of one split with their clips."""

    name: str
    clips: dict[str, list[Clip]]
    references: dict[str, Clip]  # the sample of a development speaker, kept apart
    sexes: dict[str, str]


@dataclass(frozen=True)
class Point:
    """Error rates at one threshold, in per cent."""

    threshold: float
    missed: float  # pairs of one speaker below the threshold
    missed_bounds: tuple[float, float]
    matched: float  # pairs of two speakers at or above it
    matched_alike: float  # of the same sex


@dataclass(frozen=True)
class Curve:
    group: str
    use: str  # consent or protected
    band: str
    speakers: int
    same: int  # pairs
    different: int
    points: list[Point]


class Cache:
    """Embeddings of clips by name, in a file if one is given."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._kept: dict[str, NDArray[np.float32]] = {}
        if path and path.exists():
            with np.load(path) as stored:
                self._kept = {name: stored[name] for name in stored.files}

    def embed(self, name: str, path: Path, speaker: str) -> Clip:
        if f"{name}|0" not in self._kept:
            found = clip(path)
            speech = found.speech[: round(LONGEST * RATE)]
            self._kept[f"{name}|seconds"] = np.array([found.seconds], np.float32)
            for band, sound in enumerate((speech, _telephone(speech))):
                self._kept[f"{name}|{band}"] = _windows(sound)
        windows = self._kept[f"{name}|0"], self._kept[f"{name}|1"]
        return Clip(speaker, float(self._kept[f"{name}|seconds"][0]), windows)

    def save(self) -> None:
        if self._path:
            np.savez(self._path, **self._kept)


def _telephone(sound: Floats) -> Floats:
    spectrum = np.fft.rfft(sound)
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    spectrum[(hertz < 300) | (hertz > 3400)] = 0
    return np.fft.irfft(spectrum, len(sound)).astype(np.float32)


def _windows(sound: Floats) -> Floats:
    frames = speakers.features(np.pad(sound, (0, 400 + 150 * speakers.HOP)))
    return speakers.embed(speakers._windows(frames))[0]


def groups(folder: Path, final: frozenset[str], cache: Cache) -> list[Group]:
    if not (folder / "MANIFEST.tsv").exists():
        clips: dict[str, list[Clip]] = {}
        references = {}
        for place in sorted(each for each in folder.iterdir() if (each / "ref.wav").exists()):
            name = place.name
            references[name] = cache.embed(f"{name}/ref", place / "ref.wav", name)
            clips[name] = [
                cache.embed(f"{name}/{path.stem}", path, name)
                for path in sorted(place.glob("other_*.wav"))
            ]
        return [Group("development speakers", clips, references, sexes_of(folder))]
    return [
        Group(
            f"corpus, {split}",
            {
                name: [cache.embed(path, folder / path, name) for path in person.paths]
                for name, person in people.items()
                if name not in final
            },
            {},
            {name: person.sex[:1] for name, person in people.items()},
        )
        for split, people in draw(folder).items()
    ]


def consents(group: Group) -> list[tuple[str, list[Clip], list[Clip]]]:
    """Speaker, clips of the consent and clips of the sample."""
    found = []
    for name, clips in group.clips.items():
        if name in group.references:
            sample = [group.references[name]]
            found += [(name, [each], sample) for each in clips if each.seconds >= CONSENT[0]]
            continue
        whole, at, made = sum(each.seconds for each in clips), 0, 0
        while at < len(clips) and made < MOST:
            size = 1 if clips[at].seconds >= CONSENT[0] else 2
            given, rest = clips[at : at + size], clips[:at] + clips[at + size :]
            length = sum(each.seconds for each in given)
            at += size
            if CONSENT[0] <= length <= CONSENT[1] and whole - length >= SAMPLE:
                found.append((name, given, rest))
                made += 1
    return found


def protected(group: Group) -> list[tuple[str, list[Clip], list[Clip]]]:
    """Speaker, clips of the protected voice and clips of the sample."""
    found = []
    for name, clips in group.clips.items():
        if name in group.references:
            given, rest = clips, [group.references[name]]
        else:
            at, length = 0, 0.0
            while at < len(clips) and length < SAMPLE:
                length += clips[at].seconds
                at += 1
            given, rest = clips[:at], clips[at:]
        least = SHORTEST if name in group.references else SAMPLE
        if all(sum(each.seconds for each in part) >= least for part in (given, rest)):
            found.append((name, given, rest))
    return found


def curve(
    group: Group,
    use: str,
    band: int,
    trials: Sequence[tuple[str, list[Clip], list[Clip]]],
    cosine: bool,
) -> Curve:
    most = round((CONSENT[1] if use == "consent" else LONGEST) / STEP)
    who = np.array([name for name, _, _ in trials])
    sex = np.array([group.sexes.get(name, "") for name in who])
    first = np.array([_mean(given, band, most) for _, given, _ in trials])
    second = np.array([_mean(rest, band, round(LONGEST / STEP)) for _, _, rest in trials])
    likeness = first @ second.T
    if not cosine:
        cohort = speakers.cohort("telephone" if band else "whole")
        likeness = speakers.similarities(first, second, cohort)
    own = np.diag(likeness)
    different = who[:, None] != who[None, :]
    alike = different & (sex[:, None] == sex[None, :]) & (sex[:, None] != "")
    points = []
    for threshold in THRESHOLDS:
        below = int(np.sum(own < threshold))
        points.append(
            Point(
                float(threshold),
                100 * below / len(own),
                wilson(below, len(own)),
                100 * float((likeness[different] >= threshold).mean()),
                100 * float((likeness[alike] >= threshold).mean()),
            )
        )
    count = len(set(who.tolist()))
    return Curve(group.name, use, BANDS[band], count, len(own), int(different.sum()), points)


def _mean(clips: Sequence[Clip], band: int, most: int) -> Floats:
    mean = np.concatenate([each.windows[band] for each in clips])[:most].mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--final", type=Path, default=Path("training/final_speakers.txt"))
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--cosine", action="store_true", help="compare without the cohort")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    lines = options.final.read_text("utf-8").splitlines()
    final = frozenset(line.split()[1] for line in lines if line and not line.startswith("#"))
    cache = Cache(options.cache)
    curves = []
    for folder in options.folder:
        for group in groups(folder, final, cache):
            cache.save()
            for use, trials in (("consent", consents(group)), ("protected", protected(group))):
                if trials:
                    curves += [
                        curve(group, use, band, trials, options.cosine)
                        for band in range(len(BANDS))
                    ]
    if options.json:
        print(json.dumps([asdict(each) for each in curves], indent=1))
        return
    for each in curves:
        print(
            f"\n{each.use}, {each.group}, {each.band}: {each.speakers} speakers, {each.same} pairs "
            f"of one, {each.different:,} of two\n"
        )
        print("| threshold | same speaker missed | other matched | other of the same sex |")
        print("|---|---|---|---|")
        used = LEAST_SIMILARITY if each.use == "consent" else MOST_SIMILARITY
        for point in each.points:
            low, high = point.missed_bounds
            mark = "**" if point.threshold == used else ""
            print(
                f"| {mark}{point.threshold:.2f}{mark} "
                f"| {point.missed:.1f} % ({low:.1f}-{high:.1f}) "
                f"| {point.matched:.1f} % | {point.matched_alike:.1f} % |"
            )


if __name__ == "__main__":
    main()
