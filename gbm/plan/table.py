"""The table of the plans of a patient, `desc-plan_metrics.tsv`: plan, metric, value."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

PLANS = {
    "standard": "the margin around the core, inside the brain",
    "model": "as many voxels, those of the highest predicted density",
    "modelrobust": "as many voxels, those of the highest probability of infiltration",
}
"""Names of the plans in files, in this order."""

RESEARCH = "Research use only: a plan for comparison, not meant for treatment."
"""Stands on every plan."""

METRICS: dict[str, dict[str, str]] = {
    "volume_ml": {"Description": "volume of the plan, that of the standard one", "Units": "ml"},
    "dice": {"Description": "Dice similarity coefficient with the standard plan"},
    "hd95_mm": {
        "Description": "95 % Hausdorff distance from the standard plan", "Units": "mm",
    },
    "beyond_20mm_ml": {
        "Description": "part of the plan farther than 20 mm from the whole tumour", "Units": "ml",
    },
    "other_hemisphere_ml": {
        "Description": "part of the plan beyond the mid-sagittal plane of the registered atlas; "
        "n/a where tissue maps were given",
        "Units": "ml",
    },
    "filled_by_distance": {
        "Description": "voxels that equal values, or zeros, left to the distance from the core",
        "Units": "voxels",
    },
    "coverage": {
        "Description": "part of the recurrence that was given inside the plan; 1 where it is empty",
    },
    "missed_ml": {"Description": "recurrence outside the plan", "Units": "ml"},
    "recurrence_ml": {"Description": "volume of the recurrence that was given", "Units": "ml"},
    "auc": {
        "Description": "area under the ROC curve of what the plan was drawn from (minus the "
        "distance to the core, density, probability) against the recurrence, in the brain outside "
        "the core",
    },
}  # fmt: skip
"""Rows of a plan; those from `coverage` on where a recurrence was given."""

Scores = Mapping[str, Mapping[str, float | None]]
"""plan -> metric -> value"""


def plans_tsv(scores: Scores) -> str:
    """The long table as TSV; a value that does not exist is `n/a`, as in BIDS."""
    lines = ["plan\tmetric\tvalue"]
    for plan, values in scores.items():
        for metric, value in values.items():
            known = value is not None and np.isfinite(value)
            lines.append(f"{plan}\t{metric}\t{format(value, '.6g') if known else 'n/a'}")
    return "\n".join(lines) + "\n"


def read_plans(path: Path) -> Scores:
    """Read a table of plans."""
    found: dict[str, dict[str, float | None]] = {}
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        plan, metric, text = line.split("\t")
        found.setdefault(plan, {})[metric] = None if text == "n/a" else float(text)
    return found
