"""What a patient's files say: tumour regions, the image for registration, tissue maps given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gbm.config.errors import InputError
from gbm.config.patient import Patient
from gbm.config.source import Source
from gbm.imaging.atlas import probabilities
from gbm.imaging.brain import brain_mask, enclosed, stripped
from gbm.imaging.image_files import read_image
from gbm.imaging.labels import TumourRegions
from gbm.imaging.tissue import TISSUES, Tissue
from gbm.io.volumes import Volume, coverage, resample_to, to_one_millimetre

MINIMUM_SHARE = 0.5
"""Part of the tumour that must lie within an image's field of view, and within the tissue."""

WHICH = "one of the two files is misplaced or another patient's"

MARGIN_MM = 20  # the registration looks that far beyond the brain


@dataclass(frozen=True)
class Head:
    """A skull-stripped image on the patient's 1 mm grid.

    Attributes
    ----------
    image : Volume
        Positive inside the brain, 0 outside.
    brain : Volume
        Boolean, on the same grid.
    key : str
        Dotted key of the image.
    """

    image: Volume
    brain: Volume
    key: str

    def cropped(self) -> Head:
        """Return the head in the bounding box of the brain, with a margin."""
        box = []
        for axis in range(3):
            others = tuple(a for a in range(3) if a != axis)
            places = np.flatnonzero(self.brain.data.any(axis=others))
            stop = min(int(places[-1]) + MARGIN_MM + 1, self.brain.data.shape[axis])
            box.append(slice(max(int(places[0]) - MARGIN_MM, 0), stop))
        affine = self.image.affine.copy()
        affine[:3, 3] += affine[:3, :3] @ [part.start for part in box]
        image, brain = (
            Volume(np.ascontiguousarray(v.data[tuple(box)]), affine, v.path)
            for v in (self.image, self.brain)
        )
        return Head(image, brain, self.key)


def main_image(patient: Patient) -> Source:
    """Return the image to register: T1, else T1c.

    Raises
    ------
    InputError
        If there is neither.
    """
    for name in ("t1", "t1c"):
        given = getattr(patient.images, name)
        if given is not None:
            return Source.of(f"patient.images.{name}", given)
    text = "neither tissue maps (patient.tissue) nor a T1 or T1c image are given"
    raise InputError(text, file=patient.file, key="patient.images.t1")


def read_head(source: Source) -> Head:
    """Read a skull-stripped image; values that are not finite may stand outside the brain only.

    Raises
    ------
    InputError
        If it is unreadable, constant (as a whole, or in the brain), or holds NaN or infinity inside
        the brain.
    """
    return head_of(read_image(source), source.key)


def head_of(volume: Volume, key: str) -> Head:
    """Bring a skull-stripped image to its 1 mm grid; see `read_head`."""
    brain = brain_mask(volume, key)
    holes = int(np.count_nonzero(brain & ~np.isfinite(volume.data)))
    if holes:
        text = f"{holes} voxels inside the brain are not finite (NaN or infinity)"
        raise InputError(text, file=volume.path, key=key)
    values = volume.data[brain]
    if values.min() == values.max():
        text = "one value everywhere in the brain: a mask, and no image"
        raise InputError(text, file=volume.path, key=key)
    image = to_one_millimetre(stripped(volume, brain), 1)
    share = to_one_millimetre(volume.with_data(brain.astype(np.float32)), 1)
    inside = share.data >= 0.5
    # Values that fell to zero inside the brain would count as background later.
    least = float(image.data[inside & (image.data > 0)].min(initial=1.0))
    data = np.where(inside, np.maximum(image.data, 1e-3 * least), 0.0).astype(np.float32)
    return Head(Volume(data, image.affine, volume.path), image.with_data(inside), key)


