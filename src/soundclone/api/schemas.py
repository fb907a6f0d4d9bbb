"""What requests and responses look like on the wire; the names are the contract's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

OK = 20000

NullableString = Annotated[str | None, WithJsonSchema({"type": ["string", "null"]})]
Status = Literal["queued", "processing", "completed", "failed"]
SoundVersion = Literal["v1", "v2"]
Emotion = Literal["happy", "sad", "angry", "fearful", "disgusted", "surprised", "neutral"]


Format = Literal["mp3", "wav", "flac", "ogg"]
SampleRate = Literal[8000, 16000, 22050, 24000, 32000, 44100, 48000]
OPUS_RATES = (8000, 16000, 24000, 48000)  # all that ogg has


def _whole(value: Any) -> Any:
    """8.0 is an integer in JSON Schema, and for clients whose numbers are all floats; true is
    none, though Python has it equal 1."""
    if isinstance(value, bool):
        raise ValueError("a boolean is no number")
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _without_default(schema: dict[str, Any]) -> None:
    del schema["default"]


def _optional(description: str) -> Any:
    """A field that may be left out. The schema has no null, as the contract's has none."""
    return Field(
        default=None,
        description=description,
        json_schema_extra=_without_default,
    )


class RequestModel(BaseModel):
    """The body of a request. `null` or an empty text for an optional field means that the field
    was not given: clients in many languages serialise an option so that nobody has set."""

    # Strict, because a lax model takes false for 0 and "1.5" for 1.5.
    model_config = ConfigDict(strict=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _given(cls, body: Any) -> Any:
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
        "own: the voice is that of whoever sends the request; given: the speaker agreed"
    )
    speaker: str = _optional("The speaker's name, at most 200 characters; needed with given")
    recording: str = _optional(
        "The `cons_…` id of a voice consent, an upload link of this service, or a public http(s) "
        "URL: at least 2 s of the speaker's speech, at most 10 MiB. The task fails with "
        "`consent_mismatch` when somebody else speaks."
    )


class SoundCloneCloneRequest(RequestModel):
    """A recording to make a voice of, and what to say with it."""

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
        description="Public http(s) URL of the recording: audio or video with more than 15 s and "
        "less than 60 s of speech. An upload link of this service will do."
    )
    contentText: str = _optional(
        "What the preview says: at most 270 characters. Left out, a line of ours in the "
        "language, English for auto."
    )
    soundVersion: SoundVersion = Field(
        default="v1", description="v1 speaks 24 languages, v2 speaks 40"
    )
    language: str = Field(default="auto", description="Language of the text; auto detects it")
    name: str = _optional("A name for the voice: at most 80 characters")
    consent: ConsentRequest = _optional("The speaker's consent, which is kept with the voice")


class SoundCloneAudioRequest(RequestModel):
    """A text to be said in a cloned voice."""

    modelId: str = Field(description="The voice: what a completed preview reports")
    contentText: str = Field(
        description="At most 10,000 characters; <#x#> pauses x seconds, 0.01 to 99.99"
    )
    soundVersion: SoundVersion = _optional("Left out, the version that the voice was made with")
    language: str = Field(default="auto", description="Language of the text; auto detects it")
    emotion: Emotion = Field(default="neutral", description="How the text is spoken")
    speed: float = Field(
        default=1.0,
        ge=0.5,
        le=2.0,
        allow_inf_nan=False,
        description="Rate of speech; 2 is twice as fast",
    )
    vol: float = Field(
        default=1.0,
        gt=0.0,
        le=10.0,
        allow_inf_nan=False,
        description="Loudness; 1 is the usual one",
    )
    pitch: Annotated[int, BeforeValidator(_whole)] = Field(
        default=0, ge=-12, le=12, description="Semitones"
    )
    subtitleEnable: bool = Field(
        default=False, description="Make subtitles: `subtitleFile` of the completed task"
    )
    subtitleType: Literal["word"] = _optional("Left out, one subtitle a sentence")
    format: Format = Field(default="mp3", description="Of the audio; ogg has Opus in it")
    sampleRate: Annotated[SampleRate, BeforeValidator(_whole)] = _optional(
        "Hz, of the audio. Left out, 44100, and 48000 for ogg, which has 8000, 16000, 24000 and "
        "48000"
    )
    channel: Annotated[Literal[1, 2], BeforeValidator(_whole)] = Field(
        default=1, description="Channels of the audio; of two, both are the same"
    )


