"""Write one patient's predictions on the grid of the segmentation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import nibabel as nib
import numpy as np

from gbm.domain.domain import load_domain
from gbm.domain.plane import slicing_axis
from gbm.io.files import write_json
from gbm.results.export import (
    TISSUE_LEVEL,
    into_slice,
    predicted_regions,
    sidecar,
    write_like,
)
from gbm.results.patient_result import read_result

INFERRED = {"DT_mm2", "rhoT", "lambda_mm", "x0_mm", "thresholds"}
"""Fields of the result that the sidecars repeat."""


def run(
    *,
    domain: Path,
    params: Path,
    verification: Path,
    segmentation: Path,
    density: Path,
    masks: Mapping[str, Path],
) -> None:
    """Write the density of the verified solution and the predicted masks.

    Parameters
    ----------
    domain : Path
        `desc-domain.npz`.
    params : Path
        `desc-growth_params.json` (thresholds, provenance of the sidecars).
    verification : Path
        The headline fit's `verify/<name>.npz`: `u_fdm` (nx, ny) at the inferred parameters.
    segmentation : Path
        The NIfTI file that gives the grid.
    density : Path
        `..._desc-fit_celldensity.nii.gz`; its JSON sidecar is written beside it.
    masks : mapping from "WT", "TC" to Path
        `..._label-<region>_desc-predicted_mask.nii.gz`, with sidecars.
    """
    problem = load_domain(domain)
    fitted = read_result(params)
    with np.load(verification, allow_pickle=False) as arrays:
        u = np.clip(arrays["u_fdm"], 0.0, 1.0)
    reference = cast(nib.Nifti1Image, nib.load(segmentation))
    shape, affine = reference.shape, reference.affine
    phi = into_slice(problem, problem.phi, shape, affine)
    cells = into_slice(problem, u, shape, affine)
    cells[phi <= TISSUE_LEVEL] = 0.0
    write_like(reference, cells.astype(np.float32), density)
    thresholds = fitted.thresholds.levels()
    regions = predicted_regions(cells, phi, thresholds)
    for name, path in masks.items():
        write_like(reference, regions[name].astype(np.uint8), path)

    common = {
        "Sources": [f"bids::{domain.name}", segmentation.name],
        "SpatialReference": segmentation.name,
        "Plane": problem.plane,
        "SliceIndex": problem.slice,
        "SliceAxis": slicing_axis(problem, affine),
        "Parameters": fitted.model_dump(mode="json", include=INFERRED),
        "Status": fitted.status,
        "GeneratedBy": fitted.versions,
    }
    write_json(
        sidecar(density),
        {
            "Description": "Tumour cell density of the Fisher-KPP model at the time of the scan, "
            "solved by finite volumes at the inferred parameters on one slice. "
            "0 outside that slice and outside the tissue.",
            "Units": "1 (fraction of the carrying capacity)",
            **common,
        },
    )
    for name, path in masks.items():
        write_json(
            sidecar(path),
            {
                "Description": f"Predicted {name}: density above the threshold, inside the tissue.",
                "Type": "ROI",
                "Threshold": thresholds[name],
                **common,
            },
        )
