"""Reference solution of Darcy flow on the unit square: vertex-centred finite volumes.

    -div(A grad u) = s  on (0, 1)^2,   u = 0 on the boundary,   s = 1 unless given

A and u live at the nodes of an n x n grid with spacing h = 1 / (n - 1), boundary included; the
first index is x1. A is constant on the square of side h about each node, so that two half-spacings
lie in series between neighbours and the flux through their common face is

    h k (u_i - u_j) / h,   k = 2 A_i A_j / (A_i + A_j),

the harmonic mean, exact for layers however large the jump of A. Second order where A is smooth,
conservative always. The matrix is symmetric and positive definite; one factorisation serves the
solution and its adjoint.

References: Eymard, Gallouet and Herbin 2000, Finite Volume Methods, section 11; Patankar 1980,
Numerical Heat Transfer and Fluid Flow, section 4.2-3 (the harmonic mean).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse.linalg import SuperLU, splu

from bilo.solvers.discretised import Array, Discretised, Pull

NODES = 61
"""Nodes a side in the experiment; the functions take n from A."""


@dataclass(frozen=True)
class Factorised:
    """The discrete operator of one A, ready to solve with.

    Attributes
    ----------
    A : ndarray (n, n)
    """

    A: Array
    _factors: SuperLU

    def solve(self, source: ArrayLike = 1.0) -> Array:
        """The nodal u (n, n) for a source given at the nodes, or constant."""
        n = len(self.A)
        s = np.broadcast_to(np.asarray(source, float), (n, n))
        return self._inverse(s / (n - 1) ** 2)

    def adjoint(self, u: ArrayLike, cotangent: ArrayLike) -> Array:
        """Gradient by A (n, n) of sum_ij cotangent_ij u_ij, exact for the scheme.

        With K(A) u = b and K p = cotangent inside: dJ/dA = -p^T (dK/dA) u. Values of the
        cotangent on the boundary are of no effect, u is zero there.
        """
        p, u = self._inverse(np.asarray(cotangent, float)), np.asarray(u, float)
        gradient = np.zeros_like(self.A)
        for axis in (0, 1):
            by_face = -np.diff(p, axis=axis) * np.diff(u, axis=axis)
            first, second = _pairs(self.A, axis)
            at_first, at_second = _pairs(gradient, axis)
            at_first += by_face * 2 * (second / (first + second)) ** 2
            at_second += by_face * 2 * (first / (first + second)) ** 2
        return gradient

    def _inverse(self, b: Array) -> Array:
        return np.pad(self._factors.solve(b[1:-1, 1:-1].ravel()).reshape(len(b) - 2, -1), 1)


def factorise(A: ArrayLike) -> Factorised:
    """Assemble and factorise the operator of A.

    Raises
    ------
    ValueError
        A is not a square array of at least 4 x 4, or not everywhere positive and finite.
    """
    A = np.array(A, float)
    if A.ndim != 2 or A.shape[0] != A.shape[1] or len(A) < 4:
        raise ValueError(f"A must be n x n with n >= 4, got {A.shape}")
    if not (np.isfinite(A).all() and (A > 0).all()):
        raise ValueError("A must be positive and finite at every node")
    n = len(A)
    k1, k2 = faces(A)
    k1, k2 = k1[:, 1:-1], k2[1:-1]  # of the inner nodes
    size = n - 2
    diagonals = np.zeros((5, size**2))  # aligned by column
    diagonals[0] = (k1[:-1] + k1[1:] + k2[:, :-1] + k2[:, 1:]).ravel()
    diagonals[1, size:] = diagonals[2, : size**2 - size] = -k1[1:-1].ravel()
    to_next = -k2[:, 1:].ravel()
    to_next[size - 1 :: size] = 0.0  # a row's last node has no inner neighbour there
    diagonals[3, 1:] = diagonals[4, :-1] = to_next[:-1]
    offsets = np.array([0, size, -size, 1, -1])
    matrix = sparse.dia_array((diagonals, offsets), shape=(size**2, size**2)).tocsc()
    symmetric = {"SymmetricMode": True}
    factors = splu(matrix, "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=symmetric)
    return Factorised(A, factors)


def solve(A: ArrayLike, source: ArrayLike = 1.0) -> Array:
    """The nodal u (n, n) of A (n, n); errors as in `factorise`."""
    return factorise(A).solve(source)


def adjoint(A: ArrayLike, u: ArrayLike, cotangent: ArrayLike) -> Array:
    """`Factorised.adjoint` of a new factorisation; errors as in `factorise`."""
    return factorise(A).adjoint(u, cotangent)


def faces(A: Array) -> tuple[Array, Array]:
    """Harmonic means between neighbours along x1, (n - 1, n), and along x2, (n, n - 1)."""
    k1, k2 = (2 * a * b / (a + b) for a, b in (_pairs(A, 0), _pairs(A, 1)))
    return k1, k2


def outflow(A: Array, u: Array, source: ArrayLike = 1.0) -> float:
    """The flow out through the whole boundary.

    Fluxes of the outermost faces and what the half cells on the boundary produce: equal to the
    integral of the source by the trapezoidal rule, whatever A.
    """
    n = len(A)
    k1, k2 = faces(A)
    q1, q2 = -k1 * np.diff(u, axis=0), -k2 * np.diff(u, axis=1)
    through = q1[-1].sum() - q1[0].sum() + q2[:, -1].sum() - q2[:, 0].sum()
    s = np.array(np.broadcast_to(source, (n, n)), float)
    s[1:-1, 1:-1] = 0.0
    s[[0, -1]] /= 2
    s[:, [0, -1]] /= 2
    return float(through + s.sum() / (n - 1) ** 2)


def refine(A: ArrayLike, k: int) -> Array:
    """A on a grid k times finer, ((n - 1) k + 1 a side), by the nearest node.

    That is the piecewise constant A of the scheme itself, whose squares end half-way between
    nodes. k must be odd: then fine faces lie on those ends, and the harmonic mean stays exact.
    Every k-th fine node is a node of A.

    Raises
    ------
    ValueError
        k is not odd and positive.
    """
    if k < 1 or k % 2 == 0:
        raise ValueError(f"k must be odd and positive, got {k}")
    A = np.asarray(A, float)
    nearest = (np.arange((len(A) - 1) * k + 1) + k // 2) // k
    return A[np.ix_(nearest, nearest)]


def bilinear(grid: ArrayLike, x1: ArrayLike, x2: ArrayLike) -> Array:
    """Bilinear interpolation of nodal values (n, n) at points x1, x2 of equal shape.

    Raises
    ------
    ValueError
        A point lies outside the unit square.
    """
    grid = np.asarray(grid, float)
    x1, x2 = np.broadcast_arrays(np.asarray(x1, float), np.asarray(x2, float))
    if not all(((x >= 0) & (x <= 1)).all() for x in (x1, x2)):
        raise ValueError("points must lie in the unit square")
    m = len(grid) - 1
    i, j = (np.minimum((x * m).astype(int), m - 1) for x in (x1, x2))
    a, b = x1 * m - i, x2 * m - j
    low = (1 - b) * grid[i, j] + b * grid[i, j + 1]
    high = (1 - b) * grid[i + 1, j] + b * grid[i + 1, j + 1]
    return np.asarray((1 - a) * low + a * high)


def _pairs(values: Array, axis: int) -> tuple[Array, Array]:
    """Views of neighbours along an axis."""
    return (values[:-1], values[1:]) if axis == 0 else (values[:, :-1], values[:, 1:])


LOW, HIGH = 3.0, 12.0
"""Bounds of A."""
CORNER = 1.0
"""Slope of A below which total variation is rounded."""


def discretised(x: NDArray[np.float64], y: NDArray[np.float64]) -> Discretised:
    """u at 61 x 61 nodes by 3 <= A <= 12 there, constant about each: finite volumes on them.

    Raises
    ------
    ValueError
        If the data are not at all nodes, in order.
    """
    axis, n = np.linspace(0, 1, NODES), NODES
    nodes = [a.ravel() for a in np.meshgrid(axis, axis, indexing="ij")]
    if not (len(x) == n * n and np.allclose([x, y], nodes, rtol=0, atol=1e-12)):
        raise ValueError(f"Darcy's discretised inverse problem takes data at {n} x {n} nodes")

    def forward(A: Array) -> tuple[Array, Pull]:
        operator = factorise(A)
        u = operator.solve()
        return u.ravel(), lambda by_data: operator.adjoint(u, by_data.reshape(n, n))

    low, high = np.full((n, n), LOW), np.full((n, n), HIGH)
    return Discretised(forward, low, high, corner=CORNER, between="nearest")
