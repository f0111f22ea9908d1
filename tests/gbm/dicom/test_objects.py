"""Objects that are written: read back by other programs, equal voxel by voxel; left stays left."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import highdicom as hd
import nibabel as nib
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from scipy.ndimage import gaussian_filter

from gbm.config.source import Source
from gbm.dicom.image import segments_of
from gbm.dicom.made_by import MORPHOLOGY, REGION, Drawn, Identity
from gbm.dicom.outlines import area
from gbm.dicom.reference import EMPTY, referred, unfit
from gbm.dicom.segmentation_object import parametric_map, segmentation
from gbm.dicom.series import LPS_TO_RAS, Stack, read_stack
from gbm.dicom.structure_set import structure_set
from gbm.io.volumes import Volume
from gbm.version import __version__
from tests.gbm.dicom.series import BORN, ID, NAME, axial, blob, oblique, write_series

GRIDS = {"axial": axial(), "oblique": oblique(), "thick": axial((1.0, 1.0, 5.0))}
TIME = datetime(2024, 5, 6, 7, 8, 9)


@dataclass(frozen=True)
class Written:
    """A reference series, what was drawn on its grid, and the files of the objects."""

    stack: Stack
    drawn: tuple[Drawn, ...]
    density: np.ndarray
    folder: Path

    def file(self, name: str) -> Path:
        return self.folder / f"{name}.dcm"


@pytest.fixture(scope="module", params=GRIDS)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp(request.param)
    write_series(folder / "scan", blob(GRIDS[request.param]))
    stack = read_stack(Source("patient.dicom.reference", folder / "scan"))
    smooth = gaussian_filter(np.random.default_rng(3).random(stack.shape), (3, 3, 1))
    density = ((smooth - smooth.min()) / np.ptp(smooth)).astype(np.float32)
    corner = np.zeros(stack.shape, bool)
    corner[2:7, 3:5, 4:9] = True
    drawn = (
        Drawn("WT predicted", density > 0.5, MORPHOLOGY, (230, 159, 0), "Fisher-KPP"),
        Drawn("standard plan", density > 0.4, REGION, (0, 192, 139), "margin"),
        Drawn("corner", corner, REGION, (1, 2, 3), None),
    )
    headers = referred(stack)
    arrays = {each.name: each.mask for each in drawn} | {"density": density}
    identity = Identity.of(arrays, str(headers[0].SeriesInstanceUID), TIME)
    objects = {
        "seg": segmentation(headers, drawn, identity),
        "map": parametric_map(headers, density, identity),
        "rtstruct": structure_set(headers, stack.affine, drawn, identity),
    }
    for name, made in objects.items():
        made.save_as(folder / f"{name}.dcm", enforce_file_format=True)
    return Written(stack, drawn, density, folder)


def _as_stacked(volume: hd.Volume, stack: Stack) -> np.ndarray:
    """Values of highdicom's volume as (columns, rows, slices, ..), at their places in the stack."""
    ours = LPS_TO_RAS @ np.array(volume.affine)[:, [2, 1, 0, 3]]
    data = np.moveaxis(np.asarray(volume.array), (0, 2), (2, 0))
    if np.dot(ours[:3, 2], stack.affine[:3, 2]) < 0:
        ours[:3, 3] += (data.shape[2] - 1) * ours[:3, 2]
        ours[:3, 2] *= -1
        data = data[:, :, ::-1]
    assert np.allclose(ours, stack.affine, atol=1e-4)
    return data


def test_segments_are_the_masks_voxel_by_voxel(written: Written) -> None:
    found = hd.seg.segread(written.file("seg"))
    segments = _as_stacked(found.get_volume(combine_segments=False), written.stack)
    for number, each in enumerate(written.drawn, 1):
        assert np.array_equal(segments[..., number - 1] > 0, each.mask)
        said = found.get_segment_description(number)
        assert said.segment_label == f"RESEARCH {each.name}"
        assert said.segmented_property_type.value == each.code[1].value
        algorithm = said.algorithm_identification
        assert algorithm.name == (each.algorithm or "segmentation as given with the patient")
        assert algorithm.version == ("unknown" if each.algorithm is None else __version__)


