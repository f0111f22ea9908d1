"""The solver in three dimensions: manufactured solution, conservation, the ball, the box."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gbm.growth.finite_volume import FULL, TAILS, VISIBLE, evolve, solve
from gbm.growth.growth_map import GrowthMap, cell_axes, coarsen, spread
from gbm.growth.parameters import Growth, Seed
from gbm.growth.radial import radial

SIZE, DT, RHOT = 16.0, 24.0, 3.0
K = np.pi / SIZE


def exact(points: list[np.ndarray], t: float) -> np.ndarray:
    """A density without flux through the box."""
    x, y, z = points
    wave = np.cos(K * x) * np.cos(2 * K * y) * np.cos(K * z)
    return np.asarray(0.4 + 0.2 * np.exp(-t) * wave)


def forcing(points: list[np.ndarray], t: float) -> np.ndarray:
    """What it leaves of u_t - div(DT P phi grad u) / phi - rhoT u (1 - u), by hand."""
    x, y, z = points
    e = 0.2 * np.exp(-t)
    cx, cy, cz = np.cos(K * x), np.cos(2 * K * y), np.cos(K * z)
    u, wave = exact(points, t), e * cx * cy * cz
    ux = -e * K * np.sin(K * x) * cy * cz
    uz = -e * K * cx * cy * np.sin(K * z)
    P, phi = tissue(points)
    P_x, phi_z = 0.3 * K * np.cos(K * x), -0.3 * K * np.sin(K * z)
    flux = -6 * K**2 * P * phi * wave + P_x * phi * ux + P * phi_z * uz
    return np.asarray(-wave - DT * flux / phi - RHOT * u * (1 - u))


def tissue(points: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """P varies along x, phi along z."""
    x, _, z = points
    return 0.5 + 0.3 * np.sin(K * x), 0.6 + 0.3 * np.cos(K * z)


def manufactured_error(n: int) -> float:
    h = SIZE / n
    axes = (h * (np.arange(n) + 0.5),) * 3
    points = np.meshgrid(*axes, indexing="ij")
    P, phi = tissue(points)
    grid = GrowthMap.from_cells(axes, P, phi)
    u = evolve(
        grid, exact(points, 0.0), Growth(DT, RHOT), steps=240,
        source=lambda t: forcing(points, t), arithmetic=FULL,
    )  # fmt: skip
    difference = u[0] - exact(points, 1.0)
    return float(np.sqrt(np.sum(phi * difference**2) / np.sum(phi)))


def test_second_order_in_space_on_a_manufactured_solution() -> None:
    errors = np.array([manufactured_error(n) for n in (8, 16, 32)])
    assert np.log2(errors[:-1] / errors[1:]).min() >= 1.8


def test_mass_is_kept_without_growth(rng: np.random.Generator) -> None:
    shape = (24, 20, 28)
    P, phi = rng.uniform(0, 1, shape), rng.uniform(1e-2, 1, shape)
    P[8:14, 6:12, 10:20] = 0
    axes = tuple(np.arange(float(n)) for n in shape)
    grid = GrowthMap.from_cells(axes, P.astype(np.float32), phi.astype(np.float32))
    u0 = Seed(np.array([10.0, 9.0, 14.0]), 0.5, 0.05).density(*axes)
    u = evolve(grid, u0, Growth(120.0, 0.0), times=(0.3, 1.0))
    assert u.dtype == np.float32
    mass = np.sum(phi * u.astype(float), axis=(1, 2, 3)) / np.sum(phi * u0)
    np.testing.assert_allclose(mass, 1.0, atol=1e-5)


def test_agrees_with_the_method_of_lines(rng: np.random.Generator) -> None:
    """An independent integrator on fluxes written as a plain loop over neighbours."""
    n, h, D, rho = 9, 1.5, 20.0, 5.0
    P, phi = rng.uniform(0.1, 1, (n,) * 3), rng.uniform(0.2, 1, (n,) * 3)
    axes = (h * np.arange(n),) * 3
    u0 = Seed(np.array([5.0, 6.0, 6.0]), 0.2, 0.05).density(*axes)
    product = P * phi

    def rate(_: float, flat: np.ndarray) -> np.ndarray:
        u = flat.reshape((n,) * 3)
        flow = np.zeros_like(u)
        for axis in range(3):
            for side in (1, -1):
                other = np.roll(u, side, axis) - u
                edge: list[Any] = [slice(None)] * 3
                edge[axis] = 0 if side == 1 else -1
                other[tuple(edge)] = 0
                flow += D * 2 / (1 / product + 1 / np.roll(product, side, axis)) * other / h**2
        return np.asarray((flow / phi + rho * u * (1 - u)).ravel())

    oracle = solve_ivp(rate, (0, 1), u0.ravel(), method="RK23", rtol=1e-6, atol=1e-8)
    grid = GrowthMap.from_cells(axes, P, phi)
    u = evolve(grid, u0, Growth(D, rho), steps=400, arithmetic=FULL)
    np.testing.assert_allclose(u[0].ravel(), oracle.y[:, -1], atol=2e-4)


def test_in_uniform_tissue_a_ball_grows() -> None:
    """The radial problem of three dimensions, and the solver along an axis and a diagonal."""
    axes = (np.arange(-28.0, 29.0),) * 3
    ones = np.ones((57,) * 3, np.float32)
    growth, seed = Growth(60.0, 8.0), Seed(np.zeros(3))
    u = solve(GrowthMap.from_cells(axes, ones, ones), growth, seed, steps=120)[0]
    r, expected = radial(growth, Seed(np.zeros(1)), 3)
    reach = np.arange(0, 15)
    np.testing.assert_allclose(u[28 + reach, 28, 28], np.interp(reach, r, expected), atol=0.012)
    diagonal = u[28 + reach, 28 + reach, 28 + reach]
    along = np.interp(np.sqrt(3) * reach, r, expected)
    np.testing.assert_allclose(diagonal, along, atol=0.012)


def test_the_box_grows_with_the_tumour(space: Any) -> None:
    """Cells outside of it are left alone, and nothing is lost by it."""
    grid = GrowthMap.of(space.domain)
    whole = solve(grid, space.growth, space.seed, arithmetic=FULL)[0]
    for arithmetic, error in ((VISIBLE, 1e-3), (TAILS, 5e-4)):
        u = solve(grid, space.growth, space.seed, arithmetic=arithmetic)[0]
        assert np.linalg.norm(u - whole) < error * np.linalg.norm(whole)
    early = solve(grid, space.growth, space.seed, times=(0.02,))[0]
    apart = (np.abs(x - c) for x, c in zip(np.ix_(*grid.axes), space.x0, strict=True))
    far = np.maximum.reduce(np.broadcast_arrays(*apart)) > 21.0
    seed = space.seed.density(*grid.axes).astype(np.float32)
    np.testing.assert_array_equal(early[far], seed[far])
    assert whole[far & (grid.phi > 0.5)].min() > 0.0


@pytest.mark.parametrize(
    ("lambda_mm", "rhoT"), [(0.5, 40.0), (2.5, 12.0), (15.0, 3.0), (15.0, 10.0)]
)
def test_the_box_keeps_pace_with_a_wide_front(lambda_mm: float, rhoT: float) -> None:
    """A step takes a density of a large lambda over many cells."""
    axes = (np.arange(48.0),) * 3
    ones = np.ones((48,) * 3)
    grid, seed = GrowthMap.from_cells(axes, ones, ones), Seed(np.array([30.0, 22.0, 25.0]))
    u0, growth = seed.density(*axes), Growth.of_lambda(lambda_mm, rhoT)
    whole = evolve(grid, u0, growth, arithmetic=FULL)[0]
    for arithmetic in (VISIBLE, TAILS):
        u = evolve(grid, u0, growth, arithmetic=arithmetic)[0]
        assert np.linalg.norm(u - whole) < 5e-4 * np.linalg.norm(whole)


def test_cells_of_any_size_see_the_same_tissue(space: Any) -> None:
    fine = GrowthMap.of(space.domain)
    for cell in (2.0, 4.0):
        grid = GrowthMap.of(space.domain, cell)
        assert grid.h == cell
        assert grid.phi.dtype == np.float32
        np.testing.assert_allclose(grid.phi, coarsen(fine.phi, int(cell)), atol=2e-3)
        for axis, own in enumerate(cell_axes(space.domain.axes, cell)):
            np.testing.assert_allclose(grid.axes[axis], own)


def test_larger_cells_err_as_documented(space: Any) -> None:
    solutions = {c: solve(space.domain, space.growth, space.seed, cell_mm=c)[0] for c in (1, 2)}
    phi = coarsen(space.domain.phi, 2)
    weight = np.where(phi > 0.5, phi, 0.0)
    finer = coarsen(solutions[1], 2)
    error = np.sqrt((weight * (solutions[2] - finer) ** 2).sum() / (weight * finer**2).sum())
    assert error < 0.025


def test_values_between_cells_are_linear() -> None:
    coarse = cell_axes((np.arange(12.0),) * 3, 2.0)
    field = np.add.outer(np.add.outer(coarse[0], 2 * coarse[1]), -coarse[2])
    found = spread(field, 2, (12, 12, 12))
    x = np.arange(12.0)
    expected = np.add.outer(np.add.outer(x, 2 * x), -x)
    inner = (slice(1, -1),) * 3
    np.testing.assert_allclose(found[inner], expected[inner], atol=1e-12)


def test_blocks_that_fill_no_cell_are_cut() -> None:
    assert coarsen(np.ones((3, 9, 6, 7)), 2, 3).shape == (3, 4, 3, 3)
