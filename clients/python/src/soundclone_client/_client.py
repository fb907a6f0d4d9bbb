"""The blocking client.

`generate` in clients/python writes this file from `_async_client.py`: edit that one.
"""

# ruff: noqa: SIM117, UP028 -- the client for asyncio cannot be shorter

from __future__ import annotations

import math
import time
import uuid
from collections.abc import (
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import ExitStack
from datetime import datetime
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, overload
from urllib.parse import urljoin

import httpx2

from . import _wire
from ._conversation import PATH, Conversation
from ._errors import ClientError, RateLimitError, TaskFailed, Timeout
from ._files import Recording, complete_file, remote_address
from ._models import (
    Account,
    ApiKey,
    Balance,
    Block,
    Clone,
    Consent,
    Conversion,
    Delivery,
    Erasure,
    KeyBalance,
    Language,
    NewApiKey,
    NewWebhook,
    Price,
    Project,
    Pronunciation,
    Recorded,
    SignInLink,
    Speech,
    SubtitledSpeech,
    Take,
    Task,
    TaskPage,
    Upload,
    Verdict,
    Voice,
    Webhook,
    Withdrawal,
)
from ._orders import TakeOrders
from ._types import (
    Count,
    DeliveryStatus,
    Format,
    Kind,
    Loudness,
    Progress,
    Scope,
    Source,
    Status,
    StreamFormat,
    Subtitles,
    TalkFormat,
    TextFormat,
    Transfer,
    Version,
    WebhookEvent,
)

_T = TypeVar("_T")


class Client:
    """Client of a soundclone server. `AsyncClient` is the one for asyncio.

    A request that meets a lost connection, a server error or a rate limit is sent again, up to
    `retries` times. A repeated submission is charged once. Every method raises `ApiError` when the
    server refuses the request, and `Unreachable` when it does not answer.

    Args:
        base_url: Address of the server. Default: the environment variable SOUNDCLONE_BASE_URL, or
            http://127.0.0.1:8000.
        api_key: Default: the environment variable SOUNDCLONE_API_KEY.
        timeout: Seconds that one read or write may take.
        retries: Most repetitions of one request.
        transport: Replaces the HTTP transport, for tests.

    Example:
        with Client("http://127.0.0.1:8000", "sk_…") as client:
            voice = client.clone("me.wav")
            speech = client.speak(voice.model_id, "Hello from my other self.")
            client.download(speech, "hello.mp3")
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float = 60.0,
        retries: int = 4,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self._server = _wire.Server(base_url, api_key)
        self._retries = retries
        self._http = httpx2.Client(headers=_wire.USER_AGENT, timeout=timeout, transport=transport)

    @overload
    def clone(
        self,
        source: Source,
        text: str | None = None,
        version: Version = "v1",
        language: str = "auto",
        *,
        name: str | None = None,
        consent: Consent | Source | None = None,
        wait: Literal[True] = True,
        timeout: float | None = None,
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> Clone: ...

    @overload
    def clone(
        self,
        source: Source,
        text: str | None = None,
        version: Version = "v1",
        language: str = "auto",
        *,
        name: str | None = None,
        consent: Consent | Source | None = None,
        wait: Literal[False],
        timeout: float | None = None,
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> Task: ...

    def clone(
        self,
        source: Source,
        text: str | None = None,
        version: Version = "v1",
        language: str = "auto",
        *,
        name: str | None = None,
        consent: Consent | Source | None = None,
        wait: bool = True,
        timeout: float | None = None,
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> Clone | Task:
        """Clone a voice from a recording, and speak a preview with it.

        A local recording is uploaded first.

        Args:
            source: An http(s) URL, a path, the content as bytes, or a file opened in binary mode.
                The recording holds more than 15 s and less than 60 s of speech.
            text: Text of the preview, at most 270 characters. Default: a line in `language`.
            version: `v1` speaks 24 languages, `v2` speaks 40.
            language: Language of the recording and the preview, such as "German" or "de". `auto`
                detects the language.
            name: Name of the voice, for `voices` and the studio.
            consent: Consent of the speaker: a `Consent`, or a recording of the speaker's consent.
            wait: False returns the task at once.
            timeout: Seconds to wait for the voice. Default: no limit.
            on_progress: Called with the task whenever its status or progress has changed.
            idempotency_key: Names this request. Another request with the same key and URL returns
                the task of the first. An uploaded file has another URL each time.

        Returns:
            The voice and its preview; with `wait=False`, the task.

        Raises:
            TaskFailed: The recording cannot be cloned.
            Timeout: The task did not end within `timeout` seconds.

        Example:
            voice = client.clone("me.wav", "Hello, it is me.", name="Anna")
            client.download(voice, "preview.mp3")
        """
        body = {
            "file_url": self._upload_unless_remote(source),
            "text": text,
            "version": version,
            "language": language,
            "name": name,
            "consent": None if consent is None else self._consent(consent),
        }
        task = self._submit("clones", _wire.to_wire(body), idempotency_key)
        if not wait:
            return task
        return _wire.result_of(Clone, self.wait(task, timeout, on_progress))

    @overload
    def speak(
        self,
        model_id: str,
        text: str,
        *,
        text_format: TextFormat | None = None,
        version: Version | None = None,
        language: str = "auto",
        emotion: str | None = None,
        speed: float | None = None,
        vol: float | None = None,
        pitch: int | None = None,
        subtitles: Subtitles,
        format: Format | None = None,
        sample_rate: int | None = None,
        channel: Literal[1, 2] | None = None,
        loudness: Loudness | None = None,
        pronunciation: Iterable[Pronunciation] | None = None,
        wait: Literal[True] = True,
        timeout: float | None = None,
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> SubtitledSpeech: ...

    @overload
    def speak(
        self,
        model_id: str,
        text: str,
        *,
        text_format: TextFormat | None = None,
        version: Version | None = None,
        language: str = "auto",
        emotion: str | None = None,
        speed: float | None = None,
        vol: float | None = None,
        pitch: int | None = None,
        subtitles: Subtitles | None = None,
        format: Format | None = None,
        sample_rate: int | None = None,
        channel: Literal[1, 2] | None = None,
        loudness: Loudness | None = None,
        pronunciation: Iterable[Pronunciation] | None = None,
        wait: Literal[True] = True,
        timeout: float | None = None,
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> Speech: ...

    @overload
    def speak(
        self,
        model_id: str,
        text: str,
        *,
        text_format: TextFormat | None = None,
        version: Version | None = None,
        language: str = "auto",
        emotion: str | None = None,
        speed: float | None = None,
        vol: float | None = None,
        pitch: int | None = None,
        subtitles: Subtitles | None = None,
        format: Format | None = None,
        sample_rate: int | None = None,
        channel: Literal[1, 2] | None = None,
        loudness: Loudness | None = None,
        pronunciation: Iterable[Pronunciation] | None = None,
        wait: Literal[False],
        timeout: float | None = None,
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> Task: ...

    def speak(
        self,
        model_id: str,
        text: str,
        *,
        text_format: TextFormat | None = None,
        version: Version | None = None,
        language: str = "auto",
        emotion: str | None = None,
        speed: float | None = None,
        vol: float | None = None,
        pitch: int | None = None,
        subtitles: Subtitles | None = None,
        format: Format | None = None,
        sample_rate: int | None = None,
        channel: Literal[1, 2] | None = None,
        loudness: Loudness | None = None,
        pronunciation: Iterable[Pronunciation] | None = None,
        wait: bool = True,
        timeout: float | None = None,
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> Speech | Task:
        """Speak a text with a cloned voice.

        Args:
            model_id: Id of the voice.
            text: At most 10,000 characters. `<#x#>` pauses for x seconds.
            text_format: `ssml` if the text is an SSML document. Its markup is not charged.
            version: Default: the version of the voice.
            language: Language of the text, such as "German" or "de". `auto` detects the language of
                each sentence.
            emotion: One of happy, sad, angry, fearful, disgusted, surprised, neutral.
            speed: Speaking rate, 0.5 to 2.
            vol: Loudness, above 0 and up to 10.
            pitch: Shift in semitones, -12 to 12.
            subtitles: Makes subtitles by sentence or by word.
            format: Default: mp3.
            sample_rate: Hz, 8000 to 48000. Default: 44100, or 48000 for ogg.
            channel: Number of channels.
            loudness: Loudness of the file for a kind of publication. Excludes `vol`.
            pronunciation: Spoken forms of words. They prevail over those of the account.
            wait: False returns the task at once.
            timeout: Seconds to wait for the speech. Default: no limit.
            on_progress: Called with the task whenever its status or progress has changed.
            idempotency_key: Names this request. The same request with the same key returns the task
                of the first, and is charged once.

        Returns:
            The speech, which has links to subtitles if you asked for them. With `wait=False`, the
            task.

        Raises:
            TaskFailed: The text cannot be spoken.
            Timeout: The task did not end within `timeout` seconds.
            ValueError: `subtitles` is neither "sentence" nor "word".

        Example:
            speech = client.speak("model_…", "Good news!", emotion="happy", format="flac")
            client.download(speech, "news.flac")
        """
        body = _wire.speech_body(
            model_id,
            text,
            subtitles,
            text_format=text_format,
            version=version,
            language=language,
            emotion=emotion,
            speed=speed,
            vol=vol,
            pitch=pitch,
            format=format,
            sample_rate=sample_rate,
            channel=channel,
            loudness=loudness,
            pronunciation=None if pronunciation is None else _wire.entries_body(pronunciation),
        )
        task = self._submit("audios", body, idempotency_key)
        if not wait:
            return task
        kind = SubtitledSpeech if subtitles else Speech
        return _wire.result_of(kind, self.wait(task, timeout, on_progress))

    @overload
    def convert(
        self,
        model_id: str,
        source: Source,
        *,
        max_seconds: int | None = None,
        vol: float | None = None,
        format: Format | None = None,
        sample_rate: int | None = None,
        channel: Literal[1, 2] | None = None,
        wait: Literal[True] = True,
        timeout: float | None = None,
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> Conversion: ...

    @overload
    def convert(
        self,
        model_id: str,
        source: Source,
        *,
        max_seconds: int | None = None,
        vol: float | None = None,
        format: Format | None = None,
        sample_rate: int | None = None,
        channel: Literal[1, 2] | None = None,
        wait: Literal[False],
        timeout: float | None = None,
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> Task: ...

    def convert(
        self,
        model_id: str,
        source: Source,
        *,
        max_seconds: int | None = None,
        vol: float | None = None,
        format: Format | None = None,
        sample_rate: int | None = None,
        channel: Literal[1, 2] | None = None,
        wait: bool = True,
        timeout: float | None = None,
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> Conversion | Task:
        """Turn a recording of another person into the same performance in a cloned voice.

        Timing, melody and emphasis of the performer stay. The performer's voice is not cloned.

        Args:
            model_id: Id of the voice.
            source: An http(s) URL, a path, the content as bytes, or a file opened in binary mode.
            max_seconds: Most seconds that the recording may last, up to 600. Their price is held.
                Default: 300.
            vol: Loudness, above 0 and up to 10.
            format: Default: mp3.
            sample_rate: Hz, 8000 to 48000. Default: 44100, or 48000 for ogg.
            channel: Number of channels.
            wait: False returns the task at once.
            timeout: Seconds to wait for the conversion. Default: no limit.
            on_progress: Called with the task whenever its status or progress has changed.
            idempotency_key: Names this request. The same request with the same key returns the task
                of the first, and is charged once.

        Raises:
            TaskFailed: The recording cannot be converted.
            Timeout: The task did not end within `timeout` seconds.

        Example:
            made = client.convert("model_…", "performance.wav", format="flac")
            client.download(made, "converted.flac")
        """
        body = _wire.to_wire(
            {
                "model_id": model_id,
                "file_url": self._upload_unless_remote(source),
                "max_seconds": max_seconds,
                "vol": vol,
                "format": format,
                "sample_rate": sample_rate,
                "channel": channel,
            }
        )
        task = self._submit("voice-conversions", body, idempotency_key)
        if not wait:
            return task
        return _wire.result_of(Conversion, self.wait(task, timeout, on_progress))

    def stream(
        self,
        model_id: str,
        text: str,
        *,
        version: Version | None = None,
        language: str | None = None,
        emotion: str | None = None,
        speed: float | None = None,
        format: StreamFormat = "mp3",
    ) -> Generator[bytes, None, None]:
        """Speak a text, and yield the audio while it is generated.

        The first sentence arrives before the second is spoken. The server cancels the speech when
        the generator is closed, and charges for the parts that it has sent.

        Args:
            model_id: Id or name of the voice.
            text: At most 10,000 characters. `<#x#>` pauses for x seconds.
            version: Default: the version of the voice.
            language: Language of the text. Default: the language of each sentence is detected.
            emotion: One of happy, sad, angry, fearful, disgusted, surprised, neutral.
            speed: Speaking rate, 0.5 to 2.
            format: `pcm` is 24,000 samples a second, 16 bits, little-endian, one channel. `opus` is
                in Ogg, `aac` in ADTS.

        Yields:
            Blocks of the audio file.

        Raises:
            TaskFailed: The speech failed after its first block.
            Unreachable: The connection broke. The blocks so far are not the whole speech.

        Example:
            with closing(client.stream("Anna", "Good evening.", format="pcm")) as blocks:
                for block in blocks:
                    player.write(block)
        """
        options = {"language": language, "speed": speed, "response_format": format}
        body = _wire.stream_body(model_id, text, version, emotion, **options)
        with ExitStack() as stack:
            response = self._retry(lambda: self._open_stream(stack, body))
            try:
                for block in response.iter_bytes():
                    yield block
            except _wire.FAULTS as error:
                task_id = response.headers.get("x-soundclone-task")
                task = self.task(task_id) if task_id else None
                if task and task.status == "failed":
                    raise TaskFailed(task) from error
                raise _wire.unreachable(str(response.url), error) from error

    def converse(
        self,
        model_id: str,
        *,
        version: Version | None = None,
        language: str | None = None,
        emotion: str | None = None,
        speed: float | None = None,
        pitch: int | None = None,
        volume: float | None = None,
        format: TalkFormat = "pcm",
        sample_rate: int | None = None,
        words: bool = False,
        ahead: float | None = None,
    ) -> Conversation:
        """Return a conversation: speech of a text that arrives in pieces.

        Each clause is spoken as soon as it is complete, and paid for when it is delivered. The
        package needs the extra `talk`.

        Args:
            model_id: Id or name of the voice.
            version: Default: the version of the voice.
            language: Language of the text. Default: the language is detected.
            emotion: One of happy, sad, angry, fearful, disgusted, surprised, neutral.
            speed: Speaking rate, 0.25 to 4.
            pitch: Semitones, -12 to 12.
            volume: Loudness, above 0 and up to 10.
            format: `pcm` is 24,000 samples a second, 16 bits, little-endian, one channel.
            sample_rate: Samples a second. Default: the usual one of the format.
            words: True for events with the time of each word.
            ahead: Seconds of audio that are sent before the listener hears them. Default: no
                limit.

        Example:
            with client.converse("Anna") as talk:
                for block in talk.speak(["Good eve", "ning. The news", " follows."]):
                    player.write(block)
        """
        options = {
            "model": f"soundclone-{version}" if version else None,
            "language": language,
            "emotion": emotion,
            "speed": speed,
            "pitch": pitch,
            "volume": volume,
            "format": format,
            "sample_rate": sample_rate,
            "words": words,
            "ahead": ahead,
        }
        start: dict[str, object] = {"type": "start", "voice": model_id, "audio": "binary"}
        start |= {name: value for name, value in options.items() if value is not None}
        url = _wire.socket_url(self._server.base_url, PATH)
        return Conversation(url, self._server.headers, start)

    def task(self, id: str) -> Task:
        """Return the state of a task.

        Example:
            task = client.task("audio_…")
            print(task.status, task.progress)
        """
        return _wire.read(Task, self._call("GET", _wire.task_path(id)))

    def tasks(self, *, status: Status | None = None, kind: Kind | None = None) -> Iterator[Task]:
        """Yield the account's tasks, newest first. A task is listed until its result expires.

        Args:
            status: Yields only tasks with this status.
            kind: `clone` yields only clones, `audio` only speech, `conversion` only voice
                conversions.

        Example:
            for task in client.tasks(status="failed"):
                print(task.id, task.error)
        """
        cursor = None
        while True:
            page = self.task_page(limit=100, cursor=cursor, status=status, kind=kind)
            for task in page.tasks:
                yield task
            cursor = page.next_cursor
            if cursor is None:
                return

    def task_page(
        self,
        *,
        limit: int = 20,
        cursor: str | None = None,
        status: Status | None = None,
        kind: Kind | None = None,
    ) -> TaskPage:
        """Return one page of the account's tasks, newest first.

        Args:
            limit: Most tasks of the page, 1 to 100.
            cursor: `next_cursor` of the page before.
            status: Returns only tasks with this status.
            kind: `clone` returns only clones, `audio` only speech, `conversion` only voice
                conversions.

        Example:
            page = client.task_page(limit=50)
            following = client.task_page(limit=50, cursor=page.next_cursor)
        """
        params = {"limit": limit, "cursor": cursor, "status": status, "kind": kind}
        return _wire.read_page(
            self._call("GET", f"{_wire.API}/audios", params=_wire.to_wire(params))
        )

    def wait(
        self,
        task: Task | str,
        timeout: float | None = None,
        on_progress: Progress | None = None,
    ) -> Task:
        """Wait until a task is completed, and return it.

        An outage of the server of up to five minutes does not end the wait.

        Args:
            task: A task or its id.
            timeout: Seconds to wait. Default: no limit.
            on_progress: Called with the task whenever its status or progress has changed.

        Raises:
            TaskFailed: The task failed.
            Timeout: The task did not end within `timeout` seconds.

        Example:
            task = client.speak("model_…", "Good evening.", wait=False)
            done = client.wait(task, on_progress=lambda task: print(task.progress))
        """
        id = task if isinstance(task, str) else task.id
        latest = None if isinstance(task, str) else task
        deadline = time.monotonic() + (math.inf if timeout is None else timeout)
        last_answer, failures, interval = time.monotonic(), 0, 0.25
        reported: tuple[str, int | None] | None = None
        while True:
            try:
                asked = time.monotonic()
                hold = _wire.wait_header(interval, deadline - asked)
                answer = self._attempt("GET", _wire.task_path(id), headers=hold)
                latest = _wire.read(Task, answer)
            except ClientError as error:
                failures += 1
                if not _wire.is_transient(error) or time.monotonic() - last_answer > _wire.OUTAGE:
                    raise
                pause = _wire.pause_before_retry(error, failures)
            else:
                last_answer, failures = time.monotonic(), 0
                if on_progress and reported != (latest.status, latest.progress):
                    on_progress(latest)
                    reported = latest.status, latest.progress
                if latest.status == "failed":
                    raise TaskFailed(latest)
                if latest.status == "completed":
                    return latest
                # The server has held the answer, unless it is an older one.
                pause = max(0.0, asked + interval - time.monotonic())
                interval = min(interval * 1.2, 2.0)
            left = deadline - time.monotonic()
            if left <= 0:
                status = latest.status if latest else "not known"
                raise Timeout(f"task {id} has not ended within {timeout} s; it is {status}", latest)
            time.sleep(min(pause, left))

    def cancel(self, id: str) -> Task:
        """Cancel a task, which then costs nothing.

        Returns:
            The task, failed as `cancelled`. A task that had already ended is unchanged.

        Example:
            task = client.speak("model_…", "Good evening.", wait=False)
            client.cancel(task.id)
        """
        return _wire.read(Task, self._call("DELETE", _wire.task_path(id)))

    def upload(self, source: Source, *, on_progress: Transfer | None = None) -> Upload:
        """Upload a recording of at most 100 MB. The server deletes it after some days.

        Args:
            source: A path, the content as bytes, or a file opened in binary mode, which is sent
                from its beginning.
            on_progress: Called with the bytes sent and the total.

        Example:
            recording = client.upload("me.wav")
            voice = client.clone(recording.url)
        """
        path, recording = f"{_wire.API}/files/upload", Recording(source, on_progress)
        return _wire.read(Upload, self._call("POST", path, recording=recording))

    def balance(self) -> Balance:
        """Return the credits of the account.

        Example:
            balance = client.balance()
            print(balance.available)
        """
        return _wire.read(Balance, self._call("GET", f"{_wire.API}/user/balance"))

    def key_balance(self) -> KeyBalance:
        """Return the credits that the key may spend.

        Example:
            balance = client.key_balance()
            print(balance.available_quota)
        """
        return _wire.read(KeyBalance, self._call("GET", f"{_wire.API}/key/balance"))

    def catalog(self, search: str = "") -> list[Price]:
        """Return the prices whose name contains `search`. Needs no key.

        Example:
            for price in client.catalog():
                print(price.display_name, price.unit_price)
        """
        return _wire.read_list(Price, self._call("GET", _wire.CATALOG, params={"search": search}))

    def languages(self) -> list[Language]:
        """Return the languages, and the engines that speak them on this server now.

        Example:
            for language in client.languages():
                print(language.name, language.engines["v2"])
        """
        return _wire.read_list(Language, self._call("GET", f"{_wire.API}/languages"))

    def sign_in_link(self) -> SignInLink:
        """Make a link that signs in to the studio with this key. It works once, for ten minutes.

        Example:
            link = client.sign_in_link()
            webbrowser.open(link.url)
        """
        return _wire.read(SignInLink, self._call("POST", f"{_wire.API}/sign-in-links"))

    def account(self) -> Account:
        """Return the account that the key belongs to.

        Example:
            account = client.account()
            print(account.id, account.name)
        """
        return _wire.read(Account, self._call("GET", f"{_wire.API}/account"))

    def export_account(
        self, path: str | PathLike[str], *, on_progress: Transfer | None = None
    ) -> Path:
        """Save everything that the server stores for the account, as a zip archive.

        The key needs the scope `account`. Only the owner of the file can read it.

        Args:
            path: File to write. It appears once the download is complete.
            on_progress: Called with the bytes received and None.

        Returns:
            The path.

        Example:
            client.export_account("account.zip")
        """
        url, target = f"{self._server.base_url}{_wire.API}/account/export", Path(path)
        self._retry(lambda: self._download(url, target, on_progress, private=True))
        return target

    def erase_account(self, account_id: str) -> Erasure:
        """Erase the account: keys, recordings, voices, results, texts and uploads.

        This cannot be undone. Running tasks are cancelled and cost nothing. The key needs the scope
        `account` and must have no quota. No key of the account works afterwards, so the request is
        sent once.

        Args:
            account_id: Id of the account, against mistakes. Another id is refused.

        Example:
            account = client.account()
            report = client.erase_account(account.id)
            print(report.erased["voices"])
        """
        path, confirm = f"{_wire.API}/account", {"confirm": account_id}
        answer = self._attempt("DELETE", path, params=confirm, timeout=_wire.SLOW)
        return _wire.read(Erasure, answer)

    def keys(self, account_id: str | None = None) -> list[ApiKey]:
        """Return the API keys of the account, newest first, without their texts.

        Args:
            account_id: Another account. The key then needs the scope `operator`.

        Example:
            for key in client.keys():
                print(key.id, key.name, key.scopes)
        """
        params = _wire.to_wire({"account": account_id})
        answer = self._call("GET", f"{_wire.API}/keys", params=params)
        return _wire.read_list(ApiKey, answer)

    def create_key(
        self,
        name: str,
        *,
        scopes: Iterable[Scope] | None = None,
        expires: datetime | None = None,
        quota: float | None = None,
    ) -> NewApiKey:
        """Create an API key of the account. Only the returned object has its text.

        The new key has no scope that the key of this client lacks, and does not expire later. The
        request is sent once, because a repetition would create another key.

        Args:
            name: Name of the key, at most 80 characters.
            scopes: Permissions. Default: those of the key of this client, without `operator`.
            expires: End of the key. Default: the end of the key of this client.
            quota: Most credits that the key may spend. Default: no limit.

        Example:
            made = client.create_key("announcer", scopes=["read", "speak"])
            print(made.key)
        """
        body = _wire.key_body(name, scopes, expires, quota)
        return _wire.read(NewApiKey, self._attempt("POST", f"{_wire.API}/keys", json=body))

    def rotate_key(self, id: str, *, overlap: float = 24) -> NewApiKey:
        """Replace the text of an API key. Only the returned object has the new text.

        The request is sent once, because a repetition would replace the text again.

        Args:
            id: Id of the key, "key_…".
            overlap: Hours for which the former text still works, at most 720.

        Example:
            rotated = client.rotate_key("key_…", overlap=1)
            print(rotated.key)
        """
        path = f"{_wire.key_path(id)}/rotation"
        answer = self._attempt("POST", path, params={"overlapHours": overlap})
        return _wire.read(NewApiKey, answer)

    def revoke_key(self, id: str) -> ApiKey:
        """Revoke an API key. The server refuses requests with the key from now on.

        Example:
            client.revoke_key("key_…")
        """
        return _wire.read(ApiKey, self._call("DELETE", _wire.key_path(id)))

    def set_low_balance(self, credits: float | None) -> Account:
        """Set the credits below which the event `balance.low` is sent to webhooks.

        Args:
            credits: The threshold. None: the event is not sent.

        Example:
            client.set_low_balance(20)
        """
        body = {"lowBalance": credits or 0}
        return _wire.read(Account, self._call("PATCH", f"{_wire.API}/account", json=body))

    def pronunciations(self, *, project_id: str | None = None) -> list[Pronunciation]:
        """Return the pronunciation dictionary of the account, or of a project.

        Args:
            project_id: Id of a project, "proj_…". None: the account.

        Example:
            for entry in client.pronunciations():
                print(entry.written, entry.spoken)
        """
        data = self._call("GET", _wire.dictionary_path(project_id))
        return _wire.read_entries(data)

    def set_pronunciations(
        self, entries: Iterable[Pronunciation], *, project_id: str | None = None
    ) -> list[Pronunciation]:
        """Replace the pronunciation dictionary of the account, or of a project.

        Args:
            entries: All entries, at most 1,000. They apply to all later speech of the account, or
                to the blocks of the project.
            project_id: Id of a project, "proj_…". None: the account.

        Example:
            client.set_pronunciations([Pronunciation("Nguyen", "nwin")])
        """
        body = {"entries": _wire.entries_body(entries)}
        data = self._call("PUT", _wire.dictionary_path(project_id), json=body)
        return _wire.read_entries(data)

    def delete_pronunciations(self, *, project_id: str | None = None) -> None:
        """Delete the pronunciation dictionary of the account, or of a project.

        Args:
            project_id: Id of a project, "proj_…". None: the account.

        Example:
            client.delete_pronunciations()
        """
        self._call("DELETE", _wire.dictionary_path(project_id))

    def webhooks(self) -> list[Webhook]:
        """Return the webhook endpoints of the account, newest first, without their secrets.

        Example:
            for endpoint in client.webhooks():
                print(endpoint.id, endpoint.url, endpoint.enabled)
        """
        return _wire.read_list(Webhook, self._call("GET", f"{_wire.API}/webhooks"))

    def create_webhook(
        self, url: str, *, events: Iterable[WebhookEvent] | None = None, description: str = ""
    ) -> NewWebhook:
        """Create a webhook endpoint. Only the returned object has its secret.

        The request is sent once, because a repetition would create another endpoint.

        Args:
            url: http or https URL that receives the events.
            events: Types of events. Default: all.
            description: A note of at most 200 characters.

        Example:
            made = client.create_webhook("https://example.com/hooks")
            print(made.id, made.secret)
        """
        body = _wire.webhook_body(url, events, description or None, None)
        path = f"{_wire.API}/webhooks"
        return _wire.read(NewWebhook, self._attempt("POST", path, json=body))

    def update_webhook(
        self,
        id: str,
        *,
        url: str | None = None,
        events: Iterable[WebhookEvent] | None = None,
        description: str | None = None,
        enabled: bool | None = None,
    ) -> Webhook:
        """Change a webhook endpoint. Values that are None stay.

        Args:
            id: Id of the endpoint, "hook_…".
            url: http or https URL that receives the events.
            events: Types of events.
            description: A note of at most 200 characters.
            enabled: False: nothing is sent, and waiting deliveries fail.

        Example:
            client.update_webhook("hook_…", enabled=False)
        """
        body = _wire.webhook_body(url, events, description, enabled)
        answer = self._call("PATCH", _wire.webhook_path(id), json=body)
        return _wire.read(Webhook, answer)

    def delete_webhook(self, id: str) -> None:
        """Delete a webhook endpoint and the log of its deliveries.

        Example:
            client.delete_webhook("hook_…")
        """
        self._call("DELETE", _wire.webhook_path(id))

    def rotate_webhook_secret(self, id: str, *, overlap: float = 24) -> NewWebhook:
        """Replace the secret of a webhook endpoint. Only the returned object has the new secret.

        The request is sent once, because a repetition would replace the secret again.

        Args:
            id: Id of the endpoint, "hook_…".
            overlap: Hours for which messages are signed with the former secret too, at most 168.

        Example:
            rotated = client.rotate_webhook_secret("hook_…")
            print(rotated.secret)
        """
        path = f"{_wire.webhook_path(id)}/rotation"
        answer = self._attempt("POST", path, params={"overlapHours": overlap})
        return _wire.read(NewWebhook, answer)

    def test_webhook(self, id: str) -> Delivery:
        """Send an event of the type `webhook.test` to a webhook endpoint.

        Example:
            sent = client.test_webhook("hook_…")
            print(sent.id, sent.status)
        """
        path = f"{_wire.webhook_path(id)}/test"
        return _wire.read(Delivery, self._attempt("POST", path))

    def deliveries(
        self,
        *,
        webhook: str | None = None,
        status: DeliveryStatus | None = None,
    ) -> Iterator[Delivery]:
        """Yield the deliveries of webhooks, newest first.

        Args:
            webhook: Yield only deliveries to this endpoint.
            status: Yield only deliveries of this status.

        Example:
            for delivery in client.deliveries(status="failed"):
                print(delivery.id, delivery.error)
        """
        cursor = None
        while True:
            params = _wire.to_wire(
                {"webhook": webhook, "status": status, "limit": 100, "cursor": cursor}
            )
            path = f"{_wire.API}/webhook-deliveries"
            page = self._call("GET", path, params=params)
            for delivery in _wire.read_list(Delivery, page):
                yield delivery
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    def delivery(self, id: str) -> Delivery:
        """Return a delivery of a webhook.

        Example:
            delivery = client.delivery("dlv_…")
            print(delivery.status, delivery.attempts)
        """
        return _wire.read(Delivery, self._call("GET", _wire.delivery_path(id)))

    def replay_delivery(self, id: str) -> Delivery:
        """Send the message of a delivery again now, with the same webhook-id.

        Example:
            client.replay_delivery("dlv_…")
        """
        path = f"{_wire.delivery_path(id)}/replay"
        return _wire.read(Delivery, self._attempt("POST", path))

    def verify(
        self,
        source: Source,
        *,
        sidecar: Source | None = None,
        on_progress: Transfer | None = None,
    ) -> Verdict:
        """Search a recording for the marks of synthetic speech. Needs no key.

        With an operator's key, the verdict also names the task that made the sound.

        Args:
            source: A public http(s) URL, a path, the content as bytes, or a file opened in binary
                mode.
            sidecar: Content Credentials beside the recording: the path of a .c2pa file, its content
                as bytes, or the file opened in binary mode.
            on_progress: Called with the bytes sent and the total.

        Example:
            verdict = client.verify("found.mp3")
            print(verdict.synthetic, verdict.watermark.p_value)
        """
        address = remote_address(source)
        if address:
            options: dict[str, Any] = {"data": {"url": address}}
        else:
            options = {"recording": Recording(source, on_progress)}
        if sidecar is not None:
            with Recording(sidecar, None).opened() as (name, file):
                options["files"] = {"sidecar": (name, file.read())}
        options |= {"params": {"details": "true"}, "timeout": _wire.SLOW, "bare": True}
        return _wire.read_verdict(self._call("POST", "/verify", **options))

    def voices(self) -> list[Voice]:
        """Return the account's voices, newest first.

        Example:
            for voice in client.voices():
                print(voice.model_id, voice.name)
        """
        return _wire.read_list(Voice, self._call("GET", f"{_wire.API}/voices"))

    def rename_voice(self, model_id: str, name: str) -> Voice:
        """Rename a voice. An empty text removes the name.

        Example:
            client.rename_voice("model_…", "Anna")
        """
        path = _wire.voice_path(model_id)
        return _wire.read(Voice, self._call("PATCH", path, json={"name": name}))

    def tag_voice(self, model_id: str, tags: Sequence[str]) -> Voice:
        """Give a voice tags in place of its former ones. An empty list removes all tags.

        Example:
            client.tag_voice("model_…", ["podcast", "calm"])
        """
        path = _wire.voice_path(model_id)
        return _wire.read(Voice, self._call("PATCH", path, json={"tags": list(tags)}))

    def delete_voice(self, model_id: str) -> None:
        """Delete a voice and its recording. This cannot be undone.

        Example:
            client.delete_voice("model_…")
        """
        self._call("DELETE", _wire.voice_path(model_id))

    def withdraw_consent(self, model_id: str) -> Withdrawal:
        """Withdraw the speaker's consent: delete the voice and everything spoken with it.

        Running tasks of the voice are cancelled. A consent with an id ("cons_…") is withdrawn for
        all of its voices. This cannot be undone.

        Example:
            client.withdraw_consent("model_…")
        """
        path = f"{_wire.voice_path(model_id)}/consent"
        return _wire.read(Withdrawal, self._call("DELETE", path))

    def projects(self) -> Iterator[Project]:
        """Yield the projects of the account, newest first.

        Example:
            for project in client.projects():
                print(project.id, project.name, project.blocks)
        """
        cursor: str | None = None
        while True:
            query = {"limit": 100} | ({"cursor": cursor} if cursor else {})
            page = self._call("GET", f"{_wire.API}/projects", params=query)
            for project in _wire.read_list(Project, page):
                yield project
            cursor = page.get("nextCursor")
            if not cursor:
                return

    def create_project(
        self,
        name: str,
        *,
        model_id: str | None = None,
        language: str | None = None,
        emotion: str | None = None,
        speed: float | None = None,
        pitch: int | None = None,
        vol: float | None = None,
        idempotency_key: str | None = None,
    ) -> Project:
        """Create a project: a script of blocks that are recorded one by one.

        Args:
            name: Name of the project.
            model_id: Voice of blocks that set none.
            language: Name of a language, or "auto".
            emotion: Emotion of the speech.
            speed: Speaking rate, 0.5 to 2.
            pitch: Change in semitones, -12 to 12.
            vol: Loudness, above 0 and up to 10.
            idempotency_key: Names this request. The same request with the same key returns the
                first project.

        Example:
            project = client.create_project("Moby Dick", model_id="model_…")
            client.add_blocks(project.id, ["Call me Ishmael.", "Some years ago."])
            client.record_project(project.id)
            render = client.render(project.id)
            client.download(render, "moby-dick.mp3")
        """
        body = _wire.to_wire(
            {
                "name": name,
                "model_id": model_id,
                "language": language,
                "emotion": emotion,
                "speed": speed,
                "pitch": pitch,
                "vol": vol,
            }
        )
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        path = f"{_wire.API}/projects"
        return _wire.read_project(self._call("POST", path, json=body, headers=headers))

    def project(self, id: str) -> Project:
        """Return a project, and how much of it is still to be recorded.

        Example:
            left = (client.project("proj_…")).unrecorded
            print(left.blocks, left.cost)
        """
        return _wire.read_project(self._call("GET", _wire.project_path(id)))

    def update_project(
        self, id: str, *, if_version: int | None = None, **values: object
    ) -> Project:
        """Change a project. Takes of blocks that would be spoken differently become stale.

        Args:
            id: Id of the project, "proj_…".
            if_version: Version that the project must have, so that no other change is lost.
            values: New values: `name`, `model_id`, `language`, `emotion`, `speed`, `pitch` or
                `vol`. None removes a value.

        Raises:
            ParameterError: The project has another version (`precondition_failed`).

        Example:
            client.update_project("proj_…", speed=0.9)
        """
        answer = self._attempt(
            "PATCH",
            _wire.project_path(id),
            json=_wire.block_body(values),
            headers=_wire.version_header(if_version),
        )
        return _wire.read_project(answer)

    def delete_project(self, id: str) -> None:
        """Delete a project with its blocks, takes and renders.

        Example:
            client.delete_project("proj_…")
        """
        self._call("DELETE", _wire.project_path(id))

    def blocks(self, project_id: str) -> Iterator[Block]:
        """Yield the blocks of a project in the order of the script, each with its take.

        Example:
            for block in client.blocks("proj_…"):
                print(block.state, block.text)
        """
        cursor: str | None = None
        path = _wire.project_path(project_id, "blocks")
        while True:
            query = {"limit": 500} | ({"cursor": cursor} if cursor else {})
            page = self._call("GET", path, params=query)
            for row in page.get("list") or ():
                yield _wire.read_block(row)
            cursor = page.get("nextCursor")
            if not cursor:
                return

    def add_blocks(
        self,
        project_id: str,
        blocks: Iterable[str | Mapping[str, object]],
        *,
        after: str | None = None,
        if_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> list[Block]:
        """Insert blocks into a script, by default at the end. Return them.

        A long list takes several requests. A request that is sent again inserts nothing twice.

        Args:
            project_id: Id of the project, "proj_…".
            blocks: Texts, or the values of blocks: `kind`, `text`, `text_format`, `seconds`,
                `model_id`, `language`, `emotion`, `speed`, `pitch` and `vol`.
            after: Id of the block before the new ones, or "start".
            if_version: Version that the project must have.
            idempotency_key: Names this call. The same call with the same key returns the first
                blocks, and inserts those that are missing after an interruption.

        Example:
            client.add_blocks("proj_…", ["Call me Ishmael."], after="start")
        """
        rows = [
            _wire.block_body({"text": each} if isinstance(each, str) else each) for each in blocks
        ]
        made: list[Block] = []
        key = idempotency_key or uuid.uuid4().hex
        for number, batch in enumerate(_wire.block_batches(rows)):
            body: dict[str, object] = {"blocks": batch}
            if after is not None:
                body["after"] = after
            headers = {"Idempotency-Key": f"{key}-{number}" if number else key}
            answer = self._call(
                "POST",
                _wire.project_path(project_id, "blocks"),
                json=body,
                headers=headers | _wire.version_header(if_version),
            )
            made += map(_wire.read_block, answer.get("list") or ())
            after = made[-1].id if made else after  # an earlier call's may be deleted
            if_version = None if if_version is None else answer.get("version")
        return made

    def update_block(
        self, project_id: str, id: str, *, if_version: int | None = None, **values: object
    ) -> Block:
        """Change, move or choose the take of a block. Takes of former words become stale.

        Args:
            project_id: Id of the project, "proj_…".
            id: Id of the block, "block_…".
            if_version: Version that the block must have, so that no other change is lost.
            values: New values, as for `add_blocks`. None removes a value. `take_id` chooses a take,
                and `after` moves the block.

        Raises:
            ParameterError: The block has another version (`precondition_failed`).

        Example:
            client.update_block("proj_…", "block_…", text="Call me Al.", emotion="happy")
        """
        answer = self._attempt(
            "PATCH",
            _wire.project_path(project_id, "blocks", id),
            json=_wire.block_body(values),
            headers=_wire.version_header(if_version),
        )
        return _wire.read_block(answer)

    def delete_block(self, project_id: str, id: str) -> None:
        """Delete a block. `restore_block` brings it back while results are kept.

        Example:
            client.delete_block("proj_…", "block_…")
        """
        self._call("DELETE", _wire.project_path(project_id, "blocks", id))

    def restore_block(self, project_id: str, id: str) -> Block:
        """Restore a deleted block with its takes, at its former place.

        Example:
            client.restore_block("proj_…", "block_…")
        """
        path = _wire.project_path(project_id, "blocks", id, "restoration")
        return _wire.read_block(self._attempt("POST", path))

    def record_block(
        self,
        project_id: str,
        id: str,
        *,
        seed: int | None = None,
        choose: bool = True,
        idempotency_key: str | None = None,
    ) -> Take:
        """Record a block as it is now, and return the take at once. Only this block is charged.

        Args:
            project_id: Id of the project, "proj_…".
            id: Id of the block, "block_…".
            seed: Another seed gives another reading. Default: a random one.
            choose: Use the take in renders once it is completed.
            idempotency_key: Names this request. The same request with the same key returns the
                first take.

        Example:
            take = client.record_block("proj_…", "block_…")
            client.wait(take.task_id)
        """
        answer = self._call(
            "POST",
            _wire.project_path(project_id, "blocks", id, "takes"),
            json=_wire.to_wire({"seed": seed, "choose": choose}),
            headers={"Idempotency-Key": idempotency_key or uuid.uuid4().hex},
        )
        return _wire.read(Take, answer)

    def record_project(
        self,
        project_id: str,
        *,
        wait: bool = True,
        check: bool = True,
        on_progress: Count | None = None,
    ) -> Recorded:
        """Record the blocks whose present content has no take.

        Blocks whose take fits are not recorded again. A take that is under way is waited for.
        A key may have a limited number of tasks that have not ended. While it has that many, the
        next blocks are ordered after the takes have ended.

        Args:
            project_id: Id of the project, "proj_…".
            wait: Wait for the takes. False returns when the takes are ordered.
            check: False returns failed takes, with their `error`, like all others.
            on_progress: Called with the number of takes that have ended and the number of all.

        Raises:
            TaskFailed: A take failed. The other blocks are recorded.
            RateLimitError: Tasks of other work use the whole limit of the key, or takes do and
                `wait` is False.

        Example:
            done = client.record_project("proj_…")
            print(sum(take.cost for take in done.takes), done.refused)
        """
        path = _wire.project_path(project_id, "takes")
        under_way = self._under_way(project_id) if wait else []
        left = self.project(project_id).unrecorded if on_progress else None
        orders = TakeOrders(
            under_way, wait=wait, missing=left.blocks if left else None, on_progress=on_progress
        )
        while not orders.is_done:
            if (body := orders.request) is not None:
                try:
                    orders.ordered(self._call("POST", path, json=body))
                except RateLimitError:
                    if not orders.postpone():
                        raise
            for take in orders.due():
                try:
                    orders.ended(take, self.wait(take.task_id))
                except TaskFailed as error:
                    orders.ended(take, error.task, error)
        return orders.result(check=check)

    def _under_way(self, project_id: str) -> list[Take]:
        """Return the takes of a project that are being recorded."""
        found = []
        for block in self.blocks(project_id):
            if block.recording_id:
                path = _wire.project_path(project_id, "takes", block.recording_id)
                found.append(_wire.read(Take, self._call("GET", path)))
        return found

    def takes(self, project_id: str, block_id: str) -> list[Take]:
        """Return the takes of a block, newest first.

        Example:
            for take in client.takes("proj_…", "block_…"):
                print(take.id, take.chosen, take.audio_url)
        """
        path = _wire.project_path(project_id, "blocks", block_id, "takes")
        return _wire.read_list(Take, self._call("GET", path))

    def delete_take(self, project_id: str, id: str) -> None:
        """Delete a take, or cancel it while it is under way.

        Example:
            client.delete_take("proj_…", "take_…")
        """
        self._call("DELETE", _wire.project_path(project_id, "takes", id))

    def render(
        self,
        project_id: str,
        *,
        format: Format | None = None,
        sample_rate: int | None = None,
        channel: Literal[1, 2] | None = None,
        loudness: Loudness | None = None,
        subtitles: Subtitles = "sentence",
        gap: float | None = None,
        allow_stale: bool = False,
        if_version: int | None = None,
        wait: bool = True,
        timeout: float | None = None,
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> Task:
        """Join the chosen takes of a project to one file with subtitles, which costs nothing.

        Args:
            project_id: Id of the project, "proj_…".
            format: Default: mp3.
            sample_rate: Hz, 8000 to 48000. Default: 44100, or 48000 for ogg.
            channel: Number of channels.
            loudness: Loudness of the file for a kind of publication. Default: that of the takes.
            subtitles: Unit of text of each subtitle.
            gap: Seconds of silence between two blocks. Default: the silence of their takes.
            allow_stale: Use takes of former words.
            if_version: Version that the project must have.
            wait: False returns the task at once.
            timeout: Seconds to wait for the render. Default: no limit.
            on_progress: Called with the task whenever its status or progress has changed.
            idempotency_key: Names this request. The same request with the same key returns the task
                of the first.

        Raises:
            ParameterError: A block has no take, or a stale one (`conflict`).
            TaskFailed: The render failed.
            Timeout: The render did not end within `timeout` seconds.

        Example:
            render = client.render("proj_…", format="flac")
            client.download(render, "book.flac")
            print(render.chapters)
        """
        body = _wire.to_wire(
            {
                "format": format,
                "sample_rate": sample_rate,
                "channel": channel,
                "loudness": loudness,
                "subtitle_type": "word" if subtitles == "word" else None,
                "gap": gap,
                "allow_stale": allow_stale or None,
            }
        )
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        answer = self._call(
            "POST",
            _wire.project_path(project_id, "renders"),
            json=body,
            headers=headers | _wire.version_header(if_version),
        )
        task = _wire.read(Task, answer)
        return self.wait(task, timeout, on_progress) if wait else task

    def download(
        self,
        result: Task | Clone | Speech | Conversion | str,
        path: str | PathLike[str],
        *,
        on_progress: Transfer | None = None,
    ) -> Path:
        """Download the audio of a result. The key is not sent, because links are signed.

        Args:
            result: A `Clone`, `Speech` or `Conversion`, a completed task, or a link.
            path: File to write. It appears once the download is complete.
            on_progress: Called with the bytes received and the total, which is None if unknown.

        Returns:
            The path.

        Raises:
            ValueError: The task has no audio.

        Example:
            speech = client.speak("model_…", "Good evening.")
            client.download(speech, "evening.mp3")
        """
        url = urljoin(f"{self._server.base_url}/", _wire.link_of(result))
        target = Path(path)
        self._retry(lambda: self._download(url, target, on_progress))
        return target

    def download_subtitles(
        self,
        result: Task | Speech,
        path: str | PathLike[str],
        *,
        format: Literal["srt", "vtt", "json"] = "srt",
    ) -> Path:
        """Download the subtitles of speech.

        Raises:
            ValueError: The speech was made without subtitles.

        Example:
            speech = client.speak("model_…", "Good evening.", subtitles="word")
            client.download_subtitles(speech, "evening.srt")
        """
        return self.download(_wire.subtitle_link_of(result, format), path)

    def download_credentials(
        self, result: Task | Speech | Conversion, path: str | PathLike[str]
    ) -> Path:
        """Download the Content Credentials (C2PA) of a result whose file cannot hold them.

        MP3, WAV and FLAC files hold their own. Ogg files and streams have a file beside them.
        Programs look for a file of the same name with the ending `.c2pa`.

        Raises:
            ValueError: There is no such file.

        Example:
            speech = client.speak("model_…", "Good evening.", format="ogg")
            client.download(speech, "evening.ogg")
            client.download_credentials(speech, "evening.c2pa")
        """
        return self.download(_wire.credentials_link_of(result), path)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _upload_unless_remote(self, source: Source, *prefixes: str) -> str:
        """Return the address of a recording. `prefixes` mark other texts that are addresses."""
        address = remote_address(source, *prefixes)
        return address or self.upload(source).url

    def _consent(self, given: Consent | Source) -> dict[str, object]:
        consent = given if isinstance(given, Consent) else Consent(given)
        recording = None
        if consent.recording is not None:
            recording = self._upload_unless_remote(consent.recording, "cons_")
        return _wire.consent_body(consent, recording)

    def _submit(self, kind: str, body: Mapping[str, object], key: str | None) -> Task:
        # With the key, the retry of a request whose answer was lost returns the first task.
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        path = f"{_wire.API}/soundCloning/{kind}"
        return _wire.read(Task, self._call("POST", path, json=body, headers=headers))

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Send a request, with retries, and return the data of the answer."""
        return self._retry(lambda: self._attempt(method, path, **options))

    def _retry(self, attempt: Callable[[], _T]) -> _T:
        failures = 0
        while True:
            try:
                return attempt()
            except ClientError as error:
                failures += 1
                pause = _wire.pause_before_retry(error, failures)
                exhausted = failures > self._retries or pause > _wire.LONGEST_PAUSE
                if exhausted or not _wire.is_transient(error):
                    raise
            time.sleep(pause)

    def _attempt(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        recording: Recording | None = None,
        bare: bool = False,
        **options: Any,
    ) -> dict[str, Any]:
        """Send a request once, and return the data of the answer.

        Args:
            method: The HTTP method.
            path: Path on the server.
            headers: Headers besides those of every request.
            recording: File of the form.
            bare: True for an answer without an envelope.
            options: Other arguments of the HTTP library.
        """
        url = self._server.base_url + path
        with _wire.reaching(url), ExitStack() as stack:
            if recording:
                sent = {"file": stack.enter_context(recording.opened())}
                options["files"] = options.get("files", {}) | sent
            response = self._http.request(
                method, url, headers={**self._server.headers, **(headers or {})}, **options
            )
        return _wire.object_of(response) if bare else _wire.data_of(response)

    def _download(
        self, url: str, path: Path, on_progress: Transfer | None, *, private: bool = False
    ) -> None:
        """Download a file. The key is sent only for a `private` one, because links are signed."""
        headers = self._server.headers if private else None
        with _wire.reaching(url):
            with self._http.stream(
                "GET", url, headers=headers, follow_redirects=not private
            ) as response:
                if response.status_code != 200:
                    response.read()
                    raise _wire.error_of(response)
                length = response.headers.get("content-length", "")
                total = int(length) if length.isdecimal() else None
                with complete_file(path, private=private) as file:
                    for block in response.iter_bytes():
                        file.write(block)
                        if on_progress:
                            on_progress(response.num_bytes_downloaded, total)

    def _open_stream(self, stack: ExitStack, body: Mapping[str, object]) -> httpx2.Response:
        url = self._server.base_url + _wire.SPEECH
        with _wire.reaching(url):
            response = stack.enter_context(
                self._http.stream("POST", url, json=body, headers=self._server.headers)
            )
            if response.status_code != 200:
                response.read()
                raise _wire.error_of(response)
        return response
