"""The pretrained operator at variations of the start, against the solver (figures 13 and 16)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from benchmarks.figures import style
from bilo.inverse.function import Function
from bilo.inverse.points import Points
from bilo.inverse.unknown import PointFunction
from bilo.methods._fit import fit
from bilo.methods.bilo import BiLO
from bilo.problems import get
from bilo.training.solution import evaluate

PRETRAINED = BiLO(recipe="lm", pretrain_steps=60, finetune_steps=0)
AWAY = 0.1
"""Amplitude of a variation [o], over the start's largest value."""


def draw(results: Sequence[dict[str, Any]]) -> Figure:
    """The start and three variations of it, u at the data, and the operator's error there."""
    problem = get(results[0]["experiment"])
    (k,) = problem.functions
    data = problem.observe(problem.start(), 0.0, 0)
    solution = fit(problem, data, PRETRAINED, device="cpu")
    network = solution.network
    assert network is not None
    x = torch.linspace(0, 1, 101, dtype=torch.float64)
    line = Points({c: x if c == "x" else torch.ones_like(x) for c in problem.coordinates})
    figure = Figure(figsize=(10.0, 3.4), layout="constrained")
    first, middle, last = figure.subplots(1, 3)
    for j, (label, f) in enumerate(_variations(k).items()):
        params = k.fitted(f, solution.params)
        reference = problem.numerical({k.name: f})
        assert reference is not None
        exact = reference(line)
        found = evaluate(network, line, params).double()
        first.plot(x, f(Points({"x": x})), color=f"C{j}", lw=1, label=label)
        middle.plot(x, exact, color=f"C{j}", lw=1)
        middle.plot(x[::5], found[::5], "o", color=f"C{j}", ms=2.5)
        last.plot(x, (found - exact).abs(), color=f"C{j}", lw=1)
    first.set(xlabel="x", title=f"{k.name}(x)")
    middle.set(xlabel="x", title="u: solver (lines), network (dots)")
    last.set(xlabel="x", title="|network - solver|", yscale="log", ylim=(1e-7, None))
    style.legend(figure)
    return figure


def _variations(k: Function) -> dict[str, PointFunction]:
    """The start, and the start with a sine of one, two and three half waves added."""
    x = torch.linspace(0, 1, 101, dtype=torch.float64)
    size = AWAY * float(k.start(Points({"x": x})).abs().max())

    def varied(waves: int) -> PointFunction:
        def f(points: Points) -> Tensor:
            x = points.coordinates["x"].double()
            return k.start(points) + size * (waves * math.pi * x).sin()

        return f

    named = {f"+ {size:g} sin({n or ''}πx)".replace("1π", "π"): varied(n) for n in (1, 2, 3)}
    return {"start": k.start, **named}
