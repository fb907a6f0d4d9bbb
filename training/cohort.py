"""Make the cohort to which similarities of speakers are compared, `audio/weights/cohort.npz`.

    python training/cohort.py CORPUS OUT.npz

CORPUS is laid out as `features.py` says. The embeddings of the speakers that `speaker.py` trains on
are clustered (spherical k-means: Dhillon and Modha, Machine Learning 42, 2001). The centres are the
cohort. The speakers of `final_speakers.txt` are left out. Seeded;
ten minutes on one core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from features import table
from numpy.typing import NDArray
from speaker import clips_of, held_out, read

from soundclone.audio import consent, speakers
from soundclone.audio.consent import Voiceprint

CENTRES, ROUNDS = 256, 30  # centres at most
LEAST, MOST = 5.0, 40.0  # seconds of speech of a speaker
FINAL = Path(__file__).with_name("final_speakers.txt")
Floats = NDArray[np.float32]


def voiceprints(corpus: Path) -> list[Voiceprint]:
    """Return the voiceprint of each speaker with at least LEAST seconds of speech."""
    lines = FINAL.read_text("utf-8").splitlines()
    out = {line.split()[1] for line in lines if line and not line.startswith("#")}
    out = out.union(*held_out(corpus))
    quality = table(corpus / "QUALITY.tsv")
    found = []
    for number, (speaker, clips) in enumerate(sorted(clips_of(corpus).items())):
        long = sum(float(quality[str(clip.relative_to(corpus))]["speech_s"]) for clip in clips)
        if speaker in out or long < LEAST:
            continue
        speech = [consent.extract_speech(read(clip), speakers.RATE)[0] for clip in clips]
        joined = np.concatenate(speech)[: round(MOST * speakers.RATE)]
        if len(joined):
            found.append(consent.voiceprint(joined))
        if number % 100 == 0:
            print(number, len(found), flush=True)
    return found


def centres(vectors: Floats) -> Floats:
    """Return the centres of clusters of unit vectors, with unit norm."""
    dice, size = np.random.default_rng(0), min(CENTRES, len(vectors))
    found = vectors[dice.choice(len(vectors), size, replace=False)]
    for _ in range(ROUNDS):
        nearest = (vectors @ found.T).argmax(axis=1)
        sums = np.zeros_like(found)
        np.add.at(sums, nearest, vectors)
        empty = ~np.isin(np.arange(size), nearest)
        sums[empty] = vectors[dice.choice(len(vectors), empty.sum())]
        found = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    people = voiceprints(options.corpus)
    arrays = {}
    for band in ("whole", "telephone"):
        vectors = np.array([getattr(each, band) for each in people], np.float32)
        arrays[band] = centres(vectors)
        near = np.sort(vectors @ arrays[band].T, axis=1)[:, -speakers.NEAREST :]
        arrays[f"{band}_scale"] = np.array([near.mean(), near.std(axis=1).mean()])
    np.savez(options.out, **{name: array.astype(np.float16) for name, array in arrays.items()})
    print(len(people), {n: a for n, a in arrays.items() if n.endswith("scale")})


if __name__ == "__main__":
    main()
