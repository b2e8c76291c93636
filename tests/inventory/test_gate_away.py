"""Redis gone, silent, restarted or spoilt: the gate says so in time and fills itself again."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from app.inventory.errors import GateAway
from app.inventory.gate import Gate
from app.platform.db import Database
from app.platform.errors import Unavailable
from app.platform.ids import new_id
from app.platform.redis import ShopRedis, connect
from devstack.servers.valkey import EmbeddedValkey
from tests.inventory.conftest import ADMISSION_SECONDS as LIFE
from tests.inventory.conftest import CheckoutDemand, accept, counter, new_sku

ACTS: dict[str, Callable[[Gate, UUID], object]] = {
    "admit": lambda gate, sku: gate.admit(new_id(), {sku: 1}, LIFE),
    "settle": lambda gate, sku: gate.settle(new_id(), [sku]),
    "withdraw": lambda gate, sku: gate.withdraw(new_id(), [sku]),
    "mark_dirty": lambda gate, sku: gate.mark_dirty([sku]),
    "load": lambda gate, sku: gate.load([sku]),
    "load_dirty": lambda gate, _sku: gate.load_dirty(10),
    "check": lambda gate, sku: gate.check([sku]),
}


@pytest.mark.parametrize("act", ACTS)
def test_redis_away_is_a_refusal_that_may_be_tried_again(db: Database, act: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gate = Gate(connect(_url(closed)), db, CheckoutDemand())

        with pytest.raises(GateAway) as refusal:
            ACTS[act](gate, new_id())

    assert isinstance(refusal.value, Unavailable)
    assert refusal.value.after_seconds == 1


@pytest.fixture
def silent() -> Iterator[str]:
    """Something that takes connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield _url(server)


def test_a_redis_that_never_answers_is_given_up_by_its_time_out(db: Database, silent: str) -> None:
    client = connect(silent, answer_seconds=0.05)
    gate = Gate(client, db, CheckoutDemand())

    with pytest.raises(GateAway):
        gate.admit(new_id(), {new_id(): 1}, LIFE)

    client.close()


def test_a_restarted_and_empty_redis_is_filled_again_by_traffic(
    tmp_path: Path, db: Database
) -> None:
    sku = new_sku(db, stock=5)
    with EmbeddedValkey(tmp_path / "first", durable=False) as server:
        client = connect(server.url())
        gate = Gate(client, db, CheckoutDemand())
        accept(gate, db, {sku: 2})
        port = server.port
    with pytest.raises(GateAway):
        gate.admit(new_id(), {sku: 1}, LIFE)

    with EmbeddedValkey(tmp_path / "second", port=port, durable=False):
        accept(gate, db, {sku: 1})
        left = counter(client, sku)
        drifts = gate.check([sku])
        client.close()

    assert (left, drifts) == (2, [])


def test_a_mistake_of_ours_is_not_taken_for_an_absent_redis(
    gate: Gate, db: Database, redis: ShopRedis
) -> None:
    sku = new_sku(db, stock=5)
    redis.set(f"{{g0}}:flight:{sku}", json.dumps("not a set"))

    with pytest.raises(Exception, match="WRONGTYPE"):
        gate.admit(new_id(), {sku: 1}, LIFE)


def _url(server: socket.socket) -> str:
    host, port = server.getsockname()
    return f"redis://{host}:{port}/0"
