"""Bad and awkward patients, as `python -m gbm check` meets them: every word of what it says.

A refused patient ends with 1 and one line that names file and key. An accepted one ends with 0, and
says in a line what was remarked. The same check is every patient's first job in the workflow.
"""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from gbm.__main__ import main
from tests.gbm import head

COARSE = (3.0, 3.0, 3.0)
SEG, T1, WM, GM, CSF = (f"{name}.nii.gz" for name in ("seg", "t1", "wm", "gm", "csf"))
Change = Callable[[Path], object]
Data = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Case:
    """A patient who is spoilt, and what the check says.

    Parameters
    ----------
    kind : str
        ``image`` or ``maps``: where the tissue of the sound patient comes from.
    spoil : callable
        What is done to the folder of the sound patient.
    file, key : str
        Named by a refusal; the empty file: the patient is accepted.
    words : str
        The rest of the refusal, or the only remark; `D` stands for the folder.
    """

    kind: str
    spoil: Change
    file: str = ""
    key: str = ""
    words: str = ""


def _refused(kind: str, spoil: Change, file: str, key: str, words: str) -> Case:
    return Case(kind, spoil, file, key, words)


def _accepted(kind: str, spoil: Change, remark: str = "") -> Case:
    return Case(kind, spoil, words=remark)


def _data(name: str, change: Data) -> Change:
    def spoil(folder: Path) -> None:
        image = nib.load(folder / name)
        nib.save(nib.Nifti1Image(change(np.asarray(image.dataobj)), image.affine), folder / name)

    return spoil


def _grid(name: str, change: Callable[[nib.Nifti1Image], nib.Nifti1Image]) -> Change:
    def spoil(folder: Path) -> None:
        nib.save(change(nib.load(folder / name)), folder / name)

    return spoil


def _bytes(name: str, change: Callable[[bytes], bytes]) -> Change:
    return lambda folder: (folder / name).write_bytes(change((folder / name).read_bytes()))


def _header(name: str, start: int, value: int) -> Change:
    """Overwrite a 16-bit number of the NIfTI header."""

    def change(content: bytes) -> bytes:
        raw = bytearray(gzip.decompress(content))
        raw[start : start + 2] = np.array([value], "<i2").tobytes()
        return gzip.compress(bytes(raw))

    return _bytes(name, change)


def _float(name: str, start: int, value: float) -> Change:
    """Overwrite a 32-bit floating-point number of the NIfTI header."""

    def change(content: bytes) -> bytes:
        raw = bytearray(gzip.decompress(content))
        raw[start : start + 4] = np.array([value], "<f4").tobytes()
        return gzip.compress(bytes(raw))

    return _bytes(name, change)


def _each(change: Callable[[nib.Nifti1Image], nib.Nifti1Image]) -> Change:
    """The same change of segmentation and image."""

    def spoil(folder: Path) -> None:
        for name in (SEG, T1):
            _grid(name, change)(folder)

    return spoil


def _scaled(image: nib.Nifti1Image, factor: float, units: str) -> nib.Nifti1Image:
    made = nib.Nifti1Image(
        np.asarray(image.dataobj), np.diag([factor, factor, factor, 1]) @ image.affine
    )
    made.header.set_xyzt_units(units)
    return made


def _unit(image: nib.Nifti1Image, code: int) -> nib.Nifti1Image:
    image.header["xyzt_units"] = code
    return image


def _surface(folder: Path) -> None:
    """A CIFTI-2 file, which has the suffix of a NIfTI image."""
    scalars = nib.cifti2.ScalarAxis(["a"])
    brain = nib.cifti2.BrainModelAxis.from_mask(
        np.ones((4, 4, 4), bool), affine=np.eye(4), name="thalamus_left"
    )
    made = nib.Cifti2Image(np.zeros((1, 64), np.float32), (scalars, brain))
    nib.save(made, folder / "t1.nii")
    _yaml("t1.nii.gz", "t1.nii")(folder)


def _extended(content: bytes) -> bytes:
    """A header extension that says it is as long as a number allows."""
    raw = gzip.decompress(content)
    size = np.array([2**31 - 16, 6], "<i4").tobytes()
    offset = np.array([368], "<f4").tobytes()
    return gzip.compress(raw[:108] + offset + raw[112:348] + b"\1\0\0\0" + size + raw[352:])


