"""Clone a recording and speak with the weights of the package, to check that they fit together.

    python training/check.py RECORDING

The check says nothing about the quality of the weights. `bench/quality.py` measures that.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import soxr

from soundclone.audio import speakers
from soundclone.audio.decode import decode
from soundclone.engines.builtin import BuiltinEngine, spoken_language
from soundclone.engines.protocol import Controls, Reference
from soundclone.text.languages import LANGUAGES

SPOKEN = ("English", "German")  # one language of each decoder
SECONDS = (1.0, 30.0)  # limits of a preview line
WINDOW = 2  # seconds
QUIET = 0.003  # root mean square


def main() -> None:
    recording = decode(Path(sys.argv[1]))
    rate = recording.sample_rate
    print("language:", spoken_language.detect(recording.samples, rate))
    heard = soxr.resample(recording.samples, rate, speakers.RATE).astype(np.float32)
    windows = speakers.features(heard[None, : WINDOW * speakers.RATE])
    if not np.isfinite(speakers.embed(windows)[0]).all():
        raise SystemExit("the embedding of the speaker is not finite")
    engine = BuiltinEngine()
    try:
        voice = engine.clone(Reference(recording.samples, rate))
        for language in SPOKEN:
            speech = engine.speak(voice, LANGUAGES[language].preview, Controls(language))
            seconds = len(speech.samples) / speech.sample_rate
            level = float(np.sqrt(np.mean(np.square(speech.samples))))
            print(f"{language}: {seconds:.1f} s, level {level:.3f}")
            if not (SECONDS[0] < seconds < SECONDS[1] and level > QUIET):
                raise SystemExit(f"the speech in {language} is silent or has an unlikely length")
    finally:
        engine.close()


if __name__ == "__main__":
    main()
