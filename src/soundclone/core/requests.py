"""Requests for tasks and their results: typed in the code, JSON in the database.

`to_json` and `from_json` are the only code that knows the names of the stored fields. A field that
an earlier release did not write takes its default.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import ClassVar, Self

from ..audio.recording_report import RecordingReport
from ..db.models import Json, Task, TaskKind
from ..engines.emotion import Emotion
from ..text.ipa import Transcription
from ..text.pronunciation import Entry
from ..text.ssml import Span, Style, Turn

_DETECT = "auto"  # in the database, for a language that was not named


class SoundVersion(StrEnum):
    """Model generation that a request names; it decides which languages and engines are usable."""

    V1 = "v1"
    V2 = "v2"


class AudioFormat(StrEnum):
    """File format of speech. The formats after Ogg are for the APIs of other services."""

    MP3 = "mp3"
    WAV = "wav"
    FLAC = "flac"
    OGG = "ogg"
    AAC = "aac"
    PCM = "pcm"
    ULAW = "ulaw"
    ALAW = "alaw"
    ULAW_WAV = "ulaw_wav"

    @property
    def extension(self) -> str:
        """Extension of a file in this format."""
        return "wav" if self is AudioFormat.ULAW_WAV else self.value


class Loudness(StrEnum):
    """Kind of publication, whose usual loudness a file gets."""

    AUDIOBOOK = "audiobook"
    PODCAST = "podcast"
    BROADCAST = "broadcast"


class SubtitleUnit(StrEnum):
    """Unit of text that one subtitle shows."""

    SENTENCE = "sentence"
    WORD = "word"


@dataclass(frozen=True)
class UploadSource:
    """A recording that a client uploaded."""

    key: str  # in the object store

    def to_json(self) -> dict[str, str]:
        """Return the source in the form that the database stores."""
        return {"upload": self.key}


@dataclass(frozen=True)
class JoinedSource:
    """Several recordings of one speaker that a client uploaded, joined in order."""

    keys: tuple[str, ...]  # in the object store

    def to_json(self) -> dict[str, str]:
        """Return the source in the form that the database stores."""
        return {"uploads": " ".join(self.keys)}  # a key has no space


@dataclass(frozen=True)
class UrlSource:
    """A recording on a public web server."""

    url: str

    def to_json(self) -> dict[str, str]:
        """Return the source in the form that the database stores."""
        return {"url": self.url}


@dataclass(frozen=True)
class ConsentSource:
    """A consent recording that the account keeps."""

    consent_id: str
    key: str  # in the object store

    def to_json(self) -> dict[str, str]:
        """Return the source in the form that the database stores."""
        return {"consent": self.consent_id, "kept": self.key}


Source = UploadSource | UrlSource
VoiceSource = Source | JoinedSource


def voice_source_from_json(data: Mapping[str, str]) -> VoiceSource:
    """Read the source of a voice."""
    if "uploads" in data:
        return JoinedSource(tuple(data["uploads"].split(" ")))
    return source_from_json(data)


def source_from_json(data: Mapping[str, str]) -> Source:
    """Read the source of one recording."""
    return UploadSource(data["upload"]) if "upload" in data else UrlSource(data["url"])


def consent_source_from_json(data: Mapping[str, str]) -> Source | ConsentSource:
    """Read the source of a consent recording."""
    if "consent" in data:
        return ConsentSource(data["consent"], data["kept"])
    return source_from_json(data)


@dataclass(frozen=True)
class ConsentRecord:
    """Consent of the speaker, as the voice records it."""

    statement: str
    language: str  # of the statement
    speaker: str  # empty: the owner of the key
    at: float  # seconds since the epoch
    key_id: str  # of the key that declared the consent
    consent_id: str | None = None  # of the recording, if the account keeps it
    purpose: str = ""  # use that the speaker agrees to
    ends_at: float | None = None  # seconds since the epoch; None: never

    def to_json(self) -> Json:
        """Return the record as the database keeps it."""
        kept: Json = {} if self.consent_id is None else {"consent": self.consent_id}
        if self.purpose:
            kept["purpose"] = self.purpose
        if self.ends_at is not None:
            kept["ends"] = self.ends_at
        return {
            "statement": self.statement,
            "language": self.language,
            "speaker": self.speaker,
            "at": self.at,
            "key": self.key_id,
            **kept,
        }

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a record that `to_json` wrote."""
        return cls(
            data["statement"],
            data["language"],
            data["speaker"],
            data["at"],
            data["key"],
            data.get("consent"),
            data.get("purpose", ""),
            data.get("ends"),
        )


