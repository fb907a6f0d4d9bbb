from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from soundclone.audio.decode import Decoded
from soundclone.audio.downmix import Downmix
from soundclone.audio.outline import outline
from soundclone.audio.recording import (
    Quality,
    Recording,
    RecordingLimits,
    examine,
    extract_reference,
    report_on,
)
from soundclone.audio.recording_report import RecordingReport
from soundclone.audio.sound import Sound
from soundclone.errors import (
    NoSpeech,
    SeveralSpeakers,
    SourceClipped,
    SourceTooNoisy,
    SourceTooQuiet,
    SpeechTooLong,
    SpeechTooShort,
)
from tests import media_samples

Samples = NDArray[np.float32]
SPEECH, RATE = media_samples.spoken(19.0)
NOISE = np.random.default_rng(1).standard_normal(len(SPEECH)).astype(np.float32)
LEVEL = float(np.sqrt(np.mean(SPEECH**2)))


def decoded(samples: NDArray[np.floating], rate: int = RATE) -> Decoded:
    """Return samples of shape (n,) or (n, channels) as the decoder would."""
    table = np.atleast_2d(samples.T).T.astype(np.float32)
    with tempfile.TemporaryFile() as file:
        channel = Downmix(file.fileno(), table.shape[1], rate)
        channel.write(table.tobytes())
        return Decoded(
            Sound.from_blocks(channel.read(), channel.rate), table.shape[1], "wav", "pcm"
        )


@cache
def clean() -> Recording:
    """Return the examined speech."""
    return examine(decoded(SPEECH))


def speech_level(recording: Recording) -> float:
    parts = [
        recording.samples[int(a * recording.sample_rate) : int(b * recording.sample_rate)]
        for a, b in recording.segments
    ]
    return float(10 * np.log10(np.mean(np.concatenate(parts) ** 2)))


def with_noise(decibels: float) -> Samples:
    return SPEECH + NOISE * np.float32(LEVEL * 10 ** (-decibels / 20))


def test_clean_speech() -> None:
    recording = clean()
    assert 15.5 < recording.speech_seconds < 19
    assert recording.sample_rate == RATE
    assert len(recording.samples) == len(SPEECH)
    assert speech_level(recording) == pytest.approx(-23, abs=1)


def test_the_report_says_what_would_improve_the_recording() -> None:
    recording = clean()
    report = report_on(recording)
    assert report.speech_seconds == pytest.approx(recording.speech_seconds, abs=0.01)
    assert (report.clipped, report.echo, report.telephone) == (0, False, False)
    assert [each.partition(":")[0] for each in report.advice] == [
        f"speech lasts {recording.speech_seconds:.0f} s"
    ]
    assert RecordingReport.from_json(report.to_json()) == report
    assert RecordingReport.from_json(None) is None
    weak = replace(
        recording,
        speech_seconds=40,
        snr=15,
        quality=Quality(
            level=-52.4, clipped=0.06, noisy=True, echo=True, telephone=True, others=True
        ),
    )
    found = " ".join(report_on(weak).advice)
    for part in ("6 % of the speech is clipped", "15 dB below", "echoes", "telephone", "-52 dBFS"):
        assert part in found
    assert "speech lasts" not in found


def test_the_report_measures_the_file_and_not_the_reference() -> None:
    level = report_on(clean()).level
    quiet = report_on(examine(decoded(SPEECH * np.float32(0.01))))
    assert quiet.level == pytest.approx(level - 40, abs=0.5)
    assert any("raise the level" in each for each in quiet.advice)


def test_an_outline_follows_the_loudness() -> None:
    tone = np.ones(6400, np.float32)
    tone[3200:] /= 2
    assert outline(tone) == [100] * 32 + [50] * 32
    assert outline(tone[:10]) != outline(np.zeros(10, np.float32)) == [0] * 64


@pytest.mark.slow
@pytest.mark.parametrize("decibels", [-40, 40])
def test_level_is_made_good(decibels: float) -> None:
    recording = examine(decoded(SPEECH * 10 ** (decibels / 20)))
    assert speech_level(recording) == pytest.approx(-23, abs=1)
    assert np.abs(recording.samples[:]).max() <= 1


