"""What to call a fit when its verification and the direct fit have spoken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gbm.growth.records import CONVERGED, INDISTINCT, NOT_CONVERGED
from gbm.results.quality import difference

Record = Mapping[str, Any]


def outcome(fit: Record, verification: Record, reference: Record) -> dict[str, Any]:
    """What to call a fit, and why: `status`, `converged` and `warnings`.

    The verification has the last word, then the direct fit with the same origin: a fit whose
    verified objective is more than `INDISTINCT` above has not converged, whatever its losses say.
    """
    warnings = list(dict.fromkeys([*verification["warnings"], *fit["warnings"]]))
    status = str(fit["status"])
    gap = difference(verification["objective"]["fdm"], reference["objective"])
    if not gap <= INDISTINCT:
        lower = f"{gap:.4f}" if np.isfinite(gap) else "an unknown amount"
        warnings.append(f"the direct fit's objective is {lower} lower")
        status = NOT_CONVERGED
    if verification["status"] != CONVERGED:
        status = str(verification["status"])
    done = bool(fit["converged"]) and status == CONVERGED
    return {"status": status, "converged": done, "warnings": warnings}


def started(fit: Record) -> dict[str, Any]:
    """Where a fit began: `start` and, of a fit that began twice, `first_start`."""
    assessment = fit.get("assessment") or {}
    return {key: assessment.get(key) for key in ("start", "first_start")}


def unsettled(reference: Record) -> str:
    """Why the direct fit is no optimum to rely on, or ""."""
    said = "; ".join(reference["warnings"])
    return said or ("" if reference["converged"] else "it has not converged")
