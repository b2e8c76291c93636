"""Every way the shop says no is held by a test: by its code where the document names it, else by
its code or its class."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from devstack.openapi import DOCUMENT
from tests.architecture.source import SHOP, Module, modules

KINDS = "app/platform/errors.py"  # what refusals are made of
# Folders whose tests stand at the web door.
DOORS = tuple(f"tests/{each}/" for each in ("api", "checkout", "journeys", "orders", "road", "web"))
UNSAID = {
    "checkout_failed": "stands in where a purchase kept no reason of its own, which each does",
    "letter_withheld": "nobody is told: with the letter its detail is kept",
}


def test_every_code_the_document_names_is_asserted_at_the_door() -> None:
    named = set(re.findall(r"`(\w+)`", DOCUMENT.read_text())) & _declared().keys()
    said = _said(module for module in _tests() if module.name.startswith(DOORS))

    assert len(named) > 50
    assert sorted(named - said) == []


def test_every_refusal_is_asserted_somewhere() -> None:
    said = _said(_tests())
    named = {name for module in _tests() for name in _names(module)}

    unsaid = {
        code: sorted(classes)
        for code, classes in _declared().items()
        if code not in said and not classes & named
    }

    assert unsaid.keys() == UNSAID.keys(), unsaid


def _declared() -> dict[str, set[str]]:
    """The classes of each code; the shop's own kinds of refusal left out."""
    found: dict[str, set[str]] = {}
    for module in modules(*SHOP):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef) and module.name != KINDS:
                for code in _codes(node):
                    found.setdefault(code, set()).add(node.name)
    return found


def _codes(declared: ast.ClassDef) -> Iterator[str]:
    for line in declared.body:
        if isinstance(line, ast.Assign) and isinstance(line.value, ast.Constant):
            names = {target.id for target in line.targets if isinstance(target, ast.Name)}
            if names & {"code", "problem_code"} and isinstance(line.value.value, str):
                yield line.value.value


def _tests() -> Iterator[Module]:
    here = Path(__file__)
    return (module for module in modules("tests") if module.path != here)


def _said(tests: Iterable[Module]) -> set[str]:
    return {str(text.value) for module in tests for text in module.strings()}


def _names(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
