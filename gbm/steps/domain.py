"""The 2-D problem of one patient, and the quality of what it was made of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gbm.config.loading import load_patient
from gbm.config.settings import Settings
from gbm.domain.build import build_domain
from gbm.domain.domain import save_domain
from gbm.imaging.labels import read_regions
from gbm.imaging.tissue import Tissue
from gbm.io.files import read_json, write_json
from gbm.io.volumes import read_volume
from gbm.results.quality import gather


def run(
    *,
    file: Path,
    settings: Settings,
    wm: Path,
    gm: Path,
    csf: Path,
    tissue: Path,
    registration: Path | None,
    domain: Path,
    quality: Path,
) -> None:
    """Write the 2-D problem of a patient and the quality of what it was made of.

    Parameters
    ----------
    file : Path
        The patient file.
    settings : Settings
        Sections `slice` and `tissue`.
    wm, gm, csf, tissue : Path
        Maps and record written by `gbm.steps.tissue.run`.
    registration : Path or None
        Record of `gbm.steps.register.run`; None where the patient brings maps.
    domain : Path
        Written: ``desc-domain.npz``.
    quality : Path
        Written: the numbers of `gbm.results.quality.gather` and the record of the registration, as
        JSON.
    """
    patient = load_patient(file)
    regions = read_regions(patient.segmentation)
    qc = read_json(tissue)
    maps = Tissue(read_volume(wm), read_volume(gm), read_volume(csf), qc=qc)
    made = build_domain(patient.id, maps, regions, settings)
    # The maps are filled already; how far the tumour reached beyond the tissue was measured before.
    numbers = {**made.numbers, "wt_outside_tissue_fraction": qc["wt_outside_tissue_fraction"]}
    save_domain(domain, replace(made, numbers=numbers))
    registered = None if registration is None else read_json(registration)
    found = gather(numbers, regions, patient.segmentation.convention, qc, registered)
    write_json(quality, {"numbers": found, "registration": registered})
