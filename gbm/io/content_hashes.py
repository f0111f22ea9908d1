"""Hashes of input files, remembered as long as the files stay as they are."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from gbm.io.files import sha256, write_text

Key = tuple[int, int, int, int]


class ContentHashes:
    """SHA-256 of files; each is read again only where its size, times or inode changed.

    The time of the last change of the inode counts too, which no copying program sets: a file that
    another one overwrote in place, of equal size and with the old time, is read again.

    Parameters
    ----------
    store : Path
        Where the hashes are remembered, by digests of the paths, which may name somebody; a file
        that is missing or damaged remembers none.
    """

    def __init__(self, store: Path) -> None:
        self.store = store
        self._known: dict[str, tuple[Key, str]] = {}
        self._changed = False
        try:
            kept = json.loads(store.read_text(encoding="utf-8"))
            self._known = {path: (tuple(key), found) for path, (key, found) in kept.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            pass

    def of(self, path: Path | str) -> str | None:
        """SHA-256 of a file, or of all files of a folder; None where it cannot be read."""
        name = os.path.abspath(path)
        try:
            found = os.stat(name)
            if stat.S_ISDIR(found.st_mode):
                return self._of_folder(name)
            if not stat.S_ISREG(found.st_mode):
                return None
            key = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
            place = hashlib.sha256(os.fsencode(name)).hexdigest()
            known = self._known.get(place)
            if known is None or known[0] != key:
                known = (key, sha256(name))
                self._known[place] = known
                self._changed = True
        except (OSError, ValueError):
            return None
        return known[1]

    def _of_folder(self, folder: str) -> str:
        """The same of all its files together as `gbm.io.files.sha256_of`."""
        files = (os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)
        parts = sorted(part for part in map(self.of, files) if part is not None)
        return hashlib.sha256("".join(parts).encode()).hexdigest()

    def read(self, paths: Iterable[Path]) -> None:
        """Hash many files side by side."""
        with ThreadPoolExecutor() as readers:
            list(readers.map(self.of, paths))

    def save(self) -> None:
        """Remember what was read, where that is anything new and can be written."""
        if self._changed:
            with suppress(OSError):
                write_text(self.store, json.dumps(self._known))
            self._changed = False
