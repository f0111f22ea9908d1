from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist
from scipy.special import ndtr

from gbm.growth.parameters import squared_distance
from gbm.posterior.correlation import SHARED, correlation, matern32, shares
from gbm.posterior.likelihood import OutlineLikelihood
from gbm.posterior.region import Reader, Region
from tests.gbm.posterior.test_outline import CENTRE, RADIUS, round_region


def logit_u(distance: np.ndarray, radius: float, length: float) -> np.ndarray:
    return ((radius - distance) / length).ravel()


HALF = np.array([0.5])


def known(region: Region, sd: list[float]) -> OutlineLikelihood:
    return replace(OutlineLikelihood.of([region], 2), sd=np.array(sd))


@pytest.fixture(scope="module")
def both():
    """A disc with a smaller one in it."""
    domain, distance = round_region(2)
    domain = replace(domain, TC=distance < RADIUS - 4.0)
    regions = [Region.of(domain, name) for name in ("WT", "TC")]
    readers = [Reader.of(region, domain.axes) for region in regions]

    def read(logit_u: np.ndarray) -> np.ndarray:
        return np.concatenate([reader(logit_u) for reader in readers])

    return regions, read, distance


@pytest.fixture(scope="module")
def made():
    domain, distance = round_region(2)
    region = Region.of(domain, "WT")
    return region, Reader.of(region, domain.axes), distance


class TestNoise:
    def test_known_noise_is_a_multiple_of_the_misfit(self, made) -> None:
        region, read, distance = made
        features = read(logit_u(distance, RADIUS + 3.0, 2.0))
        known = OutlineLikelihood.of([region], 2).frozen(features, HALF, 1.2, 1.3)
        assert known.misfit(features, HALF)["WT"] == pytest.approx(2.81, abs=0.25)
        scale = np.sqrt(1 + (0.12 * 2.0) ** 2)
        misfit = known.misfit(features, HALF)["WT"]
        assert known.sd == pytest.approx(1.3 * misfit / scale, rel=0.01)
        assert known.rough == pytest.approx(1 - (1.2 / known.sd[0]) ** 2)
        near = OutlineLikelihood.of([region], 2).frozen(
            read(logit_u(distance, RADIUS, 2.0)), HALF, 1.2, 1.3
        )
        assert near.sd == 1.2
        assert near.rough == 0.0


class TestDensity:
    def test_greatest_where_the_front_is_the_outline(self, made) -> None:
        region, read, distance = made
        likelihood = OutlineLikelihood.of([region], 2)
        radii = RADIUS + np.array([-3.0, -1.0, 0.0, 1.0, 3.0])
        features = np.array([read(logit_u(distance, r, 2.0)) for r in radii])
        values = likelihood.log(features, np.full((1, 5), 0.5))
        assert np.argmax(values) == 2
        assert values[2] > values[1] > values[0]

    def test_a_moved_threshold_is_a_moved_front(self, made) -> None:
        region, read, distance = made
        tau = 1 / (1 + np.exp(-0.8))
        moved = region.displacement(
            read(logit_u(distance, RADIUS + 1.6, 2.0))[None], np.array([tau])
        )
        still = region.displacement(read(logit_u(distance, RADIUS, 2.0))[None], HALF)
        np.testing.assert_allclose(moved, still, atol=1e-9)

    def test_sign_points(self, made) -> None:
        """A density that is nowhere above its threshold is wrong at every point inside."""
        region, read, distance = made
        likelihood = known(region, [1.2])
        features = read(logit_u(distance, RADIUS, 2.0))[None]
        e = region.sign_error(features, HALF)
        np.testing.assert_array_equal(e > 0, True)
        own = np.zeros(e.size, int)
        share = 1 / correlation(region.signs, own).sum(axis=0)
        expected = (share * np.log(0.03 + 0.97 * ndtr(e[0] / 1.2))).sum()
        delta = region.displacement(features, HALF)[0] / 1.2
        own = np.zeros(len(delta), int)
        covariance = correlation(region.outline.points, own)
        covariance += likelihood.nugget * np.eye(len(delta))
        drawn = -0.5 * delta @ np.linalg.solve(covariance, delta)
        found = likelihood.log(features, HALF[:, None])[0]
        assert found == pytest.approx(drawn + expected)

    def test_a_lobe_of_sign_points_counts_for_little(self) -> None:
        """All points of one place for one, those of far places for as many."""
        rng, whole = np.random.default_rng(0), np.zeros(80, int)
        together = 0.01 * rng.standard_normal((80, 3))
        apart = 1e4 * rng.standard_normal((80, 3))
        assert shares(together, whole).sum() == pytest.approx(1.0, abs=0.01)
        assert shares(apart, whole).sum() == pytest.approx(80.0, abs=0.01)

    def test_what_is_far_off_is_no_better_for_being_smooth(self, made) -> None:
        """A front beyond all rays against a ragged one nearby: whitened, the former is likelier."""
        region, read, distance = made
        likelihood = known(region, [1.0])
        ragged = logit_u(distance, RADIUS, 2.0).reshape(distance.shape).copy()
        i, j = np.indices(distance.shape)
        ragged += 2.5 * np.sign(np.sin(2 * np.pi * i / 9) * np.sin(2 * np.pi * j / 9))
        near, beyond = read(ragged.ravel()), read(logit_u(distance, RADIUS - 9.0, 2.0))
        both, levels = np.array([near, beyond]), np.full((1, 2), 0.5)
        misfits = [likelihood.misfit(f, HALF)["WT"] for f in both]
        assert misfits[0] < 0.8 * misfits[1]
        white, _ = likelihood._residuals(both, levels)
        assert (white[0] ** 2).sum() > (white[1] ** 2).sum()
        value = likelihood.far_off(both, levels)
        assert value[0] > value[1]

    def test_nugget(self, made) -> None:
        region, _, _ = made
        likelihood = OutlineLikelihood.of([region], 2)
        assert likelihood.nugget == pytest.approx(np.mean(0.09 / region.outline.faces))
        assert known(region, [2.0]).nugget == pytest.approx(likelihood.nugget / 4)


