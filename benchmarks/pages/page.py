"""One page of all results: commands, machine, and for each experiment reading, table, figures."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import experiments
from benchmarks.design.errors import CommandError
from benchmarks.pages import reading, table
from benchmarks.results import store


def write(root: Path, path: Path) -> None:
    """Write the page; figures are copied to a folder beside it unless it lies among the results.

    Parameters
    ----------
    root : Path
        Folder of all results.
    path : Path
        The page.

    Raises
    ------
    CommandError
        If there are no results at all, or a file is no result.
    """
    found = {name: _results(name, root) for name in experiments.names()}
    there = {name: runs for name, runs in found.items() if runs}
    if not there:
        raise CommandError(f"no results in {root}; run: snakemake --cores all benchmarks")
    every = [run for runs in there.values() for run in runs]
    parts = ["# Results", "", *_made_by(root, path, there), *_machine(every), *_overview(there)]
    for name, runs in there.items():
        parts += ["", f"## {name}", "", experiments.get(name).summary + ".", ""]
        parts += [*reading.read(name, runs), "", *table.lines(name, runs)]
        parts += _figures(name, root, path)
    missing = [name for name in found if name not in there]
    if missing:
        parts += ["", f"Without results here: {', '.join(missing)}."]
    store.write_text(path, "\n".join(parts) + "\n")


def _results(experiment: str, root: Path) -> list[dict[str, Any]]:
    if not any((root / experiment).glob("*/*.json")):
        return []
    return store.read(experiment, root)


def _overview(there: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Who wins what."""
    best = [row for name, runs in there.items() for row in reading.winners(name, runs)]
    if not best:
        return []
    intro = (
        "The best method of each comparison, means over the seeds; `unknowns` are compared with "
        "the direct fit of the same data, a `function` with the truth, `field` with the numerical "
        "solution at the method's own unknowns, `data` with that from the inferred function. "
        "Classical methods compete in all that is said of functions, and in `seconds`."
    )
    return ["", "## Who wins", "", intro, "", *table.grid(table.informative(best))]


def _made_by(root: Path, path: Path, there: dict[str, list[dict[str, Any]]]) -> list[str]:
    """The commands, with the larger profile where any of its runs is here."""
    commands = []
    for name, runs in there.items():
        suffix = "_full" if any(run["profile"] == "full" for run in runs) else ""
        commands.append(f"snakemake --cores all bench_{name}{suffix}")
    commands.append(f"python -m benchmarks page --results {root} --out {path}")
    intro = "Every number on this page is computed from the files of results by these commands:"
    return [intro, "", "```bash", *commands, "```", ""]


def _machine(every: Sequence[dict[str, Any]]) -> list[str]:
    """Where and with what: the numbers that runs share, and the range of those that vary."""
    machines = [run["machine"] for run in every]
    named = dict.fromkeys(f"{m['processor']}, {m['cores']} cores, {m['system']}" for m in machines)
    loads = [m["load"] for m in machines]
    devices = dict.fromkeys(f"{run['device']}, {run['threads']} thread(s)" for run in every)
    versions = dict.fromkeys(f"{k} {v}" for run in every for k, v in run["versions"].items())
    return [
        f"* machine: {'; '.join(named)}",
        f"* a run: {'; '.join(devices)}",
        f"* load of the machine at the end of the runs (processes that wanted a core): "
        f"{min(loads):g} to {max(loads):g}; seconds mean little where it exceeds the cores",
        f"* versions: {', '.join(versions)}",
    ]


def _figures(experiment: str, root: Path, path: Path) -> list[str]:
    """Links to the figures that are there."""
    names = experiments.get(experiment).figures
    files = {name: root / experiment / "figures" / f"{name}.svg" for name in names}
    files = {name: file for name, file in files.items() if file.is_file()}
    if not path.resolve().is_relative_to(root.resolve()):
        folder = path.parent / path.stem
        folder.mkdir(parents=True, exist_ok=True)
        for name, file in files.items():
            files[name] = Path(shutil.copyfile(file, folder / f"{experiment}-{name}.svg"))
    links = {name: Path(os.path.relpath(file, path.parent)) for name, file in files.items()}
    return [
        line
        for name, link in links.items()
        for line in ("", f"![{experiment}: {name}]({link.as_posix()})")
    ]
