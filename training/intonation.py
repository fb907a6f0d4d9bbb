"""Measure falls of F0, for `[speech]` of the language files.

    python training/intonation.py CLIPS CORPUS [SPEAKERS]

CLIPS is the output of `corpus.py`, and CORPUS is as in `features.py`. espeak-ng speaks the
transcript of each clip at the rate of its speaker, so both are compared on the same text. The
output has the keys of the language files, and a table of speakers that were not used for them:
depth of the final fall and slope of phrases, in the speaker's F0 spreads (a second), of people and
of the engine without and with the keys. Languages with less than SPEAKERS to fit, usually 7, are
left out.
"""

from __future__ import annotations

import sys
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soxr
from aligned import Clip, clips
from features import table
from numpy.typing import NDArray

from soundclone.audio import f0 as fundamental
from soundclone.engines.builtin import intonation, sounds, vocoder
from soundclone.engines.builtin.analysis import f0_statistics
from soundclone.engines.builtin.conversion import _F0_WIDTH
from soundclone.engines.builtin.frontend import LONGEST, RATE, VOICES, Pool
from soundclone.engines.builtin.pace import espeak_factor
from soundclone.engines.builtin.source import source
from soundclone.errors import SoundcloneError
from soundclone.text.languages import LANGUAGES
from soundclone.text.languages.schema import Speech

FEWEST, MOST = 7, 40  # speakers of a language that fit its keys, and that are measured
OF, FITTED = 5, 3  # of so many speakers, so many fit the keys
PHRASE, LEAST = 1.0, 0.3  # seconds of a phrase, and of its voice
PAUSE = 15  # frames of the corpus, 10 ms apart
FAR = 10.0  # semitones from the median, beyond which F0 is an octave error
LEVEL, END = (0.65, 0.35), 0.15  # seconds before the end of a phrase; the fall lies between
SHALLOW = 0.5  # spreads; a mean fall of espeak-ng that is no deeper stays as it is
FALLS = np.linspace(0.25, 1.0, 16)  # shares that are tried
SLOPES = -0.6, 0.6  # limits of the declination
KEPT = 0.5  # share of the declination
SEMITONE = np.log(2) / 12

Array = NDArray[np.float64]
Phrase = tuple[Array, Array]  # seconds and F0 in spreads, of the voiced frames
Falls = tuple[float, float]  # depth of the final fall, and slope of the phrases


@dataclass
class Pair:
    """A clip, and espeak-ng's reading of its transcript."""

    language: str
    speaker: str
    real: Falls
    f0: Array  # espeak-ng's, vocoder.HOP apart
    phrases: list[tuple[float, float]]

    @property
    def fitted(self) -> bool:
        return zlib.crc32(self.speaker.encode()) % OF < FITTED

    def ours(self, speech: Speech) -> Falls | None:
        """Falls of the engine with the keys of `speech`."""
        f0 = intonation.like_people(self.f0, self.phrases, speech)
        usual = source().prosody(self.language).f0[1] / _F0_WIDTH
        edges = [tuple(round(time / vocoder.HOP) for time in each) for each in self.phrases]
        return falls(f0, edges, vocoder.HOP, float(usual))


def falls(f0: Array, edges: Sequence[tuple[int, ...]], hop: float, spread: float) -> Falls | None:
    """Return the final fall of the last phrase and the mean slope. `spread` is in natural log."""
    logs = np.log(np.where(f0 > 0, f0, 1.0))
    centre = np.median(logs[f0 > 0]) if (f0 > 0).any() else 0.0
    known = (f0 > 0) & (np.abs(logs - centre) < FAR * SEMITONE)
    slopes, weights, depth = [], [], None
    for first, last in edges:
        at = np.flatnonzero(known[first:last])
        if (last - first) * hop < PHRASE or len(at) * hop < LEAST:
            continue
        tones = (logs[first:last][at] - centre) / spread
        slopes.append(np.polyfit(at * hop, tones, 1)[0])
        weights.append(last - first)
        before = (at[-1] - at) * hop
        level = tones[(before >= LEVEL[1]) & (before <= LEVEL[0])]
        depth = float(tones[before < END].mean() - level.mean()) if len(level) else None
    if depth is None:
        return None
    return depth, float(np.average(slopes, weights=weights))


def runs(rows: NDArray[np.int64], durations: NDArray[np.int64]) -> list[tuple[int, int]]:
    """First frame of each phrase of aligned sounds, and the frame after its last."""
    edges = np.concatenate([[0], np.cumsum(durations)])
    silent = (rows[:, sounds.SOUND] == sounds.PAUSE) & (durations >= PAUSE)
    silent[[0, -1]] |= rows[[0, -1], sounds.SOUND] == sounds.PAUSE
    change = np.flatnonzero(np.diff(np.concatenate([[1], silent, [1]]).astype(int)))
    return [(int(edges[a]), int(edges[b])) for a, b in change.reshape(-1, 2)]


