"""Write the page of the comparison over the patients of a command."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gbm.config.errors import InputError
from gbm.io.cohort_layout import CohortLayout
from gbm.io.ending import COMPLETE, Ending
from gbm.io.files import write_text
from gbm.io.layout import Layout
from gbm.report.comparison_findings import Compared
from gbm.report.comparison_page import render_comparison
from gbm.results.comparison import read_comparison
from gbm.results.metrics_table import read_metrics
from gbm.results.patient_result import read_result


def run(files: CohortLayout, patients: Iterable[str], ending: Ending = COMPLETE) -> None:
    """Write the page from whatever the patients have so far; those that lack a part are named.

    Parameters
    ----------
    files : CohortLayout
        Where it goes, and where the patients' results are.
    patients : iterable of str
        Names of the patients in paths, in the order of the command.
    ending : Ending
        How the command ended; by default with all its steps.
    """
    done, missing = [], {}
    for patient in patients:
        try:
            done.append(read(files.of(patient)))
        except FileNotFoundError as error:
            why = ending.errors(files.of(patient).logs) or ("the logs name no error",)
            missing[patient] = f"{Path(error.filename).name} has not been made: {'; '.join(why)}"
        except InputError as error:
            missing[patient] = str(error)
    write_text(files.comparison, render_comparison(done, missing))


def read(files: Layout) -> Compared:
    """The result of a patient and its comparison."""
    return Compared(
        result=read_result(files.params),
        metrics=read_metrics(files.metrics),
        comparison=read_comparison(files.comparison),
        others=read_metrics(files.comparison_metrics),
    )
