"""Requests and responses of the MiniMax-compatible API. Field names are MiniMax's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from ...core.requests import SpeechOptions
from ..schemas import ConsentRequest, RequestModel


def _whole(value: object) -> object:
    """Convert a float without a fraction to an integer, as JSON Schema does."""
    if isinstance(value, bool):
        raise ValueError("a boolean is no number")
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _number(value: object) -> object:
    """Convert digits to an integer. Some clients send file ids as texts."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 20:
        return int(value)
    return _whole(value)


FileId = Annotated[int, BeforeValidator(_number)]
WholeNumber = Annotated[int, BeforeValidator(_whole)]

Emotion = Literal[
    "happy",
    "sad",
    "angry",
    "fearful",
    "disgusted",
    "surprised",
    "calm",
    "fluent",
    "whisper",
    "neutral",
]
FileFormat = Literal["mp3", "pcm", "flac", "wav", "pcmu_raw", "pcmu_wav", "opus"]
SampleRate = Literal[8000, 16000, 22050, 24000, 32000, 44100]
BitRate = Literal[32000, 64000, 128000, 256000]


class VoiceSetting(RequestModel):
    """Voice and its controls."""

    voice_id: str | None = Field(
        default=None,
        description="The voice_id of a cloned voice, an id model_…, or a name that only one voice "
        "has",
    )
    speed: Annotated[float, Field(ge=0.5, le=2.0, allow_inf_nan=False)] = Field(
        default=SpeechOptions.speed, description="Speaking rate. 2 is twice as fast as normal"
    )
    vol: Annotated[float, Field(gt=0.0, le=10.0, allow_inf_nan=False)] = Field(
        default=SpeechOptions.volume, description="Volume. 1 is normal"
    )
    pitch: Annotated[WholeNumber, Field(ge=-12, le=12)] = Field(
        default=SpeechOptions.pitch, description="Change of the pitch in semitones"
    )
    emotion: Emotion | None = Field(
        default=None,
        description="Emotion of the speech. calm is neutral. fluent and whisper are ignored",
    )


class AudioSetting(RequestModel):
    """Form of the audio."""

    format: FileFormat = Field(
        default="mp3",
        description="File format of the audio. pcmu_raw and pcmu_wav are µ-law, opus comes in Ogg",
    )
    sample_rate: Annotated[SampleRate, BeforeValidator(_whole)] | None = Field(
        default=None,
        description="Sample rate in Hz. Default: 32000, and 8000 for µ-law. opus takes the next "
        "higher one of 8000, 16000, 24000 and 48000",
    )
    audio_sample_rate: Annotated[SampleRate, BeforeValidator(_whole)] | None = Field(
        default=None, description="The same as `sample_rate`, by the name that t2a_async_v2 uses"
    )
    bitrate: Annotated[BitRate, BeforeValidator(_whole)] = Field(
        default=128000, description="Bit rate of mp3 in bits per second"
    )
    channel: Annotated[Literal[1, 2], BeforeValidator(_whole)] | None = Field(
        default=None,
        description="Number of channels, which are the same. Default: 1, and 2 for t2a_async_v2",
    )


class PronunciationDict(RequestModel):
    """Readings of words."""

    tone: list[str] = Field(
        default=[],
        description='A list of texts "written/spoken", such as "omg/oh my god". Transcriptions in '
        "parentheses are ignored",
    )


class TimbreWeight(RequestModel):
    """Voice of a mixture."""

    voice_id: str = Field(description="A voice_id")
    weight: WholeNumber = Field(default=1, description="Weight of the voice in the mixture")


class SpeechSettings(RequestModel):
    """Fields that all requests for speech have."""

    model: str = Field(
        description="The name of a speech model, such as speech-2.8-hd: the version that the voice "
        "was made with. soundclone-v1 and soundclone-v2 choose a version"
    )
    voice_setting: VoiceSetting = Field(
        default=VoiceSetting(), description="An object with the voice_id: the voice"
    )
    audio_setting: AudioSetting = Field(
        default=AudioSetting(), description='An object such as {"format": "mp3"}: the form'
    )
    language_boost: str | None = Field(
        default=None,
        description='The name of a language, such as "English", or "auto" to detect it: the '
        "language of the text",
    )
    pronunciation_dict: PronunciationDict = Field(
        default=PronunciationDict(),
        description='An object such as {"tone": ["omg/oh my god"]}: readings of words. The price '
        "counts what is spoken",
    )
    timbre_weights: list[TimbreWeight] = Field(
        default=[],
        description="A list with one voice, in place of voice_setting.voice_id. Voices cannot be "
        "mixed",
    )
    voice_modify: dict[str, Any] | None = Field(
        default=None, description="An object with effects, which are ignored"
    )


