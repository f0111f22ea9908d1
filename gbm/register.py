"""Atlas-to-patient registration: rigid, affine, B-spline by Mattes mutual information."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from gbm.atlas import Atlas, load_atlas
from gbm.brain import MINIMUM_EXTENT_MM, brain_mask, stripped, thickness
from gbm.config import load_patient
from gbm.errors import InputError
from gbm.files import write_json
from gbm.itk import correct_bias, sampled, to_itk, warp
from gbm.labels import read_regions
from gbm.scan import main_image, read_head
from gbm.settings import Settings
from gbm.volumes import Volume, write_volume

COARSE_MM, MIDDLE_MM, FINE_MM = 4.0, 3.0, 2.0
EDGE_MM = 16.0  # the edge is information: the mask of the metric reaches beyond it
MESH_MM = 25.0
HISTOGRAM_BINS = 32
SAMPLING = {"linear": 0.3, "bspline": 0.1}


@dataclass(frozen=True)
class Registration:
    """The atlas in the patient's space.

    Attributes
    ----------
    t1, wm, gm, csf : Volume
        Warped atlas on the patient's 1 mm grid, cropped around the brain.
    image : Volume
        The patient's bias-corrected image on that grid.
    brain_dice : float
        Dice coefficient of the brain masks, atlas against patient.
    correlation : float
        Pearson correlation of the intensities in the common brain outside the tumour.
    method : str
        ``none``, ``affine`` or ``bspline``.
    seconds : float
        Wall time.
    transform : SimpleITK.Transform
        Patient (fixed) points to atlas (moving) points, LPS mm.
    """

    t1: Volume
    wm: Volume
    gm: Volume
    csf: Volume
    image: Volume
    brain_dice: float
    correlation: float
    method: str
    seconds: float
    transform: sitk.Transform


def check_extent(image: Volume, method: str, key: str | None = None) -> None:
    """Refuse an image that is too thin to be registered.

    Raises
    ------
    InputError
        If it is thinner than 40 mm along an axis and `method` is not ``none``.
    """
    extent = thickness(image)
    if method != "none" and extent < MINIMUM_EXTENT_MM:
        text = (
            f"the image is only {extent:.0f} mm thick: a registration needs the whole brain;"
            " give patient.tissue, or tissue.registration: none for images in the atlas's space"
        )
        raise InputError(text, file=image.path, key=key)


def _coarsened(image: sitk.Image, spacing: float) -> sitk.Image:
    factor = spacing / np.array(image.GetSpacing())
    smooth = sitk.SmoothingRecursiveGaussian(image, 0.5 * spacing)
    size = [max(round(float(n / f)), 1) for n, f in zip(image.GetSize(), factor, strict=True)]
    grid = sitk.Image(size, sitk.sitkFloat32)
    grid.SetSpacing([spacing] * 3)
    grid.SetDirection(image.GetDirection())
    start = image.TransformContinuousIndexToPhysicalPoint([(float(f) - 1) / 2 for f in factor])
    grid.SetOrigin(start)
    return sitk.Resample(smooth, grid, sitk.Transform(), sitk.sitkLinear, 0.0)


def _method(seed: int, threads: int, sampling: float) -> sitk.ImageRegistrationMethod:
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(HISTOGRAM_BINS)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(sampling, seed + 1)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetNumberOfThreads(threads)
    return method


@dataclass(frozen=True)
class _Level:
    """Both images and the metric's mask at one resolution."""

    fixed: sitk.Image
    moving: sitk.Image
    mask: sitk.Image

    def linear(self, start: sitk.Transform, step: float, seed: int, threads: int) -> sitk.Transform:
        method = _method(seed, threads, SAMPLING["linear"])
        method.SetMetricFixedMask(self.mask)
        method.SetOptimizerAsRegularStepGradientDescent(
            step, 1e-4, 400, relaxationFactor=0.85, gradientMagnitudeTolerance=1e-8
        )
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetInitialTransform(start, inPlace=True)
        method.Execute(self.fixed, self.moving)
        return start

    def bspline(self, linear: sitk.Transform, seed: int, threads: int) -> sitk.Transform:
        extent = np.array(self.fixed.GetSize()) * np.array(self.fixed.GetSpacing())
        mesh = [max(round(float(length) / MESH_MM), 1) for length in extent]
        transform = sitk.BSplineTransformInitializer(self.fixed, mesh, 3)
        method = _method(seed, threads, SAMPLING["bspline"])
        method.SetMetricFixedMask(self.mask)
        method.SetMovingInitialTransform(linear)
        method.SetInitialTransform(transform, inPlace=True)
        method.SetOptimizerAsLBFGSB(
            gradientConvergenceTolerance=1e-5,
            numberOfIterations=30,
            maximumNumberOfCorrections=5,
            maximumNumberOfFunctionEvaluations=60,
            costFunctionConvergenceFactor=1e9,
        )
        method.Execute(self.fixed, self.moving)
        return transform


