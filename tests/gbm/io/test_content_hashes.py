"""Hashes are remembered as long as a file stays as it is, and no longer."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from gbm.io import content_hashes
from gbm.io.content_hashes import ContentHashes
from gbm.io.files import sha256, sha256_of


@pytest.fixture
def image(tmp_path: Path) -> Path:
    file = tmp_path / "seg.nii.gz"
    file.write_bytes(b"one tumour")
    return file


def _reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    read: list[Path] = []
    monkeypatch.setattr(
        content_hashes, "sha256", lambda file: (read.append(Path(file)), sha256(file))[1]
    )
    return read


def test_a_file_is_read_once(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = _reads(monkeypatch)
    hashes = ContentHashes(tmp_path / "work/hashes.json")
    assert hashes.of(image) == hashes.of(str(image)) == sha256(image)
    hashes.save()
    assert ContentHashes(hashes.store).of(image) == sha256(image)
    assert read == [image]


@pytest.mark.parametrize("how", ["rename", "copy", "in place"])
def test_another_content_of_equal_size_and_time_is_seen(
    how: str, image: Path, tmp_path: Path
) -> None:
    hashes = ContentHashes(tmp_path / "hashes.json")
    before, time = hashes.of(image), image.stat().st_mtime_ns
    other = tmp_path / "other.nii.gz"
    other.write_bytes(b"two tumour")
    os.utime(other, ns=(time, time))
    if how == "rename":
        other.rename(image)
    elif how == "copy":
        shutil.copy2(other, image)
    else:
        image.write_bytes(other.read_bytes())
        os.utime(image, ns=(time, time))
    assert image.stat().st_mtime_ns == time
    assert hashes.of(image) not in (before, None)


def test_what_is_no_file_has_no_content(tmp_path: Path) -> None:
    hashes = ContentHashes(tmp_path / "hashes.json")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for name in ("missing", "pipe", "loop", "a\0b", "x" * 300):
        assert hashes.of(tmp_path / name) is None, name
    hashes.save()
    assert not hashes.store.exists()


def test_a_folder_has_the_content_of_its_files(tmp_path: Path) -> None:
    """Whatever their names; the memory of it holds no path."""
    hashes = ContentHashes(tmp_path / "hashes.json")
    folder = tmp_path / "scan"
    (folder / "deep").mkdir(parents=True)
    (folder / "a").write_text("one")
    (folder / "deep" / "b").write_text("two")
    before = hashes.of(folder)
    assert before == sha256_of(folder)
    (folder / "a").rename(folder / "c")
    assert hashes.of(folder) == before
    (folder / "c").write_text("three")
    assert hashes.of(folder) == sha256_of(folder) != before
    hashes.save()
    assert "scan" not in hashes.store.read_text()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"/a": 1}', '{"/a": [[1], "x", 2]}'])
def test_a_damaged_memory_is_none(text: str, image: Path, tmp_path: Path) -> None:
    store = tmp_path / "hashes.json"
    store.write_text(text)
    assert ContentHashes(store).of(image) == sha256(image)


def test_a_memory_that_cannot_be_written_is_none(image: Path, tmp_path: Path) -> None:
    hashes = ContentHashes(image / "hashes.json")
    assert hashes.of(image) == sha256(image)
    hashes.save()