class T2ARequest(SpeechSettings):
    """Text to speak at once."""

    text: str = Field(
        description="The text to speak: at most 10,000 characters. <#x#> pauses for x seconds, "
        "0.01 to 99.99"
    )
    stream: bool = Field(
        default=False, description="Send the audio while the worker speaks, as server-sent events"
    )
    subtitle_enable: bool = Field(default=False, description="Make subtitles. A stream has none")
    subtitle_type: Literal["sentence", "word", "word_streaming"] = Field(
        default="sentence",
        description="word: with the times of each word. word_streaming is the same",
    )
    output_format: Literal["hex", "url"] = Field(
        default="hex",
        description="hex: the audio in hexadecimal. url: a link to the file. A stream is always "
        "hex",
    )


class T2AAsyncRequest(SpeechSettings):
    """Text to speak in the background."""

    text: str | None = Field(
        default=None, description="The text to speak: at most 10,000 characters"
    )
    text_file_id: FileId | None = Field(
        default=None, description="The file_id of an uploaded UTF-8 text, in place of `text`"
    )


class ClonePrompt(RequestModel):
    """Example of the speaker's manner, which is ignored."""

    prompt_audio: FileId | None = Field(default=None, description="A file_id")
    prompt_text: str | None = Field(default=None, description="The words of the file")


class CloneRequest(RequestModel):
    """Recording to make a voice from."""

    file_id: FileId = Field(
        description="The file_id of an uploaded recording with more than 15 s and less than 60 s "
        "of speech"
    )
    voice_id: str = Field(
        description="An id of 8 to 256 letters, digits, - and _, with a letter first: the id that "
        "the voice gets, and its name"
    )
    text: str | None = Field(
        default=None,
        description="The text of the demo: at most 270 characters. Default: a sentence in the "
        "language of the request or of the recording",
    )
    model: str | None = Field(
        default=None,
        description="The name of a speech model. soundclone-v1 makes a voice for 24 languages, any "
        "other name one for 40",
    )
    language_boost: str | None = Field(
        default=None, description='The name of a language, or "auto": the language of the text'
    )
    clone_prompt: ClonePrompt | None = Field(
        default=None, description="An object with a short example, which is ignored"
    )
    text_validation: str | None = Field(
        default=None, description="The words of the recording, which are not compared"
    )
    consent: ConsentRequest | None = Field(
        default=None,
        description='An object such as {"declaration": "given", "speaker": "Anna"}: the speaker\'s '
        "consent. MiniMax has no such field",
    )


class VoiceListRequest(RequestModel):
    """Kind of voices to list."""

    voice_type: Literal["system", "voice_cloning", "voice_generation", "all"] = Field(
        default="all", description="Kind of the voices. Every voice here is of voice_cloning"
    )


class VoiceDeletion(RequestModel):
    """Voice to delete."""

    voice_id: str = Field(description="The voice_id of a voice")
    voice_type: Literal["voice_cloning", "voice_generation"] = Field(
        default="voice_cloning", description="Kind of the voice, which is not needed"
    )


class FileDeletion(RequestModel):
    """File to delete."""

    file_id: FileId = Field(description="The file_id of a file")
    purpose: str | None = Field(
        default=None, description="Purpose of the file, which is not needed"
    )


class T2AQuery(RequestModel):
    """Task to look at."""

    task_id: FileId = Field(description="The task_id that t2a_async_v2 has returned")


class VoiceDesign(RequestModel):
    """Description of a voice, which is refused."""


class BaseResp(BaseModel):
    """Result of a request."""

    status_code: int = Field(description="0: success. Else the code of the error")
    status_msg: str = Field(description="success, or what was wrong and what would be right")


class _Answer(BaseModel):
    base_resp: BaseResp = Field(description="Result of the request")


class ExtraInfo(BaseModel):
    """Measurements of speech."""

    audio_length: int = Field(description="Duration in milliseconds")
    audio_sample_rate: int = Field(description="Sample rate in Hz")
    audio_size: int = Field(description="Size of the file in bytes")
    bitrate: int = Field(description="Bit rate in bits per second")
    audio_format: str = Field(description="Format of the request")
    audio_channel: int = Field(description="Number of channels")
    invisible_character_ratio: float = Field(
        description="Share of the text's characters that cannot be seen"
    )
    usage_characters: int = Field(description="Characters that are charged")
    word_count: int = Field(description="Words of the text")


