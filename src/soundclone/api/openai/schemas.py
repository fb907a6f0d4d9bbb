"""Requests and responses of the OpenAI-compatible API. Field names are OpenAI's."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..schemas import NullableString, NullableTime, RequestModel


class VoiceId(BaseModel):
    """Voice, named by its id."""

    model_config = ConfigDict(strict=True)

    id: str = Field(description="Id of the voice: model_…")


class SpeechRequest(RequestModel):
    """Text to speak."""

    model: str = Field(
        description="One of the models that GET /v1/models lists: soundclone-v1 or soundclone-v2. "
        "tts-1, tts-1-hd and gpt-4o-mini-tts stand for the version that the voice was made with"
    )
    input: str = Field(
        description="The text to speak: at most 10,000 characters. <#x#> pauses for x seconds, "
        "0.01 to 99.99"
    )
    voice: str | VoiceId = Field(
        description='The id or the name of a voice of this account, or {"id": "model_…"}. A name '
        "matches in any case unless two names differ only in case"
    )
    instructions: str | None = Field(
        default=None,
        description="A text in English that asks for one of the emotions happy, sad, angry, "
        "fearful, disgusted, surprised, neutral, for slow or for fast speech. Other instructions "
        "are ignored, which the header X-Soundclone-Ignored reports",
    )
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] | None = Field(
        default=None,
        description="File format of the audio. opus comes in Ogg, aac in ADTS. Default: mp3",
    )
    speed: Annotated[float | None, Field(ge=0.25, le=4.0, allow_inf_nan=False)] = Field(
        default=None,
        description="Speaking rate. 2 is twice as fast as normal. Default: the pace that the "
        "instructions ask for, else 1",
    )
    stream_format: Literal["audio", "sse"] | None = Field(
        default=None,
        description="audio: the bytes of the file. sse: events with the audio in base64",
    )
    language: str | None = Field(
        default=None,
        description="The name or the BCP 47 tag of the text's language. Default: the language of "
        "each sentence is detected. OpenAI's package sends this field by extra_body",
    )


class ConsentChange(BaseModel):
    """New values for a consent."""

    name: str = Field(description="A text of at most 80 characters: the new name")


class OpenAIModel(BaseModel):
    """Model of the service."""

    id: str = Field(description="Name of the model, for `model` of a request")
    object: str = Field(description='Always "model"')
    created: int = Field(description="When the model was released, in Unix seconds")
    owned_by: str = Field(description='Always "soundclone"')


class OpenAIModelList(BaseModel):
    """Models of the service."""

    object: str = Field(description='Always "list"')
    data: list[OpenAIModel] = Field(description="Every model")


class AudioModel(BaseModel):
    """Model of the service, for chat front ends."""

    id: str = Field(description="Name of the model, for `model` of a request")


class AudioModelList(BaseModel):
    """Models of the service, for chat front ends."""

    models: list[AudioModel] = Field(description="Every model that a request can name")


class OpenAIConsent(BaseModel):
    """Recording in which a speaker agrees."""

    id: str = Field(description="Id of the consent: cons_…")
    object: str = Field(description='Always "audio.voice_consent"')
    created_at: int = Field(description="When the consent was created, in Unix seconds")
    name: str = Field(description="Name of the consent")
    language: str = Field(description="BCP 47 tag of the recording's language")
    purpose: str = Field(description="Use that the speaker agreed to; empty if none was given")
    expires_at: NullableTime = Field(
        description="When the consent ends and its voices are deleted, in Unix seconds; null: never"
    )


class OpenAIConsentList(BaseModel):
    """One page of consents."""

    object: str = Field(description='Always "list"')
    data: list[OpenAIConsent] = Field(description="Items of the page, newest first")
    first_id: NullableString = Field(description="Id of the first consent of the page")
    last_id: NullableString = Field(
        description="Id of the last item of the page, for `after` of the next page"
    )
    has_more: bool = Field(description="There is another page")


class OpenAIVoice(BaseModel):
    """Voice of the account."""

    id: str = Field(description="Id of the voice: model_…")
    object: str = Field(description='Always "audio.voice"')
    created_at: int = Field(description="When the voice was made, in Unix seconds")
    name: str = Field(description="Name of the voice; the id of a voice without a name")
    type: str = Field(description='Always "audio_sample"')
    consent: NullableString = Field(description="Id of the consent that the voice was made with")
    expires_at: NullableTime = Field(
        description="When the unused voice expires, in Unix seconds. Once the voice is used: when "
        "its consent ends; null: never"
    )


class OpenAIVoiceList(BaseModel):
    """Voices of the account: all voices or one page."""

    object: str = Field(description='Always "list"')
    data: list[OpenAIVoice] = Field(description="Items of the page, newest first")
    voices: list[OpenAIVoice] = Field(
        description="The same as `data`, for clients that read this field"
    )
    first_id: NullableString = Field(description="Id of the first voice of the page")
    last_id: NullableString = Field(
        description="Id of the last item of the page, for `after` of the next page"
    )
    has_more: bool = Field(description="There is another page")


class OpenAIDeleted(BaseModel):
    """Deleted voice or consent."""

    id: str = Field(description="Id of the deleted voice or consent")
    object: str = Field(description='"audio.voice.deleted" or "audio.voice_consent"')
    deleted: bool = Field(description="Always true")


class OpenAIErrorDetail(BaseModel):
    """Error of a request."""

    message: str = Field(
        description="A sentence for people: what was wrong and what would be right"
    )
    type: str = Field(
        description="invalid_request_error, insufficient_quota, rate_limit_error or server_error"
    )
    param: NullableString = Field(description="Name of the parameter that was wrong, or null")
    code: str = Field(description="Stable word of the error, for programs")


class OpenAIError(BaseModel):
    """Response to a request that failed."""

    error: OpenAIErrorDetail = Field(description="The error")


def page(rows: list[dict[str, object]], *, more: bool) -> dict[str, object]:
    """Return one page of a list in OpenAI's format."""
    return {
        "object": "list",
        "data": rows,
        "first_id": rows[0]["id"] if rows else None,
        "last_id": rows[-1]["id"] if rows else None,
        "has_more": more,
    }
