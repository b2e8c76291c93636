"""What the shop is compared with must not be the shop."""

import ast
from pathlib import Path

from bench import floors
from bench.floors.hello import app

BENCH = Path(floors.__file__).resolve().parent.parent


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return {name.split(".")[0] for name in names}


def test_the_floors_import_nothing_but_flask() -> None:
    imported = {name for path in (BENCH / "floors").rglob("*.py") for name in _imported(path)}

    assert imported == {"flask"}


def test_the_bench_looks_at_the_shop_from_outside_only() -> None:
    imported = {name for path in BENCH.rglob("*.py") for name in _imported(path)}

    assert not imported & {"app", "tasks", "wsgi", "celeryconfig", "tests", "importlib"}


def test_the_floor_of_a_read_is_a_constant_answer() -> None:
    answer = app.test_client().get("/hello")

    assert (answer.status_code, answer.json) == (200, {"hello": "world"})


def test_the_floor_of_a_cart_reads_the_body_it_is_sent() -> None:
    client = app.test_client()

    assert client.post("/cart", json={"sku_id": "sku_1", "qty": 1}).status_code == 201
    assert client.post("/cart", data="{", content_type="application/json").status_code == 400
