from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from gbm.growth.parameters import squared_distance
from gbm.posterior.correlation import SHARED, Whitening, correlation
from gbm.posterior.displacement import READINGS_MM, covered, covered_slope, flatness, limited
from gbm.posterior.outline import Outline
from gbm.posterior.region import Reader, Region, reading
from tests.gbm.posterior.balls import head, permuted

CENTRE = {2: np.array([24.0, 21.0]), 3: np.array([20.0, 18.0, 17.0])}
SHAPE = {2: (54, 48), 3: (46, 42, 40)}
RADIUS = 12.0


def round_region(dimensions: int, walls: bool = False):
    """A disc or ball in tissue without walls, or with a wall up to 1 mm before its centre."""
    tissue = np.ones(SHAPE[dimensions], bool)
    if walls:
        tissue[: int(CENTRE[dimensions][0]) + 3] = False
    domain = head(tissue, CENTRE[dimensions])
    distance = np.sqrt(squared_distance(domain.axes, CENTRE[dimensions]))
    return replace(domain, WT=distance < RADIUS), distance


@pytest.mark.parametrize("dimensions", [2, 3])
class TestOutline:
    def test_points_and_normals_of_a_ball(self, dimensions: int) -> None:
        domain, _ = round_region(dimensions)
        outline = Outline.of(domain, "WT")
        radii = outline.points - CENTRE[dimensions]
        length = np.linalg.norm(radii, axis=1)
        np.testing.assert_allclose(length, RADIUS, atol=0.8)
        assert length.mean() == pytest.approx(RADIUS, abs=0.25)
        along = np.sum(outline.normals * radii, axis=1) / length
        assert along.min() > 0.98
        assert outline.lost == 0.0
        assert outline.faces.sum() > 60

    def test_faces_at_walls_are_left_out(self, dimensions: int) -> None:
        domain, _ = round_region(dimensions, walls=True)
        outline = Outline.of(domain, "WT")
        assert outline.points[:, 0].min() > CENTRE[dimensions][0] - 1 + 3
        assert 0.5 < outline.lost < 0.95

    def test_hardly_any_faces_are_taken_nearer_to_walls(self, dimensions: int) -> None:
        domain, distance = round_region(dimensions)
        thin = replace(domain, phi=np.where(distance < RADIUS + 1.6, 1.0, 1e-4))
        outline = Outline.of(thin, "WT")
        assert outline.lost == 1.0
        assert len(outline.faces) > 5

    def test_a_region_that_ends_at_walls_has_none(self, dimensions: int) -> None:
        domain, distance = round_region(dimensions)
        filled = replace(domain, phi=np.where(distance < RADIUS, 1.0, 1e-4))
        region = Region.of(filled, "WT")
        assert len(region.outline.faces) == 0
        assert Reader.of(region, filled.axes).rays.shape[0] == 0

    def test_faces_all_around_one_point_have_no_direction(self, dimensions: int) -> None:
        """A ray that stays where it is would miss the outline by as much as can be."""
        domain, _ = round_region(dimensions)
        voxel = np.zeros_like(domain.WT)
        voxel[(21,) * dimensions] = True
        tiny = Outline.of(replace(domain, TC=voxel), "TC")
        assert len(tiny.faces) == len(tiny.points) == len(tiny.normals) == 0
        assert tiny.lost == 0.0

    def test_the_order_of_the_axes_does_not_matter(self, dimensions: int) -> None:
        domain, _ = round_region(dimensions, walls=True)
        order = (*range(1, dimensions), 0)
        one = Outline.of(domain, "WT")
        other = Outline.of(permuted(domain, order), "WT")
        for a, b in ((one.points, other.points), (one.normals, other.normals)):
            mine, theirs = (sorted(map(tuple, v.round(6))) for v in (a[:, order], b))
            assert mine == theirs

    def test_a_radial_front_lies_where_it_should(self, dimensions: int) -> None:
        """logit u = (R - r) / l passes logit tau at r = R - l logit tau, whatever the outline."""
        domain, distance = round_region(dimensions)
        region = Region.of(domain, "WT")
        logit_u = (RADIUS + 2.5 - distance) / 1.7
        read = Reader.of(region, domain.axes)(logit_u.ravel())[None]
        rays = region.rays(read)
        tau = np.log(0.3 / 0.7)
        at = RADIUS + 2.5 - 1.7 * tau
        exact = at - np.linalg.norm(region.outline.points - CENTRE[dimensions], axis=1)
        np.testing.assert_allclose(region.displacement(read, np.array([0.3]))[0], exact, atol=0.06)
        off = RADIUS + 2.5 - np.linalg.norm(region.signs - CENTRE[dimensions], axis=1)
        exact = region.side * (off / 1.7 - tau) / np.sqrt(1.7**-2 + 0.05**2)
        found = region.sign_error(read, np.array([0.3]))[0]
        # differences that reach beyond the grid are too small
        last = np.array([axis[-1] for axis in domain.axes])
        inner = np.all((region.signs > -2.0) & (region.signs < last - 1.0), axis=1)
        np.testing.assert_allclose(found[inner], exact[inner], rtol=0.05, atol=0.1)
        np.testing.assert_allclose(
            flatness(rays, region.t)[0], np.sqrt(1 + (0.12 * 1.7) ** 2), rtol=1e-2
        )

    def test_walls_on_the_way_are_nobodys(self, dimensions: int) -> None:
        """Where front and drawing agree on either side of a sulcus its edges say nothing."""
        _, distance = round_region(dimensions)
        tissue = np.ones(SHAPE[dimensions], bool)
        tissue[int(CENTRE[dimensions][0]) + 5 :][:3] = False
        domain = replace(head(tissue, CENTRE[dimensions]), WT=(distance < RADIUS) & tissue)
        region = Region.of(domain, "WT")
        read = Reader.of(region, domain.axes)(((RADIUS - distance) / 1.7).ravel())[None]
        exact = RADIUS - np.linalg.norm(region.outline.points - CENTRE[dimensions], axis=1)
        found = region.displacement(read, np.array([0.5]))[0]
        np.testing.assert_allclose(found, exact, atol=0.06)

    def test_nothing_is_beyond_the_border(self, dimensions: int) -> None:
        """A front that reaches it has come as far as it can, and does not jump."""
        domain, distance = round_region(dimensions)
        kept = slice(0, int(CENTRE[dimensions][0] + RADIUS) + 3 + 3)
        names = ("P", "phi", "WT", "TC", "wm", "gm", "csf")
        cut = replace(
            domain, axes=(domain.axes[0][kept], *domain.axes[1:]),
            **{name: getattr(domain, name)[kept] for name in names},
        )  # fmt: skip
        region = Region.of(cut, "WT")
        reader = Reader.of(region, cut.axes)
        radii = RADIUS + np.linspace(0.0, 6.0, 61)
        read = np.array([reader((r - distance[kept]).ravel() / 1.7) for r in radii])
        found = region.displacement(read, np.full(len(radii), 0.5))
        assert np.diff(found, axis=0).max() < 0.5
        foremost = found[:, np.argmax(region.outline.points[:, 0])]
        assert 2.0 < foremost[-1] < 3.5


