"""The first bytes of a NIfTI file, read without NumPy: how large the image is.

The workflow asks for memory by it before anything heavy is imported.
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MOST_VOXELS = 2**28
"""Larger images are refused: 512 x 512 x 512 is half of it."""

SLICE = 512 * 512
"""Voxels of a large slice."""

UNITS_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
"""Spatial part of `xyzt_units`: unknown (taken as mm), m, mm, micrometre."""

_LONGEST = 540
_LAYOUTS = {
    348: ("40s8h", 76, "8f", 108, "f", 123, "B"),
    540: ("16s8q", 104, "8d", 168, "q", 500, "i"),
}
"""Size of the header of NIfTI-1 and NIfTI-2: where its `dim`, `pixdim`, `vox_offset` and
`xyzt_units` are."""


@dataclass(frozen=True)
class FirstBytes:
    """What stands in the header, unchecked.

    Attributes
    ----------
    shape : tuple of int
        Voxels along the first three axes.
    spacing : tuple of float
        Voxel size along them, mm.
    offset : float
        Where the values begin.
    """

    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    offset: float

    @property
    def voxels(self) -> int:
        """Voxels of the image or, where those are more, of its grid of 1 mm; refused ones are cut.

        >>> FirstBytes((512, 512, 30), (0.5, 0.5, 5.0), 352).voxels
        9830400
        """
        own = math.prod(self.shape)
        extents = (n * max(h, 0.0) for n, h in zip(self.shape, self.spacing, strict=True))
        of_1_mm = math.prod(max(extent, 1.0) for extent in extents)
        return int(min(max(own, of_1_mm, 0), MOST_VOXELS))


def first_bytes(path: Path) -> FirstBytes | None:
    """Read the header of a ``.nii`` or ``.nii.gz`` file; None where it is none."""
    if not os.path.isfile(path):  # a pipe would be waited for
        return None
    try:
        with path.open("rb") as raw:
            packed = path.name.lower().endswith(".gz")
            content = (gzip.GzipFile(fileobj=raw) if packed else raw).read(_LONGEST)
    except (OSError, EOFError, ValueError, zlib.error):
        return None
    for order in "<>":
        layout = _LAYOUTS.get(_number(content, order, 0, "i"))
        if layout is not None and len(content) >= 348:
            dims, at_spacing, spacings, at_offset, offset, at_units, units = layout
            try:
                _, count, *shape = struct.unpack_from(order + dims, content)
                _, *spacing = struct.unpack_from(order + spacings, content, at_spacing)
                (start,) = struct.unpack_from(order + offset, content, at_offset)
                (code,) = struct.unpack_from(order + units, content, at_units)
            except struct.error:
                return None
            axes = min(max(count, 0), 3)
            scale = UNITS_MM.get(code & 7, 1.0)
            sizes = tuple(scale * h if math.isfinite(h) else 1.0 for h in spacing[:axes])
            return FirstBytes(tuple(shape[:axes]), sizes, start)
    return None


def most_voxels(paths: Iterable[Path]) -> int:
    """Voxels of the largest of some images, see `FirstBytes.voxels`; 0 where none is readable.

    A folder of DICOM counts `SLICE` for each of its files.
    """
    return max(map(_voxels, paths), default=0)


def _voxels(path: Path) -> int:
    if os.path.isdir(path):
        with suppress(OSError):
            return min(SLICE * len(os.listdir(path)), MOST_VOXELS)
    header = first_bytes(path)
    return 0 if header is None else header.voxels


def _number(content: bytes, order: str, start: int, kind: str) -> int:
    try:
        return int(struct.unpack_from(order + kind, content, start)[0])
    except struct.error:
        return 0
