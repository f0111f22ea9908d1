"""Reference solution of advection, diffusion and decay with an outflow: spectral, exact in time.

    u_t + 0.7 u_x = D u_xx - k u + q s(x)  on (0, 1) x (0, 1],
    s = exp(-((x - 0.4) / 0.05)^2 / 2),   u = 0 at x = 0,   u_x = 0 at x = 1,   u(x, 0) = 0

A river with a discharge that is opened at t = 0; what it carries leaves from t = 0.85 on. D is a
thousandth and shows in the width of the front alone, q is fifty.

Space: values at Chebyshev nodes, those of the two ends eliminated by their conditions. Time: the
system u_t = A u + q s is linear and its coefficients constant, so that

    (u(t + h), 1) = exp(h [A, q s; 0, 0]) (u(t), 1)

is exact; cubic Hermite interpolation by u and u_t leads from the steps to other times. Nothing but
analytic operations is used, so the complex step gives the sensitivities exact to rounding.
u is good to 1e-7 of its largest value near the truth, to 5e-7 for D = 5e-4 and 2e-5 for 2e-4,
where the front and the layer at the outflow are less well resolved.

References: Trefethen 2000, Spectral Methods in MATLAB, chs. 6 and 10; Squire and Trapp 1998, SIAM
Rev. 40 (the complex step).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import expm

from bilo.solvers import chebyshev

Array = NDArray[np.float64]

TRUTH = (1e-3, 2.0, 50.0)
"""D, k, q."""
START = (5e-3, 1.0, 20.0)
VELOCITY = 0.7
NODES = 96
STEPS = 200
_POINTS = 200
_COMPLEX_STEP = 1e-30


def source(x: ArrayLike) -> Array:
    """s(x)."""
    return np.asarray(np.exp(-(((np.asarray(x, float) - 0.4) / 0.05) ** 2) / 2))


def solve(
    theta: ArrayLike, t: ArrayLike, x: ArrayLike, *, nodes: int = NODES, steps: int = STEPS
) -> Array:
    """u at points (t, x).

    Parameters
    ----------
    theta : array_like (3,)
        D > 0, k, q.
    t, x : array_like (m,)
        Points of [0, 1] x [0, 1].
    nodes, steps : int
        Resolution.

    Returns
    -------
    ndarray (m,)

    Raises
    ------
    ValueError
        If D is not positive, theta not finite, or a point outside.
    """
    theta = np.asarray(theta, float)
    return np.asarray(_sampled(theta.astype(complex), t, x, nodes, steps).real)


def sensitivities(
    theta: ArrayLike, t: ArrayLike, x: ArrayLike, *, nodes: int = NODES, steps: int = STEPS
) -> tuple[Array, Array]:
    """u (m,) at points and its derivatives by D, k, q, (m, 3); arguments as in `solve`."""
    theta = np.asarray(theta, float)
    moved = theta + 1j * _COMPLEX_STEP * np.diag(np.abs(theta) + (theta == 0))
    columns = [_sampled(row, t, x, nodes, steps) for row in moved]
    J = np.stack([c.imag for c in columns], -1) / np.diag(moved).imag
    return np.asarray(columns[0].real), np.asarray(J)


def observe(noise: float, seed: int) -> tuple[Array, Array, Array, float]:
    """u of the truth at 200 points scattered evenly at random over the domain.

    Parameters
    ----------
    noise : float
        Standard deviation over the largest u at these points.

    Returns
    -------
    t, x, values : ndarray (200,)
    sigma : float
        Standard deviation.
    """
    generator = np.random.default_rng(seed)
    t, x = generator.uniform(size=(2, _POINTS))
    u = solve(TRUTH, t, x)
    sigma = noise * float(u.max())
    return t, x, u + sigma * generator.standard_normal(u.shape), sigma


def _sampled(
    theta: NDArray[np.complex128], t: ArrayLike, x: ArrayLike, nodes: int, steps: int
) -> NDArray[np.complex128]:
    t, x = np.broadcast_arrays(np.asarray(t, float), np.asarray(x, float))
    if not ((t >= 0) & (t <= 1) & (x >= 0) & (x <= 1)).all():
        raise ValueError("a point is outside of [0, 1] x [0, 1]")
    if not (theta.real[0] > 0 and np.isfinite(theta).all()):
        raise ValueError(f"D must be positive and D, k, q finite, got {theta.real}")
    D, k, q = theta
    y, first = chebyshev.nodes(nodes), chebyshev.derivative(nodes)
    # u = 0 at the first node; that of the last one makes u_x zero there
    whole = np.eye(nodes + 1)[:, 1:-1]
    whole[-1] = -first[-1, 1:-1] / first[-1, -1]
    A = (D * first @ first - VELOCITY * first)[1:-1] @ whole - k * np.eye(nodes - 1)
    forcing = q * source(y[1:-1])
    generator = np.zeros((nodes, nodes), complex)
    generator[:-1, :-1], generator[:-1, -1] = A, forcing
    step = expm(generator / steps)
    path = np.zeros((steps + 1, nodes), complex)
    path[0, -1] = 1.0
    for n in range(steps):
        path[n + 1] = step @ path[n]
    at_x = chebyshev.interpolation(y, x) @ whole
    j = np.minimum((t * steps).astype(int), steps - 1)
    s = (t * steps - j)[:, None]
    u, u_t = path[:, :-1], (path @ generator.T)[:, :-1] / steps
    value = (1 - s) ** 2 * ((1 + 2 * s) * u[j] + s * u_t[j])
    value += s**2 * ((3 - 2 * s) * u[j + 1] + (s - 1) * u_t[j + 1])
    return np.asarray((at_x * value).sum(-1))
