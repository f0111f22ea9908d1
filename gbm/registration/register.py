"""Atlas-to-patient registration by several starts and three stages, tried again where it fails.

See `gbm.registration.aligner` for the stages. Where the result fails the default gates of the
verdict, another metric and another seed are tried before the verdict says so.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from gbm.config.errors import InputError
from gbm.config.gate_settings import GateSettings
from gbm.imaging.atlas import Atlas
from gbm.imaging.brain import MINIMUM_EXTENT_MM, brain_mask, field_of_view, stripped, thickness
from gbm.imaging.overlap import dice
from gbm.io.volumes import Volume, resample_to
from gbm.registration.aligner import Aligner
from gbm.registration.alignment import Metric
from gbm.registration.itk import correct_bias, displacements, shrunk, warp

ATTEMPTS: tuple[tuple[Metric, int], ...] = (
    ("mutual information", 0),
    ("local correlation", 0),
    ("mutual information", 1),
)
"""Metric and seed (added to the given one) of each attempt, until one passes the gates."""
SHOWN = 0.8
"""Part of the brain that a second image must show."""
BRIGHTEST = 99.5
"""Percentile of the brain at which the registered intensities are cut."""


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
        Dice coefficient of the brain masks, atlas against patient, in the image's field of view.
    correlation : float
        Pearson correlation of the intensities in the common brain outside the tumour.
    method : str
        ``none``, ``affine`` or ``bspline``.
    seconds : float
        Wall time.
    transform : SimpleITK.Transform
        Patient (fixed) points to atlas (moving) points, LPS mm.
    attempts : tuple of dict
        What was tried, in order: metric, seed, starts and stages with their numbers, the gated
        numbers, and whether it was chosen.
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
    attempts: tuple[dict[str, Any], ...] = ()

    def margin(self, gates: GateSettings) -> float:
        """The worse of the gated numbers relative to its limit; 1 where both pass."""
        numbers = (self.brain_dice, self.correlation)
        limits = (gates.brain_dice_min, gates.correlation_min)
        return min(1.0, *(n / max(limit, 1e-12) for n, limit in zip(numbers, limits, strict=True)))


def check_extent(image: Volume, method: str, key: str | None = None) -> None:
    """Refuse an image whose brain is too thin to be registered.

    Raises
    ------
    InputError
        If that is thinner than 40 mm along an axis and `method` is not ``none``.
    """
    shown = ndimage.find_objects((image.data > 0).astype(np.uint8))
    extent = thickness(image.with_data(image.data[shown[0]]) if shown else image)
    if method != "none" and extent < MINIMUM_EXTENT_MM:
        text = (
            f"the image is only {extent:.0f} mm thick: a registration needs the whole brain;"
            " give patient.tissue, or tissue.registration: none for images in the atlas's space"
        )
        raise InputError(text, file=image.path, key=key)


@dataclass(frozen=True)
class Subject:
    """A patient's head before registration.

    Attributes
    ----------
    image : Volume
        Skull-stripped image on its 1 mm RAS grid; it makes the tissue.
    tumour : Volume
        Boolean whole tumour on the same grid; excluded from the metric.
    second : Volume or None
        Another skull-stripped image, any grid. It judges the transforms too, and is climbed where
        that leads further.
    names : tuple of str
        What the record calls the two images.
    """

    image: Volume
    tumour: Volume
    second: Volume | None = None
    names: tuple[str, str] = ("t1", "t1c")


@dataclass(frozen=True)
class _Patient:
    """What is registered, on one grid: images by name (the first makes the tissue) and masks."""

    images: dict[str, Volume]
    brain: np.ndarray
    tumour: np.ndarray

    @classmethod
    def of(cls, subject: Subject) -> _Patient:
        """Correct the bias of the first image; a second one must show most of the brain."""
        fixed, (first, other) = subject.image, subject.names
        brain = brain_mask(fixed)
        images = {first: correct_bias(stripped(fixed, brain), brain)}
        if subject.second is not None:
            moved = resample_to(subject.second, fixed, 1).data
            values = np.where(brain, moved, 0.0).astype(np.float32)
            shown = values > 0
            if shown.sum() > SHOWN * brain.sum():
                images[other] = fixed.with_data(values)
        return cls(images, brain, subject.tumour.data)

    @property
    def image(self) -> Volume:
        return next(iter(self.images.values()))

    def clipped(self) -> dict[str, Volume]:
        """Images without their brightest voxels."""
        return {
            name: v.with_data(np.clip(v.data, 0.0, np.percentile(v.data[self.brain], BRIGHTEST)))
            for name, v in self.images.items()
        }

    def warped(self, atlas: Atlas, transform: sitk.Transform) -> dict[str, Volume]:
        """The atlas on the patient's grid by name: t1, wm, gm, csf, brain."""
        displacement = displacements(transform, shrunk(self.image))
        names = ("t1", "wm", "gm", "csf", "brain")
        return {n: warp(getattr(atlas, n), self.image, displacement) for n in names}

    def numbers(self, warped: dict[str, Volume]) -> dict[str, float]:
        """The gated numbers, brain_dice and correlation, of a warped atlas."""
        covered = (warped["brain"].data > 0.5) & field_of_view(self.brain)
        healthy = covered & self.brain & ~self.tumour
        t1, own = warped["t1"].data[healthy], self.image.data[healthy]
        known = healthy.any() and np.ptp(t1) > 0 and np.ptp(own) > 0
        correlation = float(np.corrcoef(t1, own)[0, 1]) if known else 0.0
        return {"brain_dice": dice(covered, self.brain), "correlation": correlation}


