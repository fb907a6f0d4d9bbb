"""Measure the source synthesiser's own voice in every language.

python training/source.py src/soundclone/engines/builtin/weights/source.npz

Needs acoustic.npz, recogniser.npz and the weights of the decoders beside it.
"""

from __future__ import annotations

import sys

import numpy as np
from sentences import SENTENCES

from soundclone.engines.builtin import recogniser
from soundclone.engines.builtin.analysis import Analysis, analyse
from soundclone.engines.builtin.conversion import prosody_of
from soundclone.engines.builtin.envelope_decoder import NAMES, decoder, one_hot
from soundclone.engines.builtin.frontend import VOICES, Pool
from soundclone.engines.builtin.vocoder import Parameters
from soundclone.text.languages import LANGUAGES

FRAMES = 1200  # of the inputs of the decoders that are kept


def joined(pieces: list[Analysis]) -> Analysis:
    """Concatenate pieces in their order."""
    names = ("f0", "envelope", "level", "aperiodicity")
    return Analysis(
        parameters=Parameters(
            **{n: np.concatenate([getattr(p.parameters, n) for p in pieces]) for n in names}
        ),
        posteriors=np.concatenate([p.posteriors for p in pieces]),
        sounds=np.concatenate([p.sounds for p in pieces if p.sounds is not None]),
        active=np.concatenate([p.active for p in pieces]),
    )


def main() -> None:
    pool = Pool(size=1)
    measured, voiced = [], []
    inputs = {name: [] for name in NAMES}
    for language in sorted(VOICES):
        texts = [LANGUAGES[language].preview, *(SENTENCES if language == "English" else ())]
        spoken = [pool.speak(text, language) for text in texts]
        prosody = prosody_of(joined([analyse(u.samples, u.sample_rate) for u in spoken]))
        measured.append(prosody)
        said = joined([analyse(u.samples, u.sample_rate, u.phones) for u in spoken[:4]])
        f0 = said.parameters.f0[::2][: len(said.posteriors)]
        logs = (np.log(np.where(f0 > 0, f0, 1)) - prosody.f0[0]).astype(np.float32)
        active = said.active[::2][: len(f0)]
        posteriors, sounds = said.posteriors[: len(f0)], said.sounds[: len(f0)]
        heard = one_hot(recogniser.most_likely(sounds))
        for name, rows in inputs.items():
            rows.append(decoder(name).inputs(posteriors, heard, logs, f0 > 0)[active])
        voiced.append((f0 > 0)[active])
    pool.close()
    kept = np.random.default_rng(0).permutation(sum(map(len, voiced)))[:FRAMES]
    np.savez_compressed(
        sys.argv[1],
        languages=np.array(sorted(VOICES)),
        f0=np.array([p.f0 for p in measured]),
        level=np.array([p.level for p in measured]),
        voiced=np.concatenate(voiced)[kept],
        **{name: np.concatenate(rows)[kept].astype(np.float16) for name, rows in inputs.items()},
    )


if __name__ == "__main__":
    main()
