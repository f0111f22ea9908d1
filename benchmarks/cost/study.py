"""The experiment `cost`: what a step costs, and how long a solution takes."""

from __future__ import annotations

import dataclasses
import statistics
import sys
import time
from typing import Any

import numpy as np
import torch

from benchmarks.cost import timed_steps
from benchmarks.cost.memory import peak_of
from benchmarks.design.setting import Setting
from benchmarks.experiments.cost import TIMED
from benchmarks.runs import machine
from benchmarks.runs.run import method_of, session_of, truth_of
from bilo.classical.search import optima
from bilo.methods._fit import fit_in
from bilo.methods.bilo import BiLO
from bilo.methods.direct_fit import DirectFit
from bilo.problems import get
from bilo.training.solution import Solution

ROUNDS = {
    "quick": {"fisher_kpp": 25, "particles": 101, "poisson": 101, "heat": 25},
    "full": {"fisher_kpp": 51, "particles": 201, "poisson": 201, "heat": 51},
}
"""Steps of each kind; a short one needs more to have a median."""
SEEDS = tuple(range(10, 20))
"""Fresh ones: no other experiment and no test uses them."""
SHORT: dict[str, dict[str, Any]] = {
    "fast": {"pretrain_steps": 100, "finetune_steps": 350, "points": 196},
    "lm": {"width": 12},
}
"""Recipes whose fits run to their end, with what the target asks for and no more."""
PAPER_STEPS = {"quick": (60, 60), "full": (500, 1500)}
"""Pretraining and fine-tuning steps of ``paper`` that are run; the rest is extrapolated."""
UNKNOWNS, FIELD = 0.01, 1e-3
TARGET = "unknowns within 1 %, u within 1e-3 of the numerical solution (relative L2)"


def run(setting: Setting) -> dict[str, Any]:
    """Measure everything; see `experiments.cost` for what a step is."""
    return {
        "experiment": setting.experiment,
        "method": setting.method,
        "profile": setting.profile,
        "device": "cpu",
        "threads": 1,
        "precision": "float32",
        "engine": {name: engine(name, n) for name, n in ROUNDS[setting.profile].items()},
        "time_to_target": {
            **{recipe: to_target(recipe, SEEDS) for recipe in SHORT},
            "paper": paper(*PAPER_STEPS[setting.profile]),
        },
        "direct_fit": classical_fit(),
        "machine": machine.describe(),
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
    }


def engine(problem: str, rounds: int) -> dict[str, float]:
    """Seconds and memory of a step of each kind on the problem's full set of points."""
    kinds = {
        "": timed_steps.engine,
        "plain_": timed_steps.plain,
        "nested_": timed_steps.textbook,
        "nested_economical_": timed_steps.economical,
        "pinn_": timed_steps.pinn,
    }
    _say(f"cost: {rounds} interleaved steps of {problem}")
    seconds = timed_steps.interleaved({key: make(problem) for key, make in kinds.items()}, rounds)
    found = {f"{key}seconds_per_step": value for key, value in seconds.items()}
    found["ratio"] = seconds["nested_"] / seconds[""]
    found["ratio_plain"] = seconds["nested_"] / seconds["plain_"]
    found["ratio_economical"] = seconds["nested_economical_"] / seconds[""]
    for key, make in kinds.items():
        _say(f"cost: memory of {make.__name__}")
        found[f"{key}peak_memory_mb"] = peak_of(make, problem)
    return found


def to_target(recipe: str, seeds: tuple[int, ...]) -> dict[str, Any]:
    """CPU seconds of whole fits of a recipe, from random weights; a miss counts as infinite.

    Pretraining and the check by the numerical solution are in them, further starts are not.
    """
    runs = []
    for seed in seeds:
        _say(f"cost: whole fit, recipe {recipe}, seed {seed}")
        setting = Setting(TIMED, "bilo", seed=seed, recipe=recipe)
        began = time.process_time()
        solution = _fit(setting, dataclasses.replace(_bilo(setting), start_grid=0, **SHORT[recipe]))
        runs.append((time.process_time() - began, _reached(solution, setting)))
    seconds = [s if reached else float("inf") for s, reached in runs]
    median = statistics.median(seconds)
    return {
        "median_s": median if np.isfinite(median) else None,
        "successes": sum(reached for _, reached in runs),
        "seeds": len(runs),
        "target": TARGET,
        "seconds": [s for s, _ in runs],
        "extrapolated": False,
    }


def paper(pretrain: int, finetune: int) -> dict[str, Any]:
    """A bounded piece of the published recipe, and its whole length at that pace."""
    setting = Setting(TIMED, "bilo", seed=SEEDS[0], recipe="paper", profile="full")
    whole = _bilo(setting)
    piece = dataclasses.replace(whole, pretrain_steps=pretrain, finetune_steps=finetune)
    solution = _fit(setting, piece)
    reached = _reached(solution, setting)
    total = whole.budget.total
    return {
        "median_s": solution.seconds if reached else None,
        "successes": int(reached),
        "seeds": 1,
        "target": TARGET,
        "extrapolated": True,
        "steps_run": solution.steps,
        "steps_published": total,
        "seconds_of_published_steps": solution.seconds_per_step * total,
    }


def _bilo(setting: Setting) -> BiLO:
    found = method_of(setting)
    assert isinstance(found, BiLO)
    return found


def _fit(setting: Setting, method: BiLO) -> Solution:
    problem = get(TIMED)
    data = problem.observe(truth_of(problem, setting), 0.0, setting.seed)
    return fit_in(session_of(setting), problem, data, method)


def _reached(solution: Solution, setting: Setting) -> bool:
    """Whether a fit is at the target."""
    truth = truth_of(get(TIMED), setting)
    worst = max(abs(solution.unknowns[name] / exact - 1) for name, exact in truth.items())
    return worst <= UNKNOWNS and solution.assessment["u_rel_l2_vs_numerical"] <= FIELD


def classical_fit() -> dict[str, Any]:
    """The direct fit from the problem's start alone, and from all its starts."""
    problem = get(TIMED)
    truth = truth_of(problem, Setting(TIMED, "direct_fit"))
    data = problem.observe(truth, 0.0, 0)
    start = np.array([k.start for k in problem.scalars])
    found = optima(problem, data, [start])
    began = time.perf_counter()
    DirectFit().fit(problem, data)
    exact = np.array([truth[k.name] for k in problem.scalars])
    return {
        "seconds": found.seconds,
        "max_rel_error": float(np.abs(found.theta / exact - 1).max()),
        "evaluations": found.evaluations,
        "multi_start_seconds": time.perf_counter() - began,
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
