"""Reference solution of the inviscid Burgers equation: Godunov's scheme and its discrete adjoint.

    u_t + (a u^2 / 2)_x = 0  on (0, 1) x (0, 1],  a = 0.2,   u = 0 at the ends,   u(x, 0) = f(x)

Cell averages on n equal cells, first order, conservative. For this flux the exact solution of the
Riemann problem between two cells gives the numerical flux

    F(l, r) = (a / 2) max(l, -r, 0)^2,

which is entropy satisfying, monotone (no new extrema), and continuously differentiable except
where l = -r > 0, the standing shock. The ends are cells that hold zero: a wave may leave, none
enters. The time step is fixed by max |f|, which cannot grow.

References: Godunov 1959, Mat. Sb. 47; LeVeque 2002, Finite Volume Methods, ch. 12; Giles and
Ulbrich 2010, SIAM J. Numer. Anal. 48 (convergence of discrete adjoints at shocks).
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import RegularGridInterpolator

from bilo.solvers.discretised import Array, Discretised, Pull
from bilo.solvers.interpolation import interpolation

SPEED = 0.2
"""a: the characteristic speed is a u."""
CELLS = 1001
"""Cells of the reference. An even number would put the standing shocks of sin(4 pi x) on faces."""
COURANT = 0.9
"""Largest a max|f| dt / dx of the default time step."""


@dataclass(frozen=True)
class Trajectory:
    """Cell averages at some times, and a continuous function of (t, x) between them.

    Attributes
    ----------
    times : ndarray (K,)
    centres : ndarray (n,)
    u : ndarray (K, n)
    """

    times: Array
    centres: Array
    u: Array

    def __call__(self, t: ArrayLike, x: ArrayLike) -> Array:
        """Values at points t, x of equal shape: linear in t, and in x through centres and ends.

        Raises
        ------
        ValueError
            A point lies outside the times or outside [0, 1].
        """
        t, x = np.broadcast_arrays(np.asarray(t, float), np.asarray(x, float))
        values: Array = self._interpolant(np.stack([t, x], -1).reshape(-1, 2))
        return values.reshape(t.shape)

    @functools.cached_property
    def _interpolant(self) -> RegularGridInterpolator:
        x = np.concatenate([[0.0], self.centres, [1.0]])
        return RegularGridInterpolator((self.times, x), np.pad(self.u, ((0, 0), (1, 1))))


def centres(cells: int = CELLS) -> Array:
    """Midpoints of equal cells of (0, 1); f there is its cell average to second order."""
    return (np.arange(cells) + 0.5) / cells


def courant_steps(f_cells: ArrayLike, t: float = 1.0) -> int:
    """The number of equal time steps up to t that the stability bound asks for."""
    f = np.asarray(f_cells, float)
    return max(1, math.ceil(SPEED * np.abs(f).max() * len(f) * t / COURANT))


def solve(
    f_cells: ArrayLike, times: ArrayLike | None = None, *, steps: int | None = None
) -> Trajectory:
    """The solution from t = 0 to t = 1.

    Parameters
    ----------
    f_cells : array_like (n,)
        Cell averages of f.
    times : array_like (K,), optional
        Increasing times in [0, 1] to keep, linear between time steps; by default every step.
    steps : int, optional
        Equal time steps; by default as many as stability asks for.

    Raises
    ------
    ValueError
        `steps` too few for stability, f_cells not a finite vector, times outside [0, 1] or not
        increasing.
    """
    path = _path(f_cells, steps, 1.0)[:, 1:-1]
    stepped = np.linspace(0.0, 1.0, len(path))
    every_step = Trajectory(stepped, centres(path.shape[1]), path)
    if times is None:
        return every_step
    kept = np.atleast_1d(np.asarray(times, float))
    if not (0 <= kept[0] and kept[-1] <= 1 and (np.diff(kept) > 0).all()):
        raise ValueError(f"times must increase within [0, 1], got {kept}")
    k = np.minimum((kept * (len(path) - 1)).astype(int), len(path) - 2)
    weight = (kept * (len(path) - 1) - k)[:, None]
    u = (1 - weight) * path[k] + weight * path[k + 1]
    return Trajectory(kept, every_step.centres, u)


def final(f_cells: ArrayLike, t: float = 1.0, *, steps: int | None = None) -> Array:
    """Cell averages at time t, shape (n,); arguments and errors as in `solve`."""
    return _path(f_cells, steps, t)[-1, 1:-1].copy()


def adjoint(
    f_cells: ArrayLike, cotangent: ArrayLike, t: float = 1.0, *, steps: int | None = None
) -> Array:
    """Gradient by f of sum_i cotangent_i u_i(t), exact for the scheme; see `pullback`."""
    return pullback(f_cells, t, steps=steps)[1](cotangent)


def pullback(
    f_cells: ArrayLike, t: float = 1.0, *, steps: int | None = None
) -> tuple[Array, Callable[[ArrayLike], Array]]:
    """u(., t) and the transposed derivative of f -> u(., t), one forward computation for both.

    Exact to rounding for the discrete scheme at fixed `steps`, almost everywhere; on a standing
    shock (l = -r > 0 at a face) the mean of the one-sided derivatives. The default number of steps
    jumps with max |f|, and u(., t) with it: fix `steps` in an optimisation.

    Returns
    -------
    u : ndarray (n,)
    pull : callable
        From cotangents of u(., t), (..., n), to gradients by f_cells of the same shape.
    """
    path = _path(f_cells, steps, t)
    ratio = t * (path.shape[1] - 2) / (len(path) - 1)  # dt / dx
    left, right = path[:-1, :-1], path[:-1, 1:]
    slope = (ratio * SPEED) * np.maximum(np.maximum(left, -right), 0.0)
    by_left = slope * (0.5 + 0.5 * np.sign(left + right))
    by_right = by_left - slope

    def pull(cotangent: ArrayLike) -> Array:
        given = np.asarray(cotangent, float)
        p = np.zeros((*given.shape[:-1], path.shape[1]))  # zero in the cells beyond the ends
        inside = p[..., 1:-1]
        inside[...] = given
        by_flux, term = np.empty_like(p[..., 1:]), np.empty_like(inside)
        for on_left, on_right in zip(by_left[::-1, 1:], by_right[::-1, :-1], strict=True):
            np.subtract(p[..., 1:], p[..., :-1], out=by_flux)
            inside += np.multiply(on_left, by_flux[..., 1:], out=term)
            inside += np.multiply(on_right, by_flux[..., :-1], out=term)
        return inside.copy()

    return path[-1, 1:-1].copy(), pull


def observation(x: ArrayLike, cells: int = CELLS) -> Array:
    """The matrix (m, cells) from cell averages to values at points x (m,) of [0, 1].

    Linear through centres and ends, as in `Trajectory`.
    """
    nodes = np.concatenate([[0.0], centres(cells), [1.0]])
    x = np.asarray(x, float)
    if not ((x >= 0) & (x <= 1)).all():
        raise ValueError("a point of observation is outside of [0, 1]")
    k = np.minimum(np.searchsorted(nodes, x, side="right") - 1, cells)
    weight = (x - nodes[k]) / (nodes[k + 1] - nodes[k])
    matrix = np.zeros((len(x), cells + 2))
    rows = np.arange(len(x))
    matrix[rows, k], matrix[rows, k + 1] = 1 - weight, weight
    return matrix[:, 1:-1]


def exact_riemann(u_left: float, u_right: float, x_over_t: ArrayLike) -> Array:
    """The entropy solution for f = u_left (x < 0), u_right (x > 0) on the line.

    A shock of speed a (u_left + u_right) / 2, or a rarefaction u = x / (a t) between the states.
    """
    ray = np.asarray(x_over_t, float)
    if u_left > u_right:
        return np.where(ray < SPEED * (u_left + u_right) / 2, u_left, u_right)
    return np.clip(ray / SPEED, u_left, u_right)


def shocks(
    x: ArrayLike, u: ArrayLike, count: int, *, separation: float = 0.1
) -> tuple[Array, Array]:
    """Positions and heights of the steepest decreasing jumps of a sampled function.

    A jump is a run of intervals around a steepest one that descend at least a tenth as steeply;
    its position is the centroid of the descent, where a sharp jump between the same two levels has
    the same area beneath it. For cell averages that is finer than the cells; point values of a
    sharp jump tell its position to half their spacing and no better.

    Parameters
    ----------
    x, u : array_like (N,)
        Increasing positions and values.
    count : int
    separation : float
        Least distance of two jumps.

    Returns
    -------
    positions, heights : ndarray (count,)
        In increasing order of position; heights u_left - u_right > 0. A smooth function has
        steepest descents too: look at the heights.

    Raises
    ------
    ValueError
        There are fewer such descents.
    """
    x, u = np.asarray(x, float), np.asarray(u, float)
    middle, drop = (x[1:] + x[:-1]) / 2, -np.diff(u)
    steepness = drop / np.diff(x)
    found: list[tuple[float, float]] = []
    for _ in range(count):
        top = int(steepness.argmax())
        if not steepness[top] > 0:
            raise ValueError(f"u has {len(found)} separate descents, not {count}")
        flat = np.flatnonzero(steepness < 0.1 * steepness[top])
        before, after = flat[flat < top], flat[flat > top]
        first = before[-1] + 1 if before.size else 0
        run = slice(first, after[0] if after.size else len(drop))
        height = drop[run].sum()
        position = (middle[run] * drop[run]).sum() / height
        found.append((float(position), float(height)))
        steepness[run] = -np.inf
        steepness[np.abs(middle - position) < separation] = -np.inf
    positions, heights = np.array(sorted(found)).reshape(-1, 2).T
    return positions, heights


def _path(f_cells: ArrayLike, steps: int | None, t: float) -> Array:
    """Every time step, with the zero cells beyond the two ends, (steps + 1, n + 2)."""
    f = np.asarray(f_cells, float)
    if f.ndim != 1 or not np.isfinite(f).all():
        raise ValueError("f_cells must be a vector of finite numbers")
    steps = courant_steps(f, t) if steps is None else steps
    if SPEED * np.abs(f).max() * len(f) * t > steps:
        raise ValueError(f"{steps} steps are unstable for max |f| = {np.abs(f).max():.3g}")
    path = np.zeros((steps + 1, len(f) + 2))
    path[0, 1:-1] = f
    half = 0.5 * SPEED * t * len(f) / steps  # (a / 2) dt / dx
    flux = np.empty(len(f) + 1)
    for u, after in itertools.pairwise(path):
        np.maximum(u[:-1], -u[1:], out=flux)
        np.maximum(flux, 0.0, out=flux)
        flux *= flux
        flux *= half
        np.subtract(u[1:-1], np.diff(flux), out=after[1:-1])
    return path


NODAL = 200
"""Cells of classical methods' initial condition, linear in each."""
LARGEST = 2.0
"""Its largest size, twice that of the start: one number of time steps is then stable."""


def discretised(t: NDArray[np.float64], x: NDArray[np.float64]) -> Discretised:
    """u(x, 1) by f at 201 nodes, zero at the ends, |f| <= 2: Godunov's scheme on 1,001 cells.

    Raises
    ------
    ValueError
        If the data are not all at the time 1.
    """
    if not (t == 1.0).all():
        raise ValueError("Burgers' discretised inverse problem takes data at t = 1 alone")
    cells, steps = interpolation(NODAL, centres()), courant_steps([LARGEST] * CELLS)
    C = observation(x)

    def forward(f: Array) -> tuple[Array, Pull]:
        u, pull = pullback(cells @ f, steps=steps)
        return C @ u, lambda by_data: pull(by_data @ C) @ cells

    high = np.full(NODAL + 1, LARGEST)
    high[[0, -1]] = 0.0
    return Discretised(forward, -high, high)
