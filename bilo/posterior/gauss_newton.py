"""The mode of a posterior by Levenberg and Marquardt, and the Gauss-Newton covariance there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from bilo.optimisation.damping import ANY_DECREASE, NO_DECREASE, Damping

Seen = TypeVar("Seen")
"""What a target keeps of an evaluation, so that its expansion need not repeat it."""

_FLAT = 1e-8
"""Least eigenvalue of a precision in natural units: a sd of 1e4 of them."""
_HARDEST = 1e6
_DAMPING = Damping(after_good=1 / 5.0, after_fair=1.0, after_bad=8.0, least=1e-6)


class Target(Protocol[Seen]):
    """A log density log p(theta), up to a constant, of theta (n,)."""

    def evaluate(self, theta: np.ndarray) -> tuple[float, Seen]:
        """Its value, -inf outside of its support, and what `expand` needs."""

    def expand(self, theta: np.ndarray, seen: Seen) -> tuple[np.ndarray, np.ndarray]:
        """Its gradient (n,), and a positive semidefinite Hessian (n, n) of -log p."""


@dataclass(frozen=True)
class Descent:
    """How far and how often `levenberg_marquardt` steps.

    Attributes
    ----------
    scale : ndarray (n,)
        Natural size of a change of each unknown.
    reach : ndarray (n,) or float
        Longest step, in units of `scale`.
    most : int
        Greatest number of trial steps.
    tolerance : float
        Gain of log p at which a step that was not cut is the last.
    within : callable, optional
        Of two points the second, moved into the bounds of the unknowns on the way from the first:
        what is not stopped goes on along a bound. Without it a climb ends at the first one.
    """

    scale: np.ndarray
    reach: np.ndarray | float = 0.3
    most: int = 25
    tolerance: float = 0.01
    within: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None


@dataclass(frozen=True)
class Mode(Generic[Seen]):
    """Where log p is greatest: theta (n,), its value, -Hessian (n, n), and what was seen there.

    `settled` is false where the climb ran out of steps while it still gained.
    """

    theta: np.ndarray
    log_density: float
    hessian: np.ndarray
    seen: Seen
    settled: bool = True


def information(jacobian: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """Gauss-Newton Hessian J' P J of residuals with independent errors.

    Parameters
    ----------
    jacobian : ndarray (m, n)
        Derivatives of the residuals by the unknowns.
    precision : ndarray (m,)
        One over the variance of each residual.
    """
    weighted: np.ndarray = (jacobian * precision[:, None]).T @ jacobian
    return weighted


def covariance(hessian: np.ndarray, scale: np.ndarray | None = None) -> np.ndarray:
    """Inverse of a Hessian (n, n) of -log p, in units of `scale` (n,).

    A direction that nothing constrains gets a variance of 1e8 such units squared.

    >>> covariance(np.diag([4.0, 0.25])).tolist()
    [[0.25, 0.0], [0.0, 4.0]]
    """
    unit = np.ones(len(hessian)) if scale is None else scale
    values, vectors = np.linalg.eigh(unit[:, None] * hessian * unit)
    inverse = (vectors / np.maximum(values, _FLAT)) @ vectors.T
    return np.asarray(unit[:, None] * inverse * unit)


def levenberg_marquardt(target: Target[Seen], start: np.ndarray, descent: Descent) -> Mode[Seen]:
    """Climb to a mode of log p with steps d that solve

        (H + mu (diag H + 1 / scale^2)) d = gradient,

    mu smaller after a success and larger after a failure (Marquardt 1963).

    Parameters
    ----------
    target : Target
        Value, gradient and Gauss-Newton Hessian H.
    start : ndarray (n,)
    descent : Descent

    Raises
    ------
    ValueError
        If the start is outside the support.
    """
    theta = np.array(start, dtype=float)
    value, seen = target.evaluate(theta)
    if not np.isfinite(value):
        raise ValueError(f"the search starts outside the support, at {theta}")
    gradient, hessian = target.expand(theta, seen)
    mu, settled = 1e-2, False
    for _ in range(descent.most):
        damping = np.diag(hessian) + descent.scale**-2.0
        step, cut = _step(theta, gradient, hessian + mu * np.diag(damping), descent)
        value_there, seen_there = target.evaluate(theta + step)
        gain = value_there - value
        if gain > 0:
            theta, value, seen = theta + step, value_there, seen_there
            gradient, hessian = target.expand(theta, seen)
            mu = _DAMPING.next(mu, ANY_DECREASE)
            settled = gain < descent.tolerance and cut == 1.0
        else:
            mu = _DAMPING.next(mu, NO_DECREASE)
            settled = mu > _HARDEST
        if settled:
            break
    return Mode(theta, value, hessian, seen, settled)


def _step(
    theta: np.ndarray, gradient: np.ndarray, hessian: np.ndarray, descent: Descent
) -> tuple[np.ndarray, float]:
    """The step, cut to the reach and to the bounds, and how often it was as long before the former.

    What a bound stops stays there, and the step of the others is the best with that.
    """
    longest = descent.reach * descent.scale
    step = np.linalg.solve(hessian, gradient)
    cut = max(float(np.max(np.abs(step) / longest)), 1.0)
    step = step / cut
    if descent.within is None:
        return step, cut
    there = descent.within(theta, theta + step)
    free = there == theta + step
    if free.all():
        return step, cut
    step = there - theta
    if not free.any():
        return step, cut
    left = gradient[free] - hessian[np.ix_(free, ~free)] @ step[~free]
    best = np.linalg.solve(hessian[np.ix_(free, free)], left)
    cut = max(float(np.max(np.abs(best / np.broadcast_to(longest, theta.shape)[free]))), 1.0)
    step[free] = best / cut
    return descent.within(theta, theta + step) - theta, cut
