"""Measure espeak-ng's prosody in one language, for the language's file.

    python training/prosody.py Galician

The output is the table `[speech.prosody]` of `text/languages/<code>.toml`. Languages in
`source.npz` do not need it. A longer text than the preview line gives a better measurement: add it
after the name.
"""

from __future__ import annotations

import sys

from soundclone.engines.builtin.analysis import analyse
from soundclone.engines.builtin.conversion import prosody_of
from soundclone.engines.builtin.frontend import Pool
from soundclone.text.languages import LANGUAGES


def main(name: str, *texts: str) -> None:
    """Print the table of a language, measured on its preview line or on one sentence."""
    pool = Pool(size=1)
    spoken = pool.speak(next(iter(texts), LANGUAGES[name].preview), name)
    pool.close()
    prosody = prosody_of(analyse(spoken.samples, spoken.sample_rate))
    print("[speech.prosody]")
    print(f"f0 = [{prosody.f0[0]:.4f}, {prosody.f0[1]:.4f}]")
    print(f"level = [{prosody.level[0]:.4f}, {prosody.level[1]:.4f}]")


if __name__ == "__main__":
    main(*sys.argv[1:])
