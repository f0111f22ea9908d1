"""The cohort: BIDS description, tables over all patients, and one page that names every failure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gbm.config.conventions import REGIONS
from gbm.config.errors import InputError
from gbm.io.ending import COMPLETE, Ending
from gbm.io.layout import Layout
from gbm.plan.table import Scores, read_plans
from gbm.results.estimate import Estimate
from gbm.results.metrics_table import Metrics, columns, read_metrics
from gbm.results.patient_result import PatientResult, read_result
from gbm.version import __version__

IGNORED = (
    "*.html",
    "cohort_metrics.tsv",
    "costs.tsv",
    "logs",
    "provenance",
    "work",
    "sub-*/figures",
    "sub-*/anat/*_desc-domain.npz",
    "sub-*/dicom",
    "sub-*/anat/*_celldensity.*",
    "sub-*/anat/*_desc-comparison_*",
    "sub-*/anat/*_desc-plan_metrics.tsv",
    "sub-*/anat/*_desc-plan_metrics.json",
    "sub-*/anat/*_desc-growth_params.json",
    "sub-*/anat/*_desc-growth_metrics.tsv",
    "sub-*/anat/*_desc-truth_params.json",
)
"""What is not BIDS in a results folder. No slash at the end: the validator asks about `work`, not
`work/`, where a folder has folders in it."""

COLUMNS: dict[str, dict[str, str]] = {
    "participant_id": {"Description": "name of the patient in paths"},
    "status": {"Description": "done, failed or unfinished"},
    "verdict": {"Description": "green, amber or red, the worst of the quality gates"},
    "dimensions": {"Description": "2: one slice was fitted; 3: the whole tumour"},
    "lambda_mm": {"Description": "infiltration length sqrt(D / rho)", "Units": "mm"},
    "lambda_mm_low": {"Description": "5 % of the posterior of lambda", "Units": "mm"},
    "lambda_mm_high": {"Description": "95 % of the posterior of lambda", "Units": "mm"},
    "rhoT": {"Description": "proliferation rate times the time T since onset"},
    "rhoT_low": {"Description": "5 % of the posterior of rho T"},
    "rhoT_high": {"Description": "95 % of the posterior of rho T"},
    "DT_mm2": {"Description": "diffusivity in white matter times T", "Units": "mm^2"},
    "threshold_WT": {"Description": "density at the outline of the whole tumour"},
    "threshold_TC": {"Description": "density at the outline of the tumour core"},
    "relative_error_u": {
        "Description": "relative L2 distance of network and finite volumes at the time of the scan;"
        " n/a for a direct fit"
    },
    "converged": {"Description": "whether the headline fit converged and agrees with its check"},
    "reason": {
        "Description": "why the patient failed or is unfinished, or the reasons of the verdict"
    },
}
"""Columns of `participants.tsv`, as `participants.json` describes them."""

STOPPED = "the command was stopped before this patient was finished: the same command goes on"
KILLED = "was killed, perhaps for lack of memory: its log names no error"
KILLED_AT_STOP = "was killed, by the stop or before it"
NOT_MADE = "its results have not been made yet"


@dataclass(frozen=True)
class Member:
    """One patient of the command.

    Attributes
    ----------
    patient : str
        Its name in paths.
    file : str
        Name of its patient file.
    status : str
        `done`, `failed` or `unfinished`.
    reasons : tuple of str
        Why it failed or is unfinished, or the reasons of its verdict.
    result : PatientResult or None
        Where it is done.
    metrics : mapping or None
        model -> region -> metric -> value where it is done.
    plans : mapping or None
        plan -> metric -> value where it is done and there are plans.
    """

    patient: str
    file: str
    status: str
    reasons: tuple[str, ...]
    result: PatientResult | None = None
    metrics: Metrics | None = None
    plans: Scores | None = None


def read_member(
    files: Layout, file: Path, planned: Collection[str], ending: Ending = COMPLETE
) -> Member:
    """State of one patient, from its outputs, its logs and how the command ended.

    A failure in the logs counts more than older outputs, which may be those of an earlier command;
    so do steps that a stopped command left. Steps that are not planned count for nothing: they
    belong to the comparison, or to a plan that was given up. A step that ended without a word
    failed; it may also have been ended with the command, where that was stopped.

    Parameters
    ----------
    files : Layout
    file : Path
        The patient file.
    planned : collection of str
        The steps of its main job.
    ending : Ending
        How the command ended; by default with all its steps.
    """
    patient, name, own = files.patient, file.name, files.logs
    made = files.params.stat().st_mtime if files.params.exists() else 0.0
    errors = ending.errors(own, planned.__contains__, made)
    silent = ending.silent(own, planned.__contains__)
    why = KILLED_AT_STOP if ending.stopped else KILLED
    killed = [f"{step}: {why}" for step in silent]
    if errors or (killed and not ending.stopped):
        return Member(patient, name, "failed", (*errors, *killed))
    if killed or ending.leaves(own, planned.__contains__):
        return Member(patient, name, "unfinished", (STOPPED, *killed))
    if not files.params.exists() or not files.metrics.exists():
        return Member(patient, name, "unfinished", (NOT_MADE,))
    try:
        found = read_result(files.params)
    except InputError as error:  # of another version, or edited; the other patients keep their page
        return Member(patient, name, "unfinished", (error.brief,))
    metrics, table = read_metrics(files.metrics), files.plan_metrics
    plans = read_plans(table) if found.dimensions == 3 and table.exists() else None
    return Member(patient, name, "done", found.verdict.reasons, found, metrics, plans)


def participant_rows(members: Sequence[Member]) -> list[list[str]]:
    """Rows of `participants.tsv`, one a patient, whatever became of it."""
    rows = []
    for member in members:
        p = member.result
        numbers: list[float | None] = [None] * 10
        if p is not None:
            numbers = [
                *with_interval(p.lambda_mm),
                *with_interval(p.rhoT),
                p.DT_mm2.value,
                *p.thresholds.levels().values(),
                p.network_error,
            ]
        rows.append(
            [
                f"sub-{member.patient}",
                member.status,
                p.verdict.colour if p else "n/a",
                str(p.dimensions) if p else "n/a",
                *("n/a" if number is None else f"{number:.6g}" for number in numbers),
                str(p.converged).lower() if p else "n/a",
                " | ".join(_one_line(reason) for reason in member.reasons) or "n/a",
            ]
        )
    return rows


def with_interval(estimate: Estimate) -> tuple[float | None, float | None, float | None]:
    """Value and both ends of the interval, None where there is none."""
    return (estimate.value, *(estimate.interval90 or (None, None)))


def cohort_metric_columns() -> list[str]:
    """Columns of `cohort_metrics.tsv`: identity, then `<model>_<metric>_<region>`.

    Sizes and extents have one column a unit: areas of patients of whom a slice was fitted, volumes
    of the others.
    """
    measured = [f"{model}_{metric}_{region}" for model, metric, region in columns()]
    return ["participant_id", "status", "verdict", *measured]


def cohort_metric_rows(members: Sequence[Member]) -> list[list[str]]:
    """Rows of `cohort_metrics.tsv`, one a patient, whatever became of it."""
    rows = []
    for member in members:
        found = member.metrics or {}
        values = [
            found.get(model, {}).get(region, {}).get(metric) for model, metric, region in columns()
        ]
        verdict = member.result.verdict.colour if member.result else "n/a"
        shown = ("n/a" if value is None else f"{value:.6g}" for value in values)
        rows.append([f"sub-{member.patient}", member.status, verdict, *shown])
    return rows


def by_dimension(members: Sequence[Member]) -> dict[int, list[Member]]:
    """The patients that are done, those of one slice first: what no median may mix."""
    found: dict[int, list[Member]] = {}
    for member in members:
        if member.result is not None and member.metrics is not None:
            found.setdefault(member.result.dimensions, []).append(member)
    return dict(sorted(found.items()))


def medians(members: Sequence[Member]) -> dict[str, dict[str, float | None]]:
    """Median DICE over the patients that are done: model -> region -> value.

    All of one dimension, see `by_dimension`.
    """
    done = [member.metrics for member in members if member.metrics is not None]
    models = dict.fromkeys(model for metrics in done for model in metrics)
    found: dict[str, dict[str, float | None]] = {}
    for model in models:
        found[model] = {}
        for region in REGIONS:
            values = [m.get(model, {}).get(region, {}).get("dice") for m in done]
            known = [v for v in values if v is not None]
            found[model][region] = float(np.median(known)) if known else None
    return found


def notice(members: Sequence[Member]) -> str | None:
    """A sentence about a command that was stopped; None where no patient waits for its next."""
    waiting = sum(STOPPED in member.reasons for member in members)
    if not waiting:
        return None
    are = "is" if waiting == 1 else "are"
    return (
        f"The command was stopped: {waiting} of {len(members)} patients {are} not finished; "
        "type it again to go on."
    )


def description() -> dict[str, Any]:
    """The BIDS `dataset_description.json` of the results."""
    return {
        "Name": "Personalised glioblastoma growth parameters",
        "BIDSVersion": "1.9.0",
        "DatasetType": "derivative",
        "GeneratedBy": [
            {
                "Name": "bilo-gbm",
                "Version": __version__,
                "Description": "Bilevel local operator learning of Fisher-KPP growth parameters "
                "from one scan, verified by finite volumes.",
            }
        ],
    }


def tsv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as text."""
    return "".join("\t".join(row) + "\n" for row in [header, *rows])


def _one_line(text: str) -> str:
    return " ".join(text.split())
