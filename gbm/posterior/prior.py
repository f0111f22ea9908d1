"""What is known before the outlines are seen, of theta = (ln lambda, ln rho T, x0, thresholds).

ln lambda, ln rho T: normal, the project's growth prior, within the bounds of the growth;
x0: uniform on the tissue, phi > 1/2;
u_r: N(mean_r, .1^2),    .03 < u_WT < u_TC - .02 < .95, within the bounds of the thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gbm.config.conventions import REGIONS
from gbm.config.objective_settings import GAP, HIGHEST, LOWEST
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.thresholds import PRIOR_SD

if TYPE_CHECKING:
    from gbm.domain.domain import Domain

_MARGIN = 0.01
"""How far inside of the support a start is moved, where that is wide enough."""
_SHARES = (1.0, 0.5, 0.25, 0.125, 0.0625)
"""Of a move of the origin that would leave the tissue."""


@dataclass(frozen=True)
class Prior:
    """The prior density of theta (n,), n = 2 + d + number of regions.

    Attributes
    ----------
    domain : Domain
        Its tissue and axes.
    mean, precision : ndarray (n,)
        Zero precision for x0.
    bounds : ndarray (2, 2)
        Least and greatest ln lambda, and ln rho T.
    levels : ndarray (regions, 2)
        Least and greatest threshold of each region.
    """

    domain: Domain
    mean: np.ndarray
    precision: np.ndarray
    bounds: np.ndarray
    levels: np.ndarray

    @classmethod
    def of(cls, domain: Domain, inverse: GrowthInverseProblem, regions: tuple[str, ...]) -> Prior:
        """That of a patient, for the regions that are there."""
        known = (inverse.growth_prior.lambda_mm, inverse.growth_prior.rhoT)
        means = dict(zip(REGIONS, inverse.objective.prior_means, strict=True))
        origin = np.zeros(domain.dimensions)
        sd = [*(p.log_sd for p in known), *np.full(origin.size, np.inf), *[PRIOR_SD] * len(regions)]
        mean = [*(np.log(p.median) for p in known), *domain.x0, *(means[name] for name in regions)]
        limits = [inverse.growth_bounds["lambda_mm"], inverse.growth_bounds["rhoT"]]
        levels = np.clip([inverse.threshold_bounds[name] for name in regions], LOWEST, HIGHEST)
        return cls(domain, np.array(mean), np.array(sd) ** -2.0, np.log(limits), levels)

    def log(self, theta: np.ndarray) -> np.ndarray:
        """Log density (W,), up to a constant, of theta (W, n); -inf outside the support."""
        return np.where(self.supports(theta), -self.penalty(theta), -np.inf)

    def penalty(self, theta: np.ndarray) -> np.ndarray:
        """Half the squared deviations of theta (W, n) from the means, in sd, (W,)."""
        return np.asarray(0.5 * (theta - self.mean) ** 2 @ self.precision)

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Of the log density at theta (n,)."""
        return np.asarray(self.precision * (self.mean - theta))

    def supports(self, theta: np.ndarray) -> np.ndarray:
        """Whether theta (W, n) is possible at all, (W,)."""
        growth, levels = theta[:, :2], theta[:, 2 + self._d :]
        bounded = ((growth > self.bounds[:, 0]) & (growth < self.bounds[:, 1])).all(axis=1)
        ordered = (np.diff(levels, axis=1) > GAP).all(axis=1)
        possible = ((levels > self.levels[:, 0]) & (levels < self.levels[:, 1])).all(axis=1)
        return bounded & ordered & possible & self._in_tissue(theta[:, 2 : 2 + self._d])

    def inside(self, theta: np.ndarray, by: float = _MARGIN) -> np.ndarray:
        """The growth and thresholds of theta (n,) moved into the support, the origin as it is.

        They end up as far as `by` from its border, where it is wide enough.
        """
        growth, (x0, levels) = theta[:2], np.split(theta[2:], [self._d])
        growth = np.clip(growth, *_inner(self.bounds, np.ptp(self.bounds, axis=1), by))
        room = np.ptp(self.levels, axis=1)
        if len(levels) > 1:
            room[:] = min(room.min(), self.levels[1, 1] - self.levels[0, 0] - GAP)
        low, high = _inner(self.levels, room, by)
        levels = np.clip(levels, low, high)
        if len(levels) > 1:
            least = GAP + min(by, float(room[0]) / 4)
            levels[1] = min(max(levels[1], levels[0] + least), high[1])
            levels[0] = min(levels[0], levels[1] - least)
        return np.concatenate([growth, x0, levels])

    def towards(self, here: np.ndarray, there: np.ndarray, by: float = _MARGIN) -> np.ndarray:
        """`inside` of the second (n,) of two points, the origin as far on its way as tissue goes.

        Along one axis after the other, so that what a wall stops slides along it.
        """
        moved, own = self.inside(there, by), slice(2, 2 + self._d)
        if self._in_tissue(moved[None, own])[0]:
            return moved
        moved[own] = here[own]
        for k in range(2, 2 + self._d):
            for share in _SHARES:
                trial = moved.copy()
                trial[k] = here[k] + share * (there[k] - here[k])
                if self._in_tissue(trial[None, own])[0]:
                    moved = trial
                    break
        return moved

    def narrowed(self, spread: np.ndarray) -> np.ndarray:
        """A covariance (n, n) whose sd is no more than a quarter of what bounds allow of each.

        Its correlations are kept. As wide as nothing bounded it, nearly all of it were outside.
        """
        room = np.full(len(spread), np.inf)
        room[:2] = np.ptp(self.bounds, axis=1)
        room[2 + self._d :] = np.ptp(self.levels, axis=1)
        share = np.minimum(1.0, room / 4 / np.sqrt(np.diag(spread)))
        return np.asarray(share[:, None] * spread * share)

    @property
    def _d(self) -> int:
        return self.domain.dimensions

    def _in_tissue(self, x0: np.ndarray) -> np.ndarray:
        """Whether the voxels that hold x0 (W, d), mm, exist and have phi > 1/2."""
        first = np.array([axis[0] for axis in self.domain.axes])
        index = np.rint((x0 - first) / self.domain.spacing).astype(int)
        inside = ((index >= 0) & (index < self.domain.phi.shape)).all(axis=1)
        inside[inside] = self.domain.phi[tuple(index[inside].T)] > 0.5
        return inside


def _inner(limits: np.ndarray, room: np.ndarray, by: float) -> np.ndarray:
    """Limits (n, 2) moved inwards by a margin, or by a quarter of little room (n,); (2, n)."""
    margin = np.minimum(by, room / 4)
    return np.array([limits[:, 0] + margin, limits[:, 1] - margin])
