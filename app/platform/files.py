"""Where the shop keeps files: labels, invoices. Private; what is kept under a key never changes."""

from typing import Protocol

from app.platform.errors import NotFound, Unavailable


class FileNotKept(NotFound):
    """Nothing is kept under this key."""

    code = "file_not_found"


class FilesAway(Unavailable):
    """The store does not answer, or has no room."""

    code = "unavailable"


class Files(Protocol):
    """Keeps bytes under keys like `labels/shp_….pdf`. Never called inside a transaction."""

    def put(self, key: str, content: bytes, *, media_type: str) -> None:
        """Keep these bytes; the same key again replaces them. Raises FilesAway."""

    def get(self, key: str) -> bytes:
        """What is kept. Raises FileNotKept, and FilesAway."""

    def delete(self, key: str) -> None:
        """Keep it no more; what is not kept is deleted already. Raises FilesAway."""
