"""The four scripts of the stock gate, each alone against a real server, and many at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import ResponseError

from app.platform.redis import connect
from tests.lua.conftest import Scripts

CALLERS = 32


def test_an_admitted_line_lowers_its_counter_and_is_in_flight(gate: Scripts) -> None:
    gate.fill("a", 5)

    verdict = gate.admit("one", {"a": 2})

    assert verdict == [1]
    assert gate.free("a") == 3
    assert gate.in_flight("a") == ["one"]


def test_a_short_line_refuses_all_lines_and_tells_what_is_left_of_each_short_one(
    gate: Scripts,
) -> None:
    for sku, units in (("a", 5), ("b", 1), ("c", 0)):
        gate.fill(sku, units)

    verdict = gate.admit("one", {"a": 1, "b": 2, "c": 1})

    assert verdict == [0, 2, 1, 3, 0]
    assert [gate.free(sku) for sku in "abc"] == [5, 1, 0]
    assert gate.in_flight("a") == []


def test_a_line_that_is_not_loaded_is_named_before_any_shortage(gate: Scripts) -> None:
    gate.fill("a", 0)

    verdict = gate.admit("one", {"a": 1, "b": 1, "c": 1})

    assert verdict == [-1, 2, 3]
    assert gate.free("b") is None


def test_the_same_admission_asked_twice_takes_its_units_once(gate: Scripts) -> None:
    gate.fill("a", 5)

    verdicts = [gate.admit("one", {"a": 2}), gate.admit("one", {"a": 2})]

    assert verdicts == [[1], [1]]
    assert gate.free("a") == 3


def test_a_counter_below_zero_admits_nobody_and_says_none_is_left(gate: Scripts) -> None:
    gate.fill("a", -2)

    verdict = gate.admit("one", {"a": 1})

    assert verdict == [0, 1, 0]


def test_a_lapsed_admission_leaves_the_flight_and_makes_its_sku_dirty_but_raises_nothing(
    gate: Scripts,
) -> None:
    gate.fill("a", 5)
    gate.admit("one", {"a": 2})
    gate.let_lapse("one", "a")

    gate.admit("two", {"a": 1})

    assert gate.in_flight("a") == ["two"]
    assert gate.dirty() == {"a"}
    assert gate.free("a") == 2


def test_a_refused_caller_also_finds_who_lapsed(gate: Scripts) -> None:
    gate.fill("a", 1)
    gate.admit("one", {"a": 1}, life=0)

    verdict = gate.admit("two", {"a": 1})

    assert verdict == [0, 1, 0]
    assert gate.dirty() == {"a"}


@pytest.mark.parametrize("act", ["admit", "settle", "mark", "lapse", "load"])
def test_every_move_changes_the_generation(gate: Scripts, act: str) -> None:
    gate.fill("a", 5)
    gate.admit("one", {"a": 1})
    before = gate.generation("a")

    match act:
        case "admit":
            gate.admit("two", {"a": 1})
        case "settle":
            gate.settle("one", "a")
        case "mark":
            gate.settle("", "a", doubt=True)
        case "lapse":
            gate.let_lapse("one", "a")
            gate.peek("a")
        case "load":
            gate.fill("a", 5)

    assert gate.generation("a") != before


def test_looking_changes_no_generation(gate: Scripts) -> None:
    gate.fill("a", 5)

    looks = [gate.peek("a"), gate.peek("a")]

    assert looks[0] == looks[1]


def test_settling_takes_an_admission_out_and_gives_nothing_back(gate: Scripts) -> None:
    gate.fill("a", 5)
    gate.admit("one", {"a": 2})

    marked = gate.settle("one", "a")

    assert marked == 0
    assert gate.free("a") == 3
    assert gate.in_flight("a") == []
    assert gate.dirty() == set()


def test_settling_who_is_not_in_flight_any_more_marks_the_sku_dirty(gate: Scripts) -> None:
    gate.fill("a", 5)

    marked = gate.settle("one", "a")

    assert marked == 1
    assert gate.dirty() == {"a"}


def test_settling_in_doubt_takes_out_and_marks(gate: Scripts) -> None:
    gate.fill("a", 5)
    gate.admit("one", {"a": 2})

    gate.settle("one", "a", doubt=True)

    assert gate.in_flight("a") == []
    assert gate.dirty() == {"a"}
    assert gate.free("a") == 3


def test_a_look_tells_generation_counter_mark_and_who_is_in_flight(gate: Scripts) -> None:
    gate.fill("a", 5)
    gate.admit("one", {"a": 2})

    [seen, unseen] = gate.peek("a", "b")

    assert seen == [gate.generation("a"), "3", "-1", "one", "2"]
    assert unseen == [gate.generation("b"), "", "-1"]


def test_a_load_subtracts_those_in_flight_that_the_database_does_not_know(gate: Scripts) -> None:
    gate.fill("a", 9)
    gate.admit("known", {"a": 2})
    gate.admit("unknown", {"a": 3})
    [[generation, *_]] = gate.peek("a")

    loaded = gate.load("a", generation, 20, "known")

    assert loaded == [1]
    assert gate.free("a") == 17


def test_a_load_that_looked_before_a_move_changes_nothing_and_comes_again(gate: Scripts) -> None:
    gate.fill("a", 9)
    [[generation, *_]] = gate.peek("a")
    gate.admit("one", {"a": 2})

    loaded = gate.load("a", generation, 20)

    assert loaded == [0]
    assert gate.free("a") == 7
    assert gate.dirty() == {"a"}


def test_a_load_that_looked_before_a_flush_changes_nothing(gate: Scripts) -> None:
    gate.fill("a", 9)
    [[generation, *_]] = gate.peek("a")
    gate.redis.flushall()

    loaded = gate.load("a", generation, 20)

    assert loaded == [0]
    assert gate.free("a") is None


def test_of_two_loads_that_looked_together_only_the_first_counts(gate: Scripts) -> None:
    [[generation, *_]] = gate.peek("a")
    newer = gate.load("a", generation, 12)

    older = gate.load("a", generation, 10)

    assert (newer, older) == ([1], [0])
    assert gate.free("a") == 12
    assert gate.dirty() == {"a"}


def test_a_load_wipes_the_mark_away_and_a_mark_made_meanwhile_stays(gate: Scripts) -> None:
    gate.settle("", "a", "b", doubt=True)
    [[first, *_], [second, *_]] = gate.peek("a", "b")
    gate.settle("", "b", doubt=True)

    gate.load("a", first, 5)
    gate.load("b", second, 5)

    assert gate.dirty() == {"b"}


def test_a_mark_keeps_the_moment_it_was_first_made(gate: Scripts) -> None:
    gate.settle("", "a", doubt=True)
    first = gate.redis.zscore("{g0}:dirty", "a")

    gate.settle("", "a", doubt=True)

    assert gate.redis.zscore("{g0}:dirty", "a") == first


def test_a_forgotten_script_is_sent_again(gate: Scripts) -> None:
    gate.fill("a", 5)
    gate.redis.script_flush()

    verdict = gate.admit("one", {"a": 1})

    assert verdict == [1]


def test_a_quantity_that_is_no_number_changes_nothing(gate: Scripts) -> None:
    gate.fill("a", 5)

    with pytest.raises(ResponseError):
        gate.admit("one", {"a": "many"})

    assert gate.free("a") == 5


def test_many_callers_at_once_are_admitted_up_to_the_last_unit(
    redis_url: str, gate: Scripts
) -> None:
    gate.fill("a", 100)
    gate.fill("b", 70)

    def caller(number: int) -> list[list[int]]:
        client = connect(redis_url)
        mine = Scripts(client)
        verdicts = [mine.admit(f"{number}-{i}", {"a": 1, "b": 1}) for i in range(5)]
        client.close()
        return verdicts

    with ThreadPoolExecutor(CALLERS) as pool:
        verdicts = [v for each in pool.map(caller, range(CALLERS)) for v in each]

    assert verdicts.count([1]) == 70
    assert (gate.free("a"), gate.free("b")) == (30, 0)
    assert len(gate.in_flight("a")) == 70


def test_loads_amid_admissions_and_settlements_never_lose_or_make_a_unit(
    redis_url: str, gate: Scripts
) -> None:
    gate.fill("a", 10_000)

    def buyer(number: int) -> int:
        client = connect(redis_url)
        mine = Scripts(client)
        taken = 0
        for i in range(20):
            taken += mine.admit(f"{number}-{i}", {"a": 1}) == [1]
        client.close()
        return taken

    def loader(_: int) -> int:
        client = connect(redis_url)
        mine = Scripts(client)
        for _ in range(20):
            [[generation, *_rest]] = mine.peek("a")
            mine.load("a", generation, 10_000)
        client.close()
        return 0

    with ThreadPoolExecutor(CALLERS) as pool:
        buyers = [pool.submit(buyer, number) for number in range(16)]
        loaders = [pool.submit(loader, number) for number in range(4)]
        taken = sum(each.result() for each in [*buyers, *loaders])

    assert taken == 320
    assert gate.free("a") == 10_000 - taken
