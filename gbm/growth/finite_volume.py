"""Conservative finite volumes for Fisher-KPP growth in a diffuse domain.

The scaled problem on t in [0, 1], with all lengths in mm,

    phi u_t = div(DT P phi grad u) + rhoT phi u (1 - u),      no flux through the outer box,

is split symmetrically (Strang): X/2, R/2, Y, R/2, X/2 with Crank-Nicolson along the lines of each
axis (X, Y) and the exact logistic map (R); neighbouring X/2 are one step. Face fluxes make the
phi-weighted mass exact to rounding without growth. Between voxel centres P and phi are bilinear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg.lapack import dpttrf, dpttrs

from gbm.growth.parameters import Growth, Seed

if TYPE_CHECKING:
    from gbm.domain.domain import Domain

Source = Callable[[float], np.ndarray]
_TINY = 1e-12  # keeps harmonic means finite where P vanishes; far below the least phi of 1e-4


@dataclass(frozen=True)
class GrowthMap:
    """Cells and faces of one grid: everything the solver needs to know about the tissue.

    Attributes
    ----------
    x, y : ndarray (nx,), (ny,)
        Cell centres, mm, uniformly spaced.
    phi : ndarray (nx, ny)
        Cell means of the phase field.
    face_x, face_y : ndarray (nx - 1, ny), (nx, ny - 1)
        Face values of P phi.
    """

    x: np.ndarray
    y: np.ndarray
    phi: np.ndarray
    face_x: np.ndarray
    face_y: np.ndarray

    @property
    def h(self) -> float:
        """Cell size, mm."""
        return float(self.x[1] - self.x[0])

    @classmethod
    def from_cells(cls, x: np.ndarray, y: np.ndarray, P: np.ndarray, phi: np.ndarray) -> GrowthMap:
        """Build from values at the cell centres; faces take the harmonic mean of P phi."""
        c = 1.0 / (P * phi + _TINY)
        return cls(x, y, phi, 2.0 / (c[1:] + c[:-1]), 2.0 / (c[:, 1:] + c[:, :-1]))

    @classmethod
    def of(cls, domain: Domain, refine: int = 1) -> GrowthMap:
        """Upscale the bilinear P and phi to cells of 1 / refine voxel.

        phi is averaged over the cell; P phi arithmetically across each face and harmonically (in
        series) between the two centres, which is what thin tissue walls need.
        """
        part = 4 if refine == 1 else 2
        rows, columns = (_bilinear_weights(n, refine * part) for n in domain.P.shape)
        phi = rows @ domain.phi @ columns.T
        product = phi * (rows @ domain.P @ columns.T)
        return cls(
            *refined_axes(domain, refine),
            coarsen(phi, part),
            _series_faces(product, part),
            np.ascontiguousarray(_series_faces(product.T, part).T),
        )


def _bilinear_weights(n: int, parts: int) -> np.ndarray:
    # Row q holds the hat functions of the n voxel centres at the centre of part q.
    position = np.clip((np.arange(n * parts) + 0.5) / parts - 0.5, 0, n - 1)
    return np.maximum(0.0, 1.0 - np.abs(position[:, None] - np.arange(n)[None, :]))


def _series_faces(product: np.ndarray, part: int) -> np.ndarray:
    across = product.reshape(product.shape[0], -1, part).mean(axis=2)
    resistance = 1.0 / (across[part // 2 : -(part // 2)] + _TINY)
    return 1.0 / resistance.reshape(-1, part, across.shape[1]).mean(axis=1)


@dataclass(frozen=True)
class _Lines:
    """Factor of (phi - a K) for all lines along the last axis, K the flux operator of one axis.

    The lines are chained into one symmetric positive definite tridiagonal matrix whose couplings
    vanish between them, so one LAPACK call solves them all.
    """

    twice_phi: np.ndarray
    diagonal: np.ndarray
    off_diagonal: np.ndarray

    @classmethod
    def factor(cls, face: np.ndarray, phi: np.ndarray, a: float) -> _Lines:
        diagonal, coupling = phi.copy(), np.zeros_like(phi)
        diagonal[:, 1:] += a * face
        diagonal[:, :-1] += a * face
        coupling[:, :-1] = -a * face
        d, e, info = dpttrf(diagonal.ravel(), coupling.ravel()[:-1])
        if info != 0:
            raise ArithmeticError(f"tridiagonal factorisation failed (LAPACK info {info})")
        return cls(2.0 * phi, d, e)

    def step(self, u: np.ndarray) -> np.ndarray:
        # (phi - aK)^-1 (phi + aK) = 2 (phi - aK)^-1 phi - 1: Crank-Nicolson without applying K.
        rhs = (self.twice_phi * u).ravel()
        solution, _ = dpttrs(self.diagonal, self.off_diagonal, rhs, overwrite_b=True)
        result: np.ndarray = solution.reshape(u.shape)
        result -= u
        return result


@dataclass(frozen=True)
class _Steps:
    """Equal time steps of length dt from a time on."""

    start: float
    dt: float
    count: int


def _grow(u: np.ndarray, decay: float) -> np.ndarray:
    # Crank-Nicolson may undershoot zero by tiny ripples, which the growth would amplify.
    np.maximum(u, 0.0, out=u)
    return u / (u + (1.0 - u) * decay)


def _transpose(u: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(u.T)


def _advance(
    grid: GrowthMap, u: np.ndarray, growth: Growth, steps: _Steps, source: Source | None
) -> np.ndarray:
    rhoT, start, dt, count = growth.rhoT, steps.start, steps.dt, steps.count
    a, decay = 0.5 * dt * growth.DT / grid.h**2, np.exp(-0.5 * rhoT * dt)
    phi_t, face_t = _transpose(grid.phi), _transpose(grid.face_x)
    half_x, whole_x = _Lines.factor(face_t, phi_t, 0.5 * a), _Lines.factor(face_t, phi_t, a)
    along_y = _Lines.factor(grid.face_y, grid.phi, a)
    v = half_x.step(_transpose(u))  # kept transposed between the steps
    for n in range(count):
        u = _transpose(v)
        if rhoT:
            u = _grow(u, decay)
        if source is not None:
            u = u + 0.5 * dt * source(start + n * dt)
        u = along_y.step(u)
        if source is not None:
            u = u + 0.5 * dt * source(start + (n + 1) * dt)
        if rhoT:
            u = _grow(u, decay)
        v = (half_x if n == count - 1 else whole_x).step(_transpose(u))
    return _transpose(v)


def default_steps(growth: Growth, h: float = 1.0) -> int:
    """Time steps on [0, 1] that leave a relative L2 error of about h 1e-3 at the final time.

    The rule was fitted to convergence studies on patients over the bounds of lambda and rho T;
    `h` is the cell size in mm.
    """
    on_one = max(40.0, 4.5 * growth.rhoT, 3.0 * np.sqrt(growth.DT))
    return int(np.ceil(on_one / np.sqrt(min(h, 1.0))))


def evolve(
    grid: GrowthMap,
    u0: np.ndarray,
    growth: Growth,
    times: Sequence[float] | np.ndarray = (1.0,),
    steps: int | None = None,
    source: Source | None = None,
) -> np.ndarray:
    """Solve phi u_t = div(DT P phi grad u) + rhoT phi u (1 - u) + phi f from `u0`.

    Parameters
    ----------
    grid : GrowthMap
        Cells and faces.
    u0 : ndarray (nx, ny)
        Density at time 0.
    growth : Growth
        D T and rho T.
    times : sequence of float
        Ascending output times as fractions of the elapsed time.
    steps : int, optional
        Time steps on [0, 1]; every output interval takes its share. Default: `default_steps`.
    source : callable, optional
        f(t) -> (nx, ny), for manufactured solutions.

    Returns
    -------
    ndarray (len(times), nx, ny)
        Density at the output times.

    Raises
    ------
    ValueError
        If the times are negative or do not ascend.
    """
    if np.any(np.diff(times) <= 0) or times[0] < 0:
        raise ValueError(f"output times must ascend from 0, not {tuple(times)}")
    steps = default_steps(growth, grid.h) if steps is None else steps
    u, t = np.array(u0, dtype=float), 0.0
    out = np.empty((len(times), *u.shape))
    for n, end in enumerate(times):
        if end > t:
            count = max(1, int(np.ceil(steps * (end - t) - 1e-9)))
            u = _advance(grid, u, growth, _Steps(t, (end - t) / count, count), source)
        out[n], t = u, end
    return out


def refined_axes(domain: Domain, refine: int) -> tuple[np.ndarray, np.ndarray]:
    """Cell centres (mm) of the grid with every voxel of the domain split into refine^2 cells."""
    offset = (np.arange(refine) + 0.5) / refine - 0.5

    def split(axis: np.ndarray) -> np.ndarray:
        return (axis[:, None] + offset * (axis[1] - axis[0])).ravel()

    return split(domain.x), split(domain.y)


def coarsen(u: np.ndarray, refine: int) -> np.ndarray:
    """Means over the refine^2 cells of every voxel; leading axes (times) are kept."""
    nx, ny = u.shape[-2] // refine, u.shape[-1] // refine
    return u.reshape(*u.shape[:-2], nx, refine, ny, refine).mean(axis=(-3, -1))


def solve(
    domain: Domain | GrowthMap,
    growth: Growth,
    seed: Seed,
    *,
    refine: int = 1,
    times: Sequence[float] | np.ndarray = (1.0,),
    steps: int | None = None,
) -> np.ndarray:
    """Tumour density grown from a seed on the domain's grid, split `refine` times.

    Parameters
    ----------
    domain : Domain or GrowthMap
        P, phi and the axes x, y in mm; many solves on one domain share `GrowthMap.of(domain,
        refine)`, and `refine` is ignored then.
    growth : Growth
        D T and rho T.
    seed : Seed
        The initial density, with its origin in the plane.
    refine : int
        Cells per voxel and axis: 1 is the 1 mm grid, 2 the 0.5 mm grid.
    times : sequence of float
        Ascending output times as fractions of the elapsed time.
    steps : int, optional
        Time steps on [0, 1]; by default those of `default_steps`.

    Returns
    -------
    ndarray (len(times), nx * refine, ny * refine)
        Density in [0, 1]; `coarsen` brings it to the voxels.
    """
    grid = domain if isinstance(domain, GrowthMap) else GrowthMap.of(domain, refine)
    return evolve(grid, seed.density(grid.x, grid.y), growth, times, steps)
