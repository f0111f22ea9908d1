"""Commands as they are typed, from a folder of the user's own."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gbm.__main__ import main
from gbm.command.arguments import parser
from gbm.command.workflow import Command, patterns, snakefile
from gbm.config.errors import InputError
from tests.workflow.phantom import write

Done = subprocess.CompletedProcess[str]
Gbm = Callable[..., Done]


def _environment(repository: Path, folder: Path) -> dict[str, str]:
    own = {"PYTHONPATH": str(repository), "XDG_CACHE_HOME": str(folder / ".cache")}
    return {**os.environ, **own}


@pytest.fixture
def gbm(repository: Path, tmp_path: Path) -> Gbm:
    """Return a function that runs the command line below `tmp_path`."""

    def run(*words: str) -> Done:
        return subprocess.run(
            [sys.executable, "-m", "gbm", *words],
            cwd=tmp_path, env=_environment(repository, tmp_path),
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip

    return run


@pytest.mark.parametrize(
    ("words", "patient"),
    [
        ((), "demo"),
        (("--dimensions", "3", "--out", "else where"), "demo3d"),
        (("--set", "dimensions=3", "--set", "fit.method=direct"), "demo3d"),
    ],
)
def test_the_demo_is_planned(
    gbm: Gbm, tmp_path: Path, words: tuple[str, ...], patient: str
) -> None:
    done = gbm("demo", "--dry-run", *words)
    assert (done.returncode, done.stderr) == (0, "")
    first, last = done.stdout.splitlines()
    steps = first.removeprefix(f"{patient}: ").split(", ")
    assert steps[:2] == ["demo", "check"]
    assert steps[-1] == "report"
    assert ("plan" in steps) == (patient == "demo3d")
    assert last == "all patients: cohort"
    assert {path.name for path in tmp_path.iterdir()} <= {".snakemake", ".cache"}


def test_settings_and_patients_reach_the_plan(gbm: Gbm, tmp_path: Path) -> None:
    write(tmp_path / "cohort", "p01")
    write(tmp_path / "cohort", "p02")
    (tmp_path / "cohort/p02.yaml").rename(tmp_path / "cohort/p[02].yaml")
    words = ("cohort/p01.yaml", "cohort/p[02].yaml", "--set", "fit.seeds=[0, 1]")
    done = gbm("run", *words, "--set", "fit.recipe=paper", "--dry-run")
    assert done.returncode == 0, done.stderr
    p01, p02, _ = done.stdout.splitlines()
    assert p01.startswith("p01: check, ")
    assert p02.startswith("p02: check, ")
    assert "fit_bilo_char_inferred_seed1" in p01
    assert gbm("run", "cohort/p0*.yaml", "--dry-run").stdout.count("check") == 1


def test_a_plan_names_the_files_at_fault(gbm: Gbm, tmp_path: Path) -> None:
    write(tmp_path, "p01")
    (tmp_path / "p02.yaml").write_text("patient: [")
    done = gbm("run", "p01.yaml", "p02.yaml", "--dry-run")
    assert (done.returncode, done.stdout) == (1, "")
    p01, p02, together = done.stderr.splitlines()
    assert p01.startswith("p01: check, ")
    assert p02.startswith("error: ")
    assert p02.endswith("p02.yaml: is not valid YAML at line 1")
    assert together == "all patients: cohort"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lost.yaml"], "error: lost.yaml: there is no such file\n"),
        (["."], "error: .: is a folder; name the patient files in it\n"),
        (["p01.yaml", "--set", "fit.seeds"], "error: --set fit.seeds: must be KEY=VALUE"),
        (["p01.yaml", "--set", "fit.sedes=3"], "error: fit.sedes: unknown key; did you mean 'see"),
        (["p01.yaml", "p02.yaml"], "p02.yaml: the id 'p01' is also that of "),
        (["p01.yaml", "--out", "p01.yaml/x"], "p01.yaml: output.root: is no folder"),
    ],
)
def test_faults_of_a_command_are_told_in_words(
    gbm: Gbm, tmp_path: Path, words: list[str], said: str
) -> None:
    (tmp_path / "p02.yaml").write_text(write(tmp_path, "p01").read_text())
    done = gbm("run", *words, "--dry-run")
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out.split() == ["gbm", importlib.metadata.version("bilo-gbm")]


def test_a_number_of_cores_is_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parser("gbm", "about\n\nmore").parse_args(["demo", "--cores", "0"])
    assert "argument --cores: must be a number, or all: '0'" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_to_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "p01")
    (tmp_path / ".snakemake").write_text("in the way")
    with pytest.raises(InputError, match="working directory: is no folder"):
        Command(["p01.yaml"], Path("out")).words()


def test_the_workflow_of_a_clone_is_its_own(repository: Path) -> None:
    assert snakefile() == repository / "Snakefile"


def test_a_name_with_brackets_means_itself(tmp_path: Path) -> None:
    (tmp_path / "a[1].yaml").touch()
    (tmp_path / "a1.yaml").touch()
    assert patterns([f"{tmp_path}/a[1].yaml", f"{tmp_path}/*.yaml"]) == [
        f"{tmp_path}/a[[]1].yaml",
        f"{tmp_path}/*.yaml",
    ]


def test_a_faulty_patient_is_named_with_its_log(gbm: Gbm, tmp_path: Path) -> None:
    file = write(tmp_path, "p01")
    file.write_text(file.read_text().replace("p01_gm", "lost"))
    done = gbm("run", "p01.yaml", "--cores", "1")
    assert done.returncode == 1
    assert "\x1b" not in done.stderr
    log = "results/gbm/logs/sub-p01/check.log"
    why = "lost.nii.gz: patient.tissue.gm: there is no such file"
    assert f"error: p01: check: {why} (log: {log})\n" in done.stderr
    assert done.stderr.splitlines()[-1] == "results/gbm/cohort.html"
    assert (tmp_path / log).is_file()


def test_an_image_that_may_not_be_read_ends_only_its_patient(
    repository: Path, tmp_path: Path
) -> None:
    """Snakemake, which reads the inputs of a failed job, must not end the command there."""
    write(tmp_path, "p01")
    (tmp_path / "p01_gm.nii.gz").chmod(0)
    humbly: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may read everything, and no setpriv is there to give that up")
        humbly = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    done = subprocess.run(
        [*humbly, sys.executable, "-m", "gbm", "run", "p01.yaml", "--cores", "1"],
        cwd=tmp_path, env=_environment(repository, tmp_path),
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 1
    assert "p01_gm.nii.gz: patient.tissue.gm: may not be read" in done.stderr
    assert done.stderr.splitlines()[-1] == "results/gbm/cohort.html"


def test_a_stopped_command_says_how_to_go_on(repository: Path, tmp_path: Path) -> None:
    """A signal to `gbm` alone: it hands it on, and nothing is left behind."""
    write(tmp_path, "p01")
    process = subprocess.Popen(
        [sys.executable, "-m", "gbm", "run", "p01.yaml", "--cores", "1"],
        cwd=tmp_path, env=_environment(repository, tmp_path), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    log = tmp_path / "results/gbm/logs/sub-p01/tissue.log"
    while not log.exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "stopping the jobs that run" in said
    assert "stopped: the same command goes on where this one was\n" in said
    assert "error" not in said
    assert "The command was stopped" in (tmp_path / "results/gbm/cohort.html").read_text()


def test_a_command_that_nobody_watches_stops(repository: Path, tmp_path: Path) -> None:
    """Where `gbm` was killed, its workflow ends as if it had been stopped."""
    write(tmp_path, "p01")
    process = subprocess.Popen(
        [sys.executable, "-m", "gbm", "run", "p01.yaml", "--cores", "1"],
        cwd=tmp_path, env=_environment(repository, tmp_path), stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not (tmp_path / "results/gbm/logs/sub-p01/check.log").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    page = tmp_path / "results/gbm/cohort.html"
    until = time.monotonic() + 120
    while not page.exists():
        assert time.monotonic() < until
        time.sleep(0.2)
    assert "The command was stopped" in page.read_text()