def test_gradient_is_that_of_the_density(both) -> None:
    regions, read, distance = both
    likelihood = replace(OutlineLikelihood.of(regions, 2), sd=np.array([1.2, 1.5]))

    def features(p: np.ndarray) -> np.ndarray:
        axes = [np.arange(n) - 3.0 for n in distance.shape]
        off = np.sqrt(squared_distance(axes, CENTRE[2] + [p[1], 0.0]))
        return read(logit_u(off, RADIUS + p[0], 2.0))

    p, levels, h = np.array([1.0, -0.7]), np.array([0.45, 0.8]), 1e-4
    moved = np.array([features(p + h * e) for e in np.eye(2)])
    gradient, hessian = likelihood.expand(features(p), levels, moved, np.full(2, h))

    def value(q: np.ndarray) -> float:
        return float(likelihood.log(features(q[:2])[None], q[2:, None])[0])

    at = np.concatenate([p, levels])
    exact = [(value(at + h * e) - value(at - h * e)) / (2 * h) for e in np.eye(4)]
    np.testing.assert_allclose(gradient, exact, rtol=0.03, atol=0.05)
    assert np.linalg.eigvalsh(hessian).min() > 0


def test_slope_is_exact(both) -> None:
    """Derivatives by features and thresholds, with crossings on the rays and beyond them."""
    regions, read, distance = both
    likelihood = replace(OutlineLikelihood.of(regions, 2), sd=np.array([1.2, 1.5]))
    rng, levels = np.random.default_rng(0), np.array([0.45, 0.8])
    for radius in (RADIUS + 1.0, RADIUS + 9.0, RADIUS - 9.0):
        features = read(logit_u(distance, radius, 2.0))
        features += 0.3 * rng.standard_normal(features.size)
        by_features, by_levels = likelihood.slope(features, levels)

        def value(d: np.ndarray, e: np.ndarray, at: np.ndarray = features) -> float:
            return float(likelihood.log((at + d)[None], (levels + e)[:, None])[0])

        h, still = 1e-6, np.zeros(2)
        for _ in range(4):
            d = rng.standard_normal(features.size)
            found = (value(h * d, still) - value(-h * d, still)) / (2 * h)
            assert by_features @ d == pytest.approx(found, rel=1e-4)
        for e, slope in zip(h * np.eye(2), by_levels, strict=True):
            found = (value(0 * features, e) - value(0 * features, -e)) / (2 * h)
            assert slope == pytest.approx(found, rel=1e-4)


MISSED = np.array([0.35, 0.9])