def _in_parts(content: bytes) -> bytes:
    raw = gzip.decompress(content)
    return b"".join(gzip.compress(raw[n : n + 20_000]) for n in range(0, len(raw), 20_000))


def _mirrored_qform(image: nib.Nifti1Image, quatern: float | None = None) -> nib.Nifti1Image:
    made = nib.Nifti1Image(np.asarray(image.dataobj), image.affine)
    made.set_sform(image.affine, 1)
    made.set_qform(np.diag([-1.0, 1, 1, 1]) @ image.affine, 1)
    if quatern is not None:
        made.header["quatern_b"] = quatern
    return made


def _spacing(image: nib.Nifti1Image, first: float) -> nib.Nifti1Image:
    made = nib.Nifti1Image(np.asarray(image.dataobj), image.affine)
    made.set_sform(image.affine, 1)
    made.header["pixdim"][1] = first
    return made


def _sheared(image: nib.Nifti1Image, shear: float) -> nib.Nifti1Image:
    affine = image.affine.copy()
    affine[0, 1] += shear * affine[1, 1]
    return nib.Nifti1Image(np.asarray(image.dataobj), affine)


def _moved(name: str, *mm: float) -> Change:
    def change(image: nib.Nifti1Image) -> nib.Nifti1Image:
        affine = image.affine.copy()
        affine[:3, 3] += mm
        return nib.Nifti1Image(np.asarray(image.dataobj), affine)

    return _grid(name, change)


def _yaml(old: str, new: str) -> Change:
    def spoil(folder: Path) -> None:
        text = (folder / "p.yaml").read_text()
        assert old in text
        (folder / "p.yaml").write_text(text.replace(old, new))

    return spoil


def _added(line: str) -> Change:
    return lambda folder: (folder / "p.yaml").write_text((folder / "p.yaml").read_text() + line)


def _whole(text: str) -> Change:
    return lambda folder: (folder / "p.yaml").write_text(text)


def _masks(whole: Data, core: Data, shift: float = 0.0) -> Change:
    """One mask a region instead of labels, the core's grid shifted."""

    def spoil(folder: Path) -> None:
        image = nib.load(folder / SEG)
        labels, affine = np.asarray(image.dataobj), image.affine.copy()
        head.save(folder / "wt.nii.gz", whole(labels).astype(np.uint8), affine)
        affine[0, 3] += shift
        head.save(folder / "tc.nii.gz", core(labels).astype(np.uint8), affine)
        old = "{path: seg.nii.gz, convention: brats}"
        _yaml(old, "{masks: {WT: wt.nii.gz, TC: tc.nii.gz}}")(folder)

    return spoil


def _further(data: Data) -> Change:
    """A FLAIR that no step needs."""

    def spoil(folder: Path) -> None:
        image = nib.load(folder / T1)
        head.save(folder / "flair.nii.gz", data(np.asarray(image.dataobj)), image.affine)
        _yaml("t1: t1.nii.gz", "t1: t1.nii.gz, flair: flair.nii.gz")(folder)

    return spoil


def _renamed(old: str, new: str) -> Change:
    def spoil(folder: Path) -> None:
        (folder / old).rename(folder / new)
        _yaml(old, new)(folder)

    return spoil


def _flat(folder: Path) -> None:
    """Two-dimensional files of the slice of the largest tumour."""
    labels = np.asarray(nib.load(folder / SEG).dataobj)
    k = int(np.argmax((labels > 0).sum(axis=(0, 1))))
    for name in (SEG, WM, GM, CSF):
        image = nib.load(folder / name)
        affine = image.affine.copy()
        affine[:3, 3] += k * affine[:3, 2]
        head.save(folder / name, np.asarray(image.dataobj)[:, :, k], affine)


def _on_a_grid_of_its_own(folder: Path) -> None:
    """The image on another, shifted grid, which holds the whole tumour."""
    affine, shape = head.ras((2.5, 3.5, 3.0))
    affine[:3, 3] += [1.2, -0.7, 0.4]
    data = head.t1(head.tissue(head.world(affine, shape)), noise=12.0)
    head.save(folder / T1, data, affine)


