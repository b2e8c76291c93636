"""Plumbing that knows no shop: database, Redis, ids, money, errors, clock."""
