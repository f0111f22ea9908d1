"""How often intervals hold the truth: `python -m tests.bilo.posterior_coverage FOLDER`.

Every fit is of one noisy data set; what it covered is a JSON file in the folder, and data sets that
have one are not fitted again. No fit is left out, whatever its status. `--only` takes names of
cases, `--seeds 0..59` the data sets.

A scalar is in its interval or not. Of a function the part of the inner points is meant at which its
band holds the truth: mean over x, as Wahba (1983, J. R. Stat. Soc. B 45) reads the posterior of a
penalised fit. Its truths are drawn anew for every data set, but for the tent.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import bilo
from bilo import BiLO, Problem, Solution
from bilo.inverse.ensemble import INTERVALS, Tabulated
from bilo.problems.fisher_kpp import FisherKPP
from bilo.problems.poisson import Poisson
from bilo.problems.poisson_scalar import PoissonScalar

LEVELS = (0.5, 0.9)
NODES = 101
"""Points at which a band is asked, ends apart."""
NOISE, W_REG = 1e-2, 1e-4
"""Of `poisson`, and of the prior whose draws are truths."""
DRAWS = 1000
"""Seed of the drawn truths, before that of the data set: no data, no network has it."""


def usual(problem: Problem, seed: int) -> Mapping[str, Any]:
    """The problem's own truth."""
    return problem.truth()


def drawn(problem: Problem, seed: int) -> Mapping[str, Any]:
    """Functions of length .3 of the ensemble that neural operators are trained on."""
    return {k.name: k.sampled.draw("length0.3", 1, (DRAWS, seed))[0] for k in problem.functions}


def of_the_prior(problem: Problem, seed: int) -> Mapping[str, Any]:
    """Brownian bridges, what the mean squared slope is the prior of:

    K w_reg / (2 s^2) int D'^2 of K data with noise s has increments of variance s^2 dx / (K w_reg).
    """
    generator, dx = np.random.default_rng((DRAWS, seed)), 1 / INTERVALS
    steps = generator.standard_normal(INTERVALS) * (NOISE**2 * dx / (51 * W_REG)) ** 0.5
    bridge = np.concatenate([[0.0], np.cumsum(steps - steps.mean())])
    return {"D": Tabulated(1.0 + bridge)}


@dataclass(frozen=True)
class Case:
    """A problem, its noise, a method, and the truth behind a data set."""

    problem: type[Problem]
    noise: float
    method: BiLO
    truth: Callable[[Problem, int], Mapping[str, Any]] = usual


SMALL = {"width": 64, "layers": 1}
"""A trunk that solves `poisson` to a thousandth, in a second."""
AUTO = BiLO("varpro", w_reg="auto", **SMALL)
CASES = {
    "scalar": Case(PoissonScalar, 0.02, BiLO("lm", width=8, pretrain_steps=10)),
    "two-scalars": Case(FisherKPP, 0.01, BiLO("lm", width=12)),
    "function": Case(Poisson, NOISE, AUTO, drawn),
    "tent": Case(Poisson, NOISE, AUTO),
    "prior": Case(Poisson, NOISE, BiLO("varpro", w_reg=W_REG, **SMALL), of_the_prior),
    "heavy": Case(Poisson, NOISE, BiLO("varpro", w_reg=1e-3, **SMALL), drawn),
}
"""Of a function with the weight that the data choose; with that of the prior that its truths are
drawn from; and with one that is far too heavy for its truths."""


def covered(case: Case, seed: int) -> dict[str, Any]:
    """What the intervals of one fit hold."""
    problem = case.problem()
    truth = case.truth(problem, seed)
    data = problem.observe(truth, case.noise, seed)
    found = bilo.fit(problem, data, case.method, seed=seed)
    held = {k.name: _of_scalar(found, k.name, truth[k.name]) for k in problem.scalars}
    held |= {k.name: _of_function(found, k, truth[k.name]) for k in problem.functions}
    return {"status": found.status, "w_reg": found.assessment.get("w_reg"), "unknowns": held}


def _of_scalar(found: Solution, name: str, truth: float) -> dict[str, float]:
    row = {}
    for level in LEVELS:
        low, high = found.interval(level)[name]
        row[f"{level:g}"] = float(low <= truth <= high)
    return row


def _of_function(found: Solution, k: bilo.Function, truth: Any) -> dict[str, float]:
    x = k.domain.grid(NODES).part(slice(1, -1))
    error, row = found.unknowns[k.name](x) - truth(x), {}
    for level in LEVELS:
        band = found.band(k.name, x, level)
        row[f"{level:g}"] = float(
            ((band.low <= truth(x)) & (truth(x) <= band.high)).double().mean()
        )
    row["error"] = float(error.square().mean().sqrt())
    row["sd"] = float(band.sd.square().mean().sqrt())
    return row


def told(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """A line an unknown: covered, with its standard error over the data sets."""
    lines = []
    for unknown, first in rows[0]["unknowns"].items():
        columns = {key: np.array([r["unknowns"][unknown][key] for r in rows]) for key in first}
        words = []
        for level in LEVELS:
            held = columns[f"{level:g}"]
            words.append(f"{level:.0%}: {held.mean():.3f} +- {held.std() / len(held) ** 0.5:.3f}")
        for key in ("error", "sd"):
            if key in columns:
                words.append(f"{key} {float(np.sqrt((columns[key] ** 2).mean())):.3g}")
        lines.append(f"{name:16s} {unknown:4s} {len(rows)} data sets  {'  '.join(words)}")
    return "\n".join(lines)


def _span(text: str) -> range:
    first, last = text.split("..")
    return range(int(first), int(last) + 1)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="How often intervals hold the truth.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), metavar="CASE")
    parser.add_argument("--seeds", type=_span, default=range(60), metavar="A..B")
    said = parser.parse_args()
    said.folder.mkdir(parents=True, exist_ok=True)
    for name in said.only:
        rows = []
        for seed in said.seeds:
            file = said.folder / f"{name}-{seed}.json"
            if not file.exists():
                file.write_text(json.dumps(covered(CASES[name], seed), indent=1), encoding="utf-8")
            rows.append(json.loads(file.read_text(encoding="utf-8")))
        print(told(name, rows), flush=True)


if __name__ == "__main__":
    main()
