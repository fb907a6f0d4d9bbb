"""Types of the clients' parameters."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, Literal

if TYPE_CHECKING:
    from ._models import Task

Source = str | os.PathLike[str] | bytes | BinaryIO
"""A recording: an http(s) URL, a path, the content, or a file opened in binary mode."""

Version = Literal["v1", "v2"]
Status = Literal["queued", "processing", "completed", "failed"]
Scope = Literal["read", "speak", "clone", "account", "operator"]
Kind = Literal["clone", "audio", "conversion", "render"]
Format = Literal["mp3", "wav", "flac", "ogg"]
StreamFormat = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]
TalkFormat = Literal["pcm", "mp3", "opus", "aac", "ulaw", "alaw"]
Loudness = Literal["audiobook", "podcast", "broadcast"]
Subtitles = Literal["sentence", "word"]
TextFormat = Literal["plain", "ssml"]

Progress = Callable[["Task"], object]
"""Called with a task whenever its status or progress has changed."""

Transfer = Callable[[int, int | None], object]
"""Called with the bytes transferred and the total, which is None if unknown."""

Count = Callable[[int, int], object]
"""Called with the number of things that are done and the number of all."""

BlockKind = Literal["text", "chapter", "pause"]
BlockState = Literal["silent", "unrecorded", "recording", "stale", "ready", "failed"]
WebhookEvent = Literal["task.succeeded", "task.failed", "balance.low"]
DeliveryStatus = Literal["pending", "delivered", "failed"]
