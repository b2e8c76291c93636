"""The environment is checked before anything starts."""

import os
import subprocess
import sys

import pytest

ENVIRONMENT = {
    "DATABASE_URL": "postgresql+psycopg://shop:hunter22@localhost/shop",
    "REDIS_URL": "redis://:hunter22@localhost/0",
    "SECRET_KEY": "a secret for tests, longer than 32 characters",
}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"DATABASE_URL": ""}, "DATABASE_URL: Field required"),
        ({"SECRET_KEY": "hunter22"}, "SECRET_KEY: Value should have at least 32 items"),
        ({"CART_DAYS": "0"}, "CART_DAYS: Input should be greater than 0"),
        ({"PAYMENTS": "barter"}, "PAYMENTS: Input should be 'stripe'"),
    ],
)
def test_a_gap_in_the_environment_ends_the_start_with_one_clear_line(
    change: dict[str, str], line: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "from app.config import settings; settings()"],
        env={"PATH": os.environ["PATH"], **ENVIRONMENT, **change},
        capture_output=True,
        text=True,
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith("Cartwright cannot start:\n")
    assert line[:40] in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "hunter22" not in ended.stderr
