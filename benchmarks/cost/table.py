"""Rows of the table of `cost`: ours and, where there are such, the published numbers beside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.results.summary import short

Cells = list[dict[str, str]]
METHODS = {"bilo": "BiLO", "pinn": "PINN"}


def cost_rows(results: Sequence[dict[str, Any]], published: Sequence[dict[str, str]]) -> Cells:
    """One row a quantity, from the result of the larger profile."""
    result = max(results, key=lambda r: r["profile"] == "full")
    rows: Cells = []
    for problem, measured in result["engine"].items():
        theirs = {
            (p["quantity"], p["method"]): f"{p['value']} {p['unit']}"
            for p in published
            if p["problem"] == problem
        }
        for what, unit in (("seconds_per_step", "s"), ("peak_memory_mb", "MB")):
            for title, key, method in (
                ("BiLO, engine", "", "bilo"),
                ("BiLO, engine without kernel", "plain_", ""),
                ("BiLO, nested autograd", "nested_", ""),
                ("BiLO, nested, economical", "nested_economical_", ""),
                ("PINN, engine", "pinn_", "pinn"),
            ):
                value = f"{short(measured[key + what])} {unit}"
                rows.append(_row(problem, title, what, value, theirs.get((what, method), "")))
        for title, key in (
            ("nested / engine", "ratio"),
            ("nested / engine without kernel", "ratio_plain"),
            ("nested, economical / engine", "ratio_economical"),
        ):
            rows.append(_row(problem, title, "time ratio", f"{measured[key]:.2f}"))
    rows += [
        _row(
            p["problem"],
            f"{METHODS[p['method']]}, engine",
            p["quantity"],
            "-",
            f"{p['value']} {p['unit']}",
        )
        for p in published
        if p["problem"] not in result["engine"]
    ]
    for recipe, run in result["time_to_target"].items():
        reached = f"{run['successes']} of {run['seeds']}"
        if run["median_s"] is not None:
            value = f"{short(run['median_s'])} s ({reached} seeds)"
        elif run["extrapolated"]:
            value = (
                f"{reached} in {run['steps_run']} steps; all {run['steps_published']} would take "
                f"{short(run['seconds_of_published_steps'])} s (extrapolated)"
            )
        else:
            value = f"not reached ({reached} seeds)"
        rows.append(_row("fisher_kpp", f"recipe {recipe}", "time to target", value))
    direct = result["direct_fit"]
    value = f"{short(direct['seconds'])} s (max. error {short(direct['max_rel_error'])})"
    rows.append(_row("fisher_kpp", "direct fit, one start", "time", value))
    several = f"{short(direct['multi_start_seconds'])} s"
    rows.append(_row("fisher_kpp", "direct fit, all starts", "time", several))
    return rows


def _row(problem: str, what: str, quantity: str, ours: str, published: str = "") -> dict[str, str]:
    return {
        "problem": problem,
        "what": what,
        "quantity": quantity,
        "ours": ours,
        "published": published or "-",
    }
