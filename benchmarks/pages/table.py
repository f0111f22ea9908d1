"""Tables of an experiment: ``table.tsv``, ``table.md`` with the published numbers, figures."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from benchmarks import experiments, figures
from benchmarks.cost.table import cost_rows
from benchmarks.design import published
from benchmarks.pages import truncation
from benchmarks.results import store, summary
from benchmarks.theory.table import function_rows, theory_rows

Cells = list[dict[str, str]]
WIDE = "---\nhide: [toc]\n---\n"
"""At the top of a page: the site leaves its width to the table."""
ROWS = {"cost": cost_rows, "theory": theory_rows}
"""Tables that are no means over seeds."""
FURTHER = {
    "heat": (
        "The truth and the classical inversion, cut after some modes:",
        lambda found: truncation.rows(),
    ),
    "theory": ("Unknown functions, along a fit:", function_rows),
}
"""A second table."""


def write(experiment: str, root: Path = store.ROOT, suffix: str = "") -> str:
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
    found = store.read(experiment, root)
    folder = root / experiment
    title = [f"# {experiment}", "", experiments.get(experiment).summary + ".", ""]
    text = "\n".join([*title, *lines(experiment, found)]) + "\n"
    store.write_text(folder / f"table{suffix}.tsv", _tsv(_cells(experiment, found)))
    store.write_text(folder / f"table{suffix}.md", text)
    figures.write(experiment, found, folder / "figures")
    return text


def lines(experiment: str, found: Sequence[summary.Result]) -> list[str]:
    """Lines of the Markdown table, ours beside the published numbers, and the remarks."""
    theirs = published.read(experiment)
    if experiment in ROWS:
        shown, means = ROWS[experiment](found, theirs), []
    else:
        shown = _beside(summary.rows(found), theirs)
        means = ["", "Means ± standard deviations over the seeds, ours and the published ones."]
    means += further(experiment, found)
    remarks = [f"* {remark}" for remark in experiments.get(experiment).remarks]
    return [*grid(informative(shown)), *means, *([""] if remarks else []), *remarks]


def further(experiment: str, found: Sequence[summary.Result]) -> list[str]:
    """Lines of an experiment's second table, where it has one."""
    title, rows_of = FURTHER.get(experiment, ("", lambda found: []))
    rows = rows_of(found)
    return ["", title, "", *grid(rows)] if rows else []


def _cells(experiment: str, found: Sequence[summary.Result]) -> Cells:
    """The table for programs."""
    if experiment in ROWS:
        return ROWS[experiment](found, published.read(experiment))
    return [_numbers(row) for row in summary.rows(found)]


def _beside(rows: Sequence[summary.Row], printed: Sequence[published.Printed]) -> Cells:
    """Means and deviations, each with the published number in the next column.

    What was published and not run here follows in rows of its own.
    """
    ours = [
        (row.labels, {name: str(spread) for name, spread in row.numbers.items()}) for row in rows
    ]
    labels, numbers = ours[0]
    blank = dict.fromkeys(labels, "-")
    others = [
        ({**blank, **setting}, dict.fromkeys(numbers, "-"))
        for setting in published.alone([row.labels for row in rows], printed)
    ]
    cells = []
    for labels, numbers in [*ours, *others]:
        theirs = published.beside(labels, printed)
        cells.append(dict(labels))
        for name, ours_there in numbers.items():
            cells[-1][name] = ours_there
            cells[-1][f"{name}, published"] = theirs.get(summary.FIELDS.get(name, ""), "-")
    return cells


def _numbers(row: summary.Row) -> dict[str, str]:
    """Full precision, mean and deviation in columns of their own."""
    cells = dict(row.labels)
    for name, spread in row.numbers.items():
        cells[name] = "" if spread.mean is None else repr(spread.mean)
        cells[f"{name} sd"] = "" if spread.sd is None else repr(spread.sd)
    return cells


def informative(cells: Cells) -> Cells:
    """Without the columns that say nothing in any row."""
    silent = {c for c in cells[0] if all(row[c] in ("-", "") for row in cells)}
    return [{c: v for c, v in row.items() if c not in silent} for row in cells]


def grid(cells: Cells) -> Sequence[str]:
    """Rows as a Markdown table."""
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
