"""A DICOM segmentation object: its segments as masks on the grid of its frames.

A segmentation need not hold slices without any segment, and then says nothing of how far its images
go. Its grid is continued across the slices until the segments have `ROOM_MM` on both sides.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from gbm.config.errors import InputError
from gbm.config.source import Source
from gbm.dicom.index import Instance
from gbm.dicom.series import LPS_TO_RAS
from gbm.io.head_size import require_head
from gbm.io.volumes import Volume

ROOM_MM = 60.0
"""Beyond the segments: predictions and plans have to find room on their grid."""


@dataclass(frozen=True)
class Segments:
    """What a segmentation object holds.

    Attributes
    ----------
    masks : dict of ndarray (columns, rows, slices)
        Boolean, by segment number.
    labels : dict of str
        Segment label by number.
    affine : ndarray (4, 4)
        Column, row and slice to RAS world mm.
    source : Source
        Where it came from.
    """

    masks: dict[int, np.ndarray]
    labels: dict[int, str]
    affine: np.ndarray
    source: Source

    @property
    def shape(self) -> tuple[int, int, int]:
        """Columns, rows and slices."""
        columns, rows, slices = next(iter(self.masks.values())).shape
        return columns, rows, slices

    def volume(self, data: np.ndarray) -> Volume:
        """Values on its grid."""
        return Volume(data, self.affine, self.source.path)

    def union(self, wanted: Collection[int | str], key: str) -> np.ndarray:
        """The segments of some numbers, or of some labels.

        Raises
        ------
        InputError
            If there is no segment of a label.
        """
        found = np.zeros(self.shape, bool)
        for name in wanted:
            numbers = [n for n, label in self.labels.items() if name in (n, label)]
            if not numbers and isinstance(name, str):
                known = ", ".join(repr(label) for label in self.labels.values())
                text = f"there is no segment {name!r}; there are {known}"
                raise InputError(text, file=self.source.path, key=key)
            for number in numbers:
                found |= self.masks[number]
        return found

    def label_map(self) -> Volume:
        """Segment numbers as one image.

        Raises
        ------
        InputError
            If segments overlap.
        """
        total = np.zeros(self.shape, np.float32)
        for number, mask in self.masks.items():
            if total[mask].any():
                text = "its segments overlap: name them with convention: {WT: [..], TC: [..]}"
                raise InputError(text, file=self.source.path, key=self.source.key)
            total[mask] = number
        return self.volume(total)


def read_segments(source: Source, found: Sequence[Instance]) -> Segments:
    """Read a segmentation object.

    Raises
    ------
    InputError
        If it is several objects, or its frames make no volume.
    """
    from highdicom.seg import segread

    if len(found) > 1:
        text = f"holds {len(found)} segmentations: name one file"
        raise InputError(text, file=source.path, key=source.key)
    try:
        read = segread(found[0].path)
        volume = read.get_volume(combine_segments=False, allow_missing_positions=True)
        numbers = [int(number) for number in read.segment_numbers]
        labels = {n: str(read.get_segment_description(n).segment_label) for n in numbers}
    except Exception as error:  # whatever a strange object provokes; its own words may hold names
        text = f"is no segmentation that can be read as a volume ({type(error).__name__})"
        raise InputError(text, file=source.path, key=source.key) from None
    # (slice, row, column, segment) to (column, row, slice)
    order = np.array(volume.affine, float)[:, [2, 1, 0, 3]]
    masks = np.asarray(volume.array)[..., : len(numbers)].transpose(3, 2, 1, 0) > 0.5
    if np.linalg.det(order[:3, :3]) < 0:  # slices along the normal of columns and rows, as series
        order[:3, 3] += (masks.shape[3] - 1) * order[:3, 2]
        order[:3, 2] *= -1
        masks = masks[..., ::-1]
    masks, affine = _with_room(masks, LPS_TO_RAS @ order)
    shape = (int(masks.shape[1]), int(masks.shape[2]), int(masks.shape[3]))
    require_head(shape, affine, source.path, source.key)
    return Segments(dict(zip(numbers, masks, strict=True)), labels, affine, source)


def _with_room(masks: np.ndarray, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """More slices at both ends, where the segments come too near."""
    places = np.flatnonzero(masks.any(axis=(0, 1, 2)))
    if not places.size:
        return masks, affine
    needed = int(np.ceil(ROOM_MM / np.linalg.norm(affine[:3, 2])))
    before = max(needed - int(places[0]), 0)
    after = max(needed - (masks.shape[3] - 1 - int(places[-1])), 0)
    moved = affine.copy()
    moved[:3, 3] -= before * affine[:3, 2]
    return np.pad(masks, ((0, 0), (0, 0), (0, 0), (before, after))), moved
