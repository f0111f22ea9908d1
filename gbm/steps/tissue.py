"""Tissue maps of one patient."""

from __future__ import annotations

from gbm.domain.build import outside_fraction
from gbm.domain.fitted_grid import FittedGrid, choose_slab
from gbm.imaging.brain import brain_mask
from gbm.imaging.labels import TumourRegions, load_regions
from gbm.imaging.patient_images import read_maps
from gbm.imaging.tissue import TISSUES, Tissue
from gbm.imaging.tissue_segmentation import segment_tissue
from gbm.io.files import write_sealed
from gbm.io.job import Job
from gbm.io.nifti import read_volume, write_volume


def run(job: Job) -> None:
    """Write the tissue maps of a patient on the grid of the segmentation file, and their quality.

    Inside the whole tumour they are filled (no CSF, WM + GM = 1) unless the settings (sections
    `slice` and `tissue`) say no. Maps that the patient brings are used as they are.
    """
    regions = load_regions(job.files.regions)
    tissue = _maps(job, regions)
    grids = {"slice": choose_slab(regions, job.settings.slice), "volume": FittedGrid(regions.WT)}
    outside = {k: outside_fraction(tissue, regions.WT, grid) for k, grid in grids.items()}
    if job.settings.tissue.fill_tumour:
        tissue = tissue.filled(regions.WT.data)
    for name, path in job.files.maps.items():
        text = f"{name} probability, {job.patient.id}"
        write_volume(path, getattr(tissue, name), description=text)
    write_sealed(job.files.tissue, {**tissue.qc, "wt_outside_tissue_fraction": outside})


def _maps(job: Job, regions: TumourRegions) -> Tissue:
    """The maps on the segmentation's grid, untreated."""
    if not job.registered:
        return read_maps(job.patient, regions)[0]
    image = read_volume(job.files.registered["image"])
    priors = {name: read_volume(job.files.registered[name]) for name in TISSUES}
    tumour = regions.on(image)[0].data
    return segment_tissue(priors, image, brain_mask(image), tumour).on(regions.WT)
