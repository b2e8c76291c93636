"""What `flask --app wsgi` offers, and that `flask db` finds the migrations."""

import os
import subprocess
import sys

import pytest
from flask import Flask

from app.cli import MODULES
from tests.conftest import ROOT


@pytest.mark.parametrize("name", MODULES)
def test_every_command_is_there_and_explains_itself(app: Flask, name: str) -> None:
    answer = app.test_cli_runner().invoke(args=[name, "--help"])

    assert answer.exit_code == 0
    assert "Usage:" in answer.output


def test_migrations_are_found(database_url: str, redis_url: str) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", "current"],
        env=os.environ
        | {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "SECRET_KEY": "a secret for tests, longer than 32 characters",
            "PYTHONWARNINGS": "ignore",
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert shown.returncode == 0, shown.stderr
    assert "(head)" in shown.stdout
