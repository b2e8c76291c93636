"""The models are what the migrations make, and every migration can be taken back."""

import ast
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from tests.architecture.source import ROOT, Module

VERSIONS = sorted((ROOT / "migrations" / "versions").glob("*.py"))
_EVERYTHING = """
    SELECT 'column', table_name, column_name, data_type || is_nullable || coalesce(column_default,
    '') FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname =
    'public' UNION ALL SELECT 'constraint', conrelid::regclass::text, conname,
    pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid)
    FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'function', '', proname, prosrc FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND proname !~ '^(gtrgm|gin_|citext|similarity)'
    UNION ALL SELECT 'sequence', '', sequencename, '' FROM pg_sequences WHERE schemaname = 'public'
    UNION ALL SELECT 'extension', '', extname, '' FROM pg_extension
    ORDER BY 1, 2, 3
"""


@pytest.fixture
def config(database_url: str) -> Config:
    """Alembic, pointed at the database of this test."""
    config = Config(str(ROOT / "migrations" / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.set_main_option("sqlalchemy.url", database_url)
    return config


def test_the_models_are_what_the_migrations_make(config: Config) -> None:
    command.check(config)  # raises what differs


def test_everything_goes_down_and_up_again(config: Config, catalogs: psycopg.Connection) -> None:
    before = catalogs.execute(_EVERYTHING).fetchall()

    command.downgrade(config, "base")
    nothing = catalogs.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'v', 'm', 'S') AND relname <> 'alembic_version'"
    ).fetchall()
    command.upgrade(config, "head")

    assert nothing == []
    assert catalogs.execute(_EVERYTHING).fetchall() == before


def test_the_migrations_are_one_line(config: Config) -> None:
    script = ScriptDirectory.from_config(config)
    line = [revision.revision for revision in script.walk_revisions()]

    assert len(script.get_heads()) == 1
    assert sorted(line) == [path.name.split("_")[0] for path in VERSIONS]


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_a_migration_says_what_it_is_for_and_how_it_is_taken_back(path: Path) -> None:
    module = Module(path)
    functions = {function.name: function for function in module.functions()}

    assert ast.get_docstring(module.tree)
    assert any(isinstance(node, ast.Call) for node in ast.walk(functions["downgrade"]))