def test_frames_of_the_segments_by_pydicom_alone(written: Written) -> None:
    """Bits, positions and segment numbers of the object itself."""
    found = dcmread(written.file("seg"))
    frames = found.pixel_array
    back = np.linalg.inv(LPS_TO_RAS @ written.stack.affine)
    rebuilt = [np.zeros_like(each.mask) for each in written.drawn]
    for frame, about in zip(frames, found.PerFrameFunctionalGroupsSequence, strict=True):
        place = about.PlanePositionSequence[0].ImagePositionPatient
        k = nib.affines.apply_affine(back, np.array(place, float))[2]
        assert abs(k - round(k)) < 1e-3
        number = about.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        rebuilt[number - 1][:, :, round(k)] = frame.T > 0
    assert all(np.array_equal(m, e.mask) for m, e in zip(rebuilt, written.drawn, strict=True))


def test_the_map_is_the_density_to_float32(written: Written) -> None:
    found = hd.imread(written.file("map"))
    volume = found.get_volume(apply_real_world_transform=False)
    assert np.array_equal(_as_stacked(volume, written.stack), written.density)
    assert found.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0].LUTLabel


def _contours(found: Dataset, number: int) -> list[tuple[int, np.ndarray]]:
    """Slice and points (columns, rows) in pixels of each contour, and how far they lie off it."""
    return [
        np.array(item.ContourData, float).reshape(-1, 3)
        for item in getattr(found.ROIContourSequence[number - 1], "ContourSequence", [])
    ]


def test_contours_have_the_volume_and_the_place_of_the_masks(written: Written) -> None:
    found = dcmread(written.file("rtstruct"))
    lps = LPS_TO_RAS @ written.stack.affine
    pixel = float(np.linalg.norm(lps[:3, 0]) * np.linalg.norm(lps[:3, 1]))
    thick = float(np.linalg.norm(lps[:3, 2]))
    for number, each in enumerate(written.drawn, 1):
        total, points = 0.0, []
        for places in _contours(found, number):
            index = nib.affines.apply_affine(np.linalg.inv(lps), places)
            assert np.abs(index[:, 2] - np.rint(index[:, 2])).max() * thick < 0.01
            total += area(index[:, :2]) * pixel * thick
            points.append(index)
        volume = each.mask.sum() * pixel * thick
        assert total == pytest.approx(volume, rel=0.02)
        seen = np.vstack(points)
        inside = np.argwhere(each.mask)
        for end in (np.min, np.max):
            apart = end(seen, axis=0) - end(inside, axis=0)
            assert np.abs(apart)[:2].max() <= 0.5 + 1e-3
            assert abs(apart[2]) < 1e-3


def test_left_stays_left(written: Written) -> None:
    """The box is in the first columns, which lie to the right of the patient, x > 0 in RAS."""
    inside = nib.affines.apply_affine(written.stack.affine, np.argwhere(written.drawn[2].mask))
    (contour, *_) = _contours(dcmread(written.file("rtstruct")), 3)
    lps_x = contour[:, 0].mean()
    assert inside[:, 0].mean() > 10
    assert lps_x < -10
    assert abs(-lps_x - inside[inside[:, 2] == inside[0, 2]][:, 0].mean()) < 2


