"""Rows of the table of `theory`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.experiments.theory import EXPERIMENT
from benchmarks.results.summary import short

COLUMNS = {
    "lower loss": "lower_loss",
    "1 - cosine": "cosine",
    "norm ratio": "norm_ratio",
    "1 - cosine, solver": "cosine_solver",
    "norm ratio, solver": "norm_ratio_solver",
    "sensitivity rel. error": "sensitivity_rel_error",
}


def theory_rows(
    results: Sequence[dict[str, Any]], published: Sequence[dict[str, str]]
) -> list[dict[str, str]]:
    """One row a stage of the lower level."""
    rows = []
    for problem in EXPERIMENT.problems:
        for stage in results[0][problem]:
            cells = {"problem": problem}
            for column, field in COLUMNS.items():
                value = stage[field]
                cells[column] = (
                    f"{value:.4f}"
                    if "ratio" in column
                    else short(1 - value if "cosine" in column else value)
                )
            rows.append(cells)
    return rows
