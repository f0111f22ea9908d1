"""Plans of equal volume, and how they lie beside each other and beside a recurrence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gbm.config.source import Source
from gbm.imaging.image_files import image_header, input_files, read_image
from gbm.imaging.labels import TumourRegions, load_regions
from gbm.imaging.recurrence import read_recurrence
from gbm.io.files import write_json, write_text
from gbm.io.job import Job
from gbm.io.layout import sidecar
from gbm.io.nifti import read_volume, write_volume
from gbm.io.volumes import Volume, resample_to
from gbm.plan.brain import brain_of_image, brain_of_tissue
from gbm.plan.midplane import midplane
from gbm.plan.scores import Beside, far_from, scored
from gbm.plan.shapes import Drawn, Ground
from gbm.plan.table import METRICS, PLANS, RESEARCH, plans_tsv

IMAGES = ("t1c", "t1", "flair", "t2")
"""Of those that are given the first shows the brain."""
OUTSIDE = 0.1
"""Part of a recurrence outside the brain from which on it is remarked."""
NO_CORE = "the tumour core is empty: margin and distances begin at the whole tumour"
NO_POSTERIOR = "there is no posterior: the plan modelrobust is empty"
NOT_ASKED = "no posterior was asked for (uncertainty.enabled): the plan modelrobust is empty"


@dataclass(frozen=True)
class Made:
    """Plans of a patient on the grid of the segmentation, their metrics, and remarks."""

    plans: dict[str, Drawn]
    metrics: dict[str, dict[str, float]]
    brain: str
    remarks: tuple[str, ...]


def run(job: Job) -> None:
    """Write the plans, their metrics and sidecars (settings `plan`, `uncertainty`).

    Where there is no posterior the plan `modelrobust` is empty, the table says n/a, and the
    sidecars say why.
    """
    files, source = job.files, job.patient.segmentation.grid
    made = make(job, load_regions(files.regions))
    grid = image_header(source)
    recurrence = {k: s for k, s in job.patient.later().items() if "recurrence" in k}
    margin = job.settings.plan.ctv_margin_mm
    about = {
        "Research": RESEARCH,
        "MarginMm": margin,
        "Brain": made.brain,
        "Remarks": list(made.remarks),
        "Inputs": [file.model_dump() for file in input_files(recurrence)],
    }
    for name, path in files.plans.items():
        drawn = made.plans[name]
        text = f"{name} plan, research use only"
        write_volume(path, Volume(drawn.mask, grid.affine), description=text, codes=grid.codes)
        write_json(
            sidecar(path),
            {
                "Description": f"Plan {name}: {PLANS[name]}. {RESEARCH}",
                "Type": "ROI",
                "Sources": [*_origin(job, name), source.key],
                "SpatialReference": source.key,
                "FilledByDistance": drawn.filled_by_distance,
                **about,
            },
        )
    write_text(files.plan_metrics, plans_tsv(made.metrics))
    columns = {
        "plan": {"Description": "name of the plan in files", "Levels": PLANS},
        "metric": {"Description": "what was measured", "Levels": METRICS},
        "value": {"Description": "n/a: there is no such number"},
    }
    write_json(sidecar(files.plan_metrics), {**columns, **about})


def make(job: Job, regions: TumourRegions) -> Made:
    """Draw and score the plans of a patient."""
    margin, later = job.settings.plan.ctv_margin_mm, job.patient.later()
    shown, brain = _brain(job, regions.WT)
    empty = not regions.TC.data.any()
    ground = Ground.of(brain, regions.WT if empty else regions.TC)
    standard = ground.standard(margin)
    fields = {"standard": -ground.distance, "model": read_volume(job.files.density).data}
    asked = job.settings.uncertainty.enabled
    fields["modelrobust"] = (
        read_volume(job.files.uncertain["infiltration"]).data
        if asked
        else np.full(brain.shape, np.nan)
    )
    recurrence: np.ndarray | None = None
    remarks: tuple[str, ...] = (NO_CORE,) if empty else ()
    if "patient.recurrence.mask" in later:
        recurrence, more = read_recurrence(later["patient.recurrence.mask"], regions)
        remarks += (*more, *_outside(recurrence, brain))
    beside = Beside(
        standard, far_from(regions.WT, brain), _other_hemisphere(job, regions), recurrence
    )
    plans, metrics, voxels = {}, {}, int(standard.sum())
    for name, values in fields.items():
        known = bool(np.isfinite(values[brain]).all())
        if name == "standard":
            plans[name] = Drawn(standard, 0)
        elif known:
            plans[name] = ground.of_volume(values, voxels)
        else:
            plans[name] = Drawn(np.zeros_like(standard), 0)
            remarks += (NO_POSTERIOR if asked else NOT_ASKED,)
        metrics[name] = scored(plans[name], values, ground, beside)
        if not known:
            metrics[name] = dict.fromkeys(metrics[name], np.nan)
    return Made(plans, metrics, shown, remarks)


def _outside(recurrence: np.ndarray, brain: np.ndarray) -> tuple[str, ...]:
    """A remark where no plan can cover a good part of a recurrence."""
    share = float((recurrence & ~brain).sum()) / max(int(recurrence.sum()), 1)
    text = f"{share:.0%} of the recurrence lies outside the brain, where no plan is"
    return (text,) if share > OUTSIDE else ()


def _brain(job: Job, grid: Volume) -> tuple[str, np.ndarray]:
    """What shows the brain, and the brain on the grid of the segmentation."""
    for name in IMAGES:
        given = getattr(job.patient.images, name)
        if given is not None:
            source = Source.of(f"patient.images.{name}", given)
            image = read_image(source)
            mask = image.with_data(brain_of_image(image))
            return source.key, resample_to(mask, grid, 0).data
    maps = {name: read_volume(path).data for name, path in job.files.maps.items()}
    return "tissue maps", brain_of_tissue(**maps)


def _other_hemisphere(job: Job, regions: TumourRegions) -> np.ndarray | None:
    """The side of the head with the lesser part of the tumour; None without a registration."""
    if not job.registered:
        return None
    side = midplane(read_volume(job.files.registered["t1"])).side(regions.WT)
    right = 2 * int((side[regions.WT.data] > 0).sum()) > int(regions.WT.data.sum())
    other: np.ndarray = side < 0 if right else side > 0
    return other


def _origin(job: Job, name: str) -> list[str]:
    """The map that a plan was drawn from, as BIDS names it."""
    maps: dict[str, Path] = {
        "model": job.files.density,
        "modelrobust": job.files.uncertain["infiltration"],
    }
    path: Any = maps.get(name)
    return [] if path is None else [f"bids::{path.relative_to(job.files.root).as_posix()}"]
