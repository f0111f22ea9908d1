"""What is shown of a command: a live table on a terminal, sparse lines elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gbm.command.progress import TOGETHER, Row

STYLES = {"waiting": "dim", "running": "cyan", "done": "green", "failed": "bold red"}
LINE_SECONDS = 30.0
"""Between lines about patients that run."""
AROUND = 4
"""Lines of a table beside its rows: the head, the sum and what stands below."""
NAME, STEP, BAR, TIME = 24, 32, 24, len("23 h 59 min")
"""Widest columns of a table."""
GAP = 2
"""Between two of them."""


class Display(Protocol):
    """Something that shows rows while a command runs."""

    def show(self, rows: Sequence[Row], now: float, note: str = "") -> None:
        """Show how things stand, `now` seconds after the start, and what else is to be said."""

    def close(self) -> None:
        """Leave the last of it standing."""


class Silent:
    """Nothing is shown."""

    def show(self, rows: Sequence[Row], now: float, note: str = "") -> None:
        """Show nothing."""

    def close(self) -> None:
        """Leave nothing."""


class LiveTable:
    """One row a patient, drawn over and over in its place."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False)
        self._live.start()

    def show(self, rows: Sequence[Row], now: float, note: str = "") -> None:
        """Draw the table anew."""
        height, width = self._console.height - AROUND, self._console.width
        parts = [table(rows, height, width)] if rows else []
        below = "; ".join(filter(None, [note, total(rows) if rows else ""]))
        text = Text(f"{duration(now)}: {below}" if below else "", "dim", no_wrap=True)
        self._live.update(Group(*parts, text), refresh=True)

    def close(self) -> None:
        """Leave the last table on the screen."""
        self._live.stop()


class Lines:
    """A line for each patient that ends and, now and then, one about those that run."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._ended: set[str] = set()
        self._note = ""
        self._last = 0.0

    def show(self, rows: Sequence[Row], now: float, note: str = "") -> None:
        """Write what is new."""
        if note != self._note:
            self._note = note
            if note:
                self._write(now, note)
        for row in rows:
            if row.state in ("done", "failed") and row.patient not in self._ended:
                self._ended.add(row.patient)
                what = f"failed at {', '.join(row.steps)}" if row.state == "failed" else "done"
                self._write(now, f"{row.patient}: {what}")
        running = [row for row in rows if row.state == "running"]
        if running and now - self._last >= LINE_SECONDS:
            self._last = now
            about = ", ".join(f"{r.patient} {100 * r.share:.0f} % ({step(r)})" for r in running)
            self._write(now, f"{about}; {total(rows)}")

    def close(self) -> None:
        """Nothing is left open."""

    def _write(self, now: float, text: str) -> None:
        print(f"{duration(now):>11}  {text}", file=self._stream, flush=True)


def table(rows: Sequence[Row], height: int, width: int) -> Table:
    """The table of some rows, no more than `height` of them.

    Where there is less than the full width the bars go first, then the ends of names and steps:
    the times are what people look for.
    """
    longest = max(len("patient"), *(len(row.patient) for row in rows))
    names = min(longest, NAME, width // 3)
    room = width - names - TIME - 2 * GAP
    bars = min(room - STEP - GAP, BAR)
    drawn = Table(box=None, pad_edge=False, expand=False)
    drawn.add_column("patient", no_wrap=True, overflow="ellipsis", width=names)
    drawn.add_column("step", no_wrap=True, overflow="ellipsis", width=max(min(room, STEP), 1))
    if bars > 0:
        drawn.add_column("")
    drawn.add_column("left", no_wrap=True, justify="right", width=TIME)
    for row in most_telling(rows, height):
        bar = ProgressBar(1.0, row.share, width=bars, complete_style="cyan", finished_style="green")
        drawn.add_row(
            Text(row.patient, STYLES[row.state]),
            Text(step(row), STYLES[row.state]),
            *([bar] if bars > 0 else []),
            Text(duration(row.left) if row.left else ""),
        )
    return drawn


def most_telling(rows: Sequence[Row], height: int) -> list[Row]:
    """As many rows as fit, in their order: failures first, what runs, the next, the rest."""
    urgency = {"failed": 0, "running": 1, "waiting": 2, "done": 3}
    chosen = sorted(rows, key=lambda row: urgency[row.state])[: max(height, 1)]
    return [row for row in rows if row in chosen]


def step(row: Row) -> str:
    """What a patient is at, in words."""
    steps = ", ".join(row.steps)
    if row.state == "failed":
        return f"failed: {steps}"
    return steps or row.state


def total(rows: Sequence[Row]) -> str:
    """How many patients have come to their end, and when all will have."""
    patients = [row for row in rows if row.patient != TOGETHER]
    states = Counter(row.state for row in patients)
    failed = f", {states['failed']} failed" if states["failed"] else ""
    left = max((row.left for row in rows), default=0.0)
    until = f", {duration(left)} left" if left else ""
    return f"{states['done']} of {len(patients)} done{failed}{until}"


def duration(seconds: float) -> str:
    """A time in words, as exactly as anybody wants to know.

    >>> duration(42.3), duration(95), duration(5000)
    ('42 s', '1 min 35 s', '1 h 23 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