def pair(clip: Clip, text: str, pool: Pool) -> Pair | None:
    """Measure a clip and its transcript, None where one of them has no long phrase."""
    language = NAMES[clip.language]
    said = clip.rows[:, sounds.SOUND] != sounds.PAUSE
    nuclei = sounds.nuclei(clip.rows[:, sounds.SOUND]).sum()
    rate = 100 * nuclei / clip.durations[said].sum()
    voiced = clip.f0[clip.f0 > 0].astype(np.float64)
    if len(voiced) < LEAST * 100:
        return None
    edges = runs(clip.rows, clip.durations)
    real = falls(clip.f0.astype(np.float64), edges, 0.01, f0_statistics(voiced)[1])
    spoken = pool.speak(text, language, RATE * espeak_factor(rate, language))
    samples = soxr.resample(spoken.samples, spoken.sample_rate, vocoder.SAMPLE_RATE)
    f0 = fundamental.track(samples, vocoder.SAMPLE_RATE, vocoder.HOP, fundamental.CLEAN)
    seconds = len(spoken.samples) / spoken.sample_rate
    phrases = intonation.phrases(spoken.phones, seconds)
    if real is None:
        return None
    found = Pair(language, clip.speaker, real, f0, phrases)
    return None if found.ours(Speech()) is None else found


def keys(pairs: Sequence[Pair]) -> Speech:
    """Fit the keys of a language."""
    real = np.mean([each.real for each in pairs], axis=0)
    usual = source().prosody(pairs[0].language).f0[1] / SEMITONE / _F0_WIDTH

    def ours(speech: Speech) -> Array:
        return np.array([each.ours(speech) or each.real for each in pairs])

    speech = Speech()
    deep = ours(speech)[:, 0].mean() < -SHALLOW
    for _ in range(2):  # because both keys change both measures
        if deep:
            tried = [replace(speech, final_fall=float(share)) for share in FALLS]
            speech = min(tried, key=lambda keys: abs(ours(keys)[:, 0].mean() - real[0]))
        for _ in range(2):
            slopes = ours(speech)[:, 1]
            wanted = speech.declination + usual * (real[1] - slopes.mean())
            speech = replace(speech, declination=float(np.clip(wanted, *SLOPES)))
    # Half of the slope is kept, because trained readers fall more than these people, and less where
    # chance may explain it.
    error = usual * np.std(slopes - [each.real[1] for each in pairs])
    doubt = error**2 / len(pairs) / max(speech.declination**2, 1e-9)
    return replace(
        speech,
        final_fall=round(speech.final_fall, 2),
        declination=round(KEPT * speech.declination * max(1 - doubt, 0), 2),
    )


def measured(folder: Path, corpus: Path) -> dict[str, list[Pair]]:
    """Measure one clip of each speaker, at most MOST of a language, by code of the language."""
    rows, pool = table(corpus / "MANIFEST.tsv"), Pool(size=1)
    found: dict[str, dict[str, Pair]] = defaultdict(dict)
    for clip in clips(folder):
        done = found[clip.language]
        text = rows[clip.path]["transcript"]
        if clip.language not in NAMES or clip.speaker in done or len(done) >= MOST:
            continue
        try:
            made = pair(clip, text[:LONGEST], pool)
        except SoundcloneError as error:
            print("skipped", clip.language, error.message, file=sys.stderr)
            continue
        if made is not None:
            done[clip.speaker] = made
    pool.close()
    return {code: list(pairs.values()) for code, pairs in found.items()}


def line(code: str, pairs: Sequence[Pair], speech: Speech) -> str:
    """Row of the table, of speakers that fitted no key."""
    real = np.mean([each.real for each in pairs], axis=0)
    before, after = (
        np.mean([each.ours(keys) or each.real for each in pairs], axis=0)
        for keys in (Speech(), speech)
    )
    cells = [f"{code} ({len(pairs)})"]
    cells += [f"{real[k]:.2f} | {before[k]:.2f} | {after[k]:.2f}" for k in (0, 1)]
    return f"| {' | '.join(cells)} |"


NAMES = {LANGUAGES[name].code: name for name in VOICES}


def report(found: dict[str, list[Pair]], fewest: int = FEWEST) -> None:
    """Print the keys of each language, and the table."""
    lines = []
    for code, pairs in sorted(found.items()):
        fitted = [each for each in pairs if each.fitted]
        held = [each for each in pairs if not each.fitted]
        if len(fitted) < fewest or not held:
            continue
        speech = keys(fitted)
        print(f"{code} final_fall = {speech.final_fall} declination = {speech.declination}")
        lines.append(line(code, held, speech))
    for each in lines:
        print(each)


if __name__ == "__main__":
    report(
        measured(Path(sys.argv[1]), Path(sys.argv[2])),
        int(sys.argv[3]) if len(sys.argv) > 3 else FEWEST,
    )
