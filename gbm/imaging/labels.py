"""Tumour regions from a label file or from one mask a region."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gbm.config.errors import InputError, is_dicom, public_name
from gbm.config.patient import LabelMap, Segmentation
from gbm.config.source import Source
from gbm.imaging.image_files import read_image, segments_in
from gbm.io.files import read_npz, write_npz
from gbm.io.volumes import Volume, resample_to

if TYPE_CHECKING:
    from gbm.dicom.segmentation import Segments

LABEL_TOLERANCE = 1e-3
MOST_NAMED = 20  # an image taken for a segmentation holds thousands


@dataclass(frozen=True)
class TumourRegions:
    """Whole tumour and tumour core on the grid of the segmentation file.

    Attributes
    ----------
    WT, TC : Volume
        Boolean, in the file's own orientation; TC lies inside WT.
    labels : dict of int
        Voxels of each label that is present and not ignored (empty for masks).
    warnings : tuple of str
        What was accepted with a remark.
    key : str
        Dotted key of the file that holds WT.
    """

    WT: Volume
    TC: Volume
    labels: dict[int, int]
    warnings: tuple[str, ...] = ()
    key: str = "patient.segmentation.path"

    @property
    def source(self) -> str:
        """Key and file of WT, for messages about another file that does not fit it."""
        return self.key if self.WT.path is None else f"{self.key} ({public_name(self.WT.path)})"

    def on(self, reference: Volume) -> tuple[Volume, Volume]:
        """Return WT and TC on another grid, by nearest neighbour."""
        return resample_to(self.WT, reference, 0), resample_to(self.TC, reference, 0)


def read_regions(segmentation: Segmentation) -> TumourRegions:
    """Read the regions a patient file names.

    Raises
    ------
    InputError
        See `regions` and `regions_from_masks`.
    """
    if segmentation.masks is not None:
        key = "patient.segmentation.masks"
        whole = read_image(Source.of(f"{key}.WT", segmentation.masks.WT))
        core = read_image(Source.of(f"{key}.TC", segmentation.masks.TC))
        return regions_from_masks(whole, core)
    if segmentation.path is None or segmentation.convention is None:
        raise InputError("give either path and convention, or masks", key="patient.segmentation")
    convention = segmentation.convention
    ignored = {*segmentation.ignore, *convention.tissue}
    segments = segments_in(segmentation.grid)
    if segments is not None:
        return regions_from_segments(segments, convention, ignored)
    if convention.names:
        text = "names are those of the segments of a DICOM segmentation: give numbers"
        file = segmentation.grid.path
        raise InputError(text, file=file, key="patient.segmentation.convention")
    return regions(read_image(segmentation.grid), convention, ignored)


def regions_from_segments(
    segments: Segments, convention: LabelMap, ignore: Collection[int] = ()
) -> TumourRegions:
    """Make regions of the segments of a DICOM segmentation, by their numbers or labels.

    Raises
    ------
    InputError
        For a label that no segment has, a segment outside a convention of numbers, an empty WT, or
        WT strictly inside TC.
    """
    key = "patient.segmentation"
    voxels = {number: int(mask.sum()) for number, mask in segments.masks.items() if mask.any()}
    known = {*convention.labels, *ignore}
    others = {n: c for n, c in voxels.items() if not known & {n, segments.labels[n]}}
    where = segments.source.path, segments.source.key
    if others and not convention.names:
        raise InputError(_foreign(others, convention, ignore), file=where[0], key=where[1])
    whole, core = (
        segments.union(getattr(convention, region), f"{key}.convention.{region}")
        for region in ("WT", "TC")
    )
    grid = segments.volume(whole)
    made = _checked(grid, whole, core, voxels, where, where)
    if not others:
        return made
    remark = ", ".join(f"{segments.labels[n]!r} ({count} voxels)" for n, count in others.items())
    text = f"{key}.convention: segments that it does not name count as background: {remark}"
    return replace(made, warnings=(*made.warnings, text))


def regions(volume: Volume, convention: LabelMap, ignore: Collection[int] = ()) -> TumourRegions:
    """Make regions of integer labels.

    Parameters
    ----------
    volume : Volume
        Labels, integers or floats within 1e-3 of integers.
    convention : LabelMap
        Labels of each region.
    ignore : collection of int
        Labels that count as background, with a remark where there are any.

    Raises
    ------
    InputError
        For a label outside the convention, an empty WT, or WT strictly inside TC.
    """
    key = "patient.segmentation.path"
    marked = volume.data != 0  # most voxels are background: the others take little memory
    values = volume.data[marked]
    if not np.all(np.isfinite(values)):
        raise InputError("holds values that are not finite", file=volume.path, key=key)
    rounded = np.rint(values)
    off = float(np.abs(values - rounded).max(initial=0.0))
    if off > LABEL_TOLERANCE:
        text = f"labels must be integers; a value is {off:.3g} away from one"
        raise InputError(text, file=volume.path, key=key)
    found, counts = np.unique(rounded, return_counts=True)
    voxels = {int(label): int(n) for label, n in zip(found, counts, strict=True) if label}
    ignored = {label: voxels.pop(label) for label in sorted(ignore) if label in voxels}
    foreign = {label: n for label, n in voxels.items() if label not in convention.labels}
    if foreign:
        raise InputError(_foreign(foreign, convention, ignore), file=volume.path, key=key)
    whole, core = np.zeros_like(marked), np.zeros_like(marked)
    whole[marked] = np.isin(rounded, convention.WT)
    core[marked] = np.isin(rounded, convention.TC)
    made = _checked(volume, whole, core, voxels, (volume.path, key), (volume.path, key))
    if not ignored:
        return made
    remark = f"patient.segmentation.ignore: {_counted(ignored, 'counts', 'count')} as background"
    return replace(made, warnings=(*made.warnings, remark))


def _foreign(voxels: Mapping[int, int], convention: LabelMap, ignore: Collection[int]) -> str:
    """Say which labels are outside the convention, and the two ways out."""
    allowed = ", ".join(map(str, sorted({0, *convention.labels})))
    outside = f"outside the convention (allowed: {allowed})"
    if len(voxels) > MOST_NAMED:
        return f"{len(voxels)} labels are {outside}: is it a segmentation?"
    text = f"{_counted(voxels, 'is', 'are')} {outside}: "
    if min(voxels) < 0:
        return f"{text}a label must not be negative"
    them = "it" if len(voxels) == 1 else "them"
    return (
        f"{text}map {them} with convention: {{WT: [...], TC: [...]}}, or count {them} as background"
        f" with patient.segmentation: {{ignore: {sorted({*ignore, *voxels})}}}"
    )


def _counted(voxels: Mapping[int, int], one: str, many: str) -> str:
    """Labels with their voxels and a verb.

    >>> _counted({2: 8}, "is", "are"), _counted({2: 8, 7: 1}, "is", "are")
    ('label 2 (8 voxels) is', 'labels 2 (8 voxels), 7 (1 voxel) are')
    """
    named = ", ".join(f"{label} ({n} voxel{'s' if n > 1 else ''})" for label, n in voxels.items())
    return f"label {named} {one}" if len(voxels) == 1 else f"labels {named} {many}"


def regions_from_masks(whole: Volume, core: Volume) -> TumourRegions:
    """Make regions of two masks; the core's grid may differ (nearest neighbour).

    A WT that holds the oedema only (disjoint from TC) is united with TC, with a remark.

    Raises
    ------
    InputError
        For values other than 0 and one other number, an empty WT, or WT strictly inside TC.
    """
    key = "patient.segmentation.masks"
    wt = mask_of(whole, f"{key}.WT")
    tc = resample_to(core.with_data(mask_of(core, f"{key}.TC")), whole, 0).data
    if core.data.any() and not tc.any():
        text = "its grid does not overlap that of WT"
        raise InputError(text, file=core.path, key=f"{key}.TC")
    return _checked(whole, wt, tc, {}, (whole.path, f"{key}.WT"), (core.path, f"{key}.TC"))


def mask_of(volume: Volume, key: str) -> np.ndarray:
    """The voxels of a mask that are not 0.

    Raises
    ------
    InputError
        If it holds anything but 0 and one other value, up to rounding.
    """
    values = volume.data[volume.data != 0]
    if not np.all(np.isfinite(values)):
        raise InputError("holds values that are not finite", file=volume.path, key=key)
    top = float(values.max(initial=0.0))
    away = np.minimum(np.abs(values), np.abs(values - top)).max(initial=0.0)
    if values.min(initial=0.0) < -LABEL_TOLERANCE or away > LABEL_TOLERANCE * max(top, 1.0):
        text = "is not a mask: it must hold 0 and one other value"
        raise InputError(text, file=volume.path, key=key)
    return volume.data > 0.5 * max(top, LABEL_TOLERANCE)


def _checked(
    grid: Volume,
    whole: np.ndarray,
    core: np.ndarray,
    labels: dict[int, int],
    whole_source: tuple[Path | None, str],
    core_source: tuple[Path | None, str],
) -> TumourRegions:
    warnings: list[str] = []
    if not whole.any():
        raise InputError(
            "the whole tumour (WT) is empty", file=whole_source[0], key=whole_source[1]
        )
    outside = core & ~whole
    if outside.any():
        if not (whole & ~core).any():
            text = "WT lies strictly inside TC: the two are swapped"
            raise InputError(text, file=whole_source[0], key=whole_source[1])
        share = outside.sum() / core.sum()
        warnings.append(
            f"{whole_source[1]}: WT does not contain TC ({share:.0%} of TC outside; oedema only?):"
            " WT := WT or TC"
        )
        whole = whole | core
    if not core.any():
        warnings.append(
            f"{core_source[1]}: TC is empty: the fit uses WT alone and starts at its centroid"
        )
    key = whole_source[1]
    return TumourRegions(grid.with_data(whole), grid.with_data(core), labels, tuple(warnings), key)


def save_regions(path: Path, regions: TumourRegions) -> None:
    """Write the regions, and where they came from, as `.npz`."""
    own = regions.WT.path
    source = None if own is None or is_dicom(own) else str(own)
    labels = {str(label): count for label, count in regions.labels.items()}
    origin = {"source": source, "key": regions.key, "labels": labels, "warnings": regions.warnings}
    write_npz(
        path,
        WT=regions.WT.data,
        TC=regions.TC.data,
        affine=regions.WT.affine,
        origin=np.array(json.dumps(origin)),
    )


def load_regions(path: Path) -> TumourRegions:
    """Inverse of `save_regions`."""
    stored = read_npz(path)
    origin = json.loads(str(stored["origin"]))
    source = None if origin["source"] is None else Path(origin["source"])
    whole, core = (Volume(stored[name], stored["affine"], source) for name in ("WT", "TC"))
    labels = {int(label): count for label, count in origin["labels"].items()}
    return TumourRegions(whole, core, labels, tuple(origin["warnings"]), origin["key"])
