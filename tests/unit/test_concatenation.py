from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from soundclone.engines.protocol import Speech, Word
from soundclone.synthesis.concatenation import (
    AudioSegment,
    join,
    margins,
    trim,
)
from soundclone.synthesis.pauses import PAUSE, pause_after
from soundclone.text import script

RATE = 24_000


def say(sentence: script.Sentence) -> Speech:
    """Half a second of tone with silence around it, and a word in it."""
    tone = 0.3 * np.sin(2 * np.pi * 200 * np.arange(RATE // 2) / RATE)
    samples = np.concatenate([np.zeros(2400), tone, np.zeros(4800)]).astype(np.float32)
    return Speech(samples, RATE, (Word(sentence.text, 0.1, 0.6, 0, len(sentence.text)),))


def joined(text: str, *, last: bool = True, seed: int = 0) -> AudioSegment:
    parsed = script.parse(text)
    return join(parsed.pieces, [say(each) for each in parsed.sentences], RATE, last=last, seed=seed)


def gap(segment: AudioSegment) -> float:
    """Seconds between the first two sentences."""
    return segment.spoken[1].start - segment.spoken[0].end


def test_pauses_are_exact_to_the_sample() -> None:
    plain, paused = joined("One."), joined("<#0.25#>One.<#1.5#>")
    assert len(paused.samples) - len(plain.samples) == round(1.75 * RATE)
    assert not paused.samples[: RATE // 4].any()
    assert not paused.samples[-round(1.5 * RATE) :].any()


def test_gaps_follow_what_comes_next() -> None:
    sentence = gap(joined("One. Two."))
    assert 0.5 * PAUSE <= sentence <= 1.8 * PAUSE
    assert gap(joined("One.\n\nTwo.")) == pytest.approx(1.6 * sentence, abs=1e-3)
    two = joined("One.<#0.5#>Two.")
    assert two.spoken[1].start - two.spoken[0].end == pytest.approx(0.5, abs=1e-4)
    assert gap(joined("one and two, " * 40 + "end.")) < sentence


def test_only_the_end_of_the_text_has_no_gap() -> None:
    difference = len(joined("One.", last=False).samples) - len(joined("One.").samples)
    assert difference == pytest.approx(gap(joined("One. Two.")) * RATE, abs=1)


def test_pauses_vary_with_the_seed_and_the_place() -> None:
    text = "One. " * 20
    times = [each.start for each in joined(text, seed=1).spoken]
    gaps = np.diff(times)
    assert 1.2 < gaps.max() / gaps.min() < 2.5
    assert [each.start for each in joined(text, seed=1).spoken] == times
    assert [each.start for each in joined(text, seed=2).spoken] != times


def test_a_pause_lasts_as_long_as_the_speakers() -> None:
    sentence = script.parse("One.").sentences[0]
    short, long, endless = (
        pause_after(sentence, replace(say(sentence), pause=seconds), 0)
        for seconds in (0.3, 0.6, 60)
    )
    assert long == pytest.approx(2 * short)
    assert endless < 1.2


def test_pauses_vary_as_much_as_the_speakers() -> None:
    sentence = script.parse("One.").sentences[0]
    logs = {}
    for spread in (0.1, 0.4):
        speech = replace(say(sentence), pause=0.4, pause_spread=spread)
        logs[spread] = np.log([pause_after(sentence, speech, seed) for seed in range(300)])
        assert logs[spread].std() == pytest.approx(0.95 * spread, rel=0.1)
    assert np.median(logs[0.1]) == pytest.approx(np.median(logs[0.4]), abs=0.05)


def test_a_pause_is_longer_after_a_long_sentence() -> None:
    sentence = script.parse("One.").sentences[0]
    speech = say(sentence)
    long = replace(speech, samples=np.resize(speech.samples, 8 * RATE))
    assert pause_after(sentence, long, 0) > 1.2 * pause_after(sentence, speech, 0)


def test_silence_at_the_ends_is_cut_and_words_move_with_it() -> None:
    speech = trim(say(script.parse("One.").sentences[0]))
    assert 0.5 <= len(speech.samples) / RATE <= 0.55
    assert speech.words[0].start == pytest.approx(0.02, abs=0.002)
    assert abs(speech.samples[0]) < 1e-6
    assert abs(speech.samples[-1]) < 1e-6


@pytest.mark.parametrize(
    ("text", "lead", "tail"),
    [
        ("One.", 0.1, 0.25),
        ("<#0.04#>One.<#0.2#>", 0.06, 0.05),
        ("<#0.04#><#0.06#>One.<#9#>", 0, 0),
        ("<#1#>One.<#1#>Two.", 0, 0.25),
    ],
)
def test_the_ends_have_silence(text: str, lead: float, tail: float) -> None:
    assert margins(script.parse(text).pieces) == pytest.approx((lead, tail))


def test_silence_stays_silence() -> None:
    silence = Speech(np.zeros(100, np.float32), RATE)
    assert trim(silence) is silence
    assert len(joined("<#0.01#><#2#>" + "One.").samples) > 2 * RATE


def test_rates_must_agree() -> None:
    with pytest.raises(ValueError, match="16000 Hz"):
        join(script.parse("One.").pieces, [Speech(np.ones(9, np.float32), 16_000)], RATE, last=True)
