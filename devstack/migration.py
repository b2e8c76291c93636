"""`make migration M="…"`: compare the models with a fresh database and write the difference down.

The database is made for the occasion by the migrations so far, so nobody's data plays a part.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from devstack.servers import EmbeddedPostgres, EmbeddedValkey, ServerFailed
from devstack.stack import ROOT, Stack, process_environment, read_ports


def main(arguments: list[str]) -> int:
    """Write one revision file; the exit code of Alembic."""
    message = " ".join(arguments).strip()
    if not message:
        print('say what changes: make migration M="add a note to orders"', file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="cartwright-migration-") as folder:
        try:
            return _write_revision(Path(folder), message)
        except ServerFailed as failure:
            print(failure, file=sys.stderr)
            return 1


def _write_revision(folder: Path, message: str) -> int:
    with (
        EmbeddedPostgres(folder / "postgres", durable=False) as postgres,
        EmbeddedValkey(folder / "valkey", durable=False) as valkey,
    ):
        elsewhere = {"DATABASE_URL", "REDIS_URL", "BROKER_URL"}
        given = {name: value for name, value in os.environ.items() if name not in elsewhere}
        environment = process_environment(
            Stack(ports=read_ports({}), folder=folder, environment=given),
            database=postgres.url(),
            redis=valkey.url(),
            broker=valkey.url(1),
            smtp_port=0,
        )
        flask = [sys.executable, "-m", "flask", "--app", "wsgi", "db"]
        for command in (["upgrade"], ["revision", "--autogenerate", "-m", message]):
            code = subprocess.run(
                [*flask, *command], env=environment, cwd=ROOT, check=False
            ).returncode
            if code != 0:
                return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
