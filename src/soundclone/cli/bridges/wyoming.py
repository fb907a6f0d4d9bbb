"""A Wyoming server that speaks with the voices of one account, for Home Assistant.

Wyoming has neither keys nor encryption. A server uses the key of one account, and everybody who
reaches its port speaks at the expense of that account.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Attribution, Describe, Info, TtsProgram, TtsVoice
from wyoming.server import AsyncEventHandler, AsyncServer
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeTextFormat,
    SynthesizeVoice,
)

from soundclone_client import AsyncClient, AuthenticationError, ClientError, Language

from ... import __version__
from ...text import boundaries

RATE, WIDTH, CHANNELS = 24_000, 2, 1  # of the service's PCM streams
_FORMAT = {"rate": RATE, "width": WIDTH, "channels": CHANNELS}
_LONGEST_TEXT = 10_000  # characters that the service speaks at once
_LANGUAGES_SECONDS = 300.0  # for which the list of languages is kept
_MALFORMED = (LookupError, TypeError, AttributeError, ValueError, EOFError)
"""Exceptions of the package for events that are none."""


@dataclass(frozen=True)
class Options:
    """Options that the protocol cannot express, for all speech of a server.

    Attributes:
        voice: Name or id of the voice of requests that name none. Default: the newest voice.
        emotion: Emotion of the speech.
        speed: Speaking rate, 0.5 to 2.
    """

    voice: str | None = None
    emotion: str | None = None
    speed: float | None = None


class Speaker:
    """Voices and speech of one account."""

    def __init__(self, client: AsyncClient, url: str, options: Options) -> None:
        self._client = client
        self._url = url
        self._options = options
        self._languages: list[Language] = []
        self._languages_until = 0.0

    async def info(self) -> Info:
        """Return the program with the account's voices, newest first."""
        attribution = Attribution("soundclone", self._url)
        voices, languages = await asyncio.gather(self._client.voices(), self._spoken())
        return Info(
            tts=[
                TtsProgram(
                    name="soundclone",
                    attribution=attribution,
                    installed=True,
                    description="Cloned voices",
                    version=__version__,
                    supports_synthesize_streaming=True,
                    voices=[
                        TtsVoice(
                            name=voice.model_id,
                            attribution=attribution,
                            installed=True,
                            description=voice.name or voice.model_id,
                            version=None,
                            languages=[
                                language.code
                                for language in languages
                                if language.engines.get(voice.version)
                            ],
                        )
                        for voice in voices
                    ],
                )
            ]
        )

    async def speak(self, text: str, voice: SynthesizeVoice | None) -> AsyncGenerator[bytes, None]:
        """Yield PCM while the service speaks. The service cancels speech that is closed early."""
        name = (voice.name if voice else None) or self._options.voice or await self._newest()
        stream = self._client.stream(
            name,
            text,
            language=await self._language(voice.language if voice else None),
            emotion=self._options.emotion,
            speed=self._options.speed,
            format="pcm",
        )
        rest = b""
        async with aclosing(stream) as blocks:
            async for block in blocks:
                block = rest + block
                whole = len(block) - len(block) % WIDTH
                rest = block[whole:]
                if whole:
                    yield block[:whole]

    async def _newest(self) -> str:
        voices = await self._client.voices()
        if not voices:
            raise ValueError("the account has no voice; clone one first")
        return voices[0].model_id

    async def _language(self, tag: str | None) -> str | None:
        """Return the service's language of a tag such as en-US. None for an unknown one."""
        if not tag:
            return None
        codes = {language.code.lower(): language.code for language in await self._spoken()}
        tag = tag.lower()
        return codes.get(tag) or codes.get(tag.partition("-")[0])

    async def _spoken(self) -> list[Language]:
        if time.monotonic() > self._languages_until:
            self._languages = await self._client.languages()
            self._languages_until = time.monotonic() + _LANGUAGES_SECONDS
        return self._languages


