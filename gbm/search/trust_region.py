"""Minimise the segmentation objective over growth parameters with a tangent model of the solver.

The density is modelled in logit form around the current point g, logit u = l + L dg, L by forward
differences of the solver; the *exact* objective of that model is minimised over dg in a box and
over both thresholds, and the step is accepted by the ratio of true to predicted decrease.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from bilo.optimisation.damping import Damping
from gbm.growth.growth_prior import Explicit, flat
from gbm.growth.region_loss import RegionLoss
from gbm.growth.thresholds import Bounds, from_unconstrained, to_unconstrained

Density = Callable[[np.ndarray], np.ndarray]
_FLOOR = 1e-10
_FARTHEST = 7.0  # unconstrained thresholds: within 0.1 % of the range from a bound
_LEAST_RADIUS = 1e-4
_RADIUS = Damping(2.0, 1.0, 0.35, good=0.7, accepted=0.05, greatest=0.5)
"""A radius grows after a good step that it cut."""


@dataclass(frozen=True)
class Search:
    """Where the growth parameters may move.

    Attributes
    ----------
    low, high : ndarray (n,)
        Bounds of the growth parameters g.
    scale : ndarray (n,)
        Natural size of a change of each; the trust radius counts in it.
    thresholds : mapping
        Bounds of the imaging thresholds.
    allowed : callable
        Whether a point may be visited at all (the origin must lie in tissue).
    prior : callable
        Term of the objective in g itself, and its gradient.
    """

    low: np.ndarray
    high: np.ndarray
    scale: np.ndarray
    thresholds: Bounds
    allowed: Callable[[np.ndarray], bool]
    prior: Explicit = field(default=flat)


@dataclass(frozen=True)
class Trust:
    """How a descent steps.

    Attributes
    ----------
    radius : float
        First trust radius, in units of `Search.scale`.
    tolerance : float
        Predicted decrease of the objective that is not worth a solve.
    most : int
        Greatest number of trial steps.
    """

    radius: float = 0.2
    tolerance: float = 1e-5
    most: int = 25


@dataclass(frozen=True)
class Point:
    """A visited point: growth parameters, thresholds (2,), density and objective."""

    g: np.ndarray
    thresholds: np.ndarray
    u: np.ndarray
    objective: float


Slopes = Callable[[Point], np.ndarray]


def logit_density(u: np.ndarray) -> np.ndarray:
    """Logit of a density, cut where it is too small or too close to one to matter."""
    return np.asarray(logit(np.clip(u, _FLOOR, 1 - _FLOOR)))


def sensitivities(density: Density, point: Point, search: Search) -> np.ndarray:
    """Derivatives of logit u by g (n, cells): forward differences, backward at upper bounds."""
    base, out = logit_density(point.u), []
    for i in range(point.g.size):
        step = 2e-3 * search.scale[i]
        if point.g[i] + step > search.high[i]:
            step = -step
        shifted = point.g.copy()
        shifted[i] += step
        out.append((logit_density(density(shifted)) - base) / step)
    return np.array(out)


def from_coarser(
    density: Density, search: Search, onto: Callable[[np.ndarray], np.ndarray]
) -> Slopes:
    """`sensitivities` on a coarser grid, brought onto the cells of the objective.

    Derivatives of a logit are smooth: those of cells twice as large serve as well, at an eighth of
    the cost in a volume. Steps are still judged by the density itself.
    """

    def slopes(point: Point) -> np.ndarray:
        here = Point(point.g, point.thresholds, density(point.g), point.objective)
        return np.array([onto(slope) for slope in sensitivities(density, here, search)])

    return slopes


def tangent_model(
    objective: RegionLoss,
    u: np.ndarray,
    slopes: np.ndarray,
    search: Search,
    prior: Explicit = flat,
) -> Explicit:
    """Value and gradient of the objective of sigmoid(logit u + slopes . dg) plus the prior of dg.

    Its argument (n + 2,) holds dg and the unconstrained thresholds.
    """
    n = len(slopes)
    base, rows = logit_density(u).ravel(), slopes.reshape(n, u.size)

    def model(z: np.ndarray) -> tuple[float, np.ndarray]:
        v = expit(base + z[:n] @ rows)
        values, jacobian = from_unconstrained(z[n:], search.thresholds)
        value, by_v, by_thresholds = objective.value_and_grad(v.reshape(u.shape), values)
        known, by_dg = prior(z[:n])
        by_g = rows @ (by_v.ravel() * v * (1 - v)) + by_dg
        return value + known, np.concatenate([by_g, by_thresholds @ jacobian])

    return model


def tangent_minimum(
    objective: RegionLoss,
    u: np.ndarray,
    slopes: np.ndarray,
    thresholds: np.ndarray,
    box: np.ndarray,
    search: Search,
    prior: Explicit = flat,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Minimum over dg in a box and the thresholds for the density sigmoid(logit u + slopes . dg).

    Parameters
    ----------
    objective : RegionLoss
        On the grid of `u`.
    u : ndarray (cells)
        Density at dg = 0.
    slopes : ndarray (n, cells)
        d logit u / d g; n may be 0.
    thresholds : ndarray (2,)
        Thresholds to start from.
    box : ndarray (n, 2)
        Least and greatest dg.
    search : Search
        Bounds of the thresholds.
    prior : callable
        Term in dg itself, and its gradient.

    Returns
    -------
    dg, thresholds, value : ndarray (n,), ndarray (2,), float
        The minimiser and the model's objective there.
    """
    n = len(slopes)
    start = np.concatenate([np.zeros(n), to_unconstrained(thresholds, search.thresholds)])
    limits = [*map(tuple, box), (-_FARTHEST, _FARTHEST), (-_FARTHEST, _FARTHEST)]
    found = minimize(
        tangent_model(objective, u, slopes, search, prior),
        start,
        jac=True,
        bounds=limits,
        method="L-BFGS-B",
    )
    return found.x[:n], from_unconstrained(found.x[n:], search.thresholds)[0], float(found.fun)


