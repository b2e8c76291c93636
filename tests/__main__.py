"""`python -m tests`: everything. The tests of the running shop go on beside all the others: they
mostly wait, and what they wait for must come under load too. Their output follows at the end.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

PYTEST = [sys.executable, "-m", "pytest"]
RUNNING_SHOP = "tests/stack"
OTHERS = ["-n", "auto", "--maxprocesses", "4", "--ignore", RUNNING_SHOP]


def main() -> int:
    """Run both parts with these options of pytest; 0 where both are green."""
    with tempfile.TemporaryFile() as told:
        beside = subprocess.Popen(
            [*PYTEST, *sys.argv[1:], RUNNING_SHOP], stdout=told, stderr=subprocess.STDOUT
        )
        try:
            here = subprocess.call([*PYTEST, *sys.argv[1:], *OTHERS])
            there = beside.wait()
        except KeyboardInterrupt:
            beside.wait()  # the terminal's Ctrl-C reached it too; it stops what it started
            return 130
        told.seek(0)
        sys.stdout.buffer.write(told.read())
    return here or there


if __name__ == "__main__":
    assert Path(RUNNING_SHOP).is_dir(), "run this from the root of the project"
    sys.exit(main())
