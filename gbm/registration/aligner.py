"""The stages of a registration: many starts, a similarity, an affine transform, splines.

Starts are climbed on a coarse grid, the best two of them on the next one. A later stage is kept
unless it is worse than the one before in one number by more than its noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from gbm.imaging.atlas import Atlas
from gbm.imaging.brain import field_of_view
from gbm.io.volumes import Volume
from gbm.registration.alignment import THOROUGH, Level, Metric, Placement, ranked
from gbm.registration.itk import evened, matched, shrunk

START_MM, LINEAR_MM = 8.0, 4.0
"""Grids, mm: of the starts; of the linear stages, the splines and every later judgement."""
FINE_MM, FINE_SAMPLED = 2.0, 0.15
"""Grid, mm, of the last climb of the affine transform, and the share of it that is looked at."""
EVEN_MM = 25.0
"""What is wider is no anatomy but the rest of a bias field."""
CLIMBED, REFINED = 6, 2
"""Starts that are climbed on the coarse grid, and of these on the next one."""
TURN = 30.0
"""Degrees by which starts are turned about each axis; a climb bridges about as much."""
EDGE_MM = 16.0
"""The edge is information: the mask of the metric reaches beyond it."""
LOST = 0.05
"""A first image that leads this much less far, in overlap or in a share of information, is lost.
Otherwise it is preferred: tissue is made of it, and one image gives one answer."""

Pose = tuple[str, sitk.Similarity3DTransform]
Images = Mapping[str, sitk.Image]


class Aligner:
    """The images of one patient before an atlas.

    Parameters
    ----------
    atlas : Atlas
    images : mapping of Volume
        Bias-corrected images by name on one grid, 0 outside the brain; the first is preferred.
    brain, tumour : ndarray of bool
        On that grid.
    metric : str
        What is climbed.
    seed, threads : int
        Of SimpleITK.
    """

    def __init__(
        self,
        atlas: Atlas,
        images: Mapping[str, Volume],
        brain: np.ndarray,
        tumour: np.ndarray,
        *,
        metric: Metric = "mutual information",
        seed: int = 0,
        threads: int = 1,
    ) -> None:
        grid, seen = next(iter(images.values())), field_of_view(brain)
        allowed = _near(brain, EDGE_MM, grid.spacing) & seen & ~tumour
        masks = {"brain": brain, "allowed": allowed, "seen": seen}
        self._atlas = {"t1": shrunk(atlas.t1), "brain": shrunk(atlas.brain)}
        self._masks = {name: shrunk(grid.with_data(mask)) for name, mask in masks.items()}
        self._own = {name: evened(shrunk(image), EVEN_MM) for name, image in images.items()}
        self._metric, self._seed, self._threads = metric, seed, threads
        self.coarse, self.middle = (
            self._level(mm, self._own, self._masks) for mm in (START_MM, LINEAR_MM)
        )
        self._climbed = self.middle if metric == "mutual information" else self.coarse
        self.names = list(images)

    def align(self, method: str) -> tuple[Placement, dict[str, Any]]:
        """All stages of a method (``affine`` or ``bspline``).

        Returns
        -------
        Candidate
            What the last stage that was kept found.
        dict
            `starts` and `stages`: what was tried, its numbers, and whether a stage was kept.
        """
        first = ranked([self.coarse.judged(start) for start in self.starts()])
        found = self.rigid(first)
        stages = [{"stage": "rigid", "kept": True, **found.to_json()}]
        climbs = {"affine": self.affine} | (
            {"bspline": self.bspline} if method == "bspline" else {}
        )
        for stage, climb in climbs.items():
            after = climb(found)
            kept = after.score.keeps(found.score)
            stages.append({"stage": stage, "kept": kept, **after.to_json()})
            found = after if kept else found
        return found, {"starts": [start.to_json() for start in first], "stages": stages}

    def starts(self) -> list[Placement]:
        """Nothing; the centre of mass, turned too; the moments; scaled by volumes or not.

        Their scores are not known yet.
        """
        return [Placement.new(name, self.names[0], pose) for name, pose in self._poses()]

    def _poses(self) -> Iterator[Pose]:
        yield "none", sitk.Similarity3DTransform()
        ours, theirs = self.coarse.brain, self.coarse.atlas_brain > 0.5
        ratio = (_volume(theirs) / _volume(ours)) ** (1 / 3)
        moments = sitk.Euler3DTransform(
            sitk.CenteredTransformInitializer(
                sitk.Cast(ours, sitk.sitkFloat32),
                sitk.Cast(theirs, sitk.sitkFloat32),
                sitk.Euler3DTransform(),
                sitk.CenteredTransformInitializerFilter.MOMENTS,
            )
        )
        turns: dict[str, tuple[float, ...]] = {"centre of mass": (0.0, 0.0, 0.0)}
        for letter, axis in zip("xyz", np.eye(3), strict=True):
            for degrees in (-TURN, TURN):
                turns[f"centre of mass, {letter} {degrees:+.0f}°"] = tuple(
                    np.radians(degrees) * axis
                )
        for scaled, scale in (("", 1.0), (", scaled", ratio)):
            for name, turn in turns.items():
                pose = _similarity(moments, scale)
                turned = sitk.Euler3DTransform()
                turned.SetRotation(*turn)
                pose.SetMatrix(turned.GetMatrix())
                pose.SetScale(scale)
                yield name + scaled, pose
            pose = _similarity(moments, scale)
            yield "moments" + scaled, pose

    def rigid(self, first: list[Placement]) -> Placement:
        """The best similarity: by each image the best starts climbed, and the best two refined."""
        refined = []
        for name in self.names:
            climbed = [
                self.coarse.linear(start, sitk.Similarity3DTransform(start.transform), name, 4.0)
                for start in first[:CLIMBED]
            ]
            refined += [
                self._refined(c, sitk.Similarity3DTransform(c.transform), name)
                for c in ranked(climbed)[:REFINED]
            ]
        nothing = next(start for start in first if start.name == "none")
        found = ranked([*refined, self.middle.judged(nothing)])
        sound = [c for c in found if c.score.keeps(found[0].score, LOST, LOST)]
        return next((c for c in sound if c.image == self.names[0]), found[0])

    def affine(self, rigid: Placement) -> Placement:
        """The affine transform climbed from a similarity."""
        similarity = sitk.Similarity3DTransform(rigid.transform)
        model = sitk.AffineTransform(3)
        model.SetCenter(similarity.GetCenter())
        model.SetMatrix(similarity.GetMatrix())
        model.SetTranslation(similarity.GetTranslation())
        found = self._climbed.linear(rigid, model, rigid.image, 1.0, THOROUGH)
        if self._metric == "mutual information":
            fine = self._level(FINE_MM, self._own, self._masks)
            found = fine.linear(found, model, rigid.image, 0.5, THOROUGH, FINE_SAMPLED)
        return self.middle.judged(found)

    def _refined(self, start: Placement, model: sitk.Transform, image: str) -> Placement:
        return self.middle.judged(self._climbed.linear(start, model, image, 1.0))

    def bspline(self, linear: Placement) -> Placement:
        """Splines after a linear transform, in the atlas's frame.

        In that frame a head is the same however it lies in its scanner, and so are the splines.
        """
        back, grid = linear.transform.GetInverse(), self._atlas["t1"]
        climbed = matched(self._own[linear.image], self._masks["brain"], self._atlas)
        own, masks = (
            {n: sitk.Resample(v, grid, back, sitk.sitkLinear, 0.0) for n, v in part.items()}
            for part in ({linear.image: climbed}, self._masks)
        )
        bent = self._level(LINEAR_MM, own, masks).splines(linear.image)
        whole = sitk.CompositeTransform([bent, linear.transform])
        return self.middle.judged(Placement.new(linear.name, linear.image, whole))

    def _level(self, mm: float, own: Images, masks: Images) -> Level:
        return Level(
            self._atlas, own, masks, mm,
            metric=self._metric, seed=self._seed, threads=self._threads,
        )  # fmt: skip


def _similarity(pose: sitk.Euler3DTransform, scale: float) -> sitk.Similarity3DTransform:
    similarity = sitk.Similarity3DTransform()
    similarity.SetCenter(pose.GetCenter())
    similarity.SetMatrix(pose.GetMatrix())
    similarity.SetTranslation(pose.GetTranslation())
    similarity.SetScale(scale)
    return similarity


def _volume(mask: sitk.Image) -> float:
    return float(sitk.GetArrayViewFromImage(mask).sum()) * float(np.prod(mask.GetSpacing()))


def _near(mask: np.ndarray, mm: float, spacing: np.ndarray) -> np.ndarray:
    """The mask and what is closer than `mm` to it, known to two voxels."""
    near = ndimage.distance_transform_edt(~mask[::2, ::2, ::2], sampling=2 * spacing) <= mm
    for axis in range(3):
        near = near.repeat(2, axis)
    return near[tuple(slice(n) for n in mask.shape)]
