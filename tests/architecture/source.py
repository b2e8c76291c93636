"""The project's own text, as the tests of its rules read it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SHOP = ("app", "tasks")
CODE = (*SHOP, "devstack", "bench")
_MADE_HERE = {"__pycache__", "node_modules", "results", "var"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One Python file; `name` is its path from the root."""

    path: Path

    @property
    def name(self) -> str:
        """The path as it stands in a report."""
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        """What stands in it."""
        return self.path.read_text()

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax."""
        return ast.parse(self.text)

    @property
    def lines(self) -> int:
        """How long it is."""
        return len(self.text.splitlines())

    def functions(self) -> Iterator[Function]:
        """Every function in it, methods and inner ones too."""
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                yield node

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """Every call, by the dotted name of what is called where it has one."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield dotted(node.func), node

    def strings(self) -> Iterator[ast.Constant]:
        """Every text in the code; docstrings are prose and left out."""
        prose = {id(node.value) for node in ast.walk(self.tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(self.tree):
            is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if is_text and id(node) not in prose:
                yield node

    def at(self, node: ast.AST) -> str:
        """Where something stands, for a report."""
        return f"{self.name}:{getattr(node, 'lineno', 0)}"


def modules(*folders: str) -> list[Module]:
    """The Python files below these folders of the project."""
    return [module for folder in folders for module in _below(folder)]


@lru_cache
def _below(folder: str) -> tuple[Module, ...]:
    return tuple(Module(path) for path in sorted((ROOT / folder).rglob("*.py")))


def dotted(node: ast.expr) -> str:
    """`a.b.c` as text; what is no name counts as `?`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return "?"


@lru_cache
def project_files() -> tuple[Path, ...]:
    """Every file that people wrote: nothing hidden but the few that are ours, nothing generated."""
    ours = [ROOT / ".ci", ROOT / ".importlinter", ROOT / ".pre-commit-config.yaml"]
    tops = [path for path in ROOT.iterdir() if not path.name.startswith(".")] + ours
    files = [path for top in tops for path in ([top] if top.is_file() else top.rglob("*"))]
    return tuple(
        path
        for path in sorted(files)
        if path.is_file() and not _MADE_HERE & set(path.relative_to(ROOT).parts)
    )
