"""One JSON line an event: carries request, checkout and order ids, and never a secret."""

import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

REDACTED = "[redacted]"

# Names whose value is never written, whatever it is; parts of words count ("stripe_api_key").
_SECRET_NAMES = re.compile(
    r"authorization|cookie|password|passwd|secret|token|api_?key|client_secret|card_?number|cvc",
    re.IGNORECASE,
)
# Values that are secrets wherever they stand: bearer tokens, JWTs, Stripe's keys and our own,
# passwords in URLs, and rows.
_SECRET_VALUES = re.compile(
    r"(?P<bearer>\b(?:Bearer|Basic)\s+)[\w.~+/=-]{8,}"
    r"|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"
    r"|\b(?:[sr]k_(?:live|test)|whsec|cwr|cwm|cw)_[\w+/=-]{6,}"
    r"|(?P<row>\bDETAIL:\s+)[^\n]+"  # a database quotes the row it refuses
    r"|(?P<url>\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s/@]+(?=@)",
    re.IGNORECASE,
)


def configure(level: str = "INFO", *, stream: TextIO | None = None) -> None:
    """Send every log of this process through one JSON formatter, on standard output by default.

    Libraries keep using `logging`; what they say gets the same ids and the same redaction.
    """
    handler = _Lines(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *_CHAIN],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [kept for kept in root.handlers if not isinstance(kept, _Lines)]
    root.addHandler(handler)
    root.setLevel(level)
    for chatty in ("alembic.runtime.plugins", "stripe", "flower"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_CHAIN,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def bind(**ids: object) -> None:
    """Put ids on every following line of this request or task; None leaves one out."""
    structlog.contextvars.bind_contextvars(
        **{name: str(value) for name, value in ids.items() if value is not None}
    )


def forget() -> None:
    """Start a request or task with no ids of the one before."""
    structlog.contextvars.clear_contextvars()


@contextmanager
def bound(**ids: object) -> Iterator[None]:
    """Put ids on the lines of this block alone."""
    known = {name: str(value) for name, value in ids.items() if value is not None}
    with structlog.contextvars.bound_contextvars(**known):
        yield


class _Lines(logging.StreamHandler[TextIO]):
    """Writes to what is standard output then, not to what it was when this began."""

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__(stream or sys.stdout)
        self._given = stream

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = self._given or sys.stdout
        super().emit(record)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take secrets out of an event, by name at any depth and by the look of a value."""
    return {
        name: REDACTED if _SECRET_NAMES.search(name) else _clean(value)
        for name, value in event.items()
    }


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _SECRET_VALUES.sub(_keep_what_is_public, value)
    if isinstance(value, Mapping):
        return {
            name: REDACTED if _SECRET_NAMES.search(str(name)) else _clean(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(inner) for inner in value]
    return value


def _keep_what_is_public(found: "re.Match[str]") -> str:
    return (found["bearer"] or found["row"] or found["url"] or "") + REDACTED


_CHAIN: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]
