"""Which facts there are, each a frozen dataclass with a CloudEvents type, a topic and a key; and
who reacts."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from app.platform.db import ShopSession

F = TypeVar("F")
FactClass = type[Any]
ClassOf = type[F]
Reaction = Callable[[ShopSession, Any], object]
R = TypeVar("R", bound=Reaction)


@dataclasses.dataclass(frozen=True)
class Declaration:
    """How a fact is announced: its type, version, topic, and the field that orders it."""

    type: str
    version: int
    topic: str
    key: str
    fact: FactClass


_by_type: dict[str, Declaration] = {}
_by_fact: dict[FactClass, Declaration] = {}
_reactions: dict[str, dict[str, list[Reaction]]] = {}


def event(
    type: str, *, topic: str, key: str, version: int = 1
) -> Callable[[ClassOf[F]], ClassOf[F]]:
    """Declare a frozen dataclass as a fact, in the past tense; `key` names the aggregate id's
    field."""

    def declare(fact: ClassOf[F]) -> ClassOf[F]:
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


def on(fact: FactClass, *, consumer: str) -> Callable[[R], R]:
    """Let a function `(session, fact)` react to a fact, in the name of a consumer.

    It runs in a transaction with the consumer's inbox row, in the order of the fact's key, and may
    be asked again after a failure. It must not call outside: it writes rows and leaves nudges.
    Raises KeyError for something nobody declared.
    """
    type_ = _by_fact[fact].type

    def register(reaction: R) -> R:
        _reactions.setdefault(consumer, {}).setdefault(type_, []).append(reaction)
        return reaction

    return register


def consumers() -> list[str]:
    """Everyone who reacts to anything, by name."""
    return sorted(_reactions)


def reactions(consumer: str, type: str) -> Sequence[Reaction]:
    """What a consumer does on facts of a type; empty where they do not concern it."""
    return tuple(_reactions.get(consumer, {}).get(type, ()))


def types_of(consumer: str) -> list[str]:
    """The types of facts a consumer reacts to."""
    return sorted(_reactions.get(consumer, {}))


def topics_of(consumer: str) -> list[str]:
    """The topics a consumer has to read."""
    return sorted({_by_type[type].topic for type in _reactions.get(consumer, {})})


def to_payload(fact: object) -> dict[str, Any]:
    """The fact's fields as JSON: ids as text, the rest as it is."""
    fields = {field.name: getattr(fact, field.name) for field in dataclasses.fields(fact)}  # type: ignore[arg-type]
    return {name: _plain(value) for name, value in fields.items()}


def from_payload(type: str, payload: dict[str, Any]) -> Any:
    """The fact behind stored data; unknown fields of a newer version are left out.

    Raises KeyError for an undeclared type, TypeError or ValueError where the data does not fit it.
    """
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
