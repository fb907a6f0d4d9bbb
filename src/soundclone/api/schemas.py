"""Requests and responses of the API. Field names are the contract's.

The descriptions are part of the OpenAPI document. The first phrase of a request field's
description also completes the error message "… is missing; it is …".
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from ..core.keys import Scope
from ..core.requests import (
    LONGEST_CONVERSION,
    AudioFormat,
    Loudness,
    SoundVersion,
    SpeechOptions,
)
from ..core.webhooks import SUBSCRIBABLE, DeliveryStatus, EventType
from ..db.models import TaskStatus
from ..engines.emotion import Emotion

OK = 20000

NullableString = Annotated[str | None, WithJsonSchema({"type": ["string", "null"]})]
NullableNumber = Annotated[float | None, WithJsonSchema({"type": ["number", "null"]})]
NullableTime = Annotated[int | None, WithJsonSchema({"type": ["integer", "null"]})]


class Member:
    """Accept a string that is one of the given members of an enum.

    The schema lists the values in place, because the contract has no named enums.
    """

    def __init__(self, members: Iterable[StrEnum]) -> None:
        self._members = {member.value: member for member in members}

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._validate, serialization=core_schema.to_string_ser_schema()
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "enum": list(self._members)}

    def _validate(self, value: object) -> StrEnum:
        if not isinstance(value, str) or value not in self._members:
            raise ValueError(f"not one of {', '.join(self._members)}")
        return self._members[value]


WireStatus = Annotated[TaskStatus, Member(TaskStatus)]
WireVersion = Annotated[SoundVersion, Member(SoundVersion)]
WireScope = Annotated[Scope, Member(Scope)]
WireWebhookEvent = Annotated[EventType, Member(SUBSCRIBABLE)]
WireDeliveryStatus = Annotated[DeliveryStatus, Member(DeliveryStatus)]
WireEmotion = Annotated[Emotion, Member(Emotion)]
WireFormat = Annotated[
    AudioFormat,
    Member((AudioFormat.MP3, AudioFormat.WAV, AudioFormat.FLAC, AudioFormat.OGG)),
]
WireLoudness = Annotated[Loudness, Member(Loudness)]
SampleRate = Literal[8000, 16000, 22050, 24000, 32000, 44100, 48000]
OPUS_RATES = (8000, 16000, 24000, 48000)
"""Sample rates in Hz that the format ogg supports, because it contains Opus."""


def _whole(value: object) -> object:
    """Convert a float without a fraction to an integer, as JSON Schema does.

    Raises:
        ValueError: The value is a boolean, which Python takes for an integer.
    """
    if isinstance(value, bool):
        raise ValueError("a boolean is no number")
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _without_default(schema: dict[str, Any]) -> None:
    del schema["default"]


def _optional(description: str) -> Any:
    """Declare a field that may be left out. Its schema has no null, as in the contract."""
    return Field(
        default=None,
        description=description,
        json_schema_extra=_without_default,
    )


def _option(default: object, description: str) -> Any:
    """Declare a field of a literal type whose default has a wider type."""
    return Field(default=default, description=description)


class RequestModel(BaseModel):
    """Body of a request.

    An optional field that is `null` or an empty string counts as left out: many clients serialise
    unset options like that.
    """

    # Strict, because a lax model accepts false as 0 and "1.5" as 1.5.
    model_config = ConfigDict(strict=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _without_empty_options(cls, body: object) -> object:
        if not isinstance(body, dict):
            return body
        optional = {name for name, field in cls.model_fields.items() if not field.is_required()}
        return {
            name: value
            for name, value in body.items()
            if name not in optional or (value is not None and value != "")
        }


class ConsentRequest(RequestModel):
    """The speaker's consent: a declaration, a recording in which the speaker agrees, or both."""

    declaration: Literal["own", "given"] = _optional(
        "own: the voice is that of the sender of the request. given: the speaker agreed"
    )
    speaker: str = _optional(
        "The speaker's name: at most 200 characters, required with the declaration given"
    )
    recording: str = _optional(
        "The id of a voice consent, cons_…, or an http(s) URL: an upload link of this service or "
        "a public URL. The recording has at least 2 s of the speaker's speech and at most 10 MiB. "
        "The task fails with `consent_mismatch` when another person speaks"
    )
    purpose: str = _optional(
        "A text of at most 200 characters: the use that the speaker agreed to. Default: the "
        "purpose of the voice consent"
    )
    expiresAt: Annotated[int, BeforeValidator(_whole)] = _optional(
        "A time in Unix seconds: the end of the consent. The voice and everything spoken with it "
        "are deleted then. Default: the end of the voice consent, or never"
    )


