"""Whether this process lives, whether it is ready, and its numbers."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong

from flask import Response
from sqlalchemy import text

from app.api.schemas.health import LivenessSchema, ReadinessSchema
from app.platform import metrics
from app.web.auth import public, requires
from app.web.blueprints import Blueprint
from app.wiring import providers

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 1.0

health = Blueprint("health", __name__, description="Probes and metrics")


@health.route("/livez")
@requires(public)
@health.response(200, LivenessSchema)
def livez() -> dict[str, str]:
    """Whether the process answers at all; asks nobody else."""
    return {"status": "ok"}


@health.route("/readyz")
@requires(public)
@health.response(200, ReadinessSchema)
@health.alt_response(503, schema=ReadinessSchema, description="The database is away.")
def readyz() -> tuple[dict[str, object], int]:
    """Whether traffic may come. Degraded, without Redis, it still may."""
    parts = _ask({"database": _database, "redis": _redis})
    if parts["database"] != "ok":
        return {"status": "away", "parts": parts}, 503
    return {"status": "ok" if parts["redis"] == "ok" else "degraded", "parts": parts}, 200


@health.route("/metrics")
@requires(public)
@health.response(200, {"type": "string"}, content_type="text/plain")
def show_metrics() -> Response:
    """All numbers, for Prometheus."""
    return Response(metrics.exposition(), content_type=metrics.CONTENT_TYPE)


def _ask(checks: dict[str, Callable[[], object]]) -> dict[str, str]:
    """Ask all at once, and wait for none longer than the patience of a probe."""
    pool = ThreadPoolExecutor(max_workers=len(checks), thread_name_prefix="readyz")
    asked = {name: pool.submit(check) for name, check in checks.items()}
    answers = {name: _heard(name, answer) for name, answer in asked.items()}
    pool.shutdown(wait=False)
    return answers


def _heard(name: str, answer: "Future[object]") -> str:
    try:
        answer.result(timeout=PATIENCE_SECONDS)
    except TookTooLong:
        log.warning("part_slow", extra={"part": name})
        return "away"
    except Exception:
        log.warning("part_away", extra={"part": name}, exc_info=True)
        return "away"
    return "ok"


def _database() -> object:
    with providers().db.reading() as session:
        session.execute(text("SET LOCAL statement_timeout = '1s'"))
        return session.scalar(text("SELECT 1"))


def _redis() -> object:
    return providers().redis.ping()
