"""Ctrl-C that waits for the end of a step: in the middle of one, weights may be a trial's."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def held(wanted: bool) -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed since; a second time it ends the program's work as ever.

    Nothing is held where it is not wanted, outside the main thread, which alone may say what a
    signal does, and where somebody else has said so.
    """
    usual = signal.getsignal(signal.SIGINT)
    ours = usual is signal.default_int_handler
    if not (wanted and ours and threading.current_thread() is threading.main_thread()):
        yield lambda: False
        return
    pressed = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, usual)
