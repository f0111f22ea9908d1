"""How well a transform brings an atlas onto a patient's images, and the climb to a better one.

Mutual information has many maxima: a head that is turned, cut off or seen in thick slices leads a
single climb astray, and the number that was climbed does not tell. A transform is therefore judged
by two kinds of numbers: the overlap of the brain masks, and the mutual information of *every* image
of the patient with the atlas, whichever of them was climbed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import SimpleITK as sitk

from gbm.imaging.overlap import dice
from gbm.registration.free_form import FreeForm
from gbm.registration.itk import coarsened, displaced

Metric = Literal["mutual information", "local correlation"]

BINS = 32
"""Of a joint histogram, along each axis."""
RADIUS = 2
"""Half-width of the window of the local correlation, voxels."""
MOST = 0.9
"""Share of the voxels that a metric looks at: nearly all, yet another seed is another try."""
QUICK, THOROUGH = 0.8, 0.95
"""Relaxations of a climb: similarities have steep peaks, affine transforms long valleys."""
OVERLAP_NOISE, INFORMATION_NOISE = 0.005, 0.01
"""What a transform may lose of the overlap, and of an information (relative): their noise."""
TRADE = 0.1
"""Overlap that may be lost for a relative gain of information, beyond noise."""


@dataclass(frozen=True)
class Score:
    """How well a transform does.

    Attributes
    ----------
    overlap : float
        Dice coefficient of the brain masks.
    information : mapping of float
        Mutual information with the atlas, nats, of each of the patient's images.
    """

    overlap: float
    information: Mapping[str, float]

    def keeps(
        self,
        other: Score,
        overlap: float = OVERLAP_NOISE,
        information: float = INFORMATION_NOISE,
    ) -> bool:
        """Whether no number is worse than the other's by more than its noise.

        A little more overlap may be lost where every image gains information: splines that move the
        ventricles to their place by a fifth more information may leave a rim.

        Parameters
        ----------
        other : Score
        overlap, information : float
            The noise, absolute and relative.

        Examples
        --------
        >>> before = Score(0.976, {"t1": 1.00})
        >>> Score(0.972, {"t1": 1.00}).keeps(before), Score(0.969, {"t1": 1.00}).keeps(before)
        (True, False)
        >>> Score(0.969, {"t1": 1.20}).keeps(before), Score(0.940, {"t1": 1.20}).keeps(before)
        (True, False)
        """
        gain = min(
            self.information[name] / max(theirs, 1e-12) - 1.0
            for name, theirs in other.information.items()
        )
        allowed = overlap + TRADE * max(gain, 0.0)
        return gain >= -information and self.overlap >= other.overlap - allowed


@dataclass(frozen=True)
class Placement:
    """A transform from patient to atlas points (LPS mm), its origin, climbed image and score."""

    name: str
    image: str
    transform: sitk.Transform
    score: Score

    @classmethod
    def new(cls, name: str, image: str, transform: sitk.Transform) -> Placement:
        """A candidate that is not judged yet."""
        return cls(name, image, transform, Score(float("nan"), {}))

    def to_json(self) -> dict[str, Any]:
        """Plain values, without the transform."""
        score = {"overlap": self.score.overlap, "information": dict(self.score.information)}
        return {"start": self.name, "image": self.image, **score}


def ranked(candidates: Sequence[Placement]) -> list[Placement]:
    """Best first: by the overlap plus the images' mean share of the greatest information of all.

    >>> scores = {"lost": Score(0.8, {"t1": 0.5}), "found": Score(0.95, {"t1": 0.45})}
    >>> [c.name for c in ranked([Placement(n, "t1", None, s) for n, s in scores.items()])]
    ['found', 'lost']
    """
    best = {
        name: max(max(c.score.information[name] for c in candidates), 1e-12)
        for name in candidates[0].score.information
    }

    def worth(c: Placement) -> float:
        return c.score.overlap + float(
            np.mean([value / best[name] for name, value in c.score.information.items()])
        )

    return sorted(candidates, key=worth, reverse=True)


def mutual_information(a: np.ndarray, b: np.ndarray) -> float:
    """Mutual information, nats, of two samples of intensities by their joint histogram.

    >>> x = np.repeat(np.arange(4.0), 50)
    >>> bool(np.isclose(mutual_information(x, -x), np.log(4)))
    True
    """
    joint = np.histogram2d(a, b, bins=BINS)[0]
    p = joint / joint.sum()
    independent = p.sum(1, keepdims=True) * p.sum(0, keepdims=True)
    seen = p > 0
    return float(np.sum(p[seen] * np.log(p[seen] / independent[seen])))


class Level:
    """The images of a patient and the atlas on grids of one spacing.

    Parameters
    ----------
    atlas : mapping of SimpleITK.Image
        Its t1 and brain on a finer grid.
    images : mapping of SimpleITK.Image
        The patient's images by name on one finer grid, 0 outside the brain.
    masks : mapping of SimpleITK.Image
        On that grid: the brain, where a metric looks (allowed), and the field of view (seen).
    mm : float
        Spacing.
    metric : str
        What is climbed.
    seed, threads : int
        Of SimpleITK.
    """

    def __init__(
        self,
        atlas: Mapping[str, sitk.Image],
        images: Mapping[str, sitk.Image],
        masks: Mapping[str, sitk.Image],
        mm: float,
        *,
        metric: Metric = "mutual information",
        seed: int = 0,
        threads: int = 1,
    ) -> None:
        self.metric, self.seed, self.threads = metric, seed, threads
        self.images = {name: coarsened(image, mm) for name, image in images.items()}
        self.t1, self.atlas_brain = coarsened(atlas["t1"], mm), coarsened(atlas["brain"], mm)
        self.brain, self.mask, limits = (
            sitk.Cast(coarsened(masks[name], mm) > 0.5, sitk.sitkUInt8)
            for name in ("brain", "allowed", "seen")
        )
        self.mask &= _away_from_cuts(limits)
        self._inside, self._looked, self._seen = (
            sitk.GetArrayFromImage(mask) > 0 for mask in (self.brain, self.mask, limits)
        )

    def score(self, transform: sitk.Transform) -> Score:
        """Overlap and information of a transform on this grid."""
        image = next(iter(self.images.values()))

        def warped(moving: sitk.Image) -> np.ndarray:
            found = sitk.Resample(moving, image, transform, sitk.sitkLinear, 0.0)
            values: np.ndarray = sitk.GetArrayFromImage(found)
            return values

        covered = (warped(self.atlas_brain) > 0.5) & self._seen
        t1 = warped(self.t1)[self._looked]
        information = {
            name: mutual_information(sitk.GetArrayFromImage(own)[self._looked], t1)
            for name, own in self.images.items()
        }
        return Score(dice(covered, self._inside), information)

    def judged(self, candidate: Placement) -> Placement:
        """The candidate with its score on this grid."""
        transform = candidate.transform
        return Placement(candidate.name, candidate.image, transform, self.score(transform))

    def linear(
        self,
        start: Placement,
        model: sitk.Transform,
        image: str,
        step: float,
        relaxation: float = QUICK,
        sampled: float = MOST,
    ) -> Placement:
        """Climb from `model` (changed in place), a similarity or affine transform, by gradients.

        Parameters
        ----------
        start : Placement
            Its name is kept.
        model : SimpleITK.Transform
        image : str
            The image that is climbed.
        step : float
            First step, mm; the last is a two-hundredth of it.
        relaxation : float
            What a step shrinks by where the gradient turns.
        sampled : float
            Share of the voxels that the metric looks at.
        """
        method = self._method(sampled)
        method.SetOptimizerAsRegularStepGradientDescent(
            step, 0.005 * step, 400, relaxationFactor=relaxation, gradientMagnitudeTolerance=1e-8
        )
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetInitialTransform(model, inPlace=True)
        method.Execute(self.images[image], self.t1)
        return Placement(start.name, image, model, self.score(model))

    def splines(self, image: str) -> sitk.Transform:
        """Free-form deformation that brings the atlas onto an image that lies on the atlas's grid.

        Returns
        -------
        SimpleITK.Transform
            Displacements on this level's grid and one voxel around it; beyond there are none.
        """
        fixed = self.images[image]
        own, t1 = (sitk.GetArrayFromImage(v).astype(float) for v in (fixed, self.t1))
        return displaced(FreeForm(own, t1, self._looked, fixed.GetSpacing()[0]).fitted(), fixed)

    def _method(self, sampled: float) -> sitk.ImageRegistrationMethod:
        method = sitk.ImageRegistrationMethod()
        if self.metric == "mutual information":
            method.SetMetricAsMattesMutualInformation(BINS)
        else:
            method.SetMetricAsANTSNeighborhoodCorrelation(RADIUS)
        method.SetMetricSamplingStrategy(method.RANDOM)
        method.SetMetricSamplingPercentage(sampled, self.seed + 1)
        method.SetMetricFixedMask(self.mask)
        method.SetInterpolator(sitk.sitkLinear)
        method.SetNumberOfThreads(self.threads)
        return method


def _away_from_cuts(seen: sitk.Image) -> sitk.Image:
    """The field of view (0 and 1) without the voxels at its end: those are smoothed with nothing.

    A metric that looks there takes the end of the image for the edge of the brain.
    """
    return sitk.BinaryErode(seen, [1, 1, 1], sitk.sitkBox, 0, 1, True)