NEEDED: dict[str, str] = {
    "fileUrl": "the public http(s) URL of a recording",
    "contentText": "a text",
    "soundVersion": '"v1" or "v2"',
    "language": 'the name of a language, such as "English", or "auto"',
    "modelId": "the modelId of a completed preview",
    "emotion": "one of happy, sad, angry, fearful, disgusted, surprised, neutral",
    "speed": "a number from 0.5 to 2",
    "vol": "a number above 0 and up to 10",
    "pitch": "a whole number of semitones from -12 to 12",
    "subtitleEnable": "true or false",
    "subtitleType": '"word", or nothing for one subtitle a sentence',
    "format": "one of mp3, wav, flac, ogg",
    "sampleRate": "one of 8000, 16000, 22050, 24000, 32000, 44100, 48000",
    "channel": "1 or 2",
    "Idempotency-Key": "1 to 255 printable ASCII characters",
    "file": "a multipart field with the recording",
    "name": "a text of at most 80 characters",
    "consent": 'an object such as {"declaration": "given", "speaker": "Anna"}',
    "consent.declaration": '"own" or "given"',
    "consent.speaker": "the speaker's name",
    "consent.recording": "the id of a voice consent, cons_…, or an http(s) URL",
    "status": "one of queued, processing, completed, failed",
    "kind": "clone or audio",
    "limit": "a whole number from 1 to 100",
    "cursor": "the nextCursor of the page before",
    "expires": "part of a link to a file, which must be used as the service gave it",
    "signature": "part of a link to a file, which must be used as the service gave it",
}
"""What each field takes, for the sentence that refuses another value."""


def _nothing_required(schema: dict[str, Any]) -> None:
    schema.pop("required", None)


class _Data(BaseModel):
    # An error has the same status 200 on the contract's paths, with another `data`.
    model_config = ConfigDict(json_schema_extra=_nothing_required)


class SoundCloneTaskData(_Data):
    """A task as it stands. The fields after `error` are there once they have a value."""

    id: str = Field(description="Name of the task, for `GET …/audios/{id}`")
    object: str = Field(json_schema_extra={"example": "audio"}, description='Always "audio"')
    created: int = Field(json_schema_extra={"format": "int64"}, description="Unix seconds")
    model: Literal["soundCloningClone", "soundCloningAudio"] = Field(
        description="soundCloningClone: a preview. soundCloningAudio: production speech"
    )
    status: Status = Field(description="completed and failed are final")
    error: NullableString = Field(
        default=None, description="Why the task failed, in a sentence; null for any other task"
    )
    errorCode: str | None = Field(default=None, description="Stable machine word of the error")
    progress: int | None = Field(default=None, description="Per cent")
    cost: float | None = Field(
        default=None,
        description="Credits: the price, and once the task has ended, what was charged",
    )
    modelId: str | None = Field(default=None, description="The new voice, of a completed preview")
    audioUrl: str | None = Field(default=None, description="The audio, by a link that expires")
    subtitleFile: str | None = Field(default=None, description="SRT, by a link that expires")
    subtitleJson: str | None = Field(default=None, description="The same with milliseconds")
    expiresAt: int | None = Field(
        default=None,
        description="When the result and its links expire, in Unix seconds. The voice of a preview "
        "has a time of its own: `voiceExpiresAt`",
    )
    voiceExpiresAt: int | None = Field(
        default=None,
        description="When the voice of a completed preview expires, in Unix seconds, unless a "
        "production task uses the voice before",
    )
    seconds: float | None = Field(default=None, description="Length of the audio")
    engine: str | None = Field(default=None, description="Which engine spoke")
    language: str | None = Field(default=None, description="What the text was spoken as")
    languages: list[str] | None = Field(
        default=None, description="All that its sentences were spoken as"
    )
    speechSeconds: float | None = Field(
        default=None, description="Speech found in the recording, of a preview"
    )
    warnings: list[str] | None = Field(
        default=None, description="What is weak about the recording, of a preview"
    )


class _Envelope(BaseModel):
    code: int = Field(
        json_schema_extra={"example": OK},
        description="20000: good. 20001: the key is missing or wrong. 20002: the request cannot be "
        "served as it is. -1: any other error",
    )
    msg: str = Field(
        json_schema_extra={"example": "ok"},
        description="A sentence for people: ok, or what was wrong and what would be right",
    )


class SoundCloneApiResponse(_Envelope):
    data: SoundCloneTaskData


class TaskList(BaseModel):
    list: Annotated[
        list[SoundCloneTaskData], Field(description="One page of tasks, the newest first")
    ]
    nextCursor: NullableString = Field(
        description="`cursor` of the next page; null on the last page"
    )


class TaskListResponse(_Envelope):
    data: TaskList


class ErrorData(BaseModel):
    errorCode: str = Field(description="Stable word of the error, for programs")


class ErrorResponse(_Envelope):
    """`code` is 20001 for a bad key, 20002 for a bad request, -1 for all else."""

    data: ErrorData


class UploadData(_Data):
    url: str = Field(
        description="Use as `fileUrl` of a preview. Whoever has the link can read the file"
    )
    filename: str = Field(description="Name that the client gave the file")
    size: int = Field(description="Bytes")
    mime_type: str = Field(description="Media type that the ending of the name stands for")