def test_they_belong_to_the_patient_and_are_approved_by_nobody(written: Written) -> None:
    first = written.stack.instances[0].header
    for name in ("seg", "map", "rtstruct"):
        found = dcmread(written.file(name))
        for element in ("PatientID", "StudyInstanceUID", "FrameOfReferenceUID"):
            assert found[element].value == first[element].value, (name, element)
        assert (found.PatientName, found.PatientID, found.PatientBirthDate) == (NAME, ID, BORN)
        assert str(found.SoftwareVersions) == __version__
    structures = dcmread(written.file("rtstruct"))
    assert structures.ApprovalStatus == "UNAPPROVED"
    assert structures.StructureSetLabel == "RESEARCH ONLY"
    for region, seen in zip(
        structures.StructureSetROISequence, structures.RTROIObservationsSequence, strict=True
    ):
        assert region.ROIName.startswith("RESEARCH")
        assert seen.RTROIInterpretedType in ("", None)
        assert __version__ in region.ROIGenerationDescription
    text = structures.to_json()
    assert not re.search(r'"(CTV|GTV|PTV)"', text)


def test_identifiers_are_those_of_content_and_time(written: Written) -> None:
    arrays = {"density": written.density}
    one, two = Identity.of(arrays, "1.2", TIME), Identity.of(arrays, "1.2", TIME)
    assert one.uid("object SEG") == two.uid("object SEG")
    assert one.uid("object SEG") != one.uid("object PM")
    other = Identity.of({"density": written.density + 1}, "1.2", TIME)
    assert other.uid("object SEG") != one.uid("object SEG")


def _errors(file: Path) -> list[str]:
    """What the validator says of an object."""
    program = shutil.which("dciodvfy")
    if program is None:
        pytest.skip("no dciodvfy on the path (Debian: dicom3tools)")
    done = subprocess.run([program, "-new", file], capture_output=True, text=True, check=False)
    return [line for line in (done.stdout + done.stderr).splitlines() if "Error" in line]


@pytest.mark.parametrize("name", ["seg", "map", "rtstruct"])
def test_the_validator_finds_no_error(written: Written, name: str) -> None:
    assert _errors(written.file(name)) == []


def _objects(folder: Path) -> tuple[Dataset, ...]:
    """One of each kind, in the frame of a series."""
    stack = read_stack(Source("k", folder))
    headers, identity = referred(stack), Identity.of({}, "1.2", TIME)
    drawn = (Drawn("corner", np.indices(stack.shape).sum(axis=0) < 9, REGION, (1, 2, 3), None),)
    return (
        segmentation(headers, drawn, identity),
        parametric_map(headers, np.zeros(stack.shape, np.float32), identity),
        structure_set(headers, stack.affine, drawn, identity),
    )


def test_a_series_without_a_name_is_good_enough(tmp_path: Path) -> None:
    """Elements that were taken away, and not only their values."""
    for file in write_series(tmp_path / "scan", blob(axial())):
        image = dcmread(file)
        for name in EMPTY:
            del image[name]
        image.save_as(file)
    for made in _objects(tmp_path / "scan"):
        assert str(made.PatientName) == made.PatientID == ""
        made.save_as(tmp_path / "made.dcm", enforce_file_format=True)
        assert _errors(tmp_path / "made.dcm") == []


