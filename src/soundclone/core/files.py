"""Keys of every file in the object store.

- `uploads/{id}/`: a recording that a client uploaded. Kept for some days.
- `consents/{account}/`: consent recordings. Kept until their owner deletes them.
- `voices/{voice}/`: a voice, its recording, preview and consent recording. Kept with the voice.
- `work/{task}/`: files between a task's steps, and parts of a stream. Kept until the task ends.
- `verify/{id}`: a file that a visitor wants to have verified. Kept for minutes.
- `results/{task}/`: the files that a task made. Kept for some days.

`storage` adds the folder `probe/`, whose files its own check writes and removes.
"""

from __future__ import annotations

import re
import uuid
from pathlib import PurePosixPath

UPLOADS = "uploads/"
"""Prefix of the files that clients uploaded."""


def new_upload(filename: str) -> str:
    """Return the key of a new upload. `filename` must be fit for a key."""
    return f"{UPLOADS}{uuid.uuid4().hex}/{filename}"


def upload_folder(key: str) -> str:
    """Return the folder that holds one upload alone."""
    return str(PurePosixPath(key).parent)


def consent_folder(account_id: str) -> str:
    """Return the folder of the consent recordings that an account keeps."""
    return f"consents/{account_id}"


def consent(account_id: str, consent_id: str) -> str:
    """Return the key of a consent recording that an account keeps."""
    return f"{consent_folder(account_id)}/{consent_id}"


def voice_folder(voice_id: str) -> str:
    """Return the folder of a voice."""
    return f"voices/{voice_id}"


def voice(voice_id: str, engine: str, version: str) -> str:
    """Return the key of a voice as one version of an engine made it."""
    name = re.sub("[^A-Za-z0-9._-]", "-", f"{engine}-{version}.voice")
    return f"{voice_folder(voice_id)}/{name}"


def voice_reference(voice_id: str) -> str:
    """Return the key of the reference: the speech that engines make the voice from."""
    return f"{voice_folder(voice_id)}/reference"


def voice_recording(voice_id: str) -> str:
    """Return the key of the reference as a FLAC file that people can play."""
    return f"{voice_folder(voice_id)}/recording.flac"


def voice_preview(voice_id: str) -> str:
    """Return the key of the preview that made a voice. It outlives the result of its task."""
    return f"{voice_folder(voice_id)}/preview.mp3"


def voice_consent(voice_id: str) -> str:
    """Return the key of the consent recording that came with a voice."""
    return f"{voice_folder(voice_id)}/consent"


def work_folder(task_id: str) -> str:
    """Return the folder of the files that a task needs until it ends."""
    return f"work/{task_id}"


def work(task_id: str, name: str) -> str:
    """Return the key of a file that a task needs until it ends."""
    return f"{work_folder(task_id)}/{name}"


def chunk(task_id: str, index: int) -> str:
    """Return the key of the audio of one chunk of a text."""
    return work(task_id, f"chunk-{index:04}")


def part(task_id: str, index: int) -> str:
    """Return the key of one part of a stream."""
    return work(task_id, f"part-{index:04}")


def opening(task_id: str) -> str:
    """Return the key of the beginning of the first part of a stream, stored before that part."""
    return work(task_id, "opening")


def part_times(task_id: str, index: int) -> str:
    """Return the key of the times of the words in one part of a stream."""
    return work(task_id, f"times-{index:04}")


def verification(identifier: str) -> str:
    """Return the key of a file to verify."""
    return f"verify/{identifier}"


def verification_sidecar(identifier: str) -> str:
    """Return the key of the manifest that came with a file to verify."""
    return f"verify/{identifier}.c2pa"


def result_folder(task_id: str) -> str:
    """Return the folder of a task's results."""
    return f"results/{task_id}"


def result(task_id: str, extension: str) -> str:
    """Return the key of a task's result: its audio, or its subtitles as `srt`, `vtt` or `json`."""
    return f"{result_folder(task_id)}/speech.{extension}"
