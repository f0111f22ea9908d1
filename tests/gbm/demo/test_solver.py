"""The demo's own solver: conservation, walls, travelling speed, manufactured order."""

from __future__ import annotations

import numpy as np
import pytest

from gbm.demo.solver import grow


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
    end = grow(np.zeros((4, 4)), np.ones((4, 4), bool), 1.0, 1.0, 3.0, start, safety=0.01)
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
