"""Gate 1: says within a millisecond whether units may be admitted, and is never the last word.

Redis keeps per SKU a counter of what may be admitted, a generation, and the admissions in flight
by expiry. All of it may be lost: PostgreSQL holds the second gate, and `load` sets the first one
right again. Only `load` raises a counter. Keys carry the hash tag of the merchant's group, so that
each script finds its keys on one node of a cluster.
"""

import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from redis import exceptions as redis_errors
from sqlalchemy import text

from app.inventory import queries
from app.inventory.errors import GateAway, OutOfStock
from app.inventory.ports import Demand
from app.platform.db import Database
from app.platform.redis import ShopRedis, lua

_BATCH = 200  # SKUs a script call: below a millisecond of Redis' one thread
_LOAD_ATTEMPTS = 3  # a hot SKU moves between peek and load; then it waits for the next second
_ADMIT_ATTEMPTS = 5  # each loads what is missing; more can only mean that Redis is being emptied
_DIRTY_SECONDS_MAX = 60  # the reconciler comes each second: a mark so old is a fault, not traffic
_KNOWN_GROUPS_MAX = 200_000

# Value and known admissions must be of one moment, also where they take two statements.
_ONE_SNAPSHOT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")

_AWAY = (
    redis_errors.ConnectionError,
    redis_errors.TimeoutError,
    redis_errors.ReadOnlyError,  # a primary that has become a replica
    redis_errors.OutOfMemoryError,
    redis_errors.ClusterDownError,
    redis_errors.MasterDownError,
    redis_errors.TryAgainError,
)


@dataclass(frozen=True)
class Drift:
    """A counter that is not what PostgreSQL less the admissions in flight says, in units."""

    sku_id: UUID
    counter: int
    expected: int


@dataclass(frozen=True)
class _Look:
    """What `peek` saw of one SKU."""

    generation: str
    counter: int | None
    dirty_ms: int
    flights: Mapping[str, int]


