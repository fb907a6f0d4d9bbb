"""Traces of OpenTelemetry, from a request to the sentences of its task.

Nothing is recorded unless the `otel` extra is installed and the environment names an exporter.
Attributes have ids, states and numbers, and never texts, keys, names or URLs. Exceptions are
recorded by their word, because their messages may quote a text.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from opentelemetry.trace import (
    INVALID_SPAN,
    Span,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    TracerProvider,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from . import __version__
from .telemetry import log

Attribute = str | int | float | bool

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_HEADER = "traceparent"

_propagator = TraceContextTextMapPropagator()
_FLUSH = 2000  # milliseconds

_tracer: Tracer | None = None
_flush: Callable[[int], object] | None = None
_log = log(__name__)


def configure() -> None:
    """Export traces if the environment names an endpoint, as OpenTelemetry's SDK reads it."""
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider as Provider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        _log.warning("traces not exported", reason="the otel extra is not installed")
        return
    # The environment variable OTEL_SERVICE_NAME overrides the name.
    named = {"service.version": __version__}
    if not os.environ.get("OTEL_SERVICE_NAME"):
        named["service.name"] = "soundclone"
    provider = Provider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    use(provider)
    global _flush
    _flush = provider.force_flush


def flush() -> None:
    """Export the recorded spans, before the process ends."""
    if _flush is not None:
        _flush(_FLUSH)


def use(provider: TracerProvider | None) -> None:
    """Record spans with a provider. None: record nothing."""
    global _tracer
    _tracer = None if provider is None else provider.get_tracer("soundclone", __version__)


def enabled() -> bool:
    """Return True if spans are recorded."""
    return _tracer is not None


def traceparent() -> str | None:
    """Return the present span as a W3C header, None without a span."""
    if _tracer is None:
        return None
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get(_HEADER)


@contextmanager
def span(
    name: str,
    attributes: Mapping[str, Attribute] | None = None,
    *,
    parent: str | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
) -> Iterator[Span]:
    """Record a span around a block.

    Args:
        name: Name of the operation, one of few.
        attributes: Ids, states and numbers.
        parent: W3C header of a span in another process. None: the present span.
        kind: Role of the span.
    """
    if _tracer is None:
        yield INVALID_SPAN
        return
    context = _propagator.extract({_HEADER: parent}) if parent else None
    with _tracer.start_as_current_span(
        name,
        context,
        kind,
        attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except BaseException as error:
            current.set_attribute("error.type", getattr(error, "word", type(error).__name__))
            current.set_status(Status(StatusCode.ERROR))
            raise
