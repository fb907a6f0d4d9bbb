"""An MCP server whose tools clone voices and speak with a running service.

The model of an MCP client chooses the arguments of a tool, and a text that it has read may have
suggested them. Tools therefore read and write files in one folder only, never overwrite a file, and
use the key of the caller. `docs/howto/mcp.md` describes what each side trusts.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import tempfile
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urljoin

import anyio
import httpx2
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import (
    AudioContent,
    CallToolResult,
    ContentBlock,
    ResourceLink,
    TextContent,
    ToolAnnotations,
)
from pydantic import AnyHttpUrl, BaseModel, Field
from starlette.applications import Starlette

from soundclone_client import (
    AsyncClient,
    AuthenticationError,
    ClientError,
    Consent,
    Task,
    Voice,
)

from ... import __version__
from ...errors import InvalidParameter
from ...text import script
from .folder import Folder, FolderError

PATH = "/mcp"
"""Path of the server in HTTP mode."""

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_LARGEST_INLINE = 8_000_000  # bytes of audio in an answer; a longer file is a link
_LONGEST_SPEECH, _LONGEST_PREVIEW = 10_000, 270  # characters
_LONGEST_PERFORMANCE = 600  # seconds
_MICRO = Decimal("0.000001")  # credits, the smallest amount
_CANCEL_SECONDS = 5.0
_VERIFIED_SECONDS = 60.0  # for which a key counts as checked
_MOST_VERIFIED = 1_000  # keys
_MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
}
_INSTRUCTIONS = (
    "Clone voices, speak with them, and convert recordings to them. This costs credits: call "
    "estimate_price and tell the user the price first. Clone a voice only with the consent of its "
    "speaker."
)
_COSTS = "Costs credits. Call it only when the user asked for it; estimate_price gives the price."

Call = Context[Any, Any]
"""Context of a tool call."""
Emotion = Literal["happy", "sad", "angry", "fearful", "disgusted", "surprised", "neutral"]
Format = Literal["mp3", "wav", "flac", "ogg"]
Output = Literal["file", "audio", "link"]
VoiceName = Annotated[str, Field(description="Name or id of the voice")]
OutputOption = Annotated[
    Output | None,
    Field(
        description="file: save the audio in the server's folder. audio: return the audio. link: "
        "return a link. Default: file if the server has a folder, else link"
    ),
]
FileOption = Annotated[
    str | None, Field(description="Name of a new file in the server's folder, for output file")
]
MaxCredits = Annotated[
    float | None,
    Field(ge=0, description="Refuse, and spend nothing, if the price is higher than this"),
]


@dataclass(frozen=True)
class Bridge:
    """Access of an MCP server to a service.

    Attributes:
        url: Base URL of the service.
        key: API key. None in HTTP mode, in which each request has its own.
        folder: Folder whose files tools may use. None allows no files.
        transport: Replaces the HTTP transport, for tests.
    """

    url: str
    key: str | None = None
    folder: Folder | None = None
    transport: httpx2.AsyncBaseTransport | None = None

    def client(self, key: str) -> AsyncClient:
        """Return a client of the service with a key."""
        assert key, "AsyncClient would replace an empty key by that of the environment"
        return AsyncClient(self.url, key, retries=2, transport=self.transport)


class VoiceInfo(BaseModel):
    """A voice of the account."""

    id: str
    name: str | None
    language: str | None = Field(description="Language of the recording, if known")
    version: str = Field(description="v1 speaks 24 languages, v2 speaks 40")
    created: str = Field(description="Date of creation")
    expires: str | None = Field(description="Date on which the unused voice expires")


class VoiceInfos(BaseModel):
    """Voices of the account, newest first."""

    voices: list[VoiceInfo]


class Deleted(BaseModel):
    """A deleted voice."""

    id: str
    deleted: bool = True


class LanguageInfo(BaseModel):
    """A language that the service can speak."""

    name: str
    code: str = Field(description="BCP 47 tag")
    versions: list[str] = Field(description="Versions of voices that speak the language")


class LanguageInfos(BaseModel):
    """Languages of the service."""

    languages: list[LanguageInfo]


class BalanceInfo(BaseModel):
    """Credits of the account and of the key."""

    available: float = Field(description="Credits that the key can spend now")
    account_available: float
    spent: float = Field(description="Credits that the account has spent")


class PriceInfo(BaseModel):
    """Price of a text or of a conversion."""

    credits: float
    characters: int = Field(
        description="Characters that are charged; pauses are free. 0 for a conversion"
    )


class AudioInfo(BaseModel):
    """Audio that a tool has made."""

    task: str = Field(description="Id of the task")
    voice: str = Field(description="Id of the voice")
    seconds: float
    language: str | None
    cost: float = Field(description="Credits")
    link: str = Field(description="Signed link to the audio, which needs no key")
    expires: str | None = Field(description="Date on which the audio and its link expire")
    file: str | None = Field(description="Path of the saved file")
    notes: list[str] = Field(description="Weaknesses of the recording")


class KeyVerifier:
    """Verifies the bearer tokens of HTTP clients, which are API keys of the service."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._verified: dict[str, float] = {}  # digest of a key: time until which it counts

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return the caller of a key, or None for a key that the service refuses.

        A key counts as valid while the service does not answer. Every tool would fail then.
        """
        name = hashlib.sha256(token.encode()).hexdigest()
        if self._verified.get(name, 0) < time.monotonic():
            try:
                async with self._bridge.client(token) as client:
                    await client.key_balance()
            except (AuthenticationError, ValueError) as error:
                if getattr(error, "word", "") != "forbidden":  # valid, without this scope
                    return None
            except ClientError:
                return AccessToken(token=token, client_id=name, scopes=[])
            if len(self._verified) >= _MOST_VERIFIED:
                self._verified.clear()
            self._verified[name] = time.monotonic() + _VERIFIED_SECONDS
        return AccessToken(token=token, client_id=name, scopes=[])


def http_app(
    bridge: Bridge, host: str, allowed_hosts: Sequence[str] = (), origins: Sequence[str] = ()
) -> Starlette:
    """Return the application of HTTP mode.

    Requests need a key of the service as bearer token. A session belongs to the key that began it.
    Requests for other hosts, and of pages of other origins, are refused.

    Args:
        bridge: Access to the service, without a key.
        host: Address on which the server will listen.
        allowed_hosts: Further names in the Host header.
        origins: Further origins of web pages, such as https://app.example.com.
    """
    own = f"[{host}]" if ":" in host else host
    hosts = [*dict.fromkeys([*_LOOPBACK, own, *allowed_hosts])]
    security = TransportSecuritySettings(
        allowed_hosts=[form for name in hosts for form in (name, f"{name}:*")],
        allowed_origins=[*(f"http://{name}:*" for name in _LOOPBACK), *origins],
    )
    return build(bridge).streamable_http_app(
        streamable_http_path=PATH, transport_security=security, host=host
    )


def build(bridge: Bridge) -> MCPServer[Any]:
    """Return an MCP server with all tools and resources."""
    auth, verifier = None, None
    if not bridge.key:
        # The issuer appears nowhere: the server has neither OAuth routes nor OAuth metadata.
        auth = AuthSettings(issuer_url=AnyHttpUrl(bridge.url), resource_server_url=None)
        verifier = KeyVerifier(bridge)
    server: MCPServer[Any] = MCPServer(
        "soundclone",
        title="soundclone",
        instructions=_INSTRUCTIONS,
        version=__version__,
        log_level="WARNING",
        auth=auth,
        token_verifier=verifier,
    )
    tools = Tools(bridge)
    look = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    make = ToolAnnotations(
        read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True
    )
    change = ToolAnnotations(
        read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    )
    remove = ToolAnnotations(
        read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
    )
    for function, title, hints in (
        (tools.list_voices, "List voices", look),
        (tools.search_voices, "Search voices", look),
        (tools.list_languages, "List languages", look),
        (tools.get_balance, "Get the balance", look),
        (tools.estimate_price, "Estimate a price", look),
        (tools.clone_voice, "Clone a voice", make),
        (tools.speak, "Speak a text", make),
        (tools.convert, "Convert a recording to a voice", make),
        (tools.rename_voice, "Rename a voice", change),
        (tools.delete_voice, "Delete a voice", remove),
    ):
        description = function.__doc__ or ""
        if hints is make:
            description += f" {_COSTS}"
        server.tool(title=title, description=description, annotations=hints)(function)
    for format, media_type in _MEDIA_TYPES.items():
        server.resource(
            f"soundclone://audio/{{task}}.{format}",
            name=f"audio_{format}",
            title=f"Audio of a task ({format})",
            description="Audio that speak, convert or clone_voice has made",
            mime_type=media_type,
        )(tools.read_audio)
    return server


class Tools:
    """Tools of the server. The docstring of a tool is its description for the model."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    async def list_voices(self, context: Call) -> VoiceInfos:
        """List the account's voices, newest first."""
        async with self._connected(context) as client:
            return VoiceInfos(voices=[_voice_info(voice) for voice in await client.voices()])

    async def search_voices(
        self,
        context: Call,
        query: Annotated[str, Field(description="Part of a name, an id or a language")],
    ) -> VoiceInfos:
        """Find voices of the account whose name, id or language contains a text."""
        wanted = query.strip().casefold()
        async with self._connected(context) as client:
            found = [
                voice
                for voice in await client.voices()
                if any(
                    wanted in (text or "").casefold()
                    for text in (voice.name, voice.model_id, voice.language)
                )
            ]
            return VoiceInfos(voices=[_voice_info(voice) for voice in found])

    async def rename_voice(
        self,
        context: Call,
        voice: VoiceName,
        name: Annotated[str, Field(description="New name; an empty text removes the name")],
    ) -> VoiceInfo:
        """Rename a voice."""
        async with self._connected(context) as client:
            return _voice_info(await client.rename_voice(await _id_of(client, voice), name))

    async def delete_voice(self, context: Call, voice: VoiceName) -> Deleted:
        """Delete a voice with its recording. This cannot be undone: ask the user first."""
        async with self._connected(context) as client:
            id = await _id_of(client, voice)
            await client.delete_voice(id)
            return Deleted(id=id)

    async def list_languages(self, context: Call) -> LanguageInfos:
        """List the languages that the service speaks now."""
        async with self._connected(context) as client:
            rows = [
                LanguageInfo(
                    name=each.name,
                    code=each.code,
                    versions=[version for version, engine in each.engines.items() if engine],
                )
                for each in await client.languages()
            ]
            return LanguageInfos(languages=[row for row in rows if row.versions])

    async def get_balance(self, context: Call) -> BalanceInfo:
        """Return the credits that can be spent."""
        async with self._connected(context) as client:
            account, key = await client.balance(), await client.key_balance()
            available = account.available
            if not key.unlimited:
                available = min(available, key.available_quota)
            return BalanceInfo(
                available=available,
                account_available=account.available,
                spent=account.used_coin,
            )

    async def estimate_price(
        self,
        context: Call,
        text: Annotated[
            str, Field(description="Text to speak, or text of a preview; none for a conversion")
        ] = "",
        kind: Annotated[
            Literal["speech", "clone", "conversion"],
            Field(
                description="speech: the price of speak. clone: the price of clone_voice. "
                "conversion: the price of convert"
            ),
        ] = "speech",
        seconds: Annotated[
            float,
            Field(
                ge=0,
                le=_LONGEST_PERFORMANCE,
                description="Duration of the recording, for a conversion",
            ),
        ] = 0,
    ) -> PriceInfo:
        """Return the price of speech, a clone or a conversion before anything is spent."""
        async with self._connected(context) as client:
            if kind == "conversion":
                return await _conversion_price(client, seconds)
            return await _price(client, text, kind)

    async def clone_voice(
        self,
        context: Call,
        source: Annotated[
            str,
            Field(
                description="http(s) URL of a recording, or a file in the server's folder, with 15 "
                "to 60 s of speech of one person"
            ),
        ],
        name: Annotated[str | None, Field(description="Name of the voice")] = None,
        text: Annotated[
            str | None,
            Field(description="Text of the preview, at most 270 characters. Default: a short line"),
        ] = None,
        language: Annotated[
            str, Field(description="Language of the recording and the preview, such as German")
        ] = "auto",
        version: Annotated[
            Literal["v1", "v2"], Field(description="v1 speaks 24 languages, v2 speaks 40")
        ] = "v1",
        own_voice: Annotated[
            bool, Field(description="The user has stated that the voice is the user's own")
        ] = False,
        speaker: Annotated[
            str | None,
            Field(description="Name of the speaker, who has agreed according to the user"),
        ] = None,
        consent: Annotated[
            str | None,
            Field(
                description="Recording in which the speaker agrees: a URL, a file in the server's "
                "folder, or the id of a consent"
            ),
        ] = None,
        output: OutputOption = None,
        file: FileOption = None,
        max_credits: MaxCredits = None,
    ) -> Annotated[CallToolResult, AudioInfo]:
        """Clone a voice from a recording, with the consent of its speaker, and make a preview."""
        recording = self._source(source)
        agreed = self._consent(consent, speaker, own_voice)
        output, path = self._target(output, file)
        async with self._connected(context) as client:
            await _check_price(client, text or "a" * _LONGEST_PREVIEW, "clone", max_credits)
            task = await client.clone(
                recording,
                text,
                version,
                language,
                name=name,
                consent=agreed,
                wait=False,
            )
            done = await _follow(context, client, task)
            voice = done.model_id or ""
            return await self._deliver(client, done, voice, "mp3", output, path)

    async def speak(
        self,
        context: Call,
        voice: VoiceName,
        text: Annotated[
            str,
            Field(description="At most 10,000 characters. <#0.5#> is a pause of half a second"),
        ],
        language: Annotated[
            str,
            Field(description="Language of the text, such as German. auto detects each sentence's"),
        ] = "auto",
        emotion: Emotion = "neutral",
        speed: Annotated[float, Field(ge=0.5, le=2, description="1 is normal")] = 1.0,
        volume: Annotated[float, Field(gt=0, le=10, description="1 is normal")] = 1.0,
        pitch: Annotated[int, Field(ge=-12, le=12, description="Shift in semitones")] = 0,
        format: Format = "mp3",
        output: OutputOption = None,
        file: FileOption = None,
        max_credits: MaxCredits = None,
    ) -> Annotated[CallToolResult, AudioInfo]:
        """Speak a text with a voice of the account."""
        output, path = self._target(output, file)
        async with self._connected(context) as client:
            id = await _id_of(client, voice)
            await _check_price(client, text, "speech", max_credits)
            task = await client.speak(
                id,
                text,
                language=language,
                emotion=emotion,
                speed=speed,
                vol=volume,
                pitch=pitch,
                format=format,
                wait=False,
            )
            done = await _follow(context, client, task)
            return await self._deliver(client, done, id, format, output, path)

    async def convert(
        self,
        context: Call,
        voice: VoiceName,
        source: Annotated[
            str,
            Field(
                description="http(s) URL of a recording of one person who speaks, or a file in the "
                "server's folder"
            ),
        ],
        max_seconds: Annotated[
            int,
            Field(
                ge=1,
                le=_LONGEST_PERFORMANCE,
                description="Refuse a longer recording. The price of this duration is held, and "
                "the duration of the recording is charged",
            ),
        ] = 300,
        volume: Annotated[float, Field(gt=0, le=10, description="1 is normal")] = 1.0,
        format: Format = "mp3",
        output: OutputOption = None,
        file: FileOption = None,
        max_credits: MaxCredits = None,
    ) -> Annotated[CallToolResult, AudioInfo]:
        """Turn a recording of another person into the same performance in a voice of the account.

        Timing, melody and emphasis of the performer stay.
        """
        recording = self._source(source)
        output, path = self._target(output, file)
        async with self._connected(context) as client:
            id = await _id_of(client, voice)
            if max_credits is not None:
                price = await _conversion_price(client, max_seconds)
                _check_limit(price, max_credits, "a lower max_seconds reduces it")
            task = await client.convert(
                id,
                recording,
                max_seconds=max_seconds,
                vol=volume,
                format=format,
                wait=False,
            )
            done = await _follow(context, client, task)
            return await self._deliver(client, done, id, format, output, path)

    async def read_audio(self, task: str, context: Call) -> bytes:
        """Return the audio of a task."""
        try:
            async with self._connected(context) as client:
                return await _downloaded(client, await client.task(task))
        except ToolError as error:
            raise ResourceError(str(error)) from error

    @asynccontextmanager
    async def _connected(self, context: Call) -> AsyncIterator[AsyncClient]:
        """Open a client with the caller's key. Errors of the service become errors of the tool."""
        try:
            key = self._bridge.key or _bearer(context)
            if not key:
                raise ToolError("there is no API key; send one as bearer token")
            async with self._bridge.client(key) as client:
                yield client
        except (ClientError, InvalidParameter) as error:
            raise ToolError(error.message) from error
        except (ValueError, OSError, FolderError) as error:
            raise ToolError(str(error)) from error

    def _source(self, source: str) -> str | Path:
        """Return the URL of a recording, or the path of a file in the folder."""
        if source.lower().startswith(("http://", "https://")):
            return source
        if "://" in source:
            raise ToolError(f"{source!r} is no http(s) URL; pass an http(s) URL or a file")
        try:
            return self._folder().existing(source)
        except FolderError as error:
            raise ToolError(str(error)) from error

    def _consent(
        self, recording: str | None, speaker: str | None, own_voice: bool
    ) -> Consent | None:
        if own_voice and speaker:
            raise ToolError("own_voice and speaker exclude each other; pass one of them")
        if not (own_voice or speaker or recording):
            return None
        source: str | Path | None = recording
        if recording and not recording.startswith("cons_"):
            source = self._source(recording)
        return Consent(source, speaker or "", own_voice)

    def _target(self, output: Output | None, file: str | None) -> tuple[Output, Path | None]:
        """Return the form of the output and the path of a named file, before anything is spent."""
        if output is None:
            output = "file" if file or self._bridge.folder else "link"
        if output != "file":
            if file:
                raise ToolError(f"file is {file!r}, but output is {output!r}; use output 'file'")
            return output, None
        folder = self._folder()
        try:
            return output, folder.new(file) if file else None
        except FolderError as error:
            raise ToolError(str(error)) from error

    def _folder(self) -> Folder:
        if self._bridge.folder is None:
            raise ToolError(
                "this server may use no files; pass an http(s) URL or output 'link', or start "
                "the server with --folder DIR"
            )
        return self._bridge.folder

    async def _deliver(
        self,
        client: AsyncClient,
        task: Task,
        voice: str,
        format: Format,
        output: Output,
        path: Path | None,
    ) -> CallToolResult:
        """Save or return the audio of a completed task."""
        if output == "file":
            path = path or self._folder().new(f"{task.id}.{format}")
            await client.download(task, path)
        info = AudioInfo(
            task=task.id,
            voice=voice,
            seconds=task.seconds or 0,
            language=task.language,
            cost=task.cost or 0,
            link=urljoin(f"{self._bridge.url.rstrip('/')}/", task.audio_url or ""),
            expires=_date(task.expires_at),
            file=str(path) if path else None,
            notes=list(task.warnings),
        )
        media_type = _MEDIA_TYPES[format]
        content: list[ContentBlock] = [TextContent(text=info.model_dump_json(indent=2))]
        audio = b""
        if output == "audio":
            audio = await _downloaded(client, task)
        if audio and len(audio) <= _LARGEST_INLINE:
            content.append(AudioContent(data=b64encode(audio).decode(), mime_type=media_type))
        elif output != "file":
            uri = f"soundclone://audio/{task.id}.{format}"
            content.append(ResourceLink(uri=uri, name=f"{task.id}.{format}", mime_type=media_type))
        return CallToolResult(content=content, structured_content=info.model_dump(mode="json"))


