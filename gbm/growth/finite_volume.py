"""Conservative finite volumes for Fisher-KPP growth in a diffuse domain of d = 2 or 3 axes.

The scaled problem on t in [0, 1], with all lengths in mm,

    phi u_t = div(DT P phi grad u) + rhoT phi u (1 - u),      no flux through the outer box,

is split symmetrically (Strang): X/2, R/2, Y, R/2, X/2 in the plane and X/2, Y/2, R/2, Z, R/2, Y/2,
X/2 in the volume, with Crank-Nicolson along the lines of each axis (X, Y, Z) and the exact logistic
map (R); neighbouring X/2 are one step. Face fluxes make the phi-weighted mass exact to rounding
without growth. Between voxel centres P and phi are multilinear.

A volume is solved on a box that grows with the tumour: outside of it nothing counts yet.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gbm.growth.growing_box import Growing
from gbm.growth.growth_map import GrowthMap
from gbm.growth.lines import Lines, lines_of
from gbm.growth.parameters import Growth, Seed

if TYPE_CHECKING:
    from gbm.domain.domain import Domain

Source = Callable[[float], np.ndarray]


@dataclass(frozen=True)
class Arithmetic:
    """How far down a density is followed.

    Attributes
    ----------
    dtype : numpy dtype
    edge : float
        Density that counts as none: cells further out are left alone until it arrives.
    """

    dtype: Any
    edge: float


FULL = Arithmetic(np.float64, 0.0)
"""Every cell to rounding: the plane."""
VISIBLE = Arithmetic(np.float32, 1e-8)
"""What can be seen, and far beyond: the volume."""
TAILS = Arithmetic(np.float64, 1e-14)
"""A volume down to the tails that a logit shows."""

_LENGTHS = 4.0
"""Lengths of the tail of an implicit step beyond which it counts as nothing."""


@dataclass(frozen=True)
class _Steps:
    """Equal time steps of length dt from a time on."""

    start: float
    dt: float
    count: int


def _grow(u: np.ndarray, decay: float) -> None:
    """The logistic map, u / (u + (1 - u) decay), in place."""
    # Crank-Nicolson may undershoot zero by tiny ripples, which the growth would amplify.
    np.maximum(u, 0.0, out=u)
    denominator = 1.0 - u
    denominator *= u.dtype.type(decay)
    denominator += u
    u /= denominator


@dataclass(frozen=True)
class _Sweeps:
    """One splitting step: half steps along the first axis and the others but the last, a whole one
    along the last; two half steps along the first that meet are one, `twice`. `reach` is how many
    cells out a step takes a density that counts.
    """

    first: Lines
    twice: Lines
    others: tuple[Lines, ...]
    last: Lines
    reach: int

    @classmethod
    def of(cls, grid: GrowthMap, a: float, dtype: Any) -> _Sweeps:
        """Sweeps of whole steps a = dt DT / 2 h^2."""
        *outer, last = range(grid.dimensions)
        first, *others = (lines_of(grid, axis, 0.5 * a, dtype) for axis in outer)
        whole = [lines_of(grid, axis, a, dtype) for axis in (0, last)]
        # An implicit step leaves exp(-|x| / sqrt(a)) of a density x cells away.
        return cls(first, whole[0], tuple(others), whole[1], math.ceil(_LENGTHS * math.sqrt(a)))


def _advance(
    sweeps: _Sweeps, u: np.ndarray, rhoT: float, steps: _Steps, source: Source | None, box: Growing
) -> None:
    """Time steps on u, in place."""
    dt, decay = steps.dt, math.exp(-0.5 * rhoT * steps.dt)
    sweeps.first.step(u, box.around(u, sweeps.reach))
    for n in range(steps.count):
        where = box.around(u, sweeps.reach)
        inside = u[where]
        for lines in sweeps.others:
            lines.step(u, where)
        if rhoT:
            _grow(inside, decay)
        if source is not None:
            u += 0.5 * dt * source(steps.start + n * dt)
        sweeps.last.step(u, where)
        if source is not None:
            u += 0.5 * dt * source(steps.start + (n + 1) * dt)
        if rhoT:
            _grow(inside, decay)
        for lines in reversed(sweeps.others):
            lines.step(u, where)
        (sweeps.first if n == steps.count - 1 else sweeps.twice).step(u, where)


def default_steps(growth: Growth, h: float = 1.0, dimensions: int = 2) -> int:
    """Time steps on [0, 1] that leave a relative L2 error of about h 1e-3 at the final time.

    The rule was fitted to convergence studies on patients over the bounds of lambda and rho T;
    `h` is the cell size in mm. In a volume, where a cell of 1 mm errs by .3 %, so do the steps, and
    cells of 2 mm and more need about half of them.
    """
    if dimensions < 3:
        on_one = max(40.0, 4.5 * growth.rhoT, 3.0 * np.sqrt(growth.DT))
        return math.ceil(on_one / np.sqrt(min(h, 1.0)))
    on_one = max(30.0, 3.0 * growth.rhoT, 3.0 * np.sqrt(growth.DT))
    return math.ceil(on_one / np.sqrt(min(h, 1.0)) if h < 1.5 else max(16.0, 0.55 * on_one))


def full_steps(grid: GrowthMap, growth: Growth) -> int:
    """`default_steps` of cells of 1 mm at most.

    On cells of 2 mm the fewer ones, good enough for a search, err by as much as a network.
    """
    return default_steps(growth, min(grid.h, 1.0), grid.dimensions)


def evolve(
    grid: GrowthMap,
    u0: np.ndarray,
    growth: Growth,
    times: Sequence[float] | np.ndarray = (1.0,),
    *,
    steps: int | None = None,
    source: Source | None = None,
    arithmetic: Arithmetic | None = None,
) -> np.ndarray:
    """Solve phi u_t = div(DT P phi grad u) + rhoT phi u (1 - u) + phi f from `u0`.

    Parameters
    ----------
    grid : GrowthMap
        Cells and faces.
    u0 : ndarray (n_1, .., n_d)
        Density at time 0.
    growth : Growth
        D T and rho T.
    times : sequence of float
        Ascending output times as fractions of the elapsed time.
    steps : int, optional
        Time steps on [0, 1]; every output interval takes its share. Default: `default_steps`.
    source : callable, optional
        f(t) -> (n_1, .., n_d), for manufactured solutions; needs the arithmetic `FULL`.
    arithmetic : Arithmetic, optional
        By default `FULL` in the plane and `VISIBLE` in the volume.

    Returns
    -------
    ndarray (len(times), n_1, .., n_d)
        Density at the output times.

    Raises
    ------
    ValueError
        If the times are negative or do not ascend.
    """
    if np.any(np.diff(times) <= 0) or times[0] < 0:
        raise ValueError(f"output times must ascend from 0, not {tuple(times)}")
    steps = default_steps(growth, grid.h, grid.dimensions) if steps is None else steps
    by = arithmetic or (FULL if grid.dimensions < 3 else VISIBLE)
    u, t = np.array(u0, dtype=by.dtype), 0.0
    out, box = np.empty((len(times), *u.shape), by.dtype), Growing.of(u, by.edge)
    known: dict[float, _Sweeps] = {}
    for n, end in enumerate(times):
        if end > t:
            count = max(1, math.ceil(steps * (end - t) - 1e-9))
            dt = (end - t) / count
            key = round(dt, 9)
            if key not in known:  # one at a time is kept: they are large
                known = {key: _Sweeps.of(grid, 0.5 * dt * growth.DT / grid.h**2, u.dtype)}
            _advance(known[key], u, growth.rhoT, _Steps(t, dt, count), source, box)
        out[n], t = u, end
    return out


def solve(
    domain: Domain | GrowthMap,
    growth: Growth,
    seed: Seed,
    *,
    cell_mm: float = 1.0,
    times: Sequence[float] | np.ndarray = (1.0,),
    steps: int | None = None,
    arithmetic: Arithmetic | None = None,
) -> np.ndarray:
    """Tumour density grown from a seed on a grid of the domain.

    Parameters
    ----------
    domain : Domain or GrowthMap
        P, phi and the axes in mm; many solves on one domain share `GrowthMap.of(domain, cell_mm)`,
        and `cell_mm` is ignored then.
    growth : Growth
        D T and rho T.
    seed : Seed
        The initial density, with its origin (d,).
    cell_mm : float
        Size of the cells: 1/n or n voxels.
    times, steps, arithmetic
        See `evolve`.

    Returns
    -------
    ndarray (len(times), n_1, .., n_d)
        Density in [0, 1]; `coarsen` brings small cells to the voxels.
    """
    grid = domain if isinstance(domain, GrowthMap) else GrowthMap.of(domain, cell_mm)
    u0 = seed.density(*grid.axes)
    return evolve(grid, u0, growth, times, steps=steps, arithmetic=arithmetic)