def estimate(
    atlas: Atlas,
    fixed: Volume,
    brain: np.ndarray,
    tumour: np.ndarray,
    method: str,
    seed: int,
    threads: int,
) -> sitk.Transform:
    """Return the transform from patient points to atlas points (see `register`)."""
    if method == "none":
        return sitk.Transform(3, sitk.sitkIdentity)
    reach = ndimage.distance_transform_edt(~brain, sampling=fixed.spacing) <= EDGE_MM
    images = to_itk(fixed), to_itk(atlas.t1), to_itk(fixed.with_data(reach & ~tumour))

    def level(mm: float) -> _Level:
        image, reference, allowed = (_coarsened(image, mm) for image in images)
        return _Level(image, reference, sitk.Cast(allowed > 0.5, sitk.sitkUInt8))

    coarse, fine = level(COARSE_MM), level(FINE_MM)
    centred = sitk.Euler3DTransform(
        sitk.CenteredTransformInitializer(
            to_itk(fixed.with_data(brain)),
            to_itk(atlas.brain),
            sitk.Euler3DTransform(),
            sitk.CenteredTransformInitializerFilter.MOMENTS,
        )
    )
    # MNI brains are a third larger than most: without the ratio of volumes the affine gets lost.
    rigid = sitk.Similarity3DTransform()
    rigid.SetCenter(centred.GetCenter())
    rigid.SetTranslation(centred.GetTranslation())
    rigid.SetScale(
        float((_millilitres(atlas.brain) / _millilitres(fixed.with_data(brain))) ** (1 / 3))
    )
    coarse.linear(rigid, 1.0, seed, threads)
    affine = sitk.AffineTransform(3)
    affine.SetCenter(rigid.GetCenter())
    affine.SetMatrix(rigid.GetMatrix())
    affine.SetTranslation(rigid.GetTranslation())
    coarse.linear(affine, 1.0, seed, threads)
    fine.linear(affine, 0.25, seed, threads)
    if method == "affine":
        return affine
    return sitk.CompositeTransform([affine, level(MIDDLE_MM).bspline(affine, seed, threads)])


def _millilitres(mask: Volume) -> float:
    return float(mask.data.sum()) * float(np.prod(mask.spacing)) / 1000.0


def register(
    atlas: Atlas,
    fixed: Volume,
    tumour: Volume,
    method: str = "bspline",
    seed: int = 0,
    threads: int = 1,
) -> Registration:
    """Bring the atlas into the patient's space.

    Parameters
    ----------
    atlas : Atlas
        Moving image and maps.
    fixed : Volume
        The patient's skull-stripped image on its 1 mm RAS grid.
    tumour : Volume
        Boolean whole tumour on the same grid; excluded from the metric.
    method : str
        ``none`` (the patient is already in the atlas's space), ``affine`` or ``bspline``.
    seed : int
        Seed of the metric's sampling.
    threads : int
        Threads of SimpleITK, in this process from now on; with one the result is reproducible to
        the last digit.

    Raises
    ------
    InputError
        If the image is too thin to be registered.
    """
    began = time.perf_counter()
    check_extent(fixed, method)
    brain = brain_mask(fixed)
    # For all filters: their sums depend on the number of threads.
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    image = correct_bias(stripped(fixed, brain), brain)
    top = float(np.percentile(image.data[brain], 99.5))
    clipped = image.with_data(np.clip(image.data, 0.0, top))
    transform = estimate(atlas, clipped, brain, tumour.data, method, seed, threads)
    displacement = sampled(transform, fixed)
    t1, wm, gm, csf, mask = (
        warp(volume, fixed, displacement)
        for volume in (atlas.t1, atlas.wm, atlas.gm, atlas.csf, atlas.brain)
    )
    covered = mask.data > 0.5
    both = covered & brain & ~tumour.data
    dice = 2.0 * float((covered & brain).sum()) / float(covered.sum() + brain.sum())
    correlation = float(np.corrcoef(t1.data[both], image.data[both])[0, 1]) if both.any() else 0.0
    return Registration(
        t1, wm, gm, csf, image, dice, correlation, method, time.perf_counter() - began, transform
    )


def run(
    *,
    file: Path,
    settings: Settings,
    seed: int,
    threads: int,
    t1: Path,
    wm: Path,
    gm: Path,
    csf: Path,
    image: Path,
    record: Path,
) -> None:
    """Register the atlas of the settings to the patient of a file.

    Parameters
    ----------
    file : Path
        The patient file.
    settings : Settings
        Section `tissue`.
    seed, threads : int
        See `register`.
    t1, wm, gm, csf, image : Path
        Written: the warped atlas, and the patient's bias-corrected image, on the patient's 1 mm
        grid around the brain.
    record : Path
        Written: method, quality numbers, seconds, as JSON.
    """
    patient = load_patient(file)
    head = read_head(*main_image(patient)).cropped()
    tumour = read_regions(patient.segmentation).on(head.image)[0]
    atlas = load_atlas(settings.tissue.atlas)
    found = register(atlas, head.image, tumour, settings.tissue.registration, seed, threads)
    for name, path in (("t1", t1), ("wm", wm), ("gm", gm), ("csf", csf), ("image", image)):
        write_volume(path, getattr(found, name), description=f"{atlas.name} {name}, {patient.id}")
    write_json(
        record,
        {
            "atlas": atlas.name,
            "image": head.key,
            "method": found.method,
            "brain_dice": found.brain_dice,
            "correlation": found.correlation,
            "seconds": found.seconds,
            "seed": seed,
        },
    )
