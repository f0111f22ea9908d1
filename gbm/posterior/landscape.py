"""What one scan can identify, where the objective is minus the log posterior.

On the cells of the posterior's samples; see `gbm.search.identifiability` for an overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bilo.posterior.gauss_newton import Descent, Mode, levenberg_marquardt
from gbm.posterior.growth_posterior import LogPosterior
from gbm.posterior.mode import LEVEL_REACH, NEAREST, climb
from gbm.search.identifiability import axes_around, tabulated

_MOST, _TOLERANCE = 15, 1e-3
"""Trial steps of a fit of the thresholds, and the gain of log p at which it ends."""


def profile(
    posterior: LogPosterior, best: np.ndarray, factors: Sequence[float] = (1.25, 1.6, 2.2)
) -> dict[str, list[float]]:
    """-log p at its least for each lambda, the other unknowns fitted again.

    Parameters
    ----------
    posterior : LogPosterior
        With its noise level known.
    best : ndarray (n,)
        Its mode; its own lambda is part of the profile.
    factors : sequence of float
        Ascending ratios above 1 of lambda to the best one, used upwards and downwards.

    Returns
    -------
    dict
        Columns lambda_mm, objective, rhoT and without_prior_of_lambda, lambda ascending.
    """
    held = replace(posterior, held=(0, *posterior.held))
    (low, high), prior, rows = posterior.prior.bounds[0], posterior.prior, []
    for direction in (1.0, -1.0):
        theta = best
        for factor in (1.0, *factors):
            ln_lambda = best[0] + direction * np.log(factor)
            if not low < ln_lambda < high or (factor == 1.0 and direction < 0):
                continue
            # Along the valley lambda rho T is nearly constant, the way of the front.
            start = theta.copy()
            start[:2] += np.array([1.0, -1.0]) * (ln_lambda - theta[0])
            mode = _climb(held, prior.inside(start))
            theta, objective = mode.theta, -mode.log_density
            known = 0.5 * prior.precision[0] * (theta[0] - prior.mean[0]) ** 2
            growth = np.exp(theta[:2]).tolist()
            rows.append((growth[0], objective, growth[1], float(objective - known)))
    names = ("lambda_mm", "objective", "rhoT", "without_prior_of_lambda")
    return dict(zip(names, map(list, zip(*sorted(rows), strict=True)), strict=True))


def _climb(posterior: LogPosterior, start: np.ndarray) -> Mode[np.ndarray]:
    return climb(posterior.near(start), start)


def surface(
    posterior: LogPosterior,
    best: np.ndarray,
    reach: tuple[float, float] = (0.7, 0.5),
    count: int = 11,
) -> dict[str, list[float] | list[list[float]]]:
    """-log p for each pair of lambda and rho T, the thresholds fitted again, the origin held.

    Parameters
    ----------
    posterior : LogPosterior
        With its noise level known.
    best : ndarray (n,)
        Its mode, in the middle of the surface where the bounds allow.
    reach : (float, float)
        How far ln lambda and ln rho T run to either side.
    count : int
        Points along each.

    Returns
    -------
    dict
        Axes lambda_mm and rhoT, ascending, and objective[i][j] at lambda_mm[i], rhoT[j].
    """
    forward, n = posterior.forward, posterior.growth.stop

    def least(lambda_mm: float, rhoT: float, u: np.ndarray) -> float:
        theta = np.append(np.log([lambda_mm, rhoT]), best[2:])
        inside = posterior.prior.inside(theta, NEAREST)
        return _Levels(posterior, inside[:n], forward.read(u)).least(inside[n:])

    axes = axes_around(best[:2], reach, posterior.prior.bounds, count)
    return tabulated(forward.grid, forward.inverse.seed(best[2:n]), axes, least)


@dataclass(frozen=True)
class _Levels:
    """log p of thresholds (regions,) where growth, origin and density are given, a `Target`."""

    posterior: LogPosterior
    growth: np.ndarray
    features: np.ndarray

    def least(self, start: np.ndarray) -> float:
        """-log p at the best thresholds."""
        scale = self.posterior.scale[len(self.growth) :]
        descent = Descent(scale, LEVEL_REACH, _MOST, _TOLERANCE, self.towards)
        return -levenberg_marquardt(self, start, descent).log_density

    def towards(self, here: np.ndarray, there: np.ndarray) -> np.ndarray:
        """The second, moved into the support of the prior."""
        theta = np.append(self.growth, there)
        return self.posterior.prior.inside(theta, NEAREST)[len(self.growth) :]

    def evaluate(self, levels: np.ndarray) -> tuple[float, None]:
        """Its value."""
        theta = np.append(self.growth, levels)
        return float(self.posterior.log(theta[None], self.features[None])[0]), None

    def expand(self, levels: np.ndarray, seen: None) -> tuple[np.ndarray, np.ndarray]:
        """Gradient and Gauss-Newton Hessian of -log p."""
        theta, n = np.append(self.growth, levels), len(self.growth)
        nothing = np.empty((0, self.features.size))
        gradient, hessian = self.posterior.expansion(theta, self.features, nothing, (), np.empty(0))
        return gradient[n:], hessian[n:, n:]
