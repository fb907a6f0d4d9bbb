"""Translate requests into priced orders, and submit the orders.

A request is translated once: from the names on the wire to the types of `core.requests`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..core import cast, consents, dictionaries, files, results, tasks, voices
from ..core.consents import Agreement, Terms
from ..core.keys import Caller
from ..core.projects import BlockKind, Style, draft_of, style_of
from ..core.renders import Planned
from ..core.requests import (
    TAKE_RATE,
    AudioFormat,
    CloneRequest,
    ConsentSource,
    ConversionRequest,
    RenderRequest,
    SoundVersion,
    Source,
    SpeechOptions,
    SpeechRequest,
    SubtitleUnit,
    UploadSource,
    UrlSource,
    VoiceSource,
)
from ..core.tasks import Order
from ..db.models import Block, Project, Task, Voice
from ..engines.selection import Choice
from ..errors import InvalidParameter, NotFound, StateConflict
from ..fetch.urls import check_source_url
from ..text import duration, languages, pronunciation, script, ssml
from ..text.duration import Length
from ..text.ipa import Transcription, transcribed
from ..text.languages import Language
from ..text.lexicon import Lexicon
from ..text.pronunciation import Entry
from ..text.ssml import Marked, Play
from .schemas import (
    OPUS_RATES,
    ConsentRequest,
    PronunciationEntry,
    SoundCloneAudioRequest,
    SoundCloneCloneRequest,
    SoundCloneConversionRequest,
)
from .state import AppState

PREVIEW_LIMIT = 270  # characters
TEXT_LIMIT = 10_000
MOST_PRONUNCIATIONS = 200  # of a request
_SHORT = 100  # characters
_RENDERED_SUBTITLES = 150  # bytes of three files and the timeline per character


@dataclass(frozen=True)
class Quote:
    """Price of a preview that has no recording yet."""

    characters: int
    cost: int  # micro-credits


async def clone_order(
    state: AppState,
    body: SoundCloneCloneRequest,
    who: Caller,
    idempotency_key: str | None,
    *,
    name: str | None = None,
    agreement: Agreement | None = None,
) -> Order:
    """Check and price a request for a voice.

    Args:
        state: the application.
        body: the request on the wire.
        who: the caller.
        idempotency_key: the header, if the client sent one.
        name: name of the voice, in place of the body's.
        agreement: consent of the speaker, in place of the body's.

    Raises:
        InvalidParameter: a field is wrong.
        NotFound: there is no such consent.
        Expired: the upload is no longer kept.
        Unavailable: no worker has the engine that the request needs.
    """
    name = name or voices.checked_name(body.name or "")
    language = language_of(body.language, body.soundVersion)
    source = source_of(state, body.fileUrl)
    if agreement is None and body.consent and body.consent.model_fields_set:
        agreement = await agreement_of(state, body.consent, who)
    return await voice_order(
        state,
        who,
        source,
        text=body.contentText,
        version=SoundVersion(body.soundVersion),
        language=language,
        name=name,
        agreement=agreement,
        request_hash=clone_digest(body),
        idempotency_key=idempotency_key,
    )


async def voice_order(
    state: AppState,
    who: Caller,
    source: VoiceSource,
    *,
    request_hash: str,
    idempotency_key: str | None,
    name: str,
    agreement: Agreement | None,
    text: str | None = None,
    version: SoundVersion = SoundVersion.V1,
    language: Language | None = None,
) -> Order:
    """Check and price a voice. Without a `text`, the preview speaks a line of the language.

    Without a `language` too, the price is that of the English line, whichever line is spoken.

    Raises InvalidParameter and Unavailable.
    """
    preview = await _read_preview(state, text, version, language)
    request = CloneRequest(
        source=source,
        text=preview.text,
        version=version,
        engine=preview.choice.engine,
        language=preview.language,
        detected=preview.choice.detected,
        name=name,
        consent=agreement.record() if agreement else None,
        consent_source=agreement.source if agreement else None,
        follows_recording=text is None and language is None,
    )
    consents.check_policy(state.settings.consent, request)
    return Order(
        account_id=who.account_id,
        key_id=who.key_id,
        request=request,
        characters=preview.characters,
        cost=state.prices.clone(preview.characters),
        size=results.estimate(SpeechOptions(), preview.characters, preview.length),
        request_hash=request_hash,
        idempotency_key=idempotency_key,
    )


async def quote_clone(state: AppState, body: SoundCloneCloneRequest) -> Quote:
    """Price a preview whose recording is still to come.

    Raises InvalidParameter and Unavailable.
    """
    voices.checked_name(body.name or "")
    version = SoundVersion(body.soundVersion)
    language = language_of(body.language, version)
    preview = await _read_preview(state, body.contentText, version, language)
    return Quote(preview.characters, state.prices.clone(preview.characters))


async def audio_order(
    state: AppState, body: SoundCloneAudioRequest, who: Caller, idempotency_key: str | None
) -> Order:
    """Check and price a request for speech.

    Raises InvalidParameter, NotFound and Unavailable.
    """
    if body.loudness and body.vol != 1:
        raise InvalidParameter(
            f"vol is {body.vol:g} beside loudness, which decides the level; leave one of them out",
            param="vol",
        )
    unit = SubtitleUnit(body.subtitleType or SubtitleUnit.SENTENCE)
    return await speech_order(
        state,
        who,
        body.modelId,
        body.contentText,
        version=body.soundVersion,
        language=body.language,
        options=SpeechOptions(
            emotion=body.emotion,
            speed=body.speed,
            volume=body.vol,
            pitch=body.pitch,
            subtitles=unit if body.subtitleEnable else None,
            format=body.format,
            sample_rate=body.sampleRate,
            channels=body.channel,
            loudness=body.loudness,
        ),
        request_hash=audio_digest(body),
        idempotency_key=idempotency_key,
        is_ssml=body.textFormat == "ssml",
        pronunciations=entries_of(body.pronunciation or (), "pronunciation", MOST_PRONUNCIATIONS),
    )


def entries_of(
    given: Sequence[PronunciationEntry], param: str, most: int = pronunciation.MOST_ENTRIES
) -> tuple[Entry, ...]:
    """Return the pronunciations of a request. Raises InvalidParameter."""
    entries = [
        Entry(each.written, each.spoken, each.language, each.matchCase, each.ipa) for each in given
    ]
    return dictionaries.checked(entries, param, most)


async def conversion_order(
    state: AppState,
    body: SoundCloneConversionRequest,
    who: Caller,
    idempotency_key: str | None,
) -> Order:
    """Check and price a request for a voice conversion.

    Raises InvalidParameter, NotFound, Expired and Unavailable.
    """
    options = SpeechOptions(
        volume=body.vol,
        format=body.format,
        sample_rate=body.sampleRate,
        channels=body.channel,
    )
    return await performance_order(
        state,
        who,
        body.modelId,
        source_of(state, body.fileUrl),
        max_seconds=body.maxSeconds,
        options=options,
        request_hash=digest("conversion", body.model_dump()),
        idempotency_key=idempotency_key,
    )


async def performance_order(
    state: AppState,
    who: Caller,
    voice_id: str,
    source: Source,
    *,
    max_seconds: int,
    options: SpeechOptions,
    request_hash: str,
    idempotency_key: str | None,
) -> Order:
    """Check and price the conversion of a recording.

    Raises InvalidParameter, NotFound and Unavailable.
    """
    check_voice_id(voice_id)
    check_opus_rate(options)

    voice = await state.database.read_async(voices.get, voice_id, who.account_id, param="modelId")
    state.engine_selector.check_converts(await state.engine_offers.get(), voice.engine)
    return Order(
        account_id=who.account_id,
        key_id=who.key_id,
        voice_id=voice.id,
        request=ConversionRequest(source, voice.engine, max_seconds, options),
        characters=0,
        cost=state.prices.conversion(max_seconds),
        fee=state.prices.fee,
        size=results.estimate_file(options, max_seconds + 1),
        request_hash=request_hash,
        idempotency_key=idempotency_key,
    )


async def take_order(
    state: AppState,
    who: Caller,
    project: Project,
    block: Block,
    *,
    pronunciations: Sequence[Entry],
    seed: int,
    request_hash: str,
    idempotency_key: str | None = None,
) -> Order:
    """Check and price a take of a block. The `pronunciations` are those of the project.

    Raises InvalidParameter, NotFound, StateConflict and Unavailable.
    """
    if block.kind == BlockKind.PAUSE:
        raise StateConflict(f"block {block.id} is a pause; a text or a chapter can be recorded")
    style = style_of(block, project)
    if style.voice_id is None:
        raise InvalidParameter(
            f"block {block.id} has no voice; set modelId of the block or of its project",
            param="modelId",
        )
    usual = SpeechOptions()
    return await speech_order(
        state,
        who,
        style.voice_id,
        block.text,
        version=None,
        language=style.language or "auto",
        options=SpeechOptions(
            emotion=style.emotion or usual.emotion,
            speed=usual.speed if style.speed is None else style.speed,
            volume=usual.volume if style.volume is None else style.volume,
            pitch=usual.pitch if style.pitch is None else style.pitch,
            subtitles=SubtitleUnit.WORD,
            format=AudioFormat.FLAC,
            sample_rate=TAKE_RATE,
            seed=seed,
            times=True,
        ),
        request_hash=request_hash,
        idempotency_key=idempotency_key,
        is_ssml=block.is_ssml,
        limits=ssml.BLOCK,
        pronunciations=pronunciations,
    )


def reading_of(order: Order, project: Project, block: Block) -> str:
    """Return the hash of the pronunciations in the order of a take."""
    assert isinstance(order.request, SpeechRequest)
    entries = Lexicon(order.request.pronunciations)
    return draft_of(block).reading(entries, Style.from_json(project.style))


def render_order(
    who: Caller,
    project: Project,
    planned: Planned,
    options: SpeechOptions,
    *,
    request_hash: str,
    idempotency_key: str | None,
) -> Order:
    """Return the order of a render, which is free. Raises InvalidParameter."""
    check_opus_rate(options)
    subtitles = _RENDERED_SUBTITLES * planned.characters
    return Order(
        account_id=who.account_id,
        key_id=who.key_id,
        request=RenderRequest(project.id, project.name, options),
        characters=0,
        cost=0,
        size=results.estimate_file(options, planned.seconds + 1) + subtitles,
        request_hash=request_hash,
        idempotency_key=idempotency_key,
    )


def check_voice_id(voice_id: str) -> None:
    """Raise NotFound if no voice can have the id."""
    if not voices.is_id(voice_id):
        raise NotFound(
            f"there is no voice {voice_id[:60]!r} in this account; the list of voices has their "
            "ids",
            param="modelId",
        )


def check_opus_rate(options: SpeechOptions) -> None:
    """Raise InvalidParameter if the sample rate is none of Opus for an Ogg file."""
    if options.format == AudioFormat.OGG and options.sample_rate not in (None, *OPUS_RATES):
        raise InvalidParameter(
            f"sampleRate is {options.sample_rate}; for ogg it must be one of "
            + ", ".join(map(str, OPUS_RATES)),
            param="sampleRate",
        )


async def speech_order(
    state: AppState,
    who: Caller,
    voice_id: str,
    text: str,
    *,
    version: SoundVersion | None,
    language: str,
    options: SpeechOptions,
    request_hash: str,
    idempotency_key: str | None,
    is_ssml: bool = False,
    limits: ssml.Limits = ssml.REQUEST,
    pronunciations: Sequence[Entry] = (),
) -> Order:
    """Check and price speech. `version` defaults to the voice's.

    The text is an SSML document within `limits` if `is_ssml`. The `pronunciations` prevail over
    those of the account.

    Raises InvalidParameter, NotFound and Unavailable.
    """
    check_voice_id(voice_id)
    check_opus_rate(options)
    play = Play(Marked(text))
    if is_ssml:  # a voice of v1 may speak v2, and a request that names v1 has no others
        wanted = version or SoundVersion.V2
        play = await run_in_threadpool(ssml.parse_play, text, wanted, limits)
    marked, text = play.marked, play.marked.text
    if language.strip().lower() == "auto" and marked.language:
        language = marked.language
    characters = script.check(text, TEXT_LIMIT)

    def find(session: Session) -> tuple[Voice, Sequence[Voice], tuple[Entry, ...]]:
        voice = voices.get(session, voice_id, who.account_id, param="modelId")
        named = voices.called(session, play.names, who.account_id) if play.names else ()
        return voice, named, dictionaries.of(session, who.account_id)

    voice, called, known = await state.database.read_async(find)
    speakers = cast.cast_of(play, called)
    entries = pronunciation.occurring(text, dictionaries.joined(known, pronunciations))
    spoken = sounds = text
    if entries or marked.transcriptions:
        spoken, sounds = await run_in_threadpool(_spoken, text, entries, marked.transcriptions)
    characters = max(characters, script.billable(spoken))
    # Another version may have another engine, and a request for that version means that engine.
    voice_engine = voice.engine if version in (None, voice.version) else None
    version = version or SoundVersion(voice.version)
    named = language_of(language, version)
    length, choice = await read_text(
        state, spoken, characters, version, named, voice_engine, sounds=sounds
    )
    await _check_languages(state, marked, version, choice.engine)
    if speakers:
        cast.check_engines(
            speakers,
            choice.engine,
            version,
            named.name if named else choice.detected,
            selector=state.engine_selector,
            offers=await state.engine_offers.get(),
        )
    turns = cast.turns_of(play, speakers, voice.id)
    return Order(
        account_id=who.account_id,
        key_id=who.key_id,
        voice_id=voice.id,
        request=SpeechRequest(
            text=text,
            version=version,
            engine=choice.engine,
            language=named.name if named else None,
            detected=choice.detected,
            options=options,
            spans=marked.spans,
            pronunciations=entries,
            transcriptions=marked.transcriptions,
            turns=turns,
        ),
        others=tuple(sorted({turn.voice_id for turn in turns if turn.voice_id})),
        characters=characters,
        cost=state.prices.audio(characters),
        fee=state.prices.fee,
        size=results.estimate(options, characters, length),
        request_hash=request_hash,
        idempotency_key=idempotency_key,
    )


def _spoken(
    text: str, entries: Sequence[Entry], transcriptions: Sequence[Transcription]
) -> tuple[str, str]:
    """Return a text with the spoken forms of its words in all languages, and its sounds.

    Raises:
        InvalidParameter: The speech of a request may not be so long.
    """
    found = pronunciation.apply(text, entries, transcriptions)
    if script.billable(found.text) > TEXT_LIMIT:
        raise InvalidParameter(
            f"the text has {script.billable(found.text):,} characters with its pronunciations; at "
            f"most {TEXT_LIMIT:,} are allowed",
            param="contentText",
        )
    return found.text, transcribed(found.text, found.transcriptions)


async def _check_languages(
    state: AppState, marked: Marked, version: SoundVersion, engine: str
) -> None:
    """Check that the version and the engine of a text have the languages of its parts.

    Raises InvalidParameter and Unavailable.
    """
    names = {span.style.language for span in marked.spans if span.style.language}
    if not names:
        return
    offers = await state.engine_offers.get()
    for name in sorted(names):
        languages.lookup(name, version)
        found = state.engine_selector.select(offers, name, version, engine)
        if found != engine:
            raise InvalidParameter(
                f"the text is spoken by {engine!r}, which does not speak {name}; send the part in "
                f"{name} in its own request",
                param="contentText",
            )


async def submit(
    state: AppState,
    order: Order,
    since: float | None = None,
    *,
    claim: Callable[[Session], Task | None] | None = None,
    record: Callable[[Session, Task], None] | None = None,
) -> Task:
    """Submit an order. When the task is returned, it is committed.

    Args:
        state: the application.
        order: the order.
        since: seconds since the epoch; the same request after that time returns its task.
        claim: called first in the transaction. A task that it returns takes the order's place.
        record: called last in the transaction, with a new task.

    Raises:
        Unavailable: the disk is nearly full.

    `tasks.submit` lists the other errors.
    """
    state.storage.check_free(state.settings.least_free_bytes)
    if since is None and claim is None and record is None:
        return await state.submissions.submit(order)

    def work(session: Session) -> Task:
        earlier = None
        if since is not None:
            earlier = tasks.recent(session, order.account_id, order.request_hash, since)
        if claim is not None:
            earlier = earlier or claim(session)
        if earlier is not None:
            return earlier
        task = state.submissions.submit_in(session, order)
        if record is not None:
            record(session, task)
        return task

    try:
        return await state.database.transaction_async(work)
    except IntegrityError:
        # A request with the same idempotency key was faster. The second try finds its task.
        return await state.database.transaction_async(work)


def source_of(state: AppState, url: str, field: str = "fileUrl") -> Source:
    """Return the recording that a URL names: an upload of this service, or a public file.

    Raises InvalidParameter, and Expired for an upload link whose time is over.
    """
    upload = state.storage.parse_link(url, files.UPLOADS)
    return UploadSource(upload) if upload else UrlSource(check_source_url(url, field))


async def agreement_of(state: AppState, given: ConsentRequest, who: Caller) -> Agreement:
    """Return the consent that a request gives. Raises InvalidParameter, NotFound, Expired."""
    terms = consents.checked_terms(given.purpose, given.expiresAt, prefix="consent.")
    source, limits = None, Terms()
    if given.recording:
        source, limits = await consent_source(state, given.recording, who)
    return consents.declared(
        given.declaration or None,
        given.speaker or "",
        key_id=who.key_id,
        source=source,
        terms=terms.within(limits),
    )


async def consent_source(
    state: AppState, recording: str, who: Caller
) -> tuple[Source | ConsentSource, Terms]:
    """Return the consent recording that a request names by an id or a URL, and its terms.

    Raises InvalidParameter, NotFound and Expired.
    """
    if consents.is_id(recording):
        found = await state.database.read_async(
            consents.usable, recording, who.account_id, param="consent.recording"
        )
        return consents.source_of(found), consents.terms_of(found)
    return source_of(state, recording, "consent.recording"), Terms()


def language_of(name: str, version: str) -> Language | None:
    """Return the language of a name, None for `auto`. Raises InvalidParameter."""
    return None if name.strip().lower() == "auto" else languages.lookup(name, version)


async def read_text(
    state: AppState,
    text: str,
    characters: int,
    version: str,
    language: Language | None,
    voice_engine: str | None = None,
    *,
    sounds: str | None = None,
) -> tuple[Length, Choice]:
    """Estimate how long the speech of a text lasts, and choose its engine.

    Args:
        state: the application.
        text: the text.
        characters: billed characters of the text.
        version: the sound version.
        language: language of the text, None if it is to be detected.
        voice_engine: engine of the voice, which is preferred if it speaks the language.
        sounds: the text with the letters of its transcriptions, if it has any.

    Raises:
        InvalidParameter: the speech is too long for the billed characters, or no engine speaks the
            language.
        Unavailable: no worker has the engine that the request needs.
    """

    def estimate() -> tuple[tuple[Language, ...], Length]:
        candidates = (language,) if language else languages.candidates(text, version)
        return candidates, duration.check(
            text if sounds is None else sounds, characters, duration.read_as(candidates)
        )

    # A switch of threads takes longer than the work on a short text.
    short = len(text) <= _SHORT
    candidates, length = estimate() if short else await run_in_threadpool(estimate)
    offers = await state.engine_offers.get()
    selector = state.engine_selector
    if language is not None:
        return length, Choice(selector.select(offers, language.name, version, voice_engine))
    choose = partial(selector.select_for_text, offers, text, version, voice_engine, candidates)
    return length, choose() if short else await run_in_threadpool(choose)


@dataclass(frozen=True)
class _Preview:
    """Text of a preview, checked."""

    text: str
    characters: int
    language: str | None
    length: Length
    choice: Choice


async def _read_preview(
    state: AppState, text: str | None, version: SoundVersion, language: Language | None
) -> _Preview:
    """Check the text of a preview and choose its engine."""
    if text is None:
        language = language or languages.lookup("English", version)
        text = language.preview
        characters = script.billable(text)
    else:
        characters = script.check(text, PREVIEW_LIMIT)
    length, choice = await read_text(state, text, characters, version, language)
    return _Preview(text, characters, language.name if language else None, length, choice)


def clone_digest(body: SoundCloneCloneRequest) -> str:
    """Return the hash of a clone request.

    Options that are newer than the first release count only when they are given, so that a request
    that is repeated across an upgrade is recognised.
    """
    newer = {option for option in ("name", "consent") if not getattr(body, option)}
    return digest("clone", body.model_dump(exclude=newer))


def audio_digest(body: SoundCloneAudioRequest) -> str:
    """Return the hash of a speech request, equal across an upgrade like `clone_digest`."""
    newer = {"textFormat"} if body.textFormat == "plain" else set()
    newer |= {option for option in ("loudness", "pronunciation") if not getattr(body, option)}
    return digest("audio", body.model_dump(exclude=newer))


def digest(kind: str, body: Mapping[str, object]) -> str:
    """Return the hash that identifies equal requests."""
    text = json.dumps([kind, body], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