@dataclass(frozen=True)
class SpeechOptions:
    """Controls of the voice and form of the file, with the defaults of every interface."""

    emotion: Emotion = Emotion.NEUTRAL
    speed: float = 1.0  # 0.25 to 4
    volume: float = 1.0  # above 0, up to 10
    pitch: int = 0  # semitones, -12 to 12
    subtitles: SubtitleUnit | None = None
    format: AudioFormat = AudioFormat.MP3
    sample_rate: int | None = None  # Hz; None: the usual one of the format
    channels: int = 1
    bit_rate: int | None = None  # bit/s of MP3 and Opus; None: the usual one of the format
    loudness: Loudness | None = None  # None: that of speech, which `volume` changes
    opening: int | None = None
    # of a stream: characters of the first chunk, which is short so that the sound begins early
    on_delivery: bool = False
    # of a stream: it is charged when its first byte is sent, even if it is spoken before
    place: int = 0  # of a clause: characters of the same speech before this text
    goes_on: bool = False  # more of the same speech follows this text
    seed: int | None = None  # of a take; None: the voice's
    times: bool = False  # keep the times of sentences and words for a render's subtitles

    def to_json(self) -> Json:
        """Return the options as the database keeps them."""
        stream: Json = {} if self.opening is None else {"opening": self.opening}
        if self.on_delivery:
            stream["on_delivery"] = True
        bit_rate = {} if self.bit_rate is None else {"bit_rate": self.bit_rate}
        loudness = {} if self.loudness is None else {"loudness": self.loudness}
        clause: Json = {"place": self.place} if self.place else {}
        if self.goes_on:
            clause["goes_on"] = True
        take: Json = {} if self.seed is None else {"seed": self.seed}
        if self.times:
            take["times"] = True
        return {
            "emotion": self.emotion,
            "speed": self.speed,
            "vol": self.volume,
            "pitch": self.pitch,
            "subtitles": self.subtitles,
            "format": self.format,
            "sample_rate": self.sample_rate,
            "channels": self.channels,
            **bit_rate,
            **loudness,
            **stream,
            **clause,
            **take,
        }

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read options that `to_json` wrote."""
        unit, standard = data.get("subtitles"), data.get("loudness")
        return cls(
            emotion=Emotion(data.get("emotion", cls.emotion)),
            speed=data.get("speed", cls.speed),
            volume=data.get("vol", cls.volume),
            pitch=data.get("pitch", cls.pitch),
            subtitles=SubtitleUnit(unit) if unit else None,
            format=AudioFormat(data.get("format", cls.format)),
            sample_rate=data.get("sample_rate"),
            channels=data.get("channels", cls.channels),
            bit_rate=data.get("bit_rate"),
            loudness=Loudness(standard) if standard else None,
            opening=data.get("opening"),
            on_delivery=data.get("on_delivery", False),
            place=data.get("place", 0),
            goes_on=data.get("goes_on", False),
            seed=data.get("seed"),
            times=data.get("times", False),
        )


@dataclass(frozen=True)
class SpeechRequest:
    """A text to speak with an existing voice."""

    kind: ClassVar[TaskKind] = TaskKind.AUDIO

    text: str
    version: SoundVersion
    engine: str
    language: str | None = None  # a name; None: to be detected
    detected: str | None = None  # a name, where the choice of the engine needed the detection
    options: SpeechOptions = SpeechOptions()
    spans: tuple[Span, ...] = ()  # parts of the text with a style of their own, in order
    pronunciations: tuple[Entry, ...] = ()  # that occur in the text; later ones prevail
    transcriptions: tuple[Transcription, ...] = ()  # of parts of the text, in order
    turns: tuple[Turn, ...] = ()  # of a text with several voices, in order

    @property
    def cuts(self) -> tuple[int, ...]:
        """Positions in the text where the voice changes."""
        return tuple(turn.start for turn in self.turns)

    @property
    def voices(self) -> tuple[str, ...]:
        """Ids of the voices beside the task's, sorted."""
        return tuple(sorted({turn.voice_id for turn in self.turns if turn.voice_id}))

    def voice_at(self, offset: int) -> str | None:
        """Return the id of the voice of a character, None for the voice of the task."""
        at = bisect_right(self.turns, offset, key=lambda turn: turn.start) - 1
        return self.turns[at].voice_id if at >= 0 else None

    @property
    def edges(self) -> tuple[int, ...]:
        """Positions in the text where a style begins or ends."""
        return tuple(sorted({edge for span in self.spans for edge in (span.start, span.end)}))

    def to_json(self) -> Json:
        """Return the request as the database keeps it."""
        spans = {"spans": [_span_to_json(span) for span in self.spans]} if self.spans else {}
        entries = [entry.to_json() for entry in self.pronunciations]
        dictionary = {"pronunciations": entries} if entries else {}
        parts = [asdict(part) for part in self.transcriptions]
        ipa = {"transcriptions": parts} if parts else {}
        turns = [[turn.start, turn.voice_id] for turn in self.turns]
        voices = {"turns": turns} if turns else {}
        return _text_to_json(self) | self.options.to_json() | spans | dictionary | ipa | voices

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a request that `to_json` wrote."""
        spans = tuple(map(_span_from_json, data.get("spans", ())))
        return cls(
            **_text_from_json(data),
            options=SpeechOptions.from_json(data),
            spans=spans,
            pronunciations=tuple(Entry(**each) for each in data.get("pronunciations", ())),
            transcriptions=tuple(Transcription(**each) for each in data.get("transcriptions", ())),
            turns=tuple(Turn(start, voice_id) for start, voice_id in data.get("turns", ())),
        )


def _span_to_json(span: Span) -> Json:
    return {"start": span.start, "end": span.end, **asdict(span.style)}


def _span_from_json(data: Json) -> Span:
    style = {name: value for name, value in data.items() if name not in ("start", "end")}
    return Span(data["start"], data["end"], Style(**style))


@dataclass(frozen=True)
class CloneRequest:
    """A recording to make a voice from, and the text that the new voice speaks as a preview."""

    kind: ClassVar[TaskKind] = TaskKind.CLONE

    source: VoiceSource
    text: str
    version: SoundVersion
    engine: str
    language: str | None = None
    detected: str | None = None
    name: str = ""
    consent: ConsentRecord | None = None
    consent_source: Source | ConsentSource | None = None
    follows_recording: bool = False
    """The client chose neither a text nor a language, so the preview may speak the recording's."""

    @property
    def preview(self) -> SpeechRequest:
        """Speech of the new voice."""
        return SpeechRequest(self.text, self.version, self.engine, self.language, self.detected)

    @property
    def uploads(self) -> frozenset[str]:
        """Keys of the uploads that the voice is made from."""
        sources = (self.source, self.consent_source)
        single = {each.key for each in sources if isinstance(each, UploadSource)}
        joined = self.source.keys if isinstance(self.source, JoinedSource) else ()
        return frozenset({*single, *joined})

    def to_json(self) -> Json:
        """Return the request as the database keeps it."""
        data = {"source": self.source.to_json(), **_text_to_json(self)}
        if self.name:
            data["name"] = self.name
        if self.consent:
            data["consent"] = self.consent.to_json()
        if self.consent_source:
            data["consent_source"] = self.consent_source.to_json()
        if self.follows_recording:
            data["follows_recording"] = True
        return data

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a request that `to_json` wrote."""
        consent, source = data.get("consent"), data.get("consent_source")
        return cls(
            voice_source_from_json(data["source"]),
            **_text_from_json(data),
            name=data.get("name", ""),
            consent=ConsentRecord.from_json(consent) if consent else None,
            consent_source=consent_source_from_json(source) if source else None,
            follows_recording=data.get("follows_recording", False),
        )


LONGEST_CONVERSION = 600
"""Most seconds of a recording that can be converted."""


@dataclass(frozen=True)
class ConversionRequest:
    """A recording of another person to convert to an existing voice."""

    kind: ClassVar[TaskKind] = TaskKind.CONVERSION

    source: Source
    engine: str
    max_seconds: int  # of the recording, whose price is held
    options: SpeechOptions = SpeechOptions()

    def to_json(self) -> Json:
        """Return the request as the database keeps it."""
        return {
            "source": self.source.to_json(),
            "engine": self.engine,
            "max_seconds": self.max_seconds,
            **self.options.to_json(),
        }

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a request that `to_json` wrote."""
        return cls(
            source_from_json(data["source"]),
            data["engine"],
            data["max_seconds"],
            SpeechOptions.from_json(data),
        )


