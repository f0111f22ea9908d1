"""The same tumour on neighbouring slices: how far the answer of one slice scatters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gbm.config.conventions import REGIONS
from gbm.config.objective_settings import ObjectiveSettings
from gbm.config.settings import Settings
from gbm.domain.domain import Domain, load_domain
from gbm.domain.plane import slicing_axis
from gbm.imaging.labels import TumourRegions, load_regions
from gbm.imaging.tissue import Tissue
from gbm.io.files import read_sealed, write_sealed
from gbm.io.job import Job
from gbm.posterior.outline import Outline
from gbm.steps.slice_fit import fit_slice

OFFSETS_MM = (-6.0, -3.0, 3.0, 6.0)
"""Of the neighbours, beside the fitted slice itself."""
LEAST_MM2 = 10.0
"""Area of a region below which a slice has none of it: a few voxels fix no parameter."""


def run(job: Job) -> None:
    """Write `slices.json`: the mode of the posterior on the fitted slice and on its neighbours.

    The mode, whatever the fits descend, as it is the posterior's scatter that is asked for.
    Settings `tissue`, `growth`, `objective`, `bounds`, `verify` and the noise of `uncertainty`. A
    slice that lacks a region of the fitted one, has all of its outlines at walls, or was taken
    already because slices are thick, is left out.
    """
    write_sealed(job.files.slices, {"slices": modes(job, OFFSETS_MM)})


def modes(job: Job, offsets_mm: Sequence[float]) -> list[dict[str, Any]]:
    """What the fitted slice says and what those at other distances say, in their order."""
    files, settings = job.files, by_outline(job.settings)
    fitted, regions = load_domain(files.domain), load_regions(files.regions)
    tissue = Tissue.read(files.maps, read_sealed(files.tissue))
    assert fitted.slice is not None
    found = []
    others = neighbours(fitted, regions, offsets_mm)
    for offset, index in sorted([(0.0, fitted.slice), *others]):
        slice_ = settings.slice.model_copy(update={"plane": fitted.plane, "index": index})
        own = settings.model_copy(update={"slice": slice_})
        domain, fit = fit_slice(job.patient.id, tissue, regions, own)
        if not tells(domain):  # its mode is the prior's
            continue
        numbers = {"lambda_mm": fit.lambda_mm, "rhoT": fit.rhoT, "DT_mm2": fit.DT}
        found.append(outcome(domain, offset, {**numbers, "thresholds": fit.thresholds}))
    return found


def by_outline(settings: Settings) -> Settings:
    """The same settings with the objective `outline`."""
    kept = settings.objective.model_dump(include={"thresholds", "growth_prior"})
    goal = ObjectiveSettings.model_validate({**kept, "name": "outline"})
    return settings.model_copy(update={"objective": goal})


def tells(domain: Domain) -> bool:
    """Whether any point of an outline can be compared with the model."""
    return any(len(Outline.of(domain, name).faces) > 0 for name in REGIONS)


def outcome(domain: Domain, offset_mm: float, fit: Mapping[str, Any]) -> dict[str, Any]:
    """What one slice says; the threshold of an empty core means nothing."""
    levels = dict(fit["thresholds"])
    if not domain.TC.any():
        levels["TC"] = None
    numbers = {name: fit[name] for name in ("lambda_mm", "rhoT", "DT_mm2")}
    return {"offset_mm": offset_mm, "slice": domain.slice, **numbers, "thresholds": levels}


def neighbours(
    fitted: Domain, regions: TumourRegions, offsets_mm: Sequence[float] = OFFSETS_MM
) -> list[tuple[float, int]]:
    """Distances (mm) and indices of the slices that hold what the fitted one holds."""
    axis = slicing_axis(fitted, regions.WT.affine)
    step = float(np.linalg.norm(regions.WT.affine[:3, axis]))
    present = [regions.WT.data, *([regions.TC.data] if fitted.TC.any() else [])]
    others = tuple(k for k in range(3) if k != axis)
    voxel = abs(np.linalg.det(regions.WT.affine[:3, :3])) / step if step else 0.0
    full = np.all([voxel * mask.sum(axis=others) >= LEAST_MM2 for mask in present], axis=0)
    assert fitted.slice is not None
    if full.size == 1:  # a file of one slice, of which no thickness need be known
        return []
    found: dict[int, float] = {}
    for offset in offsets_mm:
        index = fitted.slice + round(offset / step)
        if index != fitted.slice and 0 <= index < full.size and full[index]:
            found.setdefault(index, (index - fitted.slice) * step)
    return [(offset, index) for index, offset in sorted(found.items())]
