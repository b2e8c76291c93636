"""What the tests of the rules look at: the queue's application and the schema of a fresh shop."""

from collections.abc import Iterator

import psycopg
import pytest
from celery import Celery

from app.adapters.queue.inline import InlineQueue


@pytest.fixture
def celery(queue: InlineQueue) -> Celery:
    """The application `celery -A tasks` finds, all its tasks imported."""
    from tasks import celery

    return celery


@pytest.fixture
def catalogs(database_url: str) -> Iterator[psycopg.Connection]:
    """PostgreSQL's own tables about the database the migrations make."""
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as connection:
        yield connection
