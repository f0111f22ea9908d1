"""The radially symmetric growth problem in homogeneous tissue, on [0, 180] mm.

    u_t = DT (1/r) (r u_r)_r + rhoT u (1 - u),      u(r, 0) = h0 exp(-r0 r^2)

It is the planar scheme on a strip one cell wide, with r in the place of the phase field.
"""

from __future__ import annotations

import numpy as np

from gbm.growth.finite_volume import GrowthMap, default_steps, evolve

EXTENT_MM = 180.0
_CELL_MM = 0.5


def radial(
    DT: float, rhoT: float, h0: float = 0.1, r0: float = 0.1
) -> tuple[np.ndarray, np.ndarray]:
    """Final density of a tumour in homogeneous tissue.

    Parameters
    ----------
    DT, rhoT : float
        Diffusivity times time, mm^2, and proliferation rate times time.
    h0, r0 : float
        Height and inverse width (1/mm^2) of the seed.

    Returns
    -------
    r, u : ndarray (n,)
        Cell centres, mm, and the density there at t = 1.
    """
    edges = _CELL_MM * np.arange(int(EXTENT_MM / _CELL_MM) + 1)
    r = 0.5 * (edges[1:] + edges[:-1])
    strip = GrowthMap(r, np.zeros(1), r[:, None], edges[1:-1, None], np.empty((r.size, 0)))
    steps = 4 * default_steps(DT, rhoT)  # one dimension is cheap
    return r, evolve(strip, h0 * np.exp(-r0 * r[:, None] ** 2), DT, rhoT, steps=steps)[0, :, 0]


def radius_at(r: np.ndarray, u: np.ndarray, threshold: float) -> float:
    """Outermost radius, mm, at which u reaches the threshold; 0 where it never does."""
    above = np.flatnonzero(u >= threshold)
    if above.size == 0:
        return 0.0
    i = int(above[-1])
    if i + 1 == r.size:
        return float(r[-1])
    return float(r[i] + (u[i] - threshold) / (u[i] - u[i + 1]) * (r[i + 1] - r[i]))
