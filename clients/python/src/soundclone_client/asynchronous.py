"""The client for asyncio."""

from __future__ import annotations

import asyncio
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


class AsyncClient:
    """`Client` for asyncio."""

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float = 60.0,
        retries: int = 4,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._core = Core(base_url, api_key, retries)
        self._http = httpx2.AsyncClient(headers=HEADERS, timeout=timeout, transport=transport)

    @overload
    async def clone(
        self,
        source: Source,
        text: str | None = None,
        version: str = "v1",
        language: str = "auto",
        *,
        wait: Literal[True] = True,
        timeout: float | None = None,  # noqa: ASYNC109
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
        consent: Consent | Source | None = None,
        name: str | None = None,
    ) -> Clone: ...

    @overload
    async def clone(
        self,
        source: Source,
        text: str | None = None,
        version: str = "v1",
        language: str = "auto",
        *,
        wait: Literal[False],
        timeout: float | None = None,  # noqa: ASYNC109
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
        consent: Consent | Source | None = None,
        name: str | None = None,
    ) -> Task: ...

    async def clone(
        self,
        source: Source,
        text: str | None = None,
        version: str = "v1",
        language: str = "auto",
        *,
        wait: bool = True,
        timeout: float | None = None,  # noqa: ASYNC109
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
        consent: Consent | Source | None = None,
        name: str | None = None,
    ) -> Clone | Task:
        """See `Client.clone`."""
        task = await self._run(
            self._core.clone(source, text, version, language, idempotency_key, consent, name)
        )
        if not wait:
            return task
        return result_of(Clone, await self.wait(task, timeout, on_progress))

    @overload
    async def speak(
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
        timeout: float | None = None,  # noqa: ASYNC109
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> Speech: ...

    @overload
    async def speak(
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
        timeout: float | None = None,  # noqa: ASYNC109
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> Task: ...

    async def speak(
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
        timeout: float | None = None,  # noqa: ASYNC109
        on_progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> Speech | Task:
        """See `Client.speak`."""
        options = options_of(
            version, language, emotion, speed, vol, pitch, format, sample_rate, channel
        )
        flow = self._core.speak(model_id, text, options, subtitles, idempotency_key)
        task = await self._run(flow)
        if not wait:
            return task
        return result_of(Speech, await self.wait(task, timeout, on_progress))

    async def task(self, id: str) -> Task:
        """See `Client.task`."""
        return await self._run(self._core.task(id))

    async def tasks(
        self,
        *,
        limit: int = 20,
        cursor: str | None = None,
        status: Literal["queued", "processing", "completed", "failed"] | None = None,
        kind: Literal["clone", "audio"] | None = None,
    ) -> TaskPage:
        """See `Client.tasks`."""
        options = {"limit": limit, "cursor": cursor, "status": status, "kind": kind}
        return await self._run(self._core.tasks(options))

    async def wait(
        self,
        task: Task | str,
        timeout: float | None = None,  # noqa: ASYNC109
        on_progress: Progress | None = None,
    ) -> Task:
        """See `Client.wait`."""
        return await self._run(self._core.wait(task, timeout, on_progress))

    async def cancel(self, id: str) -> Task:
        """See `Client.cancel`."""
        return await self._run(self._core.cancel(id))

    async def upload(self, path: Source, *, on_progress: Transfer | None = None) -> Upload:
        """See `Client.upload`."""
        return await self._run(self._core.upload(path, on_progress))

    async def balance(self) -> Balance:
        """See `Client.balance`."""
        return await self._run(self._core.balance())

    async def key_balance(self) -> KeyBalance:
        """See `Client.key_balance`."""
        return await self._run(self._core.key_balance())

    async def catalog(self, search: str = "") -> list[Price]:
        """See `Client.catalog`."""
        return await self._run(self._core.catalog(search))

    async def voices(self) -> list[Voice]:
        """See `Client.voices`."""
        return await self._run(self._core.voices())

    async def rename_voice(self, model_id: str, name: str) -> Voice:
        """See `Client.rename_voice`."""
        return await self._run(self._core.rename_voice(model_id, name))

    async def delete_voice(self, model_id: str) -> None:
        """See `Client.delete_voice`."""
        await self._run(self._core.delete_voice(model_id))

    async def download(
        self, task: Task | str, path: Source, *, on_progress: Transfer | None = None
    ) -> Path:
        """See `Client.download`."""
        return await self._run(self._core.download(task, path, on_progress))

    async def download_subtitles(
        self, task: Task, path: Source, *, format: Literal["srt", "json"] = "srt"
    ) -> Path:
        """See `Client.download_subtitles`."""
        return await self._run(self._core.download_subtitles(task, path, format))

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _run(self, flow: Flow[T]) -> T:
        with closing(flow):
            resume: Callable[[], Any] = partial(next, flow)
            while True:
                try:
                    step = resume()
                except StopIteration as stop:
                    result: T = stop.value
                    return result
                try:
                    resume = partial(flow.send, await self._provide(step))
                except FAULTS as error:
                    resume = partial(flow.throw, error)

    async def _provide(self, step: Request | Fetch | Sleep) -> httpx2.Response | None:
        if isinstance(step, Sleep):
            await asyncio.sleep(step.seconds)
            return None
        if isinstance(step, Request):
            return await self._http.request(**vars(step))
        async with self._http.stream("GET", step.url, follow_redirects=True) as response:
            if response.status_code != 200:
                await response.aread()
                return response
            with step.receive(response) as write:
                async for block in response.aiter_bytes():
                    write(block)
            return response
