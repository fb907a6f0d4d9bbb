"""Convert a performance: keep its timing, melody and emphasis, and replace the speaker.

The decoder predicts the envelopes of the same sounds for two speakers: the performer, whose code
and last layer are fitted to the performance, and the speaker of the voice. The difference of the
two predictions moves the performer's envelopes to the voice. What the decoder cannot predict of the
performer's envelopes, the details of the articulation, is kept in part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import soxr
from numpy.typing import NDArray

from ...audio.fades import fade_ends
from ...audio.samples import Samples
from ...errors import NoSpeech
from . import acoustics, conversion, envelope_decoder, vocoder
from .analysis import ACTIVE, Analysis, analyse, doubled, f0_statistics
from .envelope_decoder import MULTILINGUAL
from .source import source
from .vocoder import BANDS, Array, Parameters
from .voice import VoiceData

_DECODER = MULTILINGUAL  # because the language of a performance is not known
_LEAST_VOICED = 0.3  # seconds
_PIECE, _SEARCH = 15.0, 10.0  # seconds of a piece at least, and after that for a quiet cut
_FRAME = 0.02  # seconds, of the search for a cut
_DETAIL = 0.8  # share of the performer's articulation that is kept
_SPREAD_POWER = 0.5  # exponent of the restored variation, which the articulation has in part
_F0_WIDTH = 0.7, 2.2  # limits of the factor that gives intervals the width of the voice's
_F0_LIMITS = 50.0, 600.0  # Hz
_STIFFNESS = 300.0  # weight of the trained last layer, in frames of the performance
_LEAST_FRAMES = 20  # of a kind of sound whose mean is measured
_FADE = 0.003  # seconds, at a cut
_PEAK = 0.97  # of full scale

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class _Piece:
    """A part of a performance."""

    samples: int  # at vocoder.OUTPUT_RATE
    analysis: Analysis  # levels and active frames are on one scale in all pieces

    @property
    def parameters(self) -> Parameters:
        """Parameters of its T frames."""
        return self.analysis.parameters


@dataclass(frozen=True)
class _Speaker:
    """A speaker of the performance: who performed it, or the voice."""

    f0: tuple[float, float]  # mean and standard deviation of natural log F0
    level: float  # mean over frames of speech
    voiced: Array  # mean envelope of voiced frames, less the decoder's mean: (BANDS,)
    unvoiced: Array
    code: Floats
    last: Floats

    def moved(self, f0: Array, performer: _Speaker) -> Array:
        """Move the performer's F0 to the register of this speaker, and fit its intervals."""
        width = np.clip(self.f0[1] / max(performer.f0[1], 1e-3), *_F0_WIDTH)
        logs = (np.log(np.where(f0 > 0, f0, 1.0)) - performer.f0[0]) * width + self.f0[0]
        return np.where(f0 > 0, np.exp(logs).clip(*_F0_LIMITS), 0.0)

    def predicted(self, piece: _Piece, f0: Array) -> Array:
        """Return the decoder's outputs for this speaker: (T, BANDS + 2)."""
        decoder = envelope_decoder.decoder(_DECODER)
        rows = conversion.decoder_inputs(decoder, piece.analysis, f0, np.array(self.f0, np.float32))
        units = decoder.hidden(rows, self.code)
        return doubled(np.asarray(units @ self.last, np.float64), len(f0))

    def mean(self, share: Array) -> Array:
        """Return the mean envelopes of frames with a `share` of voice, (T, 1): (T, BANDS)."""
        return np.asarray(share * self.voiced + (1 - share) * self.unvoiced)


