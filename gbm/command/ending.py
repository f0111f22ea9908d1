"""How a command ended, in words: failures with their logs, how to go on, where the pages lie."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from gbm.command.progress import TOGETHER, Progress
from gbm.command.workflow import Command
from gbm.io.cohort_layout import CohortLayout
from gbm.io.job_log import MARK, error_in

MUTE = "ended without a word: it was killed, perhaps for lack of memory"
STOPPED = "stopped: the same command goes on where this one was"
NOTHING = "there is nothing to do: all results are those of these files and settings"
MOST_PAGES = 10
"""Pages of patients that are named one by one."""
LAST_WORDS = 20
"""Lines of what Snakemake said that are shown where it gives no reason."""


def told(
    command: Command, progress: Progress | None, status: int, said: TextIO, stopped: bool
) -> Iterator[str]:
    """Lines about the end of a command.

    Parameters
    ----------
    command : Command
    progress : Progress or None
        None where there was nothing to do, or no plan could be made.
    status : int
        Exit status of the workflow.
    said : file
        All that Snakemake and the jobs wrote.
    stopped : bool
        Whether somebody stopped the command.
    """
    if progress is not None and command.dry_run:
        yield from _planned(progress)
        return
    failures = [] if progress is None else list(_failures(progress))
    if stopped and status:
        yield STOPPED
    elif status and not failures:
        yield from _reason(said)
    elif progress is None:
        yield NOTHING
    yield from failures
    if progress is not None or not status:
        yield from _pages(command, progress)


def _planned(progress: Progress) -> Iterator[str]:
    """The steps of each patient, each after those that it waits for; or why there will be none."""
    jobs, faults = progress.plan.in_order(), progress.plan.faults
    for name in [*progress.plan.patients, None]:
        if name in faults:
            yield f"{MARK}{faults[name]}"
            continue
        steps = [job.step for job in jobs if job.patient == name]
        if steps or name is not None:
            yield f"{name or TOGETHER}: {', '.join(steps) or 'nothing to do'}"


def _failures(progress: Progress) -> Iterator[str]:
    """Why jobs failed, as their logs say, and where these are."""
    for number in progress.failed:
        job = progress.plan.jobs[number]
        whose = "" if job.patient is None else f"{job.patient}: "
        yield f"{MARK}{whose}{job.step}: {error_in(job.log) or MUTE} (log: {job.log})"


def _reason(said: TextIO) -> list[str]:
    """Why the workflow ended where no job failed: its own words, from the first error on."""
    said.seek(0)
    lines = said.read().splitlines()
    marked = [number for number, line in enumerate(lines) if line.startswith(MARK)]
    # Snakemake names the line of the Snakefile below it
    why = [line for line in lines[marked[0] :] if not line.startswith("  File ")] if marked else []
    return why or lines[-LAST_WORDS:]


def _pages(command: Command, progress: Progress | None) -> Iterator[str]:
    files = CohortLayout(command.root)
    patients = progress.plan.patients if progress else ()
    pages = [page for key in patients if (page := files.of(key).page).is_file()]
    if len(pages) <= MOST_PAGES:
        yield from map(str, pages)
    if files.page.is_file():
        yield str(files.page)
