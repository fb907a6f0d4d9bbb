"""Measure espeak-ng's rate of articulation in every language, for `[speech]` of the language files.

python training/pace.py
"""

from __future__ import annotations

from itertools import pairwise

from soundclone.engines.builtin.frontend import RATE, VOICES, Pool, Utterance
from soundclone.engines.builtin.sounds import VOWELS, parse
from soundclone.text.languages import LANGUAGES


def syllables_per_second(utterance: Utterance) -> float:
    """Return the vowels a second, without pauses. A diphthong counts once."""
    end = len(utterance.samples) / utterance.sample_rate
    vowels, seconds = 0, 0.0
    for (start, symbol), (stop, _) in pairwise([*utterance.phones, (end, "")]):
        if sounds := parse(symbol):
            vowels += any(sound[0] in VOWELS for sound in sounds)
            seconds += stop - start
    return vowels / seconds


def main() -> None:
    pool = Pool(size=1)
    for language in sorted(VOICES):
        rate = syllables_per_second(pool.speak(LANGUAGES[language].preview, language, RATE))
        print(f"{LANGUAGES[language].code}: espeak_syllables = {rate:.2f}")
    pool.close()


if __name__ == "__main__":
    main()
