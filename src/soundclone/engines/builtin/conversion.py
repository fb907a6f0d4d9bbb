"""Convert speech of the source synthesiser to the voice of a speaker."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...audio.threads import map_in_threads
from ...errors import NoSpeech
from . import acoustics, envelope_decoder, recogniser, syllable_levels, vocoder
from .analysis import Analysis, doubled, f0_statistics
from .envelope_decoder import ENGLISH, MULTILINGUAL, Decoder
from .listening import syllable_rate
from .pace import pause_statistics, relative_rate
from .source import source
from .vocoder import BANDS, Array, Parameters
from .voice import Prosody, Timbre, VoiceData

_LEAST_VOICED = 5.0  # seconds of voiced speech that a reference must have
_LEAST_UNVOICED = 50  # frames
_USUAL_LEVEL = 0.75  # weight of the predicted level against the level of the source
_USUAL_F0 = 0.8  # share of the sentence's deviation from the mean F0 that is removed
_MELODY_WIDTH = 1.2  # of a planned melody; single sentences vary less than the recording
_F0_WIDTH = 1.25  # the same of the source's melody
_DECLINATION = 0.5  # share of its fall that is removed, as the width stretches the fall too
BIAS = 0.7  # share of the decoder's constant error on the source that is removed
NOISE_UNIT = 10.0  # dB of aperiodicity
_STIFFNESS = 1000.0  # weight of the trained last layer, in frames of the recording
_SPREAD = 0.8, 2.0  # range of the restored variation
_SPREAD_POWER = {ENGLISH: 1.0, MULTILINGUAL: 1.2}  # exponent of the restored variation
_SMOOTHED = 3  # frames of acoustics.HOP over which the source's sounds are smoothed
_LOW_BANDS = 900.0  # Hz, below which unvoiced sounds have hardly any energy


def voice_of(analysis: Analysis, language: str | None = None) -> VoiceData:
    """Return the voice of a recording, which is in `language`.

    Raises NoSpeech if there is too little voiced speech.
    """
    parameters, active = analysis.parameters, analysis.active
    voiced, unvoiced = active & parameters.voiced, active & ~parameters.voiced
    seconds = voiced.sum() * vocoder.HOP
    if seconds < _LEAST_VOICED:
        raise NoSpeech(
            f"the recording has {seconds:.1f} s of voiced speech; "
            f"at least {_LEAST_VOICED:.0f} s is needed, and whispering has none"
        )
    if unvoiced.sum() < _LEAST_UNVOICED:
        unvoiced = active
    prosody = prosody_of(analysis)
    means = parameters.envelope[voiced].mean(axis=0), parameters.envelope[unvoiced].mean(axis=0)
    noise = float(parameters.aperiodicity[voiced].mean())
    names = envelope_decoder.NAMES
    timbres = map_in_threads(lambda name: _timbre(analysis, prosody, means, noise, name), names)
    return VoiceData(
        f0=prosody.f0,
        level=prosody.level,
        rate=np.array([relative_rate(syllable_rate(analysis), language)], np.float32),
        unvoiced_spread=parameters.envelope[unvoiced].std(axis=0).astype(np.float32),
        aperiodicity=np.array([noise], np.float32),
        pauses=pause_statistics(active),
        syllables=np.array([syllable_levels.spread(parameters)], np.float32),
        timbres=dict(zip(names, timbres, strict=True)),
        language=language or "",
    )


def _timbre(
    analysis: Analysis, prosody: Prosody, means: tuple[Array, Array], noise: float, name: str
) -> Timbre:
    """Fit the decoder of a name to a recording.

    `means` are the envelopes of voiced and unvoiced frames, and `noise` is the aperiodicity in dB.
    """
    parameters, decoder = analysis.parameters, envelope_decoder.decoder(name)
    fit = analysis.active[::2]
    sounding = parameters.voiced[::2]
    deviation = parameters.envelope[::2] - np.where(sounding[:, None], *means)
    own = np.where(sounding, parameters.aperiodicity[::2, 0] - noise, 0.0) / NOISE_UNIT
    code = decoder.code(
        envelope_decoder.statistics(
            analysis.posteriors[fit], deviation[fit], *means, float(prosody.f0[0])
        )
    )
    units = decoder.hidden(decoder_inputs(decoder, analysis, parameters.f0, prosody.f0), code)
    loud = (parameters.level[::2] - prosody.level[0]) / prosody.level[1]
    wanted = np.concatenate([deviation, own[:, None], loud[:, None]], axis=1)
    last = decoder.fitted(units[fit], wanted[fit].astype(np.float32), _STIFFNESS)
    voiced_mean, unvoiced_mean = _without_bias(name, means, last, code)
    return Timbre(
        voiced=voiced_mean,
        unvoiced=unvoiced_mean,
        spread=_lost_spread(
            np.asarray(units @ last, np.float64), deviation, fit & sounding, fit & ~sounding
        ),
        code=code,
        last=last,
    )


def _lost_spread(
    predicted: Array, deviation: Array, *masks: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return the ratio of the recording's standard deviation to the decoder's: (2, BANDS).

    There is a row for each mask, and a column for each cepstral coefficient.
    """
    matrix = acoustics.dct_matrix(BANDS, BANDS)
    rows = []
    for mask in masks:
        if mask.sum() < _LEAST_UNVOICED // 2:  # half as many, as these are twice as far apart
            rows.append(np.ones(BANDS))
            continue
        own = (deviation[mask] @ matrix).std(axis=0)
        rows.append(own / (predicted[mask, :BANDS] @ matrix).std(axis=0).clip(1e-3))
    return np.array(rows, np.float32).clip(*_SPREAD)


