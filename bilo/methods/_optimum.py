"""Tests of a fit against its objective: is there anything left to gain?

Scalars by the Gauss-Newton step that is left, H^-1 g, and by a classical search that starts at the
answer; functions by the step that is left in the directions which their network follows best, with
derivatives of the numerical solution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from bilo.classical.search import Minimum, classical, optima
from bilo.classical.starts import usual_starts
from bilo.inverse.function import Function
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.objective import SeparableObjective, limited_step
from bilo.inverse.observed import solution_at_data
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import regulariser_model
from bilo.training.checks import Check

ALLOWED = 0.01
"""Largest step left that still counts as none, relative: half of the two per cent beyond which an
answer is called wrong, for noise takes its part of these."""
ALLOWED_SD = 0.2
"""The same in local standard deviations, where a numerical solution makes the step."""
RESTING_SD = 0.3
"""The same where the network's own derivative makes it."""
ERROR = 0.01
"""Of a network, relative: how far it may be from a numerical solution."""
OTHERS = 2
"""Starts, of the usual ones, from which another minimum is looked for."""
DIRECTIONS = 12
"""In which a function is moved, at most."""
NUDGE = 1e-3
"""Length of a direction, over the function's scale."""
PART = 0.1
"""Of it that is moved for a derivative."""
FARTHEST = 0.1
"""Its length in the weights at most: what needs more is hardly within the network's reach."""
REACH = 0.05
"""By how much at most for a gain, over its scale."""
GAINED, NEGLIGIBLE = 0.1, 1e-3
"""A function is at its optimum where what is left gains less: in chi^2 a direction, or in parts of
the data, of which a network's own error is as large."""


def allowed(problem: Problem, params: Tensor) -> Tensor:
    """Steps (m,) of the scalars' coordinates that mean nothing, whatever the noise."""
    return ALLOWED * problem.sizes(params)


def _limit(problem: Problem, params: Tensor, sd: Tensor | None, part: float) -> Tensor:
    """The same (m,), or a part of a standard deviation where that is more."""
    limit = allowed(problem, params)
    return limit if sd is None else torch.maximum(limit, part * torch.where(sd.isinf(), 0.0, sd))


def shown(problem: Problem, u: Tensor, J: Tensor, params: Tensor) -> Tensor:
    """Which unknowns (m,) a network's u (N,) and J (m, N) show.

    One whose own size changes u by less than a network's error is not: that J is an error, too.
    """
    change = J.norm(dim=1) * problem.sizes(params)
    return change > ERROR * u.norm()


def rest(problem: Problem, data: SeparableObjective, u: Tensor, J: Tensor, params: Tensor) -> Check:
    """The Gauss-Newton step of the scalars that is left by the network's u (N,) and J (m, N)."""
    g, H = data.model(u, J)
    d = -(torch.linalg.pinv(H, hermitian=True) @ g)
    there = problem.project(params + d)
    limit = _limit(problem, params, data.local_sd(u, J, data.start), RESTING_SD)
    excess = float(((there - params).abs() / limit).max())
    return Check("rest", excess <= 1.0, f"the step that is left is {excess:.2g} times the limit")


def elsewhere(problem: Problem, data: SeparableObjective, params: Tensor) -> Minimum | None:
    """A better minimum of the numerical solution's objective than the answer's, if one is found.

    A classical search looks for it from the best of the usual other starts.
    """
    here = solution_at_data(problem, problem.from_params(params), data)
    if here is None:
        return None
    value = float(data.value(here, data.start))
    starts = [s for s in usual_starts(problem)[1:] if not _near(problem, params, s)]
    ranked = sorted(starts, key=lambda s: _objective(problem, data, s))[:OTHERS]
    if not ranked:
        return None
    best = optima(problem, data, ranked).minima[0]
    better = best.data_loss < value - data.resolution(abs(value))
    return best if better and not _near(problem, params, best.theta) else None


def _objective(problem: Problem, data: SeparableObjective, theta: np.ndarray) -> float:
    u = solution_at_data(problem, problem.named(theta), data)
    return math.inf if u is None else float(data.value(u, data.start))


