"""Running a floor: so many a second of the least that an operation needs."""

import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.driving import Driver
from bench.operations import Floor
from bench.plans import Plan, Step
from bench.stack import BenchStack
from devstack.servers.ports import LOOPBACK
from devstack.servers.postgres import ROLE
from devstack.stack import ROOT, Refused

_FLOORS = ROOT / "bench" / "floors"
_SKUS = {Floor.ORDER: 5_000, Floor.HOT_ORDER: 1}
_PLANS = {
    Floor.HELLO: Plan((Step("GET", "/hello"),)),
    Floor.CART: Plan((Step("POST", "/cart", body='{"sku_id": "sku_1", "qty": 1}', expect=(201,)),)),
}
_RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_WARMUP_SHARE = 0.2
_PGBENCH_PATIENCE_SECONDS = 60


class Floors:
    """Measures floors beside a running shop. `searches` are the words the shoppers type."""

    def __init__(self, stack: BenchStack, driver: Driver, searches: Sequence[str]) -> None:
        self._stack, self._driver = stack, driver
        self._scripts = _write_searches(stack.stack.folder, searches)

    def rate(self, floor: Floor, *, shoppers: int, seconds: float) -> float:
        """Operations a second with so many at once. Raises Refused where one fails."""
        if floor in _PLANS:
            return self._over_http(_PLANS[floor], shoppers, seconds)
        if floor == Floor.SEARCH:
            return self._by_pgbench(ROLE, self._scripts, shoppers, seconds)
        skus = [f"--define=skus={_SKUS[floor]}"]
        return self._by_pgbench("floor", [_FLOORS / "order.sql"], shoppers, seconds, skus)

    def _over_http(self, plan: Plan, shoppers: int, seconds: float) -> float:
        played = self._driver.play(
            plan,
            self._stack.floor_url,
            shoppers=shoppers,
            warmup_seconds=seconds * _WARMUP_SHARE,
            seconds=seconds,
            tend=self._stack.tend,
        )
        if played.errors:
            raise Refused(f"the floor failed: {next(iter(played.errors))}")
        return len(played.microseconds) / played.seconds

    def _by_pgbench(
        self,
        database: str,
        scripts: Sequence[Path],
        shoppers: int,
        seconds: float,
        options: Sequence[str] = (),
    ) -> float:
        program = self._stack.programs / "pgbench"
        if not program.exists():
            raise Refused(f"there is no pgbench in {program.parent}: install PostgreSQL's contrib")
        command: list[str | Path] = [
            program,
            "--no-vacuum",
            "--protocol=prepared",
            f"--client={shoppers}",
            "--jobs=2",
            f"--time={max(1, round(seconds))}",
            f"--host={LOOPBACK}",
            f"--port={self._stack.postgres_port}",
            f"--username={ROLE}",
            *options,
            *(f"--file={script}" for script in scripts),
            database,
        ]
        answer = _finish(command, self._stack.tend, seconds + _PGBENCH_PATIENCE_SECONDS)
        found = _RATE.search(answer)
        if found is None:
            raise Refused(f"pgbench gave no rate: {answer.strip().splitlines()[-1]}")
        return float(found[1])


def _finish(command: Sequence[str | Path], tend: Callable[[], None], patience: float) -> str:
    """The output of a command, while the shop is kept running."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            rounds = int(patience / 0.1)
            for _ in range(rounds):
                tend()
                try:
                    return process.communicate(timeout=0.1)[0]
                except subprocess.TimeoutExpired:
                    continue
        finally:
            if process.poll() is None:
                process.kill()
    raise Refused("pgbench did not end")


def _write_searches(folder: Path, searches: Sequence[str]) -> list[Path]:
    template = (_FLOORS / "search.sql").read_text()
    scripts = folder / "searches"
    scripts.mkdir(parents=True, exist_ok=True)
    written = [scripts / f"{number}.sql" for number, _ in enumerate(searches)]
    for path, words in zip(written, searches, strict=True):
        path.write_text(template.replace("{words}", words))
    return written
