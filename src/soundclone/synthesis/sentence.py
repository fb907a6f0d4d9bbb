"""Speak sentences with one voice: the pipeline from a sentence to checked audio.

A sentence is split by language and normalised (`code_switching`), spoken by the engine with the
controls that the engine lacks added (`prosody`), checked (`verification`) and joined again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol

from .. import tracing
from ..asr.alignment import timed
from ..asr.recognition import Recognizer
from ..engines.protocol import Controls, Engine, Speech, Voice
from ..errors import EngineUnavailable, SynthesisError
from ..telemetry import log
from ..text.ipa import Transcription
from ..text.pronunciation import Entry
from ..text.script import Sentence
from . import prosody
from .allowance import Allowance
from .code_switching import Utterance, join_utterances, utterances
from .verification import check_audio, check_transcript

_MOST_SEMITONES = 12
_ATTEMPTS = 3  # at an utterance, each with another seed
_SEED_STEP = 0x9E3779B1  # between the seeds of two attempts
# Recognition is unreliable beyond these bounds, so speech there is checked less strictly.
_USUAL_SPEED = 0.7, 1.4
_USUAL_PITCH = 5  # semitones
_log = log(__name__)


class VoiceResolver(Protocol):
    """Source of the speaker's voice in each language."""

    def voice_for(self, language: str) -> Voice:
        """Return the voice as the engine speaks a language with it."""


class SentenceSynthesizer:
    """Speaks sentences with one voice and one set of controls."""

    def __init__(
        self,
        engine: Engine,
        voices: VoiceResolver,
        controls: Controls,
        allowance: Allowance,
        *,
        recognizer: Recognizer | None = None,
        languages: Mapping[int, str] = MappingProxyType({}),
        pronunciations: Sequence[Entry] = (),
        transcriptions: Sequence[Transcription] = (),
    ) -> None:
        """Prepare to speak.

        Args:
            engine: The engine.
            voices: The voice in each language.
            controls: Language of the text, emotion, speed, pitch and seed.
            allowance: Seconds of speech that are left.
            recognizer: Checks the speech and times its words, where the engine needs that.
            languages: Names of the languages of sentences in another language than the text, by
                offset of the sentence.
            pronunciations: Spoken forms of words.
            transcriptions: Sounds of parts of the text. An engine that speaks no IPA reads what is
                written there.
        """
        self._engine = engine
        self._voices = voices
        self._controls = controls
        self._allowance = allowance
        self._recognizer = recognizer
        self._languages = languages
        speaks_ipa = engine.info.ipa
        self._pronunciations = [each for each in pronunciations if speaks_ipa or not each.ipa]
        self._transcriptions = transcriptions if speaks_ipa else ()

    def synthesize(self, sentence: Sentence, speed: float = 1.0, pitch: int = 0) -> Speech:
        """Speak one sentence. The same arguments give the same samples.

        Args:
            sentence: The sentence.
            speed: Factor on the speed of the controls.
            pitch: Semitones above the pitch of the controls.

        Raises:
            SynthesisError: No attempt passed the checks, or the allowance is used up.
            EngineUnavailable: The engine does not work.
        """
        language = self._languages.get(sentence.offset, self._controls.language)
        changed = replace(
            self._controls,
            speed=self._controls.speed * speed,
            pitch=min(max(self._controls.pitch + pitch, -_MOST_SEMITONES), _MOST_SEMITONES),
        )
        attributes: dict[str, tracing.Attribute] = {
            "sentence.offset": sentence.offset,
            "sentence.characters": len(sentence.text),
            "sentence.language": language,
            "sentence.engine": self._engine.info.name,
        }
        with tracing.span("sentence", attributes):
            parts = utterances(
                sentence.text,
                language,
                self._engine.info.languages,
                entries=self._pronunciations,
                transcriptions=sentence.within(self._transcriptions),
            )
            spoken = [self._speak(part, sentence.offset, changed) for part in parts]
            return join_utterances(sentence.text, parts, spoken)

    def _speak(self, utterance: Utterance, offset: int, controls: Controls) -> Speech:
        voice = self._voices.voice_for(utterance.language)
        controls = replace(
            controls,
            language=utterance.language,
            place=self._controls.place + offset + utterance.span_start + utterance.start,
            ipa=utterance.ipa,
        )
        text = utterance.text
        # An engine without seeds would give the same speech again.
        for attempt in range(_ATTEMPTS if self._engine.info.seeded else 1):
            seed = (controls.seed + attempt * _SEED_STEP) % 2**32
            speech = prosody.speak(self._engine, voice, text, replace(controls, seed=seed))
            fault = check_audio(speech, utterance.sounds, controls.speed)
            if fault is None:
                speech, fault = self._recognize(speech, text, controls)
            if fault is None:
                self._allowance.spend(speech)
                return speech
        raise SynthesisError(
            f"the engine failed at {text[:60]!r}: {fault}; another wording may help",
            logged=f"a sentence of {len(text)} characters went wrong: {fault}",
        )

    def _recognize(
        self, speech: Speech, text: str, controls: Controls
    ) -> tuple[Speech, str | None]:
        """Add the times of words that the engine did not give, and check the transcript.

        Return the speech and what is wrong with it. Where recognition does not work, the speech
        stays as it is and counts as right.
        """
        check = self._engine.info.seeded
        recognizer = self._recognizer
        if recognizer is None or (speech.words and not check) or recognizer.unusable():
            return speech, None
        language = controls.language
        try:
            found = recognizer.transcribe(speech.samples, speech.sample_rate, language)
        except EngineUnavailable as error:
            _log.warning("speech was not checked", reason=error.message)
            return speech, None
        if not speech.words:
            seconds = len(speech.samples) / speech.sample_rate
            words = timed(text, language, found.words, seconds)
            speech = replace(speech, words=words)
        if not check:
            return speech, None
        slowest, fastest = _USUAL_SPEED
        strained = not slowest <= controls.speed <= fastest or abs(controls.pitch) > _USUAL_PITCH
        return speech, check_transcript(found.text, text, language, strained=strained)
