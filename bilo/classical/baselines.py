"""Classical answers to the inverse problems of systems and of functions, one function a problem.

Each takes the data as the problem's `observe` returns them. Where a penalty is needed ten weights
(or pairs of weights) are tried, the least first, and all ten minima are returned: `penalised`
chooses among them without the truth, `relative_error` with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline

from bilo.classical.penalised import Forward, Minimum, minimise, slopes
from bilo.solvers import advection, lotka_volterra, reaction, source, two_functions

Array = NDArray[np.float64]

REACTION_NODES = tuple(np.linspace(0.0, 1.0, 12))
"""Of the spline in u."""
REACTION_WEIGHTS = tuple(np.logspace(-9.0, -4.5, 10))
SOURCE_CELLS = 42
SOURCE_WEIGHTS = tuple(np.logspace(-11.0, -6.5, 10))
TWO_FUNCTIONS_CELLS = 100
PAIRS = tuple((w, w / share) for w in np.logspace(-8.0, -6.0, 5) for share in (30.0, 300.0))
"""Weights of int a'^2 and of int b'^2: b' is larger than a', and worth less in u."""


def relative_error(found: ArrayLike, true: ArrayLike) -> float:
    """||found - true|| / ||true||."""
    found, true = np.asarray(found, float), np.asarray(true, float)
    return float(np.linalg.norm(found - true) / np.linalg.norm(true))


def lotka_volterra_fit(t: Array, values: Array, sigma: Array, start: ArrayLike) -> Minimum:
    """a, b, c, d by weighted least squares; `spread()` has their standard deviations.

    The period depends on all four, and the sum of squares has minima a period apart: the fit goes
    through the first quarter of the times, half of them, and all.
    """
    z = np.asarray(start, float)
    for count in (len(t) // 4, len(t) // 2, len(t)):
        found = _lotka_volterra_to(t[:count], values[:count], sigma, z)
        z = found.z
    return found


def _lotka_volterra_to(t: Array, values: Array, sigma: Array, start: Array) -> Minimum:
    def forward(z: Array) -> tuple[Array, Array]:
        u, J = lotka_volterra.sensitivities(z, t)
        return (u / sigma).ravel(), (J / sigma[:, None]).reshape(-1, 4)

    return minimise(forward, (values / sigma).ravel(), start, bounds=(1e-3, 10.0))


def advection_fit(t: Array, x: Array, values: Array, start: ArrayLike = advection.START) -> Minimum:
    """D, k, q by least squares; `spread(sigma)` has their standard deviations."""
    return minimise(
        lambda z: advection.sensitivities(z, t, x),
        values,
        start,
        bounds=(np.array([2e-4, 0.0, 0.0]), np.inf),
    )


def reaction_fits(
    t: Array,
    x: Array,
    values: Array,
    *,
    weights: Sequence[float] = REACTION_WEIGHTS,
    nodes: ArrayLike = REACTION_NODES,
) -> list[Minimum]:
    """r at nodes of u (`spline.Spline`): z of every weight of int r''^2 du.

    A weight of zero is a fit without penalty. The spline is exact for cubics, as the truth is one.
    The search starts at r = 0 with the largest weight, and each smaller one where the last ended.
    """
    nodes = np.asarray(nodes, float)
    bending = _bending(nodes)
    return _down(
        lambda r: reaction.jacobian(nodes, r, t, x), values, np.zeros(len(nodes)), bending, weights
    )


def source_fits(
    x1: Array,
    x2: Array,
    values: Array,
    *,
    weights: Sequence[float] = SOURCE_WEIGHTS,
    n: int = SOURCE_CELLS,
    start: float = 5.0,
) -> list[Minimum]:
    """f at the nodes inside of the disc, then k: z of every weight of int |grad f|^2.

    The integral is over the whole square, by differences along edges: f is zero outside of the
    disc, and does not jump at its rim.
    """
    inside = source.nodes(n)[2]
    edges = np.pad(_edges(inside), ((0, 0), (0, 1)))  # k is not penalised

    def forward(z: Array) -> tuple[Array, Array]:
        f = np.zeros(inside.shape)
        f[inside] = z[:-1]
        u, by_f, by_k = source.jacobian(f, float(z[-1]), x1, x2, modes=2 * n)
        return u, np.concatenate([by_f[:, inside], by_k[:, None]], 1)

    return _down(forward, values, np.append(np.zeros(inside.sum()), start), edges, weights)


def two_functions_fits(
    x: Array,
    values: Array,
    *,
    pairs: Sequence[tuple[float, float]] = PAIRS,
    n: int = TWO_FUNCTIONS_CELLS,
) -> list[Minimum]:
    """a and b at n + 1 nodes each, one after the other, z of every pair of weights.

    The start is a = 1, b = 4.
    """
    half, none = slopes(n), np.zeros((n, n + 1))

    def forward(z: Array) -> tuple[Array, Array]:
        u, by_a, by_b = two_functions.jacobian(z[: n + 1], z[n + 1 :], x)
        return u.ravel(), np.concatenate([by_a, by_b], -1).reshape(u.size, -1)

    start = np.repeat([1.0, 4.0], n + 1)
    low = np.repeat([0.05, -5.0], n + 1)
    return [
        minimise(
            forward,
            values.ravel(),
            start,
            np.block([[np.sqrt(of_a) * half, none], [none, np.sqrt(of_b) * half]]),
            (low, np.inf),
        )
        for of_a, of_b in pairs
    ]


def _down(
    forward: Forward, values: Array, start: Array, root: Array, weights: Sequence[float]
) -> list[Minimum]:
    """The minima of all weights, each found from that of the next larger one."""
    minima: list[Minimum] = []
    for weight in sorted(weights, reverse=True):
        z = minima[-1].z if minima else start
        minima.append(minimise(forward, values, z, np.sqrt(weight) * root))
    return minima[::-1]


def _bending(nodes: Array) -> Array:
    """The root of int r''^2 du by the values of r: two Gauss points a cell are exact."""
    middle, half = (nodes[1:] + nodes[:-1]) / 2, np.diff(nodes) / 2
    points = np.concatenate([middle - half / np.sqrt(3), middle + half / np.sqrt(3)])
    curvature = CubicSpline(nodes, np.eye(len(nodes)))(points, 2)
    return np.asarray(np.sqrt(np.tile(half, 2))[:, None] * curvature)


def _edges(inside: NDArray[np.bool_]) -> Array:
    """Differences along all edges with an end inside, by the values inside, (edges, nodes)."""
    hats = np.zeros((inside.sum(), *inside.shape))
    hats[:, inside] = np.eye(len(hats))
    edges = np.concatenate([np.diff(hats, axis=axis).reshape(len(hats), -1) for axis in (1, 2)], 1)
    return edges[:, edges.any(0)].T