def _bearer(context: Call) -> str:
    """Return the key of an HTTP request."""
    kind, _, key = (context.headers or {}).get("authorization", "").partition(" ")
    return key.strip() if kind.lower() == "bearer" else ""


async def _id_of(client: AsyncClient, voice: str) -> str:
    """Return the id of a voice by its id or name. A name matches in any case if that is clear."""
    if re.fullmatch(r"model_[0-9a-f]{32}", voice):
        return voice
    voices = [each for each in await client.voices() if each.name]
    found = [each.model_id for each in voices if each.name == voice]
    if not found:
        folded = voice.strip().casefold()
        found = [each.model_id for each in voices if (each.name or "").casefold() == folded]
    if len(found) == 1:
        return found[0]
    if found:
        raise ToolError(f"{len(found)} voices are named {voice!r}: {', '.join(found)}")
    raise ToolError(f"there is no voice {voice!r}; list_voices shows all voices")


async def _price(client: AsyncClient, text: str, kind: Literal["speech", "clone"]) -> PriceInfo:
    limit = _LONGEST_SPEECH if kind == "speech" else _LONGEST_PREVIEW
    characters = script.check(text, limit)
    if kind == "speech":
        rate, fee = await _prices(client, "sound-cloning-audio", "sound-cloning-voice")
    else:
        [rate], fee = await _prices(client, "sound-cloning-clone"), Decimal()
    cost = fee + (characters * rate / 10_000 // _MICRO) * _MICRO
    return PriceInfo(credits=float(cost), characters=characters)


async def _conversion_price(client: AsyncClient, seconds: float) -> PriceInfo:
    rate, fee = await _prices(client, "sound-cloning-conversion", "sound-cloning-voice")
    cost = fee + (round(1000 * seconds) * rate / 1000 // _MICRO) * _MICRO
    return PriceInfo(credits=float(cost), characters=0)


async def _prices(client: AsyncClient, *names: str) -> list[Decimal]:
    """Return rows of the price list of the service."""
    prices = {row.model_name: Decimal(str(row.unit_price)) for row in await client.catalog()}
    try:
        return [prices[name] for name in names]
    except KeyError as error:
        raise ToolError(f"the price list of the service has no {error}") from error


async def _check_price(
    client: AsyncClient, text: str, kind: Literal["speech", "clone"], most: float | None
) -> None:
    """Refuse a price above `most` credits."""
    if most is not None:
        _check_limit(await _price(client, text, kind), most)


def _check_limit(price: PriceInfo, most: float, remedy: str = "") -> None:
    """Raise ToolError for a price above `most` credits."""
    if price.credits > most:
        raise ToolError(
            f"the price is up to {price.credits:g} credits, more than max_credits {most:g}; "
            f"nothing was spent{remedy and f', and {remedy}'}"
        )


async def _follow(context: Call, client: AsyncClient, task: Task) -> Task:
    """Wait for a task, and notify the client of its progress.

    A cancelled call cancels the task, which then costs nothing.
    """
    reports: set[asyncio.Task[None]] = set()

    def show(latest: Task) -> None:
        report = context.report_progress(latest.progress or 0, 100, latest.status)
        reports.add(asyncio.ensure_future(report))

    try:
        return await client.wait(task, on_progress=show)
    except anyio.get_cancelled_exc_class():
        with anyio.move_on_after(_CANCEL_SECONDS, shield=True):
            with suppress(ClientError):  # the caller of a cancelled call reads no error
                await client.cancel(task.id)
        raise
    finally:
        await asyncio.gather(*reports, return_exceptions=True)


async def _downloaded(client: AsyncClient, task: Task) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = await client.download(task, Path(folder) / "audio")
        return await asyncio.to_thread(path.read_bytes)


def _voice_info(voice: Voice) -> VoiceInfo:
    return VoiceInfo(
        id=voice.model_id,
        name=voice.name,
        language=voice.language,
        version=voice.version,
        created=_date(voice.created) or "",
        expires=_date(voice.expires_at),
    )


def _date(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
