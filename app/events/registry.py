"""Which facts there are: each a frozen dataclass with a CloudEvents type, a topic and a key."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

F = TypeVar("F")


@dataclasses.dataclass(frozen=True)
class Declaration:
    """How a fact is announced: its type, version, topic, and the field that orders it."""

    type: str
    version: int
    topic: str
    key: str
    fact: type[Any]


_by_type: dict[str, Declaration] = {}
_by_fact: dict[type[Any], Declaration] = {}


def event(type: str, *, topic: str, key: str, version: int = 1) -> Callable[[type[F]], type[F]]:
    """Declare a frozen dataclass as a fact, in the past tense; `key` names the aggregate id's
    field."""

    def declare(fact: type[F]) -> type[F]:
        if type in _by_type:
            raise ValueError(f"{type} is declared twice")
        declaration = Declaration(type=type, version=version, topic=topic, key=key, fact=fact)
        _by_type[type] = _by_fact[fact] = declaration
        return fact

    return declare


def declaration_of(fact: object) -> Declaration:
    """How this fact is announced. Raises KeyError for something nobody declared."""
    return _by_fact[fact.__class__]


def declarations() -> dict[str, Declaration]:
    """All declared facts by type."""
    return dict(_by_type)


def to_payload(fact: object) -> dict[str, Any]:
    """The fact's fields as JSON: ids as text, the rest as it is."""
    fields = {field.name: getattr(fact, field.name) for field in dataclasses.fields(fact)}  # type: ignore[arg-type]
    return {name: _plain(value) for name, value in fields.items()}


def from_payload(type: str, payload: dict[str, Any]) -> Any:
    """The fact behind a stored payload; unknown fields of a newer version are left out."""
    fact = _by_type[type].fact
    known = {field.name: field for field in dataclasses.fields(fact)}
    return fact(**{name: _typed(known[name], payload[name]) for name in known if name in payload})


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def _typed(field: "dataclasses.Field[Any]", value: Any) -> Any:
    if value is None:
        return None
    if field.type in (UUID, UUID | None):
        return UUID(value)
    if field.type == tuple[UUID, ...]:
        return tuple(UUID(item) for item in value)
    return value
