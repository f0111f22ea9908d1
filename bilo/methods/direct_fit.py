"""Direct fit: the classical solver and Levenberg-Marquardt, from several starts.

    theta* = argmin_theta  mean (u(x_d; theta) - u_d)^2,     low <= theta <= high

What a practitioner would use for a few positive scalars, and the reference that every network is
compared with. The search runs in ln theta (relative changes; scale-free), each step solving
``(J^T J + mu diag J^T J) d = -J^T r`` over the unknowns that are not held by a bound.

References: Marquardt 1963, J. SIAM 11; Nocedal and Wright 2006, Numerical Optimization, ch. 10.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bilo.objective import LeastSquares
from bilo.problem import Problem
from bilo.settings import Settings
from bilo.solution import Solution
from bilo.training import peak_memory_mb

Array = NDArray[np.float64]
Predict = Callable[[Array], tuple[Array, Array]]
"""theta (m,) -> predictions (N,) at the data and their Jacobian (N, m)."""

MAX_STEPS = 60
SMALLEST_STEP = 1e-9
"""Of ln theta; a shorter step ends the search."""
SMALLEST_GAIN = 1e-10
"""Relative decrease of the misfit; a search that cannot hope for more ends."""
SAME_MINIMUM = 1e-2
"""Largest difference of ln theta between two searches that found one minimum."""
GRID = 3
"""Starts along each unknown, beside the problem's own."""
DIFFERENCE = 1e-4


@dataclass(frozen=True)
class Minimum:
    """A local minimum.

    Attributes
    ----------
    theta : ndarray (m,)
    data_loss : float
        Mean squared misfit.
    starts : int
        Number of starts that led here.
    """

    theta: Array
    data_loss: float
    starts: int = 1


@dataclass(frozen=True)
class DirectFit:
    """Result of a direct fit.

    Attributes
    ----------
    minima : tuple of Minimum
        All that were found, the best first.
    evaluations : int
        Solutions of the equation, each with its Jacobian.
    seconds : float
    """

    minima: tuple[Minimum, ...]
    evaluations: int
    seconds: float

    @property
    def theta(self) -> Array:
        """The best estimate (m,)."""
        return self.minima[0].theta

    @property
    def data_loss(self) -> float:
        """Its mean squared misfit."""
        return self.minima[0].data_loss


def direct_fit(
    predict: Predict, data: Array, low: Array, high: Array, starts: Sequence[Array]
) -> DirectFit:
    """Fit positive unknowns to data with a classical solver.

    Parameters
    ----------
    predict : callable
        Solver at the data: theta (m,) -> (predictions (N,), Jacobian (N, m)).
    data : ndarray (N,)
    low, high : ndarray (m,)
        Bounds, 0 < low < high.
    starts : sequence of ndarray (m,)

    Raises
    ------
    ValueError
        If a bound is not positive or there is no start.
    """
    if not (np.all(low > 0) and np.all(high > low) and len(starts)):
        raise ValueError("a direct fit needs bounds 0 < low < high and at least one start")
    began = time.perf_counter()
    evaluations = 0

    def residual(z: Array) -> tuple[Array, Array]:
        nonlocal evaluations
        evaluations += 1
        theta = np.exp(z)
        u, J = predict(theta)
        return u - data, J * theta

    found = [_descend(residual, np.log(s), np.log(low), np.log(high)) for s in starts]
    return DirectFit(_distinct(found), evaluations, time.perf_counter() - began)


def start_grid(low: Array, high: Array, per_axis: int = GRID) -> list[Array]:
    """Starts on a grid of equal spacing in ln theta, inside the bounds."""
    inside = (np.arange(per_axis) + 0.5) / per_axis
    axes = [lo * (hi / lo) ** inside for lo, hi in zip(low, high, strict=True)]
    return [np.array(theta) for theta in itertools.product(*axes)]


