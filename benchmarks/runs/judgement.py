"""How good a result is: against truth, classical fit, noise and the experiment's target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks import experiments
from benchmarks.design import published
from benchmarks.design.setting import Setting
from benchmarks.runs import function_errors
from benchmarks.runs.measures import MEASURES
from bilo.inverse.function import Function
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.objective import SeparableObjective
from bilo.inverse.problem import Problem
from bilo.training.session import Callback, Progress
from bilo.training.solution import Solution

ZERO = 1e-6
"""Of a value smaller than this, errors are absolute ones."""
SAME, SAME_SD = 0.02, 0.1
"""Largest relative difference, or in local standard deviations, of fits that agree."""


def unknowns(
    problem: Problem,
    setting: Setting,
    truth: Mapping[str, Any],
    solution: Solution,
    reference: Solution | None,
) -> dict[str, Any]:
    """Truth, estimate and errors of each unknown, by name; functions by their values on a grid."""
    sd = solution.assessment.get("local_sd", {})
    rows: dict[str, Any] = {}
    for k in problem.scalars:
        estimate = solution.unknowns[k.name]
        classical = None if reference is None else reference.unknowns[k.name]
        rows[k.name] = {
            "truth": truth[k.name],
            "estimate": estimate,
            "rel_error": _relative(estimate, truth[k.name]),
            "rel_error_vs_reference_fit": None
            if classical is None
            else _relative(estimate, classical),
            "local_sd": sd.get(k.name),
        }
    asked = {name for name, _ in setting.truth}
    for f in problem.functions:
        varies = problem.truth(0)[f.name] is not problem.truth(1)[f.name]
        drawn = varies and f.name not in asked
        rows[f.name] = function_errors.row(f, truth[f.name], solution, reference, drawn=drawn)
    return rows


def measured(
    problem: Problem,
    setting: Setting,
    data: SeparableObjective,
    truth: Mapping[str, Any],
    solution: Solution,
) -> dict[str, Any]:
    """Errors of the unknown function, and what the experiment measures beside; none of scalars."""
    error = function_errors.field_error(problem, truth, solution)
    found: dict[str, Any] = {} if error is None else {"field_error": error}
    for name in experiments.get(setting.experiment).measures:
        found |= MEASURES[name](problem, data, truth, solution)
    return found


def until_target(
    setting: Setting, truth: Mapping[str, float], solution: Solution, pretrain_steps: int
) -> dict[str, Any]:
    """First fine-tuning iteration with all unknowns at the experiment's target, and the seconds."""
    target = experiments.get(setting.experiment).target
    if target is None:
        return {}
    history = solution.history

    def good(k: int) -> bool:
        errors = [_relative(history[name][k], exact) for name, exact in truth.items()]
        return max(errors) < target

    step = _first(solution, pretrain_steps, good)
    return {
        "iterations_to_target": None if step is None else int(step) - pretrain_steps,
        "seconds_to_target": None if step is None else step * solution.seconds_per_step,
    }


def watch(problem: Problem, setting: Setting, truth: Mapping[str, Any]) -> Callback | None:
    """How good an unknown function is, in the published quantities; None where there are none."""
    asked = published.levels(setting.experiment, setting.w_reg, setting.noise)
    if not asked or not problem.functions:
        return None
    (k,) = problem.functions

    def numbers(progress: Progress) -> dict[str, float]:
        found, exact = progress.unknowns[k.name], truth[k.name]
        every = {f"field_error.{n}": v for n, v in function_errors.errors(k, found, exact).items()}
        if "accuracy" in asked:
            every["accuracy"] = function_errors.accuracy(k, found, exact)
        return {name: every[name] for name in asked}

    return numbers


def until_published(
    setting: Setting, solution: Solution, pretrain_steps: int
) -> dict[str, float | None]:
    """Seconds until the function is as good as that of the published BiLO for the first time.

    None where it never is, or nothing was published.
    """
    asked = published.levels(setting.experiment, setting.w_reg, setting.noise)
    history = solution.history
    if not asked or not all(name in history for name in asked):
        return {"seconds_to_published": None}

    def good(k: int) -> bool:
        return all(
            history[name][k] >= level if name == "accuracy" else history[name][k] <= level
            for name, level in asked.items()
        )

    step = _first(solution, pretrain_steps, good)
    return {"seconds_to_published": None if step is None else step * solution.seconds_per_step}


def _first(solution: Solution, pretrain_steps: int, good: Callable[[int], bool]) -> float | None:
    """Step of the first record of the fine-tuning that is good; None where none is."""
    steps = solution.history.get("step", [])
    return next((n for k, n in enumerate(steps) if n > pretrain_steps and good(k)), None)


def reference(
    problem: Problem,
    setting: Setting,
    data: SeparableObjective,
    truth: Mapping[str, Any],
    fit: Solution | None,
) -> dict[str, Any] | None:
    """What the classical fit of the same data found; None where there is none."""
    if fit is None:
        return None
    return {
        "method": fit.method,
        "unknowns": {
            k.name: function_errors.sampled(k, fit.unknowns[k.name])
            if isinstance(k, Function)
            else fit.unknowns[k.name]
            for k in problem.unknowns
        },
        **measured(problem, setting, data, truth, fit),
        "local_sd": fit.assessment.get("local_sd"),
        "status": fit.status,
        "data_loss": fit.data_loss,
        "minima": fit.assessment.get("minima"),
        "evaluations": fit.steps,
        "seconds": fit.seconds,
    }


def agrees(problem: Problem, solution: Solution, reference: Solution | None) -> bool | None:
    """Whether all unknowns are the direct fit's, within `SAME` or `SAME_SD` local deviations.

    None where that is no question: without such a fit, and for functions, where different methods
    have different optima.
    """
    if reference is None or problem.functions:
        return None
    sd = reference.assessment.get("local_sd", {})
    return all(
        _relative(solution.unknowns[name], exact) <= SAME
        or abs(solution.unknowns[name] - exact) <= SAME_SD * sd.get(name, 0.0)
        for name, exact in reference.unknowns.items()
    )


def _relative(estimate: float, exact: float) -> float:
    """Relative error; the absolute one where the exact value is 0, or as good as."""
    return abs(estimate - exact) / (abs(exact) if abs(exact) > ZERO else 1.0)


def relative_to_noise(data: SeparableObjective, loss: float, noise: float) -> float | None:
    """(L_dat - sigma^2) / sigma^2 over the data that carry noise; None without Gaussian noise."""
    if noise == 0 or not isinstance(data, LeastSquares):
        return None
    everywhere = len(data.values)
    mean = loss * everywhere / (data.informative or everywhere)
    return (mean - noise**2) / noise**2
