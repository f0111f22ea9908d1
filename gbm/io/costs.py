"""What the steps of a cohort took: time, processor time and memory of each kind of step."""

from __future__ import annotations

import csv
import re
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

HEADER = (
    "step",
    "jobs",
    "seconds_median",
    "cpu_seconds_median",
    "cpu_seconds_max",
    "memory_mb_max",
)
"""Columns of `costs.tsv`."""


@dataclass(frozen=True)
class MeasuredJob:
    """One job as Snakemake measured it; None where it was too short to be looked at.

    Attributes
    ----------
    step : str
        Kind of step: `register`, `fit bilo`, `verify`, ...
    seconds : float
        From start to end; grows where jobs share cores.
    cpu_seconds : float or None
        Of the processor.
    memory_mb : float or None
        Largest resident memory.
    """

    step: str
    seconds: float
    cpu_seconds: float | None
    memory_mb: float | None


def kind(stem: str) -> str:
    """Kind of a step, from the name of its file.

    >>> kind("fit_pinn_char_w1e-3_seed0"), kind("verify_bilo_char_fixed_seed0"), kind("check")
    ('fit pinn', 'verify', 'check')
    """
    match = re.fullmatch(r"(fit|verify)_(bilo|pinn)_.*", stem)
    if match is None:
        return stem
    return f"fit {match[2]}" if match[1] == "fit" else "verify"


def read_cost(file: Path) -> MeasuredJob:
    """Read one of Snakemake's benchmark files."""
    with file.open(encoding="utf-8", newline="") as stream:
        row = list(csv.DictReader(stream, delimiter="\t"))[-1]

    def number(name: str) -> float | None:
        text = row.get(name, "")
        return float(text) if re.fullmatch(r"[\d.eE+-]*\d", text) else None

    return MeasuredJob(kind(file.stem), float(row["s"]), number("cpu_time"), number("max_rss"))


def cost_rows(jobs: Iterable[MeasuredJob]) -> list[list[str]]:
    """Rows of `costs.tsv`: one a kind of step, the dearest first."""
    steps: dict[str, list[MeasuredJob]] = {}
    for job in jobs:
        steps.setdefault(job.step, []).append(job)
    rows = []
    for step, group in steps.items():
        cpu = [job.cpu_seconds for job in group if job.cpu_seconds is not None]
        memory = [job.memory_mb for job in group if job.memory_mb is not None]
        numbers = (
            statistics.median(job.seconds for job in group),
            statistics.median(cpu) if cpu else None,
            max(cpu, default=None),
            max(memory, default=None),
        )
        total = sum(cpu)
        shown = ["n/a" if v is None else f"{v:.1f}" for v in numbers]
        rows.append((total, [step, str(len(group)), *shown]))
    return [row for _, row in sorted(rows, key=lambda pair: -pair[0])]
