"""Who may import whom, as `.importlinter` says."""

import subprocess
import sys

from tests.architecture.source import ROOT

_LINT = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"


def test_every_import_contract_is_kept() -> None:
    # In a process of its own: the linter silences the loggers of the process it runs in.
    lint = subprocess.run(
        [sys.executable, "-c", _LINT], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert lint.returncode == 0, lint.stdout + lint.stderr
    assert "0 broken" in lint.stdout
