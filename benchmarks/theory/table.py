"""Rows of the table of `theory`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.experiments.theory import FUNCTIONS, SCALARS
from benchmarks.results.summary import short

COLUMNS = {
    "lower loss": "lower_loss",
    "1 - cosine": "cosine",
    "norm ratio": "norm_ratio",
    "1 - cosine, solver": "cosine_solver",
    "norm ratio, solver": "norm_ratio_solver",
    "sensitivity rel. error": "sensitivity_rel_error",
}

OF_FUNCTIONS = {
    "cosine, directions": "cosine",
    "norm ratio, directions": "norm_ratio",
    "cosine, local shift": "cosine_local_shift",
    "norm ratio, local shift": "norm_ratio_local_shift",
    "cosine, solver": "cosine_solver",
    "norm ratio, solver": "norm_ratio_solver",
    "outside": "outside_share",
}


def theory_rows(
    results: Sequence[dict[str, Any]], published: Sequence[dict[str, str]]
) -> list[dict[str, str]]:
    """One row a stage of the lower level."""
    rows = []
    for problem in SCALARS:
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


def function_rows(results: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """One row a place along the fit of an unknown function."""
    return [
        {
            "problem": problem,
            "where": f"{place['where']}, step {place['step']}",
            **{column: f"{place[field]:.4f}" for column, field in OF_FUNCTIONS.items()},
        }
        for problem in FUNCTIONS
        for place in results[0].get(problem, ())
    ]
