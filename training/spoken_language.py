"""Train the classifier of the language of a recording.

    python training/spoken_language.py FEATURES OUT.npz

FEATURES is the output of `corpus.py`. Needs recogniser.npz beside the engine. Clips of a language
are joined at random to examples of up to 15 s. Examples of a fifth of the speakers choose the
threshold, such that at most WRONG of all examples get a wrong language.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np

from soundclone.engines.builtin import recogniser
from soundclone.engines.builtin.spoken_language import (
    Classifier,
    Counts,
    count,
    grouped,
    roots,
    scores,
)
from soundclone.text.languages import LANGUAGES

CODES = {"zh-CN": "zh", "zh-TW": "zh", "zh-HK": "yue"}
NAMES = {language.code.split("-")[0]: name for name, language in LANGUAGES.items()}
NAMES |= {"zh": "Chinese", "yue": "Chinese,Yue"}
CLIPS, OTHER_CLIPS, OF_A_SPEAKER = 64, 12, 3  # of each language that is spoken, or not
LONGEST, SHORTEST = 900, 60  # frames of a clip
LEAST, MOST = 600, 1500  # frames of an example
EXAMPLES, TESTS = 60, 6  # of each language
GROUPS = 60  # frequent sounds; all others are one group
PRIOR = 1000.0  # pairs of the average language
COMPONENTS, SHRINKAGE = 200, 0.1
TINY = 1e-6  # of the largest eigenvalue; smaller ones are rounding errors
WRONG = 0.01

Clip = tuple[str, str, Counts]  # language, speaker, counts


def read(features: Path) -> list[Clip]:
    """Return balanced clips of the corpus."""
    paths = sorted(features.glob("*.npz"))
    of_language: Counter[str] = Counter()
    of_speaker: Counter[str] = Counter()
    clips = []
    for index in np.random.default_rng(1).permutation(len(paths)):
        with np.load(paths[index]) as file:
            tag, speaker = str(file["language"]), str(file["speaker"])
            language = CODES.get(tag, tag.split("-")[0])
            most = CLIPS if language in NAMES else OTHER_CLIPS
            if of_language[tag] >= most or of_speaker[speaker] >= OF_A_SPEAKER:
                continue
            rows = recogniser.inputs(
                file["envelope"], file["level"], file["f0"], file["active"], file["free"]
            )
            speech = file["active"]
        of_language[tag] += 1
        of_speaker[speaker] += 1
        found = count(rows[:LONGEST], speech[: min(LONGEST, len(rows))])
        if found.frames >= SHORTEST:
            clips.append((language, speaker, found))
    return clips


def examples(
    clips: list[Clip], number: int, rng: np.random.Generator
) -> tuple[list[Counts], list[str]]:
    """Join clips of each language at random."""
    by_language = defaultdict(list)
    for language, _, found in clips:
        by_language[language].append(found)
    joined, labels = [], []
    for language, own in sorted(by_language.items()):
        for _ in range(number if len(own) >= 3 else 0):
            size, chosen = int(rng.integers(LEAST, MOST)), []
            for k in rng.permutation(len(own)):
                chosen.append(own[k])
                if sum(c.frames for c in chosen) >= size:
                    break
            joined.append(reduce(add, chosen))
            labels.append(language)
    return joined, labels


def train(clips: list[Clip], threshold: float = 0.0) -> Classifier:
    """Fit both classifiers."""
    total = sum(found.sounds for _, _, found in clips)
    groups = np.full(len(total), GROUPS)
    groups[np.argsort(-total)[:GROUPS]] = np.arange(GROUPS)
    joined, labels = examples(clips, EXAMPLES, np.random.default_rng(3))
    order = sorted(set(labels))
    sums = np.array(
        [grouped(sum(f.pairs for lang, _, f in clips if lang == o), groups) for o in order]
    )
    usual = sums.sum(axis=0) + 1e-3 * sums.sum() / sums.shape[1]
    usual /= usual.sum()
    shares = (sums + PRIOR * usual) / (sums.sum(axis=1, keepdims=True) + PRIOR)

    rows = np.array([roots(c, grouped(c.pairs, groups)) for c in joined], np.float64)
    single = rows.shape[1] - (GROUPS + 1) ** 2
    mean = rows[:, single:].mean(axis=0)
    centred = rows[:, single:] - mean
    values, vectors = np.linalg.eigh(centred @ centred.T)
    components = min(COMPONENTS, int((values > TINY * values[-1]).sum()))
    basis = centred.T @ vectors[:, -components:] / np.sqrt(values[-components:])
    reduced = np.concatenate([rows[:, :single], rows[:, single:] @ basis], axis=1)
    index = np.array([order.index(label) for label in labels])
    means = np.array([reduced[index == k].mean(axis=0) for k in range(len(order))])
    rest = reduced - means[index]
    covariance = rest.T @ rest / len(rest)
    size = len(covariance)
    covariance = (1 - SHRINKAGE) * covariance + SHRINKAGE * np.trace(covariance) / size * np.eye(
        size
    )
    weight = np.linalg.solve(covariance, means.T)
    return Classifier(
        names=tuple(NAMES.get(o, "") for o in order),
        groups=groups,
        pairs=(np.log(shares) - np.log(usual)).T.astype(np.float32),
        discriminant=np.concatenate([weight[:single], basis @ weight[single:]]).astype(np.float32),
        bias=(-0.5 * (means.T * weight).sum(axis=0)).astype(np.float32),
        threshold=threshold,
    )


def main() -> None:
    clips = read(Path(sys.argv[1]))
    speakers = sorted({speaker for _, speaker, _ in clips})
    order = np.random.default_rng(3).permutation(len(speakers))
    held = {speakers[k] for k in order[: len(speakers) // 5]}
    partial = train([clip for clip in clips if clip[1] not in held])
    joined, labels = examples(
        [clip for clip in clips if clip[1] in held], TESTS, np.random.default_rng(4)
    )
    found = np.array([scores(c, partial) for c in joined])
    best = np.sort(found, axis=1)
    margin = best[:, -1] - best[:, -2]
    guess = np.array(partial.names)[found.argmax(axis=1)]
    wanted = np.array([NAMES.get(label, "") for label in labels])
    right, known = guess == wanted, wanted != ""
    margin = np.where(guess == "", 0, margin)
    limits = np.arange(0.2, 2, 0.02)
    strict = (t for t in limits if ((margin >= t) & ~right).mean() <= WRONG)
    threshold = next(strict, limits[-1])
    reported = margin >= threshold
    print(
        f"{len(clips)} clips, {len(joined)} held-out examples: right {right[known].mean():.3f}, "
        f"threshold {threshold:.2f}: {reported[known].mean():.3f} of the known languages reported, "
        f"{(reported & ~right)[known].mean():.3f} wrong; {reported[~known].mean():.3f} of others"
    )
    whole = train(clips, float(threshold))
    np.savez_compressed(
        Path(sys.argv[2]),
        names=np.array(whole.names),
        groups=whole.groups.astype(np.int16),
        pairs=whole.pairs.astype(np.float16),
        discriminant=whole.discriminant.astype(np.float16),
        bias=whole.bias,
        threshold=np.array(whole.threshold),
    )


if __name__ == "__main__":
    main()
