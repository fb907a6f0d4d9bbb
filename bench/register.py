"""Measure the register: excerpts that are found, false matches, time and size.

    python bench/register.py CORPUS [--clips 400] [--queries 60] [--strangers 300] [--entries 20000]

CORPUS has a MANIFEST.tsv with the columns `path` and `seconds`. `--clips` clips are registered.
Excerpts of 3 s and 5 s of them are changed and looked up, each at a random position. Clips that are
not registered are looked up whole: each match of one is false. The entries that fill the register
up to `--entries` have the landmarks of other clips at other times, so that their hashes are as
frequent as those of speech.
"""

from __future__ import annotations

import argparse
import csv
import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from soundclone.audio.fingerprint import Fingerprint, excerpt_fingerprint, fingerprint
from soundclone.core import register
from soundclone.core.register import Result
from soundclone.db.migrate import upgrade
from soundclone.db.session import Database

RATE = 24_000
Sound = NDArray[np.float32]
rng = np.random.default_rng(14)


def load(path: Path) -> Sound:
    with av.open(str(path)) as container:
        return decoded(container)


def decoded(container: av.container.InputContainer) -> Sound:
    resampler = av.AudioResampler("flt", "mono", RATE)
    parts = [
        part.to_ndarray()[0]
        for frame in container.decode(audio=0)
        for part in resampler.resample(frame)
    ]
    return np.concatenate(parts)


def coded(container: str, codec: str, form: str, rate: int, bits: int) -> Callable[[Sound], Sound]:
    """Return a function that encodes and decodes a sound."""

    def change(sound: Sound) -> Sound:
        samples = soxr.resample(sound, RATE, rate)
        if form == "s16":
            samples = (np.clip(samples, -1, 1) * 32767).astype(np.int16)
        file = io.BytesIO()
        with av.open(file, "w", format=container) as out:
            stream = out.add_stream(codec, rate=rate, layout="mono")
            stream.codec_context.format = form
            if bits:
                stream.bit_rate = bits
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), form, "mono")
            frame.sample_rate = rate
            out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        file.seek(0)
        with av.open(file) as back:
            return decoded(back)

    return change


def noisy(decibels: float) -> Callable[[Sound], Sound]:
    """Return a function that adds white noise at a signal-to-noise ratio."""

    def change(sound: Sound) -> Sound:
        level = np.sqrt(np.mean(sound**2) / 10 ** (decibels / 10))
        return sound + rng.normal(0, level, len(sound)).astype(np.float32)

    return change


CHANGES: dict[str, Callable[[Sound], Sound]] = {
    "none": lambda sound: sound,
    "MP3 64 kbit/s": coded("mp3", "libmp3lame", "fltp", 24_000, 64_000),
    "MP3 32 kbit/s": coded("mp3", "libmp3lame", "fltp", 24_000, 32_000),
    "AAC 48 kbit/s": coded("adts", "aac", "fltp", 24_000, 48_000),
    "Opus 16 kbit/s": coded("ogg", "libopus", "flt", 48_000, 16_000),
    "G.711, 8 kHz": coded("wav", "pcm_mulaw", "s16", 8_000, 0),
    "noise 20 dB": noisy(20),
    "noise 10 dB": noisy(10),
    "speed +1 %": lambda sound: soxr.resample(sound, 1.01, 1.0).astype(np.float32),
}


def fill(database: Database, found: list[Fingerprint], entries: int) -> None:
    """Register entries whose landmarks are those of real clips, shuffled in time."""
    number = 0
    while number < entries:
        with database.transaction() as session:
            for _ in range(min(500, entries - number)):
                each = found[rng.integers(len(found))]
                shuffled = Fingerprint(rng.permutation(each.hashes), each.frames)
                register.add(session, f"filler_{number}", Result(f"{number}", 0, shuffled))
                number += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--clips", type=int, default=400)
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--strangers", type=int, default=300)
    parser.add_argument("--entries", type=int, default=20_000)
    options = parser.parse_args()
    with (options.corpus / "MANIFEST.tsv").open() as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        paths = [options.corpus / row["path"] for row in rows if float(row["seconds"]) >= 5.5]
    paths = [paths[each] for each in rng.permutation(len(paths))]
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/register.db")
        upgrade(database)
        measure(database, paths, options)
        database.close()
        size = (Path(folder) / "register.db").stat().st_size
        print(f"size of the database: {size / 1e6:.1f} MB")


def measure(database: Database, paths: list[Path], options: argparse.Namespace) -> None:
    found: list[Fingerprint] = []
    sounds: list[Sound] = []
    seconds = spent = 0.0
    for number, path in enumerate(paths[: options.clips]):
        sound = load(path)
        if number < options.queries:
            sounds.append(sound)
        seconds += len(sound) / RATE
        began = time.process_time()
        found.append(fingerprint(sound, RATE))
        spent += time.process_time() - began
        with database.transaction() as session:
            register.add(session, f"{number}", Result(f"{number}", 0, found[-1]))
    landmarks = sum(map(len, found)) / seconds
    print(
        f"registered {len(found)} clips of {seconds:.0f} s: {landmarks:.1f} landmarks a second, "
        f"{spent / seconds:.5f} s of processor time a second",
        flush=True,
    )
    fill(database, found, max(0, options.entries - len(found)))
    print(f"filled up to {options.entries} entries", flush=True)
    for length in (3, 5):
        for name, change in CHANGES.items():
            print(f"{length} s, {name}: {excerpts(database, sounds, length, change)}", flush=True)
    false, searched = strangers(database, paths[options.clips :][: options.strangers])
    print(f"false matches: {false} in {options.strangers} clips of {searched:.0f} s", flush=True)


def excerpts(
    database: Database, sounds: list[Sound], length: int, change: Callable[[Sound], Sound]
) -> str:
    right = wrong = 0
    votes, times = [], []
    for number, sound in enumerate(sounds):
        start = rng.integers(0, len(sound) - length * RATE + 1)
        part = change(sound[start : start + length * RATE])
        began = time.process_time()
        with database.read() as session:
            match = register.find_excerpt(session, excerpt_fingerprint(part, RATE))
        times.append(time.process_time() - began)
        if match is not None:
            right += match.task_id == f"{number}"
            wrong += match.task_id != f"{number}"
            votes.append(match.landmarks)
    return (
        f"found {right}/{len(sounds)}, wrong {wrong}, median {np.median(votes):.0f} landmarks, "
        f"{1000 * np.median(times):.0f} ms"
    )


def strangers(database: Database, paths: list[Path]) -> tuple[int, float]:
    false, seconds = 0, 0.0
    for sound in map(load, paths):
        seconds += len(sound) / RATE
        with database.read() as session:
            false += register.find_excerpt(session, excerpt_fingerprint(sound, RATE)) is not None
    return false, seconds


if __name__ == "__main__":
    main()
