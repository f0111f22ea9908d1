"""Gather what the steps took."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gbm.io.costs import HEADER, cost_rows, read_cost
from gbm.io.files import write_text


def run(folders: Iterable[Path], out: Path) -> None:
    """Write `costs.tsv` over the folders of benchmark files of all patients."""
    jobs = [read_cost(file) for folder in folders for file in sorted(folder.glob("*.tsv"))]
    rows = [list(HEADER), *cost_rows(jobs)]
    write_text(out, "".join("\t".join(row) + "\n" for row in rows))
