from __future__ import annotations

import hashlib
import json

from soundclone.api.orders import clone_digest
from soundclone.api.schemas import SoundCloneCloneRequest

BODY = {"fileUrl": "https://example.com/a.mp3", "contentText": "Hello."}


def test_a_request_of_the_first_release_is_recognised_after_an_upgrade() -> None:
    fields = BODY | {"soundVersion": "v1", "language": "auto"}
    stored = json.dumps(["clone", fields], sort_keys=True)
    expected = hashlib.sha256(stored.encode()).hexdigest()
    assert clone_digest(SoundCloneCloneRequest.model_validate(BODY)) == expected


def test_a_name_makes_another_request() -> None:
    named = SoundCloneCloneRequest.model_validate(BODY | {"name": "Ann"})
    assert clone_digest(named) != clone_digest(SoundCloneCloneRequest.model_validate(BODY))
