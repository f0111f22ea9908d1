"""The plans of a patient on the page: what was drawn, its numbers, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gbm.domain.domain import Domain
from gbm.domain.plane import sample
from gbm.imaging.labels import TumourRegions
from gbm.imaging.recurrence import read_recurrence
from gbm.io.files import read_json
from gbm.io.job import Job
from gbm.io.layout import sidecar
from gbm.io.nifti import read_volume
from gbm.io.volumes import Volume
from gbm.plan.table import PLANS, Scores, read_plans
from gbm.report.figures.canvas import near_tumour
from gbm.report.figures.plans import plans as draw_plans
from gbm.report.formatting import num, percent
from gbm.report.section import Section

SHOWN: tuple[tuple[str, str, int], ...] = (
    ("volume_ml", "volume, ml", 1),
    ("dice", "DICE", 3),
    ("hd95_mm", "HD95, mm", 1),
    ("beyond_20mm_ml", "far, ml", 1),
    ("other_hemisphere_ml", "other side, ml", 1),
    ("coverage", "coverage", 3),
    ("missed_ml", "missed, ml", 2),
    ("auc", "AUC", 3),
)
"""Columns of the table: metric, name and decimals; the last ones where there is a recurrence."""


@dataclass(frozen=True)
class PlanView:
    """What the page shows of the plans.

    Attributes
    ----------
    masks : mapping of Volume
        Plans that are not empty, by name.
    recurrence : Volume or None
    scores : mapping
        plan -> metric -> value
    about : mapping
        `MarginMm`, `Brain` and `Remarks` of the sidecar.
    """

    masks: Mapping[str, Volume]
    recurrence: Volume | None
    scores: Scores
    about: Mapping[str, Any]

    @classmethod
    def read(cls, job: Job, regions: TumourRegions) -> PlanView:
        """What the step `plan` wrote, and the recurrence it was scored against."""
        files, later = job.files, job.patient.later().get("patient.recurrence.mask")
        masks = {name: read_volume(path) for name, path in files.plans.items()}
        found = None
        if later is not None:
            found = regions.WT.with_data(read_recurrence(later, regions)[0])
        return cls(
            {name: mask for name, mask in masks.items() if mask.data.any()},
            found,
            read_plans(files.plan_metrics),
            read_json(sidecar(files.plan_metrics)),
        )

    def centre(self, domain: Domain) -> tuple[np.ndarray, str]:
        """Where the planes of the figures meet, mm along the axes of the problem, and its name."""
        shown = self.recurrence
        if shown is None or not shown.data.any():
            return domain.centroid(domain.WT), "the segmented whole tumour"
        world = shown.affine @ np.append(np.argwhere(shown.data).mean(axis=0), 1.0)
        index = (np.linalg.inv(domain.affine) @ world)[:3]
        first = np.array([axis[0] for axis in domain.axes])
        return first + domain.spacing * index, "the recurrence that was given"

    def columns(self) -> list[str]:
        """Heads of the table."""
        return [name for metric, name, _ in SHOWN if metric in self.scores["standard"]]

    def rows(self) -> list[dict[str, Any]]:
        """One a plan."""
        return [
            {
                "name": plan,
                "what": PLANS[plan],
                "cells": [num(v[metric], digits) for metric, _, digits in SHOWN if metric in v],
            }
            for plan, v in self.scores.items()
        ]

    def sentences(self) -> list[str]:
        """What the numbers say, remarks first."""
        said = [f"{remark[0].upper()}{remark[1:]}." for remark in self.about["Remarks"]]
        for plan, values in self.scores.items():
            filled = values["filled_by_distance"]
            if filled:
                said.append(
                    f"{filled:.0f} voxels of the plan {plan} are there by their distance from the "
                    "core: their values are equal, or 0."
                )
        standard = self.scores["standard"].get("coverage")
        if standard is None:
            return [*said, "No recurrence was given: nothing says which plan is the better one."]
        covered = ", ".join(
            f"{percent(value)} ({plan})"
            for plan, values in self.scores.items()
            if (value := values["coverage"]) is not None
        )
        return [
            *said,
            f"Of the recurrence that was given ({num(self.scores['standard']['recurrence_ml'], 1)} "
            f"ml) the plans cover {covered}.",
        ]

    def figures(self, views: Mapping[str, tuple[Section, np.ndarray | None]]) -> dict[str, Figure]:
        """The plans on planes, given with the image there, by the end of the figures' names."""
        drawn = {}
        for key, (plane, image) in views.items():
            domain = plane.domain
            on = {n: sample(domain, m.data.astype(float), m.affine) for n, m in self.masks.items()}
            later = self.recurrence
            back = None if later is None else sample(domain, later.data.astype(float), later.affine)
            seen: Sequence[np.ndarray] = [*on.values(), *([] if back is None else [back])]
            window = near_tumour(domain, *(values > 0.5 for values in seen))
            title = f"Plans, {domain.plane}: research use only"
            drawn[f"plans{key}"] = draw_plans(domain, image, on, back, title, window)
        return drawn
