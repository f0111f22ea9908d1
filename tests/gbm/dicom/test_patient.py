"""A patient of DICOM from folders to pages: nothing outside `dicom/` holds the name in them."""

from __future__ import annotations

import gzip
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import highdicom as hd
import nibabel as nib
import numpy as np
import pytest
from pydicom import dcmread

import gbm
from gbm.config.errors import InputError
from gbm.config.loading import load_patient
from gbm.config.plan import planned_steps
from gbm.dicom.made_by import MORPHOLOGY, Drawn, Identity
from gbm.dicom.segmentation_object import segmentation
from gbm.io.cohort_layout import CohortLayout
from gbm.io.files import read_json
from gbm.io.job_log import step
from gbm.io.volumes import Volume
from gbm.results.patient_result import read_result
from gbm.steps import check, cohort
from tests.gbm.dicom.series import BORN, ID, axial, write_series
from tests.gbm.dicom.test_objects import TIME
from tests.gbm.round_head import SHAPE, RoundHead

NAME = "Mustermann"
SETTINGS = {"dimensions": 3, "fit": {"method": "direct"}, "uncertainty": {"enabled": False}}


@dataclass(frozen=True)
class Ran:
    """The results, the folder of the inputs, and the labels on the grid of the series."""

    files: CohortLayout
    home: Path
    labels: np.ndarray


def _inputs(home: Path) -> np.ndarray:
    """A T1c as a series, a SEG on it, and tissue maps as NIfTI; return the labels."""
    affine = axial()
    head = RoundHead.made()
    image = np.where(head.brain, 100 + 40 * head.white + 3 * head.index[0], 0.0)
    scan = home / f"{NAME}_T1c"
    files = write_series(scan, Volume(image, affine))
    labels = np.select([head.away < 4, head.away < 6], [2, 1], 0)
    headers = [dcmread(file, stop_before_pixels=True) for file in files]
    drawn = tuple(
        Drawn(name, labels >= n, MORPHOLOGY, (1, 2, 3), None) for n, name in ((1, "WT"), (2, "TC"))
    )
    made = segmentation(headers, drawn, Identity.of({}, "1", TIME))
    made.save_as(home / f"{NAME}_seg.dcm", enforce_file_format=True)
    for name, data in {"wm": head.white, "gm": head.grey}.items():
        nib.save(nib.Nifti1Image(data.astype(np.float32), affine), home / f"{name}.nii.gz")
    return labels


def _describe(home: Path, patient: str, **changed: str) -> Path:
    said = {
        "segmentation": f"{{path: {NAME}_seg.dcm, "
        "convention: {WT: [RESEARCH WT], TC: [RESEARCH TC]}}",
        "images": f"{{t1c: {NAME}_T1c}}",
        "tissue": "{wm: wm.nii.gz, gm: gm.nii.gz}",
        **changed,
    }
    file = home / f"{patient}.yaml"
    lines = "".join(f"  {key}: {value}\n" for key, value in said.items())
    file.write_text(f'patient:\n  id: "{patient}"\n{lines}')
    return file


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    home = tmp_path_factory.mktemp("home")
    labels = _inputs(home)
    files = CohortLayout(home / "results" / "gbm")
    good = _describe(home, "p1")
    gbm.run_patient(good, files.root, **SETTINGS)
    (home / f"{NAME}_empty").mkdir()
    bad = _describe(home, "bad", images=f"{{t1: {NAME}_empty}}")
    with pytest.raises(SystemExit), step(files.of("bad").logs / "check.log"):
        check.run(bad, SETTINGS, files.of("bad"))
    settings = read_result(files.of("p1").params).settings
    plan = planned_steps(settings.model_copy(), registered=False, dicom=True)
    cohort.run(files, {"p1": good, "bad": bad}, {"p1": plan, "bad": plan})
    return Ran(files, home, labels)


def _texts(file: Path) -> list[bytes]:
    content = file.read_bytes()
    if file.suffix == ".gz":
        return [gzip.decompress(content)]
    if file.suffix == ".npz":
        with zipfile.ZipFile(BytesIO(content)) as arrays:
            return [arrays.read(name) for name in arrays.namelist()]
    return [content]


def test_nothing_but_the_objects_holds_name_birth_or_number(ran: Ran) -> None:
    everything = [path for path in ran.files.root.rglob("*") if path.is_file()]
    others = [path for path in everything if path.parent != ran.files.of("p1").dicom]
    assert len(others) > 40
    assert {*everything} - {*others} == {*ran.files.of("p1").dicom_objects.values()}
    uid = dcmread(next((ran.home / f"{NAME}_T1c").iterdir())).SeriesInstanceUID
    for secret in (NAME, BORN, ID, "SN123", str(uid)):
        held = [p for p in others if any(secret.encode() in text for text in _texts(p))]
        assert not [str(path.relative_to(ran.files.root)) for path in held], secret