TAKE_RATE = 44_100
"""Sample rate in Hz of takes, which are FLAC files of 16 bits."""


@dataclass(frozen=True)
class RenderRequest:
    """A file of the chosen takes of a project. The plan is in the row of the render."""

    kind: ClassVar[TaskKind] = TaskKind.RENDER

    project_id: str
    title: str  # of the file
    options: SpeechOptions = SpeechOptions()  # form of the file

    def to_json(self) -> Json:
        """Return the request as the database keeps it."""
        return {"project": self.project_id, "title": self.title, **self.options.to_json()}

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a request that `to_json` wrote."""
        return cls(data["project"], data["title"], SpeechOptions.from_json(data))


Request = CloneRequest | SpeechRequest | ConversionRequest | RenderRequest

_REQUESTS: Mapping[str, type[Request]] = {
    each.kind: each for each in (CloneRequest, SpeechRequest, ConversionRequest, RenderRequest)
}


def request_of(task: Task) -> Request | None:
    """Return the request of a task, None once the task's text is no longer kept."""
    return _REQUESTS[task.kind].from_json(task.params) if task.params else None


def voices_of(task: Task) -> tuple[str, ...]:
    """Return the ids of the voices that a task with a text speaks with, sorted."""
    named = {voice_id for _, voice_id in task.params.get("turns", ()) if voice_id}
    return tuple(sorted({task.voice_id, *named}))


