"""DICOM series as volumes: the grid of their headers, and every series that is none."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from pydicom import dcmread

from gbm.config.errors import InputError
from gbm.config.source import Source
from gbm.imaging.image_files import examine_image, image_header, input_files, read_image
from gbm.io.files import sha256
from tests.gbm.dicom.series import NAME, axial, blob, oblique, write_series

KEY = "patient.images.t1"
GRIDS = {
    "axial": axial(),
    "oblique": oblique((0.9, 0.9, 1.2)),
    "thick": axial((1.0, 1.0, 5.0)),
    "sagittal": axial()[:, [2, 0, 1, 3]] * [1, 1, -1, 1],
}


@pytest.mark.parametrize("name", GRIDS)
def test_values_lie_where_the_headers_put_them(tmp_path: Path, name: str) -> None:
    """Whatever the order of the file names."""
    made = blob(GRIDS[name])
    files = write_series(tmp_path / "scan", made)
    for n, file in enumerate(reversed(files)):
        file.rename(file.with_name(f"{n:03d}"))
    source = Source(KEY, tmp_path / "scan")
    found = read_image(source)
    header = image_header(source)
    assert examine_image(source) == ()
    assert header.shape == found.data.shape == made.data.shape
    assert np.allclose(header.affine, found.affine)
    # the order of slices may be the other way round: compare at places in the world
    index = np.argwhere(made.data > 600)
    world = nib.affines.apply_affine(made.affine, index)
    there = np.rint(nib.affines.apply_affine(np.linalg.inv(found.affine), world)).astype(int)
    assert np.abs(nib.affines.apply_affine(found.affine, there) - world).max() < 1e-3
    assert np.array_equal(found.data[tuple(there.T)], made.data[tuple(index.T)])


def test_rescaled_as_the_headers_say(tmp_path: Path) -> None:
    made = blob(axial())
    write_series(tmp_path / "scan", made, RescaleSlope="2", RescaleIntercept="-7")
    found = read_image(Source(KEY, tmp_path / "scan"))
    assert np.allclose(found.data, 2 * made.data - 7)


def test_one_of_two_series_is_named_by_its_uid(tmp_path: Path) -> None:
    one, two = blob(axial()), blob(oblique())
    write_series(tmp_path / "scans", one)
    files = write_series(tmp_path / "scans", two, "two")
    (tmp_path / "scans" / "README.txt").write_text("no DICOM")
    uid = str(dcmread(files[0]).SeriesInstanceUID)
    with pytest.raises(InputError, match=f"holds 2 series: .*{uid}"):
        read_image(Source(KEY, tmp_path / "scans"))
    found = read_image(Source(KEY, tmp_path / "scans", uid))
    assert np.allclose(found.affine[:3, :3], two.affine[:3, :3], atol=1e-6)
    with pytest.raises(InputError, match=r"holds no series 1\.2\.3"):
        read_image(Source(KEY, tmp_path / "scans", "1.2.3"))


def _edit(file: Path, **changed: object) -> None:
    image = dcmread(file)
    for element, value in changed.items():
        setattr(image, element, value)
    image.save_as(file)


def _syntax(file: Path, uid: str) -> None:
    image = dcmread(file)
    image.file_meta.TransferSyntaxUID = uid
    image["PixelData"].is_undefined_length = True
    image.PixelData = b"\xfe\xff\x00\xe0\x00\x00\x00\x00\xfe\xff\x00\xe0\x04\x00\x00\x00abcd"
    image.PixelData += b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
    image.save_as(file)


def _in_words(file: Path) -> None:
    """A name where the place of a slice should be."""
    content = file.read_bytes()
    at = content.index(b"\x20\x00\x32\x00DS")
    length = int.from_bytes(content[at + 6 : at + 8], "little")
    said = f"{NAME}\\0\\0".encode().ljust(length)
    file.write_bytes(content[: at + 8] + said + content[at + 8 + length :])


SPOILT: dict[str, tuple[Callable[[list[Path]], object], str]] = {
    "a missing slice": (
        lambda files: files[5].unlink(),
        r"a slice is missing, or slices are uneven: 2\.00 mm after slice 5 of 11, elsewhere 1\.00",
    ),
    "a slice twice": (
        lambda files: _edit(files[3], ImagePositionPatient=dcmread(files[2]).ImagePositionPatient),
        "two of its slices lie at one place",
    ),
    "another size": (
        lambda files: _edit(files[3], PixelSpacing=["2", "1"]),
        "its slices differ in size, voxel size or orientation",
    ),
    "no place": (
        lambda files: _edit(files[3], ImagePositionPatient=None),
        "a slice has no ImagePositionPatient",
    ),
    "a voxel size of one number": (
        lambda files: [_edit(file, PixelSpacing="1") for file in files],
        "a slice has no PixelSpacing",
    ),
    "a place in words": (
        lambda files: _in_words(files[3]),
        "a slice has no ImagePositionPatient",
    ),
    "pixels cut off": (
        lambda files: _edit(files[3], PixelData=dcmread(files[3]).PixelData[:100]),
        "the pixel data of a slice are cut off",
    ),
    "a file cut off": (
        lambda files: files[3].write_bytes(files[3].read_bytes()[:-100]),
        "the pixel data of a slice are cut off",
    ),
    "one slice": (
        lambda files: [file.unlink() for file in files[1:]],
        "holds a single slice",
    ),
    "compression without a decoder": (
        lambda files: [_syntax(file, "1.2.840.10008.1.2.4.201") for file in files],
        r"its pixel data are compressed \(High-Throughput JPEG 2000.*no decoder for it",
    ),
    "broken compression": (
        lambda files: [_syntax(file, "1.2.840.10008.1.2.4.90") for file in files],
        "its pixel data cannot be read: damaged, or compressed",
    ),
    "no DICOM at all": (
        lambda files: [file.write_bytes(b"hello") for file in files],
        "holds no image of DICOM",
    ),
    "slices off their line": (
        lambda files: _edit(
            files[3],
            ImagePositionPatient=[
                float(v) + s
                for v, s in zip(
                    dcmread(files[3]).ImagePositionPatient, (0.0, 3.0, 0.0), strict=True
                )
            ],
        ),
        "its slices do not lie on one line",
    ),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_no_volume_is_refused_with_file_and_key(tmp_path: Path, name: str) -> None:
    folder = tmp_path / f"{NAME}_scan"
    spoil, words = SPOILT[name]
    spoil(write_series(folder, blob(axial())))
    # warnings of pydicom quote values
    with warnings.catch_warnings(action="error"), pytest.raises(InputError, match=words) as told:
        read_image(Source(KEY, folder))
    assert (told.value.key, told.value.file) == (KEY, folder)
    assert NAME not in told.value.brief


def test_a_series_is_known_by_digests(tmp_path: Path) -> None:
    files = write_series(tmp_path / "scan", blob(axial()))
    (found,) = input_files({KEY: Source(KEY, tmp_path / "scan")})
    assert found.bytes == sum(file.stat().st_size for file in files)
    assert found.sha256 != sha256(files[0])
    assert found.series_sha256 is not None
    first = found.sha256
    files[0].rename(files[0].with_name("other"))
    (again,) = input_files({KEY: Source(KEY, tmp_path / "scan")})
    assert again.sha256 == first
