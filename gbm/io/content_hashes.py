"""Hashes of input files, remembered as long as the files stay as they are."""

from __future__ import annotations

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
        Where the hashes are remembered; a file that is missing or damaged remembers none.
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
        """SHA-256 of a file; None where there is none that can be read."""
        name = os.path.abspath(path)
        try:
            found = os.stat(name)
            if not stat.S_ISREG(found.st_mode):
                return None
            key = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
            known = self._known.get(name)
            if known is None or known[0] != key:
                known = (key, sha256(name))
                self._known[name] = known
                self._changed = True
        except (OSError, ValueError):
            return None
        return known[1]

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
