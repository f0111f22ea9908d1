"""The radial problem: the planar solver as an oracle, and the exact heat kernel."""

from __future__ import annotations

import numpy as np

from gbm.growth.finite_volume import evolve
from gbm.growth.growth_map import GrowthMap
from gbm.growth.parameters import Growth, Seed
from gbm.growth.radial import radial, radius_at


def test_agrees_with_the_plane() -> None:
    x = 0.5 * (np.arange(241) - 120)
    u0 = Seed(np.zeros(2)).density(x, x)
    ones = np.ones((x.size, x.size))
    plane = evolve(GrowthMap.from_cells((x, x), ones, ones), u0, Growth(60.0, 7.0))[0]
    r, u = radial(Growth(60.0, 7.0))
    np.testing.assert_allclose(plane[120:, 120], np.interp(x[120:], r, u), atol=2e-3)
    diagonal = np.interp(np.hypot(x[120:], x[120:]), r, u)
    np.testing.assert_allclose(np.diag(plane)[120:], diagonal, atol=2e-3)


def test_slow_growth_is_the_heat_kernel() -> None:
    """The seed spreads to h0 / (1 + tau) exp(rhoT - r0 r^2 / (1 + tau)), tau = 4 r0 DT."""
    r, u = radial(Growth(50.0, 0.5), Seed(np.zeros(1), h0=1e-4))
    tau = 4 * 0.1 * 50.0
    expected = 1e-4 * np.exp(0.5) / (1 + tau) * np.exp(-0.1 * r**2 / (1 + tau))
    np.testing.assert_allclose(u, expected, atol=4e-3 * expected.max())


def test_radius_is_read_between_cells() -> None:
    r = np.arange(5.0)
    u = np.array([1.0, 0.8, 0.4, 0.2, 0.0])
    assert radius_at(r, u, 0.6) == 1.5
    assert radius_at(r, 0.1 * u, 0.6) == 0.0
    assert radius_at(r, u + 1, 0.6) == 4.0
