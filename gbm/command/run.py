"""`gbm run`: start the workflow, show how far it is, stop it cleanly, say how it ended."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import TextIO

from rich.console import Console

from gbm.command.ending import told
from gbm.command.events import Change, Plan, read
from gbm.command.progress import Progress
from gbm.command.table import Display, Lines, LiveTable, Silent
from gbm.command.workflow import Command

REFRESH_SECONDS = 0.5
STOPS: dict[int, signal.Signals] = {
    signal.SIGINT: signal.SIGINT,
    signal.SIGTERM: signal.SIGTERM,
    signal.SIGHUP: signal.SIGTERM,  # Snakemake knows no hangup
}
"""What stops a command, and what its workflow is sent."""
PLANNING = "reading what there is"
STOPPING = "stopping the jobs that run"
Workflow = subprocess.Popen[bytes]
Events = queue.SimpleQueue[Plan | Change | None]
"""None is the last."""


@dataclass
class Stop:
    """A handler of signals: hand one on to the workflow and its jobs; kill them at a second."""

    workflow: Workflow
    asked: bool = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Send the signal to the process group that the workflow leads."""
        with suppress(ProcessLookupError):
            os.killpg(self.workflow.pid, signal.SIGKILL if self.asked else STOPS[number])
        self.asked = True


def run(command: Command) -> int:
    """Run a command to its end; return the exit status, which is Snakemake's.

    Raises
    ------
    InputError
        See `Command.words`.
    """
    words = command.words()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        with started(words, said) as (workflow, events), stopping(workflow) as stop:
            progress = watched(events, stop, display_of(command))
            status = workflow.wait()
        if command.dry_run and progress is not None and progress.plan.faults:
            status = 1  # the run would end with it
        for line in told(command, progress, status, said, stop.asked):
            print(line, file=sys.stderr if status else sys.stdout)
    return status if status >= 0 else 128 - status


def display_of(command: Command) -> Display:
    """What shows a command; a plan alone needs nothing."""
    if command.dry_run:
        return Silent()
    console = Console(stderr=True)
    drawn = sys.stderr.isatty() and not console.is_dumb_terminal
    return LiveTable(console) if drawn else Lines(sys.stderr)


@contextmanager
def started(words: list[str], said: TextIO) -> Iterator[tuple[Workflow, Events]]:
    """A workflow that runs in a process group of its own, and the events that it tells."""
    reading, writing = os.pipe()
    workflow = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=subprocess.STDOUT,
        pass_fds=[writing],
        start_new_session=True,
        env={**os.environ, "GBM_EVENTS": str(writing)},
    )
    os.close(writing)
    events: Events = queue.SimpleQueue()

    def listen() -> None:
        with os.fdopen(reading, encoding="utf-8") as lines:
            for event in read(lines):
                events.put(event)
        events.put(None)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield workflow, events
    except BaseException:
        os.killpg(workflow.pid, signal.SIGINT)
        raise
    listener.join()


@contextmanager
def stopping(workflow: Workflow) -> Iterator[Stop]:
    """Hand on what would end this process, until the workflow has ended."""
    stop = Stop(workflow)
    # `nohup`, and a shell that starts it in the background, have some of them ignored
    handlers = {number: signal.getsignal(number) for number in STOPS}
    before = {number: handler for number, handler in handlers.items() if handler != signal.SIG_IGN}
    for number in before:
        signal.signal(number, stop)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def watched(events: Events, stop: Stop, display: Display) -> Progress | None:
    """Show the progress until the last event; None where there was nothing to do, or no plan."""
    began = time.monotonic()
    progress: Progress | None = None
    ended = False
    while not ended:
        try:
            event = events.get(timeout=REFRESH_SECONDS)
        except queue.Empty:
            now = time.monotonic() - began
        else:
            now = time.monotonic() - began
            ended = event is None
            if isinstance(event, Plan):
                progress = progress or Progress(event)  # a dry run tells another at its end
            elif event is not None and progress is not None:
                progress.apply(event, now, stop.asked)
        rows = progress.rows(now) if progress else []
        note = "" if ended else STOPPING if stop.asked else "" if progress else PLANNING
        display.show(rows, now, note)
    display.close()
    return progress
