"""The likelihood of the drawn outlines.

The displacements delta of the model's level sets from the outlines, one after the other, are errors
of the drawing that hang together (`correlation`), of the voxels, that do not, and of the model:

    delta = D e,    D = diag(s_i b_r),    e ~ N(0, K + (nu^2 + rho^2) I),
    nu^2 = mean((0.3 mm / D_ii)^2 / f_i),    rho^2 = mean(1 - (floor / b_r)^2),

means over the points of all outlines, s_i greater where the field is flat, f_i faces a point. By
what b exceeds the floor, the error of a hand, the tumour is not of the model's shape: such errors
are of every length, and the details of a front that is millimetres off say nothing. Sign points
off an outline say which side of it they are on, up to blunders, with the errors e_j of
`Region.sign_error`:

    sum_j w_j log(0.03 + 0.97 Phi(e_j / b_r)).

They hang together as the outline's own points do: whole lobes are on the wrong side. w_j is what
one of them counts for (`correlation.shares`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from bilo.posterior.gauss_newton import information
from gbm.posterior.correlation import Whitening, shares
from gbm.posterior.displacement import flatness, limited
from gbm.posterior.region import Region

FACE_SD_MM = 0.3
"""Of the midpoint of a face about a straight edge that crosses the voxels at random."""
BLUNDERS = 0.03
_THRESHOLD_STEP = 1e-3


@dataclass(frozen=True)
class OutlineLikelihood:
    """log p(outlines | logit u, tau) of all regions.

    Attributes
    ----------
    regions : tuple of Region
    whitening : Whitening
        Of the errors of the points of all regions.
    share : ndarray (k,)
        w of each sign point of all regions.
    sd : ndarray (regions,)
        b, mm.
    scale : ndarray (m,)
        s of each point.
    rough : float
        rho^2.
    """

    regions: tuple[Region, ...]
    whitening: Whitening
    share: np.ndarray
    sd: np.ndarray
    scale: np.ndarray
    rough: float = 0.0

    @classmethod
    def of(cls, regions: Sequence[Region], dimensions: int) -> OutlineLikelihood:
        """Before anything is known: b = 1 mm, s = 1; there may be no region."""
        none, numbers = [np.empty((0, dimensions))], np.arange(len(regions))
        points = [region.outline.points for region in regions]
        signs = [region.signs for region in regions]
        which, whose = (np.repeat(numbers, [len(p) for p in each]) for each in (points, signs))
        whitening = Whitening.of(np.concatenate(none + points), which)
        share = shares(np.concatenate(none + signs), whose)
        return cls(tuple(regions), whitening, share, np.ones(len(regions)), np.ones(len(which)))

    @property
    def empty(self) -> bool:
        """Whether no outline has a single point."""
        return not self.scale.size

    @property
    def nugget(self) -> float:
        """nu^2."""
        if self.empty:
            return 0.0
        faces = np.concatenate([region.outline.faces for region in self.regions])
        return float(np.mean((FACE_SD_MM / self._unit) ** 2 / faces))

    def split(self, features: np.ndarray) -> list[np.ndarray]:
        """Features (.., F) region by region."""
        ends = np.cumsum([region.size for region in self.regions])
        return np.split(features, ends[:-1], axis=-1)

    def misfit(self, features: np.ndarray, levels: np.ndarray) -> dict[str, float]:
        """Root mean square displacement, mm, of features (F,), of each outline that has points.

        Outliers are drawn in (`limited`): it describes the outline, and not its worst lobe.
        """
        return {
            region.name: _rms(limited(region.displacement(part[None], np.array([tau]))))
            for region, part, tau in self._parts(features, levels)
            if len(region.outline.faces)
        }

    def frozen(
        self, features: np.ndarray, levels: np.ndarray, floor_mm: float, factor: float
    ) -> OutlineLikelihood:
        """With s, b and rho from a first fit: b_r = max(floor, factor rms(limited(delta) / s)).

        Outliers are drawn in, as in the misfit: one lobe does not say how all else is drawn. An
        outline without points, all of it the whole tumour's edge or at walls, errs as the other.
        """
        scale, misfit = [], []
        for region, part, tau in self._parts(features, levels):
            scale.append(flatness(region.rays(part[None])[0], region.t))
            delta = region.displacement(part[None], np.array([tau]))
            misfit.append(_rms(limited(delta) / scale[-1]))
        misfit = [rms if m else max(misfit) for rms, m in zip(misfit, self._points, strict=True)]
        sd = np.array([max(floor_mm, factor * rms) for rms in misfit])
        beyond = np.repeat(1.0 - (floor_mm / sd) ** 2, self._points)
        rough = float(beyond.mean()) if beyond.size else 0.0
        return replace(self, scale=np.concatenate(scale), sd=sd, rough=rough)

    def log(self, features: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Log likelihood (W,) of features (W, F) at thresholds (regions, W), up to a constant."""
        z, x = self._residuals(features, levels)
        return np.asarray(np.log(_right(x)) @ self.share - 0.5 * np.sum(z**2, axis=-1))

    def far_off(self, features: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """The same (W,) to compare what is far off: the displacements of an outline count as one,

            -1/2 sum_r mean_i (delta_i / D_ii)^2.

        Where a front lies beyond the rays all displacements are alike, and by their correlation
        such an error is likelier than a smaller one that varies.
        """
        deviation, x = self._deviations(features, levels)
        own = np.split(deviation, np.cumsum(self._points)[:-1], axis=1)
        squares = sum((d**2).mean(axis=1) for d in own if d.size)
        return np.asarray(np.log(_right(x)) @ self.share - 0.5 * squares)

    def expand(
        self, features: np.ndarray, levels: np.ndarray, moved: np.ndarray, steps: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Gradient of log (n + regions,), Gauss-Newton Hessian of -log, by unknowns and thresholds.

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
        by = np.append(steps, np.full(regions, _THRESHOLD_STEP))
        Jz, Jx = ((r[1:] - r[0]).T / by for r in (z, x))
        rate, curvature = (self.share * side for side in _sides(x[0]))
        gradient = Jx.T @ rate - Jz.T @ z[0]
        return gradient, Jz.T @ Jz + information(Jx, curvature)

    def slope(self, features: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of `log` by features (F,) and thresholds (regions,)."""
        (z,), (x,) = self._residuals(features[None], levels[:, None])
        by_delta = -(self.whitening.V @ (z / np.sqrt(self._variances))) / self._unit
        by_error = self.share * _sides(x)[0] / self._sign_sd
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
        """D, mm, (m,)."""
        return np.asarray(np.repeat(self.sd, self._points) * self.scale)

    @property
    def _sign_sd(self) -> np.ndarray:
        """b of every sign point, mm, (k,)."""
        return np.repeat(self.sd, self._signs)

    @property
    def _variances(self) -> np.ndarray:
        """Of V' e, (m,)."""
        return np.asarray(self.whitening.k + self.nugget + self.rough)

    def _parts(
        self, features: np.ndarray, levels: np.ndarray
    ) -> Iterator[tuple[Region, np.ndarray, np.ndarray]]:
        """Region by region: it, its features and its thresholds."""
        return zip(self.regions, self.split(features), levels, strict=True)

    def _deviations(
        self, features: np.ndarray, levels: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Displacements in sd, (W, m), and errors at the signs over b, (W, k)."""
        parts = list(self._parts(features, levels))
        delta = np.concatenate([r.displacement(part, tau) for r, part, tau in parts], axis=1)
        error = np.concatenate([r.sign_error(part, tau) for r, part, tau in parts], axis=1)
        return delta / self._unit, error / self._sign_sd

    def _residuals(self, features: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same, the displacements whitened to variances of 1."""
        deviation, x = self._deviations(features, levels)
        return deviation @ self.whitening.V / np.sqrt(self._variances), x


def _rms(delta: np.ndarray) -> float:
    """0 of nothing."""
    return float(np.sqrt(np.mean(delta**2))) if delta.size else 0.0


def _right(x: np.ndarray) -> np.ndarray:
    """.03 + .97 Phi(x), the probability of the right side."""
    return np.asarray(BLUNDERS + (1 - BLUNDERS) * ndtr(x))


def _sides(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and minus the second derivative of log(.03 + .97 Phi(x)), the latter from 0 on."""
    rate = (1 - BLUNDERS) * np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi) / _right(x)
    return rate, np.maximum(rate * (x + rate), 0.0)
