"""Write the cohort page and tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from gbm.io.cohort_layout import CohortLayout
from gbm.io.ending import COMPLETE, Ending
from gbm.io.files import write_json, write_text
from gbm.report.cohort_page import render_cohort
from gbm.results.cohort import (
    COLUMNS,
    IGNORED,
    cohort_metric_columns,
    cohort_metric_rows,
    description,
    notice,
    participant_rows,
    read_member,
    tsv,
)


def run(
    files: CohortLayout,
    patients: Mapping[str, Path],
    plans: Mapping[str, Collection[str]],
    ending: Ending = COMPLETE,
) -> None:
    """Write the page and tables of the cohort from whatever the patients have so far.

    What it was given is kept, for `gbm.command.pages`.

    Parameters
    ----------
    files : CohortLayout
        Where they go, and where the patients' results and logs are.
    patients : mapping
        Name of the patient in paths to its patient file, in the order of the command.
    plans : mapping
        Name of the patient to the steps of its main job, see `gbm.config.plan.planned_steps`.
    ending : Ending
        How the command ended; by default with all its steps.
    """
    members = [
        read_member(files.of(key), file, plans[key], ending) for key, file in patients.items()
    ]
    write_json(files.description, description())
    write_text(files.ignore, "".join(f"{pattern}\n" for pattern in IGNORED))
    write_text(files.participants, tsv([*COLUMNS], participant_rows(members)))
    write_json(files.columns, COLUMNS)
    write_text(files.metrics, tsv(cohort_metric_columns(), cohort_metric_rows(members)))
    write_text(files.page, render_cohort(members, notice(members)))
    write_json(
        files.given,
        {
            key: {"file": str(file.absolute()), "steps": sorted(plans[key])}
            for key, file in patients.items()
        },
    )