class SoundCloneCloneRequest(RequestModel):
    """Recording to make a voice from, and the text of the preview."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "fileUrl": "https://example.com/source-audio.mp3",
                "contentText": "A short sentence in the new voice.",
                "soundVersion": "v1",
                "language": "English",
            }
        },
    )

    fileUrl: str = Field(
        description="The public http(s) URL of a recording: audio or video with more than 15 s "
        "and less than 60 s of speech. An upload link of this service also works"
    )
    contentText: str = _optional(
        "The text of the preview: at most 270 characters. Default: a sentence in the language of "
        "the request. With auto, that is the language of the recording, or English if the "
        "service is not sure of it"
    )
    soundVersion: WireVersion = Field(
        default=SoundVersion.V1, description="v1 speaks 24 languages, v2 speaks 40"
    )
    language: str = Field(
        default="auto",
        description='The name of a language, such as "English", or "auto" to detect it: the '
        "language of the text",
    )
    name: str = _optional("A text of at most 80 characters: the name of the voice")
    consent: ConsentRequest = _optional(
        'An object such as {"declaration": "given", "speaker": "Anna"}: the speaker\'s consent, '
        "which is stored with the voice"
    )


class PronunciationEntry(BaseModel):
    """A word or phrase, and what is spoken in its place: `spoken` or `ipa`."""

    model_config = ConfigDict(strict=True, extra="ignore")

    written: str = Field(
        description="The word as a text has it. It does not match within a longer word"
    )
    spoken: str = Field(
        default="", description="The text to speak in its place. Empty: `ipa` has the sounds"
    )
    language: str = Field(
        default="",
        description="The name or tag of a language: the entry applies to sentences in it. Empty: "
        "to all sentences",
    )
    matchCase: bool = Field(
        default=False, description="True: the case must match, as for US beside us"
    )
    ipa: str = Field(
        default="",
        description="The sounds to speak in its place, in the International Phonetic Alphabet: at "
        "most 100 characters. Engines that read text only speak the word as it is written",
    )


class PronunciationsRequest(RequestModel):
    """New entries of a pronunciation dictionary."""

    entries: list[PronunciationEntry] = Field(
        description="All entries, at most 1,000. They replace the earlier ones"
    )


class SoundCloneAudioRequest(RequestModel):
    """Text to speak with a voice."""

    modelId: str = Field(description="The modelId of a completed preview: the voice")
    contentText: str = Field(
        description="The text to speak: at most 10,000 characters. <#x#> pauses for x seconds, "
        "0.01 to 99.99"
    )
    textFormat: Literal["plain", "ssml"] = Field(
        default="plain",
        description="ssml: contentText is an SSML document, whose markup is not charged. Its "
        "`voice` elements name other voices of the account, by name or id",
    )
    soundVersion: WireVersion = _optional("Default: the version that the voice was made with")
    language: str = Field(
        default="auto",
        description='The name of a language, such as "English", or "auto" to detect it: the '
        "language of the text",
    )
    emotion: WireEmotion = Field(default=SpeechOptions.emotion, description="Emotion of the speech")
    speed: float = Field(
        default=SpeechOptions.speed,
        ge=0.5,
        le=2.0,
        allow_inf_nan=False,
        description="Speaking rate. 2 is twice as fast as normal",
    )
    vol: float = Field(
        default=SpeechOptions.volume,
        gt=0.0,
        le=10.0,
        allow_inf_nan=False,
        description="Volume. 1 is normal",
    )
    pitch: Annotated[int, BeforeValidator(_whole)] = Field(
        default=SpeechOptions.pitch, ge=-12, le=12, description="Change of the pitch in semitones"
    )
    subtitleEnable: bool = Field(
        default=False, description="Make subtitles: `subtitleFile` of the completed task"
    )
    subtitleType: Literal["word"] = _optional(
        "word: one subtitle per word. Default: one subtitle per sentence"
    )
    format: WireFormat = Field(
        default=SpeechOptions.format, description="File format of the audio. ogg contains Opus"
    )
    sampleRate: Annotated[SampleRate, BeforeValidator(_whole)] = _optional(
        "Sample rate of the audio in Hz. ogg supports 8000, 16000, 24000 and 48000. Default: "
        "48000 for ogg, 44100 for the other formats"
    )
    channel: Annotated[Literal[1, 2], BeforeValidator(_whole)] = _option(
        SpeechOptions.channels, "Number of channels. Both channels of 2 are the same"
    )
    loudness: WireLoudness = _optional(
        "Loudness of the file, as a meter after ITU-R BS.1770 shows it: audiobook is -20 LUFS with "
        "peaks below -3 dBTP, podcast -16 LUFS and -1 dBTP, broadcast -23 LUFS and -1 dBTP (EBU R "
        "128). Default: -18 LUFS times `vol`, which excludes `loudness`"
    )
    pronunciation: list[PronunciationEntry] = _optional(
        "Spoken forms of words, at most 200. They prevail over the account's dictionary. If the "
        "text as it is spoken is longer than the text as it is written, the former is charged"
    )


class SoundCloneConversionRequest(RequestModel):
    """Recording of another person to convert to a voice."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "modelId": "model_0a1b2c3d4e5f60718293a4b5c6d7e8f9",
                "fileUrl": "https://example.com/performance.mp3",
            }
        },
    )

    modelId: str = Field(description="The modelId of a completed preview: the voice")
    fileUrl: str = Field(
        description="The public http(s) URL of a recording: audio or video in which one person "
        "speaks. An upload link of this service also works"
    )
    maxSeconds: Annotated[int, BeforeValidator(_whole)] = Field(
        default=300,
        ge=1,
        le=LONGEST_CONVERSION,
        description="Most seconds that the recording may last. Their price is held until the task "
        "ends",
    )
    vol: float = Field(
        default=SpeechOptions.volume,
        gt=0.0,
        le=10.0,
        allow_inf_nan=False,
        description="Volume. 1 is normal",
    )
    format: WireFormat = Field(
        default=SpeechOptions.format, description="File format of the audio. ogg contains Opus"
    )
    sampleRate: Annotated[SampleRate, BeforeValidator(_whole)] = _optional(
        "Sample rate of the audio in Hz. ogg supports 8000, 16000, 24000 and 48000. Default: "
        "48000 for ogg, 44100 for the other formats"
    )
    channel: Annotated[Literal[1, 2], BeforeValidator(_whole)] = _option(
        SpeechOptions.channels, "Number of channels. Both channels of 2 are the same"
    )


def _nothing_required(schema: dict[str, Any]) -> None:
    schema.pop("required", None)


class _Data(BaseModel):
    # An error has the same status 200 on the contract's paths, with another `data`.
    model_config = ConfigDict(json_schema_extra=_nothing_required)


class RecordingReportData(BaseModel):
    """Measurements of the recording that a voice was made from."""

    speechSeconds: float = Field(description="Seconds of speech")
    level: float = Field(description="RMS level of the speech in dBFS")
    snr: float = Field(
        description="Approximate level of the voice over the background in dB; 20 is good"
    )
    clipped: float = Field(description="Share of the speech that is clipped, 0 to 1")
    echo: bool = Field(description="The recording has the echo of a large, bare room")
    telephone: bool = Field(description="The recording has nothing above 4 kHz")
    advice: list[str] = Field(
        description="Sentences on what would improve the recording, the most important first"
    )


