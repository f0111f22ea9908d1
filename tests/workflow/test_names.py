"""Names stop nobody; an id or a seed that cannot be stops its patient, never the command."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.conftest import Run, runner
from tests.workflow.phantom import write

CHECK = "results/gbm/work/sub-{}/check.json"


@pytest.fixture
def sound(tmp_path: Path) -> str:
    """What a sound patient's file says; the file is there."""
    return write(tmp_path, "p01").read_text()


def _plan(snakemake: Run, *words: str) -> str:
    done = snakemake("-n", "--cores", "1", "--config", "patients=*.yaml", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_names_stop_nobody_and_ids_and_seeds_their_patient_alone(
    snakemake: Run, tmp_path: Path, sound: str
) -> None:
    names = ("seg{y}.nii.gz", "d<x>/seg.nii.gz", "seg'$(touch x);.nii.gz", "future.nii.gz")
    (tmp_path / "d<x>").mkdir()
    for name in names:
        shutil.copy(tmp_path / "p01_seg.nii.gz", tmp_path / name)
    os.utime(tmp_path / "future.nii.gz", (4e9, 4e9))

    def patient(file: str, key: str, image: str = "p01_seg.nii.gz", extra: str = "") -> None:
        text = sound.replace('"p01"', f'"{key}"').replace("p01_seg.nii.gz", f'"{image}"')
        (tmp_path / file).write_text(text + extra)

    patient("b <old>.yaml", "p02")
    patient("c {y}.yaml", "p03")
    for n, name in enumerate(names, start=4):
        patient(f"p0{n}.yaml", f"p0{n}", name)
    patient("zeros.yaml", 22 * "0")
    patient(30 * "9" + ".yaml", "a/")
    patient("p08.yaml", "p08", extra="fit: {seeds: [0, 98765432109876543210]}\n")
    os.utime(tmp_path / "p08.yaml", (4e9, 4e9))
    sound_ones = [f"p0{n}" for n in range(1, 8)]
    targets = [CHECK.format(key) for key in (*sound_ones, "zeros", "patient", "p08")]
    done = snakemake("--cores", "2", *targets, "--config", "patients=*.yaml")
    assert done.returncode == 1
    rows = (tmp_path / "results/gbm/participants.tsv").read_text().splitlines()[1:]
    told = {row.split("\t")[0].removeprefix("sub-"): row.split("\t")[-1] for row in rows}
    for key in sound_ones:
        assert (tmp_path / CHECK.format(key)).is_file(), told[key]
    assert {key: told[key] for key in told if key not in sound_ones} == {
        "zeros": "check: zeros.yaml: patient.id: ends in the same characters 20 times over: choose"
        " another id",
        "patient": f"check: {30 * '9'}.yaml: patient.id: String should match pattern"
        " '^[A-Za-z0-9]+$'",
        "p08": "check: p08.yaml: fit.seeds.1: should be less than 2147483648",
    }
    assert not (tmp_path / "x").exists()


def test_a_seed_that_cannot_be_is_refused(snakemake: Run, sound: str) -> None:
    done = snakemake(
        "-n", "--cores", "1", "--config", "patients=p01.yaml", f"fit={{seeds: [0, {99 * '9'}]}}"
    )
    assert done.returncode == 1
    assert "error: fit.seeds.1: should be less than 2147483648" in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["study[1]", "st{u}dy", "a <b> *?'\" $x"])
def test_a_working_directory_of_any_name(name: str, repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / name
    write(folder, "p01")
    assert "Checking the files of p01" in _plan(runner(repository, folder))


def test_a_clone_in_a_folder_with_brackets_has_its_demo(repository: Path, tmp_path: Path) -> None:
    clone = _clone(repository, tmp_path / "a clone [1]")
    done = runner(clone, clone)("-n", "--cores", "1")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["{y}", "{}", "<old>"])
def test_a_clone_in_a_folder_that_rules_cannot_name_is_refused(
    name: str, repository: Path, tmp_path: Path
) -> None:
    clone = _clone(repository, tmp_path / name)
    done = runner(clone, tmp_path)("-n", "--cores", "1")
    assert done.returncode == 1
    assert f"error: {clone}: < > {{ }} cannot stand in this path" in done.stdout + done.stderr


@pytest.mark.parametrize("root", ["a{b}", "a<b>"])
def test_an_output_folder_that_rules_cannot_name_is_refused(
    root: str, snakemake: Run, sound: str
) -> None:
    done = snakemake("-n", "--config", "patients=p01.yaml", f"output={{root: '{root}'}}")
    assert done.returncode == 1
    text = done.stdout + done.stderr
    assert f"error: {root}: output.root: < > {{ }} cannot stand in this path" in text


def test_the_demo_is_made_among_the_results(
    snakemake: Run, repository: Path, tmp_path: Path
) -> None:
    done = snakemake("-n", "--verbose", "--cores", "1", "--config", "output={root: mine}")
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    names = ("seg.nii.gz", "t1.nii.gz", "t1c.nii.gz", "demo.yaml")
    assert all(f"mine/demo/{name}" in text for name in names)
    assert str(repository / "results") not in text
    assert not (tmp_path / "mine").exists()  # a dry run


def test_a_home_that_cannot_be_written_to(snakemake: Run, sound: str, tmp_path: Path) -> None:
    """`docs/patients.md` names the variable that helps."""
    done = snakemake(
        "-n", "--cores", "1", "--config", "patients=p01.yaml",
        env={"HOME": "/dev/null", "XDG_CACHE_HOME": str(tmp_path / "cache")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_patient_that_is_none_of_the_command_s_is_named(snakemake: Run, sound: str) -> None:
    done = snakemake("-n", CHECK.format("p99"), "--config", "patients=p01.yaml")
    assert done.returncode == 1
    assert "p99: no patient of this command" in done.stdout + done.stderr


def _clone(repository: Path, folder: Path) -> Path:
    """A copy of what a dry run reads."""
    skip = shutil.ignore_patterns("__pycache__", "*.so", "vendor")
    for name in ("workflow", "gbm", "bilo", "benchmarks"):
        shutil.copytree(repository / name, folder / name, ignore=skip)
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(repository / name, folder / name)
    return folder
