"""Coarse screening of candidates for the direct fit: origins, infiltration lengths and rho T.

On a grid of 2 mm, in a volume of 4 mm, one solve per origin and lambda gives a whole ladder of
rho T, because the solution for (DT, rhoT) at the time fraction t is that for (DT t, rhoT t) at the
end. Thresholds are read off a small table; the objective separates over the regions once u is
known.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gbm.config.conventions import REGIONS
from gbm.growth.finite_volume import solve
from gbm.growth.growth_map import GrowthMap
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.parameters import Growth
from gbm.growth.region_loss import RegionLoss
from gbm.growth.thresholds import Bounds, inside

if TYPE_CHECKING:
    from gbm.domain.domain import Domain

_LAMBDAS_MM = (2.0, 3.5, 5.5, 9.0)
_LADDER = (3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 19.0, 24.0, 30.0)
"""Whole numbers: with 30 or 60 steps to the last all times lie on steps."""
_LEVELS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
_GAP = 0.02
_STEPS = {2: 60, 3: 30}
_LATTICE_MM = {2: 5.0, 3: 7.5}
_SEEN = 0.02
"""Density that no threshold comes near."""


@dataclass(frozen=True)
class Candidate:
    """Growth parameters, origin (mm) and thresholds (2,), with the objective where it is known."""

    lambda_mm: float
    rhoT: float
    x0: np.ndarray
    thresholds: np.ndarray
    objective: float = np.inf
    converged: bool = False

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Candidate:
        """A direct fit as `baselines.json` holds it."""
        thresholds = np.array([record["thresholds"][region] for region in REGIONS])
        x0 = np.array(record["x0_grid_mm"], dtype=float)
        return cls(record["lambda_mm"], record["rhoT"], x0, thresholds, record["objective"])

    @property
    def growth(self) -> Growth:
        """D T = lambda^2 rho T (mm^2) and rho T."""
        return Growth.of_lambda(self.lambda_mm, self.rhoT)


def distinct(
    candidates: Iterable[Candidate],
    distance_mm: float,
    ln_lambda: float,
    count: int | None = None,
) -> list[Candidate]:
    """The first `count` candidates that differ from all earlier ones in x0 or in lambda.

    Parameters
    ----------
    candidates : iterable of Candidate
        Best first.
    distance_mm, ln_lambda : float
        Two candidates agree when their origins and ln lambda lie within both.
    count : int, optional
        How many to keep; all by default.
    """
    kept: list[Candidate] = []
    for candidate in candidates:
        agrees = (
            np.linalg.norm(candidate.x0 - other.x0) <= distance_mm
            and abs(np.log(candidate.lambda_mm / other.lambda_mm)) <= ln_lambda
            for other in kept
        )
        if not any(agrees):
            kept.append(candidate)
        if len(kept) == count:
            break
    return kept


def origins(
    domain: Domain, reach_mm: float = 15.0, spacing_mm: float | None = None
) -> list[np.ndarray]:
    """Candidates for x0 in the tissue: the domain's own and a lattice around it."""
    step = _LATTICE_MM[domain.dimensions] if spacing_mm is None else spacing_mm
    n = int(reach_mm // step)
    offsets = itertools.product(step * np.arange(-n, n + 1), repeat=domain.dimensions)
    near = [np.array(offset) for offset in offsets if np.linalg.norm(offset) <= reach_mm]
    return [domain.x0 + offset for offset in near if in_tissue(domain, domain.x0 + offset)]


def in_tissue(domain: Domain, x0: np.ndarray) -> bool:
    """Whether the voxel that holds x0 (mm) exists and has phi > 1/2."""
    index = tuple(round(float(i)) for i in domain.index(x0))
    inside = all(0 <= i < n for i, n in zip(index, domain.phi.shape, strict=True))
    return inside and bool(domain.phi[index] > 0.5)


def screen(
    grid: GrowthMap,
    objectives: Sequence[RegionLoss],
    lattice: Iterable[np.ndarray],
    inverse: GrowthInverseProblem,
) -> list[list[Candidate]]:
    """All candidates of the table under each objective, best first.

    Parameters
    ----------
    grid : GrowthMap
        A coarse grid.
    objectives : sequence of RegionLoss
        On that grid, e.g. for two slopes k.
    lattice : iterable of ndarray (d,)
        Origins, mm.
    inverse : GrowthInverseProblem
        Bounds, seed and prior of the growth parameters.
    """
    tables: list[list[Candidate]] = [[] for _ in objectives]
    for lambda_mm, rhoT, x0, u in densities(grid, lattice, inverse):
        known = inverse.growth_prior.value(lambda_mm, rhoT)
        for table, objective in zip(tables, seen(objectives, u), strict=True):
            thresholds, value = best_thresholds(*objective, inverse.threshold_bounds)
            table.append(Candidate(lambda_mm, rhoT, x0, thresholds, value + known))
    return [sorted(table, key=lambda candidate: candidate.objective) for table in tables]


def densities(
    grid: GrowthMap, lattice: Iterable[np.ndarray], inverse: GrowthInverseProblem
) -> Iterator[tuple[float, float, np.ndarray, np.ndarray]]:
    """lambda (mm), rho T, origin (mm) and density (cells) of every growth of the table."""
    lambdas = _between(_LAMBDAS_MM, *inverse.growth_bounds["lambda_mm"])
    ladder = _between(_LADDER, *inverse.growth_bounds["rhoT"])
    steps = _STEPS[grid.dimensions]
    for x0, lambda_mm in itertools.product(lattice, lambdas.tolist()):
        greatest, seed = Growth.of_lambda(lambda_mm, ladder[-1]), inverse.seed(x0)
        solved = solve(grid, greatest, seed, times=ladder / ladder[-1], steps=steps)
        for rhoT, u in zip(ladder.tolist(), solved, strict=True):
            yield lambda_mm, rhoT, x0, u


def _between(values: Sequence[float], low: float, high: float) -> np.ndarray:
    """Those within bounds, or the middle of bounds that are too narrow for any."""
    found = np.array([value for value in values if low < value < high])
    return found if found.size else np.array([np.sqrt(low * high)])


def seen(objectives: Sequence[RegionLoss], u: np.ndarray) -> list[tuple[RegionLoss, np.ndarray]]:
    """The objectives with their density; of a volume only the cells that thresholds may show."""
    small, onto = objectives[0].visible(u, _SEEN)
    return [(replace(small, k=objective.k), onto(u)) for objective in objectives]


def best_thresholds(
    objective: RegionLoss, u: np.ndarray, bounds: Bounds
) -> tuple[np.ndarray, float]:
    """The best thresholds of a small table for a density, and the objective there.

    The prior of the growth parameters is not in it.
    """
    best, total = inside(np.array(objective.prior_means), bounds), 0.0
    for r in objective.regions:
        low, high = bounds["WT" if r == 0 else "TC"]
        least = low if r == 0 else max(low, best[0])
        levels = [v for v in _LEVELS if least + _GAP < v < high - _GAP] or [best[r]]
        values = [objective.region(r, u, level)[0] for level in levels]
        best[r], total = levels[int(np.argmin(values))], total + min(values)
        best = inside(best, bounds)
    return best, total
