"""Every task has a name, a queue and somebody who works on it; none keeps its own clock."""

import ast
import re
from fnmatch import fnmatchcase

from celery import Celery

from app import wiring
from app.saga import registry
from app.wiring import Providers
from tests.architecture.source import ROOT, SHOP, modules

# The engine writes when something is tried again; a task never decides it.
OWN_CLOCKS = {
    "countdown", "eta", "max_retries", "autoretry_for", "default_retry_delay", "retry_backoff",
    "retry_kwargs", "retry_jitter",
}  # fmt: skip


def _tasks(celery: Celery) -> list[str]:
    return sorted(name for name in celery.tasks if not name.startswith("celery."))


def test_every_task_is_named_after_its_domain_and_its_work(celery: Celery) -> None:
    names = _tasks(celery)

    assert len(names) > 10
    assert [name for name in names if not re.fullmatch(r"[a-z]+\.[a-z_]+", name)] == []


def test_every_module_of_tasks_is_imported_by_the_workers(celery: Celery) -> None:
    there = {
        f"tasks.{module.path.stem}" for module in modules("tasks") if module.path.stem != "__init__"
    }

    assert set(celery.conf.imports) == there


def test_every_task_is_routed_by_a_line_of_its_own_to_a_declared_queue(celery: Celery) -> None:
    routes = celery.conf.task_routes
    declared = {queue.name for queue in celery.conf.task_queues}

    unrouted = [
        name for name in _tasks(celery) if not any(fnmatchcase(name, line) for line in routes)
    ]
    queues = {celery.amqp.router.route({}, name)["queue"].name for name in _tasks(celery)}

    assert unrouted == []
    assert queues <= declared
    assert {route["queue"] for route in routes.values()} <= declared
    assert not celery.conf.task_create_missing_queues


def test_the_workers_of_the_procfile_take_every_queue_once(celery: Celery) -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    taken = [
        queue
        for line in lines
        for found in re.finditer(r"celery -A tasks worker .*?-Q (\S+)", line)
        for queue in found[1].split(",")
    ]

    assert sorted(taken) == sorted(queue.name for queue in celery.conf.task_queues)


def test_one_worker_takes_checkouts_alone() -> None:
    (line,) = [
        line
        for line in (ROOT / "Procfile").read_text().splitlines()
        if line.startswith("worker_checkout:")
    ]

    assert "-Q checkout " in line


def test_a_task_is_killed_before_the_broker_hands_it_to_another(celery: Celery) -> None:
    conf = celery.conf

    assert conf.task_soft_time_limit < conf.task_time_limit
    assert conf.task_time_limit < conf.broker_transport_options["visibility_timeout"]


def test_a_task_is_acknowledged_when_it_is_done(celery: Celery) -> None:
    conf = celery.conf

    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert conf.result_backend is None


def test_no_task_retries_or_waits_by_itself() -> None:
    waits = [
        f"{module.at(call)} {name}"
        for module in modules(*SHOP)
        for name, call in module.calls()
        if name in ("self.retry", "task.retry") or OWN_CLOCKS & {word.arg for word in call.keywords}
    ]

    assert waits == []


def test_no_task_sends_another_by_itself() -> None:
    sent = [
        module.at(node)
        for module in modules("tasks")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr in ("apply_async", "delay", "send_task")
    ]

    assert sent == []


def test_the_clock_calls_tasks_that_exist_and_drops_what_is_late(celery: Celery) -> None:
    schedule = celery.conf.beat_schedule

    assert {entry["task"] for entry in schedule.values()} <= set(_tasks(celery))
    assert [name for name, entry in schedule.items() if not entry["options"].get("expires")] == []


def test_everything_that_sweeps_or_forgets_is_called_by_the_clock(celery: Celery) -> None:
    called = {entry["task"] for entry in celery.conf.beat_schedule.values()}
    sweepers = {
        name
        for name in _tasks(celery)
        if re.search(r"\.(sweep|expire|forget|prune|reload|load_|apply_events|measure)", name)
    }

    assert sweepers - called == set()


def test_every_step_of_every_saga_has_its_task(celery: Celery, providers: Providers) -> None:
    assert wiring.providers() is providers
    wanted = {
        f"{saga.task_prefix}.{step}"
        for saga in registry.sagas()
        for step in [*(step.name for step in saga.steps), "undo"]
    }

    assert wanted
    assert wanted <= set(_tasks(celery))


def test_every_nudge_by_name_has_its_task(celery: Celery) -> None:
    named = {
        text.value
        for module in modules("app")
        for text in module.strings()
        if re.fullmatch(
            r"(checkout|inventory|payments|notifications|outbox|housekeeping|search)\.[a-z_]+",
            text.value,
        )
        and not module.path.stem.startswith("events")
    }

    assert {name for name in named if name not in _tasks(celery)} <= {
        "checkout.failed", "checkout.expired",  # facts, not tasks
        "payments.id",  # a column
    }  # fmt: skip
