"""Phones, posteriors and the vocoder."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from soundclone.engines.builtin import acoustics, analysis, vocoder
from soundclone.engines.builtin.frontend import Pool, Utterance
from soundclone.engines.builtin.phones import neighbours
from soundclone.engines.builtin.synthesis import stretched


@pytest.fixture(scope="module")
def spoken() -> Iterator[Utterance]:
    pool = Pool(size=1)
    yield pool.speak("She had your dark suit in greasy wash water all year.", "English")
    pool.close()


@pytest.fixture(scope="module")
def samples(spoken: Utterance) -> NDArray[np.float64]:
    return np.asarray(
        soxr.resample(spoken.samples, spoken.sample_rate, acoustics.SAMPLE_RATE), np.float64
    )


@pytest.mark.parametrize(
    ("symbol", "phones"),
    [
        ("ˈaɪ", (("AY",),)),
        ("ts", (("T", "S"),)),
        ("ts.h", (("CH",), ("HH",))),
        ("ɑː", (("AA",),)),
        ("ɑ̃", (("AA",),)),
        ("ç", (("SH", "HH"),)),
        ("", ()),
        ("(en)", ()),
        ("5", ()),
    ],
)
def test_neighbours(symbol: str, phones: tuple[tuple[str, ...], ...]) -> None:
    assert neighbours(symbol) == phones


@given(st.text(max_size=8))
def test_any_symbol_has_known_neighbours(symbol: str) -> None:
    known = set(acoustics.model().phones)
    assert all(set(names) <= known for names in neighbours(symbol))


def test_posteriors_agree_with_the_labels(spoken: Utterance, samples: NDArray[np.float64]) -> None:
    scores = acoustics.log_likelihoods(samples)
    prior = acoustics.label_prior(spoken.phones, len(scores))
    for given_prior, least in ((None, 0.4), (prior, 0.9)):
        states = acoustics.posteriors(scores, given_prior)
        assert states.shape == (len(scores), 40 * acoustics.STATES)
        np.testing.assert_allclose(states.sum(axis=1), 1, rtol=1e-4)
        best = states.reshape(len(scores), 40, -1).sum(axis=2).argmax(axis=1)
        assert (prior[np.arange(len(best)), best] > 0.9).mean() > least


@pytest.mark.parametrize("samples", [np.zeros(8000), np.ones(8000), np.zeros(1)])
def test_silence_has_posteriors(samples: NDArray[np.float64]) -> None:
    states = acoustics.posteriors(acoustics.log_likelihoods(samples))
    assert np.isfinite(states).all()


def test_the_vocoder_keeps_pitch_and_envelope(samples: NDArray[np.float64]) -> None:
    before = vocoder.analyse(samples)
    said = vocoder.synthesise(before, filtered=False)
    after = vocoder.analyse(soxr.resample(said, vocoder.OUTPUT_RATE, vocoder.SAMPLE_RATE))
    count = min(len(before.f0), len(after.f0))
    both = (before.f0[:count] > 0) & (after.f0[:count] > 0)
    assert both.sum() > 0.8 * before.voiced.sum()
    ratio = np.log2(after.f0[:count][both] / before.f0[:count][both])
    assert np.median(np.abs(ratio)) < 0.01
    difference = after.envelope[:count][both] - before.envelope[:count][both]
    assert np.sqrt(np.mean(difference**2)) < 1.0  # 4.3 dB


def test_the_extension_goes_on_where_the_band_ends(samples: NDArray[np.float64]) -> None:
    said = vocoder.synthesise(vocoder.analyse(samples))
    power = np.abs(np.fft.rfft(said)) ** 2
    frequency = np.fft.rfftfreq(len(said), 1 / vocoder.OUTPUT_RATE)

    def level(low: float, high: float) -> float:
        return float(10 * np.log10(power[(frequency >= low) & (frequency < high)].mean()))

    assert level(7000, 7900) - 25 < level(8100, 11500) < level(7000, 7900) + 6


def test_the_envelope_of_a_known_filter() -> None:
    """Pulses through three resonances: what CheapTrick and the bands see is their response."""
    rate, f0 = vocoder.SAMPLE_RATE, 120.0
    train = np.diff(np.floor(np.arange(2 * rate) * f0 / rate), prepend=0.0)
    samples, poles = train, ((500.0, 90.0), (1500.0, 120.0), (2500.0, 160.0))
    for centre, width in poles:
        samples = resonated(samples, centre, width, rate)
    measured = vocoder.analyse(0.1 * samples / np.abs(samples).max())
    found = measured.envelope[100:-100].mean(axis=0)
    centres = vocoder.band_centres()
    wanted = sum(response(centres, *pole, rate) for pole in poles)
    inner = (centres > 200) & (centres < 5000)
    error = (found - wanted)[inner]
    assert 10 / np.log(10) * np.std(error) < 3.5  # dB
    peaks = [centres[k] for k in range(1, 79) if found[k - 1] < found[k] > found[k + 1]]
    for centre, _ in poles:
        assert min(abs(peak - centre) for peak in peaks) < 0.08 * centre


def resonated(
    samples: NDArray[np.float64], centre: float, width: float, rate: int
) -> NDArray[np.float64]:
    """Two poles: a resonance in Hz and its width."""
    radius = np.exp(-np.pi * width / rate)
    first, second = 2 * radius * np.cos(2 * np.pi * centre / rate), -(radius**2)
    out = np.zeros(len(samples) + 2)
    for k, value in enumerate(samples):
        out[k + 2] = value + first * out[k + 1] + second * out[k]
    return out[2:]


def response(
    hertz: NDArray[np.float64], centre: float, width: float, rate: int
) -> NDArray[np.float64]:
    """Log power of `resonated` at some frequencies."""
    radius, angle = np.exp(-np.pi * width / rate), 2 * np.pi * centre / rate
    z = np.exp(-2j * np.pi * hertz / rate)
    power = np.abs(1 - 2 * radius * np.cos(angle) * z + radius**2 * z**2)
    return np.asarray(-2 * np.log(power))


def test_noise_is_unvoiced_and_flat() -> None:
    noise = 0.05 * np.random.default_rng(0).standard_normal(2 * vocoder.SAMPLE_RATE)
    measured = vocoder.analyse(noise)
    assert measured.voiced.mean() < 0.02
    assert np.abs(measured.envelope.mean(axis=0)[3:-3]).max() < 0.5
    assert measured.aperiodicity[~measured.voiced].max() <= 0.1


def test_stretching_keeps_pitch(samples: NDArray[np.float64]) -> None:
    before = vocoder.analyse(samples)
    after = stretched(before, 1.3)
    assert len(after.f0) == round(1.3 * len(before.f0))
    assert after.voiced.mean() == pytest.approx(before.voiced.mean(), abs=0.02)
    assert analysis.f0_statistics(after.f0) == pytest.approx(
        analysis.f0_statistics(before.f0), abs=0.01
    )


def test_f0_statistics_leave_octave_errors_out() -> None:
    f0 = np.concatenate([np.full(90, 120.0), np.full(10, 240.0), np.zeros(50)])
    mean, spread = analysis.f0_statistics(f0)
    assert mean == pytest.approx(np.log(120))
    assert spread == pytest.approx(0)
