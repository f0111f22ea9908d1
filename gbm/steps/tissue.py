"""Tissue maps of one patient."""

from __future__ import annotations

from pathlib import Path

from gbm.config.loading import load_patient
from gbm.config.patient import Patient
from gbm.config.settings import Settings
from gbm.domain.build import outside_fraction
from gbm.imaging.brain import brain_mask
from gbm.imaging.labels import TumourRegions, read_regions
from gbm.imaging.patient_images import read_maps
from gbm.imaging.tissue import TISSUES, Tissue
from gbm.imaging.tissue_segmentation import segment_tissue
from gbm.io.files import write_json
from gbm.io.volumes import read_volume, write_volume


def run(
    *,
    file: Path,
    settings: Settings,
    registration: dict[str, Path],
    wm: Path,
    gm: Path,
    csf: Path,
    record: Path,
) -> None:
    """Write the tissue maps of a patient on the grid of the segmentation file.

    Inside the whole tumour they are filled (no CSF, WM + GM = 1) unless the settings say no.

    Parameters
    ----------
    file : Path
        The patient file; tissue maps it names are used as they are.
    settings : Settings
        Sections `slice` and `tissue`.
    registration : dict of Path
        ``wm``, ``gm``, ``csf`` and ``image`` written by `gbm.steps.register.run`; empty
        where the patient brings maps.
    wm, gm, csf : Path
        Written, NIfTI.
    record : Path
        Written: `Tissue.qc` and the part of WT outside the tissue before filling, as JSON.
    """
    patient = load_patient(file)
    regions = read_regions(patient.segmentation)
    tissue = _maps(patient, regions, registration)
    outside = outside_fraction(tissue, regions, settings)
    if settings.tissue.fill_tumour:
        tissue = tissue.filled(regions.WT.data)
    for name, path in (("wm", wm), ("gm", gm), ("csf", csf)):
        text = f"{name} probability, {patient.id}"
        write_volume(path, getattr(tissue, name), description=text)
    write_json(record, {**tissue.qc, "wt_outside_tissue_fraction": outside})


def _maps(patient: Patient, regions: TumourRegions, registration: dict[str, Path]) -> Tissue:
    """Return the maps on the segmentation's grid, untreated."""
    if patient.tissue.given:
        return read_maps(patient, regions)[0]
    image = read_volume(registration["image"])
    priors = {name: read_volume(registration[name]) for name in TISSUES}
    tumour = regions.on(image)[0].data
    return segment_tissue(priors, image, brain_mask(image), tumour).on(regions.WT)
