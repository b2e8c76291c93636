"""Faults on request: what goes wrong with the next calls, and how often."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from devstack.stripe.acts import EVENT_TYPES
from devstack.stripe.operations import NAMES

CALL_KINDS = frozenset(
    [
        "slow",
        "rate_limit",
        "error_before",
        "error_after",
        "cut_before",
        "cut_after",
        "multicapture_off",
        "capture_expired",
        "processing",
    ]
)
WEBHOOK_KINDS = frozenset(["webhook_repeat", "webhook_delay", "webhook_reorder"])
SECONDS_MAX = 600.0
TIMES_MAX = 1_000_000


class BadFault(ValueError):
    """A fault that cannot be played; says why in one line."""


@dataclass
class Fault:
    """One kind of trouble for the next `times` calls of an operation, `*` for any.

    For `webhook_…` kinds the operation may also name an event type. `match` narrows it to calls
    whose metadata (sent, or of the payment intent meant) holds these pairs.
    """

    operation: str
    kind: str
    times: int = 1
    seconds: float = 0.0
    match: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in CALL_KINDS | WEBHOOK_KINDS:
            known = ", ".join(sorted(CALL_KINDS | WEBHOOK_KINDS))
            raise BadFault(f"unknown kind {self.kind!r}: one of {known}")
        names = NAMES | EVENT_TYPES if self.kind in WEBHOOK_KINDS else NAMES
        if self.operation not in names | {"*"}:
            known = ", ".join(sorted(names))
            raise BadFault(f"unknown operation {self.operation!r}: *, or one of {known}")
        if not 1 <= self.times <= TIMES_MAX:
            raise BadFault(f"times must be between 1 and {TIMES_MAX}")
        if not 0 <= self.seconds <= SECONDS_MAX:
            raise BadFault(f"seconds must be between 0 and {SECONDS_MAX:.0f}")
        if self.match.keys() - {"metadata"}:
            raise BadFault("match takes metadata only")

    def meets(self, names: Iterable[str], metadata: Mapping[str, str]) -> bool:
        """Whether this trouble is meant for a call of these names with this metadata."""
        wanted = self.match.get("metadata", {})
        named = self.operation == "*" or self.operation in names
        return named and all(metadata.get(key) == value for key, value in wanted.items())


class Faults:
    """The troubles waiting to happen; each is used up as often as it says."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let something go wrong from now on."""
        with self._lock:
            self._waiting.append(fault)

    def take(
        self, kinds: Iterable[str], names: Iterable[str], metadata: Mapping[str, str]
    ) -> dict[str, float]:
        """Use up what is meant for this call: each kind at most once, with its seconds."""
        if not self._waiting:
            return {}
        taken: dict[str, float] = {}
        wanted, called = frozenset(kinds), tuple(names)
        with self._lock:
            for fault in self._waiting:
                if fault.kind in wanted - taken.keys() and fault.meets(called, metadata):
                    fault.times -= 1
                    taken[fault.kind] = fault.seconds
            self._waiting = [fault for fault in self._waiting if fault.times > 0]
        return taken

    def waiting(self) -> list[dict[str, Any]]:
        """What has not happened yet."""
        with self._lock:
            return [asdict(fault) for fault in self._waiting]

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._waiting = []

    def __bool__(self) -> bool:
        return bool(self._waiting)


def read_fault(body: Any) -> Fault:
    """A fault from its JSON; raises `BadFault` with one clear line."""
    if not isinstance(body, dict):
        raise BadFault("a fault is a JSON object")
    unknown = body.keys() - {"operation", "kind", "times", "seconds", "match"}
    if unknown:
        raise BadFault(f"unknown field {sorted(map(str, unknown))[0]!r}")
    if not isinstance(body.get("kind"), str):
        raise BadFault("kind must be a string")
    times, seconds, match = body.get("times", 1), body.get("seconds", 0.0), body.get("match") or {}
    if not isinstance(times, int) or isinstance(times, bool):
        raise BadFault("times must be a whole number")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        raise BadFault("seconds must be a number")
    if not isinstance(match, dict) or not all(isinstance(part, dict) for part in match.values()):
        raise BadFault('match must look like {"metadata": {"key": "value"}}')
    return Fault(str(body.get("operation", "*")), body["kind"], times, float(seconds), match)
