"""A mail server that keeps what it is given."""

from collections.abc import Iterator

import pytest

from tests.postbox import Postbox, postbox


@pytest.fixture
def smtp() -> Iterator[Postbox]:
    """Running on a free port for this test."""
    with postbox() as box:
        yield box