def test_the_reason_names_the_key_and_a_digest(ran: Ran) -> None:
    page = ran.files.page.read_text()
    assert "patient.images.t1: holds no image of DICOM" in page
    assert "check: DICOM input " in page


def test_inputs_are_given_by_digests(ran: Ran) -> None:
    result = read_result(ran.files.of("p1").params)
    found = {item.key: item for item in result.inputs}
    assert found["patient.images.t1c"].series_sha256 is not None
    assert found["patient.tissue.wm"].series_sha256 is None
    places = read_json(ran.files.of("p1").check)["files"]
    assert places["patient.images.t1c"] == f"sha256:{found['patient.images.t1c'].sha256}"


def test_results_lie_on_the_grid_of_the_segmentation(ran: Ran) -> None:
    """Its lattice, continued across the slices; the series' own voxels are all there."""
    density = nib.load(ran.files.of("p1").density)
    back = np.linalg.inv(density.affine) @ axial()
    assert np.allclose(back[:3, :3], np.eye(3), atol=1e-4)
    assert density.shape[:2] == SHAPE[:2]
    u = np.asarray(density.dataobj)
    k = round(back[2, 3])
    inside = u[:, :, k : k + SHAPE[2]]
    assert inside[ran.labels == 2].min() > inside[ran.labels == 0].mean()


def test_objects_hold_what_the_images_hold(ran: Ran) -> None:
    files = ran.files.of("p1")
    found = hd.seg.segread(files.dicom / "sub-p1_segmentation.dcm")
    labels = [found.get_segment_description(n).segment_label for n in found.segment_numbers]
    assert labels == [
        "RESEARCH WT segmented", "RESEARCH TC segmented", "RESEARCH WT predicted",
        "RESEARCH TC predicted", "RESEARCH standard plan", "RESEARCH model plan",
    ]  # fmt: skip
    volume = np.asarray(found.get_volume(combine_segments=False).array)
    assert volume[..., 0].sum() == (ran.labels > 0).sum()
    assert volume[..., 1].sum() == (ran.labels == 2).sum()
    for n, name in ((4, "standard"), (5, "model")):
        plan = np.asarray(nib.load(files.plans[name]).dataobj)
        assert volume[..., n].sum() == plan.sum()
    density = hd.imread(files.dicom / "sub-p1_density.dcm").get_volume()
    ours = np.asarray(nib.load(files.density).dataobj)
    assert np.asarray(density.array).sum() == pytest.approx(ours.sum(), rel=1e-5)


def test_a_reference_elsewhere_is_refused(ran: Ran, tmp_path: Path) -> None:
    away = axial()
    away[0, 3] += 25.0
    write_series(ran.home / "away", Volume(np.ones(SHAPE), away), "away")
    file = _describe(ran.home, "away", dicom="{reference: away}")
    with pytest.raises(InputError, match=r"covers only \d+\.\d% of the tumour") as told:
        check.check_patient(file, SETTINGS)
    assert told.value.key == "patient.dicom.reference"
    assert told.value.file == ran.home / "away"
    assert load_patient(file).reference() is not None


def test_inputs_of_two_patients_are_remarked(ran: Ran) -> None:
    """By key: results would get the name in the reference series."""
    other = {"PatientID": "OTHER-1", "PatientName": f"{NAME}^Hans"}
    write_series(ran.home / "other", Volume(np.ones(SHAPE), axial()), "other", **other)
    file = _describe(ran.home, "other", dicom="{reference: other}")
    said = [w for w in check.check_patient(file, SETTINGS).warnings if " another " in w]
    assert said == [
        f"{key}: {words}"
        for key in ("patient.segmentation.path", "patient.images.t1c")
        for words in (
            "is of another patient than patient.dicom.reference, by its PatientID",
            "lies in another frame of reference than patient.dicom.reference: are they registered?",
        )
    ]
    alone = check.check_patient(_describe(ran.home, "alone"), SETTINGS)
    assert not [w for w in alone.warnings if " another " in w]


def test_in_the_plane_nothing_is_made_of_it(ran: Ran) -> None:
    file = _describe(ran.home, "plane", dicom=f"{{reference: {NAME}_T1c}}")
    report = check.check_patient(file, {"plan": {"ctv_margin_mm": 10}})
    for key in ("patient.dicom", "plan"):
        assert any(w.startswith(f"{key}: nothing is made of it") for w in report.warnings)


def test_a_segment_that_is_not_there_is_named(ran: Ran) -> None:
    convention = "{WT: [RESEARCH WT], TC: [necrosis]}"
    file = _describe(
        ran.home, "named", segmentation=f"{{path: {NAME}_seg.dcm, convention: {convention}}}"
    )
    with pytest.raises(InputError, match="there is no segment 'necrosis'; there are") as told:
        check.check_patient(file, SETTINGS)
    assert told.value.key == "patient.segmentation.convention.TC"
