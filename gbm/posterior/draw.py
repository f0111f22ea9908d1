"""Samples of the posterior: an ensemble on a quadratic model, weighted by the solver.

Where the weights say that the model was no good it is made again about the weighted samples; where
that is no good either, or the samples leave it, the ensemble walks with the solver itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bilo.posterior.ensemble import Chain, LogDensity, sample
from bilo.posterior.gauss_newton import Mode, covariance
from bilo.posterior.importance import effective_share, truncated_weights
from bilo.posterior.secants import Quadratic, principal_axes
from gbm.posterior.growth_posterior import LogPosterior
from gbm.posterior.mode import climb

LEAST_EFFECTIVE = 0.3
"""Effective share of the samples below which the quadratic model is given up."""
_WALKERS, _STEPS = 60, 200
_SOLVED_WALKERS, _SOLVED_STEPS = 40, 60
MOST_SAMPLES = 1440
"""States that either ensemble keeps, of which samples are chosen."""
_SPREAD = 0.7
"""Of the first walkers, in standard deviations at the mode."""
_TRUSTED = 6.0
"""Lengths of its axes up to which the quadratic model is asked."""
_HIGHER = 1.0
"""Gain of log p by which a sample shows that the climb had ended too early."""
_NARROWEST = 0.02
"""Least sd of samples that a model is made about, in natural units: one may have all the weight."""
_WIDER, _ROUNDS = 1.3, 6
"""Where the samples spread this much wider than the axes, at a mode in a flat spot whose curvature
is no measure of the width, the model is made again with axes as wide as they are."""


@dataclass(frozen=True)
class Draws:
    """Weighted samples.

    Attributes
    ----------
    theta : ndarray (N, n)
    weights : ndarray (N,)
        Normalised.
    u : float32 ndarray (N, cells ..)
        Density of each on the posterior's grid.
    effective : float
        Effective share of the samples of the quadratic model.
    sampler : str
        ``importance``, or ``solver`` where the fallback was needed.
    mode : Mode
        The highest one that was found.
    """

    theta: np.ndarray
    weights: np.ndarray
    u: np.ndarray
    effective: float
    sampler: str
    mode: Mode[np.ndarray]


def draw(
    posterior: LogPosterior, mode: Mode[np.ndarray], count: int, rng: np.random.Generator
) -> Draws:
    """Sample the posterior around its mode.

    Parameters
    ----------
    posterior : LogPosterior
        With a fixed number of time steps.
    mode : Mode
    count : int
        Samples that are solved.
    rng : numpy.random.Generator
    """
    chain, mode, trusted = _modelled(posterior, mode, rng)
    found = _weighted(posterior, mode, chain, count, rng)
    if trusted and found.effective < LEAST_EFFECTIVE:
        found = max(found, _about_samples(posterior, found, rng), key=lambda draws: draws.effective)
    if trusted and found.effective >= LEAST_EFFECTIVE:
        return found
    return _with_solver(posterior, found, rng)


def _about_samples(posterior: LogPosterior, found: Draws, rng: np.random.Generator) -> Draws:
    """Samples of a quadratic model about the weighted ones: their mean, as wide as they are.

    A mode on a rough ridge may lie at the edge of what it is the mode of. Where few samples count
    they tell too little of a width: the model is made again as wide as its own samples, and where
    it does not come to that the weighted ones are returned.
    """
    w, theta = found.weights, found.theta
    mean = w @ theta
    nearest = theta[np.argmin(np.sum(((theta - mean) / posterior.scale) ** 2, axis=1))]
    centre = mean if posterior.prior.supports(mean[None])[0] else nearest
    value, seen = posterior.evaluate(centre)
    spread = (w * (theta - mean).T) @ (theta - mean) + np.diag((_NARROWEST * posterior.scale) ** 2)
    about = Mode(centre, value, np.linalg.inv(spread), seen)
    axes = _axes(posterior, spread)
    log_density = _on_quadratic(posterior, about, axes)
    start = _walkers(log_density, centre, posterior.prior.narrowed(spread), rng)
    for _ in range(_ROUNDS):
        chain = sample(log_density, start, _STEPS, rng)
        sampled = _axes(posterior, np.cov(chain.theta.T))
        if np.linalg.norm(np.linalg.solve(axes, sampled), 2) < _WIDER:
            return _weighted(posterior, found.mode, chain, len(theta), rng)
        axes = sampled
        log_density = _on_quadratic(posterior, about, axes)
        start = _going_on(log_density, chain, centre, rng)
    return found


def _going_on(
    log_density: LogDensity, chain: Chain, centre: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The walkers of a chain, where another density allows as many."""
    start = chain.theta[np.isfinite(log_density(chain.theta))][-_WALKERS:]
    if len(start) == _WALKERS:
        return start
    return _walkers(log_density, centre, np.cov(chain.theta.T), rng)


