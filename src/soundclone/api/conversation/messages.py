"""Messages of a conversation, which the AsyncAPI document describes."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from ...core.requests import AudioFormat
from ..schemas import RequestModel, SampleRate, WireEmotion

FORMATS = {
    "pcm": AudioFormat.PCM,
    "mp3": AudioFormat.MP3,
    "opus": AudioFormat.OGG,
    "aac": AudioFormat.AAC,
    "ulaw": AudioFormat.ULAW,
    "alaw": AudioFormat.ALAW,
}
LONGEST_PENDING = 10_000  # characters that have arrived and are not spoken


def _option(description: str, default: Any = None) -> Any:
    return Field(default=default, description=description)


class ClientMessage(RequestModel):
    """Message of a client. Unknown fields are refused, so that a misspelt option is noticed."""

    model_config = ConfigDict(extra="forbid")


class Start(ClientMessage):
    """First message: the options of the session."""

    type: Literal["start"]
    voice: str = Field(description="The id or the name of a voice of the account")
    api_key: str | None = _option("An API key: sk_…, for clients that cannot set headers")
    model: str | None = _option(
        "A model that GET /v1/models lists. Default: the version that the voice was made with"
    )
    language: str | None = _option(
        "The name or the BCP 47 tag of the text's language. Default: the language is detected"
    )
    emotion: WireEmotion | None = _option("The emotion of the speech. Default: neutral")
    speed: Annotated[float, Field(ge=0.25, le=4.0, allow_inf_nan=False)] | None = _option(
        "Speaking rate, 2 is twice as fast. Default: 1"
    )
    pitch: Annotated[int, Field(ge=-12, le=12)] | None = _option("Pitch shift in semitones")
    volume: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] | None = _option(
        "Loudness. Default: 1"
    )
    format: Literal["pcm", "mp3", "opus", "aac", "ulaw", "alaw"] = _option(
        "Encoding of the audio. pcm has 16 bits, little-endian, one channel, and no gap between "
        "two clauses. opus is one Ogg stream for each clause",
        "pcm",
    )
    sample_rate: SampleRate | None = _option(
        "Samples per second. Default: 24000 for pcm, 8000 for ulaw and alaw, else the usual one"
    )
    audio: Literal["base64", "binary"] = _option(
        "base64: messages `audio`. binary: binary frames, which belong to the last `clause`",
        "base64",
    )
    words: bool = _option("true: messages `words` with the time of each word", False)
    ahead: Annotated[float, Field(ge=1, le=600, allow_inf_nan=False)] | None = _option(
        "Seconds of audio that are sent before the listener hears them, so that a cancelled "
        "answer costs little. Default: no limit"
    )
    idle: Annotated[float, Field(ge=1, le=180, allow_inf_nan=False)] = _option(
        "Seconds without a message and without speech after which the server ends the session",
        20.0,
    )


class Text(ClientMessage):
    """Piece of the text, of any length from a letter on."""

    type: Literal["text"]
    text: Annotated[str, Field(max_length=LONGEST_PENDING)] = Field(
        description="A text of at most 10,000 characters. A piece needs no particular end: words "
        "and numbers may be cut. <#x#> pauses for x seconds"
    )


class Flush(ClientMessage):
    """Request to speak all of the text now, at the end of an answer."""

    type: Literal["flush"]


class Cancel(ClientMessage):
    """Request to end the present speech. Text that is not spoken is dropped."""

    type: Literal["cancel"]


class Ping(ClientMessage):
    """Sign of life, which the server answers with `pong`."""

    type: Literal["ping"]


class Close(ClientMessage):
    """Request to speak the rest of the text and to end the session."""

    type: Literal["close"]


CLIENT_MESSAGES: tuple[type[ClientMessage], ...] = (Start, Text, Flush, Cancel, Ping, Close)


class ServerMessage(BaseModel):
    """Message of the server. Clients ignore fields that they do not know."""


class Ready(ServerMessage):
    """Answer to `start`: the session has begun."""

    type: Literal["ready"] = "ready"
    session: str = Field(description="Id of the session, for the logs of the client")
    voice: str = Field(description="Id of the voice: model_…")
    format: str = Field(description="Encoding of the audio")
    sample_rate: int | None = Field(description="Samples per second; null for the usual one")


class ClauseBegins(ServerMessage):
    """Begin of a clause, whose audio follows."""

    type: Literal["clause"] = "clause"
    clause: int = Field(description="Number of the clause in the session, from 0")
    text: str = Field(description="The text of the clause")
    offset: int = Field(description="Position of the clause in all text of the session")


class Audio(ServerMessage):
    """Piece of the audio of a clause."""

    type: Literal["audio"] = "audio"
    clause: int = Field(description="Number of the clause")
    audio: str = Field(
        description="Bytes in base64", json_schema_extra={"contentEncoding": "base64"}
    )


class Word(BaseModel):
    """Word and the time at which it is heard."""

    text: str = Field(description="The word as the client sent it")
    offset: int = Field(description="Position of the word in all text of the session")
    start: float = Field(description="Seconds from the beginning of the clause's audio")
    end: float = Field(description="Seconds from the beginning of the clause's audio")


class Words(ServerMessage):
    """Times of words whose audio follows."""

    type: Literal["words"] = "words"
    clause: int = Field(description="Number of the clause")
    words: list[Word] = Field(description="Words in order")


class ClauseDone(ServerMessage):
    """End of a clause: all of its audio is sent."""

    type: Literal["clause_done"] = "clause_done"
    clause: int = Field(description="Number of the clause")
    characters: int = Field(description="Charged characters")
    credits: float = Field(description="Charged credits")
    seconds: float | None = Field(description="Duration of the audio; null if it is unknown")
    task: str = Field(description="Id of the task, for GET /api/open-api/v1/audios/{id}")


class Flushed(ServerMessage):
    """End of the speech of everything before a `flush`."""

    type: Literal["flushed"] = "flushed"


class Cancelled(ServerMessage):
    """Answer to `cancel`. No audio of earlier text follows."""

    type: Literal["cancelled"] = "cancelled"
    characters: int = Field(description="Charged characters of clauses that were cut short")
    credits: float = Field(description="Charged credits of these clauses")


class Pong(ServerMessage):
    """Answer to `ping`."""

    type: Literal["pong"] = "pong"


class Failed(ServerMessage):
    """Message that was refused, or clause that could not be spoken."""

    type: Literal["error"] = "error"
    code: str = Field(description="Stable word of the error, for programs")
    message: str = Field(description="The value, what is wrong with it and what would be right")
    param: str | None = Field(description="Field of the client's message, or null")
    clause: int | None = Field(description="Number of the clause that was not spoken, or null")
    fatal: bool = Field(description="true: the server closes the connection")


class Ended(ServerMessage):
    """Last message of a session that the client has closed."""

    type: Literal["ended"] = "ended"
    clauses: int = Field(description="Clauses that were spoken to their end")
    characters: int = Field(description="Charged characters of the session")
    credits: float = Field(description="Charged credits of the session")


SERVER_MESSAGES: tuple[type[ServerMessage], ...] = (
    Ready,
    ClauseBegins,
    Audio,
    Words,
    ClauseDone,
    Flushed,
    Cancelled,
    Pong,
    Failed,
    Ended,
)


def type_of(model: type[BaseModel]) -> str:
    """Return the `type` of a message."""
    return str(get_args(model.model_fields["type"].annotation)[0])
