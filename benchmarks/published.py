"""What the paper printed, as data: rows of ``published.tsv``."""

from __future__ import annotations

import csv
import io
from importlib.resources import files


def read(experiment: str) -> list[dict[str, str]]:
    """Published numbers of an experiment."""
    text = files("benchmarks").joinpath("published.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(io.StringIO(text), delimiter="\t")
    return [dict(row) for row in rows if row["experiment"] == experiment]
