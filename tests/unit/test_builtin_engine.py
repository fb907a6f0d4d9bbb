"""The built-in engine end to end, with espeak-ng's own voices as the people it clones."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import cast

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from soundclone.engines.builtin import BuiltinEngine, envelope_decoder, recogniser
from soundclone.engines.builtin.analysis import analyse as analysis_of
from soundclone.engines.builtin.analysis import f0_statistics
from soundclone.engines.builtin.conversion import convert
from soundclone.engines.builtin.frontend import VOICES, Pool
from soundclone.engines.builtin.source import source
from soundclone.engines.builtin.vocoder import analyse
from soundclone.engines.builtin.voice import unpack
from soundclone.engines.protocol import Controls, Emotion, Engine, Reference, Speech, Voice
from soundclone.errors import NoSpeech, SourceError, SpeechTooShort, SynthesisError
from soundclone.text.languages import LANGUAGES

TEXT = (
    "The morning was cold and bright, and the whole valley lay under a thin white mist.",
    "We walked for an hour before anyone said a word, and then we all began to laugh.",
    "Down by the river there stood a mill, its wheel long broken, its windows full of birds.",
    "Nobody knew who owned it; nobody seemed to mind that we were sitting on the wall.",
)
SENTENCE = "Please open the window, it is warm in here."
ENGLISH = Controls("English")

Recording = tuple[NDArray[np.float64], int]  # samples and rate in Hz


@pytest.fixture(scope="module")
def engine() -> Iterator[BuiltinEngine]:
    engine = BuiltinEngine()
    engine.warm()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def recording() -> Recording:
    pool = Pool(size=1)
    said = [pool.speak(text, "English", 150) for text in TEXT]
    pool.close()
    rate = said[0].sample_rate
    gap = np.zeros(round(0.4 * rate))
    joined = np.concatenate([part for u in said for part in (u.samples, gap)])
    # Played slowly, a high voice becomes a low one.
    return soxr.resample(joined, rate, rate * 1.5), rate


@pytest.fixture(scope="module")
def voice(engine: BuiltinEngine, recording: Recording) -> Voice:
    return engine.clone(Reference(recording[0].astype(np.float32), recording[1]))


@pytest.fixture(scope="module")
def plain(engine: BuiltinEngine, voice: Voice) -> Speech:
    return engine.speak(voice, SENTENCE, ENGLISH)


def seconds(speech: Speech) -> float:
    return len(speech.samples) / speech.sample_rate


def pitch(speech: Speech) -> float:
    at_16k = soxr.resample(speech.samples.astype(np.float64), speech.sample_rate, 16_000)
    return f0_statistics(analyse(at_16k).f0)[0]


def test_it_is_an_engine_and_usable(engine: BuiltinEngine) -> None:
    assert isinstance(engine, Engine)
    assert engine.unusable() is None
    assert engine.info.name == "builtin"
    assert len(engine.info.languages) == 40


def test_importing_it_is_cheap() -> None:
    code = "import sys, soundclone.engines.builtin; print('pyworld' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert result.stdout.strip() == b"False"


def test_speech_is_sound(plain: Speech) -> None:
    assert plain.samples.dtype == np.float32
    assert plain.samples.ndim == 1
    assert np.isfinite(plain.samples).all()
    assert 0.1 < np.abs(plain.samples).max() < 1
    assert 1.5 < seconds(plain) < 6
    assert [w.text for w in plain.words] == SENTENCE.replace(",", "").replace(".", "").split()
    assert plain.words[-1].end <= seconds(plain)


def test_the_voice_has_the_speakers_pitch(recording: Recording, plain: Speech) -> None:
    reference = soxr.resample(recording[0], recording[1], 16_000)
    assert pitch(plain) == pytest.approx(f0_statistics(analyse(reference).f0)[0], abs=0.06)


@pytest.mark.parametrize("language", ["Chinese", "Vietnamese", "Thai", "Hungarian", "Arabic"])
def test_the_pitch_is_the_speakers_in_every_language(
    engine: BuiltinEngine, voice: Voice, plain: Speech, language: str
) -> None:
    # espeak-ng's own differs by up to four semitones from one language to the next.
    said = engine.speak(voice, LANGUAGES[language].preview, Controls(language))
    assert abs(pitch(said) - pitch(plain)) < np.log(2) * 1.5 / 12


@pytest.mark.parametrize("name", envelope_decoder.NAMES)
def test_the_source_was_measured_for_each_decoder(name: str) -> None:
    known, net = source(), envelope_decoder.decoder(name)
    inputs = net.layers[0][0].shape[0] - net.code_basis.shape[1]
    assert set(known.measured) <= set(VOICES)
    assert known.inputs[name].shape == (len(known.voiced), inputs)
    assert 0.5 < known.voiced.mean() < 0.95


def test_the_decoder_of_english_needs_no_sounds() -> None:
    needed = {
        language: envelope_decoder.decoder(envelope_decoder.name_for(language)).hears_sounds
        for language in VOICES
    }
    assert [language for language, sounds in needed.items() if not sounds] == ["English"]


def test_other_languages_are_spoken_by_the_decoder_that_hears_sounds(
    engine: BuiltinEngine, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    recognised: list[int] = []
    plain = recogniser.log_posteriors

    def counted(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        recognised.append(len(rows))
        return plain(rows)

    monkeypatch.setattr(recogniser, "log_posteriors", counted)
    engine.speak(voice, SENTENCE, ENGLISH)
    assert recognised == []
    engine.speak(voice, "Guten Morgen!", Controls("German"))
    assert len(recognised) == 1


def test_a_conversion_to_the_source_itself_keeps_what_it_is(engine: BuiltinEngine) -> None:
    """The identity: espeak-ng's voice cloned from itself says what espeak-ng says."""
    pool = Pool(size=1)
    said = [pool.speak(text, "English") for text in TEXT]
    spoken = pool.speak(SENTENCE, "English")
    pool.close()
    joined = np.concatenate([u.samples for u in said]).astype(np.float32)
    itself = engine.clone(Reference(joined, said[0].sample_rate))
    data = unpack(itself.data)
    analysis = analysis_of(spoken.samples, spoken.sample_rate, spoken.phones)
    converted = convert(analysis, data, "English")
    voiced = analysis.active & analysis.parameters.voiced
    assert (converted.voiced == analysis.parameters.voiced).all()
    ratio = np.log2(converted.f0[voiced] / analysis.parameters.f0[voiced])
    assert np.median(np.abs(ratio)) < 1.5 / 12
    difference = converted.envelope[voiced] - analysis.parameters.envelope[voiced]
    plain = analysis.parameters.envelope[voiced].mean(axis=0)
    unexplained = np.var(difference) / np.var(analysis.parameters.envelope[voiced] - plain)
    assert unexplained < 0.6
    level = converted.level[analysis.active] - analysis.parameters.level[analysis.active]
    assert np.std(level) < 1.2
    assert abs(np.mean(level)) < 1


