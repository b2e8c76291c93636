"""Product search on PostgreSQL: full text first, trigrams where a word is misspelled."""

from app.adapters.search.postgres.adapter import PostgresSearch

__all__ = ["PostgresSearch"]
