"""The blocking client."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, overload

import httpx2

from .flows import (
    FAULTS,
    HEADERS,
    Core,
    Fetch,
    Flow,
    Progress,
    Request,
    Sleep,
    Source,
    T,
    Transfer,
    options_of,
)
from .models import (
    Balance,
    Clone,
    Consent,
    KeyBalance,
    Price,
    Speech,
    Task,
    TaskPage,
    Upload,
    Voice,
    result_of,
)


class Client:
    """A soundclone server.

    `base_url` and `api_key` are taken from SOUNDCLONE_BASE_URL and SOUNDCLONE_API_KEY where not
    given. `timeout` is how long, in seconds, one read or write may take. A request that met a
    lost connection, a server fault or a rate limit is repeated up to `retries` times; repeated
    submissions are charged once.

    Every method raises ApiError and Unreachable, besides what it says.
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
        self._core = Core(base_url, api_key, retries)
        self._http = httpx2.Client(headers=HEADERS, timeout=timeout, transport=transport)

    @overload
    def clone(
        self,
        source: Source,
        text: str | None = None,
        version: str = "v1",
        language: str = "auto",
        *,
        wait: Literal[True] = True,
        timeout: float | None = None,
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
        consent: Consent | Source | None = None,
        name: str | None = None,
    ) -> Clone: ...

    @overload
    def clone(
        self,
        source: Source,
        text: str | None = None,
        version: str = "v1",
        language: str = "auto",
        *,
        wait: Literal[False],
        timeout: float | None = None,
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
        consent: Consent | Source | None = None,
        name: str | None = None,
    ) -> Task: ...

    def clone(
        self,
        source: Source,
        text: str | None = None,
        version: str = "v1",
        language: str = "auto",
        *,
        wait: bool = True,
        timeout: float | None = None,
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
        consent: Consent | Source | None = None,
        name: str | None = None,
    ) -> Clone | Task:
        """Make a voice from an http(s) URL or a local file, which is uploaded first.

        The recording has more than 15 s and less than 60 s of speech. `text` is what the preview
        says, at most 270 characters. The completed task has `model_id` and `audio_url`. Another
        call with the same `idempotency_key` and URL finds the first one's task; a file has a new
        URL whenever it is uploaded. `consent` is the speaker's: a recording, which is uploaded
        where it is a file, or a `Consent`. `rename_voice` changes `name`. Raises as `wait` does,
        unless `wait` is False.
        """
        task = self._run(
            self._core.clone(source, text, version, language, idempotency_key, consent, name)
        )
        if not wait:
            return task
        return result_of(Clone, self.wait(task, timeout, on_progress))

    @overload
    def speak(
        self,
        model_id: str,
        text: str,
        *,
        version: str | None = None,
        language: str = "auto",
        emotion: str | None = None,
        speed: float | None = None,
        vol: float | None = None,
        pitch: int | None = None,
        subtitles: Literal["sentence", "word"] | None = None,
        format: Literal["mp3", "wav", "flac", "ogg"] | None = None,
        sample_rate: int | None = None,
        channel: Literal[1, 2] | None = None,
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
        version: str | None = None,
        language: str = "auto",
        emotion: str | None = None,
        speed: float | None = None,
        vol: float | None = None,
        pitch: int | None = None,
        subtitles: Literal["sentence", "word"] | None = None,
        format: Literal["mp3", "wav", "flac", "ogg"] | None = None,
        sample_rate: int | None = None,
        channel: Literal[1, 2] | None = None,
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
        version: str | None = None,
        language: str = "auto",
        emotion: str | None = None,
        speed: float | None = None,
        vol: float | None = None,
        pitch: int | None = None,
        subtitles: Literal["sentence", "word"] | None = None,
        format: Literal["mp3", "wav", "flac", "ogg"] | None = None,
        sample_rate: int | None = None,
        channel: Literal[1, 2] | None = None,
        wait: bool = True,
        timeout: float | None = None,
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> Speech | Task:
        """Say `text`, at most 10,000 characters, in the voice `model_id`.

        `emotion` is one of happy, sad, angry, fearful, disgusted, surprised, neutral; `speed`
        0.5-2; `vol` above 0 up to 10; `pitch` -12 to 12 semitones. `<#x#>` in the text pauses x
        seconds. `format` is mp3 unless said, `sample_rate` 8000 to 48000 Hz (44100; ogg 48000),
        `channel` 1 or 2. The completed task has `audio_url` and, if asked for, `subtitle_file`.
        Raises as `wait` does, unless `wait` is False.
        """
        options = options_of(
            version, language, emotion, speed, vol, pitch, format, sample_rate, channel
        )
        task = self._run(self._core.speak(model_id, text, options, subtitles, idempotency_key))
        if not wait:
            return task
        return result_of(Speech, self.wait(task, timeout, on_progress))

    def task(self, id: str) -> Task:
        """The task as it stands."""
        return self._run(self._core.task(id))

    def tasks(
        self,
        *,
        limit: int = 20,
        cursor: str | None = None,
        status: Literal["queued", "processing", "completed", "failed"] | None = None,
        kind: Literal["clone", "audio"] | None = None,
    ) -> TaskPage:
        """A page of the account's tasks, newest first: at most `limit`, up to 100, of this status
        and kind. `cursor` is `next_cursor` of the page before."""
        options = {"limit": limit, "cursor": cursor, "status": status, "kind": kind}
        return self._run(self._core.tasks(options))

    def wait(
        self,
        task: Task | str,
        timeout: float | None = None,
        on_progress: Progress | None = None,
    ) -> Task:
        """The task once it is completed. `on_progress` is called with it whenever its status or
        progress has changed. Raises TaskFailed, and Timeout after `timeout` seconds."""
        return self._run(self._core.wait(task, timeout, on_progress))

    def cancel(self, id: str) -> Task:
        """Call a task off: it fails as `cancelled` and is not charged. One that has ended stays
        as it is."""
        return self._run(self._core.cancel(id))

    def upload(self, path: Source, *, on_progress: Transfer | None = None) -> Upload:
        """Upload a recording of at most 100 MB; it is kept for some days. `on_progress` is called
        with how many bytes of how many were sent."""
        return self._run(self._core.upload(path, on_progress))

    def balance(self) -> Balance:
        """Credits of the account."""
        return self._run(self._core.balance())

    def key_balance(self) -> KeyBalance:
        """Credits that the key may spend."""
        return self._run(self._core.key_balance())

    def catalog(self, search: str = "") -> list[Price]:
        """Prices whose name has `search` in it. Needs no key."""
        return self._run(self._core.catalog(search))

    def voices(self) -> list[Voice]:
        """Voices of the account, newest first."""
        return self._run(self._core.voices())

    def rename_voice(self, model_id: str, name: str) -> Voice:
        """Give a voice another name; an empty text removes the name."""
        return self._run(self._core.rename_voice(model_id, name))

    def delete_voice(self, model_id: str) -> None:
        """Delete a voice and the recording that it was made from, for good."""
        self._run(self._core.delete_voice(model_id))

    def download(
        self, task: Task | str, path: Source, *, on_progress: Transfer | None = None
    ) -> Path:
        """Save the audio of a completed task, or the file of a link such as `subtitle_file`. The
        file is at `path` once it is complete. The key is not sent: links carry a signature.
        `on_progress` is called with how many bytes came, and of how many where that is known."""
        return self._run(self._core.download(task, path, on_progress))

    def download_subtitles(
        self, task: Task, path: Source, *, format: Literal["srt", "json"] = "srt"
    ) -> Path:
        """Save the subtitles of a completed task as SRT or JSON. Raises ValueError if it has
        none."""
        return self._run(self._core.download_subtitles(task, path, format))

    def close(self) -> None:
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

    def _run(self, flow: Flow[T]) -> T:
        with closing(flow):
            resume: Callable[[], Any] = partial(next, flow)
            while True:
                try:
                    step = resume()
                except StopIteration as stop:
                    result: T = stop.value
                    return result
                try:
                    resume = partial(flow.send, self._provide(step))
                except FAULTS as error:
                    resume = partial(flow.throw, error)

    def _provide(self, step: Request | Fetch | Sleep) -> httpx2.Response | None:
        if isinstance(step, Sleep):
            time.sleep(step.seconds)
            return None
        if isinstance(step, Request):
            return self._http.request(**vars(step))
        with self._http.stream("GET", step.url, follow_redirects=True) as response:
            if response.status_code != 200:
                response.read()
                return response
            with step.receive(response) as write:
                for block in response.iter_bytes():
                    write(block)
            return response
