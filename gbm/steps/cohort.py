"""Write the cohort page and tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gbm.io.ending import COMPLETE, Ending
from gbm.io.files import write_json, write_text
from gbm.report.cohort_page import render_cohort
from gbm.results.cohort import (
    COLUMNS,
    IGNORED,
    cohort_metric_columns,
    cohort_metric_rows,
    description,
    medians,
    notice,
    participant_rows,
    read_member,
    tsv,
)


def run(
    *, results: Path, patients: Mapping[str, Path], logs: Path, ending: Ending = COMPLETE
) -> None:
    """Write the files of the cohort from whatever the patients have so far.

    Parameters
    ----------
    results : Path
        Folder of the derivatives (`results/gbm`). Written there: `dataset_description.json`,
        `.bidsignore`, `participants.tsv` and `.json`, `cohort_metrics.tsv`, `cohort.html`.
    patients : mapping
        Name of the patient in paths to its patient file, in the order of the command.
    logs : Path
        Folder with one folder `sub-<id>` of logs for each patient.
    ending : Ending
        How the command ended; by default with all its steps.
    """
    members = [read_member(results, key, file, logs, ending) for key, file in patients.items()]
    write_json(results / "dataset_description.json", description())
    write_text(results / ".bidsignore", "".join(f"{pattern}\n" for pattern in IGNORED))
    write_text(results / "participants.tsv", tsv([*COLUMNS], participant_rows(members)))
    write_json(results / "participants.json", COLUMNS)
    write_text(
        results / "cohort_metrics.tsv", tsv(cohort_metric_columns(), cohort_metric_rows(members))
    )
    page = render_cohort(members, medians(members), notice(members))
    write_text(results / "cohort.html", page)