def _near(problem: Problem, params: Tensor, theta: np.ndarray) -> bool:
    """Whether the answer's neighbourhood, twenty times the step that counts as none, has theta."""
    apart = (problem.to_params(problem.named(theta)) - params).abs()
    return bool((apart <= 20 * allowed(problem, params)).all())


def correction(problem: Problem, data: SeparableObjective, params: Tensor) -> dict[str, Any]:
    """How far the classical search, started at the answer, still goes, and whether that is much."""
    theta = np.array(list(problem.from_params(params).values()))
    found = optima(problem, data, [theta])
    moved = problem.to_params(problem.named(found.theta)) - params
    u, J = (torch.from_numpy(a) for a in classical(problem, data)(found.theta))
    slopes = [k.slope(v) for k, v in zip(problem.scalars, found.theta.tolist(), strict=True)]
    sd = data.local_sd(u, J.t() * torch.tensor(slopes).unsqueeze(1), data.start)
    limit = _limit(problem, params, sd, ALLOWED_SD)
    return {
        "correction": (found.theta - theta).tolist(),
        "excess_correction": float((moved.abs() / limit).max()),
    }


@dataclass(frozen=True)
class Left:
    """What a step would still gain for functions.

    Attributes
    ----------
    gain : float
        In chi^2 a direction; the noise is the known one, or that of the misfit.
    misfit : float
        Root of the mean square that the step takes away, over that of the data.
    """

    gain: float
    misfit: float

    @classmethod
    def of(cls, data: LeastSquares, u: Tensor, drop: float, directions: int) -> Self:
        """By what the objective would drop from that at the field u."""
        s2, size = data.variance(u, 0) or 0.0, float((data.values**2).mean())
        gain = drop * len(data.values) / max(s2, 1e-300) / directions
        return cls(gain, (max(drop, 0.0) / max(size, 1e-300)) ** 0.5)

    @property
    def numbers(self) -> dict[str, float]:
        """For the assessment."""
        return {"gain_left": self.gain, "misfit_left": self.misfit}

    def check(self, name: str, objective: str) -> Check:
        """Whether it is as good as nothing."""
        words = (
            f"{objective} has {self.gain:.2g} of chi^2 a direction left to gain, "
            f"{self.misfit:.2g} of the data"
        )
        return Check(name, self.gain <= GAINED or self.misfit <= NEGLIGIBLE, words)


def left(problem: Problem, data: LeastSquares, params: Tensor, w_reg: float) -> Left | None:
    """By a step in the leading directions of the functions' networks, and of scalars.

    The step moves a function by at most `REACH` of its scale.

    None: there is no numerical solution here or in the neighbourhood.
    """
    directions = _directions(problem, params)
    try:
        here = solution_at_data(problem, problem.from_params(params), data)
        moved = [
            solution_at_data(problem, problem.from_params(params + PART * v), data)
            for v in directions
        ]
    except ValueError:
        return None
    if here is None:
        return None
    g, H = data.model(here, torch.stack([(u - here) / PART for u in moved if u is not None]))
    if w_reg:
        g_R, H_R = regulariser_model(problem, params, torch.stack(directions, 1))
        g, H = g + w_reg * g_R, H + w_reg * H_R
    c = torch.from_numpy(limited_step(H.numpy(), g.numpy(), REACH / NUDGE))
    return Left.of(data, here, float(c @ g - c @ H @ c / 2), len(directions))


def _directions(problem: Problem, params: Tensor) -> list[Tensor]:
    """Steps of the params (size,) that move a function by `NUDGE` of its scale, or a scalar so.

    A function is moved by less in a direction that its network hardly follows.
    """
    found, start = [], 0
    for k in problem.unknowns:
        own = slice(start, start + k.size)
        start += k.size
        if not isinstance(k, Function):
            step = torch.zeros_like(params)
            step[own] = NUDGE
            found.append(step)
            continue
        by_params = k.input_by_params(params[own], k.sensor_jets(params))
        leading, _, _ = torch.linalg.svd(by_params, full_matrices=False)
        for v in leading[:, :DIRECTIONS].t():
            step = torch.zeros_like(params)
            move = max(float((v @ by_params).abs().max()), NUDGE / FARTHEST)
            step[own] = v * (NUDGE / move)
            found.append(step)
    return found