def test_the_same_again(engine: BuiltinEngine, voice: Voice, plain: Speech) -> None:
    again = engine.speak(voice, SENTENCE, ENGLISH)
    np.testing.assert_array_equal(again.samples, plain.samples)
    assert again.words == plain.words


def test_a_clone_is_repeatable(engine: BuiltinEngine, recording: Recording, voice: Voice) -> None:
    again = engine.clone(Reference(recording[0].astype(np.float32), recording[1]))
    assert again == voice


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.25, 2.0])
def test_speed(engine: BuiltinEngine, voice: Voice, plain: Speech, speed: float) -> None:
    said = engine.speak(voice, SENTENCE, Controls("English", speed=speed))
    assert seconds(said) == pytest.approx(seconds(plain) / speed, rel=0.03)
    assert pitch(said) == pytest.approx(pitch(plain), abs=0.06)
    assert said.words[-1].end == pytest.approx(plain.words[-1].end / speed, rel=0.05)


@pytest.mark.parametrize("semitones", [-12, -5, 4, 12])
def test_pitch(engine: BuiltinEngine, voice: Voice, plain: Speech, semitones: int) -> None:
    said = engine.speak(voice, SENTENCE, Controls("English", pitch=semitones))
    assert len(said.samples) == len(plain.samples)
    if -5 <= semitones <= 4:  # beyond, the measuring instrument leaves its own range
        wanted = pitch(plain) + semitones * np.log(2) / 12
        assert pitch(said) == pytest.approx(wanted, abs=0.03)


