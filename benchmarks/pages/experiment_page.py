"""The page of one experiment: in words, in a table of at most twelve columns, in figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import experiments, figures
from benchmarks.design import published
from benchmarks.pages import reading, table
from benchmarks.pages.line import NOT_RUN
from benchmarks.results import store, summary
from benchmarks.runs import archive, parts

MOST = 12
"""Columns."""
OF_EACH = {
    "rel. errors": " rel. error",
    "vs fit": " vs fit",
    "of best penalty": " of best penalty",
}
"""Columns of an experiment, and how the names of their numbers end."""
OPTIONS = {"w_dat": "data weight {}", "samples": "{}", "boundary": "{}", "w_reg": "weight {}"}


def write(experiment: str, found: Sequence[summary.Result], root: Path, folder: Path) -> None:
    """Write ``<experiment>.md`` and its figures.

    Parameters
    ----------
    experiment : str
    found : sequence of Result
        Its runs of this version; there may be none.
    root : Path
        Where they are.
    folder : Path
        Where the page goes; its figures go to a folder of the experiment's name in it.
    """
    declared = experiments.get(experiment)
    text = [
        table.WIDE,
        f"# {experiment}",
        "",
        f"{declared.summary}.",
        "",
        *_counts(experiment, root),
    ]
    if found:
        text += ["", *lines(experiment, found), "", "## In words", ""]
        text += reading.read(experiment, found)
    if declared.remarks:
        text += ["", "## To know", "", *(f"* {remark}" for remark in declared.remarks)]
    for file in figures.write(experiment, found, folder / experiment) if found else ():
        link = file.relative_to(folder).as_posix()
        text += ["", f"![{experiment}: {file.stem}]({link})"]
    store.write_text(folder / f"{experiment}.md", "\n".join(text) + "\n")


def lines(experiment: str, found: Sequence[summary.Result]) -> list[str]:
    """The table, means over the seeds, published numbers in brackets."""
    theirs = published.read(experiment)
    if experiment in table.ROWS:
        shown = list(table.grid(table.informative(table.ROWS[experiment](found, theirs))))
    else:
        rows = [_cells(experiment, row, theirs) for row in summary.rows(found)]
        shown = [
            *table.grid(table.informative(rows)),
            "",
            "Means ± standard deviations over the seeds, [published ones in brackets].",
        ]
        missing = published.alone([row.labels for row in summary.rows(found)], theirs)
        shown += [f"Published and {NOT_RUN}: {_settings(missing)}."] if missing else []
    return shown + table.further(experiment, found)


def _cells(
    experiment: str, row: summary.Row, theirs: Sequence[published.Printed]
) -> dict[str, str]:
    """A row: what was run, how often, and the columns that the experiment chose."""
    labels, printed = row.labels, published.beside(row.labels, theirs)
    told = [text.format(labels[k]) for k, text in OPTIONS.items() if labels[k] != "-"]
    noise = "no noise" if row.noise == 0 else f"noise {labels['noise']}"
    cells = {
        "method": labels["method"],
        "recipe": labels["recipe"],
        "setting": ", ".join(told) or "-",
        "data": noise if labels["truth"] == "-" else f"{labels['truth']}, {noise}",
        "converged": f"{labels['converged']} of {labels['runs']}",
    }
    for name in _columns(experiment, row):
        beside = printed.get(summary.FIELDS.get(name, ""))
        cells[name] = str(row.numbers[name]) + (f" [{beside}]" if beside else "")
    assert len(cells) <= MOST
    return cells


def _columns(experiment: str, row: summary.Row) -> list[str]:
    """Names of numbers; those in `OF_EACH` stand for those of all unknowns that have them."""
    names: list[str] = []
    for column in experiments.get(experiment).columns:
        ending = OF_EACH.get(column)
        names += [column] if ending is None else [n for n in row.numbers if n.endswith(ending)]
    return names


def _counts(experiment: str, root: Path) -> list[str]:
    """How many of the planned runs are of this version, part by part."""
    told = []
    for part, what in parts.PARTS.items():
        planned = parts.runs(experiment, part)
        here = sum(archive.has(run, root) for run in planned)
        rest = f"; the others: {NOT_RUN}" if here < len(planned) else ""
        told += [f"* {what}: {here} of {len(planned)} runs{rest}"] if planned else []
    return told


def _settings(missing: Sequence[Mapping[str, str]]) -> str:
    return "; ".join(
        " ".join(
            f"{name} {value}" if name != "method" else value
            for name, value in s.items()
            if value != "-"
        )
        for s in missing
    )
