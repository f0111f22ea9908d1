"""Killed at any moment, the same command finishes, with the numbers of one that was left alone."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from gbm.results.cohort import KILLED, KILLED_AT_STOP, NOT_MADE, STOPPED
from tests.conftest import Run
from tests.workflow.phantom import write

CHECKED = "results/gbm/work/sub-p01/check.json"
CONFIG = ("--config", "patients=p01.yaml")


def _mark_as_killed(folder: Path, output: str) -> None:
    """What Snakemake leaves when it is killed while a job makes `output`."""
    mark = base64.urlsafe_b64encode(output.encode()).decode()
    (folder / ".snakemake/incomplete" / mark).write_text('{"external_jobid": null}')
    locks = folder / ".snakemake/locks"
    locks.mkdir(exist_ok=True)
    (locks / "0.output.lock").write_text(f"{output}\n")


def test_locks_and_half_made_jobs_of_a_killed_command_are_cleared(
    snakemake: Run, tmp_path: Path
) -> None:
    write(tmp_path, "p01")
    assert snakemake("--cores", "1", CHECKED, *CONFIG).returncode == 0
    whole = json.loads((tmp_path / CHECKED).read_text())
    (tmp_path / CHECKED).write_text("half ma")
    (tmp_path / "notes.txt").write_text("the user's own")
    _mark_as_killed(tmp_path, "notes.txt")
    _mark_as_killed(tmp_path, CHECKED)
    (tmp_path / ".snakemake/incomplete/no base64").write_text("")
    with (tmp_path / ".snakemake/alive").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        refused = snakemake("--cores", "1", CHECKED, *CONFIG)
    assert refused.returncode == 1
    assert (tmp_path / CHECKED).read_text() == "half ma"
    again = snakemake("--cores", "1", CHECKED, *CONFIG)
    assert again.returncode == 0, again.stdout + again.stderr
    assert json.loads((tmp_path / CHECKED).read_text()) == whole
    assert (tmp_path / "notes.txt").read_text() == "the user's own"


def _told(folder: Path) -> dict[str, tuple[str, str]]:
    """Status and reason of every patient, as the command left them."""
    rows = (folder / "results/gbm/participants.tsv").read_text().splitlines()[1:]
    cells = [row.split("\t") for row in rows]
    return {row[0].removeprefix("sub-"): (row[1], row[-1]) for row in cells}


def test_a_command_that_was_stopped_says_so(repository: Path, tmp_path: Path) -> None:
    """Ctrl-C goes to the command and to its jobs."""
    for name in ("p01", "p02"):
        write(tmp_path, name)
    bad = (tmp_path / "p01.yaml").read_text().replace('"p01"', '"bad"').replace("p01_wm", "lost")
    (tmp_path / "p03.yaml").write_text(bad)
    process = _begin(repository, tmp_path, "p*.yaml", 1)
    _until((tmp_path / "results/gbm/logs/sub-p01/tissue.log").exists, process)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(300) == 1
    assert "KeyboardInterrupt" not in (tmp_path / "said.txt").read_text()
    told = _told(tmp_path)
    assert told["bad"][0] == "failed"
    assert "lost.nii.gz" in told["bad"][1]
    assert told["p01"] == told["p02"] == ("unfinished", STOPPED)
    page = (tmp_path / "results/gbm/cohort.html").read_text()
    assert "The command was stopped: 2 of 3 patients are not finished" in page


def test_a_command_whose_only_job_was_ended_with_it_says_so(
    repository: Path, tmp_path: Path
) -> None:
    """SIGTERM to all processes, as a batch system ends them: no job is left that could begin."""
    write(tmp_path, "p01")
    process = _begin(repository, tmp_path, "p01.yaml", 1)
    _until((tmp_path / "results/gbm/logs/sub-p01/tissue.log").exists, process)
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait(300) == 1
    status, reason = _told(tmp_path)["p01"]
    assert (status, reason) == ("unfinished", f"{STOPPED} | tissue: {KILLED_AT_STOP}")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_job_that_was_killed_alone_is_named(
    how: signal.Signals, repository: Path, tmp_path: Path
) -> None:
    for name in ("p01", "p02"):
        write(tmp_path, name)
    process = _begin(repository, tmp_path, "p*.yaml", 1, CHECKED, CHECKED.replace("p01", "p02"))
    _until((tmp_path / "results/gbm/logs/sub-p01/check.log").exists, process)
    for job in psutil.Process(process.pid).children(recursive=True):
        job.send_signal(how)
    assert process.wait(300) == 1
    assert _told(tmp_path) == {
        "p01": ("failed", f"check: {KILLED}"),
        "p02": ("unfinished", NOT_MADE),
    }
    assert "command was stopped" not in (tmp_path / "results/gbm/cohort.html").read_text()


SETTINGS = ("fit={seeds: [0, 1], pretrain_steps: 200, finetune_steps: 200}",)


def _begin(
    repository: Path, folder: Path, patients: str, cores: int, *targets: str
) -> subprocess.Popen[bytes]:
    """Start the command in a process group of its own."""
    words = ["--cores", str(cores), *targets, "--config", f"patients={patients}", *SETTINGS]
    with (folder / "said.txt").open("ab") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", "-s", str(repository / "Snakefile"), *words],
            cwd=folder,
            stdout=said,
            stderr=said,
            start_new_session=True,
            env={**os.environ, "XDG_CACHE_HOME": str(folder / ".cache")},
        )


def _until(reached: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 900
    while not reached():
        assert process.poll() is None, "the command ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _steps(folder: Path) -> int:
    """Lines in which the fits of a patient tell their steps."""
    logs = (folder / "results/gbm/logs/sub-p01").glob("fit_*.log")
    return sum(log.read_text().count(": step ") for log in logs)


def _numbers(folder: Path, patient: str) -> dict[str, Any]:
    path = folder / f"results/gbm/sub-{patient}/anat/sub-{patient}_desc-growth_params.json"
    params = json.loads(path.read_text())
    names = ("DT_mm2", "rhoT", "lambda_mm", "thresholds", "x0_mm", "relative_error_u", "objective")
    fits = {fit["name"]: {name: fit[name] for name in names} for fit in params["fits"]}
    return {"fits": fits, **{name: params[name] for name in names}}


def _flat(value: Any, name: str = "") -> dict[str, float]:
    """Numbers of a tree under dotted names."""
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)  # type: ignore[assignment]
    else:
        return {name: value}
    return {k: v for key, item in pairs for k, v in _flat(item, f"{name}.{key}").items()}


@pytest.mark.slow
def test_a_killed_command_finishes_with_the_same_numbers(repository: Path, tmp_path: Path) -> None:
    """Killed with all its jobs, then alone during a fit (its job lives on), then after a fit.

    The reference runs beside a twin of the patient, who has the same files under another id.
    """
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    write(calm, "p01")
    twin = (calm / "p01.yaml").read_text().replace('id: "p01"', 'id: "twin"')
    (calm / "p02.yaml").write_text(twin)
    assert _begin(repository, calm, "p*.yaml", 2).wait(1800) == 0, (calm / "said.txt").read_text()

    shutil.copytree(calm, rough, ignore=shutil.ignore_patterns("results", ".snakemake", "*.txt"))
    work = rough / "results/gbm/work/sub-p01"

    def kill_when(reached: Callable[[], bool], *, group: bool) -> None:
        process = _begin(repository, rough, "p01.yaml", 1)
        _until(reached, process)
        (os.killpg if group else os.kill)(process.pid, signal.SIGKILL)
        process.wait()

    kill_when((work / "characteristic.json").exists, group=True)
    kill_when(lambda: _steps(rough) > 0, group=False)
    kill_when(lambda: any((work / "fits").glob("*.json")), group=True)
    assert _begin(repository, rough, "p01.yaml", 1).wait(1800) == 0, (
        rough / "said.txt"
    ).read_text()

    expected = _flat(_numbers(calm, "p01"))
    assert len(expected) > 40
    assert _flat(_numbers(calm, "twin")) == pytest.approx(expected, rel=1e-6)
    assert _flat(_numbers(rough, "p01")) == pytest.approx(expected, rel=1e-6)
    assert not list((work / "fits").glob("*.safetensors"))