class T2AData(BaseModel):
    """Speech."""

    audio: str = Field(description="The file in hexadecimal, or a link to the file")
    status: int = Field(description="1: a part of a stream. 2: complete")
    subtitle_file: str = Field(default="", description="Link to the subtitles as JSON")


class T2AResponse(_Answer):
    """Speech. An error has neither `data` nor `extra_info`."""

    data: T2AData | None = Field(default=None, description="The speech")
    extra_info: ExtraInfo | None = Field(default=None, description="Measurements of the speech")
    trace_id: str = Field(description="Id of the request in the service's log")


class SocketEvent(_Answer):
    """Message of the server on a WebSocket."""

    session_id: str = Field(description="Id of the connection")
    trace_id: str = Field(description="The same")


class ConnectedEvent(SocketEvent):
    """First message: the key is accepted."""

    event: Literal["connected_success"]


class StartedEvent(SocketEvent):
    """Answer to `task_start`: the settings are accepted."""

    event: Literal["task_started"]


class ContinuedEvent(SocketEvent):
    """Piece of the audio of a text, or its end."""

    event: Literal["task_continued"]
    data: T2AData = Field(description="The piece; the last one of a text is empty")
    is_final: bool = Field(description="All of the text's audio is sent")
    extra_info: ExtraInfo | None = Field(
        default=None, description="Measurements of the speech, with the last piece"
    )


class FinishedEvent(SocketEvent):
    """Answer to `task_finish`, after which the server closes the connection."""

    event: Literal["task_finished"]


class FailedEvent(SocketEvent):
    """Error, after which the server closes the connection."""

    event: Literal["task_failed"]


class T2AAsyncResponse(_Answer):
    """Task that speaks in the background."""

    task_id: int | None = Field(default=None, description="Id of the task, for the query")
    file_id: int | None = Field(default=None, description="Id of the file that will be made")
    task_token: str = Field(
        default="", description="Id of the task in the rest of the service: audio_…"
    )
    usage_characters: int = Field(default=0, description="Characters that are charged")


class T2AQueryResponse(_Answer):
    """State of a task. `base_resp.status_msg` is the reason of a failed task."""

    task_id: int | None = Field(default=None, description="Id of the task")
    status: str = Field(default="", description="Processing, Success, Failed or Expired")
    file_id: int | None = Field(default=None, description="Id of the file")


class MiniMaxFile(BaseModel):
    """File of the account."""

    file_id: int = Field(description="Id of the file")
    bytes: int = Field(description="Size in bytes, 0 for a result that is not made yet")
    created_at: int = Field(description="When the file was created, in Unix seconds")
    filename: str = Field(description="Name of the file")
    purpose: str = Field(description="Purpose of the file")
    download_url: str | None = Field(
        default=None, description="Link to the file, which needs no key and expires"
    )


class FileResponse(_Answer):
    """File of the account."""

    file: MiniMaxFile | None = Field(default=None, description="The file")


class FileListResponse(_Answer):
    """Files of the account."""

    files: list[MiniMaxFile] = Field(default=[], description="The files, newest first")


class FileDeletedResponse(_Answer):
    """Deleted file."""

    file_id: int | None = Field(default=None, description="Id of the deleted file")
    deleted: bool = Field(default=False, description="The file is deleted")


class CloneResponse(_Answer):
    """New voice."""

    input_sensitive: bool = Field(default=False, description="Always false")
    input_sensitive_type: int = Field(default=0, description="Always 0")
    demo_audio: str = Field(default="", description="Link to the voice's first words")


class ListedVoice(BaseModel):
    """Voice of the account."""

    voice_id: str = Field(description="Id that the client chose, or model_…")
    voice_name: str = Field(description="Name of the voice")
    description: list[str] = Field(description="Always empty")
    created_time: str = Field(description="Day on which the voice was made")


class VoiceListResponse(_Answer):
    """Voices of the account."""

    system_voice: list[ListedVoice] = Field(default=[], description="Always empty")
    voice_cloning: list[ListedVoice] = Field(
        default=[], description="The account's voices, newest first"
    )
    voice_generation: list[ListedVoice] = Field(default=[], description="Always empty")


class VoiceDeletedResponse(_Answer):
    """Deleted voice."""

    voice_id: str = Field(default="", description="Id of the deleted voice")
    created_time: str = Field(default="", description="Day on which the voice was made")


class RemainsResponse(_Answer):
    """Remaining credits."""

    model_remains: list[str] = Field(default=[], description="Always empty: prices are in credits")
    balance: float = Field(default=0, description="Credits of the account")


class EmptyResponse(_Answer):
    """Response without data."""
