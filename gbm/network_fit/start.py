"""Where a network starts: the characteristic parameters, unless they lie in the wrong basin.

The characteristic parameters know the sizes of the regions but nothing of the tissue. On some
patients they are several times off in D, and the objective has a better basin elsewhere; where
there is hardly any oedema their front is narrower than a voxel, which no grid sees. The start
is a matter of one coarse finite-volume table; nothing is descended, and the optimum plays no part.

A fit that ends clearly above the direct fit is offered a second start, at the direct fit's own
parameters (`gbm.network_fit.best_basin.fit_in_best_basin`); its source says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from gbm.growth.characteristic import Characteristic
from gbm.growth.finite_volume import solve
from gbm.growth.grids import Grids
from gbm.growth.growth_map import GrowthMap
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.parameters import Growth
from gbm.search.coarse_search import best_thresholds, screen

if TYPE_CHECKING:
    from gbm.domain.domain import Domain

CLEARLY_BETTER = 0.05
"""Least gain of the table in the objective, on 2 mm cells; any does where the front of the
characteristic parameters, sqrt(DT / rhoT), is narrower than a voxel."""
FAR = 3.0
"""Least factor in D by which the table's best is away: nearer, a local operator gets there."""


@dataclass(frozen=True)
class NetworkStart(Growth):
    """Parameters at which a network is pretrained and its lift is made, D T in mm^2 and rho T.

    Attributes
    ----------
    source : {"characteristic", "table", "direct fit"}
    thresholds : tuple of float, optional
        Of WT and TC, where the upper level begins; the prior's means without them.
    """

    source: Literal["characteristic", "table", "direct fit"] = "characteristic"
    thresholds: tuple[float, ...] | None = None


def start_of(
    domain: Domain,
    characteristic: Characteristic,
    origin: np.ndarray,
    inverse: GrowthInverseProblem,
) -> NetworkStart:
    """The characteristic start, or the best of four lambdas and eleven rho T on 2 mm cells.

    Parameters
    ----------
    domain : Domain
    characteristic : Characteristic
    origin : ndarray (d,)
        x0, mm.
    inverse : GrowthInverseProblem
    """
    own = NetworkStart(characteristic.DT, characteristic.rhoT)
    cells = Grids.of(domain.dimensions).descent
    grid, goal = GrowthMap.of(domain, cells), inverse.steepened[0].coarsened(cells)
    best = screen(grid, [goal], [origin], inverse)[0][0]
    u = solve(grid, own, inverse.seed(origin))[0]
    _, value = best_thresholds(goal, u, inverse.threshold_bounds)
    value += inverse.growth_prior.value(characteristic.lambda_mm, characteristic.rhoT)
    far = abs(math.log(best.growth.DT / own.DT)) > math.log(FAR)
    unseen = own.lambda_mm < domain.spacing
    if far and best.objective < value - (0.0 if unseen else CLEARLY_BETTER):
        return NetworkStart(best.growth.DT, best.rhoT, "table")
    return own
