"""Grow a synthetic tumour: the forward model of the demo patient, independent of the pipeline's.

Nothing here is shared with ``gbm.growth.finite_volume``: no phase field but sharp tissue walls,
explicit Heun steps instead of implicit ones, harmonic face values, a finer grid.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import find_objects, label


def grow(
    diffusivity: np.ndarray,
    tissue: np.ndarray,
    spacing: float,
    DT: float,
    rhoT: float,
    seed_density: np.ndarray,
    safety: float = 0.45,
) -> np.ndarray:
    r"""Tumour cell density at the time of the scan.

    .. math:: u_s = \nabla\cdot(D T\, m \nabla u) + \rho T\, u (1 - u), \qquad s = t/T \in [0, 1],

    with no flux through the faces between tissue and anything else.

    Parameters
    ----------
    diffusivity : (nx, ny) array
        Relative mobility m, 1 in white matter [-].
    tissue : (nx, ny) bool array
        Where cells can live; only the parts connected to the seed are ever reached.
    spacing : float
        Side of a cell [mm].
    DT, rhoT : float
        Diffusivity times T [mm^2] and proliferation rate times T [-].
    seed_density : (nx, ny) array
        u at s = 0; set to zero outside the tissue.
    safety : float
        Fraction of the largest stable explicit step, below 1.

    Returns
    -------
    (nx, ny) array
        u at s = 1, zero outside the tissue.

    Raises
    ------
    ValueError
        When the seed lies outside the tissue, or ``safety`` is not in (0, 1).
    """
    if not 0.0 < safety < 1.0:
        raise ValueError(f"safety must lie in (0, 1), got {safety}")
    whole = _reachable(tissue, seed_density)
    box = find_objects(whole.astype(np.int8))[0]
    tissue = whole[box]
    mobility = np.where(tissue, diffusivity[box], 0.0)
    east = _faces(mobility[:-1], mobility[1:]) * DT / spacing**2
    north = _faces(mobility[:, :-1], mobility[:, 1:]) * DT / spacing**2
    fastest = 4.0 * max(np.max(east, initial=0.0), np.max(north, initial=0.0)) + rhoT
    steps = int(np.ceil(fastest / (2.0 * safety)))
    ds = 1.0 / steps

    def rate(u: np.ndarray) -> np.ndarray:
        change = rhoT * u * (1.0 - u)
        flux = east * np.diff(u, axis=0)
        change[:-1] += flux
        change[1:] -= flux
        flux = north * np.diff(u, axis=1)
        change[:, :-1] += flux
        change[:, 1:] -= flux
        return change

    u = np.where(tissue, seed_density[box], 0.0)
    for _ in range(steps):
        slope = rate(u)
        u = u + 0.5 * ds * (slope + rate(u + ds * slope))
    density = np.zeros(whole.shape)
    density[box] = np.where(tissue, u, 0.0)
    return density


def _faces(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Harmonic mean of two neighbouring cells: zero, a wall, where either of them is."""
    total = a + b
    return np.divide(2.0 * a * b, total, out=np.zeros_like(total), where=total > 0)


def _reachable(tissue: np.ndarray, seed_density: np.ndarray) -> np.ndarray:
    """The connected part of the tissue that holds the peak of the seed."""
    parts, _ = label(tissue)
    peak = np.unravel_index(np.argmax(seed_density), seed_density.shape)
    if parts[peak] == 0:
        raise ValueError("the seed of the tumour lies outside the tissue")
    reachable: np.ndarray = parts == parts[peak]
    return reachable