class _AnyTaskData(_Data):
    """Fields of every task. A field after `error` is present once it has a value."""

    id: str = Field(description="Id of the task, for `GET …/audios/{id}`")
    object: str = Field(json_schema_extra={"example": "audio"}, description='Always "audio"')
    created: int = Field(
        json_schema_extra={"format": "int64"},
        description="When the task was created, in Unix seconds",
    )
    model: str = Field(description="Kind of the task")
    status: WireStatus = Field(description="State of the task. completed and failed are final")
    error: NullableString = Field(
        default=None, description="Why the task failed, as a sentence; null for any other task"
    )
    errorCode: str | None = Field(
        default=None, description="Stable word of the task's error, for programs"
    )
    progress: int | None = Field(default=None, description="Progress in per cent")
    cost: float | None = Field(
        default=None,
        description="Price in credits, and once the task has ended, the credits charged",
    )
    modelId: str | None = Field(default=None, description="The new voice, of a completed preview")
    audioUrl: str | None = Field(default=None, description="Link to the audio, which expires")
    subtitleFile: str | None = Field(
        default=None, description="Link to the subtitles as SRT, which expires"
    )
    subtitleJson: str | None = Field(
        default=None, description="Link to the subtitles as JSON with milliseconds, which expires"
    )
    subtitleVtt: str | None = Field(
        default=None, description="Link to the subtitles as WebVTT, which expires"
    )
    credentialsUrl: str | None = Field(
        default=None,
        description="Link to the signed manifest (C2PA) of a file that holds none itself, which "
        "expires",
    )
    expiresAt: int | None = Field(
        default=None,
        description="When the result and its links expire, in Unix seconds. The voice of a preview "
        "expires at `voiceExpiresAt`",
    )
    voiceExpiresAt: int | None = Field(
        default=None,
        description="When the voice of a completed preview expires, in Unix seconds, unless a "
        "production task uses the voice before",
    )
    seconds: float | None = Field(default=None, description="Length of the audio in seconds")
    engine: str | None = Field(default=None, description="Engine that made the audio")
    language: str | None = Field(default=None, description="Language of the speech")
    languages: list[str] | None = Field(
        default=None, description="Languages of the sentences of the speech"
    )
    speechSeconds: float | None = Field(
        default=None, description="Seconds of speech in the recording of a preview or conversion"
    )
    recordingReport: RecordingReportData | None = Field(
        default=None, description="Measurements of the recording of a preview"
    )
    warnings: list[str] | None = Field(
        default=None, description="Weaknesses of the recording of a preview or conversion"
    )


class SoundCloneTaskData(_AnyTaskData):
    """State of a preview or of speech."""

    model: Literal["soundCloningClone", "soundCloningAudio"] = Field(
        description="soundCloningClone: a preview. soundCloningAudio: production speech"
    )


class SoundCloneConversionData(_AnyTaskData):
    """State of a voice conversion."""

    model: Literal["soundCloningConversion"] = Field(description="A voice conversion")


class ChapterData(BaseModel):
    """Chapter of a render."""

    title: str = Field(description="Heading of the chapter")
    start: float = Field(description="Start of the chapter in seconds")


class ProjectRenderData(_AnyTaskData):
    """State of a render of a project."""

    model: Literal["soundCloningRender"] = Field(description="A render of a project")
    projectId: str | None = Field(default=None, description="Project that is rendered")
    timelineUrl: str | None = Field(
        default=None,
        description="Link to the start and end of each block as JSON with milliseconds, which "
        "expires",
    )
    chapters: list[ChapterData] | None = Field(default=None, description="Chapters of the file")


class WatermarkView(BaseModel):
    """Search for the watermark."""

    found: bool = Field(description="The watermark is in the sound")
    p_value: float = Field(
        description="Probability that a sound without a watermark looks as marked as this one"
    )
    task: str | None = Field(description="Task that made the sound, for operators only")
    stretches: list[tuple[float, float]] | None = Field(
        default=None, description="Marked parts in seconds, with `details`"
    )


class CredentialsView(BaseModel):
    """Search for Content Credentials (C2PA)."""

    found: bool = Field(description="The file, or a file beside it, has a manifest")
    valid: bool = Field(description="The signature and the hashes of the manifest match the file")
    synthetic: bool | None = Field(
        default=None, description="The manifest names a synthetic source, with `details`"
    )
    signer: str | None = Field(
        default=None, description="Organisation of the certificate, with `details`"
    )


class RegisterView(BaseModel):
    """Search of the register of results."""

    found: bool = Field(description="The file or a part of its sound is in the register")
    task: str | None = Field(description="Task that made the sound, for operators only")
    exact: bool | None = Field(
        default=None, description="The file is a result, byte for byte, with `details`"
    )
    stretches: list[tuple[float, float]] | None = Field(
        default=None, description="Parts in seconds that are registered, with `details`"
    )


class VerdictView(BaseModel):
    """Layers of provenance that were found in a file."""

    synthetic: bool = Field(description="A layer shows that the sound is synthetic")
    watermark: WatermarkView = Field(description="Mark in the sound")
    c2pa: CredentialsView = Field(description="Content Credentials of the file")
    register_: RegisterView = Field(
        alias="register", description="Result of this installation with the same sound"
    )
    seconds: float | None = Field(default=None, description="Duration, with `details`")


class _Envelope(BaseModel):
    code: int = Field(
        json_schema_extra={"example": OK},
        description="20000: success. 20001: the key is missing or wrong. 20002: the request is "
        "wrong. -1: any other error",
    )
    msg: str = Field(
        json_schema_extra={"example": "ok"},
        description="A sentence for people: ok, or what was wrong and what would be right",
    )


class SoundCloneApiResponse(_Envelope):
    """Envelope with a task."""

    data: SoundCloneTaskData = Field(description="The task")


class ConversionResponse(_Envelope):
    """Envelope with a voice conversion."""

    data: SoundCloneConversionData = Field(description="The task")


