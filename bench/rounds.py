"""One round of one operation: floor, shop, floor; and the medians of several."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.arithmetic import median, per_operation, percentile, ratio
from bench.books import Waiting, await_quiet, discrepancies, read_books, read_waiting
from bench.catalog import Catalog
from bench.counters import Counters, Snapshot, Spent, spent
from bench.driving import Driver, Played
from bench.floor import Floors
from bench.operations import Operation
from bench.stack import PSP, BenchStack

NOT_THE_SHOP = ("floor", PSP)


@dataclass(frozen=True)
class Windows:
    """How long is measured, in seconds, and how often."""

    rounds: int = 3
    seconds: float = 8.0
    warmup_seconds: float = 2.0
    floor_seconds: float = 3.0


@dataclass(frozen=True)
class Round:
    """What one round gave. `left` is work the shop had taken on and not done when it ended,
    `quiet_seconds` how long that took afterwards."""

    played: Played
    spent: Spent
    floors: tuple[float, float]
    left: int = 0
    quiet_seconds: float | None = 0.0
    wrong: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Operations a second."""
        return len(self.played.microseconds) / self.played.seconds


@dataclass(frozen=True)
class Figures:
    """One operation over all rounds: medians, each of its own, and sums of errors.

    Rates are per second, times milliseconds, `cpu` milliseconds an operation by part; the counts
    are per operation. `others` is the share of the machine that neither shop nor driver used,
    `occupied` the share of the shoppers' time that lies in operations that ended: a closed loop has
    nearly 1, less where some waited for ever (Little's law).
    """

    operation: Operation
    rate: float
    p50: float
    p99: float
    floor: float
    ratio: float
    requests: float
    sql: float
    control: float
    commits: float
    redis: float
    wal_bytes: float
    cpu: dict[str, float]
    driver_cpu: float
    others: float
    occupied: float
    left: float
    statements: list[tuple[str, float, float]]
    redis_commands: dict[str, float]
    operations: int
    errors: dict[str, int]
    wrong: list[str]
    rates: list[float]

    @property
    def shop_cpu(self) -> float:
        """CPU milliseconds an operation of everything that is the shop."""
        return sum(spent for part, spent in self.cpu.items() if part not in NOT_THE_SHOP)

    @property
    def psp_cpu(self) -> float:
        """CPU milliseconds an operation of whoever stands in for the PSP."""
        return self.cpu.get(PSP, 0.0)


class Bench:
    """A running shop, its catalog, a driver and the counters."""

    def __init__(self, stack: BenchStack, driver: Driver, catalog: Catalog) -> None:
        self._stack, self._driver, self._catalog = stack, driver, catalog
        self._floors = Floors(stack, driver, catalog.searches)
        self._counters = Counters(stack.database(), stack.redis_url)

    def close(self) -> None:
        """Hang up."""
        self._counters.close()

    def look(self) -> Snapshot:
        """All counters now."""
        return self._counters.read(self._stack.pids())

    def measure(self, operation: Operation, windows: Windows) -> Round:
        """Floor first, then the shop, then the floor again."""
        await_quiet(self._stack.database(), self._stack.tend)
        first = self._floor(operation, windows)
        before = read_books(self._stack.database())
        played, looks, left = self._play(operation, windows)
        quiet = await_quiet(self._stack.database(), self._stack.tend)
        wrong = [] if quiet is not None else ["work was still waiting long after the last shopper"]
        if operation.buys:
            after = read_books(self._stack.database())
            failed = sum(played.errors.values())
            wrong += discrepancies(before, after, completed=played.completed, failed=failed)
        last = self._floor(operation, windows)
        return Round(played, spent(*looks), (first, last), left.total, quiet, wrong)

    def _floor(self, operation: Operation, windows: Windows) -> float:
        return self._floors.rate(
            operation.floor, shoppers=operation.shoppers, seconds=windows.floor_seconds
        )

    def _play(
        self, operation: Operation, windows: Windows
    ) -> tuple[Played, tuple[Snapshot, Snapshot], Waiting]:
        looks: dict[str, Snapshot] = {}
        left: list[Waiting] = []

        def mark(moment: str) -> None:
            looks[moment] = self.look()
            if moment == "end":
                left.append(read_waiting(self._stack.database()))

        played = self._driver.play(
            operation.plan(self._catalog),
            self._stack.api,
            shoppers=operation.shoppers,
            warmup_seconds=windows.warmup_seconds,
            seconds=windows.seconds,
            tend=self._stack.tend,
            mark=mark,
        )
        return played, (looks["begin"], looks["end"]), left[0]


