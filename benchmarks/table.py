"""Tables of an experiment: ``table.tsv``, ``table.md`` with the published numbers, figures."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from benchmarks import experiments, figures, results, summary
from benchmarks.cost_table import cost_rows
from benchmarks.experiments import COST

Cells = list[dict[str, str]]


def write(experiment: str, root: Path = results.ROOT, suffix: str = "") -> str:
    """Write table and figures from the results that are there; return the Markdown.

    Parameters
    ----------
    experiment : str
    root : Path
        Folder of all results.
    suffix : str
        Put after ``table`` in the names of the table's files.

    Raises
    ------
    CommandError
        If there are no results.
    """
    found = results.read(experiment, root)
    folder = root / experiment
    if experiment == COST:
        numbers = cost_rows(found, published(experiment))
        shown = numbers
    else:
        rows = summary.rows(found)
        numbers = [_numbers(row) for row in rows]
        shown = [row.labels | {k: str(v) for k, v in row.numbers.items()} for row in rows]
    text = _markdown(experiment, shown)
    results.write_text(folder / f"table{suffix}.tsv", _tsv(numbers))
    results.write_text(folder / f"table{suffix}.md", text)
    figures.write(experiment, found, folder / "figures")
    return text


def published(experiment: str) -> list[dict[str, str]]:
    """Published numbers of an experiment: rows of ``published.tsv``."""
    text = files("benchmarks").joinpath("published.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(io.StringIO(text), delimiter="\t")
    return [dict(row) for row in rows if row["experiment"] == experiment]


def _numbers(row: summary.Row) -> dict[str, str]:
    """Full precision, mean and deviation in columns of their own."""
    cells = dict(row.labels)
    for name, spread in row.numbers.items():
        cells[name] = "" if spread.mean is None else repr(spread.mean)
        cells[f"{name} sd"] = "" if spread.sd is None else repr(spread.sd)
    return cells


def _markdown(experiment: str, cells: Cells) -> str:
    declared = experiments.get(experiment)
    lines = [f"# {experiment}", "", declared.summary, "", *_grid(_informative(cells))]
    if experiment != COST:
        lines += ["", "Means ± standard deviations over the seeds."]
    lines += ["", *(f"* {remark}" for remark in declared.remarks)]
    return "\n".join(lines).rstrip() + "\n"


def _informative(cells: Cells) -> Cells:
    """Without the columns that say nothing in any row."""
    silent = {c for c in cells[0] if all(row[c] in ("-", "") for row in cells)}
    return [{c: v for c, v in row.items() if c not in silent} for row in cells]


def _grid(cells: Cells) -> Sequence[str]:
    head = list(cells[0])
    rows = [head, ["---"] * len(head), *([row[c] for c in head] for row in cells)]
    return ["| " + " | ".join(row) + " |" for row in rows]


def _tsv(cells: Cells) -> str:
    stream = io.StringIO()
    names = list(dict.fromkeys(name for row in cells for name in row))
    writer = csv.DictWriter(stream, names, delimiter="\t", lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(cells)
    return stream.getvalue()
