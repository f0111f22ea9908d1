"""The page of results: one table that a minute is enough for, and a page an experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import experiments
from benchmarks.design.errors import CommandError
from benchmarks.figures import overview, save
from benchmarks.pages import experiment_page, opening, reading, table
from benchmarks.pages.line import NOT_PLANNED, NOT_RUN
from benchmarks.results import store
from benchmarks.results.summary import Result
from benchmarks.runs import code, parts

OVERVIEW = "overview.svg"
TUMOURS = "tumours.md"
"""Kept by hand, for the patients are no part of the project."""
INTRO = (
    "The experiments of the paper and some beside it, each once: how far every way ends from the "
    "truth. BiLO is the mean of five seeds with the recipe and weight that the experiment's page "
    "names; its paper's recipe has one seed. Of the classical methods, of PINN and of DeepONet the "
    "best of all settings that were tried is shown, chosen with the truth in hand. Who wins is "
    "told of the seeds that all of them have, as each draws noise of its own. An asterisk: at "
    "least one seed does not call itself converged. "
    f"`{NOT_RUN}`: planned, and there is no run of the code of now; "
    f"`{NOT_PLANNED}`: no part of this comparison."
)


def write(root: Path, path: Path) -> None:
    """Write the page, and beside it a folder of its name with a page an experiment.

    Parameters
    ----------
    root : Path
        Folder of the runs; those of other code are left out.
    path : Path
        The page.

    Raises
    ------
    CommandError
        If there are no runs of the code of now, or a file is no result.
    """
    found = {name: _present(name, root) for name in experiments.names()}
    every = [run for runs in found.values() for run in runs]
    if not every:
        raise CommandError(
            f"no results of this version in {root}; run: snakemake --cores all results_bilo"
        )
    lines = opening.lines(found)
    folder = path.parent / path.stem
    save(overview.draw([line.errors() for line in lines if line.is_error]), folder / OVERVIEW)
    text = [table.WIDE, "# Results", "", INTRO, ""]
    text += table.grid([line.cells(path.stem) for line in lines])
    text += ["", f"![The errors of the table]({path.stem}/{OVERVIEW})", ""]
    text += [*_described(found, path.stem)]
    if (folder / TUMOURS).is_file():
        text += [f"* [tumours]({path.stem}/{TUMOURS}): of eight real heads and of known tumours"]
    text += ["", "## What made it", "", *_made_by(every)]
    store.write_text(path, "\n".join(text) + "\n")
    for name, runs in found.items():
        experiment_page.write(name, runs, root, folder)


def _present(experiment: str, root: Path) -> list[Result]:
    """Runs of the code of now; a file that no plan names any more is none of them."""
    planned = [store.path_of(run, root) for run in parts.runs(experiment)]
    there = [path for path in planned if path.is_file()]
    if not there:
        return []
    return [run for run in store.read(experiment, root, there) if code.is_present(run)]


def _described(found: Mapping[str, Sequence[Result]], folder: str) -> list[str]:
    """Experiments that are no row of the table."""
    told = []
    for name, runs in found.items():
        if not experiments.get(name).headlines:
            said = reading.read(name, runs)[0].removeprefix("* ") if runs else NOT_RUN
            told.append(f"* [{name}]({folder}/{name}.md): {said}")
    return told


def _told(commit: str) -> str:
    """A commit in short, and whether files differed from it."""
    digits, _, changed = commit.partition(", ")
    return digits[:7] + (f" ({changed})" if changed else "")


def _made_by(every: Sequence[Result]) -> list[str]:
    """Commands, commits, dates, machines and versions of the runs."""
    machines = [run["machine"] for run in every]
    named = dict.fromkeys(f"{m['processor']}, {m['cores']} cores, {m['system']}" for m in machines)
    loads = [m["load"] for m in machines]
    commits = sorted({_told(run["commit"]) for run in every})
    dates = sorted(run["date"] for run in every)
    devices = dict.fromkeys(f"{run['device']}, {run['threads']} thread(s)" for run in every)
    versions = dict.fromkeys(f"{k} {v}" for run in every for k, v in run["versions"].items())
    return [
        "```bash",
        "snakemake --cores all results         # makes what is missing, and these pages",
        "```",
        "",
        f"* {len(every)} runs, {dates[0]} to {dates[-1]}, of commit {', '.join(commits)}: each by "
        "code that had not changed when this page was written",
        f"* machine: {'; '.join(named)}; a run: {'; '.join(devices)}",
        f"* load of the machine at the end of the runs (processes that wanted a core): "
        f"{min(loads):g} to {max(loads):g}; seconds mean little where it exceeds the cores",
        f"* versions: {', '.join(versions)}",
    ]
