"""Whether a file that somebody named is there to be read, in words where it is not."""

from __future__ import annotations

import os
from pathlib import Path

from gbm.config.errors import InputError


def require_file(path: Path, key: str | None = None) -> None:
    """Refuse what is no regular file before it is opened: a pipe would be waited for.

    Raises
    ------
    InputError
        If there is no such file, it is a folder, a pipe, a device or a link to nowhere, its path
        is too long, or it may not be read.
    """
    if os.path.isfile(path):  # False also for paths that the system refuses to look at
        if not os.access(path, os.R_OK):
            raise InputError("may not be read: permission is denied", file=path, key=key)
        return
    there = os.path.lexists(path)
    raise InputError("is no file" if there else "there is no such file", file=path, key=key)