def test_emotions_differ(engine: BuiltinEngine, voice: Voice, plain: Speech) -> None:
    said = {e: engine.speak(voice, SENTENCE, Controls("English", emotion=e)) for e in Emotion}
    np.testing.assert_array_equal(said[Emotion.NEUTRAL].samples, plain.samples)
    assert seconds(said[Emotion.SAD]) > seconds(plain) > seconds(said[Emotion.ANGRY])
    assert pitch(said[Emotion.HAPPY]) > pitch(plain) > pitch(said[Emotion.SAD])
    assert said[Emotion.ANGRY].samples.std() > said[Emotion.SAD].samples.std()


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000])
def test_any_sampling_rate(engine: BuiltinEngine, recording: Recording, rate: int) -> None:
    samples = soxr.resample(recording[0], recording[1], rate).astype(np.float32)
    voice = engine.clone(Reference(samples, rate))
    assert engine.speak(voice, "Yes.", ENGLISH).words


def test_pauses_do_not_make_a_voice_loud(
    engine: BuiltinEngine, recording: Recording, plain: Speech
) -> None:
    samples, rate = recording
    quarter = len(samples) // 4
    spaced = np.concatenate(
        [np.append(q, np.zeros(5 * rate)) for q in np.split(samples[: 4 * quarter], 4)]
    )
    voice = engine.clone(Reference(spaced.astype(np.float32), rate))
    said = engine.speak(voice, SENTENCE, ENGLISH)
    assert 20 * np.log10(said.samples.std() / plain.samples.std()) == pytest.approx(0, abs=1.5)


def test_an_overlong_sentence_is_said_whole(engine: BuiltinEngine, voice: Voice) -> None:
    text = "one two three four five six seven eight nine ten " * 12
    said = engine.speak(voice, text, Controls("English", speed=2))
    assert [w.text for w in said.words] == text.split()
    assert all(text[w.offset : w.offset + w.length] == w.text for w in said.words)
    assert all(a.end <= b.start + 1e-6 for a, b in zip(said.words, said.words[1:], strict=False))


def test_threads_do_not_disturb_each_other(engine: BuiltinEngine, voice: Voice) -> None:
    texts = ["One apple.", "Two pears.", "Three plums."]
    alone = [engine.speak(voice, text, ENGLISH).samples for text in texts]
    together: dict[int, NDArray[np.float32]] = {}

    def say(index: int) -> None:
        together[index] = engine.speak(voice, texts[index], ENGLISH).samples

    threads = [threading.Thread(target=say, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index, samples in enumerate(alone):
        np.testing.assert_array_equal(together[index], samples)


@pytest.mark.parametrize(
    ("samples", "rate", "error", "words"),
    [
        (np.zeros(16_000 * 20), 16_000, NoSpeech, "silent"),
        (np.zeros(16_000), 16_000, SpeechTooShort, "lasts 1.0 s"),
        (np.zeros(0), 16_000, SpeechTooShort, "lasts 0.0 s"),
        (np.full(16_000 * 20, np.nan), 16_000, SourceError, "not finite"),
        (np.zeros(100_000), 4_000, SourceError, "4000 Hz"),
        (np.random.default_rng(0).normal(0, 0.1, 16_000 * 20), 16_000, NoSpeech, "voiced speech"),
    ],
)
def test_what_is_no_voice(
    engine: BuiltinEngine,
    samples: NDArray[np.float64],
    rate: int,
    error: type[SourceError],
    words: str,
) -> None:
    with pytest.raises(error, match=words):
        engine.clone(Reference(samples.astype(np.float32), rate))


def test_nothing_to_say(engine: BuiltinEngine, voice: Voice) -> None:
    for text in ("", "…", " \n"):
        with pytest.raises(SynthesisError, match="nothing that can be spoken"):
            engine.speak(voice, text, ENGLISH)


@pytest.mark.parametrize(
    ("controls", "words"),
    [
        (Controls("Klingon"), "Klingon"),
        (Controls("English", emotion=cast("Emotion", "bored")), "bored"),
        (Controls("English", speed=3.0), "3.0"),
        (Controls("English", pitch=13), "13"),
    ],
)
def test_controls_out_of_range(
    engine: BuiltinEngine, voice: Voice, controls: Controls, words: str
) -> None:
    with pytest.raises(SynthesisError, match=words):
        engine.speak(voice, SENTENCE, controls)


def test_another_engines_voice(engine: BuiltinEngine) -> None:
    with pytest.raises(SynthesisError, match="'other'"):
        engine.speak(Voice("other", "1", b""), SENTENCE, ENGLISH)
    with pytest.raises(SynthesisError, match="not one of the engine 'builtin'"):
        engine.speak(Voice("builtin", "1", b"xx"), SENTENCE, ENGLISH)