def _thick_slices(folder: Path) -> None:
    head.write_patient(folder, *head.ras((1.0, 1.0, 5.0)))


def _middle(value: float) -> Data:
    def change(data: np.ndarray) -> np.ndarray:
        data = data.astype(np.float32)
        data[tuple(n // 2 for n in data.shape)] = value
        return data

    return change


def _core(labels: np.ndarray) -> np.ndarray:
    return (labels == 1) | (labels == 4)


def _any(labels: np.ndarray) -> np.ndarray:
    return labels > 0


IMAGE, SEGMENTATION = "patient.images.t1", "patient.segmentation.path"
WHICH = "one of the two files is misplaced or another patient's"
DAMAGED = "is damaged: its checksum does not fit, or something follows the compressed image"
SIZES = "0.1 to 20 mm are accepted; look at the voxel size and the units in its header"
UNREADABLE = "is not a readable NIfTI file, or truncated"
PATTERN = "String should match pattern '^[A-Za-z0-9]+$'"

CASES = {
    # files that are none
    "missing file": _refused(
        "image", lambda folder: (folder / T1).unlink(),
        T1, IMAGE, "there is no such file"),
    "folder instead of a file": _refused(
        "image", lambda folder: ((folder / T1).unlink(), (folder / T1).mkdir()),
        T1, IMAGE, "is no file"),
    "pipe instead of a file": _refused(
        "image", lambda folder: ((folder / T1).unlink(), os.mkfifo(folder / T1)),
        T1, IMAGE, "is no file"),
    "link to itself": _refused(
        "image", lambda folder: ((folder / T1).unlink(), (folder / T1).symlink_to(T1)),
        T1, IMAGE, "is no file"),
    "path too long": _refused(
        "image", _yaml("t1: t1", f"t1: {300 * 'x'}"), f"{300 * 'x'}.nii.gz", IMAGE,
        "there is no such file"),
    "home of nobody": _refused(
        "image", _yaml("t1: t1", "t1: ~nosuchuser/t1"), "~nosuchuser/t1.nii.gz", IMAGE,
        "there is no such file"),
    "wrong suffix": _refused(
        "image", _renamed(T1, "t1.mgz"), "t1.mgz", IMAGE, "is not a .nii or .nii.gz file"),
    "truncated gzip": _refused(
        "image", _bytes(T1, lambda b: b[: len(b) // 2]), T1, IMAGE,
        f"{UNREADABLE} (Compressed file ended before the end-of-stream marker was reached)"),
    "text named .nii.gz": _refused(
        "image", _bytes(T1, lambda _: b"no image\n" * 99), T1, IMAGE,
        f"{UNREADABLE} (File t1.nii.gz is not a gzip file)"),
    "plain NIfTI named .nii.gz": _refused(
        "image", _bytes(T1, gzip.decompress), T1, IMAGE,
        f"{UNREADABLE} (File t1.nii.gz is not a gzip file)"),
    "empty file": _refused(
        "image", _bytes(T1, lambda _: b""), T1, IMAGE,
        f"{UNREADABLE} (Empty file: 't1.nii.gz')"),
    "negative size in the header": _refused(
        "image", _header(T1, 42, -5), T1, IMAGE, "has the shape (-5, 39, 27): no image"),
    "affine of rank two": _refused(
        "image", _grid(T1, lambda im: _degenerate(im)), T1, IMAGE,
        "has an affine that cannot be inverted"),
    "complex values": _refused(
        "image", _data(T1, lambda d: d.astype(np.complex64)), T1, IMAGE,
        "holds complex64, not numbers"),
    # dimensions
    "true 4-D": _refused(
        "image", _data(T1, lambda d: np.stack([d, d], -1)), T1, IMAGE,
        "is 4-D (33, 39, 27, 2): give one volume"),
    "true 4-D segmentation": _refused(
        "maps", _data(SEG, lambda d: np.stack([d, d], -1)), SEG, SEGMENTATION,
        "is 4-D (33, 39, 27, 2): give one volume"),
    "trailing singleton axes": _accepted("image", _data(T1, lambda d: d[..., None, None])),
    "2-D files": _accepted("maps", _flat),
    "1 x 1 x 5 mm slices": _accepted("maps", _thick_slices),
    # sizes and units, told from the header before any value is read
    "metres": _accepted("image", _each(lambda im: _scaled(im, 0.001, "meter"))),
    "micrometres": _accepted("image", _each(lambda im: _scaled(im, 1000.0, "micron"))),
    "millimetres that say metres": _refused(
        "image", _grid(T1, lambda im: _scaled(im, 1.0, "meter")), T1, IMAGE,
        f"has voxels of 3000 x 3000 x 3000 mm: {SIZES}"),
    "micrometres that say nothing": _refused(
        "image", _each(lambda im: _scaled(im, 1000.0, "unknown")), SEG, SEGMENTATION,
        f"has voxels of 3000 x 3000 x 3000 mm: {SIZES}"),
    "voxels too small": _refused(
        "image", _each(lambda im: _scaled(im, 0.03, "mm")), SEG, SEGMENTATION,
        f"has voxels of 0.09 x 0.09 x 0.09 mm: {SIZES}"),
    "voxels six times too large": _refused(
        "image", _each(lambda im: _scaled(im, 6.0, "mm")), SEG, SEGMENTATION,
        "shows 594 x 702 x 486 mm: no head is larger than 600 mm; look at the voxel size and the "
        "units in its header"),
    "too many voxels": _refused(
        "image", lambda f: (_header(T1, 42, 4000)(f), _header(T1, 44, 4000)(f)), T1, IMAGE,
        "has 432 million voxels: at most 268 are read"),
    "values far behind the header": _refused(
        "image", _float(T1, 108, 1e9), T1, IMAGE,
        "has 1e+09 bytes between its header and its values: no image"),
    "sform against qform": _accepted(
        "image", _grid(T1, lambda im: _mirrored_qform(im)),
        f"{IMAGE}: its sform and qform place it up to 96 mm apart; the sform is taken"),
    "voxel size against sform": _accepted(
        "image", _grid(T1, lambda im: _spacing(im, 9.0)),
        f"{IMAGE}: its voxel size says 9 x 3 x 3 mm, its sform 3 x 3 x 3 mm; the sform is taken"),
    "shear": _accepted(
        "image", _grid(T1, lambda im: _sheared(im, 0.3)),
        f"{IMAGE}: its axes are 16.7 degrees off right angles: distances along them are not those "
        "of the patient's"),
    "qform of no rotation": _accepted(
        "image", _grid(T1, lambda im: _mirrored_qform(im, np.nan)),
        f"{IMAGE}: its qform is not finite; the sform is taken"),
    "spatial unit that there is not": _accepted("image", _grid(T1, lambda im: _unit(im, 7))),
    "surface file named .nii": _refused(
        "image", lambda folder: _surface(folder), "t1.nii", IMAGE,
        f"{UNREADABLE} (Cifti2Image: no image on a grid of voxels)"),
    "extension of two gigabytes": _refused(
        "image", _bytes(T1, lambda b: _extended(b)), T1, IMAGE,
        f"{UNREADABLE} (failed to read extension content)"),
    # the file to its end
    "wrong checksum": _refused(
        "image", _bytes(T1, lambda b: b[:-8] + b"rust" + b[-4:]), T1, IMAGE,
        DAMAGED),
    "garbage behind the gzip": _refused(
        "image", _bytes(T1, lambda b: b + b"garbage"), T1, IMAGE,
        DAMAGED),
    "image of several gzip members": _accepted("image", _bytes(T1, lambda b: _in_parts(b))),
    "two images in one file": _accepted(
        "image", _bytes(T1, lambda b: 2 * b),
        f"{IMAGE}: the file goes on for 139,348 bytes behind the image that its header describes: "
        "is it whole?"),
    "zeros behind the gzip": _accepted("image", _bytes(T1, lambda b: b + bytes(512))),
    "fewer slices in the header than in the file": _accepted(
        "image", _header(SEG, 46, 26),
        f"{SEGMENTATION}: the file goes on for 2,574 bytes behind the image that its header "
        "describes: is it whole?"),
    # values of images
    "NaN inside the brain": _refused(
        "image", _data(T1, _middle(np.nan)), T1, IMAGE,
        "1 voxels inside the brain are not finite (NaN or infinity)"),
    "infinity inside the brain": _refused(
        "image", _data(T1, _middle(np.inf)), T1, IMAGE,
        "1 voxels inside the brain are not finite (NaN or infinity)"),
    "NaN outside the brain": _accepted("image", _data(T1, lambda d: np.where(d > 0, d, np.nan))),
    "NaN in an image nobody needs": _accepted("image", _further(_middle(np.nan))),
    "constant image": _refused(
        "image", _data(T1, np.ones_like), T1, IMAGE, "the image is empty: one value everywhere"),
    "brain mask as an image": _refused(
        "image", _data(T1, lambda d: (d > 0).astype(np.uint8)), T1, IMAGE,
        "one value everywhere in the brain: a mask, and no image"),
    "one file under two keys": _accepted(
        "image", _yaml("t1: t1.nii.gz", "t1: t1.nii.gz, flair: t1.nii.gz"),
        f"patient.images.flair: is the same file as {IMAGE}"),
    "negative background": _accepted("image", _data(T1, lambda d: np.where(d > 0, d, -1000))),
    # labels
    "float labels": _accepted(
        "maps", _data(SEG, lambda d: d + np.float32(4e-4) * (d > 0))),
    "float labels off": _refused(
        "maps", _data(SEG, lambda d: d + np.float32(0.01) * (d > 0)), SEG, SEGMENTATION,
        "labels must be integers; a value is 0.01 away from one"),
    "NaN labels": _refused(
        "maps", _data(SEG, _middle(np.nan)), SEG, SEGMENTATION, "holds values that are not finite"),
    "unknown label": _refused(
        "maps", _data(SEG, _middle(9)), SEG, SEGMENTATION,
        "label 9 (1 voxel) is outside the convention (allowed: 0, 1, 2, 3, 4): map it with "
        "convention: {WT: [...], TC: [...]}, or count it as background with "
        "patient.segmentation: {ignore: [9]}"),
    "negative label": _refused(
        "maps", _data(SEG, _middle(-1)), SEG, SEGMENTATION,
        "label -1 (1 voxel) is outside the convention (allowed: 0, 1, 2, 3, 4): "
        "a label must not be negative"),
    "ignored label": _accepted(
        "maps",
        lambda f: (_data(SEG, _middle(9))(f), _yaml("brats}", "brats, ignore: [9, 11]}")(f)),
        "patient.segmentation.ignore: label 9 (1 voxel) counts as background"),
    "ignored label of the convention": _refused(
        "maps", _yaml("brats}", "brats, ignore: [9, 3]}"), "p.yaml", "patient.segmentation.ignore",
        "holds labels of the convention: 3"),
    "empty WT": _refused(
        "maps", _data(SEG, np.zeros_like), SEG, SEGMENTATION, "the whole tumour (WT) is empty"),
    "empty TC": _accepted(
        "maps", _data(SEG, lambda d: np.where(d > 0, 2, 0).astype(np.int16)),
        f"{SEGMENTATION}: TC is empty: the fit uses WT alone and starts at its centroid"),
    "hardly any enhancement": _accepted(
        "maps", _data(SEG, lambda d: np.where(d == 4, 1, d).astype(np.int16)),
        f"{SEGMENTATION}: only 0.0% of the tumour enhances: it looks like a lower-grade glioma, "
        "for which the model is not meant"),
    # masks
    "masks": _accepted("image", _masks(_any, _core)),
    "masks swapped": _refused(
        "image", _masks(_core, _any), "wt.nii.gz", "patient.segmentation.masks.WT",
        "WT lies strictly inside TC: the two are swapped"),
    "masks of oedema and core": _accepted(
        "image", _masks(lambda d: d == 2, _core),
        "patient.segmentation.masks.WT: WT does not contain TC (100% of TC outside; oedema only?): "
        "WT := WT or TC"),
    "masks apart": _refused(
        "image", _masks(_any, _core, shift=500.0), "tc.nii.gz", "patient.segmentation.masks.TC",
        "its grid does not overlap that of WT"),
    "labels as a mask": _refused(
        "image", _masks(lambda d: d, _core), "wt.nii.gz", "patient.segmentation.masks.WT",
        "is not a mask: it must hold 0 and one other value"),
    # grids
    "grids that differ and overlap": _accepted("image", _on_a_grid_of_its_own),
    "grids that do not overlap": _refused(
        "image", _moved(T1, 0, 300, 0), T1, IMAGE,
        f"its grid does not overlap the tumour of {SEGMENTATION} (seg.nii.gz): {WHICH}"),
    "grid of a part": _refused(
        "image", _data(T1, lambda d: d[15:, :, :]), T1, IMAGE,
        f"its field of view holds only 6% of the tumour of {SEGMENTATION} (seg.nii.gz)"),
    "tumour outside the brain": _refused(
        "image", _moved(SEG, 15, -39, 24), T1, IMAGE,
        f"100% of the tumour of {SEGMENTATION} (seg.nii.gz) lies outside the brain of this "
        f"image: {WHICH}"),
    "tumour outside the tissue maps": _refused(
        "maps", _moved(SEG, 15, -39, 24), WM, "patient.tissue.wm",
        f"100% of the tumour of {SEGMENTATION} (seg.nii.gz) lies outside the tissue: {WHICH}"),
    "masks outside the brain": _refused(
        "image", lambda f: (_masks(_any, _core)(f), _moved("wt.nii.gz", 15, -39, 24)(f)),
        T1, IMAGE,
        "85% of the tumour of patient.segmentation.masks.WT (wt.nii.gz) lies outside the brain "
        f"of this image: {WHICH}"),
    "image of a slab": _refused(
        "image", _data(T1, lambda d: d[:, :, 12:18]), T1, IMAGE,
        "the image is only 18 mm thick: a registration needs the whole brain; give "
        "patient.tissue, or tissue.registration: none for images in the atlas's space"),
    # tissue maps
    "map in 0-255": _accepted(
        "maps", _data(WM, lambda d: (255 * d).astype(np.uint8)),
        "patient.tissue.wm: the map is in 0-255; divided by 255"),
    "map in percent": _refused(
        "maps", _data(WM, lambda d: 100 * d), WM, "patient.tissue.wm",
        "the tissue map reaches 99.97: neither 0-1 nor 0-255"),
    "negative map": _refused(
        "maps", _data(WM, lambda d: -d), WM, "patient.tissue.wm",
        "the tissue map is negative (-1)"),
    "all-zero map": _refused(
        "maps", _data(GM, np.zeros_like), GM, "patient.tissue.gm", "the tissue map is all zero"),
    "NaN inside a map": _refused(
        "maps", _data(WM, _middle(np.nan)), WM, "patient.tissue.wm",
        "the tissue map is not finite within the tissue"),
    "one map of two": _refused(
        "maps", _yaml("wm: wm.nii.gz, gm: gm.nii.gz, csf: csf.nii.gz", "wm: wm.nii.gz"),
        "p.yaml", "patient.tissue.gm",
        "the key is missing: white and grey matter are both needed"),
    "neither tissue nor T1 nor T1c": _refused(
        "image", _yaml("t1: t1", "flair: t1"), "p.yaml", IMAGE,
        "neither tissue maps (patient.tissue) nor a T1 or T1c image are given"),
    # the patient file
    "unknown key": _refused(
        "image", _yaml("images", "imgaes"), "p.yaml", "patient.imgaes",
        "unknown key; did you mean 'images'?"),
    "unknown section": _refused(
        "image", _added("grwoth: {h0: 0.2}\n"), "p.yaml", "grwoth",
        "unknown key; did you mean 'growth'?"),
    "key twice": _refused(
        "image", _added("  id: \"again\"\n"), "p.yaml", "",
        "is not valid YAML at line 5: the key 'id' stands twice"),
    "wrong type": _refused(
        "image", _yaml("{t1: t1.nii.gz}", "t1.nii.gz"), "p.yaml", "patient.images",
        "must hold keys and values (given: 't1.nii.gz')"),
    "number out of range": _refused(
        "image", _added("growth: {h0: 2}\n"), "p.yaml", "growth.h0",
        "should be less than 1 (given: 2)"),
    "slice outside": _refused(
        "maps", _added("slice: {index: 99}\n"), SEG, "slice.index",
        "slice 99 is outside the segmentation, which has 27 axial slices"),
    "hostile id": _refused(
        "image", _yaml('"head1"', '"../x"'), "p.yaml", "patient.id", f"{PATTERN} (given: '../x')"),
    "id with a space": _refused(
        "image", _yaml('"head1"', '"a b"'), "p.yaml", "patient.id", f"{PATTERN} (given: 'a b')"),
    "id without quotes": _refused(
        "image", _yaml('"head1"', "007"), "p.yaml", "patient.id",
        "an id of digits must be put in quotes (given: 7)"),
    "id that YAML takes for true": _refused(
        "image", _yaml('"head1"', "yes"), "p.yaml", "patient.id",
        "YAML reads this word as true or false: an id must be put in quotes (given: True)"),
    "bounds without end": _refused(
        "image", _added("bounds: {lambda_mm: [0.5, 1.0e+300]}\n"), "p.yaml", "bounds.lambda_mm.1",
        "should be less than or equal to 100 (given: 1e+300)"),
    "bounds near nothing": _refused(
        "image", _added("bounds: {rhoT: [1.0e-300, 40]}\n"), "p.yaml", "bounds.rhoT.0",
        "should be greater than or equal to 0.01 (given: 1e-300)"),
    "misspelt convention": _refused(
        "image", _yaml("brats}", "bratz}"), "p.yaml", "patient.segmentation.convention",
        "unknown convention 'bratz'; did you mean 'brats'? (given: 'bratz')"),
    "no YAML": _refused(
        "image", _whole("patient: ["), "p.yaml", "", "is not valid YAML at line 1"),
    "a file that holds itself": _refused(
        "image", _whole("patient: &p\n  id: *p\n"), "p.yaml", "", "is not valid YAML at line 1"),
    "no patient": _refused(
        "image", _whole("patiant: {}\n"), "p.yaml", "patient",
        "the key is missing; did you mean 'patient'?"),
    "a pipe": _refused(
        "image", lambda folder: ((folder / "p.yaml").unlink(), os.mkfifo(folder / "p.yaml")),
        "p.yaml", "", "is no file"),
    "a file of two megabytes": _refused(
        "image", _added(2**21 * " "), "p.yaml", "",
        "is larger than 1 MB: it is no file of settings"),
    "an image as patient file": _refused(
        "image", lambda folder: shutil.copy(folder / T1, folder / "p.yaml"),
        "p.yaml", "", "is not valid YAML"),
    "a list": _refused(
        "image", _whole("- patient\n"), "p.yaml", "",
        "must hold keys and values, with `patient:` at the top"),
}  # fmt: skip


def _degenerate(image: nib.Nifti1Image) -> nib.Nifti1Image:
    affine = image.affine.copy()
    affine[:3, 1] = 0
    made = nib.Nifti1Image(np.asarray(image.dataobj), None)
    made.header.set_sform(affine, 1)
    return made


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the two sound patients."""
    folder = tmp_path_factory.mktemp("sound")
    head.write_patient(folder / "maps", *head.ras(COARSE))
    head.write_patient(folder / "image", *head.ras(COARSE), maps=False)
    return folder


def _check(file: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str], list[str]]:
    status = main(["check", str(file)])
    said = capsys.readouterr()
    return status, said.out.splitlines(), said.err.splitlines()


@pytest.mark.parametrize("name", CASES)
def test_every_case_behaves_as_specified(
    name: str, sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES[name]
    folder = tmp_path / "patient"
    shutil.copytree(sound / case.kind, folder)
    case.spoil(folder)
    status, out, err = _check(folder / "p.yaml", capsys)
    words = case.words.replace("D/", f"{folder}/")
    if case.file:
        parts = ["error", str(folder / case.file), *([case.key] if case.key else []), words]
        assert (status, out, err) == (1, [], [": ".join(parts)])
    else:
        assert (status, err) == (0, [])
        *remarks, last = out
        assert remarks == ([f"warning: {words}"] if words else [])
        assert last.startswith(f"ok: {folder / 'p.yaml'}: head1, axial slice ")
