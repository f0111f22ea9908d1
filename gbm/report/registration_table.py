"""What the registration tried, and what it chose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gbm.report.formatting import num


def registration_rows(params: Mapping[str, Any]) -> list[dict[str, str]]:
    """Rows (attempt, stage, start, overlap, information, verdict) of all stages of all attempts.

    Parameters
    ----------
    params : mapping
        `desc-growth_params.json`; without a registration there is no row.
    """
    record = params.get("registration") or {}
    return [
        {
            "attempt": f"{attempt['metric']}, seed {attempt['seed']}"
            + ("" if attempt["chosen"] else " (not chosen)"),
            "stage": stage["stage"],
            "start": f"{stage['start']}, {stage['image']} climbed",
            "overlap": num(stage["overlap"], 3),
            "information": ", ".join(
                f"{name} {num(value, 3)}" for name, value in stage["information"].items()
            ),
            "kept": "kept" if stage["kept"] else "not kept: worse than the stage before",
        }
        for attempt in record.get("attempts", ())
        for stage in attempt.get("stages", ())
    ]


def registration_sentence(params: Mapping[str, Any]) -> str:
    """How many starts there were, in one sentence; empty where nothing was registered."""
    attempts = (params.get("registration") or {}).get("attempts", ())
    starts = [len(attempt.get("starts", ())) for attempt in attempts]
    if not any(starts):
        return ""
    more = (
        f", in {len(starts)} attempts because the default gates failed" if len(starts) > 1 else ""
    )
    return (
        f"{starts[0]} starts were judged by the overlap of the brain masks and the mutual "
        f"information of every image{more}; all their numbers are in the JSON file."
    )
