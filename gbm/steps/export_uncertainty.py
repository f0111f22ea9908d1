"""Write what the posterior says of the density on the grid of the segmentation."""

from __future__ import annotations

import numpy as np

from gbm.config.settings import UncertaintySettings
from gbm.domain.domain import load_domain
from gbm.imaging.image_files import image_header
from gbm.io.files import read_npz, read_sealed, write_json
from gbm.io.job import Job
from gbm.io.layout import arrays, sidecar
from gbm.io.nifti import write_volume
from gbm.io.volumes import Volume
from gbm.results.export import density_in_file
from gbm.results.posterior_record import FLAGS
from gbm.steps.export import placed_in


def run(job: Job) -> None:
    """Write 5 and 95 % of the density, and the probability of infiltration, with sidecars.

    Where there is no posterior they hold no number (NaN), and the sidecars say why.
    """
    files, domain = job.files, load_domain(job.files.domain)
    record, segmentation = read_sealed(files.posterior), job.patient.segmentation.grid
    key, grid = segmentation.key, image_header(segmentation)
    stored = read_npz(arrays(files.posterior))
    maps = {name: stored[name] for name in files.uncertain if name in stored}
    common = placed_in(domain, key, grid.affine, files)
    for name, path in files.uncertain.items():
        data = (
            density_in_file(domain, maps[name], grid.shape, grid.affine)
            if name in maps
            else np.full(grid.shape, np.nan, np.float32)
        )
        write_volume(path, Volume(data, grid.affine), codes=grid.codes)
        about = {
            "Description": describe(name, job.settings.uncertainty),
            "Units": "1",
            "Conditional": [FLAGS[flag] for flag in record.get("flags", ())],
            "NoPosterior": record.get("reason"),
        }
        write_json(sidecar(path), about | common)


def describe(name: str, asked: UncertaintySettings) -> str:
    """A map in words."""
    what = {
        "low": "5 % of the tumour cell density, voxel by voxel",
        "high": "95 % of the tumour cell density, voxel by voxel",
        "infiltration": "Probability that the tumour cell density is above "
        f"{asked.infiltrated_above:g}",
    }[name]
    return (
        f"{what}, over {asked.samples} samples of the posterior of the growth given the outlines; "
        "0 outside what was fitted and outside the tissue."
    )