def summarize(operation: Operation, rounds: Sequence[Round]) -> Figures:
    """The medians of several rounds."""
    milliseconds = [[took / 1_000 for took in one.played.microseconds] for one in rounds]
    counts = {
        name: _middle(_per(one, float(getattr(one.spent, name))) for one in rounds)
        for name in ("sql", "control", "commits", "redis", "wal_bytes")
    }
    return Figures(
        operation=operation,
        rate=_middle(one.rate for one in rounds),
        p50=_middle(percentile(times, 50) for times in milliseconds),
        p99=_middle(percentile(times, 99) for times in milliseconds),
        floor=_middle(sum(one.floors) / 2 for one in rounds),
        ratio=_middle(ratio(one.rate, one.floors) for one in rounds),
        requests=_middle(_per(one, one.played.requests) for one in rounds),
        **counts,
        cpu=_cpu(rounds),
        driver_cpu=_middle(
            1_000 * per_operation(one.played.cpu_seconds, one.played.completed) for one in rounds
        ),
        others=_middle(_others(one) for one in rounds),
        occupied=_middle(_occupied(one, operation.shoppers) for one in rounds),
        left=_middle(float(one.left) for one in rounds),
        statements=_statements(rounds[-1]),
        redis_commands=_each_per(rounds[-1].spent.redis_commands, rounds[-1]),
        operations=sum(len(one.played.microseconds) for one in rounds),
        errors=_errors(rounds),
        wrong=[sentence for one in rounds for sentence in one.wrong],
        rates=[one.rate for one in rounds],
    )


def _middle(values: Iterable[float]) -> float:
    """The median of what is known."""
    known = [value for value in values if not math.isnan(value)]
    return median(known) if known else math.nan


def _cpu(rounds: Sequence[Round]) -> dict[str, float]:
    parts = sorted({part for one in rounds for part in one.spent.cpu})
    return {
        part: _middle(_per(one, 1_000 * one.spent.cpu.get(part, 0.0)) for one in rounds)
        for part in parts
    }


def _occupied(one: Round, shoppers: int) -> float:
    return sum(one.played.microseconds) / 1e6 / one.played.seconds / shoppers


def _per(one: Round, total: float) -> float:
    return per_operation(total, len(one.played.microseconds))


def _each_per(counts: Mapping[str, float], one: Round) -> dict[str, float]:
    return {name: _per(one, count) for name, count in sorted(counts.items(), key=lambda x: -x[1])}


def _statements(one: Round) -> list[tuple[str, float, float]]:
    return [
        (text, _per(one, calls), _per(one, milliseconds))
        for text, calls, milliseconds in one.spent.statements
    ]


def _errors(rounds: Sequence[Round]) -> dict[str, int]:
    errors: dict[str, int] = {}
    for one in rounds:
        for label, count in one.played.errors.items():
            errors[label] = errors.get(label, 0) + count
    return errors


def _others(one: Round) -> float:
    """What ran on the machine beside us, as a share of all that ran; the driver's part is of its
    whole run, so it is scaled to what was measured."""
    share = len(one.played.microseconds) / max(1, one.played.completed)
    ours = sum(one.spent.cpu.values()) + one.played.cpu_seconds * share
    return max(0.0, 1 - ours / one.spent.machine) if one.spent.machine else math.nan