class Handler(AsyncEventHandler):
    """One connection. Speech runs in a task, so that a closed connection is noticed meanwhile."""

    def __init__(
        self, speaker: Speaker, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        super().__init__(reader, writer)
        self._speaker = speaker
        self._speech: asyncio.Task[None] | None = None
        self._texts: asyncio.Queue[str | None] | None = None  # of a stream that is not stopped

    async def run(self) -> None:
        """Answer events until the connection is closed."""
        with suppress(OSError, *_MALFORMED):
            await super().run()

    async def handle_event(self, event: Event) -> bool:
        """Answer an event. Unknown events are ignored."""
        if Describe.is_type(event.type):
            await self._try(self._describe)
        elif SynthesizeStart.is_type(event.type):
            start = SynthesizeStart.from_event(event)
            texts = self._texts = asyncio.Queue()
            self._begin(lambda: self._stream(texts, start))
        elif SynthesizeChunk.is_type(event.type):
            if self._texts:
                self._texts.put_nowait(SynthesizeChunk.from_event(event).text)
        elif SynthesizeStop.is_type(event.type):
            if self._texts:
                self._texts.put_nowait(None)
            self._texts = None
        elif Synthesize.is_type(event.type) and self._texts is None:
            # Within a stream, this event repeats the whole text for servers without streaming.
            whole = Synthesize.from_event(event)
            self._begin(lambda: self._synthesize(whole))
        return True

    async def disconnect(self) -> None:
        """Cancel the speech of a closed connection."""
        if self._speech and self._speech is not asyncio.current_task():
            self._speech.cancel()
            await asyncio.gather(self._speech, return_exceptions=True)

    def _begin(self, work: Callable[[], Awaitable[None]]) -> None:
        """Start work that follows the earlier work of the connection."""
        before = self._speech

        async def follow() -> None:
            if before:
                await before
            await self._try(work)

        self._speech = asyncio.create_task(follow())

    async def _try(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do work. A failure is reported, and closes the connection.

        Home Assistant ignores the report and waits until the connection is closed.
        """
        try:
            await work()
        except ClientError as error:
            await self._fail(error.message, error.word)
        except ValueError as error:
            await self._fail(str(error), "invalid_parameter")
        except OSError:  # the connection is lost
            await self.stop()

    async def _fail(self, message: str, word: str) -> None:
        with suppress(OSError):
            await self.write_event(Error(message, word).event())
        await self.stop()

    async def _describe(self) -> None:
        await self.write_event((await self._speaker.info()).event())

    async def _synthesize(self, request: Synthesize) -> None:
        _check_format(request.text_format)
        audio = _Audio(self)
        await audio.start()
        await audio.send(self._speaker, request.text, request.voice)
        await audio.stop()

    async def _stream(self, texts: asyncio.Queue[str | None], start: SynthesizeStart) -> None:
        """Speak texts while they arrive.

        The first sentence is spoken as soon as it is complete. The sentences that arrive while it
        is spoken are spoken together, because each request to the service has a fee.
        """
        _check_format(start.text_format)
        audio = _Audio(self)
        await audio.start()
        buffer, more = "", True
        while more:
            arrived = [await texts.get()]
            while not texts.empty():
                arrived.append(texts.get_nowait())
            more = None not in arrived
            buffer += "".join(text for text in arrived if text)
            end = _complete(buffer) if more else len(buffer)
            await audio.send(self._speaker, buffer[:end], start.voice)
            buffer = buffer[end:]
        await audio.stop()
        await self.write_event(SynthesizeStopped().event())


class _Audio:
    """Audio events of one answer."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._samples = 0

    async def start(self) -> None:
        await self._handler.write_event(AudioStart(**_FORMAT, timestamp=0).event())

    async def send(self, speaker: Speaker, text: str, voice: SynthesizeVoice | None) -> None:
        """Speak a text, and send the audio. A text without a letter or a digit is silent."""
        if not any(map(str.isalnum, text)):
            return
        async with aclosing(speaker.speak(text, voice)) as blocks:
            async for block in blocks:
                chunk = AudioChunk(**_FORMAT, audio=block, timestamp=self._milliseconds)
                self._samples += len(block) // WIDTH
                await self._handler.write_event(chunk.event())

    async def stop(self) -> None:
        await self._handler.write_event(AudioStop(timestamp=self._milliseconds).event())

    @property
    def _milliseconds(self) -> int:
        return self._samples * 1000 // RATE


async def serve(
    client: AsyncClient, url: str, uri: str, options: Options, started: Callable[[str], Any]
) -> None:
    """Serve until SIGTERM.

    Args:
        client: Client with the key of the account.
        url: Base URL of the service.
        uri: Address to listen on, see `checked_uri`.
        options: Options of all speech.
        started: Called once clients can connect, with a warning if the service does not answer
            yet, or an empty text.

    Raises:
        AuthenticationError: The service refuses the key.
        OSError: The address cannot be listened on.
    """
    warning = ""
    async with client:
        try:
            await client.voices()
        except AuthenticationError:
            raise
        except ClientError as error:
            warning = error.message
        speaker = Speaker(client, url, options)
        server, stopping = AsyncServer.from_uri(uri), asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, stopping.set)
        try:
            await server.start(lambda reader, writer: Handler(speaker, reader, writer))
            started(warning)
            await stopping.wait()
        finally:
            loop.remove_signal_handler(signal.SIGTERM)
            await server.stop()


def checked_uri(uri: str) -> str:
    """Return the host that a URI listens on; an empty text for a Unix socket.

    Raises:
        ValueError: The URI is neither tcp://HOST:PORT nor unix:///PATH.
    """
    parts = urlsplit(uri)
    if parts.scheme == "unix" and parts.path:
        return ""
    if parts.scheme != "tcp" or not parts.hostname or not parts.port:
        raise ValueError(f"the URI is {uri!r}; it must be tcp://HOST:PORT or unix:///PATH")
    return parts.hostname


def _check_format(text_format: str | SynthesizeTextFormat | None) -> None:
    if text_format not in (None, SynthesizeTextFormat.TEXT):
        kind = getattr(text_format, "value", text_format)
        raise ValueError(f"text_format is {kind!r}; only 'text' can be spoken")


def _complete(text: str) -> int:
    """Return the end of the last sentence that text follows. All of a text that is too long."""
    if len(text) >= _LONGEST_TEXT:
        return len(text)
    starts = [start for start, end in boundaries.sentences(text) if text[start:end].strip()]
    return starts[-1] if starts else 0
