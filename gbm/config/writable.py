"""Whether results can be written at all, asked before anything runs."""

from __future__ import annotations

import os
from pathlib import Path

from gbm.config.errors import InputError


def require_writable(folder: Path, key: str) -> None:
    """Refuse a folder that does not exist and cannot be made, or in which nothing can be written.

    Parameters
    ----------
    folder : Path
        It need not exist.
    key : str
        The dotted key that named it.

    Raises
    ------
    InputError
        With the part of the path that is in the way.
    """
    place = Path(folder).absolute()
    while not os.path.lexists(place):
        place = place.parent
    if not place.is_dir():
        raise InputError("is no folder: results cannot be written there", file=place, key=key)
    if not os.access(place, os.W_OK | os.X_OK):
        raise InputError("cannot be written to", file=place, key=key)