def engine_of(task: Task) -> str:
    """Return the engine that a task needs."""
    return str(task.params["engine"])


def is_stream(task: Task) -> bool:
    """Return True if a client listens to the speech of a task while it is spoken."""
    return task.kind == TaskKind.AUDIO and task.params.get("opening") is not None


def _text_to_json(request: CloneRequest | SpeechRequest) -> Json:
    detected = {} if request.detected is None else {"detected": request.detected}
    return {
        "text": request.text,
        "version": request.version,
        "language": request.language or _DETECT,
        "engine": request.engine,
        **detected,
    }


def _text_from_json(data: Json) -> Json:
    language = data["language"]
    return {
        "text": data["text"],
        "version": SoundVersion(data["version"]),
        "engine": data["engine"],
        "language": None if language == _DETECT else language,
        "detected": data.get("detected"),
    }


@dataclass(frozen=True)
class Chapter:
    """Beginning of a chapter in a render."""

    title: str
    start: float  # seconds


@dataclass(frozen=True)
class TaskResult:
    """Files and measurements of a completed task."""

    audio: str  # key in the object store
    seconds: float | None = None
    engine: str | None = None
    language: str | None = None
    languages: tuple[str, ...] | None = None  # of all sentences, sorted
    subtitles: str | None = None  # key
    subtitles_json: str | None = None  # key
    subtitles_vtt: str | None = None  # key
    credentials: str | None = None  # key of a manifest beside the file
    speech_seconds: float | None = None  # of the recording that a voice was made from
    recording_report: RecordingReport | None = None
    voice_expires_at: int | None = None  # seconds since the epoch
    warnings: tuple[str, ...] | None = None  # about that recording
    times: str | None = None  # key of the times of a take's sentences and words
    timeline: str | None = None  # key of the times of a render's blocks
    chapters: tuple[Chapter, ...] | None = None  # of a render

    @property
    def files(self) -> tuple[str, ...]:
        """Keys of all files."""
        subtitles = (self.subtitles, self.subtitles_json, self.subtitles_vtt)
        keys = (self.audio, *subtitles, self.credentials, self.times, self.timeline)
        return tuple(each for each in keys if each)

    def to_json(self) -> Json:
        """Return the result as the database keeps it."""
        fields = {name: value for name, value in vars(self).items() if value is not None}
        if self.recording_report:
            fields["recording_report"] = self.recording_report.to_json()
        if self.chapters is not None:
            fields["chapters"] = [vars(each) for each in self.chapters]
        return {n: list(v) if isinstance(v, tuple) else v for n, v in fields.items()}

    @classmethod
    def recorded(cls, record: Json) -> TaskResult:
        """Read the result that a step has recorded."""
        result = cls.from_json(record)
        assert result is not None
        return result

    @classmethod
    def from_json(cls, data: Json) -> TaskResult | None:
        """Read a result that `to_json` wrote; None once the result is no longer kept."""
        if "audio" not in data:
            return None
        languages, warnings = data.get("languages"), data.get("warnings")
        chapters = data.get("chapters")
        return cls(
            audio=data["audio"],
            seconds=data.get("seconds"),
            engine=data.get("engine"),
            language=data.get("language"),
            languages=None if languages is None else tuple(languages),
            subtitles=data.get("subtitles"),
            subtitles_json=data.get("subtitles_json"),
            subtitles_vtt=data.get("subtitles_vtt"),
            credentials=data.get("credentials"),
            speech_seconds=data.get("speech_seconds"),
            recording_report=RecordingReport.from_json(data.get("recording_report")),
            voice_expires_at=data.get("voice_expires_at"),
            warnings=None if warnings is None else tuple(warnings),
            times=data.get("times"),
            timeline=data.get("timeline"),
            chapters=None if chapters is None else tuple(Chapter(**each) for each in chapters),
        )
