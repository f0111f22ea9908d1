"""A name in headers, folders and files of a patient: nothing outside `work/` repeats it."""

from __future__ import annotations

import base64
import gzip
import io
import re
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

import gbm
from gbm.config.plan import planned_steps
from gbm.config.settings import Settings
from gbm.io.cohort_layout import CohortLayout
from gbm.io.files import read_json
from gbm.io.job_log import step
from gbm.io.layout import sidecar
from gbm.steps import check, cohort
from tests.workflow import phantom
from tests.workflow.test_run_patient import FIT, VERIFY

NAME = "Mustermann"
EMBEDDED = re.compile(r'<script type="application/octet-stream" id="volume-\w+">([^<]*)<')


def _spoil(file: Path) -> None:
    """Write the name wherever a NIfTI file has room for text, and into its gzip header."""
    image = nib.load(file)
    header = image.header
    for field in ("descrip", "aux_file", "intent_name", "db_name", "data_type"):
        header[field] = NAME[: header[field].dtype.itemsize].encode()
    for code in (2, 6):  # DICOM, comment
        header.extensions.append(nib.nifti1.Nifti1Extension(code, f"Erika {NAME}".encode()))
    content = nib.Nifti1Image(np.asarray(image.dataobj), image.affine, header).to_bytes()
    with (
        file.open("wb") as raw,
        gzip.GzipFile(f"{NAME}.nii", "wb", fileobj=raw) as stream,
    ):
        stream.write(content)


def _texts(file: Path) -> list[bytes]:
    """What a file holds, unpacked as far as it is packed."""
    content = file.read_bytes()
    if file.suffix == ".gz":
        return [content, gzip.decompress(content)]
    if file.suffix == ".npz":
        with zipfile.ZipFile(io.BytesIO(content)) as arrays:
            return [content, *(arrays.read(name) for name in arrays.namelist())]
    if file.suffix == ".html":
        packed = EMBEDDED.findall(content.decode())
        return [content, *(gzip.decompress(base64.b64decode(text)) for text in packed)]
    return [content]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a patient, and of one whose image is missing, below folders that bear the name."""
    home = tmp_path_factory.mktemp("home") / f"Erika_{NAME}_19700101"
    file = phantom.write(home, "p1")
    for image in home.glob("*.nii.gz"):
        _spoil(image)
        image.rename(home / f"{NAME}_{image.name}")
    text = file.read_text().replace("p1_", f"{NAME}_p1_")
    text += f"  images: {{t1: {NAME}_p1_wm.nii.gz}}\noutput: {{root: {home}/results}}  # {NAME}\n"
    own = home / f"{NAME}.yaml"
    own.write_text(text)
    root = home / "results" / "gbm"
    gbm.run_patient(own, root, fit=FIT, verify=VERIFY)
    bad = home / "bad.yaml"
    lost = f"{home}/scans/lost.nii.gz"
    bad.write_text(text.replace(f"{NAME}_p1_gm.nii.gz", lost).replace('"p1"', '"bad"'))
    layout = CohortLayout(root)
    with pytest.raises(SystemExit), step(layout.of("bad").logs / "check.log"):
        check.run(bad, {}, layout.of("bad"))
    plan = planned_steps(Settings(), registered=False)
    cohort.run(layout, {"p1": own, "bad": bad}, {"p1": plan, "bad": plan})
    return root


def test_no_name_leaves(results: Path) -> None:
    files = [path for path in results.rglob("*") if path.is_file()]
    outside = [path for path in files if "work" not in path.relative_to(results).parts]
    assert len(outside) > 20
    assert sum(len(_texts(path)) for path in outside if path.suffix == ".html") > 6
    told = [path for path in outside if any(NAME.encode() in text for text in _texts(path))]
    assert not [str(path.relative_to(results)) for path in told]


def test_the_reason_names_key_and_file(results: Path) -> None:
    page = (results / "cohort.html").read_text()
    assert "check: lost.nii.gz: patient.tissue.gm: there is no such file" in page


def test_paths_are_kept_under_work(results: Path) -> None:
    files = CohortLayout(results).of("p1")
    path = read_json(files.check)["files"]["patient.segmentation.path"]
    assert Path(path).is_file()
    assert NAME in path


def test_headers_are_made_afresh(results: Path) -> None:
    files = CohortLayout(results).of("p1")
    (segmentation,) = results.parent.parent.glob("*_seg.nii.gz")
    reference = nib.load(segmentation)
    blank = nib.Nifti1Header()
    for path in (files.density, *files.masks.values(), *files.maps.values()):
        image = nib.load(path)
        header = image.header
        assert image.shape == reference.shape
        assert np.allclose(image.affine, reference.affine)
        assert header.get_xyzt_units()[0] == "mm"
        assert len(header.extensions) == 0
        for field in ("aux_file", "intent_name", "intent_code", "db_name", "data_type"):
            assert header[field] == blank[field], (path, field)
    for path in (files.density, *files.masks.values()):
        header = nib.load(path).header
        for code in ("sform_code", "qform_code"):
            assert header[code] == reference.header[code]
        said = read_json(sidecar(path))
        assert said["SpatialReference"] == "patient.segmentation.path"
        assert said["Sources"] == [
            "bids::sub-p1/anat/sub-p1_desc-domain.npz",
            "patient.segmentation.path",
        ]
