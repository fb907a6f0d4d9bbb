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
REFUSALS = Counter("soundclone_refusals_total", "Refused requests", ["word"])
SIGN_INS_FAILED = Counter(
    "soundclone_sign_ins_failed_total", "Failed sign-ins to the studio", ["way"]
)
ADDRESSES_REFUSED = Counter(
    "soundclone_addresses_refused_total", "Hosts that downloads and webhooks may not reach"
)
DECODER_FAULTS = Counter(
    "soundclone_decoder_faults_total", "Decoders that crashed, or were ended", ["reason"]
)
WEBHOOK_ATTEMPTS = Counter(
    "soundclone_webhook_attempts_total", "Attempts to deliver a message", ["outcome"]
)
SCRATCH_BYTES = Gauge("soundclone_scratch_bytes", "Bytes of this process's temporary files")
SCRATCH_FREE_BYTES = Gauge(
    "soundclone_scratch_free_bytes", "Free bytes on the disk of the temporary files"
)
MODEL_BYTES = Gauge("soundclone_model_bytes", "Bytes of the models and voices that are loaded")

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


def is_configured() -> bool:
    """Return True in a process that writes logs: an API or a worker."""
    return structlog.is_configured()
