"""`make bench` through the real thing: servers, the Procfile, a driver, a table."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def _bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.slow
def test_a_quick_bench_tells_reads_beside_their_floor(tmp_path: Path) -> None:
    folders = ("--folder", str(tmp_path / "stack"), "--results", str(tmp_path / "results"))

    answer = _bench("--quick", "--only", "read", *folders)

    assert answer.returncode == 0, answer.stdout + answer.stderr
    (kept,) = (tmp_path / "results").glob("*.json")
    read = json.loads(kept.read_text())["operations"][0]
    assert read["name"] == "read"
    assert read["errors"] == {}
    assert read["per_second"] > 0
    assert read["floor_per_second"] > 0
    assert read["sql_statements"] >= 0
    assert read["redis_round_trips"] > 0
    assert read["cpu_ms"] > 0


def test_an_unknown_operation_gets_one_clear_line() -> None:
    answer = _bench("--only", "nonsense")

    assert answer.returncode == 1
    assert "--only names none of: read, search" in answer.stdout
    assert "Traceback" not in answer.stderr


def test_no_rounds_at_all_are_refused() -> None:
    answer = _bench("--rounds", "0")

    assert answer.returncode == 2
    assert "'0' is no number from 1 to 600" in answer.stderr
