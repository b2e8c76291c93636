"""What shoppers do, over and over, as data: a driver in any language can play it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Until:
    """Repeat a step while a saved variable is pending; ask nothing when it is as wanted already."""

    variable: str
    wanted: str
    pending: tuple[str, ...]
    pause_seconds: float = 0.1  # as a patient page polls; oftener would measure polling
    patience_seconds: float = 30.0


@dataclass(frozen=True)
class Step:
    """One request. `{{name}}` in path, headers and body is replaced by a variable.

    Any status but those expected is an error. `save` names variables and the members of the answer
    they are taken from.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    expect: tuple[int, ...] = (200,)
    save: Mapping[str, str] = field(default_factory=dict)
    until: Until | None = None


@dataclass(frozen=True)
class Plan:
    """One operation: its steps, and the pools one value each is drawn from for every turn.

    `key` is a variable too, of which no two turns have the same. With a prelude, which is not
    timed, values are drawn there, and it is walked every so many turns.
    """

    steps: tuple[Step, ...]
    pools: Mapping[str, Sequence[str]] = field(default_factory=dict)
    prelude: tuple[Step, ...] = ()
    prelude_every: int = 1

    def as_json(
        self, base_url: str, *, shoppers: int, warmup_seconds: float, seconds: float, seed: int
    ) -> str:
        """What a driver reads."""
        played: dict[str, Any] = {
            "base_url": base_url,
            "shoppers": shoppers,
            "warmup_seconds": warmup_seconds,
            "seconds": seconds,
            "seed": seed,
        }
        return json.dumps(played | asdict(self))