class RenderResponse(_Envelope):
    """Envelope with a render."""

    data: ProjectRenderData = Field(description="The task")


class AnyTaskResponse(_Envelope):
    """Envelope with a task of any kind."""

    data: SoundCloneTaskData | SoundCloneConversionData | ProjectRenderData = Field(
        description="The task"
    )


class TaskList(BaseModel):
    """One page of tasks."""

    list: Annotated[
        list[SoundCloneTaskData | SoundCloneConversionData | ProjectRenderData],
        Field(description="Tasks of the page, newest first"),
    ]
    nextCursor: NullableString = Field(
        description="`cursor` of the next page; null on the last page"
    )


class TaskListResponse(_Envelope):
    """Envelope with one page of tasks."""

    data: TaskList = Field(description="The page")


class ErrorData(BaseModel):
    """Error of a request."""

    errorCode: str = Field(description="Stable word of the error, for programs")


class ErrorResponse(_Envelope):
    """Envelope with an error. `code` is 20001 for a bad key, 20002 for a bad request, else -1."""

    data: ErrorData = Field(description="The error")


class UploadData(_Data):
    """Uploaded file."""

    url: str = Field(
        description="Link to the file, for `fileUrl` of a preview or conversion. Anybody who has "
        "the link can read the file"
    )
    filename: str = Field(description="Name that the client gave the file")
    size: int = Field(description="Size of the file in bytes")
    mime_type: str = Field(description="Media type, from the extension of the name")


class UploadResponse(_Envelope):
    """Envelope with an uploaded file."""

    data: UploadData = Field(description="The file")


class UserBalanceData(_Data):
    """Balance of an account, in credits."""

    balance: float = Field(description="Credits that were ever paid in")
    used_coin: float = Field(description="Credits charged less credits refunded, over all keys")
    available: float = Field(description="Credits that can be spent now")


class UserBalanceResponse(_Envelope):
    """Envelope with the balance of an account."""

    data: UserBalanceData = Field(description="The balance")


class SignInLinkData(BaseModel):
    """A link that signs in to the studio once."""

    url: str = Field(description="Page to open in a browser. Whoever opens it first is signed in")
    expiresAt: int = Field(description="When the link expires, in Unix seconds")


class SignInLinkResponse(_Envelope):
    """Envelope with a sign-in link."""

    data: SignInLinkData = Field(description="The link")


class KeyBalanceData(_Data):
    """Quota of a key, in credits."""

    name: str = Field(description="Name of the key")
    total_quota: float = Field(
        description="Credits that the key may spend in total; 0 for no limit"
    )
    used_quota: float = Field(description="Credits that the key has spent")
    available_quota: float = Field(
        description="Credits that the key may still spend. For an unlimited key, the credits that "
        "the account can spend"
    )
    unlimited: bool = Field(description="The key has no quota")


class KeyBalanceResponse(_Envelope):
    """Envelope with the quota of a key."""

    data: KeyBalanceData = Field(description="The quota")


class AccountData(BaseModel):
    """Account of the key."""

    id: str = Field(description="Id of the account, acct_…")
    name: str = Field(description="Name of the account")
    created: int = Field(description="When the account was opened, in Unix seconds")
    lowBalance: NullableNumber = Field(
        description="Credits below which the event balance.low is sent; null: it is not sent"
    )


class AccountChange(RequestModel):
    """New values for an account."""

    lowBalance: float = Field(
        description="A number of credits: the event balance.low is sent when fewer are available. "
        "0: it is not sent"
    )


class AccountResponse(_Envelope):
    """Envelope with the account of the key."""

    data: AccountData = Field(description="The account")


class KeyRequest(RequestModel):
    """Name, rights and limits of a new API key."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "announcer", "scopes": ["read", "speak"]}}
    )

    name: str = Field(
        description="A text of 1 to 80 characters: the name of the key, without control characters"
    )
    scopes: list[WireScope] = _optional(
        f"A list of scopes, of {', '.join(Scope)}. Default: those of the key that creates the new "
        "one, without operator"
    )
    expiresAt: Annotated[int, BeforeValidator(_whole)] = _optional(
        "A time in Unix seconds: the end of the key. Default: the end of the key that creates the "
        "new one"
    )
    quota: float = _optional(
        "A number of credits: the most that the key may spend. Default: no limit"
    )


class KeyData(BaseModel):
    """API key of an account, without its text."""

    id: str = Field(description="Id of the key, key_…")
    account: str = Field(description="Id of the account that the key belongs to")
    name: str = Field(description="Name of the key")
    display: str = Field(description="First characters of the key, to recognise it")
    scopes: list[WireScope] = Field(description="Permissions of the key")
    quota: float = Field(description="Credits that the key may spend in total; 0 for no limit")
    used: float = Field(description="Credits that the key has spent")
    created: int = Field(description="When the key was created, in Unix seconds")
    expiresAt: NullableTime = Field(
        description="When the key expires, in Unix seconds; null: never"
    )
    formerUntil: NullableTime = Field(
        description="When the text that the latest rotation replaced stops working, in Unix "
        "seconds; null if no former text works"
    )
    revokedAt: NullableTime = Field(
        description="When the key was revoked, in Unix seconds; null for any other key"
    )


class NewKeyData(KeyData):
    """API key with its text."""

    key: str = Field(description="The key, sk_…, which no later response contains")


class KeyResponse(_Envelope):
    """Envelope with an API key."""

    data: KeyData = Field(description="The key")


class NewKeyResponse(_Envelope):
    """Envelope with an API key and its text."""

    data: NewKeyData = Field(description="The key")


class KeyList(BaseModel):
    """API keys of an account."""

    list: Annotated[
        list[KeyData], Field(description="All keys, also revoked and expired ones, newest first")
    ]


class KeyListResponse(_Envelope):
    """Envelope with the API keys of an account."""

    data: KeyList = Field(description="The keys")


class CatalogRow(BaseModel):
    """One price."""

    model_name: str = Field(description="Name of the price, for programs")
    display_name: str = Field(description="Name of the price, for people")
    model_type: str = Field(description='Always "audio"')
    price_mode: str = Field(
        description='"per_10k_char": for 10,000 characters, pro rata. "per_second": for a second '
        "of a recording, pro rata. Any other: for each task"
    )
    unit_price: float = Field(description="The price in credits")
    remark: str = Field(description="Explanation of the price, as a sentence")


class CatalogData(_Data):
    """Price list."""

    list: Annotated[list[CatalogRow], Field(description="One row per price")]


class CatalogResponse(_Envelope):
    """Envelope with the price list."""

    data: CatalogData = Field(description="The price list")


class ConsentCheck(BaseModel):
    """Comparison of the speakers of the consent recording and of the sample."""

    similarity: float = Field(description="Similarity of the two speakers: at most 1")
    needed: float = Field(description="Similarity below which the task would have failed")
    speechSeconds: float = Field(description="Seconds of speech in the consent recording")
    encoder: str = Field(description="Version of the network that compared the speakers")
    at: float = Field(description="When the speakers were compared, in Unix seconds")


class VoiceConsent(BaseModel):
    """The speaker's consent, as stored with the voice."""

    statement: str = Field(description="Sentence that states the consent")
    speaker: str = Field(description="Name of the speaker, if another person declared the consent")
    at: int = Field(description="When the consent was given, in Unix seconds")
    purpose: str = Field(description="Use that the speaker agreed to; empty if none was given")
    expiresAt: NullableTime = Field(
        description="When the consent ends and the voice is deleted, in Unix seconds; null: never"
    )
    recording: NullableString = Field(
        description="Id of the voice consent, if the request named one"
    )
    verified: ConsentCheck | None = Field(
        description="Comparison of the recordings; null without a recording"
    )


