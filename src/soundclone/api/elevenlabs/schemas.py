"""Requests and responses of the ElevenLabs-compatible API. Field names are ElevenLabs'."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from ..schemas import NullableString, RequestModel


class VoiceSettings(BaseModel):
    """Controls of the voice. Only `speed` has an effect."""

    model_config = ConfigDict(extra="ignore")

    speed: Annotated[float | None, Field(ge=0.5, le=2.0, allow_inf_nan=False)] = Field(
        default=None, description="Speaking rate. 2 is twice as fast as normal. Default: 1"
    )
    stability: float | None = Field(default=None, description="Ignored")
    similarity_boost: float | None = Field(default=None, description="Ignored")
    style: float | None = Field(default=None, description="Ignored")
    use_speaker_boost: bool | None = Field(default=None, description="Ignored")


class TextToSpeechRequest(RequestModel):
    """Text to speak. Further fields have no effect."""

    model_config = ConfigDict(extra="allow")

    text: str = Field(
        description="The text to speak: at most 10,000 characters. <#x#> pauses for x seconds, "
        "0.01 to 99.99"
    )
    model_id: str | None = Field(
        default=None,
        description="soundclone-v1 or soundclone-v2. Any other name stands for the version that "
        "the voice was made with",
    )
    language_code: str | None = Field(
        default=None,
        description="The code or the name of the text's language. Default: the language of each "
        "sentence is detected",
    )
    voice_settings: VoiceSettings | None = Field(
        default=None, description="Controls of the voice. Only speed has an effect"
    )
    pronunciation_dictionary_locators: list[object] | None = Field(
        default=None, description="An empty list: there are no pronunciation dictionaries here"
    )


class ElevenLabsSettings(BaseModel):
    """Settings of a voice."""

    stability: float = Field(description="Always 0.5; has no effect")
    similarity_boost: float = Field(description="Always 0.75; has no effect")
    style: float = Field(description="Always 0; has no effect")
    use_speaker_boost: bool = Field(description="Always true; has no effect")
    speed: float = Field(description="Always 1. A request for speech can name another one")


class ElevenLabsSample(BaseModel):
    """Recording that a voice was made from."""

    sample_id: str = Field(description="Id of the recording")
    file_name: str = Field(description='Always "recording.flac"')
    mime_type: str = Field(description='Always "audio/flac"')
    duration_secs: float = Field(description="Seconds of speech")


class ElevenLabsVoice(BaseModel):
    """Voice of the account."""

    voice_id: str = Field(description="Id of the voice: model_…")
    name: str = Field(description="Name of the voice; the id of a voice without a name")
    category: str = Field(description='Always "cloned"')
    labels: dict[str, str] = Field(description="`language`, where the recording's is known")
    description: str = Field(description="Always empty")
    samples: list[ElevenLabsSample] = Field(description="The recording of the voice")
    settings: ElevenLabsSettings = Field(description="Settings, which are the same for all voices")
    preview_url: NullableString = Field(description="Always null")
    is_owner: bool = Field(description="Always true")
    created_at_unix: int = Field(description="When the voice was made, in Unix seconds")


class ElevenLabsVoices(BaseModel):
    """Voices of the account."""

    voices: list[ElevenLabsVoice] = Field(description="Every voice, newest first")


class ElevenLabsVoicePage(BaseModel):
    """One page of voices."""

    voices: list[ElevenLabsVoice] = Field(description="Voices of the page")
    has_more: bool = Field(description="There is another page")
    total_count: int = Field(description="Number of voices that match")
    next_page_token: NullableString = Field(
        description="Value of `next_page_token` for the next page; null: this is the last page"
    )


class ElevenLabsAdded(BaseModel):
    """Voice that was made."""

    voice_id: str = Field(description="Id of the voice: model_…")
    requires_verification: bool = Field(description="Always false")
    name: str = Field(description="Name of the voice")
    category: str = Field(description='Always "cloned"')
    description: str = Field(description="The description of the request, which is not kept")


class ElevenLabsStatus(BaseModel):
    """Success of a change."""

    status: str = Field(description='Always "ok"')


class ElevenLabsAlignment(BaseModel):
    """Times of the characters of a text, in seconds from the start of the audio."""

    characters: list[str] = Field(description="Characters of the text")
    character_start_times_seconds: list[float] = Field(description="Start of each character")
    character_end_times_seconds: list[float] = Field(description="End of each character")


class _SocketMessage(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class ElevenLabsSocketAlignment(_SocketMessage):
    """Times of the characters of a text, in milliseconds from the start of the message's audio."""

    chars: list[str] = Field(description="Characters of the text")
    char_start_times_ms: list[int] = Field(description="Start of each character")
    char_durations_ms: list[int] = Field(description="Duration of each character")


class ElevenLabsSocketAudio(_SocketMessage):
    """Piece of the audio, or the end of a text."""

    audio: str = Field(
        description="Bytes in base64; empty at the end of a text",
        json_schema_extra={"contentEncoding": "base64"},
    )
    is_final: bool | None = Field(description="true: all of the text is spoken. Else null")
    alignment: ElevenLabsSocketAlignment | None = Field(
        default=None, description="Times of the characters of the audio that begins here"
    )
    normalized_alignment: ElevenLabsSocketAlignment | None = Field(
        default=None, description="The same"
    )
    context_id: str | None = Field(
        default=None, description="The context_id of the text, on multi-stream-input"
    )


