"""Requests and answers of OpenAI's speech interface; the names are OpenAI's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from ..schemas import NullableString, RequestModel

NullableTime = Annotated[int | None, WithJsonSchema({"type": ["integer", "null"]})]


class VoiceId(BaseModel):
    """A voice by its id alone."""

    model_config = ConfigDict(strict=True)

    id: str = Field(description="Id of the voice: model_…")


class SpeechRequest(RequestModel):
    """A text to be spoken, as OpenAI's clients ask for it."""

    model: str = Field(
        description="soundclone-v1 or soundclone-v2; tts-1, tts-1-hd and gpt-4o-mini-tts stand for "
        "the version that the voice was made with"
    )
    input: str = Field(
        description="The text: at most 10,000 characters; <#x#> pauses x seconds, 0.01 to 99.99"
    )
    voice: str | VoiceId = Field(
        description="Id or name of a voice of the account. Upper and lower case of a name are the "
        "same unless two voices differ in case alone"
    )
    instructions: str | None = Field(
        default=None,
        description="English that asks for one of happy, sad, angry, fearful, disgusted, "
        "surprised, neutral. Any other instructions are ignored, which the header "
        "X-Soundclone-Ignored reports",
    )
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] | None = Field(
        default=None, description="Left out, mp3. opus is in Ogg, aac in ADTS"
    )
    speed: Annotated[float | None, Field(ge=0.5, le=2.0, allow_inf_nan=False)] = Field(
        default=None, description="Rate of speech; left out, 1"
    )
    stream_format: Literal["audio", "sse"] | None = Field(
        default=None, description="audio: bytes. sse: events with audio in base64"
    )
    language: str | None = Field(
        default=None,
        description="Name or BCP 47 tag of the text's language; left out, each sentence's language "
        "is detected. OpenAI's package sends this field by extra_body",
    )


class ConsentChange(BaseModel):
    """New values for a consent."""

    name: str = Field(description="New name, at most 80 characters")


class OpenAIModel(BaseModel):
    """A model of the service."""

    id: str = Field(description="What requests name the model by")
    object: str = Field(description='Always "model"')
    created: int = Field(description="Unix seconds")
    owned_by: str = Field(description='Always "soundclone"')


class OpenAIModelList(BaseModel):
    """The service's models."""

    object: str = Field(description='Always "list"')
    data: list[OpenAIModel] = Field(description="Every model")


class OpenAIConsent(BaseModel):
    """A recording in which a speaker agrees."""

    id: str = Field(description="Id of the consent: cons_…")
    object: str = Field(description='Always "audio.voice_consent"')
    created_at: int = Field(description="Unix seconds")
    name: str = Field(description="Name of the consent")
    language: str = Field(description="BCP 47 tag of the recording's language")


class OpenAIConsentList(BaseModel):
    """One page of consents."""

    object: str = Field(description='Always "list"')
    data: list[OpenAIConsent] = Field(description="The newest first")
    first_id: NullableString = Field(description="Id of the first consent of the page")
    last_id: NullableString = Field(description="Id of the last: `after` of the next page")
    has_more: bool = Field(description="There is another page")


class OpenAIVoice(BaseModel):
    """A voice of the account."""

    id: str = Field(description="Id of the voice: model_…")
    object: str = Field(description='Always "audio.voice"')
    created_at: int = Field(description="Unix seconds")
    name: str = Field(description="Name of the voice; the id of a voice without a name")
    type: str = Field(description='Always "audio_sample"')
    consent: NullableString = Field(description="Id of the consent that the voice was made with")
    expires_at: NullableTime = Field(
        description="When the unused voice expires, in Unix seconds; null once it is used"
    )


class OpenAIVoiceList(BaseModel):
    """Voices of the account, all or one page."""

    object: str = Field(description='Always "list"')
    data: list[OpenAIVoice] = Field(description="The newest first")
    voices: list[OpenAIVoice] = Field(
        description="The same as `data`, for clients that read this field"
    )
    first_id: NullableString = Field(description="Id of the first voice of the page")
    last_id: NullableString = Field(description="Id of the last: `after` of the next page")
    has_more: bool = Field(description="There is another page")


class OpenAIDeleted(BaseModel):
    """A deleted voice or consent."""

    id: str = Field(description="Id of what was deleted")
    object: str = Field(description="Kind of what was deleted")
    deleted: bool = Field(description="Always true")


class OpenAIErrorDetail(BaseModel):
    """An error."""

    message: str = Field(description="A sentence for people: what was wrong and would be right")
    type: str = Field(
        description="invalid_request_error, insufficient_quota, rate_limit_error or server_error"
    )
    param: NullableString = Field(description="Name of the parameter that was wrong")
    code: str = Field(description="Stable word of the error, for programs")


class OpenAIError(BaseModel):
    """The answer to a request that was refused or failed."""

    error: OpenAIErrorDetail = Field(description="The error")


def page(rows: list[dict[str, Any]], *, more: bool) -> dict[str, Any]:
    """A list as OpenAI's clients page through it."""
    return {
        "object": "list",
        "data": rows,
        "first_id": rows[0]["id"] if rows else None,
        "last_id": rows[-1]["id"] if rows else None,
        "has_more": more,
    }
