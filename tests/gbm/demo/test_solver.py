"""The demo's own solver: conservation, walls, manufactured order, a ball and its radial problem."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.sparse import diags

from gbm.demo.solver import HEUN, STABILISED, Scheme, grow
from gbm.demo.stepping import chebyshev, stable_interval


def _axis(n: int, spacing: float) -> np.ndarray:
    return (np.arange(n) - (n - 1) / 2) * spacing


def test_mass_is_conserved_without_growth(rng: np.random.Generator) -> None:
    m = rng.uniform(0.1, 1.0, (40, 30))
    tissue = rng.uniform(size=(40, 30)) > 0.1
    tissue[20, 15] = True
    start = np.zeros((40, 30))
    start[20, 15] = 1.0
    end = grow(m, tissue, 1.0, DT=20.0, rhoT=0.0, seed_density=start)
    assert end.sum() == pytest.approx(1.0, abs=1e-12)
    assert end.min() >= 0.0


def test_walls_are_sharp() -> None:
    m = np.ones((41, 41))
    tissue = np.ones((41, 41), dtype=bool)
    tissue[25] = False
    start = np.zeros((41, 41))
    start[15, 20] = 0.5
    end = grow(m, tissue, 1.0, DT=200.0, rhoT=5.0, seed_density=start)
    assert np.all(end[25:] == 0.0)
    assert end[24].max() > 0.01


def test_logistic_growth_without_diffusion() -> None:
    start = np.full((4, 4), 0.1)
    end = grow(np.zeros((4, 4)), np.ones((4, 4), bool), 1.0, 1.0, 3.0, start, Scheme(safety=0.01))
    exact = 0.1 * np.exp(3.0) / (1.0 - 0.1 + 0.1 * np.exp(3.0))
    assert np.allclose(end, exact, rtol=1e-4)


def test_a_gaussian_spreads_with_second_order() -> None:
    errors = []
    for n in (40, 80):
        h = 40.0 / n
        x = _axis(n, h)
        r2 = x[:, None] ** 2 + x[None, :] ** 2
        end = grow(np.ones((n, n)), np.ones((n, n), bool), h, 4.0, 0.0, np.exp(-r2 / 16.0))
        exact = np.exp(-r2 / 32.0) / 2.0
        errors.append(np.linalg.norm(end - exact) / np.linalg.norm(exact))
    assert np.log2(errors[0] / errors[1]) > 1.9


def test_seed_outside_the_tissue_is_refused() -> None:
    start = np.zeros((5, 5))
    start[2, 2] = 0.1
    tissue = np.ones((5, 5), bool)
    tissue[2, 2] = False
    with pytest.raises(ValueError, match="outside the tissue"):
        grow(np.ones((5, 5)), tissue, 1.0, 1.0, 1.0, start)


@pytest.mark.parametrize("scheme", [HEUN, STABILISED], ids=["Heun", "Chebyshev"])
def test_mass_is_conserved_in_space(scheme: Scheme, rng: np.random.Generator) -> None:
    shape = (24, 20, 18)
    tissue = rng.uniform(size=shape) > 0.1
    tissue[12, 10, 9] = True
    start = np.zeros(shape)
    start[12, 10, 9] = 1.0
    m = rng.uniform(0.1, 1.0, shape)
    end = grow(m, tissue, 1.0, DT=3.0, rhoT=0.0, seed_density=start, scheme=scheme)
    # stabilised steps set what they undershoot to zero, and leave out what is negligible
    assert end.sum() == pytest.approx(1.0, abs=1e-12 if scheme is HEUN else 1e-3)
    assert end.min() >= 0.0
    assert np.all(end[~tissue] == 0.0)


def test_a_ball_stays_a_ball() -> None:
    """Mirror images and exchanged axes, to rounding."""
    u = _ball(_axis(33, 1.5), DT=40.0, rhoT=8.0, scheme=STABILISED)
    for other in (u[::-1], u[:, ::-1], u[:, :, ::-1], u.transpose(1, 2, 0), u.transpose(1, 0, 2)):
        assert np.allclose(u, other, rtol=1e-5, atol=1e-6)


def test_the_schemes_agree() -> None:
    """In space, and in the plane: a box that grows leaves nothing out."""
    x = _axis(40, 1.5)
    whole = _ball(x, DT=40.0, rhoT=9.0, scheme=HEUN)
    boxed = _ball(x, DT=40.0, rhoT=9.0, scheme=STABILISED)
    assert boxed.dtype == np.float32
    assert np.linalg.norm(boxed - whole) < 2e-3 * np.linalg.norm(whole)
    r2 = x[:, None] ** 2 + x**2
    m, tissue, seed = np.ones((40, 40)), np.ones((40, 40), bool), 0.1 * np.exp(-0.1 * r2)
    plane, quick = (grow(m, tissue, 1.5, 40.0, 9.0, seed, s) for s in (HEUN, STABILISED))
    assert np.linalg.norm(quick - plane) < 4e-3 * np.linalg.norm(plane)


def test_a_ball_follows_the_radial_problem() -> None:
    """An octant of cells of 1 mm; oracle: the radial problem by scipy's BDF on a finer grid."""
    DT, rhoT, x = 94.0, 12.0, np.arange(80) + 0.5
    u = _ball(x, DT=DT, rhoT=rhoT, scheme=STABILISED)
    r = np.sqrt(x[:, None, None] ** 2 + x[:, None] ** 2 + x**2)
    exact = np.interp(r, *_radial(DT, rhoT, extent=140.0, h=0.1))
    assert np.linalg.norm(u - exact) < 2.5e-3 * np.linalg.norm(exact)
    for level in (0.3, 0.6):
        assert (u > level).sum() == pytest.approx((exact > level).sum(), rel=5e-3)