@pytest.fixture(scope="module")
def missed(both):
    """A core that the model misses by far, a whole tumour that it misses by less."""
    regions, read, distance = both
    features = read(logit_u(distance, RADIUS + 1.0, 4.0))
    return OutlineLikelihood.of(regions, 2).frozen(features, MISSED, 0.8, 1.3), features


class TestModelError:
    def parts(self, missed) -> tuple[np.ndarray, np.ndarray, float]:
        """Displacements, their D, and the sign points' share of the density."""
        frozen, features = missed
        parts = list(zip(frozen.regions, frozen.split(features), MISSED, strict=True))
        delta = np.concatenate([r.displacement(f[None], [t])[0] for r, f, t in parts])
        side = [
            r.sign_error(f[None], [t])[0] / b for (r, f, t), b in zip(parts, frozen.sd, strict=True)
        ]
        numbers = [len(r.outline.faces) for r in frozen.regions]
        signs = frozen.share @ np.log(0.03 + 0.97 * ndtr(np.concatenate(side)))
        return delta, np.repeat(frozen.sd, numbers) * frozen.scale, float(signs)

    def test_it_is_of_every_length(self, missed) -> None:
        """delta ~ N(0, D (K + (nu^2 + rho^2) I) D)."""
        frozen, features = missed
        delta, unit, signs = self.parts(missed)
        outlines = [region.outline for region in frozen.regions]
        which = np.repeat([0, 1], [len(outline.faces) for outline in outlines])
        rough = np.mean(1 - (0.8 / frozen.sd[which]) ** 2)
        assert rough > 0.3
        faces = np.concatenate([outline.faces for outline in outlines])
        nugget = np.mean((0.3 / unit) ** 2 / faces)
        K = correlation(np.concatenate([outline.points for outline in outlines]), which)
        covariance = unit[:, None] * (K + (nugget + rough) * np.eye(len(unit))) * unit
        drawn = -0.5 * delta @ np.linalg.solve(covariance, delta)
        found = frozen.log(features[None], MISSED[:, None])[0]
        assert found == pytest.approx(drawn + signs)

    def test_far_off_each_outline_counts_once(self, missed) -> None:
        frozen, features = missed
        delta, unit, signs = self.parts(missed)
        each = np.split((delta / unit) ** 2, [len(frozen.regions[0].outline.faces)])
        found = frozen.far_off(features[None], MISSED[:, None])[0]
        assert found == pytest.approx(signs - 0.5 * sum(part.mean() for part in each))
        assert signs < -0.01

    def test_slope(self, missed) -> None:
        frozen, features = missed
        by_features, _ = frozen.slope(features, MISSED)
        d, h = np.random.default_rng(0).standard_normal(features.size), 1e-6
        up, down = (frozen.log((features + s * d)[None], MISSED[:, None])[0] for s in (h, -h))
        assert by_features @ d == pytest.approx((up - down) / (2 * h), rel=1e-4)