class VoiceData(BaseModel):
    """Voice of the account."""

    modelId: str = Field(description="Id of the voice, for production requests")
    object: str = Field(default="voice", description='Always "voice"')
    name: NullableString = Field(description="Name that the account gave the voice, or null")
    created: int = Field(description="When the voice was made, in Unix seconds")
    soundVersion: WireVersion = Field(description="Version that the voice was made with")
    engine: str = Field(description="Engine that made the voice")
    licence: str = Field(description="Licence of the engine's model")
    language: NullableString = Field(
        description="Language of the recording; null if the service does not know it"
    )
    speechSeconds: float = Field(description="Seconds of speech in the recording")
    recordingReport: RecordingReportData | None = Field(
        description="Measurements of the recording; null if an earlier release made the voice"
    )
    tags: Annotated[list[str], Field(description="Tags that the account gave the voice, sorted")]
    active: bool = Field(
        description="A production task has used the voice, so that it no longer expires"
    )
    expiresAt: NullableTime = Field(
        description="When the voice expires, in Unix seconds, unless a production task uses it "
        "before. An active voice expires when its consent ends; null: never"
    )
    consent: VoiceConsent | None = Field(description="The speaker's consent; null without one")


class VoiceList(BaseModel):
    """Voices of the account."""

    list: Annotated[
        list[VoiceData], Field(description="Every voice that can be used now, newest first")
    ]


class VoiceListResponse(_Envelope):
    """Envelope with the voices of the account."""

    data: VoiceList = Field(description="The voices")


class VoiceResponse(_Envelope):
    """Envelope with a voice."""

    data: VoiceData = Field(description="The voice")


class VoiceChange(RequestModel):
    """New values for a voice. A field that is left out keeps its value."""

    name: str | None = Field(
        default=None,
        description="A text of at most 80 characters: the new name, without control characters. "
        "An empty text removes the name",
    )
    tags: list[str] | None = Field(
        default=None,
        description="At most 12 texts of 1 to 30 characters: the new tags, in place of the former. "
        "An empty list removes all tags",
    )

    @model_validator(mode="before")
    @classmethod
    def _without_empty_options(cls, body: object) -> object:
        """Leave out null only, because an empty name removes the name."""
        if not isinstance(body, dict):
            return body
        return {name: value for name, value in body.items() if value is not None}


class LanguageEngines(BaseModel):
    """Engine that speaks a language, for each soundVersion that has the language.

    null: this service has no such engine.
    """

    v1: NullableString = Field(default=None, description="Engine for soundVersion v1")
    v2: NullableString = Field(default=None, description="Engine for soundVersion v2")


class LanguageData(BaseModel):
    """Language."""

    name: str = Field(description="Name of the language, for `language` of a request")
    code: str = Field(description="BCP 47 tag, which `language` of a request takes as well")
    engines: LanguageEngines = Field(description="Engines that speak the language")


class LanguageList(BaseModel):
    """Languages of the service."""

    list: Annotated[list[LanguageData], Field(description="One row per language")]


class LanguageListResponse(_Envelope):
    """Envelope with the languages of the service."""

    data: LanguageList = Field(description="The languages")


class PronunciationsData(_Data):
    """Pronunciation dictionary of an account or a project."""

    entries: list[PronunciationEntry] = Field(description="All entries, in their order")


class PronunciationsResponse(_Envelope):
    """Envelope with a pronunciation dictionary."""

    data: PronunciationsData = Field(description="The dictionary")


class DeletedData(BaseModel):
    """Deleted voice."""

    modelId: str = Field(description="Id of the deleted voice")
    deleted: bool = Field(description="Always true")


class DeletedResponse(_Envelope):
    """Envelope with a deleted voice."""

    data: DeletedData = Field(description="The deleted voice")


class WithdrawnData(BaseModel):
    """Withdrawn consent."""

    modelIds: list[str] = Field(description="Ids of the deleted voices")
    results: int = Field(description="Number of production tasks whose results are deleted")
    withdrawn: bool = Field(description="Always true")


class WithdrawnResponse(_Envelope):
    """Envelope with a withdrawn consent."""

    data: WithdrawnData = Field(description="The withdrawn consent")