def fit(problem: Problem, data: LeastSquares, settings: Settings | None = None) -> Solution:
    """Infer the unknowns of any problem that has a numerical solution.

    The Jacobian is the problem's own where it has one, else by central differences. `settings`,
    which every method takes, has nothing to say here.

    Raises
    ------
    ValueError
        If the problem has no numerical solution.
    """
    predict = classical(problem, data)
    values = data.values.double().numpy()
    low, high = np.array([k.bounds for k in problem.unknowns]).T
    starts = [np.array([k.start for k in problem.unknowns]), *start_grid(low, high)]
    found = direct_fit(predict, values, low, high, starts)
    u, J = (torch.from_numpy(a) for a in predict(found.theta))
    sd = data.local_sd(u, J.t(), data.start)
    names = [k.name for k in problem.unknowns]
    theta = dict(zip(names, found.theta.tolist(), strict=True))
    assessment: dict[str, Any] = {
        "singular_values": torch.linalg.svdvals(J).tolist(),
        "minima": [
            {"theta": m.theta.tolist(), "data_loss": m.data_loss, "starts": m.starts}
            for m in found.minima
        ],
    }
    if sd is not None:
        assessment["local_sd"] = dict(zip(names, sd.tolist(), strict=True))
    return Solution(
        method="direct_fit",
        unknowns=theta,
        codes=problem.encode(theta),
        data_loss=found.data_loss,
        converged=True,
        status="converged",
        assessment=assessment,
        steps=found.evaluations,
        seconds=found.seconds,
        seconds_per_step=found.seconds / found.evaluations,
        peak_memory_mb=peak_memory_mb(torch.device("cpu")),
    )


def classical(problem: Problem, data: LeastSquares) -> Predict:
    """The numerical solution of a problem at its data as `Predict`."""
    names = [k.name for k in problem.unknowns]

    def named(theta: Array) -> dict[str, float]:
        return dict(zip(names, theta.tolist(), strict=True))

    def solve(theta: Array) -> Array:
        reference = problem.reference(named(theta))
        if reference is None:
            raise ValueError(f"{problem.name} has no numerical solution to fit with")
        return np.asarray(reference(data.points).double().numpy())

    by_differences = differenced(solve)

    def predict(theta: Array) -> tuple[Array, Array]:
        exact = problem.sensitivities(named(theta), data.points)
        if exact is None:
            return by_differences(theta)
        return exact[0].numpy(), exact[1].numpy().T

    return predict


def differenced(solve: Callable[[Array], Array]) -> Predict:
    """A solver without sensitivities as `Predict`, by central differences in ln theta."""

    def predict(theta: Array) -> tuple[Array, Array]:
        columns = []
        for j, value in enumerate(theta):
            h = value * DIFFERENCE
            step = np.eye(len(theta))[j] * h
            columns.append((solve(theta + step) - solve(theta - step)) / (2 * h))
        return solve(theta), np.stack(columns, -1)

    return predict


def _descend(
    residual: Callable[[Array], tuple[Array, Array]], z: Array, low: Array, high: Array
) -> Minimum:
    """Projected Levenberg-Marquardt from one start."""
    z = np.clip(z, low, high)
    r, J = residual(z)
    mu = 1e-2
    for _ in range(MAX_STEPS):
        gradient, H = J.T @ r, J.T @ J
        free = ~((z <= low) & (gradient > 0) | (z >= high) & (gradient < 0))
        d = np.zeros_like(z)
        damped = H + mu * np.diag(np.diag(H))
        d[free] = np.linalg.lstsq(damped[np.ix_(free, free)], -gradient[free], rcond=None)[0]
        d = np.clip(z + d, low, high) - z
        expected = -d @ (2 * gradient + H @ d)
        if np.abs(d).max() < SMALLEST_STEP or 0 <= expected < SMALLEST_GAIN * (r @ r):
            break
        gain = -1.0  # a step cut by a bound may not even promise a decrease
        if expected > 0:
            r_trial, J_trial = residual(z + d)
            gain = float((r @ r - r_trial @ r_trial) / expected)
        if gain > 0:
            z, r, J = z + d, r_trial, J_trial
        mu *= 0.1 if gain > 0.75 else 1.0 if gain > 0.25 else 5.0
    return Minimum(np.exp(z), float(np.mean(r**2)))


def _distinct(found: Sequence[Minimum]) -> tuple[Minimum, ...]:
    """Different minima, the best first, with the number of starts that found each."""
    kept: list[Minimum] = []
    for minimum in sorted(found, key=lambda m: m.data_loss):
        for k, other in enumerate(kept):
            if np.abs(np.log(minimum.theta / other.theta)).max() < SAME_MINIMUM:
                kept[k] = Minimum(other.theta, other.data_loss, other.starts + 1)
                break
        else:
            kept.append(minimum)
    return tuple(kept)
