"""Who may import whom, as `.importlinter` says."""

import pytest
from importlinter.cli import lint_imports

from tests.architecture.source import ROOT


def test_every_import_contract_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)

    exit_code = lint_imports(config_filename=str(ROOT / ".importlinter"), no_cache=True)

    assert exit_code == 0, capsys.readouterr().out
