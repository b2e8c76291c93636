"""What the provider may say to an act: it is so, it is not known, it is not there, or no."""

from dataclasses import dataclass
from typing import Any

from app.payments.errors import Silence
from app.payments.ports import Hold
from app.platform.ids import encode
from app.saga.models import SagaRow


@dataclass(frozen=True)
class StillUnknown:
    """Not known yet: keep everything as it is and ask again.

    `sent` tells that something was sent just now; `reference` is what was learned on the way;
    `key_spent` that this key can only repeat its failure: raise `key_attempt` before asking again.
    """

    silence: Silence
    detail: str = ""
    sent: bool = False
    reference: str | None = None
    key_spent: bool = False


@dataclass(frozen=True)
class Absent:
    """It is certain that nothing was made at the provider."""


@dataclass(frozen=True)
class ProviderNo:
    """A definitive no: nothing was moved. `hold` is what the provider shows now, where it is
    known."""

    code: str
    detail: str
    hold: Hold | None = None


Answer = Hold | StillUnknown | Absent


def psp_key(prefix: str, row: SagaRow, step: str) -> str:
    """The key of one act of a saga: `<saga id>:<step>:<attempt>`. A retry never changes it."""
    return f"{encode(prefix, row.id)}:{step}:{row.key_attempt}"


def needs_new_key(answer: Any) -> bool:
    """Whether the same key could only repeat its failure: the caller raises `key_attempt`."""
    return isinstance(answer, StillUnknown) and answer.key_spent
