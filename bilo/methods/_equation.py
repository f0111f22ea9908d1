"""How well a network solves its equation, at points that training never saw."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch

from bilo.lower.descent import pretrained
from bilo.lower.galerkin import HOLDS
from bilo.lower.losses import relative_residual, residual_loss
from bilo.methods._network_method import NetworkMethod
from bilo.training.checks import Check
from bilo.training.loop import Pretrained
from bilo.training.state import Run

HELD_OUT_POINTS = 2048
RESIDUAL = 0.05
"""Largest residual of a solved equation, over its terms."""


def residuals(run: Run, seed: int) -> dict[str, float]:
    """Root mean square residual at points that training never saw, and beside its terms."""
    generator = torch.Generator().manual_seed(seed + 1_000_003)
    points = run.network.problem.collocation(HELD_OUT_POINTS, generator).to(run.network.like)
    params = run.params.detach().to(run.network.like)
    with torch.no_grad():
        residual, _ = residual_loss(run.network, points, params)
    relative = relative_residual(run.network, points, params)
    return {"held_out_residual": residual.item() ** 0.5, "relative_residual": relative}


def solving_at_first(run: Run, seed: int) -> Pretrained:
    """Whether pretraining solved the equation, at points that it never saw."""
    first = copy.deepcopy(run.state())
    return pretrained(first, lambda run: residuals(run, seed)["relative_residual"])


def equation(method: NetworkMethod, numbers: Mapping[str, Any], agrees: bool | None) -> Check:
    """Whether the network solves the equation, where nothing says more.

    A network that agrees with the numerical solution may leave a residual that oscillates between
    the points of training, and does no harm.
    """
    if "weak_residual" in numbers:
        return _weakly(numbers["weak_residual"])
    found = numbers["relative_residual"]
    words = f"the residual is {found:.2g} of the equation's terms (limit {RESIDUAL:g})"
    if not method.solves_the_equation:
        return Check("equation", None, "the method never uses the equation")
    if found > RESIDUAL and agrees:
        return Check("equation", None, f"{words}; the numerical solution agrees, and says more")
    return Check("equation", found <= RESIDUAL, words)


def _weakly(left: float) -> Check:
    """Whether Newton's method found a field for the weak form."""
    if left <= HOLDS:
        words = "the weak form holds for the network's features; no other test function was tried"
        return Check("equation", None, words)
    words = (
        f"no field was found that solves the weak form: Newton's method leaves {left:.2g} of its "
        f"terms (limit {HOLDS:g})"
    )
    return Check("equation", False, words)