class ElevenLabsSocketError(_SocketMessage):
    """Error, after which the server closes the connection."""

    message: str = Field(description="The value, what is wrong with it and what would be right")
    error: str = Field(description="Stable word of the error, for programs")
    code: int = Field(description="HTTP status of the error")


class ElevenLabsTimedSpeech(BaseModel):
    """Audio with the times of its characters."""

    audio_base64: str = Field(description="The audio")
    alignment: ElevenLabsAlignment = Field(description="Times of the characters")
    normalized_alignment: ElevenLabsAlignment = Field(description="The same")


class ElevenLabsLanguage(BaseModel):
    """Language of a model."""

    language_id: str = Field(description="BCP 47 tag")
    name: str = Field(description="Name in English")


class ElevenLabsModel(BaseModel):
    """Model of the service."""

    model_id: str = Field(description="Name for `model_id` of a request")
    name: str = Field(description="Name for people")
    description: str = Field(description="Meaning of the name")
    can_do_text_to_speech: bool = Field(description="Always true")
    can_do_voice_conversion: bool = Field(description="Always true")
    can_be_finetuned: bool = Field(description="Always false")
    can_use_style: bool = Field(description="Always false")
    can_use_speaker_boost: bool = Field(description="Always false")
    serves_pro_voices: bool = Field(description="Always false")
    token_cost_factor: float = Field(description="Always 1")
    max_characters_request_free_user: int = Field(description="Most characters of a text")
    max_characters_request_subscribed_user: int = Field(description="Most characters of a text")
    maximum_text_length_per_request: int = Field(description="Most characters of a text")
    languages: list[ElevenLabsLanguage] = Field(description="Languages that the model speaks")


class ElevenLabsSubscription(BaseModel):
    """Credits of the account, as characters of speech."""

    tier: str = Field(description='Always "soundclone"')
    status: str = Field(description='Always "active"')
    character_count: int = Field(description="Characters that the used credits paid for")
    character_limit: int = Field(description="These, and the characters that can still be paid")
    can_extend_character_limit: bool = Field(description="Always false")
    allowed_to_extend_character_limit: bool = Field(description="Always false")
    voice_slots_used: int = Field(description="Number of voices")
    can_use_instant_voice_cloning: bool = Field(description="The key may make voices")
    can_use_professional_voice_cloning: bool = Field(description="Always false")


class ElevenLabsUser(BaseModel):
    """Account of the key."""

    user_id: str = Field(description="Id of the account")
    first_name: str = Field(description="Name of the account")
    is_new_user: bool = Field(description="Always false")
    subscription: ElevenLabsSubscription = Field(description="Credits of the account")


class ElevenLabsUsage(BaseModel):
    """Usage over time."""

    time: list[int] = Field(description="Start of each interval, in Unix milliseconds")
    usage: dict[str, list[int]] = Field(description="`All`: the usage of each interval")


class ElevenLabsDownload(RequestModel):
    """Items whose audio to return."""

    history_item_ids: Annotated[list[str], Field(min_length=1, max_length=100)] = Field(
        description="A list of 1 to 100 ids of items"
    )
    output_format: Literal["default"] | None = Field(
        default=None, description="default: items have the formats in which they were made"
    )


class ElevenLabsHistoryItem(BaseModel):
    """Speech or a conversion that was made."""

    history_item_id: str = Field(description="Id of the task: audio_…")
    request_id: str = Field(description="The same")
    voice_id: str = Field(description="Id of the voice")
    voice_name: NullableString = Field(description="Name of the voice, if it still exists")
    voice_category: str = Field(description='Always "cloned"')
    model_id: NullableString = Field(
        description="soundclone-v1 or soundclone-v2; null for a conversion"
    )
    text: str = Field(description="The text; empty for a conversion")
    date_unix: int = Field(description="When the task was submitted, in Unix seconds")
    character_count_change_from: int = Field(description="Always 0")
    character_count_change_to: int = Field(
        description="The charge as characters of speech, as `character_count` of the account "
        "counts it"
    )
    content_type: str = Field(description="Media type of the audio")
    state: str = Field(description='Always "created"')
    source: str = Field(description="TTS: speech. STS: a conversion")


class ElevenLabsHistory(BaseModel):
    """One page of the account's speech and conversions."""

    history: list[ElevenLabsHistoryItem] = Field(description="Items of the page, newest first")
    last_history_item_id: NullableString = Field(description="Id of the last item of the page")
    has_more: bool = Field(description="There is another page")


class ElevenLabsErrorDetail(BaseModel):
    """Error of a request."""

    status: str = Field(description="Stable word of the error, for programs")
    message: str = Field(
        description="A sentence for people: what was wrong and what would be right"
    )


class ElevenLabsFieldError(BaseModel):
    """Wrong field of a request."""

    loc: list[str] = Field(description="Place of the field")
    msg: str = Field(description="A sentence for people: what was wrong and what would be right")
    type: str = Field(description='Always "value_error"')


class ElevenLabsError(BaseModel):
    """Response to a request that failed."""

    detail: ElevenLabsErrorDetail | list[ElevenLabsFieldError] = Field(description="The error")
