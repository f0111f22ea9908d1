"""The radially symmetric growth problem in homogeneous tissue of d dimensions, on [0, 180] mm.

    u_t = DT r^(1-d) (r^(d-1) u_r)_r + rhoT u (1 - u),      u(r, 0) = h0 exp(-r0 r^2)

It is the planar scheme on a strip one cell wide, with r^(d-1) in the place of the phase field.
"""

from __future__ import annotations

import numpy as np

from gbm.growth.finite_volume import default_steps, evolve
from gbm.growth.growth_map import GrowthMap
from gbm.growth.parameters import Growth, Seed

EXTENT_MM = 180.0
AT_CENTRE = Seed(np.zeros(1))
_CELL_MM = 0.5


def radial(
    growth: Growth, seed: Seed = AT_CENTRE, dimensions: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Final density of a tumour in homogeneous tissue.

    Parameters
    ----------
    growth : Growth
        D T and rho T.
    seed : Seed
        Its height and width; its origin is r = 0.
    dimensions : int
        2: the disc, 3: the ball.

    Returns
    -------
    r, u : ndarray (n,)
        Cell centres, mm, and the density there at t = 1.
    """
    edges = _CELL_MM * np.arange(int(EXTENT_MM / _CELL_MM) + 1)
    r = 0.5 * (edges[1:] + edges[:-1])
    # the cell means of r^(d-1)
    weight = np.diff(edges**dimensions)[:, None] / (dimensions * _CELL_MM)
    walls = edges[1:-1, None] ** (dimensions - 1)
    strip = GrowthMap((r, np.zeros(1)), weight, (walls, np.empty((r.size, 0))))
    steps = 4 * default_steps(growth)  # one dimension is cheap
    u0 = seed.h0 * np.exp(-seed.r0 * r[:, None] ** 2)
    return r, evolve(strip, u0, growth, steps=steps)[0, :, 0]


def radius_at(r: np.ndarray, u: np.ndarray, threshold: float) -> float:
    """Outermost radius, mm, at which u reaches the threshold; 0 where it never does."""
    above = np.flatnonzero(u >= threshold)
    if above.size == 0:
        return 0.0
    i = int(above[-1])
    if i + 1 == r.size:
        return float(r[-1])
    return float(r[i] + (u[i] - threshold) / (u[i] - u[i + 1]) * (r[i + 1] - r[i]))