def start_point(
    u: np.ndarray, objective: RegionLoss, g: np.ndarray, thresholds: np.ndarray, search: Search
) -> Point:
    """The point at `g`, where the density is u, with the thresholds that are best for it."""
    no_slopes, no_box = np.empty((0, *u.shape)), np.empty((0, 2))
    _, best, value = tangent_minimum(objective, u, no_slopes, thresholds, no_box, search)
    return Point(g, best, u, value + search.prior(g)[0])


def minimise(
    density: Density,
    objective: RegionLoss,
    point: Point,
    search: Search,
    trust: Trust,
    slopes_at: Slopes | None = None,
) -> tuple[Point, bool]:
    """Descend from a point of `start_point`.

    Parameters
    ----------
    density : callable
        u(g) on the grid of the objective.
    objective : RegionLoss
        What is minimised, together with `search.prior`.
    point : Point
        Start, with its objective at the same slope k.
    search : Search
        Bounds, scales and allowed points.
    trust : Trust
        How far the first step may go, and when to stop.
    slopes_at : callable, optional
        Derivatives of logit u by g at a point; by default `sensitivities`.

    Returns
    -------
    point : Point
        The best point visited.
    converged : bool
        Whether the model predicts less than `tolerance`, or the trust region has collapsed.
    """
    slopes, radius, tolerance = None, trust.radius, trust.tolerance
    for _ in range(trust.most):
        if slopes is None:
            slopes = slopes_at(point) if slopes_at else sensitivities(density, point, search)
        reach = radius * search.scale
        box = np.stack(
            [np.maximum(-reach, search.low - point.g), np.minimum(reach, search.high - point.g)], 1
        )
        here = point.g
        dg, thresholds, predicted = tangent_minimum(
            objective,
            point.u,
            slopes,
            point.thresholds,
            box,
            search,
            lambda d, here=here: search.prior(here + d),  # type: ignore[misc]
        )
        gain = point.objective - predicted
        if gain < tolerance or radius < _LEAST_RADIUS:
            return point, True
        g, ratio = point.g + dg, -np.inf
        if search.allowed(g):
            u = density(g)
            value = objective.value(u, thresholds) + search.prior(g)[0]
            ratio = (point.objective - value) / gain
            if _RADIUS.accepts(ratio):
                point, slopes = Point(g, thresholds, u, value), None
        cut = bool(np.any(np.abs(dg) > 0.99 * reach))
        radius = _RADIUS.next(radius, ratio if cut else min(ratio, _RADIUS.good))
    return point, False
