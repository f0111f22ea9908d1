"""Run one setting of an inverse problem and judge the result."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

import torch

from benchmarks import experiments, machine
from benchmarks.errors import CommandError
from benchmarks.setting import Setting
from bilo.methods import direct_fit
from bilo.objective import LeastSquares, Pointwise
from bilo.problem import Problem
from bilo.problems import get
from bilo.problems.bpn import BoundaryValues
from bilo.settings import Settings
from bilo.solution import Solution

Result = dict[str, Any]
ZERO = 1e-6
SAME, SAME_SD = 0.02, 0.1


def run(setting: Setting) -> Result:
    """Generate the data, infer the unknowns, and compare with truth, solver and direct fit.

    Returns
    -------
    dict
        The fields of a run's file; numbers that make no sense for a setting are None.
    """
    problem = problem_of(setting)
    truth = truth_of(problem, setting)
    settings = training(setting)
    data = observe(problem, truth, setting)
    solution = method(setting.method)(problem, data, settings)
    same = setting.method == "direct_fit"
    reference = solution if same else direct_fit.fit(problem, data)
    return {
        "experiment": setting.experiment,
        "method": setting.method,
        "seed": setting.seed,
        "noise": setting.noise,
        "w_dat": setting.w_dat,
        "samples": setting.samples,
        "boundary": setting.boundary,
        "w_reg": setting.w_reg,
        "recipe": None if same else setting.recipe,
        "profile": setting.profile,
        "unknowns": _unknowns(problem, truth, solution, reference),
        "agrees_with_fit": _agrees(solution, reference),
        "u_rel_l2_vs_fdm": 0.0 if same else solution.assessment.get("u_rel_l2_vs_numerical"),
        "reference_fit": {
            "method": "direct_fit",
            "unknowns": dict(reference.unknowns),
            "local_sd": reference.assessment.get("local_sd"),
            "data_loss": reference.data_loss,
            "minima": reference.assessment["minima"],
            "evaluations": reference.steps,
            "seconds": reference.seconds,
        },
        "status": solution.status,
        "warnings": list(solution.warnings),
        "data_loss": solution.data_loss,
        "data_loss_rel_error": _relative_to_noise(data, solution.data_loss, setting.noise),
        "assessment": dict(solution.assessment),
        "pretrain_steps": 0 if same else settings.pretrain_steps,
        **_until_target(setting, truth, solution, settings),
        "steps": solution.steps,
        "seconds": solution.seconds,
        "seconds_per_step": solution.seconds_per_step,
        "peak_memory_mb": solution.peak_memory_mb,
        "device": solution.device,
        "threads": solution.threads,
        "history": dict(solution.history),
        "machine": machine.describe(),
        "versions": {name: version(name) for name in ("torch", "numpy", "scipy")},
    }


def problem_of(setting: Setting) -> Problem:
    """The inverse problem of a run."""
    if setting.boundary is not None:
        return BoundaryValues("soft" if setting.boundary == "soft" else "hard")
    return get(setting.experiment)


def observe(problem: Problem, truth: Mapping[str, float], setting: Setting) -> Pointwise:
    """Generated data of a run.

    Raises
    ------
    CommandError
        If the problem cannot have the noise that is asked for.
    """
    try:
        return problem.observe(truth, setting.noise, setting.seed)
    except ValueError as error:
        if not setting.noise:
            raise
        raise CommandError(f"--noise: {error}") from None


def truth_of(problem: Problem, setting: Setting) -> dict[str, float]:
    """Unknowns behind the data: the problem's own, but for those that the setting names.

    Raises
    ------
    CommandError
        If a name is no unknown of the problem, or a value lies outside its bounds.
    """
    truth = {k.name: k.truth for k in problem.unknowns if k.truth is not None}
    bounds = {k.name: k.bounds for k in problem.unknowns}
    for name, value in setting.truth:
        if name not in bounds:
            raise CommandError(f"--truth: no unknown {name!r}; there are {', '.join(bounds)}")
        low, high = bounds[name]
        if not low <= value <= high:
            raise CommandError(f"--truth: {name} = {value:g} is outside [{low:g}, {high:g}]")
        truth[name] = value
    return truth


def training(setting: Setting) -> Settings:
    """Settings of the fit: the experiment's budget, or the recipe's own.

    Raises
    ------
    CommandError
        If a GPU is asked for that is not there.
    """
    if setting.device == "cuda" and not torch.cuda.is_available():
        raise CommandError("--device: cuda: no GPU that torch can use is here")
    experiment = experiments.get(setting.experiment)
    budget = experiment.budget(setting)
    own = {name: value for name, value in vars(experiment.training).items() if value is not None}
    chosen: dict[str, Any] = {**own, **(vars(budget) if budget else {})}
    if setting.w_dat is not None:
        chosen["w_data"] = setting.w_dat
    if setting.samples is not None:
        chosen["samples"] = setting.samples
    # two computations of one seed must agree, whatever the machine has beside its first core
    return Settings(
        recipe=setting.recipe,
        seed=setting.seed,
        device=setting.device,
        threads=1,
        progress=f"{setting.experiment} {setting.method}",
        **chosen,
    )


def method(name: str) -> Callable[[Problem, Pointwise, Settings], Solution]:
    """``fit`` of a module of `bilo.methods`."""
    found: Callable[[Problem, Pointwise, Settings], Solution]
    found = importlib.import_module(f"bilo.methods.{name}").fit
    return found


def _unknowns(
    problem: Problem, truth: Mapping[str, float], solution: Solution, reference: Solution
) -> dict[str, Any]:
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


def _until_target(
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


def _agrees(solution: Solution, reference: Solution) -> bool:
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


def _relative_to_noise(data: Pointwise, loss: float, noise: float) -> float | None:
    """(L_dat - sigma^2) / sigma^2 over the data that carry noise; None without Gaussian noise."""
    if noise == 0 or not isinstance(data, LeastSquares):
        return None
    everywhere = len(data.values)
    mean = loss * everywhere / (data.informative or everywhere)
    return (mean - noise**2) / noise**2