def convert(
    voice: VoiceData, samples: Samples, sample_rate: int, pause: Callable[[], None]
) -> Samples:
    """Return the performance in the voice, as long as before, at vocoder.OUTPUT_RATE.

    Args:
        voice: The voice.
        samples: The performance, mono, shape (n,).
        sample_rate: Hz.
        pause: Called between parts of the work. An exception ends it.

    Raises:
        NoSpeech: There is hardly any voiced speech.
    """
    pieces = []
    for part in _cut(samples, sample_rate):
        pieces.append(_measured(part, sample_rate))
        pause()
    pieces = _with_one_threshold(pieces)
    performer = _performer(pieces)
    target = _target(voice, pieces, performer)
    ramp = np.linspace(0, 1, round(_FADE * vocoder.OUTPUT_RATE))
    parts = []
    for piece in pieces:
        made = vocoder.synthesise(_converted(piece, performer, target, voice))[: piece.samples]
        fade_ends(made, ramp[: len(made) // 2])
        parts.append(np.pad(made, (0, piece.samples - len(made))).astype(np.float32))
        pause()
    whole = np.concatenate(parts)
    peak = float(np.abs(whole).max(initial=0.0))
    return whole * np.float32(_PEAK / peak) if peak > _PEAK else whole


def _cut(samples: Samples, sample_rate: int) -> Iterator[Samples]:
    """Yield pieces that end at the quietest moment of the seconds after _PIECE."""
    frame = round(_FRAME * sample_rate)
    while len(samples) > (_PIECE + _SEARCH) * sample_rate:
        first = round(_PIECE * sample_rate)
        count = int(_SEARCH / _FRAME)
        searched = samples[first : first + count * frame].reshape(count, frame)
        quietest = int(np.square(searched).mean(axis=1).argmin())
        end = first + quietest * frame + frame // 2
        yield samples[:end]
        samples = samples[end:]
    yield samples


def _measured(samples: Samples, sample_rate: int) -> _Piece:
    count = round(len(samples) * vocoder.OUTPUT_RATE / sample_rate)
    shortest = round(_LEAST_VOICED * sample_rate)
    padded = np.pad(samples.astype(np.float64), (0, max(0, shortest - len(samples))))
    at_rate = soxr.resample(padded, sample_rate, vocoder.SAMPLE_RATE)
    analysis = analyse(at_rate, vocoder.SAMPLE_RATE)
    parameters = analysis.parameters
    # The analysis scales each piece to its own level.
    power = np.exp(parameters.envelope).mean(axis=1) * np.exp(parameters.level)
    scale = np.log(np.mean(at_rate**2) + 1e-12) - np.log(power.mean())
    moved = replace(parameters, level=parameters.level + scale)
    return _Piece(count, replace(analysis, parameters=moved))


def _with_one_threshold(pieces: list[_Piece]) -> list[_Piece]:
    """Find the frames of speech by one threshold for all pieces, as a piece may have no speech."""
    powers = [
        10 * np.log10(np.exp(piece.parameters.envelope).mean(axis=1))
        + piece.parameters.level * (10 / np.log(10))
        for piece in pieces
    ]
    threshold = np.percentile(np.concatenate(powers), 97) - ACTIVE
    return [
        replace(piece, analysis=replace(piece.analysis, active=power > threshold))
        for piece, power in zip(pieces, powers, strict=True)
    ]


def _masks(pieces: list[_Piece]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return True for the voiced frames of speech, and for the unvoiced ones, of all pieces."""
    active = np.concatenate([piece.analysis.active for piece in pieces])
    sounding = np.concatenate([piece.parameters.voiced for piece in pieces])
    unvoiced = active & ~sounding
    return active & sounding, unvoiced if unvoiced.sum() >= _LEAST_FRAMES else active


def _performer(pieces: list[_Piece]) -> _Speaker:
    """Measure the performer, and fit the decoder to the performance. Raises NoSpeech."""
    voiced, unvoiced = _masks(pieces)
    if voiced.sum() * vocoder.HOP < _LEAST_VOICED:
        raise NoSpeech(
            f"the recording has {voiced.sum() * vocoder.HOP:.1f} s of voiced speech; "
            f"at least {_LEAST_VOICED} s is needed, and whispering has none"
        )
    f0, envelope, level, noise = (
        np.concatenate(rows)
        for rows in zip(
            *((p.f0, p.envelope, p.level, p.aperiodicity) for p in (x.parameters for x in pieces)),
            strict=True,
        )
    )
    active = voiced | unvoiced
    register = f0_statistics(f0[voiced])
    loudness, spread = float(level[active].mean()), float(level[active].std().clip(1e-3))
    usual = float(noise[voiced].mean())
    means = envelope[voiced].mean(axis=0), envelope[unvoiced].mean(axis=0)
    decoder = envelope_decoder.decoder(_DECODER)
    inputs, posteriors, wanted = [], [], []
    for piece in pieces:
        own, fit = piece.parameters, piece.analysis.active[::2]
        sounding = own.voiced[::2, None]
        columns = (
            own.envelope[::2] - np.where(sounding, *means),
            np.where(sounding, own.aperiodicity[::2, :1] - usual, 0.0) / conversion.NOISE_UNIT,
            (own.level[::2, None] - loudness) / spread,
        )
        rows = conversion.decoder_inputs(
            decoder, piece.analysis, own.f0, np.array(register, np.float32)
        )
        inputs.append(rows[fit])
        posteriors.append(piece.analysis.posteriors[fit])
        wanted.append(np.concatenate(columns, axis=1)[fit].astype(np.float32))
    outputs = np.concatenate(wanted)
    code = decoder.code(
        envelope_decoder.statistics(
            np.concatenate(posteriors), outputs[:, :BANDS], *means, register[0]
        )
    )
    units = decoder.hidden(np.concatenate(inputs), code)
    return _Speaker(register, loudness, *means, code, decoder.fitted(units, outputs, _STIFFNESS))


def _target(voice: VoiceData, pieces: list[_Piece], performer: _Speaker) -> _Speaker:
    """Return the speaker of the voice, with the decoder's means on the performance removed."""
    timbre, known = voice.timbres[_DECODER], source()
    decoder = envelope_decoder.decoder(_DECODER)
    # The means of the timbre are without a part of the decoder's mean on the source.
    spoken = (decoder.hidden(known.inputs[_DECODER], timbre.code) @ timbre.last)[:, :BANDS]
    speaker = _Speaker(
        (float(voice.f0[0]), float(voice.f0[1])),
        float(voice.level[0]),
        timbre.voiced + conversion.BIAS * spoken[known.voiced].mean(axis=0),
        timbre.unvoiced + conversion.BIAS * spoken[~known.voiced].mean(axis=0),
        timbre.code,
        timbre.last,
    )
    heard = np.concatenate(
        [
            speaker.predicted(piece, speaker.moved(piece.parameters.f0, performer))[:, :BANDS]
            for piece in pieces
        ]
    )
    voiced, unvoiced = _masks(pieces)
    return replace(
        speaker,
        voiced=speaker.voiced - heard[voiced].mean(axis=0),
        unvoiced=speaker.unvoiced - heard[unvoiced].mean(axis=0),
    )


def _converted(
    piece: _Piece, performer: _Speaker, target: _Speaker, voice: VoiceData
) -> Parameters:
    own, timbre = piece.parameters, voice.timbres[_DECODER]
    f0 = target.moved(own.f0, performer)
    share = conversion.smooth(own.voiced.astype(float)[:, None], 5)
    before = conversion.smooth(performer.predicted(piece, own.f0)[:, :BANDS], 3)
    after = target.predicted(piece, f0)
    matrix = acoustics.dct_matrix(BANDS, BANDS)
    gain = (share * timbre.spread[0] + (1 - share) * timbre.spread[1]) ** _SPREAD_POWER
    wider = (after[:, :BANDS] @ matrix * gain) @ matrix.T
    detail = own.envelope - before - performer.mean(share)
    envelope = conversion.smooth(wider, 3) + target.mean(share) + _DETAIL * detail
    noise = voice.aperiodicity + conversion.NOISE_UNIT * after[:, BANDS : BANDS + 1]
    return Parameters(
        f0=f0,
        envelope=conversion.held_low(
            envelope, own.voiced, timbre.unvoiced + 0.5 * voice.unvoiced_spread
        ),
        level=own.level - performer.level + target.level,
        aperiodicity=noise.clip(max=0.0),
    )
