"""Write the statistics of the source synthesiser's own voice.

python training/source.py src/soundclone/speech/builtin/weights/source.npz
"""

from __future__ import annotations

import sys
from dataclasses import asdict

import numpy as np
from sentences import SENTENCES

from soundclone.speech.builtin.analysis import Analysis, analyse
from soundclone.speech.builtin.conversion import prosody_of
from soundclone.speech.builtin.frontend import Pool
from soundclone.speech.builtin.vocoder import Parameters


def joined(pieces: list[Analysis]) -> Analysis:
    """The pieces one after the other."""
    names = ("f0", "envelope", "level", "aperiodicity")
    return Analysis(
        parameters=Parameters(
            **{n: np.concatenate([getattr(p.parameters, n) for p in pieces]) for n in names}
        ),
        posteriors=np.concatenate([p.posteriors for p in pieces]),
        active=np.concatenate([p.active for p in pieces]),
    )


def main() -> None:
    pool = Pool(size=1)
    spoken = [pool.speak(sentence, "English") for sentence in SENTENCES]
    pool.close()
    # Without the labels: a recording has none, and the rates of both are compared.
    source = joined([analyse(u.samples, u.sample_rate) for u in spoken])
    np.savez_compressed(sys.argv[1], **asdict(prosody_of(source)))


if __name__ == "__main__":
    main()
