"""Processes are kept running, and stopped to the last child."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devstack.keeper import Keeper, cause, shell_command
from devstack.leftovers import MARK, processes_of, stop_leftovers
from devstack.procfile import BadProcfile, Line, read_procfile
from devstack.servers.processes import is_alive

Told = list[tuple[str, str]]
ROUND_SECONDS = 0.02


@pytest.fixture
def told() -> Told:
    return []


@pytest.fixture
def keeper(tmp_path: Path, told: Told) -> Iterator[Keeper]:
    keeper = Keeper(
        directory=tmp_path,
        environment={**os.environ, MARK: str(tmp_path)},
        logs=tmp_path / "log",
        tell=lambda name, what: told.append((name, what)),
    )
    yield keeper
    keeper.stop(hurry=lambda: True)


def test_a_process_that_dies_is_started_again_and_told_in_one_line(keeper, told):
    keeper.start(Line("worker", "sleep 60"))
    first = keeper.pids["worker"]

    os.kill(first, signal.SIGKILL)

    assert tend_until(keeper, lambda: keeper.pids.get("worker", first) != first)
    assert is_alive(keeper.pids["worker"])
    assert [name for name, _ in told] == ["worker"]
    assert told[0][1].startswith("was killed by SIGKILL; starting it again (see ")


def test_a_process_that_ends_by_itself_is_started_again_too(keeper, told, tmp_path):
    keeper.start(Line("relay", "echo ran >> runs; test $(wc -l < runs) -ge 3 && sleep 60"))

    assert tend_until(keeper, lambda: runs(tmp_path) >= 3)
    assert [what.split(";")[0] for _, what in told] == ["ended with 1", "ended with 1"]


def test_a_process_that_keeps_dying_is_started_ever_more_slowly(keeper, told):
    keeper.start(Line("relay", "false"))

    tend_until(keeper, lambda: len(told) >= 3)

    pauses = [what.split("; ")[1].partition(" (see")[0] for _, what in told[:3]]
    assert pauses == ["starting it again", "again in 0.5 s", "again in 1 s"]


def test_children_of_a_process_that_died_do_not_outlive_it(keeper, tmp_path):
    keeper.start(Line("web", "sleep 61 & echo $! > child; wait"))
    tend_until(keeper, (tmp_path / "child").exists)
    assert eventually(lambda: (tmp_path / "child").read_text().strip() != "")
    child = int((tmp_path / "child").read_text())
    first = keeper.pids["web"]

    os.kill(first, signal.SIGKILL)

    tend_until(keeper, lambda: keeper.pids.get("web", first) != first)
    assert eventually(lambda: not is_alive(child))


def test_one_that_dies_leaves_the_others_running(keeper):
    keeper.start(Line("web", "sleep 60"))
    keeper.start(Line("worker", "sleep 60"))
    web, worker = keeper.pids["web"], keeper.pids["worker"]

    os.kill(worker, signal.SIGKILL)
    tend_until(keeper, lambda: keeper.pids.get("worker", worker) != worker)

    assert keeper.pids["web"] == web


def test_all_are_stopped_together_children_included(keeper, tmp_path):
    keeper.start(Line("web", "sleep 60 & sleep 60"))
    keeper.start(Line("worker", "exec sleep 60"))
    assert eventually(lambda: len(processes_of(tmp_path)) >= 3)

    keeper.stop()

    assert processes_of(tmp_path) == []


def test_a_process_gets_the_time_to_end_by_itself(keeper, tmp_path):
    keeper.start(
        Line("worker", "trap 'echo done > ended; exit 0' TERM; echo > set; sleep 60 & wait")
    )
    eventually((tmp_path / "set").exists)

    keeper.stop()

    assert (tmp_path / "ended").read_text() == "done\n"


def test_a_process_that_will_not_end_is_killed_once_there_is_hurry(keeper, tmp_path):
    keeper.start(Line("worker", "trap '' TERM; echo > set; while true; do sleep 1; done"))
    eventually((tmp_path / "set").exists)

    keeper.stop(hurry=lambda: True)

    assert processes_of(tmp_path) == []


def test_what_a_process_says_is_in_its_log_and_the_run_before_is_kept(keeper, tmp_path):
    (tmp_path / "log").mkdir()
    (tmp_path / "log/web.log").write_text("the run before\n")

    keeper.start(Line("web", "echo $((40 + 2)); echo oops >&2; sleep 60"))

    assert eventually(lambda: keeper.logs["web"].read_text() == "42\noops\n")
    assert (tmp_path / "log/web.log.1").read_text() == "the run before\n"


def test_leftovers_of_a_killed_run_are_found_by_their_mark_and_stopped(keeper, tmp_path):
    keeper.start(Line("worker", "sleep 60 & sleep 60"))
    assert eventually(lambda: len(processes_of(tmp_path)) >= 2)

    count = stop_leftovers(tmp_path)

    assert count >= 2
    assert processes_of(tmp_path) == []


def test_processes_of_another_stack_are_not_leftovers(keeper, tmp_path):
    keeper.start(Line("worker", "sleep 60"))

    assert processes_of(tmp_path / "other") == []


def test_a_signal_reaches_the_program_and_not_its_shell():
    assert shell_command("flask run --port $PORT") == "exec flask run --port $PORT"
    assert shell_command("A=1 flask run") == "exec env A=1 flask run"
    assert shell_command("a && b") == "a && b"


def test_exit_codes_are_told_in_words():
    assert [cause(1), cause(-9), cause(-63)] == [
        "ended with 1",
        "was killed by SIGKILL",
        "was killed by signal 63",
    ]


def test_a_procfile_is_read_in_its_order(tmp_path):
    path = tmp_path / "Procfile"
    path.write_text("# the shop\nweb: run $PORT: it\n\nworker_2:   celery\n")

    assert read_procfile(path) == [Line("web", "run $PORT: it"), Line("worker_2", "celery")]


@pytest.mark.parametrize("text", ["web\n", "web:\n", "a: b\na: c\n", "two words: x\n"])
def test_a_procfile_that_makes_no_sense_is_refused_with_its_line(tmp_path, text):
    path = tmp_path / "Procfile"
    path.write_text(text)

    with pytest.raises(BadProcfile, match=r"^Procfile:\d: "):
        read_procfile(path)


def tend_until(keeper: Keeper, holds: Callable[[], bool]) -> bool:
    def one_round() -> bool:
        keeper.tend()
        return holds()

    return eventually(one_round)


def eventually(holds: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(ROUND_SECONDS)
    return holds()


def runs(folder: Path) -> int:
    path = folder / "runs"
    return len(path.read_text().splitlines()) if path.exists() else 0
