"""Files in a folder of this machine, or of one that all machines of the shop have mounted."""

import os
import re
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import unquote, urlsplit

from app.platform.files import FileNotKept, FilesAway
from app.platform.seams import calling_out

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


class LocalFiles:
    """Keeps each file under its key below one folder; nothing leads out of it.

    A file is there whole or not at all: it is written beside its place, flushed to the disk and
    then renamed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def at(cls, url: str) -> "LocalFiles":
        """The folder of a `file:///…` address. Raises ValueError for anything else."""
        parts = urlsplit(url)
        if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not parts.path:
            raise ValueError(f"{url!r} is not an address like file:///var/lib/shop")
        return cls(Path(unquote(parts.path)))

    def put(self, key: str, content: bytes, *, media_type: str) -> None:  # noqa: ARG002
        """Keep these bytes; a folder has no place for the media type, the key's ending tells it."""
        path = self._path(key)
        with calling_out("files.put"):
            try:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                _write(path, content)
            except OSError as error:
                raise FilesAway(f"The file could not be kept: {error.strerror}.") from error

    def get(self, key: str) -> bytes:
        """What is kept."""
        path = self._path(key)
        with calling_out("files.get"):
            try:
                return path.read_bytes()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
                raise FileNotKept(f"Nothing is kept under {key}.") from error
            except OSError as error:
                raise FilesAway(f"The file could not be read: {error.strerror}.") from error

    def delete(self, key: str) -> None:
        """Keep it no more; where nothing is kept, nothing is left to do."""
        path = self._path(key)
        with calling_out("files.delete"):
            try:
                path.unlink()
                _flush_folder(path.parent)
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                return
            except OSError as error:
                raise FilesAway(f"The file could not be deleted: {error.strerror}.") from error

    def _path(self, key: str) -> Path:
        """Where a key is kept. Raises FileNotKept for a word that is no key."""
        if not _KEY.fullmatch(key):
            raise FileNotKept(f"{key!r} is no key of a file.")
        return self._folder / key


def _write(path: Path, content: bytes) -> None:
    with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as beside:
        try:
            beside.write(content)
            beside.flush()
            os.fsync(beside.fileno())
            Path(beside.name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(beside.name).unlink(missing_ok=True)
            raise
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    """The new name must outlive a power cut too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