class ErasedData(BaseModel):
    """Number of things of an account that were erased."""

    tasks: int = Field(description="Tasks with their texts and results")
    voices: int = Field(description="Voices with their recordings")
    uploads: int = Field(description="Uploads")
    consents: int = Field(description="Consents with their recordings")
    keys: int = Field(description="API keys")
    sessions: int = Field(description="Sessions of the studio, and sign-in links")
    files: int = Field(description="Files of the object store")
    bytes: int = Field(description="Bytes of these files")


class KeptData(BaseModel):
    """Rest of an erased account."""

    ledger_lines: int = Field(description="Lines of the ledger: amounts, ids and times")
    credits: float = Field(description="Credits that the account had left")


class ErasureData(BaseModel):
    """Report of an erasure."""

    account: str = Field(description="Id of the account")
    erased: ErasedData = Field(description="What was erased")
    kept: KeptData = Field(description="What remains")
    pending: list[str] = Field(
        description="Ids of cancelled tasks that a worker has not left yet. Their files are "
        "removed when it does"
    )


class ErasureResponse(_Envelope):
    """Envelope with the report of an erasure."""

    data: ErasureData = Field(description="The report")


class WebhookRequest(RequestModel):
    """New webhook endpoint."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"url": "https://example.com/hooks", "events": ["task.succeeded"]}
        }
    )

    url: str = Field(description="An http or https URL that receives the events by POST")
    events: list[WireWebhookEvent] = _optional(
        f"A list of event types, of {', '.join(SUBSCRIBABLE)}. Default: all"
    )
    description: str = Field(default="", description="A note of at most 200 characters")


class WebhookChange(RequestModel):
    """New values for a webhook endpoint. Values that are left out stay."""

    url: str = _optional("An http or https URL that receives the events by POST")
    events: list[WireWebhookEvent] = _optional(
        f"A list of event types, of {', '.join(SUBSCRIBABLE)}"
    )
    description: str = _optional("A note of at most 200 characters")
    enabled: bool = _optional("False: nothing is sent, and waiting deliveries fail")


class WebhookData(BaseModel):
    """Webhook endpoint of an account, without its secret."""

    id: str = Field(description="Id of the endpoint, hook_…")
    url: str = Field(description="URL that receives the events")
    description: str = Field(description="Note of the owner")
    events: list[WireWebhookEvent] = Field(description="Types of events that are sent")
    enabled: bool = Field(description="Events are sent")
    disabledReason: NullableString = Field(
        description="Why the service disabled the endpoint; null if the owner did, or nobody"
    )
    failingSince: NullableTime = Field(
        description="When the first attempt after the last success failed, in Unix seconds; null "
        "if the last attempt succeeded"
    )
    formerUntil: NullableTime = Field(
        description="Until when messages are signed with the replaced secret too, in Unix seconds"
    )
    created: int = Field(description="When the endpoint was created, in Unix seconds")


class NewWebhookData(WebhookData):
    """Webhook endpoint with its secret."""

    secret: str = Field(description="The secret, whsec_…, which no later response contains")


class WebhookResponse(_Envelope):
    """Envelope with a webhook endpoint."""

    data: WebhookData = Field(description="The endpoint")


class NewWebhookResponse(_Envelope):
    """Envelope with a webhook endpoint and its secret."""

    data: NewWebhookData = Field(description="The endpoint")


class WebhookList(BaseModel):
    """Webhook endpoints of an account."""

    list: Annotated[list[WebhookData], Field(description="All endpoints, newest first")]


class WebhookListResponse(_Envelope):
    """Envelope with the webhook endpoints of an account."""

    data: WebhookList = Field(description="The endpoints")


class DeletedWebhookData(BaseModel):
    """Deleted webhook endpoint."""

    id: str = Field(description="Id of the deleted endpoint")
    deleted: bool = Field(description="Always true")


class DeletedWebhookResponse(_Envelope):
    """Envelope with a deleted webhook endpoint."""

    data: DeletedWebhookData = Field(description="The deleted endpoint")


class DeliveryData(BaseModel):
    """Delivery of a message to a webhook endpoint, with the result of the last attempt."""

    id: str = Field(description="Id of the delivery, dlv_…")
    webhook: str = Field(description="Id of the endpoint")
    message: str = Field(description="Id of the message, which is sent as webhook-id")
    type: str = Field(description="Type of the event")
    status: WireDeliveryStatus = Field(description="State of the delivery")
    attempts: int = Field(description="Attempts so far")
    statusCode: NullableTime = Field(description="HTTP status of the last response; null: none")
    error: NullableString = Field(description="Why the last attempt failed")
    seconds: NullableNumber = Field(description="Seconds that the last attempt took")
    created: int = Field(description="When the event happened, in Unix seconds")
    attempted: NullableTime = Field(description="When the last attempt ended, in Unix seconds")
    nextAttempt: NullableTime = Field(
        description="When the next attempt begins, in Unix seconds; null: never"
    )
    payload: dict[str, Any] = Field(description="Body of the message")


class DeliveryResponse(_Envelope):
    """Envelope with a delivery."""

    data: DeliveryData = Field(description="The delivery")


class DeliveryList(BaseModel):
    """One page of deliveries."""

    list: Annotated[list[DeliveryData], Field(description="Deliveries, newest first")]
    nextCursor: NullableString = Field(
        description="Cursor of the next page; null for the last page"
    )


class DeliveryListResponse(_Envelope):
    """Envelope with one page of deliveries."""

    data: DeliveryList = Field(description="The page")


class _StyleChange(BaseModel):
    """New voice and controls. A value that is left out stays, and null removes a value."""

    # Strict like `RequestModel`, but null has a meaning.
    model_config = ConfigDict(strict=True, extra="ignore")

    modelId: str | None = _optional("The modelId of a completed preview: the voice. null: none")
    language: str | None = _optional(
        'The name of a language, such as "English", or "auto" to detect it. null: none'
    )
    emotion: WireEmotion | None = _optional("Emotion of the speech. null: none")
    speed: Annotated[float, Field(ge=0.5, le=2.0, allow_inf_nan=False)] | None = _optional(
        "Speaking rate. 2 is twice as fast as normal. null: none"
    )
    pitch: Annotated[int, BeforeValidator(_whole), Field(ge=-12, le=12)] | None = _optional(
        "Change of the pitch in semitones. null: none"
    )
    vol: Annotated[float, Field(gt=0.0, le=10.0, allow_inf_nan=False)] | None = _optional(
        "Volume. 1 is normal. null: none"
    )


class ProjectRequest(_StyleChange):
    """Name of a new project, and the voice and controls of its blocks."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "Moby Dick",
                "modelId": "model_0a1b2c3d4e5f60718293a4b5c6d7e8f9",
                "language": "English",
            }
        }
    )

    name: str = Field(description="A text of 1 to 200 characters: the name of the project")


