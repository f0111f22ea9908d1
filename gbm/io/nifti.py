"""NIfTI files: judged by their header before a value is read, read, read to their end, written."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from gbm.config.errors import InputError
from gbm.config.existing import require_file
from gbm.io.files import write_bytes
from gbm.io.head_size import require_head
from gbm.io.memory import TOO_LARGE
from gbm.io.nifti_header import UNITS_MM, first_bytes
from gbm.io.volumes import Volume, three_axes

MOST_EXTENSIONS = 2**24
"""Bytes between header and values."""
MOST_LEFT = 2**26
"""Bytes read beyond the image in search of the end of a file."""
APART_MM = 0.5
"""The two affines of a header differ where they put a corner of the image so far apart."""
SPACING_APART = 0.01
"""The voxel size and the affine differ by this part."""
SHEAR_COSINE = 0.01
"""Axes are not at right angles above this cosine of the angle between them."""


@dataclass(frozen=True)
class Header:
    """What a NIfTI file says of its image.

    Attributes
    ----------
    shape : tuple of int
        As in the file: of two axes, or of three and trailing axes of one voxel.
    affine : ndarray, (4, 4)
        Voxel index to world RAS mm, whatever the units of the file.
    codes : tuple of int
        Of sform and qform.
    doubts : tuple of str
        What contradicts itself in it.
    end : int
        Where the values end in the uncompressed file, bytes.
    """

    shape: tuple[int, ...]
    affine: np.ndarray
    codes: tuple[int, int]
    doubts: tuple[str, ...]
    end: int


def read_header(path: Path, key: str | None = None) -> Header:
    """Read and judge the header of a NIfTI file; no value is read.

    Raises
    ------
    InputError
        If there is no such file, it is no readable NIfTI, it is truly 4-D, its values are no
        numbers, its affine is not usable, or it is too large for an image of a head: in voxels, in
        their size, or in its field of view.
    """
    return _opened(Path(path), key)[1]


def read_volume(path: Path, key: str | None = None) -> Volume:
    """Read a NIfTI file as float32, with 2-D files and trailing singleton axes made 3-D.

    Parameters
    ----------
    path : Path
        A ``.nii`` or ``.nii.gz`` file.
    key : str, optional
        The dotted key that named it, for messages.

    Raises
    ------
    InputError
        See `read_header`; also if the file is truncated, or larger than the memory.
    """
    path = Path(path)
    image, header = _opened(path, key)
    with _told(path, key):
        data = np.asarray(image.get_fdata(dtype=np.float32, caching="unchanged"))
    return Volume(data.reshape(three_axes(header.shape)), header.affine, path)


def examine(path: Path, key: str) -> tuple[str, ...]:
    """Read a file to its end, without keeping it, and return remarks on it.

    Remarks are what contradicts itself in the header, and data beyond the image.

    Raises
    ------
    InputError
        See `read_header`; also if the file is truncated, or damaged by its checksum.
    """
    header, held = read_header(path, key), 0
    with _told(path, key):
        with (gzip.open if _compressed(path) else open)(path, "rb") as stream:
            while held <= header.end + MOST_LEFT and (block := stream.read(1 << 20)):
                held += len(block)
        if held < header.end:
            raise EOFError(f"{header.end} bytes expected, {held} found")
    doubts = header.doubts
    if held > header.end:
        more = "more than " if held > header.end + MOST_LEFT else ""
        doubts += (
            f"the file goes on for {more}{held - header.end:,} bytes behind the image that its "
            "header describes: is it whole?",
        )
    return tuple(f"{key}: {doubt}" for doubt in doubts)


def write_volume(
    path: Path, volume: Volume, *, description: str = "", codes: tuple[int, int] = (1, 1)
) -> None:
    """Write a ``.nii.gz`` atomically; booleans as uint8, floats as float32.

    The header is made afresh: shape, affine, codes and units (mm), and nothing of another file.

    Parameters
    ----------
    path, volume
        Of two axes or more.
    description : str
        What the image is.
    codes : tuple of int
        Of sform and qform. Where both are 0, readers go by the voxel size alone.
    """
    kind = volume.data.dtype.kind
    data = volume.data.astype(np.float32 if kind == "f" else np.uint8 if kind == "b" else np.int16)
    image = nib.Nifti1Image(data, volume.affine)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = description.encode("ascii", "replace")[:79]
    image.header["cal_max"] = float(np.fmax.reduce(data, axis=None, initial=0)) or 1.0
    image.set_sform(volume.affine, code=codes[0])
    image.set_qform(volume.affine, code=codes[1], strip_shears=True)
    # mtime 0: the same content gives the same bytes
    write_bytes(path, gzip.compress(image.to_bytes(), compresslevel=1, mtime=0))


def _opened(path: Path, key: str | None) -> tuple[Any, Header]:
    require_file(path, key)
    if not path.name.lower().endswith((".nii", ".nii.gz")):
        raise InputError("is not a .nii or .nii.gz file", file=path, key=key)
    start = first_bytes(path)
    if start is not None and start.offset > MOST_EXTENSIONS:
        text = f"has {start.offset:.3g} bytes between its header and its values: no image"
        raise InputError(text, file=path, key=key)
    with _told(path, key):
        loaded = nib.load(path, mmap=False)
        if not isinstance(loaded, nib.Nifti1Image):
            raise ImageFileError(f"{type(loaded).__name__}: no image on a grid of voxels")
        image: Any = loaded
        kind, shape = image.get_data_dtype(), tuple(int(n) for n in image.shape)
        scale = UNITS_MM.get(int(image.header["xyzt_units"]) & 7, 1.0)
        affine = np.asarray(image.affine, dtype=np.float64)
        affine = np.vstack([scale * affine[:3], affine[3:]])
        end = int(image.dataobj.offset) + math.prod(shape) * kind.itemsize
        codes = (int(image.header["sform_code"]), int(image.header["qform_code"]))
    if kind.kind not in "biuf":
        raise InputError(f"holds {kind}, not numbers", file=path, key=key)
    if len(shape) > 3 and max(shape[3:]) > 1:
        raise InputError(f"is {len(shape)}-D {shape}: give one volume", file=path, key=key)
    if len(shape) < 2 or min(shape) < 1:
        raise InputError(f"has the shape {shape}: no image", file=path, key=key)
    affine = _usable(affine, three_axes(shape), path, key)
    require_head(three_axes(shape), affine, path, key)
    return image, Header(shape, affine, codes, _doubts(image.header, shape, affine, scale), end)


def _doubts(
    header: Any, shape: tuple[int, ...], affine: np.ndarray, scale: float
) -> tuple[str, ...]:
    """What in a header contradicts itself, or makes sizes doubtful."""
    doubts, size = [], np.array(three_axes(shape))
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    sform, qform = int(header["sform_code"]), int(header["qform_code"])
    if sform > 0 and qform > 0:
        try:
            other = scale * np.asarray(header.get_qform())[:3]
        except (HeaderDataError, ValueError, ArithmeticError):
            other = affine[:3]
        ends = np.array(np.meshgrid(*[(0, n - 1) for n in size], indexing="ij")).reshape(3, -1)
        gap = (affine[:3, :3] - other[:, :3]) @ ends + (affine[:3, 3] - other[:, 3])[:, None]
        apart = float(np.linalg.norm(gap, axis=0).max())
        if not math.isfinite(apart):
            doubts.append("its qform is not finite; the sform is taken")
        elif apart > APART_MM:
            doubts.append(
                f"its sform and qform place it up to {apart:.4g} mm apart; the sform is taken"
            )
    told = scale * np.abs(np.array(header["pixdim"][1:4], dtype=np.float64))
    told = np.where((size > 1) & (told > 0), told, spacing)
    if sform > 0 and np.any(np.abs(told / spacing - 1.0) > SPACING_APART):
        one, two = (" x ".join(f"{h:.4g}" for h in sizes) for sizes in (told, spacing))
        doubts.append(f"its voxel size says {one} mm, its sform {two} mm; the sform is taken")
    axes = affine[:3, :3] / spacing
    cosine = float(np.abs(axes.T @ axes - np.eye(3)).max())
    if cosine > SHEAR_COSINE:
        doubts.append(
            f"its axes are {90 - math.degrees(math.acos(min(cosine, 1.0))):.1f} degrees off right "
            "angles: distances along them are not those of the patient's"
        )
    return tuple(doubts)


@contextmanager
def _told(path: Path, key: str | None) -> Iterator[None]:
    """Turn what a strange file provokes into a fault of its key, in words."""
    try:
        yield
    except MemoryError as error:
        raise InputError(TOO_LARGE, file=path, key=key) from error
    except gzip.BadGzipFile as error:
        text = "is damaged: its checksum does not fit, or something follows the compressed image"
        raise InputError(text, file=path, key=key) from error
    except (
        ImageFileError,
        HeaderDataError,
        ArithmeticError,
        LookupError,
        OSError,
        EOFError,
        ValueError,
        zlib.error,
    ) as error:
        text = f"is not a readable NIfTI file, or truncated ({_first_line(error, path)})"
        raise InputError(text, file=path, key=key) from error


def _first_line(error: BaseException, path: Path) -> str:
    text = str(error).replace(str(path), path.name).strip().splitlines()
    return text[0][:120] if text else type(error).__name__


def _compressed(path: Path) -> bool:
    return path.name.lower().endswith(".gz")


def _usable(affine: np.ndarray, shape: tuple[int, ...], path: Path, key: str | None) -> np.ndarray:
    """Return the affine with the thickness of a 2-D image filled in where it is absent."""
    axes = affine[:3, :3].copy()
    if np.all(np.isfinite(affine)):
        flat = [axis for axis in range(3) if shape[axis] == 1 and not axes[:, axis].any()]
        if len(flat) == 1:
            first, second = (axes[:, (flat[0] + step) % 3] for step in (1, 2))
            normal = np.cross(first, second)
            axes[:, flat[0]] = normal / max(float(np.linalg.norm(normal)), 1e-12)
        spacing = np.linalg.norm(axes, axis=0)
        if spacing.all() and abs(np.linalg.det(axes / spacing)) > 1e-3:
            fixed = affine.copy()
            fixed[:3, :3] = axes
            return fixed
    raise InputError("has an affine that cannot be inverted", file=path, key=key)
