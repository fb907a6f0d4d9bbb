"""Logs and metrics. Logs contain task ids, but never keys, texts or recordings."""

from __future__ import annotations

import logging
import os
import sys

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

TASKS = Counter("soundclone_tasks_total", "Ended tasks", ["kind", "status", "word"])
REQUESTS = Counter("soundclone_requests_total", "HTTP requests", ["route", "status"])
CLOSED = Counter(
    "soundclone_connections_closed_total",
    "Connections closed by the server because of a limit",
    ["reason"],
)
STAGES = Histogram(
    "soundclone_stage_seconds",
    "Duration of the stages of tasks in seconds",
    ["stage"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128),
)
AUDIO = Counter("soundclone_audio_seconds_total", "Seconds of audio of completed tasks", ["kind"])
SLOTS = Gauge("soundclone_slots", "Slots of a worker for steps that compute", ["state"])

FLEET = CollectorRegistry()
"""Metrics that the API reads from the database. Every API process exports the same values."""

DATABASE_UP = Gauge(
    "soundclone_database_up", "1 if the metrics of the database could be read", registry=FLEET
)
QUEUE_AGE = Gauge(
    "soundclone_queue_age_seconds",
    "Age of the task that has waited longest",
    ["engine"],
    registry=FLEET,
)
QUEUE_TASKS = Gauge(
    "soundclone_queue_tasks", "Tasks that have not ended", ["engine", "status"], registry=FLEET
)
WORKERS = Gauge(
    "soundclone_workers", "Workers that take tasks of an engine", ["engine"], registry=FLEET
)
CREDITS = Gauge("soundclone_credits", "Credits of all accounts", ["state"], registry=FLEET)


def configure(level: int = logging.INFO) -> None:
    """Send logs to standard error: readable on a terminal, JSON lines elsewhere."""
    # Plain tracebacks: rich ones would show local variables, and keys and texts among them.
    renderers: list[structlog.typing.Processor] = (
        [
            structlog.dev.ConsoleRenderer(
                colors=not os.environ.get("NO_COLOR"),
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
        if sys.stderr.isatty()
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *renderers,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for noisy in ("dbos", "httpx2", "httpcore2", "alembic", "py3langid"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def log(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module."""
    bound: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return bound
