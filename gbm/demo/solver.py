"""Grow a synthetic tumour: the forward model of the demo patient, independent of the pipeline's.

Nothing here is shared with ``gbm.growth.finite_volume``: no phase field but sharp tissue walls,
explicit steps instead of implicit ones, harmonic face values, a finer grid. In the plane and in
space it is the same scheme.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import find_objects, label

from gbm.demo.stepping import Step, blocks, chebyshev, heun, stable_interval


@dataclass(frozen=True)
class Scheme:
    """How the growth is stepped in time.

    Parameters
    ----------
    safety : float
        Fraction of the largest stable explicit step, below 1.
    growth_per_step : float, optional
        Largest rho T ds of Runge-Kutta-Chebyshev steps, which take as many stages as they need to
        be stable. None: Heun steps.
    negligible : float
        The tumour is followed in a box at whose border the density is below this; 0 is everywhere.

    Raises
    ------
    ValueError
        When ``safety`` is not in (0, 1).
    """

    safety: float = 0.45
    growth_per_step: float | None = None
    negligible: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 < self.safety < 1.0:
            raise ValueError(f"safety must lie in (0, 1), got {self.safety}")

    def plan(self, fastest: float, rhoT: float) -> tuple[int, int, Step]:
        """Number of steps, their stages and the step, for rates that sum up to ``fastest``."""
        if self.growth_per_step is None:
            return int(np.ceil(fastest / (2.0 * self.safety))), 2, heun
        steps = int(np.ceil(max(_FEWEST_STEPS, rhoT / self.growth_per_step)))
        stages = 2
        while self.safety * stable_interval(stages) < 2.0 * fastest / steps:
            stages += 1
        return steps, stages, chebyshev(stages)


_FEWEST_STEPS = 50
HEUN = Scheme()
STABILISED = Scheme(safety=0.9, growth_per_step=0.07, negligible=1e-5)
"""For the fine cells of a tumour in space."""


def grow(
    diffusivity: np.ndarray,
    tissue: np.ndarray,
    spacing: float,
    DT: float,
    rhoT: float,
    seed_density: np.ndarray,
    scheme: Scheme = HEUN,
) -> np.ndarray:
    r"""Tumour cell density at the time of the scan.

    .. math:: u_s = \nabla\cdot(D T\, m \nabla u) + \rho T\, u (1 - u), \qquad s = t/T \in [0, 1],

    with no flux through the faces between tissue and anything else.

    Parameters
    ----------
    diffusivity : (nx, ny) or (nx, ny, nz) array
        Relative mobility m, 1 in white matter [-].
    tissue : bool array of that shape
        Where cells can live; only the parts connected to the seed are ever reached.
    spacing : float
        Side of a cell [mm].
    DT, rhoT : float
        Diffusivity times T [mm^2] and proliferation rate times T [-].
    seed_density : array of that shape
        u at s = 0, in the precision of the result; set to zero outside the tissue.
    scheme : Scheme
        The steps in time.

    Returns
    -------
    array of that shape
        u at s = 1, zero outside the tissue.

    Raises
    ------
    ValueError
        When the seed lies outside the tissue.
    """
    whole = _reachable(tissue, seed_density)
    frame = find_objects(whole.astype(np.int8))[0]
    tissue = whole[frame]
    mobility = np.where(tissue, diffusivity[frame], 0.0)
    faces = tuple(_faces(mobility, axis) * DT / spacing**2 for axis in range(mobility.ndim))
    fastest = 2.0 * mobility.ndim * max(np.max(face, initial=0.0) for face in faces) + rhoT
    steps, reach, step = scheme.plan(float(fastest), rhoT)
    u = np.where(tissue, seed_density[frame], 0.0)
    del mobility
    box = _occupied(u, scheme.negligible, reach)
    for _ in range(steps):
        box = _widened(u, box, scheme.negligible, reach)
        inside = tuple(_between(face, box, axis) for axis, face in enumerate(faces))
        step(lambda v, inside=inside: _rate(v, inside, rhoT), u[box], 1.0 / steps)  # type: ignore[misc]
    density = np.zeros(whole.shape, u.dtype)
    density[frame] = np.where(tissue, u, 0.0)
    return density


def _rate(u: np.ndarray, faces: tuple[np.ndarray, ...], rhoT: float) -> np.ndarray:
    """du/ds: growth, and what flows through the faces; block by block along the first axis."""
    change = np.empty(u.shape, u.dtype)
    n = len(u)
    for rows in blocks(u):
        start, stop = rows.start, rows.stop
        v, part = u[rows], change[rows]
        np.multiply(rhoT, v, out=part)
        part *= 1.0 - v
        # the faces before and behind the block belong to it as well
        first, last = max(start - 1, 0), min(stop, n - 1)
        flux = faces[0][first:last] * np.diff(u[first : last + 1], axis=0)
        part[: last - start] += flux[start - first :]
        part[first + 1 - start :] -= flux[: stop - 1 - first]
        for axis in range(1, u.ndim):
            flux = np.diff(v, axis=axis)
            flux *= faces[axis][rows]
            part[_along(axis, slice(None, -1))] += flux
            part[_along(axis, slice(1, None))] -= flux
    return change


def _along(axis: int, chosen: slice) -> tuple[slice, ...]:
    """Index of a part of an array along one axis."""
    return (*(slice(None),) * axis, chosen)


def _faces(mobility: np.ndarray, axis: int) -> np.ndarray:
    """Harmonic mean of neighbouring cells: zero, a wall, where either of them is."""
    a, b = mobility[_along(axis, slice(None, -1))], mobility[_along(axis, slice(1, None))]
    total = a + b
    return np.divide(2.0 * a * b, total, out=np.zeros_like(total), where=total > 0)


def _between(face: np.ndarray, box: tuple[slice, ...], axis: int) -> np.ndarray:
    """The faces across an axis between the cells of a box."""
    inner = list(box)
    inner[axis] = slice(box[axis].start, box[axis].stop - 1)
    return face[tuple(inner)]


def _occupied(u: np.ndarray, negligible: float, margin: int) -> tuple[slice, ...]:
    """The box of the cells above a density, with a margin."""
    if negligible == 0.0:
        return tuple(slice(0, n) for n in u.shape)
    box = find_objects((u > negligible).astype(np.int8))[0]
    ends = zip(box, u.shape, strict=True)
    return tuple(slice(max(s.start - margin, 0), min(s.stop + margin, n)) for s, n in ends)


def _widened(
    u: np.ndarray, box: tuple[slice, ...], negligible: float, margin: int
) -> tuple[slice, ...]:
    """The box with a margin more on every side that the tumour has come to."""
    wide = []
    for axis, (side, n) in enumerate(zip(box, u.shape, strict=True)):
        low, high = (u[box][_along(axis, slice(end, end + 1 or None))].max() for end in (0, -1))
        start = max(side.start - margin, 0) if low > negligible else side.start
        stop = min(side.stop + margin, n) if high > negligible else side.stop
        wide.append(slice(start, stop))
    return tuple(wide)


def _reachable(tissue: np.ndarray, seed_density: np.ndarray) -> np.ndarray:
    """The connected part of the tissue that holds the peak of the seed."""
    parts, _ = label(tissue)
    peak = np.unravel_index(np.argmax(seed_density), seed_density.shape)
    if parts[peak] == 0:
        raise ValueError("the seed of the tumour lies outside the tissue")
    reachable: np.ndarray = parts == parts[peak]
    return reachable
