"""Measure rates of articulation, for `[speech]` of the language files.

    python training/pace.py CLIPS

CLIPS is the output of `corpus.py`. The first rate is that of the people in the corpus, the second
that of espeak-ng on the preview line. Both count nuclei of syllables, without pauses.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from aligned import clips

from soundclone.engines.builtin import sounds
from soundclone.engines.builtin.frontend import RATE, VOICES, Pool, Utterance
from soundclone.text.languages import LANGUAGES

FEWEST = 25  # clips of a language


def of_source(utterance: Utterance, text: str) -> float:
    """Return the syllables a second of espeak-ng."""
    rows, times = sounds.sequence(utterance.phones, utterance.words, text)
    times = np.minimum(times, len(utterance.samples) / utterance.sample_rate)
    return float(sounds.nuclei(rows[:, sounds.SOUND]).sum() / np.diff(times, axis=1).sum())


def of_people(folder: Path) -> dict[str, float]:
    """Return the mean syllables a second in the clips of each language."""
    rates = defaultdict(list)
    for clip in clips(folder):
        said = clip.rows[:, sounds.SOUND] != sounds.PAUSE
        syllables = sounds.nuclei(clip.rows[:, sounds.SOUND]).sum()
        rates[clip.language].append(100 * syllables / clip.durations[said].sum())
    return {code: float(np.mean(found)) for code, found in rates.items() if len(found) >= FEWEST}


def main() -> None:
    people = of_people(Path(sys.argv[1]))
    pool = Pool(size=1)
    for language in sorted(VOICES):
        code, text = LANGUAGES[language].code, LANGUAGES[language].preview
        rate = of_source(pool.speak(text, language, RATE), text)
        known = f"{people[code]:.1f}" if code in people else "-"
        print(f"{code} syllables = {known} espeak_syllables = {rate:.2f}")
    pool.close()


if __name__ == "__main__":
    main()
