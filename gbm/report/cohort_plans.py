"""Plans side by side over the patients of a cohort whose recurrence was given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import wilcoxon

from gbm.plan.table import PLANS, Scores
from gbm.report.formatting import num
from gbm.results.cohort import Member

FEWEST = 6
"""Patients of which a signed-rank test is made: with fewer its p cannot fall below 0.05."""
BESIDE = tuple(name for name in PLANS if name != "standard")
"""Plans that are compared with the standard one."""


def covering(members: Sequence[Member]) -> dict[str, Scores]:
    """Plans of the patients with a recurrence that is not empty."""
    return {
        member.patient: member.plans
        for member in members
        if member.plans is not None and member.plans["standard"].get("recurrence_ml")
    }


def difference(scores: Scores, plan: str) -> float | None:
    """Coverage of a plan minus that of the standard one."""
    own, standard = (scores.get(name, {}).get("coverage") for name in (plan, "standard"))
    return None if own is None or standard is None else own - standard


def plan_rows(found: dict[str, Scores]) -> list[dict[str, Any]]:
    """A row a patient: coverage of every plan, and differences from the standard one."""
    return [
        {
            "patient": patient,
            "cells": [
                *(num(scores.get(plan, {}).get("coverage"), 3) for plan in PLANS),
                *(num(difference(scores, plan), 3) for plan in BESIDE),
            ],
        }
        for patient, scores in found.items()
    ]


def plan_sentences(found: dict[str, Scores]) -> list[str]:
    """Paired differences over the patients, with the Wilcoxon signed-rank test where n >= 6."""
    said = []
    for plan in BESIDE:
        known = [d for scores in found.values() if (d := difference(scores, plan)) is not None]
        if not known:
            continue
        values = np.array(known)
        p = signed_rank(values)
        test = (
            f"Wilcoxon signed-rank p = {p:.2g}"
            if p is not None
            else f"no test with fewer than {FEWEST} patients"
            if values.size < FEWEST
            else "no difference to test"
        )
        said.append(
            f"Coverage by the plan {plan} minus that by the standard one: "
            f"{num(float(np.median(values)), 3)} at the median of {values.size} "
            f"patient{'s' * (values.size > 1)}, {int((values > 0).sum())} above and "
            f"{int((values < 0).sum())} below 0; {test}."
        )
    return said


def signed_rank(differences: np.ndarray) -> float | None:
    """Two-sided p of the Wilcoxon signed-rank test; None for fewer than 6, or none that differ.

    >>> signed_rank(np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]))
    0.03125
    >>> signed_rank(np.zeros(8)) is None
    True
    """
    if differences.size < FEWEST or not differences.any():
        return None
    return float(wilcoxon(differences).pvalue)
