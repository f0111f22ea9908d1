"""Write one patient's predictions on the grid of the segmentation."""

from __future__ import annotations

from typing import Any

import numpy as np

from gbm.domain.domain import Domain, load_domain
from gbm.domain.plane import slicing_axis
from gbm.imaging.image_files import image_header
from gbm.io.files import write_json
from gbm.io.job import Job
from gbm.io.layout import Layout, sidecar
from gbm.io.nifti import write_volume
from gbm.io.volumes import Volume
from gbm.results.export import density_in_file, predicted_density, predicted_regions
from gbm.results.patient_result import read_result

INFERRED = {"DT_mm2", "rhoT", "lambda_mm", "x0_mm", "thresholds"}
"""Fields of the result that the sidecars repeat."""

_WHERE = {
    2: "on one slice. 0 outside that slice and outside the tissue.",
    3: "in three dimensions, on voxels of 1 mm around the whole tumour. 0 outside that crop and "
    "outside the tissue.",
}
"""By dimension."""


def run(job: Job) -> None:
    """Write the density of the verified solution and the predicted masks, with sidecars.

    They lie on the grid of the segmentation file.
    """
    files, result = job.files, read_result(job.files.params)
    domain = load_domain(files.domain)
    segmentation = job.patient.segmentation.grid
    key, grid = segmentation.key, image_header(segmentation)
    cells = density_in_file(domain, predicted_density(result, files), grid.shape, grid.affine)
    write_volume(files.density, Volume(cells, grid.affine), codes=grid.codes)
    thresholds = result.thresholds.levels()
    regions = predicted_regions(cells, thresholds)
    for name, path in files.masks.items():
        write_volume(path, Volume(regions[name], grid.affine), codes=grid.codes)

    common = {
        **placed_in(domain, key, grid.affine, files),
        "Parameters": result.model_dump(mode="json", include=INFERRED),
        "Status": result.status,
        "GeneratedBy": result.versions,
    }
    write_json(
        sidecar(files.density),
        {
            "Description": "Tumour cell density of the Fisher-KPP model at the time of the scan, "
            f"solved by finite volumes at the inferred parameters {_WHERE[domain.dimensions]}",
            "Units": "1 (fraction of the carrying capacity)",
            **common,
        },
    )
    for name, path in files.masks.items():
        write_json(
            sidecar(path),
            {
                "Description": f"Predicted {name}: density above the threshold, inside the tissue; "
                f"solved {_WHERE[domain.dimensions]}",
                "Type": "ROI",
                "Threshold": thresholds[name],
                **common,
            },
        )


def placed_in(domain: Domain, key: str, affine: np.ndarray, files: Layout) -> dict[str, Any]:
    """What a sidecar says of the space of its image, that of the segmentation of a key.

    Names of the patient's own files may name the patient.
    """
    return {
        "Sources": [f"bids::{files.domain.relative_to(files.root).as_posix()}", key],
        "SpatialReference": key,
        **_place(domain, affine),
    }


def _place(domain: Domain, affine: np.ndarray) -> dict[str, Any]:
    """Where a slice lies in the file; a volume is everywhere."""
    if domain.slice is None:
        return {"Dimensions": 3}
    return {
        "Dimensions": 2,
        "Plane": domain.plane,
        "SliceIndex": domain.slice,
        "SliceAxis": slicing_axis(domain, affine),
    }
