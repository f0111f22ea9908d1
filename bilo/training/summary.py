"""A solution in words: one line, a table, plain values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from torch import Tensor

from bilo.inverse.function import Function

if TYPE_CHECKING:
    from bilo.training.solution import Solution

LEVEL = 0.9
AFFORDABLE = 5_000_000
"""Derivatives of data by weights; where there are more a table waits for no band."""


def line(solution: Solution) -> str:
    """Problem, method, status, scalars: ``<Solution of heat by bilo: converged, k = 1.02>``."""
    of = "" if solution.problem is None else f" of {solution.problem.name}"
    found = [f"{k} = {v:.4g}" for k, v in solution.unknowns.items() if isinstance(v, float)]
    functions = [k for k, v in solution.unknowns.items() if callable(v)]
    words = ", ".join([solution.status, *found, *functions])
    return f"<Solution{of} by {solution.method}: {words}>"


def table(solution: Solution) -> str:
    """What a person reads."""
    rows, note = _unknowns(solution)
    told = {True: "passed", False: "failed", None: "not made"}
    checks = [(c.name, told[c.passed], c.words) for c in solution.checks]
    lines = [line(solution).strip("<>"), *_aligned([("unknown", "value", "90 % interval"), *rows])]
    lines += [note] if note else []
    if checks:
        lines += ["", *_aligned([("check", "", ""), *checks])]
    warnings = [w for w in solution.warnings if w not in {c.words for c in solution.checks}]
    lines += [f"warning: {w}" for w in warnings]
    took = f"{solution.steps} steps, {solution.seconds:.3g} s on {solution.device}"
    return "\n".join([*lines, "", f"data objective {solution.data_loss:.4g}; {took}"])


def plain(solution: Solution) -> dict[str, Any]:
    """Plain values for JSON."""
    intervals, note = _intervals(solution)
    unknowns: dict[str, Any] = {}
    functions = {} if solution.problem is None else {k.name: k for k in solution.problem.functions}
    for name, value in solution.unknowns.items():
        if name in functions:
            unknowns[name] = _tabulated(functions[name], value)
        elif isinstance(value, (int, float)):
            unknowns[name] = {"value": value, "interval90": intervals.get(name)}
    found = {
        "problem": None if solution.problem is None else solution.problem.name,
        "method": solution.method,
        "status": solution.status,
        "converged": solution.converged,
        "unknowns": unknowns,
        "no_interval": note or None,
        "checks": [c.to_json() for c in solution.checks],
        "warnings": list(solution.warnings),
        "interrupted": solution.interrupted,
        "data_loss": solution.data_loss,
        "nuisance": solution.nuisance.tolist(),
        "assessment": dict(solution.assessment),
        "history": {k: list(v) for k, v in solution.history.items()},
        "steps": solution.steps,
        "seconds": solution.seconds,
        "seconds_per_step": solution.seconds_per_step,
        "peak_memory_mb": solution.peak_memory_mb,
        "device": solution.device,
        "threads": solution.threads,
    }
    plain: dict[str, Any] = _numbers(found)
    return plain


def _intervals(solution: Solution) -> tuple[dict[str, tuple[float, float]], str]:
    """Intervals of the scalars by name, and why there are none."""
    try:
        scalars = solution.problem is not None and solution.problem.scalars
        return (solution.interval(LEVEL) if scalars else {}), ""
    except ValueError as error:
        return {}, f"no interval: {error}"


def _unknowns(solution: Solution) -> tuple[list[tuple[str, str, str]], str]:
    """Rows of the table, and why it has no intervals."""
    intervals, note = _intervals(solution)
    functions = {} if solution.problem is None else {k.name: k for k in solution.problem.functions}
    rows = []
    for name, value in solution.unknowns.items():
        if name in functions:
            k = functions[name]
            width, why = _width(solution, k)
            note = note or why
            rows.append((name, f"a function of {', '.join(k.coordinates)}", width))
        elif isinstance(value, (int, float)):
            ends = intervals.get(name)
            rows.append((name, f"{value:.5g}", f"{ends[0]:.4g} to {ends[1]:.4g}" if ends else "-"))
        else:
            rows.append((name, "a function", "-"))
    return rows, note


def _width(solution: Solution, k: Function) -> tuple[str, str]:
    """Of a function's band, in words, and why there is none."""
    linear = solution.linearised
    if linear is not None and k.size * len(linear.points) > AFFORDABLE:
        return "see band: it takes a while", ""
    try:
        band = solution.band(k.name, k.sensors, LEVEL)
    except ValueError as error:
        return "-", f"no interval: {error}"
    return f"half width {float((band.high - band.value).median()):.2g} at the median", ""


def _tabulated(k: Function, function: Any) -> dict[str, Any]:
    """Values at the points of the sensors."""
    points = k.sensors
    rows = {c: points.coordinates[c].tolist() for c in k.coordinates}
    return {"points": rows, "values": function(points).tolist()}


def _aligned(rows: list[tuple[str, str, str]]) -> list[str]:
    first, second = (max(len(row[j]) for row in rows) for j in (0, 1))
    return [f"  {a:{first}}  {b:{second}}  {c}".rstrip() for a, b, c in rows]


def _numbers(value: Any) -> Any:
    """A tree with None for what is no finite number."""
    if isinstance(value, Tensor):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(k): _numbers(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_numbers(v) for v in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value