class ProjectChange(_StyleChange):
    """New values for a project. Takes of blocks that would be spoken differently become stale."""

    name: str = _optional("A text of 1 to 200 characters: the name of the project")


class BlockRequest(_StyleChange):
    """Content of a new block. It has the voice and controls of the project where it has none."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"kind": "text", "text": "Call me Ishmael."}}
    )

    kind: Literal["text", "chapter", "pause"] = Field(
        default="text",
        description="text: is spoken. chapter: a heading, which is spoken and begins a chapter. "
        "pause: is silent",
    )
    text: str = _optional(
        "The text to speak: at most 10,000 characters, or 200 of a chapter. It may be empty as a "
        "draft. A pause has no text"
    )
    textFormat: Literal["plain", "ssml"] = Field(
        default="plain",
        description="ssml: the text is an SSML document, whose markup is not charged",
    )
    seconds: Annotated[float, Field(ge=0.01, le=99.99, allow_inf_nan=False)] | None = _optional(
        "Length of a pause in seconds"
    )


class BlockInsertion(BaseModel):
    """Blocks to insert into a script."""

    model_config = ConfigDict(
        strict=True,
        extra="ignore",
        json_schema_extra={
            "example": {
                "blocks": [
                    {"kind": "chapter", "text": "Loomings"},
                    {"text": "Call me Ishmael."},
                    {"kind": "pause", "seconds": 1.5},
                ]
            }
        },
    )

    blocks: list[BlockRequest] = Field(
        min_length=1, max_length=500, description="A list of 1 to 500 blocks, in order"
    )
    after: str | None = _optional(
        'The id of the block before the new ones, or "start" for the beginning. Default: the end'
    )


class BlockChange(_StyleChange):
    """New values for a block. A value that is left out stays, and null removes a value."""

    kind: Literal["text", "chapter", "pause"] = _optional("Kind of the block")
    text: str = _optional("The text to speak: at most 10,000 characters, or 200 of a chapter")
    textFormat: Literal["plain", "ssml"] = _optional("Format of the text")
    seconds: Annotated[float, Field(ge=0.01, le=99.99, allow_inf_nan=False)] | None = _optional(
        "Length of a pause in seconds. null: none"
    )
    takeId: str | None = _optional(
        "The id of a completed take of the block: the take that renders use. null: the newest take "
        "of the present text, or else the newest of all"
    )
    after: str = _optional(
        'The id of another block, behind which the block moves, or "start" for the beginning'
    )


class TakeRequest(RequestModel):
    """Options of a new take."""

    seed: Annotated[int, BeforeValidator(_whole), Field(ge=0, le=2**32 - 1)] = _optional(
        "A whole number from 0 to 4294967295: another number gives another reading. Default: a "
        "random one"
    )
    choose: bool = Field(
        default=True,
        description="Use the take in renders once it is completed. false: the choice stays",
    )


class RecordingRequest(RequestModel):
    """Blocks to record."""

    blockIds: Annotated[list[str], Field(max_length=1000)] = _optional(
        "A list of ids of at most 1,000 blocks. Default: all blocks of the project"
    )
    cursor: str = _optional("The nextCursor of the response before. Default: the first block")


class ProjectRenderRequest(RequestModel):
    """Form of the file that a project is rendered to."""

    format: WireFormat = Field(
        default=SpeechOptions.format, description="File format of the audio. ogg contains Opus"
    )
    sampleRate: Annotated[SampleRate, BeforeValidator(_whole)] = _optional(
        "Sample rate of the audio in Hz. ogg supports 8000, 16000, 24000 and 48000. Default: "
        "48000 for ogg, 44100 for the other formats"
    )
    channel: Annotated[Literal[1, 2], BeforeValidator(_whole)] = _option(
        SpeechOptions.channels, "Number of channels. Both channels of 2 are the same"
    )
    loudness: WireLoudness = _optional(
        "Loudness of the file, with the targets of a speech request. Default: that of the takes"
    )
    subtitleType: Literal["word"] = _optional(
        "word: one subtitle per word. Default: one subtitle per sentence"
    )
    gap: Annotated[float, Field(ge=0.0, le=10.0, allow_inf_nan=False)] = _optional(
        "Seconds of silence between two blocks that no pause separates. Default: the silence of "
        "their takes, 0.35 s"
    )
    allowStale: bool = Field(
        default=False, description="Use takes whose block was changed after the recording"
    )


class _Style(BaseModel):
    """Voice and controls; null where none are set."""

    modelId: NullableString = Field(description="Voice")
    language: NullableString = Field(description="Language of the speech")
    emotion: NullableString = Field(description="Emotion of the speech")
    speed: NullableNumber = Field(description="Speaking rate")
    pitch: NullableTime = Field(description="Change of the pitch in semitones")
    vol: NullableNumber = Field(description="Volume")


class UnrecordedData(BaseModel):
    """Blocks without a take of their present content, and without one under way."""

    blocks: int = Field(description="Number of these blocks")
    characters: int = Field(description="Characters of their texts")
    cost: float = Field(description="Credits that their takes cost")


class ProjectData(_Style):
    """Project of an account. The voice and controls are those of blocks that set none."""

    id: str = Field(description="Id of the project, proj_…")
    object: str = Field(default="project", description='Always "project"')
    name: str = Field(description="Name of the project")
    version: int = Field(
        description="Number that each change of the script raises. The ETag quotes it"
    )
    blocks: int = Field(description="Number of blocks")
    characters: int = Field(description="Characters of all texts")
    created: int = Field(description="When the project was created, in Unix seconds")
    updated: int = Field(description="When the script was last changed, in Unix seconds")


class OneProjectData(ProjectData):
    """Project with the work that is left."""

    unrecorded: UnrecordedData = Field(description="Blocks that are still to be recorded")


class ProjectResponse(_Envelope):
    """Envelope with a project."""

    data: OneProjectData = Field(description="The project")


class ProjectList(BaseModel):
    """One page of projects."""

    list: Annotated[list[ProjectData], Field(description="Projects, newest first")]
    nextCursor: NullableString = Field(
        description="`cursor` of the next page; null on the last page"
    )


class ProjectListResponse(_Envelope):
    """Envelope with one page of projects."""

    data: ProjectList = Field(description="The page")


class TakeData(BaseModel):
    """Take of a block: the speech of one task, whose result is kept with the project."""

    id: str = Field(description="Id of the take, take_…")
    object: str = Field(default="take", description='Always "take"')
    blockId: str = Field(description="Id of the block")
    taskId: str = Field(description="Id of the task that made the take")
    status: WireStatus = Field(description="State of the task. completed and failed are final")
    progress: int = Field(description="Progress in per cent")
    error: NullableString = Field(description="Why the take failed, as a sentence")
    errorCode: NullableString = Field(description="Stable word of the error, for programs")
    cost: float = Field(
        description="Price in credits, and once the task has ended, the credits charged"
    )
    seed: int = Field(description="Number that another reading has another of")
    text: NullableString = Field(description="Text that the take speaks")
    stale: bool = Field(description="The block would be spoken differently now")
    chosen: bool = Field(description="Renders use the take")
    seconds: NullableNumber = Field(description="Length of the audio in seconds")
    created: int = Field(description="When the take was ordered, in Unix seconds")
    audioUrl: NullableString = Field(description="Link to the audio, a FLAC file")
    subtitleVtt: NullableString = Field(description="Link to the words as WebVTT")
    subtitleJson: NullableString = Field(description="Link to the words as JSON with milliseconds")
    linksExpireAt: NullableTime = Field(
        description="When the links expire, in Unix seconds. Later responses have new links"
    )


class TakeResponse(_Envelope):
    """Envelope with a take."""

    data: TakeData = Field(description="The take")


class TakeList(BaseModel):
    """Takes of a block."""

    list: Annotated[list[TakeData], Field(description="Takes, newest first")]


class TakeListResponse(_Envelope):
    """Envelope with the takes of a block."""

    data: TakeList = Field(description="The takes")


class RefusedBlock(BaseModel):
    """Block that could not be recorded."""

    blockId: str = Field(description="Id of the block")
    error: str = Field(description="Why no take was made, as a sentence")
    errorCode: str = Field(description="Stable word of the error, for programs")


class RecordingData(BaseModel):
    """Takes that a request has ordered."""

    refused: list[RefusedBlock] = Field(description="Blocks that could not be recorded")
    nextCursor: NullableString = Field(
        description="`cursor` of the next request, for the rest of the script; null at the end"
    )
    list: Annotated[list[TakeData], Field(description="The new takes, in the order of the script")]


class RecordingResponse(_Envelope):
    """Envelope with new takes."""

    data: RecordingData = Field(description="The takes")


class BlockData(_Style):
    """Block of a script. Where a voice or control is null, that of the project holds."""

    id: str = Field(description="Id of the block, block_…")
    object: str = Field(default="block", description='Always "block"')
    kind: Literal["text", "chapter", "pause"] = Field(description="Kind of the block")
    text: str = Field(description="Text; empty for a pause")
    textFormat: Literal["plain", "ssml"] = Field(description="Format of the text")
    seconds: NullableNumber = Field(description="Length of a pause in seconds")
    characters: int = Field(description="Characters of the text that a take is charged for")
    version: int = Field(description="Number that each change of the block raises")
    state: Literal["silent", "unrecorded", "recording", "stale", "ready", "failed"] = Field(
        description="silent: nothing to speak. unrecorded: no take. recording: a take is under "
        "way. stale: the take has other words or controls. ready: the take fits. failed: the only "
        "takes failed"
    )
    take: TakeData | None = Field(description="Take that renders use; null without one")
    takeId: NullableString = Field(description="Take that the client chose; null: none")
    takes: int = Field(description="Number of takes")
    recordingId: NullableString = Field(description="Newest take that is under way; null: none")
    created: int = Field(description="When the block was created, in Unix seconds")
    updated: int = Field(description="When the block was last changed, in Unix seconds")


class BlockResponse(_Envelope):
    """Envelope with a block."""

    data: BlockData = Field(description="The block")


class BlockList(BaseModel):
    """Blocks in the order of the script."""

    list: Annotated[list[BlockData], Field(description="The blocks")]
    nextCursor: NullableString = Field(
        description="`cursor` of the next page; null on the last page"
    )
    version: int = Field(description="Version of the project")


class BlockListResponse(_Envelope):
    """Envelope with blocks."""

    data: BlockList = Field(description="The blocks")


class RenderList(BaseModel):
    """One page of renders."""

    list: Annotated[list[ProjectRenderData], Field(description="Renders, newest first")]
    nextCursor: NullableString = Field(
        description="`cursor` of the next page; null on the last page"
    )


class RenderListResponse(_Envelope):
    """Envelope with one page of renders."""

    data: RenderList = Field(description="The page")


def ok(data: object) -> dict[str, object]:
    """Return the envelope of a successful response."""
    return {"code": OK, "msg": "ok", "data": data}
