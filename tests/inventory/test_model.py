"""Inventory beside a plain model of it: whatever is asked, in whatever order, both say the same."""

from typing import ClassVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.inventory import queries, service
from app.inventory.errors import NotHeld, StockTooLow
from app.inventory.service import Leaving, Receipt, Want
from app.platform.db import Database
from app.platform.ids import new_id
from tests.factories import make_merchant, make_sku, make_warehouse
from tests.inventory.conftest import add_checkout

SKUS = st.integers(0, 1)
WAREHOUSES = st.integers(0, 1)
UNITS = st.integers(1, 6)
LINES = st.dictionaries(SKUS, UNITS, min_size=1, max_size=2)
PICK = st.integers(0, 99)


class InventoryMachine(RuleBasedStateMachine):
    """Two SKUs in two warehouses; the first warehouse is emptied first."""

    db: ClassVar[Database]

    @initialize()
    def open_shop(self) -> None:
        with self.db.transaction() as session:
            merchant = make_merchant(session)
            self.skus = [make_sku(session, merchant=merchant).id for _ in range(2)]
            self.warehouses = [
                make_warehouse(session, merchant_id=merchant.id, priority=rank).id
                for rank in (1, 2)
            ]
        self.available = {(s, w): 0 for s in self.skus for w in self.warehouses}
        self.held: dict[UUID, dict[tuple[UUID, UUID], int]] = {}
        self.kept: set[UUID] = set()
        self.wants: dict[UUID, Want] = {}
        self.gone: list[tuple[Leaving, int]] = []

    @rule(sku=SKUS, warehouse=WAREHOUSES, qty=UNITS, times=st.integers(1, 2))
    def receive(self, sku: int, warehouse: int, qty: int, times: int) -> None:
        place, reference = (self.skus[sku], self.warehouses[warehouse]), new_id()
        for _ in range(times):
            with self.db.transaction() as session:
                service.receive(
                    session, sku_id=place[0], warehouse_id=place[1], qty=qty, reference=reference
                )
        self.available[place] += qty

    @rule(sku=SKUS, warehouse=WAREHOUSES, delta=st.integers(-6, 6).filter(bool))
    def adjust(self, sku: int, warehouse: int, delta: int) -> None:
        place = (self.skus[sku], self.warehouses[warehouse])
        count = {"sku_id": place[0], "warehouse_id": place[1], "delta": delta}
        if self.available[place] + delta < 0:
            with pytest.raises(StockTooLow), self.db.transaction() as session:
                service.adjust(session, **count, reference=new_id())
            return
        with self.db.transaction() as session:
            service.adjust(session, **count, reference=new_id())
        self.available[place] += delta

    @rule(carts=st.lists(LINES, min_size=1, max_size=3))
    def reserve(self, carts: list[dict[int, int]]) -> None:
        with self.db.transaction() as session:
            wants = []
            for cart in carts:
                lines = {self.skus[sku]: qty for sku, qty in cart.items()}
                wants.append(Want(add_checkout(session, lines), None, lines))
        expected = {want.checkout_id: self._plan(want) for want in wants}

        with self.db.transaction() as session:
            outcome = service.reserve(session, wants, seconds=900)

        assert {checkout: not short for checkout, short in outcome.items()} == expected
        self.wants |= {want.checkout_id: want for want in wants}

    @precondition(lambda self: self.held)
    @rule(pick=PICK)
    def reserve_again(self, pick: int) -> None:
        want = self.wants[self._holder(pick)]
        with self.db.transaction() as session:
            assert service.reserve(session, [want], seconds=900) == {want.checkout_id: []}

    @precondition(lambda self: self.wants)
    @rule(picks=st.lists(PICK, min_size=1, max_size=3))
    def release(self, picks: list[int]) -> None:
        chosen = {list(self.wants)[pick % len(self.wants)] for pick in picks}
        freed: set[UUID] = set()
        for checkout_id in chosen:
            for place, qty in self.held.pop(checkout_id, {}).items():
                self.available[place] += qty
                freed.add(place[0])
        self.kept -= chosen

        with self.db.transaction() as session:
            assert service.release(session, chosen) == freed

    @precondition(lambda self: self.wants)
    @rule(pick=PICK)
    def hold(self, pick: int) -> None:
        checkout_id = list(self.wants)[pick % len(self.wants)]
        expected = {checkout_id} & set(self.held)

        with self.db.transaction() as session:
            assert service.hold(session, [checkout_id]) == expected

        self.kept |= expected

    @precondition(lambda self: self.held)
    @rule(pick=PICK, place=PICK, units=UNITS, times=st.integers(1, 2))
    def fulfil(self, pick: int, place: int, units: int, times: int) -> None:
        checkout_id = self._holder(pick)
        parts = self.held[checkout_id]
        where = list(parts)[place % len(parts)]
        leaving = Leaving(checkout_id, *where, units, reference=new_id())
        if units > parts[where]:
            with pytest.raises(NotHeld), self.db.transaction() as session:
                service.fulfil(session, [leaving])
            return
        for _ in range(times):
            with self.db.transaction() as session:
                service.fulfil(session, [leaving])
        self._take(checkout_id, where, units)
        self.gone.append((leaving, units))

    @precondition(lambda self: self.held)
    @rule(pick=PICK, sku=SKUS, units=UNITS)
    def let_go(self, pick: int, sku: int, units: int) -> None:
        checkout_id, sku_id = self._holder(pick), self.skus[sku]
        parts = self.held[checkout_id]
        places = [(sku_id, w) for w in reversed(self.warehouses) if (sku_id, w) in parts]
        if units > sum(parts[where] for where in places):
            with pytest.raises(NotHeld), self.db.transaction() as session:
                service.let_go(session, checkout_id, {sku_id: units})
            return
        with self.db.transaction() as session:
            service.let_go(session, checkout_id, {sku_id: units})
        for where in places:
            part = min(units, parts[where])
            units -= part
            if part:
                self._take(checkout_id, where, part)
                self.available[where] += part

    @precondition(lambda self: self.gone)
    @rule(pick=PICK, times=st.integers(1, 2))
    def put_back(self, pick: int, times: int) -> None:
        leaving, units = self.gone.pop(pick % len(self.gone))
        home = Receipt(leaving.sku_id, leaving.warehouse_id, units, reference=new_id())
        counts = []
        for _ in range(times):
            with self.db.transaction() as session:
                counts.append(service.put_back(session, [home]))
        assert counts == [1, 0][:times]
        self.available[leaving.sku_id, leaving.warehouse_id] += units

    @invariant()
    def both_say_the_same(self) -> None:
        reserved = dict.fromkeys(self.available, 0)
        for parts in self.held.values():
            for place, qty in parts.items():
                reserved[place] += qty
        with self.db.reading() as session:
            rows = queries.stock(session, self.skus)
        found = {(row.sku_id, row.warehouse_id): (row.available, row.reserved) for row in rows}
        for place in self.available:
            assert found.get(place, (0, 0)) == (self.available[place], reserved[place])

    @invariant()
    def the_books_add_up(self) -> None:
        with self.db.reading() as session:
            assert queries.imbalances(session) == []

    def _holder(self, pick: int) -> UUID:
        return list(self.held)[pick % len(self.held)]

    def _take(self, checkout_id: UUID, where: tuple[UUID, UUID], units: int) -> None:
        parts = self.held[checkout_id]
        parts[where] -= units
        if not parts[where]:
            del parts[where]
        if not parts:
            del self.held[checkout_id]
            self.kept.discard(checkout_id)
            del self.wants[checkout_id]

    def _plan(self, want: Want) -> bool:
        """Take a want from the model, first warehouse first; False where it does not fit."""
        for sku_id, wanted in want.lines.items():
            if sum(self.available[sku_id, w] for w in self.warehouses) < wanted:
                return False
        parts = self.held[want.checkout_id] = {}
        for sku_id, wanted in want.lines.items():
            for warehouse_id in self.warehouses:
                qty = min(wanted, self.available[sku_id, warehouse_id])
                wanted -= qty
                self.available[sku_id, warehouse_id] -= qty
                if qty:
                    parts[sku_id, warehouse_id] = qty
        return True


def test_inventory_behaves_as_its_model(db: Database) -> None:
    class Machine(InventoryMachine):
        pass

    Machine.db = db

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
