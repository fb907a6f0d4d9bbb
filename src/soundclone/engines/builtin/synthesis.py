"""Synthesise a sentence in a voice, with speed, pitch and emotion."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ...audio.fades import fade_ends
from ...text.ipa import within
from ...text.languages import LANGUAGES
from ..emotion import PROFILES, EmotionProfile
from ..protocol import Controls, Samples, Speech, Word
from . import envelope_decoder, intonation, questions, reading, syllable_levels, vocoder
from .analysis import Analysis, analyse
from .conversion import convert
from .delivery import AFTER_SENTENCE, Variation, pause_warp, with_release
from .frontend import LONGEST, RATE, Pool, Utterance, check_language
from .pace import espeak_factor, target_rate
from .vocoder import Array, Parameters
from .voice import VoiceData

_PAUSE = 0.2  # seconds between the parts of a sentence that is too long
_PEAK = 0.97  # of full scale


def speak(pool: Pool, voice: VoiceData, sentence: str, controls: Controls) -> Speech:
    """Synthesise a sentence. One longer than LONGEST is split, with a pause between its parts.

    Raises SynthesisError if the engine does not speak the language.
    """
    check_language(controls.language)
    parts: list[Array] = []
    words: list[Word] = []
    seconds = 0.0
    for offset, text in _parts(sentence):
        ipa = within(controls.ipa, offset, offset + len(text))
        place = controls.place + offset
        samples, spoken = _part(pool, voice, text, replace(controls, ipa=ipa), place)
        words += [
            replace(w, start=w.start + seconds, end=w.end + seconds, offset=w.offset + offset)
            for w in spoken
        ]
        parts += [samples, np.zeros(round(_PAUSE * vocoder.OUTPUT_RATE))]
        seconds += sum(len(part) for part in parts[-2:]) / vocoder.OUTPUT_RATE
    samples = np.concatenate(parts[:-1])
    peak = np.abs(samples).max()
    if peak > _PEAK:
        samples *= _PEAK / peak
    return Speech(
        _float32(samples),
        vocoder.OUTPUT_RATE,
        tuple(words),
        pause=float(AFTER_SENTENCE * voice.pauses[0] / np.sqrt(controls.speed)),
        pause_spread=float(voice.pauses[1]),
    )


def _float32(samples: Array) -> Samples:
    return samples.astype(np.float32)


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """Yield offset and text of parts of at most LONGEST characters, split after spaces."""
    start = 0
    while len(text) - start > LONGEST:
        cuts = [match.end() for match in re.finditer(r"\s", text[start : start + LONGEST])]
        size = max((cut for cut in cuts if cut > LONGEST // 2), default=LONGEST)
        if text[start : start + size].strip():
            yield start, text[start : start + size]
        start += size
    if start == 0 or text[start:].strip():
        yield start, text[start:]


def _part(
    pool: Pool, voice: VoiceData, text: str, controls: Controls, place: int
) -> tuple[Array, tuple[Word, ...]]:
    profile = PROFILES[controls.emotion]
    variation = Variation.of(controls.seed, place)
    speak = _read if controls.language in reading.LANGUAGES else _spoken
    text = questions.with_falling_ends(text, controls.language)
    parameters, words = speak(pool, voice, text, controls, variation)
    parameters = syllable_levels.with_spread(parameters, float(voice.syllables[0]))
    changed = _with_profile(variation.applied(parameters), profile, controls.pitch)
    samples = _faded(vocoder.synthesise(with_release(changed, controls.speed * profile.rate)))
    end = len(samples) / vocoder.OUTPUT_RATE
    return samples, tuple(replace(w, start=min(w.start, end), end=min(w.end, end)) for w in words)


def _read(
    pool: Pool, voice: VoiceData, text: str, controls: Controls, variation: Variation
) -> tuple[Parameters, tuple[Word, ...]]:
    """Speak a text with the timing and the melody of a plan."""
    language = controls.language
    source = pool.speak(text, language, ipa=controls.ipa)
    plan = reading.planned(
        source,
        text,
        LANGUAGES[language].code,
        voice,
        target_rate(voice, language) * variation.rate,
        PROFILES[controls.emotion].rate * controls.speed,
        variation,
    )
    if plan is None:
        return _spoken(pool, voice, text, controls, variation)
    analysis = _heard(source, language)
    parameters = convert(reading.retimed(analysis, plan.origin), voice, language, plan.f0)
    return parameters, plan.words


def _spoken(
    pool: Pool, voice: VoiceData, text: str, controls: Controls, variation: Variation
) -> tuple[Parameters, tuple[Word, ...]]:
    """Speak a text with the timing and the melody of the source."""
    language, speed = controls.language, controls.speed
    pace = PROFILES[controls.emotion].rate
    factor = espeak_factor(target_rate(voice, language), language)
    rate = RATE * factor * pace * variation.rate
    plain = pool.speak(text, language, rate, controls.ipa)
    source, stretch = plain, 1.0
    if speed != 1:
        # The source speaks at the wanted rate as far as it can. Stretching does the rest.
        source = pool.speak(text, language, rate * speed, controls.ipa)
        stretch = _seconds(plain) / speed / _seconds(source)
    analysis = _intoned(_heard(source, language), source, language, speed * pace * stretch)
    converted = convert(analysis, voice, language)
    warp = pause_warp(
        source.phones,
        len(converted.f0),
        variation,
        voice.pauses,
        speed * pace * stretch,
    )
    words = tuple(
        replace(w, start=warp.time(w.start) * stretch, end=warp.time(w.end) * stretch)
        for w in source.words
    )
    return stretched(warp.applied(converted), stretch), words


def _heard(source: Utterance, language: str) -> Analysis:
    """Measure the source's speech as the decoder of the language needs."""
    decoder = envelope_decoder.decoder(envelope_decoder.name_for(language))
    return analyse(
        source.samples, source.sample_rate, source.phones, with_sounds=decoder.hears_sounds
    )