@pytest.mark.parametrize(
    ("sets", "name"),
    [
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"),
        (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞"),
        ("GB18030", "Zhang^XiaoDong=张^小东"),
        ("ISO_IR 100", "Müller^Jörg"),
    ],
)
def test_names_in_any_letters_are_taken_over(
    tmp_path: Path, sets: str | list[str], name: str
) -> None:
    write_series(tmp_path / "scan", blob(axial()), SpecificCharacterSet=sets, PatientName=name)
    for made in _objects(tmp_path / "scan"):
        made.save_as(tmp_path / "made.dcm", enforce_file_format=True)
        assert str(dcmread(tmp_path / "made.dcm").PatientName) == name
        assert _errors(tmp_path / "made.dcm") == []


def test_a_contour_of_thousands_of_corners_is_written_as_numbers(tmp_path: Path) -> None:
    """A comb: one outline with more characters than a value of explicit type can have."""
    made = blob(axial((0.4, 0.4, 2.0)), (1000, 8, 2))
    write_series(tmp_path / "scan", made)
    stack = read_stack(Source("k", tmp_path / "scan"))
    comb = np.zeros(stack.shape, bool)
    comb[:, 2] = True
    comb[::2, 1:7] = True
    drawn = (Drawn("comb", comb, REGION, (1, 2, 3), None),)
    identity = Identity.of({}, "1.2", TIME)
    structure_set(referred(stack), stack.affine, drawn, identity).save_as(
        tmp_path / "made.dcm", enforce_file_format=True
    )
    found = dcmread(tmp_path / "made.dcm")
    (contour, _) = found.ROIContourSequence[0].ContourSequence
    assert contour.NumberOfContourPoints > 3500
    assert len(contour.ContourData) == 3 * contour.NumberOfContourPoints
    assert _errors(tmp_path / "made.dcm") == []


@pytest.mark.parametrize(
    ("element", "values", "words"),
    [
        ("FrameOfReferenceUID", ["1.2.1", "1.2.2"], "differ in FrameOfReferenceUID"),
        ("FrameOfReferenceUID", [""], "has no frame of reference"),
        ("StudyInstanceUID", ["1.2.1", "1.2.2"], "differ in StudyInstanceUID"),
        ("PatientID", ["one", "two"], "differ in PatientID"),
        ("SOPInstanceUID", ["1.2.1"], "two of its slices have one SOPInstanceUID"),
        ("SOPInstanceUID", [""], "a slice has no SOPInstanceUID"),
    ],
)
def test_a_series_that_cannot_be_referred_to(
    tmp_path: Path, element: str, values: list[str], words: str
) -> None:
    """It is known before anything long runs, and not when the objects are made."""
    files = write_series(tmp_path / "scan", blob(axial()))
    assert unfit(read_stack(Source("k", tmp_path / "scan"))) is None
    for n, file in enumerate(files):
        image = dcmread(file)
        setattr(image, element, values[n % len(values)])
        image.save_as(file)
    assert words in (unfit(read_stack(Source("k", tmp_path / "scan"))) or "")


def test_a_segmentation_object_is_read_as_segments(written: Written) -> None:
    """On the lattice of the series, with room across the slices."""
    found = segments_of(Source("patient.segmentation.path", written.file("seg")))
    assert found is not None
    assert list(found.labels.values()) == [each.label for each in written.drawn]
    shift = np.linalg.inv(found.affine) @ written.stack.affine
    assert np.allclose(shift[:3, :3], np.eye(3), atol=1e-4)
    k = round(float(shift[2, 3]))
    n = written.stack.shape[2]
    for number, each in enumerate(written.drawn, 1):
        assert np.array_equal(found.masks[number][:, :, k : k + n], each.mask)
        assert found.masks[number].sum() == each.mask.sum()
    thick = np.linalg.norm(found.affine[:3, 2])
    places = np.flatnonzero(np.any(list(found.masks.values()), axis=(0, 1, 2)))
    assert places[0] * thick >= 60
    assert (found.shape[2] - 1 - places[-1]) * thick >= 60
    assert found.union(["RESEARCH corner"], "key").sum() == written.drawn[2].mask.sum()
    assert found.union([1, 2], "key").sum() == (written.density > 0.4).sum()


def test_an_empty_mask_is_written(tmp_path: Path) -> None:
    write_series(tmp_path / "scan", blob(axial()))
    stack = read_stack(Source("k", tmp_path / "scan"))
    headers = referred(stack)
    drawn = (Drawn("nothing", np.zeros(stack.shape, bool), REGION, (1, 2, 3), None),)
    identity = Identity.of({}, "1.2", TIME)
    made = structure_set(headers, stack.affine, drawn, identity)
    assert "ContourSequence" not in made.ROIContourSequence[0]
    assert segmentation(headers, drawn, identity).NumberOfFrames == stack.shape[2]
    assert isinstance(Volume(drawn[0].mask, stack.affine), Volume)
