"""Measure the training recordings once, for `decoder.py`.

    python training/features.py CORPUS OUT [PART/PARTS]

CORPUS holds MANIFEST.tsv (a row a clip: path, speaker, language, transcript, …), QUALITY.tsv
(path, snr_db_est, bandwidth_hz, clip_frac, speech_s) and the audio. Each speaker becomes
OUT/<number>.npz, frames 10 ms apart. Where there is a transcript, the phones that espeak-ng reads
in it are aligned (Viterbi, 1967) and a second set of posteriors is computed with them as prior,
as the engine does with the source's. The most likely sounds are kept with and without those labels.
The recogniser of sounds must be trained before. The speakers of `final_speakers.txt` are left out.
"""

from __future__ import annotations

import csv
import random
import sys
from collections import defaultdict
from pathlib import Path

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from soundclone.engines.builtin import acoustics, recogniser, sounds, vocoder
from soundclone.engines.builtin.analysis import LEVEL, active
from soundclone.engines.builtin.frontend import LONGEST, VOICES, Pool
from soundclone.engines.builtin.phones import STOPS, neighbours
from soundclone.errors import SoundcloneError

SNR, BANDWIDTH, CLIPPED = 30.0, 7000.0, 1e-4  # dB at least, Hz at least, share at most
LEAST, MOST = 5.0, 40.0  # seconds of speech a speaker
AGREEMENT = 0.3  # posterior mass on the aligned phones, below which the text is not believed
LANGUAGES = {code.split("-")[0]: name for name, code in VOICES.items()} | {
    "zh": "Chinese",
    "zh-HK": "Chinese,Yue",
}
UNREADABLE = {"ar", "fa", "he", "ja", "th"}  # by espeak-ng


def table(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["path"]: row for row in rows}


