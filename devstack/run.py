"""`python -m devstack.run COMMAND …`: run a command with the environment of the running `make up`.

make flask A="audit"
make flask A="trace 100001"
"""

import json
import os
import sys

from devstack.stack import ROOT

ENVIRONMENT = ROOT / ".devstack" / "environment.json"


def main() -> int:
    """Exec the command. Exit code 2 and one line where nothing runs or nothing is asked."""
    command = sys.argv[1:]
    if not command:
        print("usage: python -m devstack.run COMMAND [ARGUMENT …]", file=sys.stderr)
        return 2
    try:
        environment = json.loads(ENVIRONMENT.read_text())
    except FileNotFoundError:
        print("Nothing is running here: start it with `make up`.", file=sys.stderr)
        return 2
    try:
        os.execvpe(command[0], command, {**os.environ, **environment})  # noqa: S606 - as asked
    except FileNotFoundError:
        print(f"There is no command {command[0]}.", file=sys.stderr)
        return 127


if __name__ == "__main__":
    raise SystemExit(main())
