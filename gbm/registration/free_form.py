"""Free-form deformation with a penalty (Rueckert et al. 1999), by local correlation.

An image says little about a warp where it is flat, and nothing in the tumour or beyond its end.
Splines that only climb a metric are free there: two images of one head were bent five millimetres
apart, and further the longer they climbed. With a penalty of the strain, what is not seen follows
what is seen, and there is a minimum to go to: two images of one head lead to one warp.

The correlation in windows does not see what is linear in an image (contrast, a bias field).
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage, optimize

CONTROL_MM = 25.0
"""Distance of the control points."""
WINDOW_MM = 8.0
"""Standard deviation of the Gaussian windows in which images are correlated."""
STIFFNESS = 0.4
"""Weight of the strain: as large as it can be before the T1 fits the atlas worse than it does after
splines without a penalty. At 1 its correlation with the atlas is 0.02 smaller; at 0.3 it is 0.006
larger, and the warps of one head are a tenth further apart."""
FLAT = 0.05
"""Variance of a window, relative to the image's, at which it counts half."""
STEPS = 80
"""Iterations at most: most heads need forty to seventy."""


class FreeForm:
    """Cubic B-splines that bend a grid so that a moving image fits a fixed one.

    Arrays have axes in one order, displacements are mm along them.

    Parameters
    ----------
    fixed, moving : ndarray
        On one grid.
    looked : ndarray of bool
        Where they are compared.
    mm : float
        Spacing of the grid.
    """

    def __init__(
        self, fixed: np.ndarray, moving: np.ndarray, looked: np.ndarray, mm: float
    ) -> None:
        self._mm, self._places = mm, np.indices(fixed.shape).astype(float)
        self._moving = [moving, *np.gradient(moving, mm)]
        self._splines = [_splines(n, mm) for n in fixed.shape]
        slopes = [np.gradient(part, mm, axis=0) for part in self._splines]
        self._mass = [part.T @ part / len(part) for part in self._splines]
        self._steepness = [part.T @ part / len(part) for part in slopes]
        self._weight = looked / looked.sum()
        self._share = 1.0 / (self._windowed(self._weight) + 1e-6 * self._weight.max())
        self._fixed, self._mean = fixed, self._windowed(self._weight * fixed) * self._share
        variance = self._windowed(self._weight * fixed**2) * self._share - self._mean**2
        self._variance = variance + FLAT * fixed[looked].var()
        self._least = FLAT * moving[looked].var()

    def fitted(self) -> np.ndarray:
        """Displacements (3, ...) on the grid, from its points into the moving image."""
        shape = (3, *(part.shape[1] for part in self._splines))

        def cost(flat: np.ndarray) -> tuple[float, np.ndarray]:
            controls = flat.reshape(shape)
            strain, strained = self._strain(controls)
            correlation, pulled = self._pull(self._bent(controls))
            return STIFFNESS * strain - correlation, (STIFFNESS * strained - pulled).ravel()

        found = optimize.minimize(
            cost, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B",
            options={"maxiter": STEPS, "ftol": 1e-6, "gtol": 1e-9},
        )  # fmt: skip
        return self._bent(found.x.reshape(shape))

    def _windowed(self, values: np.ndarray) -> np.ndarray:
        smooth: np.ndarray = ndimage.gaussian_filter(
            values, WINDOW_MM / self._mm, mode="constant", truncate=2.5
        )
        return smooth

    def _bent(self, controls: np.ndarray) -> np.ndarray:
        return _product(self._splines, controls)

    def _strain(self, controls: np.ndarray) -> tuple[float, np.ndarray]:
        """The mean squared gradient of the displacements over the grid, and its gradient."""
        forms = [
            [self._steepness[a] if a == axis else self._mass[a] for a in range(3)]
            for axis in range(3)
        ]
        strained = np.sum([_product(form, controls) for form in forms], axis=0)
        return float(np.sum(controls * strained)), 2.0 * strained

    def _pull(self, bent: np.ndarray) -> tuple[float, np.ndarray]:
        """The mean squared correlation of the windows, and its gradient by the controls."""
        places = self._places + bent / self._mm
        image, *slopes = (
            ndimage.map_coordinates(part, places, order=1, mode="nearest") for part in self._moving
        )
        value, change = self._correlation(image)
        pulled = np.stack([change * slope for slope in slopes])
        return value, _product([part.T for part in self._splines], pulled)

    def _correlation(self, image: np.ndarray) -> tuple[float, np.ndarray]:
        """The mean squared correlation with the fixed image, and its gradient by the values."""
        weight, share, fixed, blur = self._weight, self._share, self._fixed, self._windowed
        mean = blur(weight * image) * share
        both = blur(weight * fixed * image) * share - self._mean * mean
        variance = blur(weight * image**2) * share - mean**2 + self._least
        squared = both**2 / (self._variance * variance)
        by_both = 2.0 * weight * both / (self._variance * variance) * share
        by_variance = -weight * squared / variance * share
        change = fixed * blur(by_both) - blur(by_both * self._mean)
        change += 2.0 * (image * blur(by_variance) - blur(by_variance * mean))
        return float(np.sum(weight * squared)), weight * change


def _splines(n: int, mm: float) -> np.ndarray:
    """Cubic B-splines (n, controls) at n points, the middle of which is a control point."""
    places = (np.arange(n) - (n - 1) / 2) * mm / CONTROL_MM
    last = int(np.floor(places[-1])) + 2
    away = np.abs(places[:, None] - np.arange(-last, last + 1))
    near, far = 2 / 3 - away**2 + away**3 / 2, np.maximum(2.0 - away, 0.0) ** 3 / 6
    return np.where(away < 1, near, far)


def _product(parts: list[np.ndarray], values: np.ndarray) -> np.ndarray:
    """Apply one matrix along each of the last three axes of (3, ...)."""
    for axis, part in enumerate(parts, start=1):
        values = np.moveaxis(np.tensordot(part, values, (1, axis)), 0, axis)
    return values