def test_channels() -> None:
    speech_seconds = clean().speech_seconds
    silent = np.zeros_like(SPEECH)
    for table in (
        np.stack([SPEECH, -SPEECH], 1),
        np.stack([silent, SPEECH, media_samples.tone(19.0, RATE, 40)], 1),
    ):
        assert examine(decoded(table)).speech_seconds == pytest.approx(speech_seconds, abs=0.5)


def test_offset_is_removed() -> None:
    recording = examine(decoded(SPEECH * 0.5 + 0.4))
    assert abs(float(recording.samples[:].mean())) < 1e-3


@pytest.mark.slow
def test_high_rate_comes_down() -> None:
    upsampled = np.repeat(SPEECH, 4)
    recording = examine(decoded(upsampled, RATE * 4))
    assert recording.sample_rate == 48_000
    assert len(recording.samples) == pytest.approx(19 * 48_000, abs=10)


def test_too_short() -> None:
    with pytest.raises(SpeechTooShort, match=r"speech lasts \d\.\d s; more than 15 s is needed"):
        examine(decoded(SPEECH[: RATE * 9]))


def test_length_counts_speech_not_file() -> None:
    gap = np.zeros(RATE * 25, np.float32)
    with pytest.raises(SpeechTooShort):
        examine(decoded(np.concatenate([gap, SPEECH[: RATE * 8], gap])))
    thirds = np.array_split(SPEECH, 3)
    examine(decoded(np.concatenate([thirds[0], gap, thirds[1], gap, thirds[2]])))


def test_too_long() -> None:
    assert RecordingLimits() == RecordingLimits(15, 60, 120, (5, 300))
    limits = RecordingLimits(max_seconds=15.5)
    with pytest.raises(SpeechTooLong, match=r"speech lasts 1\d\.\d s; less than 15.5 s is needed"):
        examine(decoded(SPEECH), limits=limits)
    limits = RecordingLimits(max_seconds=15.5, search_seconds=15.6)
    with pytest.raises(SpeechTooLong, match=r"speech lasts more than 15\.6 s"):
        examine(decoded(SPEECH), limits=limits)


