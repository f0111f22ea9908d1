"""How good a result is: against truth, direct fit, noise and the experiment's target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks import experiments
from benchmarks.setting import Setting
from bilo.objective import LeastSquares, Pointwise
from bilo.problem import Problem
from bilo.settings import Settings
from bilo.solution import Solution

ZERO = 1e-6
"""Of a value smaller than this, errors are absolute ones."""
SAME, SAME_SD = 0.02, 0.1
"""Largest relative difference, or in local standard deviations, of fits that agree."""


def unknowns(
    problem: Problem, truth: Mapping[str, float], solution: Solution, reference: Solution
) -> dict[str, Any]:
    """Truth, estimate, errors and local standard deviation of each unknown, by name."""
    sd = solution.assessment.get("local_sd", {})
    rows: dict[str, Any] = {}
    for k in problem.unknowns:
        estimate, classical = solution.unknowns[k.name], reference.unknowns[k.name]
        rows[k.name] = {
            "truth": truth[k.name],
            "estimate": estimate,
            "rel_error": _relative(estimate, truth[k.name]),
            "rel_error_vs_reference_fit": _relative(estimate, classical),
            "local_sd": sd.get(k.name),
        }
    return rows


def until_target(
    setting: Setting, truth: Mapping[str, float], solution: Solution, settings: Settings
) -> dict[str, Any]:
    """First fine-tuning iteration with all unknowns at the experiment's target, and the seconds."""
    target = experiments.get(setting.experiment).target
    if target is None:
        return {}
    history = solution.history
    iterations = None
    for k, step in enumerate(history.get("step", [])):
        errors = [_relative(history[name][k], exact) for name, exact in truth.items()]
        if step > settings.pretrain_steps and max(errors) < target:
            iterations = int(step) - settings.pretrain_steps
            break
    return {
        "iterations_to_target": iterations,
        "seconds_to_target": None
        if iterations is None
        else (settings.pretrain_steps + iterations) * solution.seconds_per_step,
    }


def agrees(solution: Solution, reference: Solution) -> bool:
    """Whether all unknowns are the direct fit's, within `SAME` or `SAME_SD` local deviations."""
    sd = reference.assessment.get("local_sd", {})
    return all(
        _relative(solution.unknowns[name], exact) <= SAME
        or abs(solution.unknowns[name] - exact) <= SAME_SD * sd.get(name, 0.0)
        for name, exact in reference.unknowns.items()
    )


def _relative(estimate: float, exact: float) -> float:
    """Relative error; the absolute one where the exact value is 0, or as good as."""
    return abs(estimate - exact) / (abs(exact) if abs(exact) > ZERO else 1.0)


def relative_to_noise(data: Pointwise, loss: float, noise: float) -> float | None:
    """(L_dat - sigma^2) / sigma^2 over the data that carry noise; None without Gaussian noise."""
    if noise == 0 or not isinstance(data, LeastSquares):
        return None
    everywhere = len(data.values)
    mean = loss * everywhere / (data.informative or everywhere)
    return (mean - noise**2) / noise**2
