"""One command an output folder, whatever folders commands are started in."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path
from typing import IO

from gbm.config.errors import InputError


def hold(file: Path, key: str) -> IO[str]:
    """Lock a folder of results for this process, until it ends or the file is closed.

    The system lets go of the lock whatever ends the process. Where the file system knows no locks,
    none is held.

    Parameters
    ----------
    file : Path
        The lock, in the folder that it is about; it says who holds it, and stays there.
    key : str
        The dotted key that named the folder.

    Returns
    -------
    file object
        Open; closing it lets go of the lock.

    Raises
    ------
    InputError
        If another process holds it, or the lock cannot be opened.
    """
    try:
        lock = _opened(file)
    except OSError as error:
        raise InputError(f"cannot be opened ({error.strerror})", file=file, key=key) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        who = lock.read(500).strip() or "its process is not known"
        lock.close()
        text = f"another command is writing there ({who}): wait for it, or name another folder"
        raise InputError(text, file=file.parent, key=key) from None
    except OSError:
        return lock
    if lock.writable():
        lock.truncate(0)
        lock.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        lock.flush()
    return lock


def _opened(file: Path) -> IO[str]:
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        return file.open("a+", encoding="utf-8")
    except PermissionError:  # of another user, who lets this one write beside it
        return file.open(encoding="utf-8")
