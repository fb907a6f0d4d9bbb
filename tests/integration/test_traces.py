"""One trace from a request to the sentences of its task, without texts and keys."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from soundclone import tracing
from soundclone.asr.recognition import Recognizer
from soundclone.config import Settings
from soundclone.db.models import Task, TaskKind
from soundclone.engines.registry import InstalledEngines
from soundclone.errors import SynthesisError
from soundclone.jobs import queue
from soundclone.jobs.runner import Job, Outcome, Runner, Stage, Step
from soundclone.storage import Storage
from soundclone.text.script import Sentence
from tests import rows
from tests.api.conftest import Api
from tests.unit.test_sentence import Engine, synthesizer

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CLONES = "/api/open-api/v1/soundCloning/clones"
TEXT = "The wedding is cancelled."


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    made = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(made))
    tracing.use(provider)
    yield made
    tracing.use(None)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    served = Api(Settings(data_dir=tmp_path, real_status=True))
    with served.client:
        yield served
    served.database.close()


def named(exporter: InMemorySpanExporter, name: str) -> ReadableSpan:
    (found,) = [span for span in exporter.get_finished_spans() if span.name == name]
    return found


def parent_of(span: ReadableSpan) -> int:
    assert span.parent is not None
    return span.parent.span_id


def work(job: Job) -> Outcome:
    def speak() -> None:
        synthesizer(Engine()).synthesize(Sentence(TEXT, 0))

    job.step(Step(Stage.SPEAK, "1"), 50, speak)
    return Outcome(rows.RESULT)


def test_a_trace_leads_from_the_request_to_the_sentence(
    api: Api, exporter: InMemorySpanExporter
) -> None:
    key = api.new_account().key
    runner = Runner.of(
        api.settings,
        api.database,
        Storage.of(api.settings),
        InstalledEngines(api.settings, Recognizer(api.settings)),
        Recognizer(api.settings),
        "worker",
        threading.Event(),
    )
    runner.register(TaskKind.CLONE, work)
    queue.launch(api.database, "worker", ["builtin"], tasks=1, tasks_per_account=1, poll=0.1)
    try:
        body = {"fileUrl": "https://example.com/secret.mp3", "contentText": TEXT}
        status, answer = api.post(CLONES, body, key, headers=[("traceparent", PARENT)])
        assert status == 200, answer
        task_id = answer["data"]["id"]
        end = time.monotonic() + 30
        while not any(each.name == "task clone" for each in exporter.get_finished_spans()):
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        queue.stop(5)
    request = named(exporter, f"POST {CLONES}")
    task = named(exporter, "task clone")
    step = named(exporter, "step speak")
    sentence = named(exporter, "sentence")
    assert request.parent is not None
    assert request.parent.span_id == int("b7ad6b7169203331", 16)
    for child, parent in ((task, request), (step, task), (sentence, step)):
        assert parent.context is not None
        assert parent_of(child) == parent.context.span_id
    spans = (request, task, step, sentence)
    traces = {span.context.trace_id for span in spans if span.context is not None}
    assert traces == {int("0af7651916cd43dd8448eb211c80319c", 16)}
    attributes = [dict(span.attributes or {}) for span in spans]
    assert attributes[0]["http.response.status_code"] == 200
    assert attributes[1]["task.id"] == task_id
    assert attributes[3]["sentence.characters"] == len(TEXT)
    for text in (key, "wedding", "secret.mp3"):
        assert text not in str(attributes)


def test_an_error_is_recorded_by_its_word(exporter: InMemorySpanExporter) -> None:
    def broken() -> None:
        with tracing.span("sentence"):
            raise SynthesisError(f"the engine failed at {TEXT!r}")

    with pytest.raises(SynthesisError):
        broken()
    span = named(exporter, "sentence")
    assert dict(span.attributes or {}) == {"error.type": "synthesis_failed"}
    assert span.events == ()
    assert span.status.description is None


def test_nothing_is_recorded_without_an_exporter(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in tracing._ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    tracing.configure()
    assert not tracing.enabled()
    assert tracing.traceparent() is None
    body = {"fileUrl": "https://example.com/voice.mp3", "contentText": "Hello."}
    _, answer = api.post(CLONES, body, api.new_account().key, headers=[("traceparent", PARENT)])
    with api.database.read() as session:
        assert session.get_one(Task, answer["data"]["id"]).trace is None
