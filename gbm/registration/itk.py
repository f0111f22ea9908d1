"""SimpleITK at the border: images, transforms and the bias field of our volumes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import SimpleITK as sitk

from gbm.io.volumes import Volume

MINIMUM_SLICES = 16


def to_itk(volume: Volume) -> sitk.Image:
    """Return a SimpleITK image (float32; LPS) of a RAS volume with orthogonal axes."""
    lps = np.diag([-1.0, -1.0, 1.0]) @ volume.affine[:3, :]
    data = np.ascontiguousarray(volume.data.transpose(2, 1, 0), dtype=np.float32)
    image = sitk.GetImageFromArray(data)
    spacing = np.linalg.norm(lps[:, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:, 3].tolist())
    return image


def from_itk(image: sitk.Image, grid: Volume) -> Volume:
    """Return the values of a SimpleITK image that lies on `grid`."""
    return Volume(sitk.GetArrayFromImage(image).transpose(2, 1, 0).copy(), grid.affine)


def correct_bias(image: Volume, brain: np.ndarray) -> Volume:
    """Divide out the bias field (N4 on a 4 mm grid; Tustison et al. 2010).

    A few slices are too little to tell a field from the anatomy; they are returned as they are.
    """
    if min(image.data.shape) < MINIMUM_SLICES:
        return image
    full = sitk.Cast(to_itk(image), sitk.sitkFloat32)
    mask = sitk.Cast(to_itk(image.with_data(brain)), sitk.sitkUInt8)
    factors = [max(1, min(4, size // 16)) for size in full.GetSize()]
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations([30, 20, 10])
    n4.Execute(sitk.Shrink(full, factors), sitk.Shrink(mask, factors))
    field = from_itk(n4.GetLogBiasFieldAsImage(full), image).data
    return image.with_data((image.data / np.exp(field) * brain).astype(np.float32))


def shrunk(volume: Volume, mm: float = 2.0) -> sitk.Image:
    """Return block means on voxels of about `mm`, as a SimpleITK image; no axis is refined."""
    factors = [
        min(max(round(mm / float(h)), 1), n)
        for h, n in zip(volume.spacing, volume.data.shape, strict=True)
    ]
    return sitk.BinShrink(to_itk(volume), factors)


def evened(image: sitk.Image, mm: float) -> sitk.Image:
    """Return an image, 0 outside the brain, divided by its mean over a Gaussian of sd `mm`."""
    shown = sitk.Cast(image > 0, sitk.sitkFloat32)
    mean, share = (sitk.SmoothingRecursiveGaussian(part, mm) for part in (image, shown))
    # shown / mean: outside the brain both vanish
    return image * share / (mean + 1e-6)


def matched(image: sitk.Image, brain: sitk.Image, atlas: Mapping[str, sitk.Image]) -> sitk.Image:
    """Return an image, 0 outside the brain, with the atlas's 2nd and 98th percentile of the brain.

    Then nothing, the darkest tissue and the brightest stand to one another as in the atlas, however
    much contrast the image has (Nyul and Udupa 1999).
    """

    def ends(values: sitk.Image, inside: sitk.Image) -> np.ndarray:
        shown = sitk.GetArrayViewFromImage(inside) > 0.5
        return np.percentile(sitk.GetArrayViewFromImage(values)[shown], [2.0, 98.0])

    (low, high), own = ends(atlas["t1"], atlas["brain"]), ends(image, brain)
    slope = float((high - low) / max(own[1] - own[0], 1e-6))
    # the offset belongs to the brain: a voxel that is half brain gets half of it
    image, brain = (sitk.Cast(part, sitk.sitkFloat32) for part in (image, brain))
    changed = slope * image + float(low - slope * own[0]) * brain
    return sitk.Clamp(changed, sitk.sitkFloat32, 0.0)


def coarsened(image: sitk.Image, spacing: float) -> sitk.Image:
    """Return a smoothed image on a coarser grid along the same axes.

    Parameters
    ----------
    image : SimpleITK.Image
    spacing : float
        Of the new grid, mm.
    """
    factor = spacing / np.array(image.GetSpacing())
    smooth = sitk.SmoothingRecursiveGaussian(image, 0.5 * spacing)
    size = [max(round(float(n / f)), 1) for n, f in zip(image.GetSize(), factor, strict=True)]
    grid = sitk.Image(size, sitk.sitkFloat32)
    grid.SetSpacing([spacing] * 3)
    grid.SetDirection(image.GetDirection())
    start = image.TransformContinuousIndexToPhysicalPoint([(float(f) - 1) / 2 for f in factor])
    grid.SetOrigin(start)
    return sitk.Resample(smooth, grid, sitk.Transform(), sitk.sitkLinear, 0.0)


def displacements(transform: sitk.Transform, image: sitk.Image) -> sitk.Transform:
    """Return a transform as displacements, linear between the voxels of an image and one around.

    A chain of transforms is slow to evaluate at every voxel of several maps.
    """
    corner = image.TransformContinuousIndexToPhysicalPoint([-1.0] * 3)
    size, spacing = [n + 2 for n in image.GetSize()], image.GetSpacing()
    field = sitk.TransformToDisplacementField(
        transform, sitk.sitkVectorFloat64, size, corner, spacing, image.GetDirection()
    )
    return sitk.DisplacementFieldTransform(field)


def displaced(values: np.ndarray, image: sitk.Image) -> sitk.Transform:
    """Return displacements (3, z, y, x), mm along the axes of an image's array, as a transform.

    They hold on the image's grid and, continued, one voxel around it.
    """
    around = np.pad(values, [(0, 0), (1, 1), (1, 1), (1, 1)], mode="edge")
    direction = np.array(image.GetDirection()).reshape(3, 3)
    vectors = np.ascontiguousarray(np.moveaxis(around[::-1], 0, -1) @ direction.T)
    field = sitk.GetImageFromArray(vectors, isVector=True)
    field.SetOrigin(image.TransformContinuousIndexToPhysicalPoint([-1.0] * 3))
    field.SetSpacing(image.GetSpacing())
    field.SetDirection(image.GetDirection())
    return sitk.DisplacementFieldTransform(field)


def warp(volume: Volume, grid: Volume, transform: sitk.Transform) -> Volume:
    """Resample an atlas volume onto the patient's grid (linear, 0 outside)."""
    warped = sitk.Resample(to_itk(volume), to_itk(grid), transform, sitk.sitkLinear, 0.0)
    return from_itk(warped, grid)
