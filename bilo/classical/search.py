"""The classical search: a numerical solver and projected Levenberg-Marquardt, from several starts.

    theta* = argmin_theta  L(u(x_d; theta)),     low <= theta <= high

It runs in ln theta where theta is positive (relative changes; scale-free). Each step solves
``(H + mu diag H) d = -g`` over the unknowns that are not held by a bound, with g and H of the
generalised Gauss-Newton model of L (`SeparableObjective.model`).

References: Marquardt 1963, J. SIAM 11; Nocedal and Wright 2006, Numerical Optimization, ch. 10.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bilo.inverse.objective import SeparableObjective
from bilo.inverse.observed import required_at_data
from bilo.inverse.points import EXACT
from bilo.inverse.problem import Problem
from bilo.optimisation.damping import NO_DECREASE, Damping

Array = NDArray[np.float64]
Predict = Callable[[Array], tuple[Array, Array]]
"""theta (m,) -> predictions (N,) at the data and their Jacobian (N, m)."""

MAX_STEPS = 60
SMALLEST_STEP = 1e-9
"""Of the search's coordinates; a shorter step ends the search."""
SMALLEST_GAIN = 1e-10
"""Relative decrease of the objective; a search that cannot hope for more ends."""
SAME_MINIMUM = 1e-2
"""Largest difference, in the search's coordinates, between searches that found one minimum."""
DIFFERENCE = 1e-4
FIRST_MU = 1e-2
DAMPING = Damping(after_good=0.1, after_fair=1.0, after_bad=5.0)


@dataclass(frozen=True)
class Model:
    """Value, gradient (m,) and matrix H (m, m) in the search's coordinates."""

    value: float
    gradient: Array
    H: Array


@dataclass(frozen=True)
class End:
    """Where the search from one start ended, in its coordinates."""

    z: Array
    value: float


@dataclass(frozen=True)
class Minimum:
    """A local minimum.

    Attributes
    ----------
    theta : ndarray (m,)
    data_loss : float
        The objective.
    starts : int
        Number of starts that led here.
    """

    theta: Array
    data_loss: float
    starts: int = 1

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"theta": self.theta.tolist(), "data_loss": self.data_loss, "starts": self.starts}


@dataclass(frozen=True)
class Found:
    """Result of a search.

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
        """Its objective."""
        return self.minima[0].data_loss


def optima(problem: Problem, data: SeparableObjective, starts: Sequence[Array]) -> Found:
    """Search for the unknowns of a problem with its numerical solution."""
    low, high = np.array([k.bounds for k in problem.scalars]).T
    return search(classical(problem, data), data, low, high, starts)


def search(
    predict: Predict, data: SeparableObjective, low: Array, high: Array, starts: Sequence[Array]
) -> Found:
    """Fit unknowns to data with a classical solver.

    Parameters
    ----------
    predict : callable
        Solver at the data: theta (m,) -> (predictions (N,), Jacobian (N, m)).
    data : SeparableObjective
        The objective.
    low, high : ndarray (m,)
        Bounds.
    starts : sequence of ndarray (m,)

    Raises
    ------
    ValueError
        If there is no room between two bounds, or no start.
    """
    if not (np.all(high > low) and len(starts)):
        raise ValueError("a search needs bounds low < high and at least one start")
    began = time.perf_counter()
    evaluations = 0
    positive = low > 0

    def coordinates(theta: Array) -> Array:
        return np.where(positive, np.log(np.where(positive, theta, 1.0)), theta)

    def theta_of(z: Array) -> Array:
        return np.where(positive, np.exp(np.where(positive, z, 0.0)), z)

    def model(z: Array) -> Model:
        nonlocal evaluations
        evaluations += 1
        theta = theta_of(z)
        u, J = predict(theta)
        field = torch.from_numpy(u)
        g, H = data.model(field, torch.from_numpy(J * np.where(positive, theta, 1.0)).t())
        return Model(float(data.value(field, data.start)), g.numpy(), H.numpy())

    found = [_descend(model, coordinates(s), coordinates(low), coordinates(high)) for s in starts]
    minima = distinct(
        [Minimum(theta_of(end.z), end.value) for end in found],
        lambda a, b: bool(np.abs(coordinates(a) - coordinates(b)).max() < SAME_MINIMUM),
    )
    return Found(tuple(minima), evaluations, time.perf_counter() - began)


def classical(problem: Problem, data: SeparableObjective) -> Predict:
    """The numerical solution of a problem at its data as `Predict`."""

    def solve(theta: Array) -> Array:
        u = required_at_data(problem, problem.named(theta), data, "fit with")
        return np.asarray(u.numpy())

    by_differences = differenced(solve)

    def predict(theta: Array) -> tuple[Array, Array]:
        points = data.points.to(EXACT)
        exact = problem.sensitivities(problem.named(theta), points) if data.seen is None else None
        if exact is None:
            return by_differences(theta)
        return exact[0].numpy(), exact[1].numpy().T

    return predict


def differenced(solve: Callable[[Array], Array]) -> Predict:
    """A solver without sensitivities as `Predict`, by central differences of relative width."""

    def predict(theta: Array) -> tuple[Array, Array]:
        columns = []
        for j, value in enumerate(theta):
            h = (abs(value) or 1.0) * DIFFERENCE
            step = np.eye(len(theta))[j] * h
            columns.append((solve(theta + step) - solve(theta - step)) / (2 * h))
        return solve(theta), np.stack(columns, -1)

    return predict


def _descend(model: Callable[[Array], Model], z: Array, low: Array, high: Array) -> End:
    """Projected Levenberg-Marquardt from one start."""
    z = np.clip(z, low, high)
    here = model(z)
    mu = FIRST_MU
    for _ in range(MAX_STEPS):
        free = ~((z <= low) & (here.gradient > 0) | (z >= high) & (here.gradient < 0))
        d = np.zeros_like(z)
        damped = here.H + mu * np.diag(np.diag(here.H))
        d[free] = np.linalg.lstsq(damped[np.ix_(free, free)], -here.gradient[free], rcond=None)[0]
        d = np.clip(z + d, low, high) - z
        expected = -d @ (here.gradient + here.H @ d / 2)
        small = SMALLEST_GAIN * abs(here.value)
        if np.abs(d).max() < SMALLEST_STEP or 0 <= expected < small:
            break
        gain = NO_DECREASE  # a step cut by a bound may not even promise a decrease
        if expected > 0:
            there = model(z + d)
            gain = float((here.value - there.value) / expected)
        if DAMPING.accepts(gain):
            z, here = z + d, there
        mu = DAMPING.next(mu, gain)
    return End(z, here.value)


def distinct(found: Sequence[Minimum], same: Callable[[Array, Array], bool]) -> list[Minimum]:
    """Different minima, the best first, with the number of starts that found each."""
    kept: list[Minimum] = []
    for one in sorted(found, key=lambda m: m.data_loss):
        for k, other in enumerate(kept):
            if same(one.theta, other.theta):
                kept[k] = replace(other, starts=other.starts + one.starts)
                break
        else:
            kept.append(one)
    return kept