def _intoned(analysis: Analysis, source: Utterance, language: str, speed: float) -> Analysis:
    """Give the source's speech the intonation of people in the language."""
    phrases = intonation.phrases(source.phones, _seconds(source), speed)
    f0 = intonation.like_people(analysis.parameters.f0, phrases, LANGUAGES[language].speech, speed)
    return replace(analysis, parameters=replace(analysis.parameters, f0=f0))


def _seconds(utterance: Utterance) -> float:
    return len(utterance.samples) / utterance.sample_rate


def stretched(parameters: Parameters, factor: float) -> Parameters:
    """Stretch parameters to `factor` times as many frames."""
    count = len(parameters.f0)
    wanted = max(round(count * factor), 1)
    if wanted == count:
        return parameters
    position = np.linspace(0, count - 1, wanted)
    below = position.astype(int)
    above = (below + 1).clip(0, count - 1)
    share = position - below

    def between(rows: Array) -> Array:
        weight = share.reshape(-1, *[1] * (rows.ndim - 1))
        return np.asarray(rows[below] * (1 - weight) + rows[above] * weight)

    f0 = parameters.f0[np.round(position).astype(int)]
    both = (parameters.f0[below] > 0) & (parameters.f0[above] > 0)
    return Parameters(
        f0=np.where(both, between(parameters.f0), f0),
        envelope=between(parameters.envelope),
        level=between(parameters.level),
        aperiodicity=between(parameters.aperiodicity),
    )


def _with_profile(parameters: Parameters, profile: EmotionProfile, pitch: int) -> Parameters:
    """Apply an emotion, except its rate, and a pitch in semitones."""
    voiced = parameters.voiced
    if not voiced.any():
        return parameters
    logs = np.log(np.where(voiced, parameters.f0, 1.0))
    mean = logs[voiced].mean()
    shift = (pitch + profile.pitch) * np.log(2) / 12
    f0 = np.exp((logs - mean) * profile.range + mean + shift)
    neper = np.log(10) / 10  # of power, in a dB
    return replace(
        parameters,
        f0=np.where(voiced, f0, 0.0),
        envelope=parameters.envelope + neper * profile.tilt_gain(vocoder.band_centres()),
        level=parameters.level + profile.energy * neper,
    )


def _faded(samples: Array) -> Array:
    """Fade samples in and out, so that they do not click."""
    edge = round(0.005 * vocoder.OUTPUT_RATE)
    ramp = np.linspace(0, 1, min(edge, len(samples)))
    fade_ends(samples, ramp)
    return samples
