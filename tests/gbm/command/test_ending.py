"""What is said at the end of a command."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from gbm.command.ending import LAST_WORDS, MUTE, NOTHING, STOPPED, told
from gbm.command.events import Change, Plan, PlannedJob
from gbm.command.progress import Progress
from gbm.command.workflow import Command
from gbm.io.cohort_layout import CohortLayout

SAID = (
    "Building DAG of jobs...\nerror: patients: no patient file matches 'x'\n  File \"common.smk\"\n"
)


@pytest.fixture
def command(tmp_path: Path) -> Command:
    files = CohortLayout(tmp_path / "gbm")
    files.of("p01").logs.mkdir(parents=True)
    (files.of("p01").logs / "check.log").write_text("a remark\nerror: it is no image\n")
    for page in (files.page, files.of("p02").page):
        page.write_text("")
    return Command(["p01.yaml", "p02.yaml"], tmp_path)


def _progress(command: Command, *failed: int) -> Progress:
    logs = CohortLayout(command.root).of("p01").logs
    steps = {1: "check", 2: "tissue"}
    jobs = {
        n: PlannedJob("p01", name, logs / f"{name}.log", frozenset()) for n, name in steps.items()
    }
    progress = Progress(Plan(("p01", "p02"), 2, jobs))
    progress.apply(Change("failed", failed), 1.0)
    return progress


def _told(
    command: Command, progress: Progress | None, status: int, said: str = "", stopped: bool = False
) -> list[str]:
    lines = told(command, progress, status, io.StringIO(said), stopped)
    return [line.replace(str(command.root), "GBM") for line in lines]


PAGES = ["GBM/sub-p02.html", "GBM/cohort.html"]


def test_all_went_well(command: Command) -> None:
    assert _told(command, _progress(command), 0) == PAGES


def test_failures_are_named_with_their_logs(command: Command) -> None:
    logs = "GBM/logs/sub-p01"
    assert _told(command, _progress(command, 1, 2), 1) == [
        f"error: p01: check: it is no image (log: {logs}/check.log)",
        f"error: p01: tissue: {MUTE} (log: {logs}/tissue.log)",
        *PAGES,
    ]


def test_a_stop_is_no_failure(command: Command) -> None:
    assert _told(command, _progress(command), 1, stopped=True) == [STOPPED, *PAGES]
    assert _told(command, None, 1, SAID, stopped=True) == [STOPPED]
    assert _told(command, _progress(command), 0, stopped=True) == PAGES  # it came too late


def test_nothing_was_to_be_done(command: Command) -> None:
    assert _told(command, None, 0, SAID) == [NOTHING, PAGES[-1]]


def test_a_workflow_that_does_not_begin_says_why(command: Command) -> None:
    assert _told(command, None, 1, SAID) == ["error: patients: no patient file matches 'x'"]


def test_a_workflow_that_breaks_off_shows_its_last_words(command: Command) -> None:
    lines = [f"line {n}" for n in range(100)]
    last = lines[-LAST_WORDS:]
    assert _told(command, _progress(command), 1, "\n".join(lines)) == [*last, *PAGES]
