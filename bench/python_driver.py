"""The driver for machines without Go: processes of threads that play a plan read from stdin.

Says `begin` and `end` around what it measures, then one line of JSON: see `bench.driving.Played`.
"""

import http.client
import json
import multiprocessing
import random
import resource
import sys
import threading
import time
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

_PROCESSES_MAX = 4
_REFUSED_SECONDS = 0.02  # a server that refuses at once must not be flooded


class Failed(Exception):
    """An operation did not end as its plan says; the label tells how."""


class Shopper:
    """One shopper: a connection, variables, and what came of the turns taken."""

    def __init__(self, plan: dict[str, Any], number: int) -> None:
        self._plan, self._number = plan, number
        self._random = random.Random(plan["seed"] + number)
        self._connection = http.client.HTTPConnection(urlsplit(plan["base_url"]).netloc, timeout=60)
        self._variables: dict[str, str] = {}
        self._asked = 0
        self.microseconds: list[int] = []
        self.requests = self.completed = 0
        self.errors: Counter[str] = Counter()

    def shop(self, begin: float, end: float) -> None:
        """Take turns until the end; those that end from `begin` on are timed."""
        turn, ready = 0, False
        while time.time() < end:
            if not self._plan["prelude"] or not ready or turn % self._plan["prelude_every"] == 0:
                self._draw(turn)
                ready = self._walked(self._plan["prelude"])
                if not ready:
                    continue
            turn += 1
            self._operate(begin, end)

    def _operate(self, begin: float, end: float) -> None:
        began, asked = time.time(), self._asked
        if not self._walked(self._plan["steps"]):
            return
        ended = time.time()
        self.completed += 1
        if begin <= ended < end:
            self.microseconds.append(round((ended - began) * 1e6))
            self.requests += self._asked - asked

    def _walked(self, steps: list[dict[str, Any]]) -> bool:
        try:
            for step in steps:
                self._take(step)
        except Failed as failure:
            self.errors[str(failure)] += 1
            time.sleep(_REFUSED_SECONDS)
            return False
        return True

    def _draw(self, turn: int) -> None:
        for name, pool in self._plan["pools"].items():
            self._variables[name] = self._random.choice(pool)
        self._variables["key"] = f"bench-{self._plan['seed']}-{self._number}-{turn}"

    def _take(self, step: dict[str, Any]) -> None:
        until = step["until"]
        if until is None:
            self._request(step)
            return
        deadline = time.time() + until["patience_seconds"]
        while (state := self._variables[until["variable"]]) != until["wanted"]:
            if state not in until["pending"]:
                raise Failed(f"{until['variable']} is {state}")
            if time.time() > deadline:
                raise Failed(f"{until['variable']} is still {state}")
            time.sleep(until["pause_seconds"])
            self._request(step)

    def _request(self, step: dict[str, Any]) -> None:
        self._asked += 1
        label = f"{step['method']} {step['path']}"
        headers = {name: self._fill(value) for name, value in step["headers"].items()}
        body = self._fill(step["body"]).encode() if step["body"] else None
        if body:
            headers["Content-Type"] = "application/json"
        try:
            self._connection.request(step["method"], self._fill(step["path"]), body, headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise Failed(f"{label}: no answer") from None
        self._read(step, label, answer.status, text)

    def _read(self, step: dict[str, Any], label: str, status: int, text: bytes) -> None:
        if status not in step["expect"]:
            try:
                code = json.loads(text)["code"]
            except (ValueError, KeyError, TypeError):
                code = ""
            raise Failed(f"{label}: {status} {code}")
        if step["save"]:
            members = json.loads(text)
            self._variables |= {name: members[member] for name, member in step["save"].items()}

    def _fill(self, template: str) -> str:
        if "{{" in template:
            for name, value in self._variables.items():
                template = template.replace(f"{{{{{name}}}}}", value)
        return template


def main() -> None:
    """Play the plan on stdin."""
    plan = json.load(sys.stdin)
    begin = time.time() + plan["warmup_seconds"]
    end = begin + plan["seconds"]
    count = min(_PROCESSES_MAX, plan["shoppers"])
    groups = [range(plan["shoppers"])[first::count] for first in range(count)]
    context = multiprocessing.get_context("fork")
    with context.Pool(count) as pool:
        waiting = pool.starmap_async(_play, [(plan, group, begin, end) for group in groups])
        for moment, name in ((begin, "begin"), (end, "end")):
            time.sleep(max(0.0, moment - time.time()))
            print(name, flush=True)
        results = waiting.get()
    print(json.dumps(_sum(results) | {"seconds": plan["seconds"]}), flush=True)


def _play(plan: dict[str, Any], group: range, begin: float, end: float) -> dict[str, Any]:
    shoppers = [Shopper(plan, number) for number in group]
    threads = [threading.Thread(target=one.shop, args=(begin, end)) for one in shoppers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "microseconds": [each for one in shoppers for each in one.microseconds],
        "requests": sum(one.requests for one in shoppers),
        "completed": sum(one.completed for one in shoppers),
        "errors": dict(sum((one.errors for one in shoppers), Counter())),
        "cpu_seconds": used.ru_utime + used.ru_stime,
    }


def _sum(results: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "microseconds": [each for one in results for each in one["microseconds"]],
        "requests": sum(one["requests"] for one in results),
        "completed": sum(one["completed"] for one in results),
        "errors": dict(sum((Counter(one["errors"]) for one in results), Counter())),
        "cpu_seconds": sum(one["cpu_seconds"] for one in results),
    }


if __name__ == "__main__":
    main()
