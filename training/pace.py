"""Measure rates of articulation, for `[speech]` of the language files.

    python training/pace.py CLIPS CORPUS

CLIPS is the output of `corpus.py`, and CORPUS is as in `features.py`. The first rate is that of the
people in the corpus. The second is that of espeak-ng on sentences of the corpus, or on the preview
line where the corpus has too few. Both count nuclei of syllables, without pauses.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from aligned import clips
from features import table

from soundclone.engines.builtin import sounds
from soundclone.engines.builtin.frontend import LONGEST, RATE, VOICES, Pool, Utterance
from soundclone.errors import SoundcloneError
from soundclone.text.languages import LANGUAGES

FEWEST = 25  # clips of a language
SENTENCES, SHORTEST = 24, 12  # sentences of a language, and their least characters


def of_source(utterance: Utterance, text: str) -> float:
    """Return the syllables a second of espeak-ng."""
    rows, times = sounds.sequence(utterance.phones, utterance.words, text)
    times = np.minimum(times, len(utterance.samples) / utterance.sample_rate)
    return float(sounds.nuclei(rows[:, sounds.SOUND]).sum() / np.diff(times, axis=1).sum())


def sentences_of(corpus: Path) -> dict[str, list[str]]:
    """Return sentences of the corpus by code of the language, in random order."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in table(corpus / "MANIFEST.tsv").values():
        tag, text = row["language"], row["transcript"]
        if SHORTEST <= len(text) <= LONGEST:
            found["yue" if tag == "zh-HK" else tag.split("-")[0]].add(text)
    return {
        code: list(np.random.default_rng(0).permutation(sorted(texts)))
        for code, texts in found.items()
    }


def mean_rate(pool: Pool, language: str, texts: list[str]) -> float:
    """Return the mean syllables a second of espeak-ng in texts that it can read."""
    rates = []
    for text in map(str, texts):
        try:
            rates.append(of_source(pool.speak(text, language, RATE), text))
        except SoundcloneError as error:
            print("skipped", language, error.message, file=sys.stderr)
    return float(np.mean(rates))


def of_people(folder: Path) -> dict[str, float]:
    """Return the mean syllables a second in the clips of each language."""
    rates = defaultdict(list)
    for clip in clips(folder):
        said = clip.rows[:, sounds.SOUND] != sounds.PAUSE
        syllables = sounds.nuclei(clip.rows[:, sounds.SOUND]).sum()
        rates[clip.language].append(100 * syllables / clip.durations[said].sum())
    return {code: float(np.mean(found)) for code, found in rates.items() if len(found) >= FEWEST}


def main() -> None:
    people, sentences = of_people(Path(sys.argv[1])), sentences_of(Path(sys.argv[2]))
    pool = Pool(size=1)
    for language in sorted(VOICES):
        code, texts = LANGUAGES[language].code, [LANGUAGES[language].preview]
        if len(sentences.get(code, ())) >= SENTENCES:
            texts = sentences[code][:SENTENCES]
        rate = mean_rate(pool, language, texts)
        known = f"{people[code]:.1f}" if code in people else "-"
        print(f"{code} syllables = {known} espeak_syllables = {rate:.2f}", flush=True)
    pool.close()


if __name__ == "__main__":
    main()
