"""Results as DICOM objects in the frame and slices of a series: for research viewers."""

from __future__ import annotations

import io
import shutil
import warnings
from datetime import UTC, datetime

import numpy as np
from pydicom.dataset import Dataset

from gbm.config.errors import InputError
from gbm.dicom.made_by import MORPHOLOGY, REGION, Drawn, Identity
from gbm.dicom.reference import referred
from gbm.dicom.segmentation_object import parametric_map, segmentation
from gbm.dicom.structure_set import structure_set
from gbm.imaging.labels import load_regions
from gbm.imaging.reference_series import check_together, reference_of
from gbm.io.files import write_bytes
from gbm.io.job import Job
from gbm.io.nifti import read_volume
from gbm.io.volumes import Volume, resample_to
from gbm.results.patient_result import read_result

COLOURS = {
    "WT": (230, 159, 0),
    "TC": (0, 165, 224),
    "standard": (0, 192, 139),
    "model": (255, 92, 168),
    "modelrobust": (183, 155, 255),
}
"""As on the page."""


def run(job: Job) -> None:
    """Write a segmentation, a parametric map and a structure set, in place of what is there.

    Masks are placed by nearest neighbour, the density linearly, on the grid of the reference
    series. An empty plan is left out.

    Raises
    ------
    InputError
        If the reference series cannot be read, or does not cover the tumour.
    """
    files, regions = job.files, load_regions(job.files.regions)
    stack = reference_of(job.patient, regions)
    for remark in check_together(job.patient):  # a series named after `check` was not seen there
        print(f"warning: {remark}")
    grid = Volume(np.zeros(stack.shape, np.uint8), stack.affine)
    drawn = _drawn(job, {"WT": regions.WT, "TC": regions.TC}, grid)
    density = np.clip(resample_to(read_volume(files.density), grid, 1).data, 0.0, 1.0)
    headers = referred(stack)
    arrays = {each.name: each.mask for each in drawn} | {"density": density}
    series = str(headers[0].SeriesInstanceUID)
    identity = Identity.of(arrays, series, datetime.now(UTC))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = {
                "segmentation": _encoded(segmentation(headers, drawn, identity)),
                "density": _encoded(parametric_map(headers, density, identity)),
                "structures": _encoded(structure_set(headers, stack.affine, drawn, identity)),
            }
    except Exception as error:  # its words, like the warnings, quote headers, which hold names
        text = f"no DICOM object can be made in this series ({type(error).__name__})"
        source = job.patient.reference()
        assert source is not None
        raise InputError(text, file=source.path, key=source.key) from None
    shutil.rmtree(files.dicom, ignore_errors=True)
    for name, content in made.items():
        write_bytes(files.dicom_objects[name], content)


def _drawn(job: Job, given: dict[str, Volume], grid: Volume) -> list[Drawn]:
    """All masks on the grid of the reference: as given, predicted, and plans that are not empty."""
    files, result = job.files, read_result(job.files.params)
    how = "BiLO" if result.method == "bilo" else "direct fit"
    algorithm = f"Fisher-KPP growth, {how}"

    def placed(mask: Volume) -> np.ndarray:
        return resample_to(mask.with_data(mask.data > 0), grid, 0).data

    found = [
        Drawn(f"{region} segmented", placed(mask), MORPHOLOGY, COLOURS[region], None)
        for region, mask in given.items()
    ]
    for region, path in files.masks.items():
        mask = placed(read_volume(path))
        found.append(Drawn(f"{region} predicted", mask, MORPHOLOGY, COLOURS[region], algorithm))
    for name, path in files.plans.items():
        mask = placed(read_volume(path))
        drew = "margin around the core" if name == "standard" else algorithm
        if mask.any():
            found.append(Drawn(f"{name} plan", mask, REGION, COLOURS[name], drew))
    return found


def _encoded(made: Dataset) -> bytes:
    stream = io.BytesIO()
    made.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