class Gate:
    """Admits units for checkouts that have no row yet. Every call may raise GateAway."""

    def __init__(self, redis: ShopRedis, db: Database, demand: Demand, *, groups: int = 1) -> None:
        self._redis, self._db, self._demand, self._groups = redis, db, demand, groups
        self._admit = lua(redis, "app.inventory", "admit")
        self._settle = lua(redis, "app.inventory", "settle")
        self._peek = lua(redis, "app.inventory", "peek")
        self._load = lua(redis, "app.inventory", "load")
        self._group_of: dict[UUID, int] = {}

    def admit(self, admission_id: UUID, lines: Mapping[UUID, int], lapse_seconds: float) -> None:
        """Let the lines of one checkout in, all of them or none; the id is the checkout's.

        The admission lapses by itself unless settled: `lapse_seconds` must outlast the transaction
        that writes the checkout row. Raises OutOfStock with every line that is short. After
        GateAway the answer may be lost, and what it took comes back when it lapses.
        """
        admitted: list[UUID] = []
        for tag, sku_ids in self._by_tag(lines).items():
            try:
                self._admit_group(tag, admission_id, {s: lines[s] for s in sku_ids}, lapse_seconds)
            except OutOfStock:
                with suppress(GateAway):  # then they lapse
                    self.withdraw(admission_id, admitted)
                raise
            admitted += sku_ids

    def settle(self, admission_id: UUID, sku_ids: Collection[UUID]) -> None:
        """The checkout row is committed and counts by itself now: end its time in flight.

        Where the admission is not in flight any more (lapsed, or Redis forgot), the SKU is marked
        dirty.
        """
        self._take_out(str(admission_id), sku_ids, doubt=False)

    def withdraw(self, admission_id: UUID, sku_ids: Collection[UUID]) -> None:
        """The checkout row was certainly rolled back: end its time in flight and mark its SKUs
        dirty."""
        self._take_out(str(admission_id), sku_ids, doubt=True)

    def mark_dirty(self, sku_ids: Collection[UUID]) -> None:
        """More may be there than the counter says, or nobody knows: have these SKUs loaded soon.

        Call it after the commit that gave units back.
        """
        self._take_out("", sku_ids, doubt=True)

    def load(self, sku_ids: Iterable[UUID]) -> set[UUID]:
        """Set counters from PostgreSQL; gives those that were. Others moved meanwhile and are
        dirty."""
        loaded: set[UUID] = set()
        for tag, members in self._by_tag(dict.fromkeys(sku_ids)).items():
            for start in range(0, len(members), _BATCH):
                waiting = members[start : start + _BATCH]
                for _ in range(_LOAD_ATTEMPTS):
                    loaded |= self._load_once(tag, waiting)
                    waiting = [sku_id for sku_id in waiting if sku_id not in loaded]
                    if not waiting:
                        break
        return loaded

    def load_dirty(self, limit: int) -> int:
        """Load the SKUs marked dirty, those that wait longest first; gives how many were loaded."""
        loaded = 0
        for group in range(self._groups):
            with _plain_errors():
                marked = self._redis.zrange(f"{_tag(group)}:dirty", 0, limit - loaded - 1)
            loaded += len(self.load(UUID(str(sku_id)) for sku_id in marked))
            if loaded >= limit:
                break
        return loaded

    def load_active(self) -> int:
        """Load every SKU that can be bought, page by page; gives how many were loaded."""
        loaded, after = 0, None
        while True:
            with self._db.reading() as session:
                page = queries.active_skus(session, after=after, limit=_BATCH)
            if not page:
                return loaded
            loaded += len(self.load(page))
            after = page[-1]

    def check(self, sku_ids: Collection[UUID]) -> list[Drift]:
        """Counters that are wrong. SKUs that move while we look, that are not loaded, or that were
        marked dirty within the last minute are not judged."""
        drifts: list[Drift] = []
        for tag, members in self._by_tag(dict.fromkeys(sku_ids)).items():
            for start in range(0, len(members), _BATCH):
                drifts += self._check_once(tag, members[start : start + _BATCH])
        return drifts

    def _admit_group(
        self, tag: str, admission_id: UUID, lines: Mapping[UUID, int], lapse_seconds: float
    ) -> None:
        sku_ids = list(lines)
        wanted = [word for sku_id in sku_ids for word in (str(sku_id), lines[sku_id])]
        for _ in range(_ADMIT_ATTEMPTS):
            lapse_ms = max(0, round(lapse_seconds * 1000))
            with _plain_errors():
                verdict, *facts = self._admit(
                    keys=_keys(tag, sku_ids), args=[str(admission_id), lapse_ms, _fresh(), *wanted]
                )
            if verdict == 1:
                return
            if verdict == 0:
                raise _out_of_stock(sku_ids, lines, facts)
            self.load(sku_ids[line - 1] for line in facts)
        raise GateAway("The stock gate is being filled; try again.", after_seconds=1)

    def _take_out(self, admission: str, sku_ids: Collection[UUID], *, doubt: bool) -> None:
        for tag, members in self._by_tag(dict.fromkeys(sku_ids)).items():
            for start in range(0, len(members), _BATCH):
                batch = members[start : start + _BATCH]
                with _plain_errors():
                    self._settle(
                        keys=_keys(tag, batch),
                        args=[admission, _fresh(), "1" if doubt else "0", *map(str, batch)],
                    )

    def _load_once(self, tag: str, sku_ids: Sequence[UUID]) -> set[UUID]:
        looks = self._look(tag, sku_ids)
        values, known = self._truth(looks)
        words: list[str | int] = []
        for sku_id, look in looks.items():
            counted = [flight for flight in look.flights if flight in known]
            words += [str(sku_id), look.generation, values[sku_id], len(counted), *counted]
        with _plain_errors():
            answers = self._load(keys=_keys(tag, sku_ids), args=[_fresh(), *words])
        return {sku_id for sku_id, answer in zip(sku_ids, answers, strict=True) if answer == 1}

    def _check_once(self, tag: str, sku_ids: Sequence[UUID]) -> list[Drift]:
        before = self._look(tag, sku_ids)
        values, known = self._truth(before)
        after = self._look(tag, sku_ids)
        drifts = []
        for sku_id, look in after.items():
            moved = look.generation != before[sku_id].generation
            waiting = 0 <= look.dirty_ms < _DIRTY_SECONDS_MAX * 1000
            if moved or waiting or look.counter is None:
                continue
            unknown = sum(qty for flight, qty in look.flights.items() if flight not in known)
            if look.counter != values[sku_id] - unknown:
                drifts.append(Drift(sku_id, look.counter, values[sku_id] - unknown))
        return drifts

    def _look(self, tag: str, sku_ids: Sequence[UUID]) -> dict[UUID, _Look]:
        with _plain_errors():
            rows = self._peek(keys=_keys(tag, sku_ids), args=[_fresh(), *map(str, sku_ids)])
        looks = {}
        for sku_id, (generation, counter, dirty_ms, *flights) in zip(sku_ids, rows, strict=True):
            looks[sku_id] = _Look(
                generation=generation,
                counter=int(counter) if counter else None,
                dirty_ms=int(dirty_ms),
                flights=dict(zip(flights[::2], map(int, flights[1::2]), strict=True)),
            )
        return looks

    def _truth(self, looks: Mapping[UUID, _Look]) -> tuple[dict[UUID, int], set[str]]:
        """What PostgreSQL would let in by SKU, and which of the admissions it knows already."""
        admissions = {UUID(flight) for look in looks.values() for flight in look.flights}
        with self._db.reading() as session:
            session.execute(_ONE_SNAPSHOT)
            available = queries.available(session, looks)
            pending = self._demand.pending(session, list(looks), admissions)
        values = {sku_id: available[sku_id] - pending.qty.get(sku_id, 0) for sku_id in looks}
        return values, {str(admission) for admission in pending.known}

    def _by_tag(self, sku_ids: Collection[UUID]) -> dict[str, list[UUID]]:
        """The SKUs of each hash tag, in tag order: everyone asks the groups in the same order."""
        if self._groups == 1:
            return {_tag(0): list(sku_ids)} if sku_ids else {}
        groups: dict[int, list[UUID]] = defaultdict(list)
        known = self._groups_of(sku_ids)
        for sku_id in sku_ids:
            groups[known[sku_id]].append(sku_id)
        return {_tag(group): groups[group] for group in sorted(groups)}

    def _groups_of(self, sku_ids: Collection[UUID]) -> dict[UUID, int]:
        found = {s: self._group_of[s] for s in sku_ids if s in self._group_of}
        missing = [sku_id for sku_id in sku_ids if sku_id not in found]
        if missing:
            with self._db.reading() as session:
                merchants = queries.merchants_of(session, missing)
            new = {sku_id: merchant.int % self._groups for sku_id, merchant in merchants.items()}
            if len(self._group_of) > _KNOWN_GROUPS_MAX:
                self._group_of = {}
            self._group_of |= new
            found |= dict.fromkeys(missing, 0) | new
        return found


def _tag(group: int) -> str:
    return f"{{g{group}}}"


def _keys(tag: str, sku_ids: Sequence[UUID]) -> list[str]:
    parts = ("free", "flight", "qty", "gen")
    return [f"{tag}:dirty", *(f"{tag}:{part}:{sku_id}" for sku_id in sku_ids for part in parts)]


def _fresh() -> str:
    """A generation nobody has seen: never a count, for Redis may forget and count from 1 again."""
    return secrets.token_hex(8)


def _out_of_stock(
    sku_ids: Sequence[UUID], lines: Mapping[UUID, int], facts: Sequence[int]
) -> OutOfStock:
    short: list[dict[str, Any]] = [
        {"sku_id": sku_ids[line - 1], "wanted": lines[sku_ids[line - 1]], "left": left}
        for line, left in zip(facts[::2], facts[1::2], strict=True)
    ]
    return OutOfStock("Not enough is left of what you want.", lines=short)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Redis' ways of not being there become one refusal; a mistake of ours stays a mistake."""
    try:
        yield
    except _AWAY as away:
        raise GateAway("The stock gate does not answer.", after_seconds=1) from away