def decoded(path: Path) -> tuple[NDArray[np.float64], int]:
    """Mono samples and their rate."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono")
        pieces, rate = [], 0
        for frame in container.decode(audio=0):
            for out in resampler.resample(frame):
                pieces.append(out.to_ndarray()[0])
                rate = out.sample_rate
    return np.concatenate(pieces).astype(np.float64), rate


def aligned(
    scores: NDArray[np.float64], symbols: list[str], silence: int
) -> tuple[NDArray[np.float64], NDArray[np.float32]] | None:
    """Compute both priors of labels for a recording with a text but no labels.

    They are those of `acoustics.label_prior` and of `sounds.label_prior`.
    """
    parameters = acoustics.model()
    number = {name: index for index, name in enumerate(parameters.phones)}
    pause = ([silence], True, sounds.PAUSE)
    segments: list[tuple[list[int], bool, int]] = [pause]  # phones, may be left out, sound
    for symbol in symbols:
        found = [row[0] for row in sounds.parse(symbol)]
        for k, names in enumerate(neighbours(symbol)):
            sound = found[min(k, len(found) - 1)] if found else sounds.PAUSE
            segments.append(([number[name] for name in names], False, sound))
        if not neighbours(symbol) and not segments[-1][1]:
            segments.append(pause)
    if not segments[-1][1]:
        segments.append(pause)
    count, states = len(segments), acoustics.STATES
    if count < 6 or count * states > len(scores):
        return None
    emission = 0.3 * np.stack([scores[:, phones].max(axis=1) for phones, _, _ in segments], axis=1)
    emission = emission.reshape(len(scores), count * states)
    first = np.arange(count) * states
    skip = np.array([k >= 2 and segments[k - 1][1] for k in range(count)])
    best = np.full(count * states, -np.inf)
    best[0] = emission[0, 0]
    best[states] = emission[0, states]
    came = np.zeros((len(scores), count * states), np.int32)
    index = np.arange(count * states)
    for t in range(1, len(scores)):
        options = np.full((3, count * states), -np.inf)
        options[0] = best - 0.5
        options[1, 1:] = best[:-1] - 0.9
        options[2, first[skip]] = best[first[skip] - states - 1] - 0.9
        choice = options.argmax(axis=0)
        came[t] = index - np.array([0, 1, states + 1])[choice]
        best = options[choice, index] + emission[t]
    state = count * states - 1
    if best[(count - 1) * states - 1] > best[state]:
        state = (count - 1) * states - 1
    if not np.isfinite(best[state]):
        return None
    prior = np.full((len(scores), len(number)), 0.03)
    of_sounds = np.full((len(scores), len(sounds.SOUNDS)), sounds.UNLIKELY, np.float32)
    for t in range(len(scores) - 1, -1, -1):
        phones, _, sound = segments[state // states]
        prior[t, phones] = 1
        of_sounds[t, sound] = 1
        if STOPS.intersection(parameters.phones[p] for p in phones):
            prior[t, silence] = 0.5
        state = int(came[t, state])
    return prior, of_sounds


def measured(path: Path, row: dict[str, str], pool: Pool) -> dict[str, NDArray[np.float32]]:
    """One clip's features, 10 ms apart."""
    samples, rate = decoded(path)
    samples = np.asarray(soxr.resample(samples, rate, vocoder.SAMPLE_RATE))
    samples *= LEVEL / np.sqrt(np.mean(samples**2) + 1e-12)
    parameters = vocoder.analyse(samples)
    scores = acoustics.log_likelihoods(samples)
    free = acoustics.posteriors(scores)
    count = min(len(scores), (len(parameters.f0) + 1) // 2)
    loud = active(parameters)
    columns = (parameters.envelope, parameters.level, parameters.f0, loud)
    heard = recogniser.log_posteriors(
        recogniser.inputs(*(each[::2][:count] for each in columns), np.sqrt(free[:count]))
    )
    labelled, sure = free, False
    code = row["language"]
    language = LANGUAGES.get(code, LANGUAGES.get(code.split("-")[0]))
    if language and row["transcript"] and code not in UNREADABLE:
        try:
            symbols = [s for _, s in pool.speak(row["transcript"][:LONGEST], language).phones]
            found = aligned(scores, symbols, acoustics.model().silence)
        except SoundcloneError:
            found = None
        if found is not None:
            prior, of_sounds = found
            phones = free.reshape(*prior.shape, acoustics.STATES).sum(axis=2)
            if (phones * (prior > 0.9)).sum(axis=1).mean() > AGREEMENT:
                labelled, sure = acoustics.posteriors(scores, prior), True
    heard_free = recogniser.most_likely(heard)
    heard_labelled = heard_free
    if sure:
        heard_labelled = recogniser.most_likely(heard + np.log(of_sounds[:count]))
    return {
        "f0": parameters.f0[::2][:count].astype(np.float32),
        "envelope": parameters.envelope[::2][:count].astype(np.float16),
        "level": parameters.level[::2][:count].astype(np.float32),
        "aperiodicity": parameters.aperiodicity[::2][:count].astype(np.float16),
        "active": loud[::2][:count],
        "free": np.sqrt(free[:count]).astype(np.float16),
        "labelled": np.sqrt(labelled[:count]).astype(np.float16),
        "sounds": heard_free.astype(np.int16),
        "sounds_labelled": heard_labelled.astype(np.int16),
        "sure": np.full(count, sure),
    }


def speakers(corpus: Path) -> list[list[dict[str, str]]]:
    """Rows of the clips of each speaker worth using, best corpora first, then shuffled."""
    rows, quality = table(corpus / "MANIFEST.tsv"), table(corpus / "QUALITY.tsv")
    final = {
        line.split()[1]
        for line in (Path(__file__).parent / "final_speakers.txt").read_text().splitlines()
        if not line.startswith("#")
    }
    clips: dict[str, list[dict[str, str]]] = defaultdict(list)
    for path, q in quality.items():
        good = float(q["snr_db_est"]) >= SNR and float(q["bandwidth_hz"]) >= BANDWIDTH
        good = good and float(q["clip_frac"]) < CLIPPED
        if good and path in rows and rows[path]["speaker"] not in final:
            clips[rows[path]["speaker"]].append(rows[path] | {"seconds": q["speech_s"]})
    chosen = [c for c in clips.values() if sum(float(r["seconds"]) for r in c) >= LEAST]
    random.Random(0).shuffle(chosen)
    return chosen


def main() -> None:
    corpus, out = Path(sys.argv[1]), Path(sys.argv[2])
    part, parts = (int(n) for n in (sys.argv[3] if len(sys.argv) > 3 else "0/1").split("/"))
    out.mkdir(parents=True, exist_ok=True)
    pool = Pool(size=1)
    people = speakers(corpus)
    total = sum(float(row["seconds"]) for clips in people for row in clips)
    print(f"{len(people)} speakers, {total / 3600:.2f} h of speech", flush=True)
    for number, clips in enumerate(people):
        if number % parts != part:
            continue
        pieces, seconds = [], 0.0
        for row in clips:
            if seconds < MOST:
                pieces.append(measured(corpus / row["path"], row, pool))
                seconds += float(row["seconds"])
        arrays = {name: np.concatenate([p[name] for p in pieces]) for name in pieces[0]}
        if (arrays["f0"] > 0).sum() >= 100:
            np.savez(out / f"{number:04}.npz", language=clips[0]["language"], **arrays)
    pool.close()


if __name__ == "__main__":
    main()
