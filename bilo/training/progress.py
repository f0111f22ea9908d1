"""A bar on a terminal, sparse lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping

from tqdm import tqdm

LOG_SECONDS = 15.0
Record = Mapping[str, float]


def progress_of(name: str | None, total: int, start: int) -> Callable[[int, Record], None]:
    """(step, record) -> None: a bar with a time left, lines elsewhere, nothing without a name."""
    if name is None:
        return lambda step, record: None
    if sys.stderr.isatty():
        bar = tqdm(total=total, initial=start, desc=name, unit="step", leave=False)

        def move(step: int, record: Record) -> None:
            bar.set_postfix_str(_numbers(record), refresh=False)
            bar.update(step - bar.n)
            if step == total:
                bar.close()

        return move
    began = last = time.perf_counter()

    def line(step: int, record: Record) -> None:
        nonlocal last
        now = time.perf_counter()
        if now - last > LOG_SECONDS or step == total:
            last = now
            left = (now - began) * (total - step) / max(step - start, 1)
            remaining = f"  {left:.0f} s left" if step < total else ""
            text = f"{name}: step {step}/{total}  {_numbers(record)}{remaining}"
            print(text, file=sys.stderr, flush=True)

    return line


def _numbers(record: Record) -> str:
    return "  ".join(f"{k} {v:.3g}" for k, v in record.items())