class TestBothOutlines:
    def test_the_core_is_asked_for_within_the_whole_tumour(self, both) -> None:
        whole, core = both[0]
        off = np.linalg.norm(core.signs - CENTRE[2], axis=1)
        assert off.max() < RADIUS
        assert len(core.side) < len(whole.side)

    def test_they_share_a_part_of_their_errors(self, both) -> None:
        """The density is that of one normal variable of all points."""
        regions, read, distance = both
        likelihood = replace(OutlineLikelihood.of(regions, 2), sd=np.array([1.2, 1.8]))
        features = read(logit_u(distance, RADIUS + 1.0, 2.0))
        levels = np.array([0.4, 0.7])
        parts = list(zip(regions, likelihood.split(features), levels, (1.2, 1.8), strict=True))
        e = np.concatenate([r.displacement(f[None], [t])[0] / b for r, f, t, b in parts])
        m, n = (len(region.outline.faces) for region in regions)
        distances = cdist(*[np.concatenate([r.outline.points for r in regions])] * 2)
        K = 0.6 * matern32(distances, 5.0) + 0.4 * matern32(distances, 20.0)
        K[:m, m:] *= SHARED
        K[m:, :m] *= SHARED
        drawn = stats.multivariate_normal(cov=K + likelihood.nugget * np.eye(m + n))
        signs = likelihood.share @ np.concatenate(
            [np.log(0.03 + 0.97 * ndtr(r.sign_error(f[None], [t])[0] / b)) for r, f, t, b in parts]
        )
        found = likelihood.log(features[None], levels[:, None])[0]
        constant = drawn.logpdf(np.zeros(m + n))
        assert found == pytest.approx(drawn.logpdf(e) - constant + signs)

    def test_independent_ones_multiply(self, both, monkeypatch: pytest.MonkeyPatch) -> None:
        """With nothing shared the density is the product of those of each outline."""
        regions, read, distance = both
        monkeypatch.setattr("gbm.posterior.correlation.SHARED", 0.0)
        together = replace(OutlineLikelihood.of(regions, 2), sd=np.array([1.2, 1.2]))
        features = read(logit_u(distance, RADIUS + 1.0, 2.0))
        levels = np.array([0.4, 0.7])
        alone = [
            known(r, [1.2]).log(f[None], t)[0]
            for r, f, t in zip(
                regions, together.split(features), levels[:, None, None], strict=True
            )
        ]
        # the voxels' own errors are those of the mean point of both
        assert together.log(features[None], levels[:, None])[0] == pytest.approx(
            sum(alone), rel=0.02
        )

    def test_a_shared_edge_counts_once(self) -> None:
        """The same outline given twice says of the growth what it says once."""
        domain, distance = round_region(2)
        twice = replace(domain, TC=domain.WT)
        regions = [Region.of(twice, name) for name in ("WT", "TC")]
        lost = [region.outline.lost for region in regions]
        assert lost == [0.0, 0.0]
        information = []
        for given in (regions[:1], regions):
            readers = [Reader.of(region, domain.axes) for region in given]
            at, wider = (
                np.concatenate([reader(logit_u(distance, r, 2.0)) for reader in readers])
                for r in (RADIUS, RADIUS + 0.1)
            )
            likelihood = replace(OutlineLikelihood.of(given, 2), sd=np.full(len(given), 1.2))
            levels = np.array([0.4, 0.6])[: len(given)]
            _, hessian = likelihood.expand(at, levels, wider[None], np.array([0.1]))
            information.append(hessian[0, 0])
        assert information[1] == pytest.approx(information[0], rel=0.02)

    def test_an_outline_without_points_errs_as_the_other(self) -> None:
        """And is missed by no distance at all, not by 0 mm."""
        domain, distance = round_region(2)
        twice = replace(domain, TC=domain.WT)
        regions = [Region.of(twice, name) for name in ("WT", "TC")]
        readers = [Reader.of(region, domain.axes) for region in regions]
        wider = logit_u(distance, RADIUS + 3.0, 2.0)
        features = np.concatenate([reader(wider) for reader in readers])
        levels = np.array([0.4, 0.6])
        frozen = OutlineLikelihood.of(regions, 2).frozen(features, levels, 1.2, 1.3)
        of_whole, of_core = frozen.sd
        assert of_core == of_whole > 3.0
        assert list(frozen.misfit(features, levels)) == ["WT"]

    def test_an_edge_within_the_tumour_is_the_cores(self) -> None:
        domain, _ = round_region(2)
        half = replace(domain, TC=domain.WT & (np.arange(54) < 27)[:, None])
        points = Region.of(half, "TC").outline.points
        assert 5 < len(points) < 15
        np.testing.assert_allclose(points[:, 0], 23.5, atol=0.1)

    def test_a_field_that_both_share_moves_them_more(self, both) -> None:
        """The sd of a displacement of both grows, that of the gap between them shrinks."""
        points = np.concatenate([region.outline.points for region in both[0]])
        which = np.repeat([0, 1], [len(region.outline.faces) for region in both[0]])
        own = np.where(which[:, None] == which, correlation(points, which), 0.0)
        shared = correlation(points, which)
        assert np.linalg.eigvalsh(shared).min() > 0
        along = np.concatenate([region.outline.normals[:, 0] for region in both[0]])
        gap = np.where(which == 0, along, -along)

        def sd(K: np.ndarray, direction: np.ndarray) -> float:
            white = np.linalg.solve(K + 0.02 * np.eye(len(K)), direction)
            return float(1 / np.sqrt(direction @ white))

        assert sd(shared, along) > 1.1 * sd(own, along)
        assert sd(shared, gap) < 0.9 * sd(own, gap)
