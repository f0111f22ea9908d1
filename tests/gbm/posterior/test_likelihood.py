from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from gbm.growth.parameters import squared_distance
from gbm.posterior.likelihood import Noise, OutlineLikelihood
from gbm.posterior.region import Reader, Region
from tests.gbm.posterior.test_outline import CENTRE, RADIUS, round_region


def logit_u(distance: np.ndarray, radius: float, length: float) -> np.ndarray:
    return ((radius - distance) / length).ravel()


@pytest.fixture(scope="module")
def made():
    domain, distance = round_region(2)
    region = Region.of(domain, "WT")
    return region, Reader.of(region, domain.axes), distance


class TestNoise:
    def test_weights_of_unknown_noise(self) -> None:
        noise = Noise.unknown()
        assert np.exp(noise.log_weight).sum() == pytest.approx(1.0)
        assert noise.sd[np.argmax(noise.log_weight)] == 1.4

    def test_known_noise_is_a_multiple_of_the_misfit(self, made) -> None:
        region, read, distance = made
        features = read(logit_u(distance, RADIUS + 3.0, 2.0))
        known = OutlineLikelihood.of(region).frozen(features, 0.5, 1.2, 1.3)
        assert known.misfit(features, 0.5) == pytest.approx(2.81, abs=0.25)
        scale = np.sqrt(1 + (0.12 * 2.0) ** 2)
        assert known.noise.sd == pytest.approx(1.3 * known.misfit(features, 0.5) / scale, rel=0.01)
        near = OutlineLikelihood.of(region).frozen(
            read(logit_u(distance, RADIUS, 2.0)), 0.5, 1.2, 1.3
        )
        assert near.noise.sd == 1.2


class TestDensity:
    def test_greatest_where_the_front_is_the_outline(self, made) -> None:
        region, read, distance = made
        likelihood = OutlineLikelihood.of(region)
        radii = RADIUS + np.array([-3.0, -1.0, 0.0, 1.0, 3.0])
        features = np.array([read(logit_u(distance, r, 2.0)) for r in radii])
        values = likelihood.log(features, np.full(5, 0.5))
        assert np.argmax(values) == 2
        assert values[2] > values[1] > values[0]

    def test_a_moved_threshold_is_a_moved_front(self, made) -> None:
        region, read, distance = made
        likelihood = OutlineLikelihood.of(region)
        tau = 1 / (1 + np.exp(-0.8))
        moved = likelihood.displacement(
            read(logit_u(distance, RADIUS + 1.6, 2.0))[None], np.array([tau])
        )
        still = likelihood.displacement(read(logit_u(distance, RADIUS, 2.0))[None], np.array([0.5]))
        np.testing.assert_allclose(moved, still, atol=1e-9)

    def test_sign_points(self, made) -> None:
        """A density that is nowhere above its threshold is wrong at every point inside."""
        region, read, distance = made
        likelihood = OutlineLikelihood(region, Noise.known(1.2), np.ones(len(region.outline.faces)))
        features = read(logit_u(distance, RADIUS, 2.0))[None]
        _, value, slope = region.parts(features)
        e = value / np.sqrt(slope**2 + 0.05**2)
        expected = np.log(0.03 + 0.97 * ndtr(region.side * e / 1.2)).sum()
        y = likelihood.displacement(features, np.array([0.5])) @ region.whitening.V
        variance = 1.2**2 * region.whitening.k + likelihood.nugget
        drawn = -0.5 * np.sum(y**2 / variance)
        found = likelihood.log(features, np.array([0.5]))[0]
        assert found == pytest.approx(drawn + expected)

    def test_nugget(self, made) -> None:
        region, _, _ = made
        likelihood = OutlineLikelihood.of(region)
        assert likelihood.nugget == pytest.approx(np.mean(0.09 / region.outline.faces))


LEVEL = np.array([0.45])


@pytest.mark.parametrize("noise", [Noise.known(1.2), Noise.unknown()])
def test_gradient_is_that_of_the_density(made, noise: Noise) -> None:
    region, read, distance = made
    likelihood = OutlineLikelihood(region, noise, np.ones(len(region.outline.faces)))

    def features(p: np.ndarray) -> np.ndarray:
        axes = [np.arange(n) - 3.0 for n in distance.shape]
        off = np.sqrt(squared_distance(axes, CENTRE[2] + [p[1], 0.0]))
        return read(logit_u(off, RADIUS + p[0], 2.0))

    p, tau, h = np.array([1.0, -0.7]), 0.45, 1e-4
    moved = np.array([features(p + h * e) for e in np.eye(2)])
    gradient, hessian = likelihood.expand(features(p), tau, moved, np.full(2, h))

    def value(q: np.ndarray) -> float:
        return float(likelihood.log(features(q[:2])[None], q[2:])[0])

    at = np.append(p, tau)
    exact = [(value(at + h * e) - value(at - h * e)) / (2 * h) for e in np.eye(3)]
    np.testing.assert_allclose(gradient, exact, rtol=0.03, atol=0.05)
    assert np.linalg.eigvalsh(hessian).min() > 0


def test_slope_is_exact(made) -> None:
    """Derivatives by features and threshold, with crossings on the rays and beyond them."""
    region, read, distance = made
    likelihood = OutlineLikelihood(region, Noise.known(1.2), np.ones(len(region.outline.faces)))
    rng = np.random.default_rng(0)
    for radius in (RADIUS + 1.0, RADIUS + 9.0, RADIUS - 9.0):
        features = read(logit_u(distance, radius, 2.0))
        features += 0.3 * rng.standard_normal(features.size)
        by_features, by_tau = likelihood.slope(features, 0.45)
        for _ in range(4):
            d, h = rng.standard_normal(features.size), 1e-6
            up, down = (likelihood.log((features + s * h * d)[None], LEVEL)[0] for s in (1, -1))
            assert by_features @ d == pytest.approx((up - down) / (2 * h), rel=1e-4)
        up, down = (likelihood.log(features[None], LEVEL + s * 1e-6)[0] for s in (1, -1))
        assert by_tau == pytest.approx((up - down) / 2e-6, rel=1e-4)
