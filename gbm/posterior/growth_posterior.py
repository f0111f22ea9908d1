"""The posterior density of growth, origin and thresholds given the outlines of one patient.

    log p(theta | outlines) = log prior(theta) + sum_r log p(outline_r | logit u(theta), tau_r)

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
START_CELL_MM = 2.0
"""Cells for the first climbs; coarser ones led a volume into modes that finer ones do not have."""
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
    likelihoods : tuple of OutlineLikelihood
        One a region.
    held : tuple of int
    """

    forward: Forward
    prior: Prior
    likelihoods: tuple[OutlineLikelihood, ...]
    held: tuple[int, ...] = ()

    @classmethod
    def of(
        cls, domain: Domain, inverse: GrowthInverseProblem, held: tuple[int, ...] = ()
    ) -> LogPosterior:
        """Of a patient, with the noise level unknown."""
        names = tuple(name for name in REGIONS if getattr(domain, name).any())
        regions = tuple(Region.of(domain, name) for name in names)
        likelihoods = tuple(OutlineLikelihood.of(region) for region in regions)
        forward = _forward(domain, inverse, regions, CELL_MM[domain.dimensions])
        return cls(forward, Prior.of(domain, inverse, names), likelihoods, held)

    @property
    def without_outline(self) -> str:
        """Why there is no interval, or ""."""
        if any(len(term.region.outline.faces) for term in self.likelihoods):
            return ""
        return (
            "no outline can be compared with the model: all of it lies at the walls of the "
            "tissue, so there is no interval for the growth parameters"
        )

    @property
    def scale(self) -> np.ndarray:
        """Natural size (n,) of a change of each unknown."""
        d, regions = self.forward.grid.dimensions, len(self.likelihoods)
        return np.repeat([1.0, ORIGIN_SCALE_MM, _THRESHOLD_SCALE], [2, d, regions])

    @property
    def growth(self) -> slice:
        """The unknowns that the density depends on."""
        return slice(0, 2 + self.forward.grid.dimensions)

    def coarse(self) -> LogPosterior:
        """The same on the cells of the first climbs."""
        if self.forward.grid.h >= START_CELL_MM:
            return self
        regions, inverse = [term.region for term in self.likelihoods], self.forward.inverse
        forward = _forward(self.prior.domain, inverse, regions, START_CELL_MM)
        return replace(self, forward=forward)

    def near(self, theta: np.ndarray) -> LogPosterior:
        """With a fixed number of time steps that serves around theta."""
        return replace(self, forward=self.forward.near(theta))

    def frozen(
        self, theta: np.ndarray, features: np.ndarray, floor_mm: float, factor: float
    ) -> LogPosterior:
        """With the noise level of every outline from its misfit at a first mode."""
        known = tuple(
            likelihood.frozen(part, tau, floor_mm, factor)
            for likelihood, part, tau in zip(
                self.likelihoods, self.split(features), self._levels(theta), strict=True
            )
        )
        return replace(self, likelihoods=known)

    def misfit(self, theta: np.ndarray, features: np.ndarray) -> dict[str, float]:
        """Root mean square displacement of each outline, mm."""
        parts = zip(self.likelihoods, self.split(features), self._levels(theta), strict=True)
        return {term.region.name: term.misfit(part, tau) for term, part, tau in parts}

    def log(self, theta: np.ndarray, features: np.ndarray) -> np.ndarray:
        """log p (W,), up to a constant, of theta (W, n) with features (W, F)."""
        value = self.prior.log(theta)
        ok = np.isfinite(value)
        value[ok] += self.likelihood(features[ok], theta[ok, self.growth.stop :].T)
        return value

    def likelihood(self, features: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """log p(outlines) (W,), up to a constant, of features (W, F) at thresholds (regions, W)."""
        value = np.zeros(len(features))
        for term, part, tau in zip(self.likelihoods, self.split(features), levels, strict=True):
            value += term.log(part, tau)
        return value

    def evaluate(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """log p at theta (n,), and the features there."""
        if not self.prior.supports(theta[None])[0]:
            return -np.inf, np.empty(0)
        features = self.forward(theta)
        return float(self.log(theta[None], features[None])[0]), features

    def expand(self, theta: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Gradient (n,) and Gauss-Newton Hessian (n, n) of -log p; one solve an unknown of u.

        Those of log p vanish along what is held.
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
        parts = zip(self.likelihoods, self.split(seen), self.split(moved), strict=True)
        for r, (term, part, shifted) in enumerate(parts, start=self.growth.stop):
            own = [*free, r]
            by_own, information = term.expand(part, theta[r], shifted, steps)
            gradient[own] += by_own
            hessian[np.ix_(own, own)] += information
        return gradient, hessian

    def split(self, features: np.ndarray) -> list[np.ndarray]:
        """Features (.., F) region by region."""
        ends = np.cumsum([term.region.size for term in self.likelihoods])
        return np.split(features, ends[:-1], axis=-1)

    def levels_of(self, thresholds: np.ndarray) -> np.ndarray:
        """Those of the regions that are there, of the thresholds (2,) of WT and TC."""
        return thresholds[: len(self.likelihoods)]

    def _levels(self, theta: np.ndarray) -> list[float]:
        """The thresholds of theta (n,)."""
        return [float(tau) for tau in theta[self.growth.stop :]]


def _forward(
    domain: Domain, inverse: GrowthInverseProblem, regions: Sequence[Region], cell_mm: float
) -> Forward:
    grid = GrowthMap.of(domain, cell_mm)
    return Forward(grid, inverse, tuple(Reader.of(region, grid.axes) for region in regions))


def growth_of(theta: np.ndarray) -> Growth:
    """D T = lambda^2 rho T and rho T of theta."""
    return Growth.of_lambda(float(np.exp(theta[0])), float(np.exp(theta[1])))
