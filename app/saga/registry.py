"""Which sagas there are. Wiring registers them; services start them by name."""

from app.saga.table import Saga

_kinds: dict[str, Saga] = {}


def register(saga: Saga) -> None:
    """Make a saga known by its kind; registering the same one again changes nothing."""
    known = _kinds.get(saga.kind)
    if known is not None and known is not saga:
        raise ValueError(f"two sagas call themselves {saga.kind}")
    _kinds[saga.kind] = saga


def saga_of(kind: str) -> Saga:
    """The saga of this kind. Raises KeyError for one nobody registered."""
    return _kinds[kind]


def sagas() -> tuple[Saga, ...]:
    """All of them, for the sweeper and the audit."""
    return tuple(_kinds.values())