@pytest.mark.parametrize(
    ("samples", "error", "says"),
    [
        (np.zeros(RATE * 20), NoSpeech, "silent"),
        (np.full(RATE * 20, 0.3), NoSpeech, "silent"),
        (SPEECH * 1e-4, SourceTooQuiet, r"-\d\d dBFS"),
        (NOISE * 0.1, NoSpeech, "no clear speech"),
        (media_samples.tone(20.0, RATE), NoSpeech, "no clear speech"),
        (np.clip(SPEECH * 20, -0.9, 0.9), SourceClipped, r"\d\d % of the speech"),
        (with_noise(0), SourceTooNoisy, r"\d\.\d dB below the voice"),
        (np.zeros(0), NoSpeech, "silent"),
        (np.ones(1), NoSpeech, "silent"),
        (SPEECH[RATE : RATE + 200], NoSpeech, "no clear speech"),
    ],
)
def test_refused(samples: Samples, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        examine(decoded(samples))


def test_warnings() -> None:
    crowd = np.percentile(np.abs(SPEECH), 96)
    clipped = examine(decoded(np.clip(SPEECH, -crowd, crowd)))
    assert any("clipped" in warning for warning in clipped.warnings)
    spectrum = np.fft.rfft(with_noise(15))
    spectrum[np.fft.rfftfreq(len(SPEECH), 1 / RATE) > 3800] = 0
    telephone = examine(decoded(np.fft.irfft(spectrum, len(SPEECH))))
    assert any("telephone" in warning for warning in telephone.warnings)
    assert any("noise" in warning for warning in telephone.warnings)


def test_steady_noise_is_taken_down() -> None:
    found = examine(decoded(with_noise(12)))
    assert found.steady_noise
    assert any("noise" in warning for warning in found.warnings)
    left, was = extract_reference(found), extract_reference(replace(found, steady_noise=False))
    quiet, loud = (np.sort(np.abs(was))[int(share * len(was))] for share in (0.3, 0.9))
    assert np.abs(left[np.abs(was) < quiet]).mean() < np.abs(was[np.abs(was) < quiet]).mean()
    assert left[np.abs(was) > loud].std() == pytest.approx(was[np.abs(was) > loud].std(), rel=0.2)
    assert not clean().steady_noise


@pytest.mark.slow
def test_an_echo_is_no_noise() -> None:
    dice = np.random.default_rng(3)
    room = dice.standard_normal(RATE) * np.exp(-6.9 * np.arange(RATE) / RATE)
    room *= 1 / np.sqrt(np.sum(room**2))
    room[0] = 1
    pause = np.zeros(2 * RATE, np.float32)
    dry = np.concatenate([part for third in np.array_split(SPEECH, 3) for part in (third, pause)])
    size = len(dry) + RATE
    wet = np.fft.irfft(np.fft.rfft(dry, size) * np.fft.rfft(room, size), size)[: len(dry)]
    assert any("echo" in warning for warning in examine(decoded(wet)).warnings)


def test_reference_shortens_pauses() -> None:
    halves = np.array_split(SPEECH, 2)
    gap = np.zeros(RATE * 10, np.float32)
    recording = examine(decoded(np.concatenate([gap, halves[0], gap, halves[1], gap])))
    kept = extract_reference(recording)
    assert kept.dtype == np.float32
    assert recording.speech_seconds < len(kept) / RATE < 20
    silent = np.abs(kept) < 1e-4
    longest = max(len(run) for run in "".join("s" if s else " " for s in silent).split()) / RATE
    assert longest < 0.6


WOMAN, MAN = media_samples.said("woman")[0], media_samples.said("man")[0]
SECOND = 24_000  # samples of both recordings


def test_turns_are_refused() -> None:
    turns = [who[at * SECOND : (at + 5) * SECOND] for at in range(0, 20, 5) for who in (WOMAN, MAN)]
    with pytest.raises(SeveralSpeakers, match=r"[45]\d % of the speech is by a second speaker"):
        examine(decoded(np.concatenate(turns), SECOND))


@pytest.mark.slow
def test_two_at_once_are_refused() -> None:
    with pytest.raises(SeveralSpeakers, match=r"two people speak at once in about \d\d %"):
        examine(decoded(0.5 * (WOMAN + MAN[: len(WOMAN)]), SECOND))


@pytest.mark.slow
def test_a_question_is_left_out() -> None:
    half = 16 * SECOND
    talk = np.concatenate([MAN[:half], WOMAN[: 4 * SECOND], MAN[half:]])
    alone, kept = examine(decoded(MAN, SECOND)), examine(decoded(talk, SECOND))
    assert any("somebody else: left out" in warning for warning in kept.warnings)
    assert alone.speech_seconds - 2 < kept.speech_seconds < alone.speech_seconds + 0.5
    assert not any(start < 19 and end > 17 for start, end in kept.segments)


@pytest.mark.slow
def test_too_little_is_left() -> None:
    talk = np.concatenate([MAN[: 10 * SECOND], WOMAN[: 4 * SECOND], MAN[10 * SECOND : 20 * SECOND]])
    with pytest.raises(SeveralSpeakers, match=r"only 1\d\.\d s without; more than 15 s"):
        examine(decoded(talk, SECOND))


@pytest.mark.slow
def test_a_telephone_gets_its_fundamental_back() -> None:
    spectrum = np.fft.rfft(MAN)
    hertz = np.fft.rfftfreq(len(MAN), 1 / SECOND)
    spectrum[(hertz < 300) | (hertz > 3400)] = 0
    heard = examine(decoded(np.fft.irfft(spectrum, len(MAN)), SECOND))
    assert any("telephone" in warning for warning in heard.warnings)
    power = np.abs(np.fft.rfft(heard.samples[:])) ** 2
    low = power[(hertz > 90) & (hertz < 250)].sum() / power[(hertz > 300) & (hertz < 3400)].sum()
    assert -20 < 10 * np.log10(low) < -5
