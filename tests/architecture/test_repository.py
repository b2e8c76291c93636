"""What stands beside the code: decisions, the map of the tree, requirements."""

import re
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from tests.architecture.source import ROOT

DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))
MAPS = [ROOT / name for name in ("ARCHITECTURE.md",) if (ROOT / name).exists()]
REQUIREMENTS = ["requirements", "requirements-devstack", "requirements-dev"]
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==([^\s;\\]+)", re.MULTILINE)


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_a_status_and_says_why(path: Path) -> None:
    text = path.read_text()

    assert re.search(r"^(#+ |\*\*|- )?Status\b", text, re.MULTILINE)
    for heading in ("Context", "Decision", "Consequences", "Alternatives"):
        assert re.search(rf"^#+ {heading}", text, re.MULTILINE), heading


@pytest.mark.parametrize("document", MAPS, ids=lambda path: path.stem)
def test_every_path_the_architecture_names_exists(document: Path) -> None:
    text = document.read_text()
    named = {
        found[1]
        for found in re.finditer(
            r"`((?:[\w.-]+/)*[\w.-]+(?:/|\.(?:py|lua|md|json|toml|txt)))`", text
        )
        if "/" in found[1] or (ROOT / found[1]).suffix in (".md", ".toml")
    }

    assert named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
    assert len(text.splitlines()) <= 150


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_pin_has_its_hashes(name: str) -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / f"{name}.txt").read_text())
    pins = [entry for entry in entries if not entry.startswith("#") and entry.strip()]

    assert pins
    assert [pin.splitlines()[0] for pin in pins if "--hash=sha256:" not in pin] == []
    assert [pin.splitlines()[0] for pin in pins if not _PINNED.match(pin)] == []


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_everything_asked_for_is_pinned_to_a_version_that_was_asked_for(name: str) -> None:
    pinned = _pins(name)

    wanted = [
        Requirement(line)
        for line in (ROOT / f"{name}.in").read_text().splitlines()
        if line.strip() and not line.startswith(("#", "-"))
    ]

    assert [ask.name for ask in wanted if _plain(ask.name) not in pinned] == []
    assert [
        f"{ask.name} {pinned[_plain(ask.name)]}"
        for ask in wanted
        if not ask.specifier.contains(Version(pinned[_plain(ask.name)]))
    ] == []


def test_no_package_is_pinned_twice_to_different_versions() -> None:
    pins = [pin for name in REQUIREMENTS for pin in _pins(name).items()]

    assert [name for name, version in pins if dict(pins)[name] != version] == []


def test_a_commit_is_checked_by_what_is_installed_here_alone() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())

    assert {repo["repo"] for repo in config["repos"]} == {"local"}
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert {hook["language"] for hook in hooks} <= {"system", "pygrep"}


def _pins(name: str) -> dict[str, str]:
    text = (ROOT / f"{name}.txt").read_text()
    return {_plain(found[1]): found[2] for found in _PINNED.finditer(text)}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
