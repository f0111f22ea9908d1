from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gbm.growth.extent import extent
from gbm.growth.finite_volume import solve
from gbm.growth.growth_map import coarsen
from gbm.growth.parameters import Growth, Seed
from gbm.posterior.maps import density_maps, extents
from tests.gbm.posterior.balls import ball, disc

GROWTH = Growth.of_lambda(2.0, 8.0)


def test_extents_of_equal_samples_are_those_of_one() -> None:
    domain = disc()
    u = solve(domain, GROWTH, Seed(domain.x0))[0]
    found = extents(domain, np.stack([u, u, u]), np.full(3, 1 / 3))
    exact = extent(domain, u)
    assert list(found) == list(exact)
    for name, value in exact.items():
        assert found[name].median == pytest.approx(value, abs=0.3)
        assert found[name].sd == pytest.approx(0.0, abs=1e-9)


def test_in_space_cells_of_two_voxels_say_nearly_the_same() -> None:
    domain = ball()
    fine = solve(domain, GROWTH, Seed(domain.x0))[0]
    coarse = coarsen(fine, 2)
    found, exact = (
        extents(domain, np.stack([coarse, coarse]), np.full(2, 0.5)),
        extent(domain, fine),
    )
    assert set(exact) - set(found) == {"density_at_border"}
    for name, summary in found.items():
        assert summary.median == pytest.approx(exact[name], rel=0.08, abs=1.1)
    maps = density_maps(domain, np.stack([coarse, coarse]), np.full(2, 0.5), 0.01)
    assert np.abs(maps.median - fine)[domain.tissue].max() < 0.12
    assert np.abs(maps.median - fine)[domain.tissue].mean() < 0.01


def test_maps_are_pointwise_quantiles() -> None:
    domain = disc()
    u = np.random.default_rng(0).random((21, *domain.phi.shape))
    maps = density_maps(domain, u, np.full(21, 1 / 21), 0.5)
    np.testing.assert_allclose(maps.high, np.quantile(u, 0.95, axis=0, method="hazen"))
    np.testing.assert_allclose(maps.infiltration, (u > 0.5).mean(axis=0))


def test_without_tissue_beyond_wt_nothing_is_infiltrated() -> None:
    domain = disc()
    u = solve(domain, GROWTH, Seed(domain.x0))
    found = extents(replace(domain, WT=domain.tissue), u, np.ones(1))
    assert {summary.median for summary in found.values()} == {0.0}