class TestCrossing:
    @pytest.mark.parametrize("dimensions", [2, 3])
    def test_a_root_is_where_the_ray_is_covered_to(self, dimensions: int) -> None:
        """Exact between readings, wherever it lies."""
        t = READINGS_MM[dimensions]
        for root in (-14.3, -0.25, 0.0, 2.25):
            v = 0.7 * (root - t)
            assert covered(v) @ np.diff(t) + t[0] == pytest.approx(root)

    def test_nothing_jumps_where_roots_appear(self) -> None:
        """A second front that comes up adds its own length, from nothing."""
        t = READINGS_MM[2]
        hill = 4.0 - np.abs(t - 9.0)
        rising = [np.maximum(-t, hill - height) for height in np.linspace(6, 0, 601)]
        lengths = np.array([covered(v).sum() for v in rising])
        assert lengths[0] == pytest.approx(15.0)
        assert lengths[-1] > 21.0
        assert np.abs(np.diff(lengths)).max() < 0.05

    def test_slope_is_exact(self) -> None:
        rng = np.random.default_rng(0)
        v, by, d = (rng.standard_normal((3, n)) for n in (31, 30, 31))
        h = 1e-6
        found = ((covered(v + h * d) - covered(v - h * d)) * by).sum() / (2 * h)
        assert (covered_slope(v, by) * d).sum() == pytest.approx(found, rel=1e-6)

    def test_outliers_are_drawn_in(self) -> None:
        np.testing.assert_allclose(
            limited(np.array([0.1, -8.0])), [0.1, -8 / np.sqrt(2)], rtol=1e-3
        )

    def test_flat_fields_err_more_but_not_without_limit(self) -> None:
        t = READINGS_MM[2]
        v = -t[None] * np.array([[1.0], [0.12], [0.0]])
        np.testing.assert_allclose(flatness(v, t), [1.0072, np.sqrt(2), 2.0], rtol=1e-4)


class TestWhitening:
    def test_density_is_that_of_the_correlated_errors(self) -> None:
        rng = np.random.default_rng(0)
        points, outline = rng.uniform(0, 40, (12, 2)), np.repeat([0, 1], [7, 5])
        e, nu = rng.normal(size=12), 0.2
        whitening = Whitening.of(points, outline)
        variance = whitening.k + nu**2
        y = whitening.V.T @ e
        found = -0.5 * np.sum(y**2 / variance + np.log(2 * np.pi * variance))
        covariance = correlation(points, outline) + nu**2 * np.eye(12)
        assert found == pytest.approx(stats.multivariate_normal(cov=covariance).logpdf(e))

    def test_errors_are_a_field_of_both_outlines_and_one_of_each(self) -> None:
        """Definite even where the points of two outlines are the same."""
        points = np.tile(np.random.default_rng(0).uniform(0, 40, (30, 3)), (2, 1))
        outline = np.repeat([0, 1], 30)
        K = correlation(points, outline)
        assert np.linalg.eigvalsh(K).min() > 0
        np.testing.assert_allclose(np.diag(K[:30, 30:]), SHARED)
        np.testing.assert_allclose(K[:30, 30:], SHARED * K[:30, :30])


def test_reading_is_multilinear() -> None:
    axes = tuple(2.0 * np.arange(n) + 1 for n in (6, 5, 4))
    x, y, z = np.meshgrid(*axes, indexing="ij")
    points = np.random.default_rng(1).uniform([1, 1, 1], [11, 9, 7], (20, 3))
    px, py, pz = points.T
    np.testing.assert_allclose(reading(axes, points) @ (x * y).ravel(), px * py)
    np.testing.assert_allclose(reading(axes, points) @ (x * y * z).ravel(), px * py * pz)
