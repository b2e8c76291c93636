"""`flask events …`: the relay, the consumers, and how they stand."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click
from flask.cli import AppGroup
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.events import queries, registry, service
from app.events.consumer import Consumer
from app.events.errors import BusAway
from app.events.relay import Relay
from app.platform.errors import DomainError
from app.saga import incidents
from app.wiring import Providers, providers

command = AppGroup("events", help="Publish facts, react to them, see who is behind.")


@command.command("relay")
def relay() -> None:
    """Publish what the outbox holds, until stopped. A second one waits for the first."""
    wired = providers()
    with _until_told() as stop:
        Relay(wired.db, wired.bus).run(stop)


@command.command("consume")
@click.option("--consumer", "names", multiple=True, help="Only this one; may be repeated.")
def consume(names: tuple[str, ...]) -> None:
    """React to facts, until stopped: each consumer in a thread of its own."""
    wired = providers()
    for name in names:
        _must_be_known(name)
    with _until_told() as stop:
        threads = [
            threading.Thread(target=_consumer(name, wired).run, args=(stop,), name=name)
            for name in names or registry.consumers()
        ]
        for thread in threads:
            thread.start()
        stop.wait()
        for thread in threads:
            thread.join()


@command.command("status")
def status() -> None:
    """Show what is not published, and how far each consumer is."""
    wired, console = providers(), Console()
    readers = {name: registry.topics_of(name) for name in registry.consumers()}
    with _one_line(), wired.db.reading() as session:
        outbox = queries.outbox_status(session)
        consumers = queries.consumer_status(session, readers)
    console.print(
        f"outbox: {outbox.waiting} waiting, lag {outbox.lag_seconds:.1f} s,"
        f" last position {outbox.position}",
        highlight=False,
    )
    table = Table("consumer", "topic", "position", "behind", "delayed", "parked")
    for one in consumers:
        counts = (one.position, one.behind, one.delayed, one.parked)
        table.add_row(one.consumer, one.topic, *map(str, counts))
    console.print(table)
    console.print(_bus_table(wired))


@command.command("replay")
@click.option("--from", "position", type=click.IntRange(min=1), required=True)
@click.option("--consumer", "name", required=True)
@click.option("--again", is_flag=True, help="Also what it has applied, as if it were new.")
def replay(position: int, name: str, again: bool) -> None:
    """Hand a consumer the kept facts from a position on. What it has applied it leaves alone."""
    _must_be_known(name)
    with _one_line(), providers().db.transaction() as session:
        ahead = service.replay(session, name, position=position, again=again)
    click.echo(f"{name} goes on from position {position}: {ahead} events ahead.")


def _consumer(name: str, wired: Providers) -> Consumer:
    return Consumer(name, db=wired.db, bus=wired.bus, queue=wired.queue, incidents=incidents)


def _must_be_known(name: str) -> None:
    if name not in registry.consumers():
        known = ", ".join(registry.consumers())
        raise click.ClickException(f"There is no consumer {name}; there are: {known}.")


def _bus_table(wired: Providers) -> Table | str:
    topics = sorted({each.topic for each in registry.declarations().values()})
    try:
        groups = wired.bus.status(topics)
    except BusAway as error:
        return error.detail
    table = Table("bus group", "topic", "behind", "unacknowledged")
    for group in groups:
        behind = "unknown" if group.behind is None else str(group.behind)
        table.add_row(group.group, group.topic, behind, str(group.unacknowledged))
    return table


@contextmanager
def _one_line() -> Iterator[None]:
    """A refusal, or a database that is away, in words instead of a traceback."""
    try:
        yield
    except DomainError as error:
        raise click.ClickException(error.detail) from error
    except (OperationalError, PoolTimeout) as error:
        raise click.ClickException("The database does not answer.") from error


@contextmanager
def _until_told() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set: finish what is in hand, then end."""
    stop = threading.Event()

    def told(_number: int, _frame: FrameType | None) -> None:
        # In a thread: the handler may interrupt this one while it holds the event's own lock.
        threading.Thread(target=stop.set).start()

    before = {number: signal.signal(number, told) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
