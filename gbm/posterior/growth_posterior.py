"""The posterior density of growth, origin and thresholds given the outlines of one patient.

    log p(theta | outlines) = log prior(theta) + log p(outlines | logit u(theta), tau)

with theta = (ln lambda, ln rho T, x0, one threshold a region) and u by the finite-volume solver.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logit

from gbm.config.conventions import REGIONS
from gbm.growth.finite_volume import default_steps, solve
from gbm.growth.growth_map import GrowthMap
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.parameters import Growth
from gbm.posterior.likelihood import OutlineLikelihood
from gbm.posterior.prior import Prior
from gbm.posterior.region import Reader, Region

if TYPE_CHECKING:
    from gbm.domain.domain import Domain

CELL_MM = {2: 1.0, 3: 2.0}
"""Cells that the samples are solved on, by dimension."""
ORIGIN_SCALE_MM = 10.0
"""A move of the origin that changes as much as one unit of ln lambda."""
_THRESHOLD_SCALE = 0.1
_DERIVATIVE_STEP = 2e-3
_STEPS_RESERVE = 1.2
DENSITY_FLOOR = 1e-10


@dataclass(frozen=True)
class Forward:
    """What the solver says the regions' features are.

    Attributes
    ----------
    grid : GrowthMap
        Cells that it solves on.
    inverse : GrowthInverseProblem
        The seed.
    readers : tuple of Reader
        Of the regions with a segmentation.
    steps : int or None
        Time steps; None: as many as each theta needs. A number that changed with theta would spoil
        finite differences.
    """

    grid: GrowthMap
    inverse: GrowthInverseProblem
    readers: tuple[Reader, ...]
    steps: int | None = None

    def near(self, theta: np.ndarray) -> Forward:
        """With a number of steps that serves around theta."""
        steps = default_steps(growth_of(theta), self.grid.h, self.grid.dimensions)
        return replace(self, steps=int(_STEPS_RESERVE * steps))

    def density(self, theta: np.ndarray) -> np.ndarray:
        """u at the time of the scan on the cells, of theta (>= 2 + d,)."""
        seed = self.inverse.seed(theta[2 : 2 + self.grid.dimensions])
        return np.asarray(solve(self.grid, growth_of(theta), seed, steps=self.steps)[0])

    def read(self, u: np.ndarray) -> np.ndarray:
        """Features (F,) of all regions of a density."""
        logit_u = logit(np.clip(u.ravel().astype(np.float64), DENSITY_FLOOR, 1 - DENSITY_FLOOR))
        return np.concatenate([reader(logit_u) for reader in self.readers])

    def __call__(self, theta: np.ndarray) -> np.ndarray:
        """Features (F,) at theta."""
        return self.read(self.density(theta))


@dataclass(frozen=True)
class LogPosterior:
    """log p(theta | outlines), a `bilo.posterior.gauss_newton.Target`.

    Unknowns that are held stay where a climb starts.

    Attributes
    ----------
    forward : Forward
    prior : Prior
    outlines : OutlineLikelihood
    held : tuple of int
    """

    forward: Forward
    prior: Prior
    outlines: OutlineLikelihood
    held: tuple[int, ...] = ()

    @classmethod
    def of(
        cls, domain: Domain, inverse: GrowthInverseProblem, held: tuple[int, ...] = ()
    ) -> LogPosterior:
        """Of a patient, with a noise level of 1 mm: it is not known yet."""
        names = tuple(name for name in REGIONS if getattr(domain, name).any())
        regions = tuple(Region.of(domain, name) for name in names)
        forward = _forward(domain, inverse, regions, CELL_MM[domain.dimensions])
        outlines = OutlineLikelihood.of(regions, domain.dimensions)
        return cls(forward, Prior.of(domain, inverse, names), outlines, held)

    @property
    def without_outline(self) -> str:
        """Why there is no interval, or ""."""
        if not self.outlines.empty:
            return ""
        return (
            "no outline can be compared with the model: all of it lies at the walls of the tissue, "
            "or around too few voxels"
        )

    @property
    def scale(self) -> np.ndarray:
        """Natural size (n,) of a change of each unknown."""
        d, regions = self.forward.grid.dimensions, len(self.outlines.regions)
        return np.repeat([1.0, ORIGIN_SCALE_MM, _THRESHOLD_SCALE], [2, d, regions])

    @property
    def growth(self) -> slice:
        """The unknowns that the density depends on."""
        return slice(0, 2 + self.forward.grid.dimensions)

    def on(self, cell_mm: float) -> LogPosterior:
        """The same on other cells."""
        if cell_mm == self.forward.grid.h:
            return self
        regions, inverse = self.outlines.regions, self.forward.inverse
        return replace(self, forward=_forward(self.prior.domain, inverse, regions, cell_mm))

    def near(self, theta: np.ndarray) -> LogPosterior:
        """With a fixed number of time steps that serves around theta."""
        return replace(self, forward=self.forward.near(theta))

    def frozen(
        self, theta: np.ndarray, features: np.ndarray, floor_mm: float, factor: float
    ) -> LogPosterior:
        """With the noise level of every outline from its misfit at a first mode."""
        known = self.outlines.frozen(features, self._levels(theta), floor_mm, factor)
        return replace(self, outlines=known)

    def misfit(self, theta: np.ndarray, features: np.ndarray) -> dict[str, float]:
        """Root mean square displacement of each outline, mm."""
        return self.outlines.misfit(features, self._levels(theta))

    def log(self, theta: np.ndarray, features: np.ndarray) -> np.ndarray:
        """log p (W,), up to a constant, of theta (W, n) with features (W, F)."""
        value = self.prior.log(theta)
        ok = np.isfinite(value)
        value[ok] += self.outlines.log(features[ok], self._levels(theta[ok].T))
        return value

    def far_off(self, theta: np.ndarray, features: np.ndarray) -> np.ndarray:
        """The same for what is far off, see `OutlineLikelihood.far_off`."""
        return self.prior.log(theta) + self.outlines.far_off(features, self._levels(theta.T))

    def evaluate(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """log p at theta (n,), and the features there."""
        if not self.prior.supports(theta[None])[0]:
            return -np.inf, np.empty(0)
        features = self.forward(theta)
        return float(self.log(theta[None], features[None])[0]), features

    def expand(self, theta: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Gradient (n,) of log p, Gauss-Newton Hessian (n, n) of -log p; one solve an unknown of u.

        Those of the likelihood vanish along what is held, and the gradient of the prior.
        """
        n = self.growth.stop
        free = [i for i in range(n) if i not in self.held]
        steps = np.diag(_DERIVATIVE_STEP * self.scale[:n])[free]
        moved = np.array([self.forward(theta[:n] + row) for row in steps])
        gradient, hessian = self.expansion(theta, seen, moved, free, steps[:, free].diagonal())
        gradient[list(self.held)] = 0.0
        return gradient, hessian

    def expansion(
        self,
        theta: np.ndarray,
        seen: np.ndarray,
        moved: np.ndarray,
        free: Sequence[int],
        steps: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same with features (m, F) where m unknowns have moved by their steps (m,)."""
        gradient, hessian = self.prior.gradient(theta), np.diag(self.prior.precision)
        by_own, information = self.outlines.expand(seen, self._levels(theta), moved, steps)
        own = [*free, *range(self.growth.stop, len(theta))]
        gradient[own] += by_own
        hessian[np.ix_(own, own)] += information
        return gradient, hessian

    def levels_of(self, thresholds: np.ndarray) -> np.ndarray:
        """Those of the regions that are there, of the thresholds (2,) of WT and TC."""
        return thresholds[: len(self.outlines.regions)]

    def _levels(self, theta: np.ndarray) -> np.ndarray:
        """The thresholds of theta (n, ..)."""
        return theta[self.growth.stop :]


def _forward(
    domain: Domain, inverse: GrowthInverseProblem, regions: Sequence[Region], cell_mm: float
) -> Forward:
    grid = GrowthMap.of(domain, cell_mm)
    return Forward(grid, inverse, tuple(Reader.of(region, grid.axes) for region in regions))


def growth_of(theta: np.ndarray) -> Growth:
    """D T = lambda^2 rho T and rho T of theta."""
    return Growth.of_lambda(float(np.exp(theta[0])), float(np.exp(theta[1])))