def prosody_of(analysis: Analysis) -> Prosody:
    """Return the prosody of a recording."""
    parameters, active = analysis.parameters, analysis.active
    level = parameters.level[active]
    return Prosody(
        f0=np.array(f0_statistics(parameters.f0[active & parameters.voiced]), np.float32),
        level=np.array([level.mean(), level.std().clip(1e-3)], np.float32),
    )


def _without_bias(
    name: str, means: tuple[Array, Array], last: NDArray[np.float32], code: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean envelopes, voiced and unvoiced, less the decoder's bias on the source.

    The decoder predicts deviations from these means. Their mean is 0 on the recording, but not on
    the source, whose phones are clearer and differently distributed.
    """
    known = source()
    units = envelope_decoder.decoder(name).hidden(known.inputs[name], code)
    predicted = (units @ last)[:, :BANDS]
    voiced, unvoiced = (
        (mean - BIAS * predicted[mask].mean(axis=0)).astype(np.float32)
        for mean, mask in zip(means, (known.voiced, ~known.voiced), strict=True)
    )
    return voiced, unvoiced


def decoder_inputs(
    decoder: Decoder,
    analysis: Analysis,
    f0: Array,
    centre: NDArray[np.float32],
    smoothed: int = 1,
) -> NDArray[np.float32]:
    """Return the inputs of a decoder for speech with the given F0.

    Args:
        decoder: The decoder. One that hears sounds needs `analysis.sounds`.
        analysis: Measurements of the speech.
        f0: Hz, (T,).
        centre: The mean of natural log F0 comes first.
        smoothed: Frames over which the sounds are smoothed, odd.
    """
    f0 = f0[::2]
    logs = np.log(np.where(f0 > 0, f0, 1.0)) - centre[0]
    heard = None
    if decoder.hears_sounds:
        assert analysis.sounds is not None
        heard = envelope_decoder.one_hot(recogniser.most_likely(analysis.sounds))
        heard = smooth(heard.astype(np.float64), smoothed).astype(np.float32)
    return decoder.inputs(analysis.posteriors, heard, logs.astype(np.float32), f0 > 0)


def smooth(rows: Array, frames: int) -> Array:
    """Convolve each column of (T, …) with a Hann window of `frames`. The ends are repeated."""
    window = np.hanning(frames + 2)[1:-1]
    window /= window.sum()
    half = frames // 2
    padded = np.pad(rows, [(half, half)] + [(0, 0)] * (rows.ndim - 1), mode="edge")
    return np.asarray(sum(w * padded[k : k + len(rows)] for k, w in enumerate(window)))


def convert(
    analysis: Analysis, voice: VoiceData, language: str, melody: Array | None = None
) -> Parameters:
    """Convert the source's speech in `language` to the speaker's parameters.

    `melody` replaces the source's F0 where it is voiced: natural log, (T,).
    """
    spoken, usual = analysis.parameters, source().prosody(language)
    name = envelope_decoder.name_for(language)
    decoder, timbre = envelope_decoder.decoder(name), voice.timbres[name]
    f0 = _f0(spoken.f0, usual, voice) if melody is None else _sung(melody, spoken.voiced, voice)
    rows = decoder_inputs(decoder, analysis, f0, voice.f0, _SMOOTHED)
    units = decoder.hidden(rows, timbre.code)
    predicted = doubled(np.asarray(units @ timbre.last, np.float64), len(f0))
    share = smooth(spoken.voiced.astype(float)[:, None], 5)
    matrix = acoustics.dct_matrix(BANDS, BANDS)
    gain = (share * timbre.spread[0] + (1 - share) * timbre.spread[1]) ** _SPREAD_POWER[name]
    deviation = (predicted[:, :BANDS] @ matrix * gain) @ matrix.T
    envelope = smooth(deviation, 3) + share * timbre.voiced + (1 - share) * timbre.unvoiced
    return Parameters(
        f0=f0,
        envelope=held_low(envelope, spoken.voiced, timbre.unvoiced + 0.5 * voice.unvoiced_spread),
        level=_level(
            spoken.level - usual.level[0], predicted[:, BANDS + 1], analysis.active, voice
        ),
        aperiodicity=voice.aperiodicity + NOISE_UNIT * predicted[:, BANDS : BANDS + 1],
    )


def _level(above: Array, usual: Array, active: NDArray[np.bool_], voice: VoiceData) -> Array:
    """Mix the source's level, relative to its mean, with the level predicted for the speaker."""
    mean, spread = voice.level
    own = above + mean
    share = _USUAL_LEVEL * smooth(active.astype(float), 9)
    return np.asarray(own + share * (mean + spread * usual - own))


def _f0(f0: Array, usual: Prosody, voice: VoiceData) -> Array:
    """Map the source's F0 to the mean and range of the speaker."""
    if not np.any(f0 > 0):
        return f0
    mean, spread = usual.f0
    centre = mean + _USUAL_F0 * (f0_statistics(f0)[0] - mean)
    ratio = _F0_WIDTH * np.clip(voice.f0[1] / spread, 0.7, 2.2)
    logs = (np.log(np.where(f0 > 0, f0, 1.0)) - centre) * ratio + voice.f0[0]
    return np.where(f0 > 0, np.exp(logs).clip(55, 500), 0.0)


def _sung(melody: Array, voiced: NDArray[np.bool_], voice: VoiceData) -> Array:
    """Give the voiced frames a melody around the speaker's mean, as wide as the speaker's."""
    if not voiced.any():
        return np.zeros(len(voiced))
    time = np.arange(len(melody)) - np.flatnonzero(voiced).mean()
    slope = float((time * melody)[voiced].sum() / (time[voiced] ** 2).sum().clip(1))
    melody = melody - _DECLINATION * slope * time
    heard = melody[voiced]
    ratio = _MELODY_WIDTH * np.clip(voice.f0[1] / heard.std().clip(0.02), 0.7, 2.2)
    logs = smooth(((melody - _USUAL_F0 * heard.mean()) * ratio)[:, None], 5)[:, 0] + voice.f0[0]
    return np.where(voiced, np.exp(logs).clip(55, 500), 0.0)


def held_low(envelope: Array, voiced: NDArray[np.bool_], most: NDArray[np.float32]) -> Array:
    """Limit the low bands of unvoiced frames to `most`, because voiced neighbours leak in."""
    low = vocoder.band_centres() < _LOW_BANDS
    ceiling = np.where(low, most, np.inf)
    return np.where(voiced[:, None], envelope, np.minimum(envelope, ceiling))
