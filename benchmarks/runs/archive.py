"""Runs kept in the repository: short, and decided by the code behind them, not by dates of files.

So a clone on another machine makes only what is missing, or was made by other code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.design.setting import Setting
from benchmarks.results import store
from benchmarks.runs import code

ROOT = Path("docs/results/runs")
RECORDS = 40
"""Of a history."""
DIGITS = 3
"""Of a number that is only drawn."""


def has(run: Setting, root: Path = ROOT) -> bool:
    """Whether a run of the code of now is kept.

    Raises
    ------
    CommandError
        If the file that is kept is no result of this run.
    """
    path = store.path_of(run, root)
    return path.is_file() and code.is_present(store.load(path))


def keep(new: Path, root: Path = ROOT) -> list[Path]:
    """Take over the runs of the code of now; return the files written.

    Parameters
    ----------
    new : Path
        Folder of new runs, ``<code>/<experiment>/<method>/<name>.json`` below it.
    root : Path
        Folder of those that are kept, without the code in their paths.

    Raises
    ------
    CommandError
        If a file of the new runs is no result; nothing is written then.
    """
    written = []
    for path, result in [(path, store.load(path)) for path in sorted(new.glob("*/*/*/*.json"))]:
        if code.is_present(result):
            written.append(root / Path(*path.parts[-3:]))
            store.write_text(written[-1], _as_line(shortened(result)))
    return written


def shortened(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result without what neither a table nor a figure shows.

    Histories are thinned and what is only drawn is rounded; the represented field belongs to the
    first seed.
    """
    short = {name: _rounded(value) for name, value in result.items()}
    if isinstance(result.get("history"), dict):
        short["history"] = _thinned(result["history"])
    if result.get("u") and result["seed"]:
        short["u"] = None
    return short


def _thinned(history: Mapping[str, Sequence[float | None]]) -> dict[str, list[float | None]]:
    """So many records at most, the first and the last among them."""
    count = len(history.get("step", ()))
    last = max(count - 1, 0)
    taken = sorted({round(k * last / (RECORDS - 1)) for k in range(RECORDS)}) if count else []
    return {name: _rounded([values[k] for k in taken]) for name, values in history.items()}


def _rounded(value: Any) -> Any:
    """The numbers of lists to a few digits; other numbers are those of tables and stay."""
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [float(f"{v:.{DIGITS}g}") if isinstance(v, float) else _rounded(v) for v in value]
    return value


def _as_line(result: Mapping[str, Any]) -> str:
    """A field a line, so that a change of a run is seen beside what stayed."""
    lines = (f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in result.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"