class UploadResponse(_Envelope):
    data: UploadData


class UserBalanceData(_Data):
    balance: float = Field(description="All that was ever credited")
    used_coin: float = Field(description="Charges less refunds, over all keys")
    available: float = Field(description="What can be spent now")


class UserBalanceResponse(_Envelope):
    data: UserBalanceData


class KeyBalanceData(_Data):
    name: str = Field(description="Name of the key")
    total_quota: float = Field(description="Most credits that the key may spend; 0 when unlimited")
    used_quota: float = Field(description="Credits that the key has spent")
    available_quota: float = Field(
        description="Credits that the key may still spend. For an unlimited key, what the account "
        "can spend"
    )
    unlimited: bool = Field(description="The key has no quota of its own")


class KeyBalanceResponse(_Envelope):
    data: KeyBalanceData


class CatalogRow(BaseModel):
    model_name: str = Field(description="Name of the price, for programs")
    display_name: str = Field(description="Name of the price, for people")
    model_type: str = Field(description='Always "audio"')
    price_mode: str = Field(
        description='"per_10k_char": for 10,000 characters, pro rata. Any other: for each task'
    )
    unit_price: float = Field(description="Credits")
    remark: str = Field(description="What the price is for, in a sentence")


class CatalogData(_Data):
    list: Annotated[list[CatalogRow], Field(description="One row for each price")]


class CatalogResponse(_Envelope):
    data: CatalogData


class ConsentCheck(BaseModel):
    """A comparison of the consent recording with the sample."""

    similarity: float = Field(description="How alike the two speakers are: at most 1")
    needed: float = Field(description="Similarity below which the task would have failed")
    speechSeconds: float = Field(description="Speech found in the consent recording")
    encoder: str = Field(description="Version of the network that compared them")
    at: float = Field(description="Unix seconds")


class VoiceConsent(BaseModel):
    """The speaker's consent, as it was given with the voice."""

    statement: str = Field(description="Sentence that the consent was given in")
    speaker: str = Field(description="Name of the speaker, where somebody else declared it")
    at: int = Field(description="Unix seconds")
    recording: NullableString = Field(description="Id of the voice consent, where one was named")
    verified: ConsentCheck | None = Field(description="null without a recording")


class VoiceData(BaseModel):
    modelId: str = Field(description="What production requests name the voice by")
    object: str = Field(default="voice", description='Always "voice"')
    name: NullableString = Field(description="Name that the account gave the voice, or null")
    created: int = Field(description="When the voice was made, in Unix seconds")
    soundVersion: SoundVersion = Field(description="Version that the voice was made with")
    engine: str = Field(description="Engine that made the voice")
    licence: str = Field(description="Licence of that engine's model")
    language: NullableString = Field(
        description="Language of the recording; null where the service does not know it"
    )
    speechSeconds: float = Field(description="Seconds of speech in the recording")
    active: bool = Field(
        description="A production task has used the voice, and it no longer expires"
    )
    expiresAt: Annotated[int | None, WithJsonSchema({"type": ["integer", "null"]})] = Field(
        description="When the voice expires, in Unix seconds, unless a production task uses it "
        "before; null for an active voice"
    )
    consent: VoiceConsent | None = Field(description="null where none was given")


class VoiceList(BaseModel):
    list: Annotated[
        list[VoiceData], Field(description="Every voice that can be used now, the newest first")
    ]


class VoiceListResponse(_Envelope):
    data: VoiceList


class VoiceResponse(_Envelope):
    data: VoiceData


class VoiceChange(RequestModel):
    """New values for a voice."""

    name: str = Field(
        description="New name: at most 80 characters, without control characters. An empty text "
        "removes the name"
    )


class LanguageEngines(BaseModel):
    """The engine that speaks the language in each soundVersion. null: this service has no such
    engine. A soundVersion without the language is left out."""

    v1: NullableString = Field(default=None, description="Engine for soundVersion v1")
    v2: NullableString = Field(default=None, description="Engine for soundVersion v2")


class LanguageData(BaseModel):
    name: str = Field(description="What `language` takes")
    code: str = Field(description="BCP 47; `language` takes it as well")
    engines: LanguageEngines


class LanguageList(BaseModel):
    list: Annotated[list[LanguageData], Field(description="One row for each language")]


class LanguageListResponse(_Envelope):
    data: LanguageList


class DeletedData(BaseModel):
    modelId: str = Field(description="The voice that was deleted")
    deleted: bool = Field(description="Always true")


class DeletedResponse(_Envelope):
    data: DeletedData


def ok(data: Any) -> dict[str, Any]:
    """The envelope of a good answer."""
    return {"code": OK, "msg": "ok", "data": data}
