"""Rules of the house that a machine can read in the source."""

import ast
import re

import pytest

from tests.architecture.source import CODE, ROOT, SHOP, Module, dotted, modules, project_files

CLOCK = "app/platform/clock.py"
IDS = "app/platform/ids.py"  # the one exception: a UUIDv7 begins with this machine's milliseconds
CLOCK_READS = re.compile(
    r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|gmtime|localtime))$"
)
SQL_CLOCK = re.compile(
    r"(?<![\w.])now\(\)|current_timestamp|current_date|localtimestamp"
    r"|(transaction|statement)_timestamp",
    re.IGNORECASE,
)
SQL_CLOCK_CALL = re.compile(
    r"(^|\.)func\.(now|current_\w+|localtime\w*|clock_timestamp|\w+_timestamp)$"
)
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}
LATER = re.compile(
    "|".join(rf"\b{word}\b" for word in ("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK"))
)
MACHINE_PATHS = re.compile(
    "|".join(rf"(?<![\w.}}])/{top}/" for top in ("home", "Users", "root", "work"))
)
INDEXES = re.compile(r"--?(extra-)?index" + r"-url|--find" + r"-links|/simple" + r"/?(\s|$|\")")


def test_only_the_database_module_commits() -> None:
    commits = [
        module.at(call)
        for module in modules(*SHOP)
        for name, call in module.calls()
        if name.endswith(".commit") and module.name != "app/platform/db.py"
    ]

    assert commits == []


def test_only_the_clock_module_reads_a_clock() -> None:
    reads = [
        f"{module.at(call)} {name}"
        for module in modules(*SHOP)
        if module.name not in (CLOCK, IDS)
        for name, call in module.calls()
        if CLOCK_READS.search(name)
    ]

    assert reads == []


def test_no_module_takes_a_clock_out_of_its_module() -> None:
    taken = [
        module.at(node)
        for module in modules(*SHOP)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.module == "time"
        for alias in node.names
        if alias.name in ("time", "time_ns", "gmtime", "localtime")
    ]

    assert taken == []


def test_sql_asks_the_shops_clock_alone() -> None:
    asked = [
        f"{module.at(text)} {text.value[:60]!r}"
        for module in modules(*SHOP, "migrations")
        for text in module.strings()
        if SQL_CLOCK.search(text.value)
    ]
    called = [
        f"{module.at(call)} {name}"
        for module in modules(*SHOP, "migrations")
        for name, call in module.calls()
        if SQL_CLOCK_CALL.search(name)
    ]

    assert asked + called == []


def test_no_module_is_called_after_nothing() -> None:
    vague = [module.name for module in modules(*CODE, "tests") if VAGUE & set(_words(module))]

    assert vague == []


def test_everything_public_in_the_shop_says_what_it_does() -> None:
    silent = [found for module in modules(*SHOP) for found in _undocumented(module)]

    assert silent == []


def test_nothing_is_left_for_later() -> None:
    left = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path, text in _texts(".py", ".lua", ".md", ".toml", ".html", ".txt", ".yaml", "")
        if not path.name.startswith("requirements")
        for found in LATER.finditer(text)
    ]

    assert left == []


def test_no_file_names_a_machine_or_a_registry() -> None:
    named = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path, text in _texts()
        for pattern in (MACHINE_PATHS, INDEXES)
        for found in pattern.finditer(text)
    ]

    assert named == []


@pytest.mark.parametrize("setting", ["environ", "getenv"])
def test_only_the_settings_read_the_environment(setting: str) -> None:
    reads = [
        module.at(node)
        for module in modules(*SHOP)
        if module.name != "app/config.py"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and dotted(node) == f"os.{setting}"
    ]

    assert reads == []


def test_only_doors_and_wiring_ask_for_providers() -> None:
    doors = ("app/api/", "app/web/", "app/cli/", "app/wiring.py", "app/__init__.py", "tasks/")
    asked = [
        module.at(call)
        for module in modules(*SHOP)
        if not module.name.startswith(doors)
        for name, call in module.calls()
        if name == "providers"
    ]

    assert asked == []


def _words(module: Module) -> list[str]:
    return [part.removesuffix(".py") for part in module.path.relative_to(ROOT).parts]


def _undocumented(module: Module) -> list[str]:
    if module.path.name == "__init__.py" and not module.text.strip():
        return []
    missing = [] if ast.get_docstring(module.tree) else [f"{module.name} itself"]
    return missing + [
        f"{module.at(node)} {node.name}"
        for node in _public(module.tree)
        if not ast.get_docstring(node)
    ]


def _public(inside: ast.Module | ast.ClassDef) -> list[ast.ClassDef | ast.FunctionDef]:
    here = [
        node
        for node in inside.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
    ]
    deeper = [inner for node in here if isinstance(node, ast.ClassDef) for inner in _public(node)]
    return here + deeper


def _texts(*endings: str) -> list[tuple]:
    found = []
    for path in project_files():
        if path.name == "test_source_rules.py" or (endings and path.suffix not in endings):
            continue
        try:
            found.append((path, path.read_text()))
        except UnicodeDecodeError:
            continue
    return found
