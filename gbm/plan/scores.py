"""How plans lie beside the standard one, and beside a recurrence that is given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.stats import rankdata

from gbm.imaging.overlap import dice, hd95_mm
from gbm.io.volumes import Volume
from gbm.plan.shapes import Drawn, Ground, bounding_box

FAR_MM = 20.0
"""Tissue of a plan farther than this from the whole tumour is counted."""


@dataclass(frozen=True)
class Beside:
    """What all plans of a patient are compared with.

    Attributes
    ----------
    standard : bool ndarray (nx, ny, nz)
        The plan of reference.
    far : bool ndarray (nx, ny, nz)
        More than `FAR_MM` from the whole tumour.
    other : bool ndarray (nx, ny, nz) or None
        The hemisphere that holds the lesser part of the tumour; None where it is not known.
    recurrence : bool ndarray (nx, ny, nz) or None
        None where none is given.
    """

    standard: np.ndarray
    far: np.ndarray
    other: np.ndarray | None
    recurrence: np.ndarray | None


def far_from(whole: Volume, brain: np.ndarray) -> np.ndarray:
    """Voxels of the brain more than `FAR_MM` from a tumour."""
    box = bounding_box(brain | whole.data)
    far = np.zeros(brain.shape, bool)
    distance = distance_transform_edt(~whole.data[box], sampling=whole.spacing)
    far[box] = brain[box] & (distance > FAR_MM)
    return far


def scored(drawn: Drawn, values: np.ndarray, ground: Ground, beside: Beside) -> dict[str, float]:
    """The metrics of one plan by name; a number that does not exist is NaN.

    Parameters
    ----------
    drawn : Drawn
    values : ndarray (nx, ny, nz)
        What it was drawn from, which `auc` judges: density, probability or minus the distance.
    ground, beside
        Of the patient.

    Returns
    -------
    dict
        ``volume_ml``; against the standard plan ``dice`` and ``hd95_mm``; ``beyond_20mm_ml``,
        ``other_hemisphere_ml``, ``filled_by_distance`` (voxels) and, where there is a recurrence,
        ``coverage``, ``missed_ml``, ``recurrence_ml`` and ``auc``.
    """
    mask, ml = drawn.mask, ground.voxel_ml
    box = bounding_box(mask | beside.standard)
    own, standard = (np.pad(m[box], 1) for m in (mask, beside.standard))
    other = beside.other
    found = {
        "volume_ml": ml * int(mask.sum()),
        "dice": dice(own, standard),
        "hd95_mm": hd95_mm(own, standard, ground.spacing),
        "beyond_20mm_ml": ml * int((mask & beside.far).sum()),
        "other_hemisphere_ml": np.nan if other is None else ml * int((mask & other).sum()),
        "filled_by_distance": float(drawn.filled_by_distance),
    }
    if beside.recurrence is None:
        return found
    recurrence = beside.recurrence
    elsewhere = ground.brain & ~ground.core
    return found | {
        "coverage": coverage(mask, recurrence),
        "missed_ml": ml * int((recurrence & ~mask).sum()),
        "recurrence_ml": ml * int(recurrence.sum()),
        "auc": auc(values[elsewhere], recurrence[elsewhere]),
    }


def coverage(plan: np.ndarray, recurrence: np.ndarray) -> float:
    """The part |recurrence and plan| / |recurrence| that a plan covers; 1 where there is none."""
    total = int(recurrence.sum())
    return int((recurrence & plan).sum()) / total if total else 1.0


def auc(values: np.ndarray, positive: np.ndarray) -> float:
    """Area under the receiver operating characteristic: P(value in > value out) + P(equal) / 2.

    NaN where nothing or everything is positive.

    >>> auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
    0.75
    """
    inside = int(positive.sum())
    outside = positive.size - inside
    if not inside or not outside:
        return float("nan")
    ranks = float(rankdata(values)[positive].sum())
    return (ranks - inside * (inside + 1) / 2) / (inside * outside)
