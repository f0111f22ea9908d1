"""The problem of one patient, and the quality of what it was made of."""

from __future__ import annotations

from dataclasses import replace

from gbm.domain.build import build_domain
from gbm.domain.domain import Domain, save_domain
from gbm.imaging.brain import MINIMUM_EXTENT_MM, thickness
from gbm.imaging.labels import TumourRegions, load_regions
from gbm.imaging.tissue import Tissue
from gbm.imaging.tumour_shape import share_of_brain
from gbm.io.files import read_sealed, write_sealed
from gbm.io.job import Job
from gbm.judging.quality import gather


def run(job: Job) -> None:
    """Write the problem of a patient (settings `dimensions`, `slice`, `tissue`) and its quality."""
    files, qc = job.files, read_sealed(job.files.tissue)
    regions = load_regions(files.regions)
    tissue = Tissue.read(files.maps, qc)
    made = build_domain(job.patient.id, tissue, regions, job.settings)
    # The maps are filled already; how far the tumour reached beyond the tissue was measured before.
    outside = qc["wt_outside_tissue_fraction"]["slice" if made.dimensions == 2 else "volume"]
    numbers = {**made.numbers, "wt_outside_tissue_fraction": outside}
    save_domain(files.domain, replace(made, numbers=numbers))
    registered = read_sealed(files.registration) if job.registered else None
    convention = job.patient.segmentation.convention
    found = gather(numbers | _shares(made, tissue, regions), regions, convention, qc, registered)
    write_sealed(files.quality, {"numbers": found, "registration": registered})


def _shares(made: Domain, tissue: Tissue, regions: TumourRegions) -> dict[str, float]:
    """Which part of the brain is labelled as tumour: by mistake it can be all of it."""
    found = {}
    if thickness(regions.WT) >= MINIMUM_EXTENT_MM:  # a slab shows no whole brain
        maps = (tissue.wm.data, tissue.gm.data, tissue.csf.data)
        found["wt_brain_fraction"] = share_of_brain(regions.WT.data, maps)
    if made.dimensions == 2:
        found["wt_slice_fraction"] = share_of_brain(made.WT, (made.wm, made.gm, made.csf))
    return found
