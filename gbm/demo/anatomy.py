"""The head of the demo patient: an atlas seen through a known deformation, and its MRI."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates


@dataclass(frozen=True)
class Deformation:
    r"""A smooth map from the patient's world to the atlas's world, both RAS mm.

    .. math:: y \mapsto M y + t + \sum_m a_m \sin(k_m \cdot y + \varphi_m)

    Being analytic it can be evaluated on any grid: the 1 mm image and the finer growth slice see
    exactly the same anatomy.

    Parameters
    ----------
    matrix, shift : (3, 3) and (3,) arrays
        The affine part; ``shift`` in mm.
    waves, amplitudes, phases : (m, 3), (m, 3) and (m,) arrays
        Wave vectors [1/mm], amplitudes [mm] and phases of the smooth part.
    """

    matrix: np.ndarray
    shift: np.ndarray
    waves: np.ndarray
    amplitudes: np.ndarray
    phases: np.ndarray

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Atlas points of patient points, both (..., 3)."""
        ripple = np.sin(points @ self.waves.T + self.phases) @ self.amplitudes
        return points @ self.matrix.T + self.shift + ripple

    def inverse(self, target: np.ndarray, iterations: int = 60) -> np.ndarray:
        """Patient points of atlas points (..., 3), by fixed-point iteration."""
        inverse = np.linalg.inv(self.matrix)
        points = (target - self.shift) @ inverse.T
        for _ in range(iterations):
            points = points + (target - self(points)) @ inverse.T
        return points


def random_deformation(
    rng: np.random.Generator,
    centre: np.ndarray,
    atlas_centre: np.ndarray,
    amplitude: float = 2.5,
    waves: int = 6,
) -> Deformation:
    """A head turned by a few degrees, scaled by a few percent and gently bent.

    Parameters
    ----------
    rng : numpy.random.Generator
    centre, atlas_centre : (3,) arrays
        The middle of the patient's images and the point of the atlas that comes to lie there, up
        to the smooth part; each in its own world [mm].
    amplitude : float
        Root mean square of the smooth part [mm]; its wavelengths are 90-160 mm, so that the map
        stays invertible.
    waves : int
        Number of sine waves.
    """
    turn = _rotation(np.deg2rad([4.0, -3.0, 7.0]))
    matrix = turn @ np.diag([1.05, 0.96, 1.03])
    directions = rng.normal(size=(waves, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    lengths = rng.uniform(90.0, 160.0, size=(waves, 1))
    amplitudes = rng.normal(size=(waves, 3))
    amplitudes *= amplitude / np.sqrt(0.5 * np.sum(amplitudes**2))
    return Deformation(
        matrix=matrix,
        shift=atlas_centre - matrix @ centre,
        waves=2.0 * np.pi * directions / lengths,
        amplitudes=amplitudes,
        phases=rng.uniform(0.0, 2.0 * np.pi, size=waves),
    )


def world_points(affine: np.ndarray, i: np.ndarray, j: np.ndarray, k: float) -> np.ndarray:
    """World points (len(i), len(j), 3) of one slice; the indices may be fractions of a voxel."""
    grid = np.stack(np.meshgrid(i, j, [k], indexing="ij"), axis=-1)[:, :, 0]
    return grid @ affine[:3, :3].T + affine[:3, 3]


def interpolated(data: np.ndarray, affine: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Trilinear values of an atlas map at world points (..., 3), zero outside."""
    to_index = np.linalg.inv(affine)
    index = points @ to_index[:3, :3].T + to_index[:3, 3]
    values: np.ndarray = map_coordinates(data, np.moveaxis(index, -1, 0), order=1, cval=0.0)
    return values


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], length: float) -> np.ndarray:
    """A Gaussian random field of unit variance; ``length`` is the filter width in voxels."""
    field = gaussian_filter(rng.normal(size=shape), length)
    scaled: np.ndarray = field / field.std()
    return scaled


def bias_field(shape: tuple[int, int, int], strength: float = 0.2) -> np.ndarray:
    """The slow shading of a receive coil: a positive factor of about 1 +- ``strength``."""
    x, y, z = np.meshgrid(*(np.linspace(-1.0, 1.0, n) for n in shape), indexing="ij", sparse=True)
    field: np.ndarray = np.exp(strength * (0.6 * x - 0.5 * y + 0.4 * z + 0.5 * x * y - 0.5 * y**2))
    return field


def paint(
    healthy: np.ndarray,
    brain: np.ndarray,
    segmentation: np.ndarray,
    factors: dict[int, float],
    rng: np.random.Generator,
    noise: float = 0.025,
) -> np.ndarray:
    """Turn healthy intensities into a skull-stripped scan of the patient.

    Parameters
    ----------
    healthy : (nx, ny, nz) array
        Noise-free intensities in about [0, 1].
    brain : bool array
        Voxels that survive skull stripping; all others become 0.
    segmentation : int array
        Labels of the tumour.
    factors : dict
        Factor on the intensity for each label, blended over about a millimetre.
    rng : numpy.random.Generator
    noise : float
        Standard deviation of the noise, relative to the brightest tissue.

    Returns
    -------
    int16 array
        Intensities of an arbitrary scanner scale, positive inside the brain.
    """
    contrast = np.ones(healthy.shape)
    for value, factor in factors.items():
        contrast += (factor - 1.0) * gaussian_filter((segmentation == value).astype(float), 0.8)
    scan = healthy * contrast * bias_field(healthy.shape)
    scan = scan + noise * rng.normal(size=scan.shape)
    return np.where(brain, np.maximum(np.rint(900.0 * scan), 1), 0).astype(np.int16)


def _rotation(angles: np.ndarray) -> np.ndarray:
    """Rotation matrix from angles [rad] about x, y and z, applied in that order."""
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        a, b = [n for n in range(3) if n != axis]
        turn = np.eye(3)
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    return matrix
