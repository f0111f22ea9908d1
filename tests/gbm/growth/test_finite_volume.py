"""The solver: manufactured solution, order, conservation, an independent integrator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gbm.growth.finite_volume import default_steps, evolve, solve
from gbm.growth.growth_map import GrowthMap, cell_axes, coarsen
from gbm.growth.parameters import Growth, Seed

DT, RHOT, SIZE = 30.0, 4.0, 20.0


def fields(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
    """P and phi with their gradients, smooth and far from constant."""
    a, b = np.pi * x / SIZE, np.pi * y / SIZE
    P, Px, Py = 0.6 + 0.4 * np.sin(a) * np.cos(b), np.cos(a) * np.cos(b), -np.sin(a) * np.sin(b)
    phi, phi_x, phi_y = 0.55 + 0.4 * np.cos(2 * a) + 0 * b, -0.8 * np.sin(2 * a), 0 * b
    k = np.pi / SIZE
    return P, 0.4 * k * Px, 0.4 * k * Py, phi, k * phi_x, k * phi_y


def exact(x: np.ndarray, y: np.ndarray, t: float) -> np.ndarray:
    """A density without flux through the box."""
    return 0.3 + 0.2 * np.exp(-t) * np.cos(np.pi * x / SIZE) * np.cos(2 * np.pi * y / SIZE)


def forcing(x: np.ndarray, y: np.ndarray, t: float) -> np.ndarray:
    """What the exact density leaves of u_t - div(DT P phi grad u) / phi - rhoT u (1 - u)."""
    P, Px, Py, phi, phi_x, phi_y = fields(x, y)
    a, b, k, e = np.pi * x / SIZE, 2 * np.pi * y / SIZE, np.pi / SIZE, 0.2 * np.exp(-t)
    u, wave = exact(x, y, t), e * np.cos(a) * np.cos(b)
    ux, uy = -e * k * np.sin(a) * np.cos(b), -2 * e * k * np.cos(a) * np.sin(b)
    flux = P * phi * -5 * k**2 * wave + (Px * phi + P * phi_x) * ux + (Py * phi + P * phi_y) * uy
    return -wave - DT * flux / phi - RHOT * u * (1 - u)


def cells(P: np.ndarray, phi: np.ndarray, h: float) -> GrowthMap:
    """A grid of cells of `h` mm with values at their centres."""
    x, y = h * np.arange(P.shape[0]), h * np.arange(P.shape[1])
    return GrowthMap.from_cells((x, y), P, phi)


def manufactured_error(n: int, steps: int) -> float:
    h = SIZE / n
    x, y = np.meshgrid(h * (np.arange(n) + 0.5), h * (np.arange(n) + 0.5), indexing="ij")
    P, _, _, phi, _, _ = fields(x, y)
    u = evolve(
        cells(P, phi, h),
        exact(x, y, 0),
        Growth(DT, RHOT),
        steps=steps,
        source=lambda t: forcing(x, y, t),
    )
    difference = u[0] - exact(x, y, 1)
    return float(np.sqrt(np.sum(phi * difference**2) / np.sum(phi)))


def test_second_order_in_space_on_a_manufactured_solution() -> None:
    errors = [manufactured_error(n, 400) for n in (20, 40, 80)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders.min() >= 1.9


def test_second_order_in_time() -> None:
    x = np.arange(24) + 0.5
    X, Y = np.meshgrid(x * SIZE / 24, x * SIZE / 24, indexing="ij")
    P, _, _, phi, _, _ = fields(X, Y)
    u0 = exact(X, Y, 0)

    def end(steps: int) -> np.ndarray:
        return evolve(cells(P, phi, SIZE / 24), u0, Growth(DT, RHOT), steps=steps)[0]

    reference = end(1280)
    errors = [np.abs(end(steps) - reference).max() for steps in (20, 40, 80)]
    assert np.log2(np.array(errors[:-1]) / errors[1:]).min() >= 1.9


def test_mass_is_kept_without_growth(rng: np.random.Generator) -> None:
    P, phi = rng.uniform(0, 1, (41, 37)), rng.uniform(1e-4, 1, (41, 37))
    P[10:20, 10:20] = 0
    u0 = rng.uniform(0, 1, (41, 37))
    u = evolve(cells(P, phi, 1.0), u0, Growth(500.0, 0.0), times=(0.3, 1.0))
    mass = np.sum(phi * u, axis=(1, 2)) / np.sum(phi * u0)
    np.testing.assert_allclose(mass, 1.0, atol=1e-10)


def test_agrees_with_the_method_of_lines(rng: np.random.Generator) -> None:
    """An independent integrator (LSODA) on fluxes written as a plain loop over neighbours."""
    n, h, D, rho = 22, 1.5, 40.0, 6.0
    P, phi = rng.uniform(0.1, 1, (n, n)), rng.uniform(0.05, 1, (n, n))
    x = h * np.arange(n)
    u0 = Seed(np.array([14.0, 16.0]), 0.2, 0.05).density(x, x)
    product = P * phi

    def rate(_: float, flat: np.ndarray) -> np.ndarray:
        u = flat.reshape(n, n)
        flow = np.zeros_like(u)
        for axis in (0, 1):
            for side in (1, -1):
                other = np.roll(u, side, axis) - u
                face = 2 / (1 / product + 1 / np.roll(product, side, axis))
                edge = [slice(None)] * 2
                edge[axis] = 0 if side == 1 else -1  # type: ignore[call-overload]
                other[tuple(edge)] = 0
                flow += D * face * other / h**2
        return np.asarray((flow / phi + rho * u * (1 - u)).ravel())

    oracle = solve_ivp(
        rate, (0, 1), u0.ravel(), method="LSODA", rtol=1e-8, atol=1e-10, t_eval=[0.4, 1.0],
        lband=n, uband=n,
    )  # fmt: skip
    u = evolve(cells(P, phi, h), u0, Growth(D, rho), times=(0.4, 1.0), steps=800)
    np.testing.assert_allclose(u.reshape(2, -1).T, oracle.y, atol=2e-5)


def test_growth_alone_is_the_logistic_curve() -> None:
    u0 = np.full((6, 5), 0.02)
    times = (0.25, 0.5, 1.0)
    u = evolve(cells(np.ones((6, 5)), np.ones((6, 5)), 1.0), u0, Growth(10.0, 8.0), times)
    growth = 0.02 * np.exp(8.0 * np.array(times))
    np.testing.assert_allclose(u[:, 2, 2], growth / (0.98 + growth), rtol=1e-12)


def test_output_times_do_not_change_the_solution(grown: Any) -> None:
    whole = solve(grown.domain, grown.growth, grown.seed, steps=120)
    parts = solve(grown.domain, grown.growth, grown.seed, times=(0.0, 0.5, 1.0), steps=120)
    start = grown.seed.density(grown.domain.axes[0], grown.domain.axes[1])
    np.testing.assert_allclose(parts[0], start, atol=1e-15)
    np.testing.assert_allclose(parts[2], whole[0], atol=5e-4)


def test_refinement_converges_and_keeps_the_voxels(grown: Any) -> None:
    solutions = {
        n: coarsen(solve(grown.domain, grown.growth, grown.seed, cell_mm=1 / n, steps=160)[0], n)
        for n in (1, 2, 4)
    }
    errors = [
        np.sqrt(np.sum(grown.domain.phi * (solutions[n] - solutions[4]) ** 2))
        / np.sqrt(np.sum(grown.domain.phi * solutions[4] ** 2))
        for n in (1, 2)
    ]
    assert errors[1] < 2e-3
    assert errors[1] < 0.5 * errors[0] < 2e-2
    assert 0 <= solutions[2].min() <= solutions[2].max() <= 1
    x, _ = cell_axes(grown.domain.axes, 0.5)
    np.testing.assert_allclose(x.reshape(-1, 2).mean(1), grown.domain.axes[0])


def test_default_steps_are_accurate(grown: Any) -> None:
    for DT_mm2, rhoT in ((grown.DT, grown.rhoT), (2.0, 30.0), (400.0, 3.0)):
        growth = Growth(DT_mm2, rhoT)
        u = solve(grown.domain, growth, grown.seed)[0]
        finer = solve(grown.domain, growth, grown.seed, steps=8 * default_steps(growth))[0]
        assert np.linalg.norm(u - finer) < 5e-3 * np.linalg.norm(finer)


def test_uniform_tissue_needs_no_upscaling(grown: Any) -> None:
    flat = GrowthMap.of(
        type(grown.domain)(**{**vars(grown.domain), "P": 0 * grown.domain.P + 0.7,
                              "phi": 0 * grown.domain.phi + 0.5}), 0.5)  # fmt: skip
    np.testing.assert_allclose(flat.faces[0], 0.35, rtol=1e-9)
    np.testing.assert_allclose(flat.faces[1], 0.35, rtol=1e-9)
    np.testing.assert_allclose(flat.phi, 0.5)


def test_times_must_ascend() -> None:
    grid = GrowthMap.from_cells((np.arange(3.0), np.arange(3.0)), np.ones((3, 3)), np.ones((3, 3)))
    for times in ((1.0, 0.5), (-0.1, 1.0)):
        with pytest.raises(ValueError, match="ascend"):
            evolve(grid, np.zeros((3, 3)), Growth(1.0, 1.0), times)
