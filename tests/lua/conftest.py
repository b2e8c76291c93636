"""The scripts of the stock gate, callable by name."""

from collections.abc import Sequence
from typing import Any

import pytest

from app.platform.redis import ShopRedis, lua

PARTS = ("free", "flight", "qty", "gen")
LIFE = 60_000  # ms


class Scripts:
    """The scripts called by name over SKUs named by letters."""

    def __init__(self, redis: ShopRedis) -> None:
        self.redis = redis
        self._scripts = {
            name: lua(redis, "app.inventory", name) for name in ("admit", "settle", "peek", "load")
        }
        self._generation = 0

    def fresh(self) -> str:
        self._generation += 1
        return f"fresh-{self._generation}"

    def admit(self, admission: str, lines: dict[str, int], life: int = LIFE) -> list[int]:
        words = [word for line in lines.items() for word in line]
        return self._call("admit", list(lines), [admission, life, self.fresh(), *words])

    def settle(self, admission: str, *skus: str, doubt: bool = False) -> int:
        return self._call("settle", skus, [admission, self.fresh(), "1" if doubt else "0", *skus])

    def peek(self, *skus: str) -> list[list[str]]:
        return self._call("peek", skus, [self.fresh(), *skus])

    def load(self, sku: str, generation: str, value: int, *known: str) -> list[int]:
        return self._call("load", [sku], [self.fresh(), sku, generation, value, len(known), *known])

    def fill(self, sku: str, units: int) -> None:
        """Load a counter, as the shop does: after a look."""
        [[generation, *_]] = self.peek(sku)
        assert self.load(sku, generation, units) == [1]

    def free(self, sku: str) -> int | None:
        counter = self.redis.get(f"{{g0}}:free:{sku}")
        return None if counter is None else int(counter)

    def generation(self, sku: str) -> str | None:
        return self.redis.get(f"{{g0}}:gen:{sku}")

    def in_flight(self, sku: str) -> list[str]:
        return self.redis.zrange(f"{{g0}}:flight:{sku}", 0, -1)

    def dirty(self) -> set[str]:
        return set(self.redis.zrange("{g0}:dirty", 0, -1))

    def let_lapse(self, admission: str, *skus: str) -> None:
        """Let so much time pass that this admission is over."""
        for sku in skus:
            self.redis.zadd(f"{{g0}}:flight:{sku}", {admission: 1}, xx=True)

    def _call(self, name: str, skus: Sequence[str], args: list[Any]) -> Any:
        keys = ["{g0}:dirty", *(f"{{g0}}:{part}:{sku}" for sku in skus for part in PARTS)]
        return self._scripts[name](keys=keys, args=args)


@pytest.fixture
def gate(redis: ShopRedis) -> Scripts:
    return Scripts(redis)
