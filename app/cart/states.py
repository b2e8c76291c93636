"""The words carts use for where they stand."""

from enum import StrEnum


class CartStatus(StrEnum):
    """Whether a cart can still change."""

    OPEN = "open"
    ORDERED = "ordered"