def second_head(patient: Patient) -> tuple[Head | None, tuple[str, ...]]:
    """Read the T1c where the T1 is the image to register: it judges the registration too.

    Returns
    -------
    Head or None
        None where there is none, or it cannot be used: nothing else depends on it.
    tuple of str
        Remarks: why it cannot be used.
    """
    if patient.images.t1 is None or patient.images.t1c is None:
        return None, ()
    try:
        return read_head(Source.of("patient.images.t1c", patient.images.t1c)), ()
    except InputError as error:
        return None, (f"patient.images.t1c takes no part in the registration: {error.message}",)


def check_overlap(regions: TumourRegions, other: Volume, key: str) -> tuple[str, ...]:
    """Return remarks about the part of the tumour that an image's field of view covers.

    Raises
    ------
    InputError
        If it covers less than half of it.
    """
    share = coverage(regions.WT, other)
    if share < MINIMUM_SHARE:
        text = f"its grid does not overlap the tumour of {regions.source}: {WHICH}"
        if share > 0:
            text = f"its field of view holds only {share:.0%} of the tumour of {regions.source}"
        raise InputError(text, file=other.path, key=key)
    if share < 0.999:
        return (f"{key}: the field of view holds only {share:.1%} of the tumour",)
    return ()


def check_inside(
    regions: TumourRegions, tissue: Volume, what: str, key: str, path: Path | None
) -> None:
    """Refuse a tumour that lies mostly outside.

    Parameters
    ----------
    regions : TumourRegions
        On the segmentation's grid.
    tissue : Volume
        Boolean, any grid.
    what : str
        Its name in the message.
    key, path
        Of the file of the tissue.

    Raises
    ------
    InputError
        If more than half of WT lies outside; names both files, since either can be the wrong one.
    """
    inside = resample_to(tissue, regions.WT, 0).data[regions.WT.data].mean()
    if inside < 1 - MINIMUM_SHARE:
        text = f"{1 - inside:.0%} of the tumour of {regions.source} lies outside {what}: {WHICH}"
        raise InputError(text, file=path, key=key)


def read_maps(patient: Patient, regions: TumourRegions) -> tuple[Tissue, tuple[str, ...]]:
    """Read the tissue maps of a patient file.

    Returns
    -------
    Tissue
        On the grid of the segmentation, untreated inside the tumour; where no CSF is given it is
        what lacks to 1 between the tissues.
    tuple of str
        Remarks.

    Raises
    ------
    InputError
        If a map is unreadable, negative, all zero or misplaced, or the tumour lies mostly outside.
    """
    remarks: list[str] = []
    maps: dict[str, Volume] = {}
    for name in TISSUES:
        given, key = getattr(patient.tissue, name), f"patient.tissue.{name}"
        if given is None:
            continue
        volume = read_image(Source.of(key, given))
        remarks += check_overlap(regions, volume, key)
        maps[name], more = probabilities(volume, key)
        remarks += more
    tissue = maps["wm"].with_data(maps["wm"].data + resample_to(maps["gm"], maps["wm"]).data >= 0.5)
    hull = tissue.with_data(enclosed(tissue.data))
    check_inside(regions, hull, "the tissue", "patient.tissue.wm", maps["wm"].path)
    placed = {name: resample_to(volume, regions.WT, 1).data for name, volume in maps.items()}
    if "csf" not in placed:
        rest = np.clip(1.0 - placed["wm"] - placed["gm"], 0.0, 1.0)
        placed["csf"] = np.where(resample_to(hull, regions.WT, 0).data, rest, 0.0)
    total = sum(placed.values())
    excess = float(np.max(total))
    if excess > 1.05:
        remarks.append(f"patient.tissue: the maps add up to {excess:.2f}; divided by their sum")
    scale = np.maximum(total, 1.0)
    parts = {n: regions.WT.with_data((placed[n] / scale).astype(np.float32)) for n in TISSUES}
    voxel_ml = regions.WT.voxel_ml
    volumes = {name: float(part.data.sum()) * voxel_ml for name, part in parts.items()}
    return Tissue(**parts, qc={"source": "given", "volume_ml": volumes}), tuple(remarks)
