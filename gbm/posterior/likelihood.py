"""The likelihood of one drawn outline.

The displacements delta of the model's level set from the outline, in units of s, are errors of the
drawing that hang together, and of the voxels that do not:

    delta ~ N(0, b^2 K + nu^2 I),     nu^2 = mean((0.3 mm)^2 / (c_i s_i^2)),

c_i faces a point. Sign points off the outline say which side of it they are on, up to blunders:

    sum_j log(0.03 + 0.97 Phi(+-e_j / b)),    e_j = (logit u - logit tau) / sqrt(g^2 + 0.05^2).

The noise level b is one of a few nodes with prior weights, summed out, or a single known one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logit, logsumexp, ndtr

from bilo.posterior.gauss_newton import information
from gbm.posterior.displacement import (
    crossing,
    crossing_slope,
    flatness,
    limited,
    limited_slope,
)
from gbm.posterior.region import Region

FACE_SD_MM = 0.3
"""Of the midpoint of a face about a straight edge that crosses the voxels at random."""
BLUNDERS = 0.03
_LEAST_SLOPE = 0.05
_THRESHOLD_STEP = 1e-3


@dataclass(frozen=True)
class Noise:
    """Possible sd b (mm) of the drawing, (B,), and the logarithms of their weights, (B,)."""

    sd: np.ndarray
    log_weight: np.ndarray

    @classmethod
    def unknown(cls) -> Noise:
        """b from .35 to 4 mm, ln b ~ N(ln 1.2, .5)."""
        sd = np.array([0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0])
        log_weight = -0.5 * (np.log(sd / 1.2) / 0.5) ** 2
        return cls(sd, log_weight - logsumexp(log_weight))

    @classmethod
    def known(cls, sd: float) -> Noise:
        """One b."""
        return cls(np.array([sd]), np.zeros(1))


@dataclass(frozen=True)
class OutlineLikelihood:
    """log p(outline | logit u, tau) of one region.

    Attributes
    ----------
    region : Region
    noise : Noise
    scale : ndarray (m,)
        s of each point.
    """

    region: Region
    noise: Noise
    scale: np.ndarray

    @classmethod
    def of(cls, region: Region) -> OutlineLikelihood:
        """Before anything is known: b unknown, s = 1."""
        return cls(region, Noise.unknown(), np.ones(len(region.outline.faces)))

    @property
    def nugget(self) -> float:
        """nu^2."""
        if not self.scale.size:
            return 0.0
        return float(np.mean(FACE_SD_MM**2 / (self.region.outline.faces * self.scale**2)))

    def displacement(self, features: np.ndarray, tau: np.ndarray) -> np.ndarray:
        """Of features (W, F) at thresholds (W,): (W, m), mm, outliers drawn in."""
        rays, _, _ = self.region.parts(features)
        return limited(crossing(rays - logit(tau)[:, None, None]))

    def misfit(self, features: np.ndarray, tau: float) -> float:
        """Root mean square of the displacements, mm, of features (F,); 0 without points."""
        delta = self.displacement(features[None], np.array([tau]))
        return float(np.sqrt(np.mean(delta**2))) if delta.size else 0.0

    def frozen(
        self, features: np.ndarray, tau: float, floor_mm: float, factor: float
    ) -> OutlineLikelihood:
        """With s and b from a first fit: b = max(floor, factor rms(delta / s))."""
        rays, _, _ = self.region.parts(features[None])
        scaled = replace(self, scale=flatness(rays[0]))
        delta = self.displacement(features[None], np.array([tau]))[0] / scaled.scale
        rms = float(np.sqrt(np.mean(delta**2))) if delta.size else 0.0
        return replace(scaled, noise=Noise.known(max(floor_mm, factor * rms)))

    def log(self, features: np.ndarray, tau: np.ndarray) -> np.ndarray:
        """Log likelihood (W,) of features (W, F) at thresholds (W,), up to a constant."""
        return np.asarray(logsumexp(self._by_node(*self._residuals(features, tau)), axis=1))

    def expand(
        self, features: np.ndarray, tau: float, moved: np.ndarray, steps: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Gradient (n + 1,) and Gauss-Newton Hessian of -log by n unknowns and the threshold.

        Parameters
        ----------
        features : ndarray (F,)
        tau : float
        moved : ndarray (n, F)
            Features where each unknown has moved by its step (n,): the differences are those of
            the displacement itself, which is not linear in logit u.
        steps : ndarray (n,)
        """
        every = np.concatenate([features[None], moved, features[None]])
        taus = np.append(np.full(len(moved) + 1, tau), tau + _THRESHOLD_STEP)
        y, e = self._residuals(every, taus)
        by = np.append(steps, _THRESHOLD_STEP)
        Jy, Je = ((part[1:] - part[0]).T / by for part in (y, e))
        log_nodes = self._by_node(y[:1], e[:1])[0]
        weight = np.exp(log_nodes - logsumexp(log_nodes))
        precision = weight @ (1.0 / self._variances())
        gradient, hessian = -Jy.T @ (precision * y[0]), information(Jy, precision)
        b = np.sqrt(weight @ self.noise.sd**2)
        x, Jx = self.region.side * e[0] / b, Je * (self.region.side / b)[:, None]
        rate, curvature = _sides(x)
        return gradient + Jx.T @ rate, hessian + information(Jx, curvature)

    def slope(self, features: np.ndarray, tau: float) -> tuple[np.ndarray, float]:
        """Derivatives of `log` by the features (F,) and by the threshold, where b is known."""
        y, e = self._residuals(features[None], np.array([tau]))
        rays, _, steepness = self.region.parts(features[None])
        v, b = rays[0] - logit(tau), self.noise.sd[0]
        by_delta = self.region.whitening.V @ (-y[0] / self._variances()[0]) / self.scale
        by_rays = (by_delta * limited_slope(crossing(v)))[:, None] * crossing_slope(v)
        by_e = _sides(self.region.side * e[0] / b)[0] * self.region.side / b
        width = np.sqrt(steepness[0] ** 2 + _LEAST_SLOPE**2)
        by_value = by_e / width
        by_steepness = -by_e * e[0] * steepness[0] ** 2 / width**2
        by_tau = -(by_rays.sum() + by_value.sum()) / (tau * (1.0 - tau))
        return np.concatenate([by_rays.ravel(), by_value, by_steepness]), float(by_tau)

    def _variances(self) -> np.ndarray:
        """Of y at every node, (B, m)."""
        return self.noise.sd[:, None] ** 2 * self.region.whitening.k + self.nugget

    def _residuals(self, features: np.ndarray, tau: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whitened displacements y = V' delta / s (W, m) and errors e at the signs (W, k)."""
        _, value, slope = self.region.parts(features)
        y = self.displacement(features, tau) / self.scale @ self.region.whitening.V
        return y, (value - logit(tau)[:, None]) / np.sqrt(slope**2 + _LEAST_SLOPE**2)

    def _by_node(self, y: np.ndarray, e: np.ndarray) -> np.ndarray:
        """Log of weight times likelihood at every node of b, (W, B); less the first's constant."""
        variance = self._variances()
        log_determinant = np.log(variance).sum(axis=1)
        drawn = -0.5 * (y**2 @ (1.0 / variance).T + log_determinant - log_determinant[0])
        x = (self.region.side * e)[:, None] / self.noise.sd[:, None]
        sides = np.log(BLUNDERS + (1 - BLUNDERS) * ndtr(x)).sum(axis=-1)
        return np.asarray(drawn + sides + self.noise.log_weight)


def _sides(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and minus the second derivative of log(.03 + .97 Phi(x)), the latter from 0 on."""
    right = BLUNDERS + (1 - BLUNDERS) * ndtr(x)
    rate = (1 - BLUNDERS) * np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi) / right
    return rate, np.maximum(rate * (x + rate), 0.0)
