"""What the servers count: statements, commits, round trips, and the CPU of every part."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil
import psycopg
from redis import Redis

from bench.arithmetic import differences

_CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "START TRANSACTION")
_STATEMENTS = """
SELECT queryid::text, query, calls, total_exec_time FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = 'shop') AND query NOT LIKE '%pg_stat_%'
"""
_WAL = "SELECT wal_bytes FROM pg_stat_wal"
_TEXT_MAX = 200


@dataclass(frozen=True)
class Snapshot:
    """All counters at one moment; CPU in seconds by part, machine is all CPUs busy with
    anything."""

    calls: Mapping[str, float]
    milliseconds: Mapping[str, float]
    texts: Mapping[str, str]
    wal_bytes: float
    redis_reads: float
    redis_commands: Mapping[str, float]
    cpu: Mapping[str, float]
    machine: float


@dataclass(frozen=True)
class Spent:
    """What rose between two snapshots. `sql` is without transaction control, which is `control`;
    `statements` are calls and milliseconds by text, the dearest first."""

    sql: float
    control: float
    commits: float
    wal_bytes: float
    redis: float
    redis_commands: Mapping[str, float]
    cpu: Mapping[str, float]
    machine: float
    statements: list[tuple[str, float, float]] = field(default_factory=list)


class Counters:
    """Connections to whoever counts. `parts` are the processes, by name."""

    def __init__(self, database: str, redis_url: str) -> None:
        self._database = psycopg.connect(database, autocommit=True)
        self._redis = Redis.from_url(redis_url, decode_responses=True)

    def close(self) -> None:
        """Hang up."""
        self._database.close()
        self._redis.close()

    def read(self, parts: Mapping[str, int]) -> Snapshot:
        """Look at everything now."""
        rows = self._database.execute(_STATEMENTS).fetchall()
        wal = self._database.execute(_WAL).fetchone()
        commands = self._redis.info("commandstats")
        # PostgreSQL counts one text apart for each user or plan; they are one statement here.
        calls: dict[str, float] = {}
        milliseconds: dict[str, float] = {}
        texts = {row[0]: row[1] for row in rows}
        for key, _, count, spent in rows:
            calls[key] = calls.get(key, 0) + count
            milliseconds[key] = milliseconds.get(key, 0) + spent
        return Snapshot(
            calls=calls,
            milliseconds=milliseconds,
            texts=texts,
            wal_bytes=float(wal[0]) if wal else 0.0,
            redis_reads=float(self._redis.info("stats")["total_reads_processed"]),
            redis_commands={
                name.removeprefix("cmdstat_"): float(told["calls"])
                for name, told in commands.items()
            },
            cpu={name: cpu_seconds(pid) for name, pid in parts.items()},
            machine=_machine_seconds(),
        )


def spent(before: Snapshot, after: Snapshot) -> Spent:
    """What it took between two moments."""
    calls = differences(before.calls, after.calls)
    milliseconds = differences(before.milliseconds, after.milliseconds)
    control = {key for key in calls if after.texts[key].upper().startswith(_CONTROL)}
    commits = {key for key in control if after.texts[key].upper().startswith("COMMIT")}
    statements = [
        (" ".join(after.texts[key].split())[:_TEXT_MAX], count, milliseconds.get(key, 0.0))
        for key, count in calls.items()
    ]
    return Spent(
        sql=sum(count for key, count in calls.items() if key not in control),
        control=sum(calls[key] for key in control),
        commits=sum(calls[key] for key in commits),
        wal_bytes=after.wal_bytes - before.wal_bytes,
        redis=after.redis_reads - before.redis_reads,
        redis_commands=differences(before.redis_commands, after.redis_commands),
        cpu=differences(before.cpu, after.cpu),
        machine=after.machine - before.machine,
        statements=sorted(statements, key=lambda each: -each[2]),
    )


def cpu_seconds(pid: int) -> float:
    """What a process and all it started have computed, user and system, ended children too.

    0 for one that is gone. macOS does not tell of ended children.
    """
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(_own_seconds(member) for member in family)


def _own_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _machine_seconds() -> float:
    times = psutil.cpu_times()
    quiet = times.idle + getattr(times, "iowait", 0.0)
    # Linux counts the time of guests twice: by itself and inside `user`.
    return float(sum(times) - quiet - getattr(times, "guest", 0.0))