@pytest.mark.parametrize("stages", [2, 3, 6, 11])
def test_chebyshev_steps_are_stable_and_of_second_order(stages: int) -> None:
    step = chebyshev(stages)
    z = np.linspace(0.0, stable_interval(stages), 400)
    u = np.ones(400)
    step(lambda v: -z * v, u, 1.0)
    assert np.all(u <= 1.0)
    errors = []
    for n in (20, 40):
        v = np.ones(1)
        for _ in range(n):
            step(lambda w: -w, v, 1.0 / n)
        errors.append(abs(v[0] - np.exp(-1.0)))
    assert np.log2(errors[0] / errors[1]) > 1.9


def _ball(x: np.ndarray, DT: float, rhoT: float, scheme: Scheme) -> np.ndarray:
    """A tumour in homogeneous tissue on a cube of cells."""
    r2 = x[:, None, None] ** 2 + x[:, None] ** 2 + x**2
    seed = (0.1 * np.exp(-0.1 * r2)).astype(np.float32)
    one = np.ones(r2.shape, np.float32)
    return grow(one, one > 0, x[1] - x[0], DT, rhoT, seed, scheme)


def _radial(DT: float, rhoT: float, extent: float, h: float) -> tuple[np.ndarray, np.ndarray]:
    """r and u(r) of a ball: finite volumes of shells."""
    edges = np.arange(0.0, extent + h / 2, h)
    r, volume = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges**3) / 3.0
    face = edges[1:-1] ** 2 * DT / h

    def rate(_: float, u: np.ndarray) -> np.ndarray:
        flux = np.pad(face * np.diff(u), 1)
        return np.diff(flux) / volume + rhoT * u * (1.0 - u)

    n = r.size
    pattern = diags([np.ones(n - 1), np.ones(n), np.ones(n - 1)], [-1, 0, 1])
    start = 0.1 * np.exp(-0.1 * r**2)
    found = solve_ivp(rate, (0, 1), start, "BDF", rtol=1e-7, atol=1e-11, jac_sparsity=pattern)
    return r, found.y[:, -1]
