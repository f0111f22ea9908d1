"""What the registration tried, and what it chose."""

from __future__ import annotations

from gbm.report.formatting import num
from gbm.results.registration_record import RegistrationRecord


def registration_rows(record: RegistrationRecord | None) -> list[dict[str, str]]:
    """Rows (attempt, stage, start, overlap, information, verdict) of all stages of all attempts.

    Parameters
    ----------
    record : RegistrationRecord or None
        Without a registration there is no row.
    """
    return [
        {
            "attempt": f"{attempt.metric}, seed {attempt.seed}"
            + ("" if attempt.chosen else " (not chosen)"),
            "stage": stage.stage,
            "start": f"{stage.start}, {stage.image} climbed",
            "overlap": num(stage.overlap, 3),
            "information": ", ".join(
                f"{name} {num(value, 3)}" for name, value in stage.information.items()
            ),
            "kept": "kept" if stage.kept else "not kept: worse than the stage before",
        }
        for attempt in (() if record is None else record.attempts)
        for stage in attempt.stages
    ]


def registration_sentence(record: RegistrationRecord | None) -> str:
    """How many starts there were, in one sentence; empty where nothing was registered."""
    starts = [] if record is None else [len(attempt.starts) for attempt in record.attempts]
    if not any(starts):
        return ""
    more = (
        f", in {len(starts)} attempts because the default gates failed" if len(starts) > 1 else ""
    )
    return (
        f"{starts[0]} starts were judged by the overlap of the brain masks and the mutual "
        f"information of every image{more}; all their numbers are in the JSON file."
    )
