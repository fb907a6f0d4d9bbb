"""Describe the sounds of a text to the model of prosody."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import sounds

HOP = 0.01  # seconds between frames
F0_UNIT = 0.2  # of natural log F0
LEVEL_UNIT = 2.0  # nepers of power
RATE_UNIT = 0.2  # of log durations
USUAL_F0 = 4.9, 0.3  # natural log of Hz, and its spread over speakers
USUAL_F0_SPREAD = 0.15, 0.06
DILATIONS = (1, 3, 9)  # of the frames' convolutions of prosody
CONTEXT = 33  # columns of `context`

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def context(rows: Ints) -> Floats:
    """Return what is known of each sound beside its name: (N, CONTEXT).

    `rows` are those of `sounds.sequence` with pauses.
    """
    count = len(rows)
    pause = rows[:, sounds.SOUND] == sounds.PAUSE
    word = rows[:, sounds.WORD].copy()
    for k in range(1, count):
        if pause[k]:
            word[k] = word[k - 1]
    vowel = np.isin(rows[:, sounds.SOUND], list(sounds.VOWELS))
    mark = rows[:, sounds.MARK]
    number = word - word.min()
    words = int(number.max()) + 1
    ends = np.zeros(words, bool)
    ends[number[mark > 0]] = True
    kinds = np.zeros(words, int)
    np.maximum.at(kinds, number, mark)
    to_break, from_break = np.zeros(words), np.zeros(words)
    size, phrase_kind = np.ones(words), np.zeros(words, int)
    phrase, current = np.zeros(words, int), 0
    for k in range(words):
        phrase[k] = current
        current += ends[k]
    for k in range(phrase[-1] + 1):
        own = np.flatnonzero(phrase == k)
        from_break[own] = np.arange(len(own))
        to_break[own] = np.arange(len(own))[::-1]
        size[own] = len(own)
        phrase_kind[own] = kinds[own[-1]] if ends[own[-1]] else sounds.STOP
    # Vowels before and after within the word, and the place of the word in the text.
    before, after = np.zeros(count), np.zeros(count)
    for k in range(words):
        own = np.flatnonzero((number == k) & ~pause)
        passed = np.cumsum(vowel[own])
        before[own] = passed - vowel[own]
        after[own] = (passed[-1] if len(own) else 0) - passed
    columns = [
        np.eye(3)[rows[:, sounds.STRESS]],
        rows[:, [sounds.LONG, sounds.PALATAL, sounds.FIRST, sounds.LAST]],
        np.eye(5)[mark],
        np.stack(
            [
                to_break[number].clip(0, 8) / 4,
                from_break[number].clip(0, 8) / 4,
                to_break[number] == 0,
                from_break[number] == 0,
                np.log(size[number]) / 2,
                before.clip(0, 4) / 2,
                after.clip(0, 4) / 2,
                (before == 0) & ~pause,
                (after == 0) & ~pause,
                vowel,
                pause,
                phrase[number] == 0,
                phrase[number] == phrase[-1],
                number / words,
                np.full(count, np.log(words) / 2),
                np.full(count, np.log1p(count) / 4),
            ],
            axis=1,
        ),
        np.eye(5)[phrase_kind[number]],
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


def positions(durations: Ints) -> tuple[Floats, Ints]:
    """Return the place of each frame in its sound, (T, 5), and the number of the sound, (T,)."""
    index = np.repeat(np.arange(len(durations)), durations)
    starts = np.concatenate([[0], np.cumsum(durations)[:-1]])
    frame = np.arange(len(index)) - starts[index]
    size = durations[index]
    share = (frame + 0.5) / size
    columns = (share, np.log1p(frame), np.log1p(size - 1 - frame), np.log(size))
    return (
        np.stack([*columns, np.sin(np.pi * share)], axis=1).astype(np.float32),
        index,
    )


def manner(rate: float, f0: tuple[float, float]) -> Floats:
    """Return how a speaker talks, an input of the prosody: (3,).

    Args:
        rate: Log duration of the speaker's sounds relative to usual ones.
        f0: Mean and standard deviation of natural log F0.
    """
    numbers = (
        rate / RATE_UNIT,
        (f0[0] - USUAL_F0[0]) / USUAL_F0[1],
        (f0[1] - USUAL_F0_SPREAD[0]) / USUAL_F0_SPREAD[1],
    )
    return np.array(numbers, np.float32).clip(-3, 3)
