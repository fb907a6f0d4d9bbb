"""Measure the corpus and align its transcripts, for the models of sounds, prosody and envelopes.

    python training/corpus.py CORPUS OUT [PART/PARTS]

CORPUS is as in `features.py`. Each clip becomes OUT/<number>.npz, frames 10 ms apart. The sounds
that espeak-ng reads in a transcript are aligned (Viterbi, 1967) by the states of the English
acoustic model.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pyworld
import soxr
from features import decoded, table
from numpy.typing import NDArray

from soundclone.audio import f0 as fundamental
from soundclone.engines.builtin import acoustics, sounds, vocoder
from soundclone.engines.builtin.analysis import LEVEL, active
from soundclone.engines.builtin.frontend import LONGEST, PITCH, RANGE, VARIANT, VOICES, Pool
from soundclone.engines.builtin.frontend import _utterance as utterance
from soundclone.engines.builtin.phones import neighbours
from soundclone.text.g2p import Piece, Reading

LEAST_SNR, LEAST_BANDWIDTH = 16.0, 3900.0  # dB, Hz
HOP = 0.01  # seconds
LANGUAGES = {code.split("-")[0]: name for name, code in VOICES.items()} | {
    "zh": "Chinese",
    "zh-CN": "Chinese",
    "zh-TW": "Chinese",
    "zh-HK": "Chinese,Yue",
}
OTHERS = ("et cy eu ka mt eo lt lv ga ky tt cv pa as or ia").split()  # voices of espeak-ng

STAY, LEAVE = -0.5, -0.9  # log-probabilities of a state


def analysed(
    samples: NDArray[np.float64], rate: int
) -> tuple[vocoder.Parameters, NDArray[np.bool_], NDArray[np.float64]]:
    """Parameters 10 ms apart, frames of speech, and the samples at 16 kHz."""
    x = np.ascontiguousarray(soxr.resample(samples, rate, vocoder.SAMPLE_RATE), np.float64)
    x *= LEVEL / np.sqrt(np.mean(x**2) + 1e-12)
    coarse = fundamental.track(x, vocoder.SAMPLE_RATE, HOP)
    times = np.arange(len(coarse)) * HOP
    f0 = pyworld.stonemask(x, coarse, times, vocoder.SAMPLE_RATE)
    frames = f0, times, vocoder.SAMPLE_RATE
    spectrum = pyworld.cheaptrick(x, *frames, fft_size=1024)
    envelope = np.log(spectrum.clip(1e-12)) @ vocoder._to_bands()
    noise = pyworld.code_aperiodicity(pyworld.d4c(x, *frames, fft_size=1024), vocoder.SAMPLE_RATE)
    level = envelope.mean(axis=1)
    parameters = vocoder.Parameters(f0, envelope - level[:, None], level, noise)
    loud = active(parameters)
    power = np.exp(envelope).mean(axis=1)
    level = level - np.log(power[loud].mean() / power.mean())
    return vocoder.Parameters(f0, parameters.envelope, level, noise), loud, x


def spoken(
    pool: Pool, text: str, code: str
) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    """Rows and times of the sounds of a text, None where espeak-ng lacks the language."""
    text = text[:LONGEST]
    language = LANGUAGES.get(code, LANGUAGES.get(code.split("-")[0]))
    if language:
        said = pool.speak(text, language)
    elif code.split("-")[0] in OTHERS:
        request = {
            "voice": code.split("-")[0] + VARIANT, "rate": 160, "pitch": PITCH, "range": RANGE,
            "pieces": [(text, "")],
        }  # fmt: skip
        answer, data = pool._ask(request)
        if "error" in answer:
            return None
        said = utterance(text, "", Reading((Piece(text, 0),)), answer, data)
    else:
        return None
    return sounds.sequence(said.phones, said.words, text)


def _neighbour_states() -> list[list[int]]:
    number = {name: k for k, name in enumerate(acoustics.model().phones)}
    rows = [[number["SIL"]]]
    for sound in sounds.SOUNDS[1:]:
        names = neighbours(sounds.PLAIN.get(sound, sound)) or (("AH",),)
        rows.append([number[name] for name in names[0]])
    return rows


def emission(scores: NDArray[np.float64], row: NDArray[np.int64]) -> NDArray[np.float64]:
    """Scores (T, N, states) of the sounds of a row (N,)."""
    nearest = _neighbour_states()
    return 0.3 * np.stack([scores[:, nearest[sound]].max(axis=1) for sound in row], axis=1)


def viterbi(
    emitted: NDArray[np.float64], optional: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], float] | None:
    """Best durations (N,) of units that follow each other, and the mean score of a frame.

    `emitted` is (T, N, S). None if the units do not fit.
    """
    count, units, states = emitted.shape
    scores = emitted.reshape(count, units * states)
    if (~optional).sum() * states > count:
        return None
    first = np.arange(units) * states
    skip = np.array([k >= 2 and optional[k - 1] for k in range(units)])
    targets = first[skip]
    best = np.full(units * states, -1e30)
    best[0] = scores[0, 0]
    if optional[0] and units > 1:
        best[states] = scores[0, states]
    came = np.zeros((count, units * states), np.int8)
    for t in range(1, count):
        stay = best + STAY
        move = np.empty_like(best)
        move[0] = -1e30
        move[1:] = best[:-1] + LEAVE
        choice = (move > stay).astype(np.int8)
        now = np.maximum(stay, move)
        if len(targets):
            over = best[targets - states - 1] + LEAVE
            better = over > now[targets]
            choice[targets[better]] = 2
            now[targets[better]] = over[better]
        came[t] = choice
        best = now + scores[t]
    state = units * states - 1
    if optional[-1] and best[(units - 1) * states - 1] > best[state]:
        state = (units - 1) * states - 1
    if best[state] < -1e29:
        return None
    score = best[state] / count
    durations = np.zeros(units, np.int64)
    for t in range(count - 1, -1, -1):
        durations[state // states] += 1
        state -= (0, 1, states + 1)[came[t, state]]
    return durations, float(score)


def measured(path: Path, row: dict[str, str], pool: Pool) -> dict[str, NDArray[np.generic]]:
    samples, rate = decoded(path)
    parameters, loud, x = analysed(samples, rate)
    scores = acoustics.log_likelihoods(x)
    count = min(len(scores), len(parameters.f0))
    scores = scores[:count]
    arrays: dict[str, NDArray[np.generic]] = {
        "f0": parameters.f0[:count].astype(np.float32),
        "envelope": parameters.envelope[:count].astype(np.float16),
        "level": parameters.level[:count].astype(np.float32),
        "aperiodicity": parameters.aperiodicity[:count, 0].astype(np.float16),
        "active": loud[:count],
        "free": np.sqrt(acoustics.posteriors(scores)).astype(np.float16),
    }
    if row["transcript"]:
        try:
            found = spoken(pool, row["transcript"], row["language"])
        except Exception as error:
            print("no sounds", row["language"], repr(error)[:80], flush=True)
            found = None
        if found is not None and len(found[0]) >= 3:
            rows, optional = sounds.with_pauses(found[0])
            fit = viterbi(emission(scores, rows[:, sounds.SOUND]), optional)
            if fit is not None:
                kept = fit[0] > 0
                arrays["rows"] = rows[kept].astype(np.int16)
                arrays["durations"] = fit[0][kept].astype(np.int16)
                arrays["score"] = np.array(fit[1], np.float32)
    return arrays


def main() -> None:
    corpus, out = Path(sys.argv[1]), Path(sys.argv[2])
    part, parts = (int(n) for n in (sys.argv[3] if len(sys.argv) > 3 else "0/1").split("/"))
    out.mkdir(parents=True, exist_ok=True)
    rows, quality = table(corpus / "MANIFEST.tsv"), table(corpus / "QUALITY.tsv")
    final = {
        line.split()[1]
        for line in (Path(__file__).parent / "final_speakers.txt").read_text().splitlines()
        if not line.startswith("#")
    }
    paths = [
        path
        for path, row in rows.items()
        if path in quality
        and row["speaker"] not in final
        and float(quality[path]["snr_db_est"]) >= LEAST_SNR
        and float(quality[path]["bandwidth_hz"]) >= LEAST_BANDWIDTH
    ]
    order = np.random.default_rng(0).permutation(len(paths))
    pool, started = Pool(size=1), time.time()
    print(f"{len(paths)} clips", flush=True)
    for number, index in enumerate(order):
        target = out / f"{index:05}.npz"
        if number % parts != part or target.exists():
            continue
        path = paths[index]
        row, q = rows[path], quality[path]
        try:
            arrays = measured(corpus / path, row, pool)
        except Exception as error:
            print("skipped", path, repr(error)[:100], flush=True)
            continue
        np.savez(
            target, path=path, speaker=row["speaker"], language=row["language"],
            snr=float(q["snr_db_est"]), bandwidth=float(q["bandwidth_hz"]), corpus=row["corpus"],
            **arrays,
        )  # fmt: skip
        if number // parts % 100 == 0:
            print(number, f"{time.time() - started:.0f} s", flush=True)
    pool.close()


if __name__ == "__main__":
    main()
