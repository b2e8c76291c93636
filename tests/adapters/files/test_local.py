"""A folder keeps files whole or not at all, and nothing leads out of it."""

from pathlib import Path

import pytest

from app.adapters.files.local import LocalFiles
from app.platform.db import Database
from app.platform.files import FileNotKept, FilesAway
from app.platform.seams import CallInsideTransaction

KEY = "labels/shp_01h455vb4pex5vsknk084sn02q.pdf"


@pytest.fixture
def files(tmp_path: Path) -> LocalFiles:
    """An empty store."""
    return LocalFiles.at((tmp_path / "kept here").as_uri())


def test_what_is_kept_is_read_again_and_replaced(files: LocalFiles) -> None:
    files.put(KEY, b"one", media_type="application/pdf")
    files.put(KEY, b"two", media_type="application/pdf")

    assert files.get(KEY) == b"two"


def test_nothing_but_whole_files_lies_there(files: LocalFiles, tmp_path: Path) -> None:
    files.put(KEY, b"one", media_type="application/pdf")

    found = [path for path in tmp_path.rglob("*") if path.is_file()]

    assert found == [tmp_path / "kept here" / KEY]


@pytest.mark.parametrize(
    "key",
    [
        "../secret", "labels/../../secret", "/etc/passwd", "", ".", "labels/", "labels//x",
        "labels/.hidden", "a\0b", "labels/x\n", "ключ", "a\\..\\b",
    ],
)  # fmt: skip
def test_no_key_leads_out_of_the_folder(files: LocalFiles, tmp_path: Path, key: str) -> None:
    (tmp_path / "secret").write_text("not yours")

    with pytest.raises(FileNotKept):
        files.get(key)
    with pytest.raises(FileNotKept):
        files.put(key, b"over it", media_type="text/plain")
    with pytest.raises(FileNotKept):
        files.delete(key)

    assert (tmp_path / "secret").read_text() == "not yours"


@pytest.mark.parametrize("key", ["labels/none.pdf", "labels", f"{KEY}/deeper"])
def test_what_is_not_kept_is_told_so(files: LocalFiles, key: str) -> None:
    files.put(KEY, b"one", media_type="application/pdf")

    with pytest.raises(FileNotKept):
        files.get(key)


def test_what_is_deleted_is_not_kept_any_more_and_may_be_deleted_again(
    files: LocalFiles, tmp_path: Path
) -> None:
    files.put(KEY, b"one", media_type="application/pdf")
    files.put("labels/other.pdf", b"two", media_type="application/pdf")

    files.delete(KEY)
    files.delete(KEY)
    files.delete("labels")
    files.delete(f"{KEY}/deeper")
    files.delete("none/at/all.pdf")

    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["other.pdf"]
    with pytest.raises(FileNotKept):
        files.get(KEY)


def test_what_was_deleted_can_be_kept_anew(files: LocalFiles) -> None:
    files.put(KEY, b"one", media_type="application/pdf")
    files.delete(KEY)

    files.put(KEY, b"two", media_type="application/pdf")

    assert files.get(KEY) == b"two"


def test_a_folder_that_cannot_be_written_is_away(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("where the folder should be")

    with pytest.raises(FilesAway):
        LocalFiles(tmp_path / "file").put(KEY, b"one", media_type="application/pdf")


@pytest.mark.parametrize("url", ["s3://bucket", "/var/lib", "file://elsewhere/var", "file:", ""])
def test_an_address_of_anything_else_stops_the_boot(url: str) -> None:
    with pytest.raises(ValueError, match="file:///"):
        LocalFiles.at(url)


def test_files_are_never_touched_inside_a_transaction(files: LocalFiles, db: Database) -> None:
    def put_inside() -> None:
        with db.transaction():
            files.put(KEY, b"one", media_type="application/pdf")

    with pytest.raises(CallInsideTransaction):
        put_inside()