def _modelled(
    posterior: LogPosterior, mode: Mode[np.ndarray], rng: np.random.Generator
) -> tuple[Chain, Mode[np.ndarray], bool]:
    """Samples of a model that is as wide as they are, its mode, and whether it came to that.

    The walkers go on from one model to the next.
    """
    spread = covariance(mode.hessian, posterior.scale)
    axes = _axes(posterior, spread)
    log_density = _on_quadratic(posterior, mode, axes)
    start = _walkers(log_density, mode.theta, posterior.prior.narrowed(spread), rng)
    for _ in range(_ROUNDS):
        chain = sample(log_density, start, _STEPS, rng)
        sampled = _axes(posterior, np.cov(chain.theta.T))
        higher = _higher(posterior, mode, chain)
        wider = np.linalg.norm(np.linalg.solve(axes, sampled), 2)
        if higher is None and wider < _WIDER:
            return chain, mode, True
        mode, axes = higher or mode, sampled
        log_density = _on_quadratic(posterior, mode, axes)
        start = _going_on(log_density, chain, mode.theta, rng)
    return chain, mode, False


def _higher(
    posterior: LogPosterior, mode: Mode[np.ndarray], chain: Chain
) -> Mode[np.ndarray] | None:
    """The mode near the best sample, if that is higher than the one the climb had ended in."""
    best = chain.theta[np.argmax(chain.log_density)]
    if posterior.evaluate(best)[0] < mode.log_density + _HIGHER:
        return None
    return climb(posterior, best)


def _axes(posterior: LogPosterior, spread: np.ndarray) -> np.ndarray:
    """Principal axes of the unknowns that the density depends on, from the covariance of all."""
    n = posterior.growth.stop
    return principal_axes(spread[:n, :n], posterior.scale[:n])


def _on_quadratic(posterior: LogPosterior, mode: Mode[np.ndarray], axes: np.ndarray) -> LogDensity:
    """The log density of a quadratic model of the features; the crossings are exact."""
    n = posterior.growth.stop
    model = Quadratic.of(posterior.forward, mode.theta[:n], mode.seen, axes)

    def log_density(theta: np.ndarray) -> np.ndarray:
        q = np.linalg.solve(axes, (theta[:, :n] - model.centre).T)
        value = np.full(len(theta), -np.inf)
        near = (np.abs(q) < _TRUSTED).all(axis=0) & posterior.prior.supports(theta)
        if near.any():
            value[near] = posterior.log(theta[near], model(theta[near, :n]))
        return value

    return log_density


def _walkers(
    log_density: LogDensity, centre: np.ndarray, spread: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Gaussian around the mode, closer to it where that leaves the support."""
    root = np.linalg.cholesky(spread + 1e-12 * np.diag(np.diag(spread)))
    width, found = _SPREAD, np.empty((0, len(centre)))
    while len(found) < _WALKERS:
        guess = centre + width * rng.standard_normal((8 * _WALKERS, len(centre))) @ root.T
        found = np.concatenate([found, guess[np.isfinite(log_density(guess))]])
        width *= 0.7
    return found[:_WALKERS]


def _weighted(
    posterior: LogPosterior,
    mode: Mode[np.ndarray],
    chain: Chain,
    count: int,
    rng: np.random.Generator,
) -> Draws:
    """Some of a chain's samples, solved, with the weights exact over modelled density."""
    chosen = rng.choice(len(chain.theta), min(count, len(chain.theta)), replace=False)
    theta = chain.theta[chosen]
    u, exact = _solved(posterior, theta)
    weights = truncated_weights(exact - chain.log_density[chosen])
    return Draws(theta, weights, u, effective_share(weights), "importance", mode)


def _solved(posterior: LogPosterior, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Densities (N, cells ..) and log p (N,) of theta (N, n)."""
    u = np.empty((len(theta), *posterior.forward.grid.phi.shape), np.float32)
    exact = np.empty(len(theta))
    for i, row in enumerate(theta):
        density = posterior.forward.density(row)
        exact[i] = posterior.log(row[None], posterior.forward.read(density)[None])[0]
        u[i] = density
    return u, exact


def _with_solver(posterior: LogPosterior, found: Draws, rng: np.random.Generator) -> Draws:
    """An ensemble that solves for every proposal, from the weighted samples on."""

    def log_density(theta: np.ndarray) -> np.ndarray:
        return np.array([posterior.evaluate(row)[0] for row in theta])

    positive = found.weights + 1e-12
    chosen = rng.choice(len(positive), _SOLVED_WALKERS, replace=False, p=positive / positive.sum())
    start = found.theta[chosen]
    chain = sample(log_density, start, _SOLVED_STEPS, rng, thin=1)
    count = len(found.theta)
    kept = chain.theta[rng.choice(len(chain.theta), count, replace=False)]
    u, _ = _solved(posterior, kept)
    equal = np.full(count, 1 / count)
    return Draws(kept, equal, u, found.effective, "solver", found.mode)
