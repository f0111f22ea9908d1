"""Run one setting of an inverse problem and judge the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from importlib.metadata import version
from typing import Any

import torch

from benchmarks import experiments
from benchmarks.design.errors import CommandError
from benchmarks.design.setting import AUTO, CLASSICAL, Setting
from benchmarks.runs import function_errors, judgement, machine
from bilo.inverse.objective import SeparableObjective
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import PointFunction
from bilo.methods._fit import Method, fit_in, of_name
from bilo.methods._network_method import NetworkMethod
from bilo.problems import get
from bilo.problems.bpn import BoundaryValues
from bilo.training.recipes import RecipeError
from bilo.training.session import Callback, Session
from bilo.training.solution import Solution

Result = dict[str, Any]


def run(setting: Setting) -> Result:
    """Generate the data, infer the unknowns, and compare with truth, solver and direct fit.

    Returns
    -------
    dict
        The fields of a run's file; numbers that make no sense for a setting are None.
    """
    problem = problem_of(setting)
    truth = truth_of(problem, setting)
    data = observe(problem, truth, setting)
    watch = judgement.watch(problem, setting, truth)
    try:
        method = method_of(setting)
        solution = fit_in(session_of(setting, watch), problem, data, method)
    except RecipeError as error:
        raise CommandError(f"--recipe: {error}") from None
    if setting.w_reg == AUTO:
        setting = replace(setting, w_reg=solution.assessment["w_reg"])
    reference = reference_fit(problem, data, setting, solution)
    pretrain_steps = method.budget.pretrain_steps if isinstance(method, NetworkMethod) else 0
    classical = setting.method in CLASSICAL
    u = function_errors.represented(problem, solution) if problem.functions else None
    return {
        "experiment": setting.experiment,
        "method": setting.method,
        "seed": setting.seed,
        "noise": setting.noise,
        "w_dat": setting.w_dat,
        "samples": setting.samples,
        "boundary": setting.boundary,
        "w_reg": setting.w_reg,
        "recipe": None if classical else setting.recipe,
        "profile": setting.profile,
        "unknowns": judgement.unknowns(problem, setting, truth, solution, reference),
        **judgement.measured(problem, setting, data, truth, solution),
        "agrees_with_fit": judgement.agrees(problem, solution, reference),
        "u_rel_l2_vs_fdm": 0.0 if classical else solution.assessment.get("u_rel_l2_vs_numerical"),
        "u_rel_l2_vs_truth": function_errors.against_truth(problem, truth, u),
        "u": None if u is None else function_errors.digits(u),
        "reference_fit": judgement.reference(problem, setting, data, truth, reference),
        "status": solution.status,
        "warnings": list(solution.warnings),
        "data_loss": solution.data_loss,
        "data_loss_rel_error": judgement.relative_to_noise(data, solution.data_loss, setting.noise),
        "assessment": dict(solution.assessment),
        "pretrain_steps": pretrain_steps,
        **judgement.until_target(setting, truth, solution, pretrain_steps),
        **judgement.until_published(setting, solution, pretrain_steps),
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


def reference_fit(
    problem: Problem, data: SeparableObjective, setting: Setting, solution: Solution
) -> Solution | None:
    """The experiment's classical fit of the same data: the solution, where it is that itself.

    None where `bilo` has no classical method for the problem.
    """
    reference = experiments.get(setting.experiment).reference
    if setting.method == reference:
        return solution
    if problem.functions and reference == "direct_fit":
        return None
    classical = method_of(replace(setting, method=reference))
    return fit_in(Session(), problem, data, classical)


def problem_of(setting: Setting) -> Problem:
    """The inverse problem of a run."""
    if setting.boundary is not None:
        return BoundaryValues("soft" if setting.boundary == "soft" else "hard")
    return get(setting.experiment)


def observe(problem: Problem, truth: Mapping[str, float], setting: Setting) -> SeparableObjective:
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


def truth_of(problem: Problem, setting: Setting) -> dict[str, Any]:
    """Unknowns behind the data: the problem's own, but for those that the setting names.

    Raises
    ------
    CommandError
        If a name is no unknown of the problem, a value lies outside its bounds, or a number names
        no example of a function.
    """
    truth = problem.truth(setting.seed)
    bounds = {k.name: k.bounds for k in problem.scalars}
    examples = {k.name: k.truths for k in problem.functions}
    for name, value in setting.truth:
        if name in examples:
            truth[name] = _example(name, value, examples[name])
            continue
        if name not in bounds:
            names = ", ".join([*bounds, *examples])
            raise CommandError(f"--truth: no unknown {name!r}; there are {names}")
        low, high = bounds[name]
        if not low <= value <= high:
            raise CommandError(f"--truth: {name} = {value:g} is outside [{low:g}, {high:g}]")
        truth[name] = value
    return truth


def _example(name: str, number: float, examples: Sequence[PointFunction]) -> PointFunction:
    """The function of a number, from 1."""
    count = len(examples)
    if number not in range(1, count + 1):
        which = f"from 1 to {count}" if count > 1 else "1, its only one"
        raise CommandError(
            f"--truth: {name} is an unknown function; asked for is the number of an example, "
            f"{which}, not {number:g}"
        )
    return examples[int(number) - 1]


def session_of(setting: Setting, callback: Callback | None = None) -> Session:
    """How a run is fitted.

    Raises
    ------
    CommandError
        If a GPU is asked for that is not there.
    """
    if setting.device == "cuda" and not torch.cuda.is_available():
        raise CommandError("--device: cuda: no GPU that torch can use is here")
    # two computations of one seed must agree, whatever the machine has beside its first core
    return Session(
        seed=setting.seed,
        device=setting.device,
        threads=1,
        progress=f"{setting.experiment} {setting.method}",
        callback=callback,
    )


def method_of(setting: Setting) -> Method:
    """The method of a run: of what the experiment and the setting say, what means something to it.

    The budget is the experiment's, or the recipe's own.
    """
    kind = of_name(setting.method)
    said = experiments.get(setting.experiment).options(setting) | {"recipe": setting.recipe}
    asked = {"w_data": setting.w_dat, "samples": setting.samples, "w_reg": setting.w_reg}
    said |= {name: value for name, value in asked.items() if value is not None}
    return kind(**{f.name: said[f.name] for f in fields(kind) if f.name in said})