def register(
    atlas: Atlas,
    subject: Subject,
    method: str = "bspline",
    seed: int = 0,
    threads: int = 1,
    *,
    gates: GateSettings | None = None,
) -> Registration:
    """Bring the atlas into the patient's space.

    Parameters
    ----------
    atlas : Atlas
        Moving image and maps.
    subject : Subject
        The patient's images and tumour.
    method : str
        ``none`` (the patient is already in the atlas's space), ``affine`` or ``bspline``.
    seed : int
        Seed of the metric's sampling.
    threads : int
        Threads of SimpleITK, in this process from now on; with one the result is reproducible to
        the last digit.
    gates : GateSettings, optional
        Limits below which the next of `ATTEMPTS` is made; the default ones without it, whatever a
        run's own gates: they set verdicts and change no number.

    Raises
    ------
    InputError
        If the image is too thin to be registered.
    """
    began = time.perf_counter()
    check_extent(subject.image, method)
    # For all filters: their sums depend on the number of threads.
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    patient = _Patient.of(subject)
    limits = GateSettings() if gates is None else gates
    found: list[Registration] = []
    for metric, more in ATTEMPTS if method != "none" else ATTEMPTS[:1]:
        transform: sitk.Transform = sitk.Transform(3, sitk.sitkIdentity)
        tried: dict[str, Any] = {}
        if method != "none":
            aligner = Aligner(
                atlas, patient.clipped(), patient.brain, patient.tumour,
                metric=metric, seed=seed + more, threads=threads,
            )  # fmt: skip
            best, tried = aligner.align(method)
            transform = best.transform
        attempt = {"metric": metric, "seed": seed + more}
        found.append(_registered(patient, atlas, transform, method, (attempt, tried)))
        if found[-1].margin(limits) == 1.0:
            break
    chosen = max(found, key=lambda registration: registration.margin(limits))
    attempts = tuple({**r.attempts[0], "chosen": r is chosen} for r in found)
    return replace(chosen, attempts=attempts, seconds=time.perf_counter() - began)


def _registered(
    patient: _Patient,
    atlas: Atlas,
    transform: sitk.Transform,
    method: str,
    record: tuple[dict[str, Any], dict[str, Any]],
) -> Registration:
    """The atlas warped by a transform, with its numbers; its seconds are set at the end."""
    warped = patient.warped(atlas, transform)
    numbers = patient.numbers(warped)
    attempt, tried = record
    return Registration(
        **{name: warped[name] for name in ("t1", "wm", "gm", "csf")},
        image=patient.image,
        brain_dice=numbers["brain_dice"],
        correlation=numbers["correlation"],
        method=method,
        seconds=0.0,
        transform=transform,
        attempts=({**attempt, **numbers, **tried},),
    )
