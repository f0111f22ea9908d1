"""The likelihood of the drawn outlines.

The displacements delta of the model's level sets from the outlines, one after the other, are errors
of the drawing that hang together (`correlation`), and of the voxels that do not:

    delta = D e,    D = diag(s_i b_r),    e ~ N(0, K + nu^2 I),
    nu^2 = mean((0.3 mm / D_ii)^2 / f_i),

s_i greater where the field is flat, f_i faces a point. Sign points off an outline say which side
of it they are on, up to blunders, with the errors e_j of `Region.sign_error`:

    sum_j log(0.03 + 0.97 Phi(e_j / b_r)).

The noise levels b_r are one of a few nodes with prior weights, summed out, or known ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logsumexp, ndtr

from bilo.posterior.gauss_newton import information
from gbm.posterior.correlation import Whitening
from gbm.posterior.displacement import flatness
from gbm.posterior.region import Region

FACE_SD_MM = 0.3
"""Of the midpoint of a face about a straight edge that crosses the voxels at random."""
BLUNDERS = 0.03
_THRESHOLD_STEP = 1e-3


@dataclass(frozen=True)
class Noise:
    """Possible sd b (mm) of the drawing, (B, regions), and the logarithms of their weights, (B,).

    Attributes
    ----------
    sd : ndarray (B, regions)
    log_weight : ndarray (B,)
    """

    sd: np.ndarray
    log_weight: np.ndarray

    @classmethod
    def unknown(cls, regions: int) -> Noise:
        """One b for all regions, from .35 to 4 mm, ln b ~ N(ln 1.2, .5)."""
        sd = np.array([0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0])
        log_weight = -0.5 * (np.log(sd / 1.2) / 0.5) ** 2
        return cls(np.repeat(sd[:, None], regions, 1), log_weight - logsumexp(log_weight))

    @classmethod
    def known(cls, sd: Sequence[float]) -> Noise:
        """One b for each region."""
        return cls(np.array([sd], dtype=float), np.zeros(1))


@dataclass(frozen=True)
class OutlineLikelihood:
    """log p(outlines | logit u, tau) of all regions.

    Attributes
    ----------
    regions : tuple of Region
    whitening : Whitening
        Of the errors of the points of all regions.
    noise : Noise
    scale : ndarray (m,)
        s of each point.
    """

    regions: tuple[Region, ...]
    whitening: Whitening
    noise: Noise
    scale: np.ndarray

    @classmethod
    def of(cls, regions: Sequence[Region], dimensions: int) -> OutlineLikelihood:
        """Before anything is known: b unknown, s = 1; there may be no region."""
        outlines, none = [region.outline for region in regions], np.empty((0, dimensions))
        points = np.concatenate([none, *(outline.points for outline in outlines)])
        which = np.repeat(np.arange(len(outlines)), [len(outline.faces) for outline in outlines])
        noise = Noise.unknown(len(outlines))
        return cls(tuple(regions), Whitening.of(points, which), noise, np.ones(len(points)))

    @property
    def empty(self) -> bool:
        """Whether no outline has a single point."""
        return not self.scale.size

    @property
    def nugget(self) -> np.ndarray:
        """nu^2 at every node, (B,)."""
        if self.empty:
            return np.zeros(len(self.noise.sd))
        faces = np.concatenate([region.outline.faces for region in self.regions])
        return np.asarray(np.mean((FACE_SD_MM / self._unit) ** 2 / faces, axis=1))

    def split(self, features: np.ndarray) -> list[np.ndarray]:
        """Features (.., F) region by region."""
        ends = np.cumsum([region.size for region in self.regions])
        return np.split(features, ends[:-1], axis=-1)

    def misfit(self, features: np.ndarray, levels: np.ndarray) -> dict[str, float]:
        """Root mean square displacement, mm, of features (F,), of each outline that has points."""
        return {
            region.name: _rms(region.displacement(part[None], np.array([tau])))
            for region, part, tau in self._parts(features, levels)
            if len(region.outline.faces)
        }

    def frozen(
        self, features: np.ndarray, levels: np.ndarray, floor_mm: float, factor: float
    ) -> OutlineLikelihood:
        """With s and b from a first fit: b_r = max(floor, factor rms(delta / s)).

        An outline without points, all of it the whole tumour's edge or at walls, errs as the other.
        """
        scale, misfit = [], []
        for region, part, tau in self._parts(features, levels):
            scale.append(flatness(region.rays(part[None])[0]))
            delta = region.displacement(part[None], np.array([tau]))
            misfit.append(_rms(delta / scale[-1]))
        misfit = [rms if m else max(misfit) for rms, m in zip(misfit, self._points, strict=True)]
        sd = [max(floor_mm, factor * rms) for rms in misfit]
        return replace(self, scale=np.concatenate(scale), noise=Noise.known(sd))

    def log(self, features: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Log likelihood (W,) of features (W, F) at thresholds (regions, W), up to a constant."""
        return np.asarray(logsumexp(self._by_node(*self._residuals(features, levels)), axis=1))

    def expand(
        self, features: np.ndarray, levels: np.ndarray, moved: np.ndarray, steps: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Gradient (n + regions,) and Gauss-Newton Hessian of -log by n unknowns and thresholds.

        Parameters
        ----------
        features : ndarray (F,)
        levels : ndarray (regions,)
        moved : ndarray (n, F)
            Features where each unknown has moved by its step (n,): the differences are those of
            the displacement itself, which is not linear in logit u.
        steps : ndarray (n,)
        """
        regions = len(levels)
        every = np.concatenate([features[None], moved, np.tile(features, (regions, 1))])
        taus = np.tile(levels[:, None], len(every))
        taus[:, -regions:] += _THRESHOLD_STEP * np.eye(regions)
        z, x = self._residuals(every, taus)
        log_nodes = self._by_node(z[:1], x[:1])[0]
        node = np.exp(log_nodes - logsumexp(log_nodes))
        by = np.append(steps, np.full(regions, _THRESHOLD_STEP))
        Jz, Jx = ((r[1:] - r[0]).reshape(len(by), -1).T / by for r in (z, x))
        of_z, of_x = (np.repeat(node, r.shape[2]) for r in (z, x))
        rate, curvature = _sides(x[0].ravel())
        gradient = Jx.T @ (of_x * rate) - Jz.T @ (of_z * z[0].ravel())
        return gradient, information(Jz, of_z) + information(Jx, of_x * curvature)

    def slope(self, features: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of `log` by features (F,) and thresholds (regions,), where b is known."""
        (z,), (x,) = (r[0] for r in self._residuals(features[None], levels[:, None]))
        unit, root, b = (r[0] for r in (self._unit, np.sqrt(self._variances), self._sign_sd))
        by_delta = -(self.whitening.V @ (z / root)) / unit
        by_error = _sides(x)[0] / b
        found = [
            region.pulled_back(part, float(tau), own, off)
            for (region, part, tau), own, off in zip(
                self._parts(features, levels),
                np.split(by_delta, np.cumsum(self._points)[:-1]),
                np.split(by_error, np.cumsum(self._signs)[:-1]),
                strict=True,
            )
        ]
        by_features, by_levels = zip(*found, strict=True)
        return np.concatenate(by_features), np.array(by_levels)

    @property
    def _points(self) -> list[int]:
        return [len(region.outline.faces) for region in self.regions]

    @property
    def _signs(self) -> list[int]:
        return [len(region.side) for region in self.regions]

    @property
    def _unit(self) -> np.ndarray:
        """D at every node, mm, (B, m)."""
        return np.asarray(np.repeat(self.noise.sd, self._points, axis=1) * self.scale)

    @property
    def _sign_sd(self) -> np.ndarray:
        """b of every sign point at every node, mm, (B, k)."""
        return np.repeat(self.noise.sd, self._signs, axis=1)

    @property
    def _variances(self) -> np.ndarray:
        """Of V' e at every node, (B, m)."""
        return np.asarray(self.whitening.k + self.nugget[:, None])

    def _parts(
        self, features: np.ndarray, levels: np.ndarray
    ) -> Iterator[tuple[Region, np.ndarray, np.ndarray]]:
        """Region by region: it, its features and its thresholds."""
        return zip(self.regions, self.split(features), levels, strict=True)

    def _residuals(self, features: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Displacements, whitened to variances of 1, (W, B, m), and errors at the signs over b."""
        parts = list(self._parts(features, levels))
        deltas = [region.displacement(part, tau) for region, part, tau in parts]
        error = np.concatenate([r.sign_error(part, tau) for r, part, tau in parts], axis=1)
        ends = np.cumsum(self._points)[:-1]
        scales, rows = np.split(self.scale, ends), np.split(self.whitening.V, ends)
        own = [(d / s) @ V for d, s, V in zip(deltas, scales, rows, strict=True)]
        white = np.tensordot(1 / self.noise.sd, np.stack(own, axis=1), (1, 1)).swapaxes(0, 1)
        return white / np.sqrt(self._variances), error[:, None] / self._sign_sd

    def _by_node(self, z: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Log of weight times likelihood at every node of b, (W, B); less the first's constant."""
        log_determinant = (np.log(self._variances) + 2 * np.log(self._unit)).sum(axis=1)
        drawn = -0.5 * (np.sum(z**2, axis=-1) + log_determinant - log_determinant[0])
        sides = np.log(BLUNDERS + (1 - BLUNDERS) * ndtr(x)).sum(axis=-1)
        return np.asarray(drawn + sides + self.noise.log_weight)


def _rms(delta: np.ndarray) -> float:
    """0 of nothing."""
    return float(np.sqrt(np.mean(delta**2))) if delta.size else 0.0


def _sides(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and minus the second derivative of log(.03 + .97 Phi(x)), the latter from 0 on."""
    right = BLUNDERS + (1 - BLUNDERS) * ndtr(x)
    rate = (1 - BLUNDERS) * np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi) / right
    return rate, np.maximum(rate * (x + rate), 0.0)
