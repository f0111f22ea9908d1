"""What a command plans, and what it refuses before anything runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nibabel
import numpy as np
import pytest

from gbm.config.plan import planned_steps
from gbm.config.settings import Settings
from tests.conftest import Run
from tests.workflow.phantom import write

STEPS = ("check", "tissue", "domain", "characteristic", "baselines", "metrics", "export", "report")
SURE = ("posterior", "export_uncertainty")


def _jobs(text: str) -> dict[str, int]:
    """The table of job counts that a dry run prints."""
    return {name: int(n) for name, n in re.findall(r"^([a-z0-9_]+) +(\d+)$", text, re.MULTILINE)}


def _plan(snakemake: Run, *words: str) -> dict[str, int]:
    done = snakemake("-n", "--cores", "1", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return _jobs(done.stdout + done.stderr)


def _refusal(snakemake: Run, *words: str) -> str:
    done = snakemake("-n", "--cores", "1", *words)
    assert done.returncode == 1
    text = done.stdout + done.stderr
    assert "Traceback" not in text
    return text


def test_the_demo_is_the_default(snakemake: Run) -> None:
    jobs = _plan(snakemake)
    assert jobs["demo"] == jobs["register"] == jobs["cohort"] == 1
    assert all(jobs[step] == 1 for step in STEPS)
    assert jobs["fit"] == jobs["verify"] == 1
    assert all(jobs[step] == 1 for step in (*SURE, "slices"))
    assert not {"direct_fixed", "comparison", "comparison_page"} & set(jobs)


def test_the_comparison_is_the_main_job_and_other_networks(snakemake: Run, tmp_path: Path) -> None:
    for name in ("p01", "p02"):
        write(tmp_path, name)
    words = ("--config", "patients=p*.yaml")
    main, jobs = _plan(snakemake, *words), _plan(snakemake, "compare", *words)
    assert main["fit"] == 2
    assert jobs["fit"] == jobs["verify"] == 2 * 6
    assert jobs["direct_fixed"] == jobs["comparison"] == 2
    assert jobs["comparison_page"] == 1
    assert all(jobs[step] == main[step] for step in (*STEPS, "cohort"))
    asked = _plan(snakemake, *words, "fit={comparison: true}")
    assert {name: n for name, n in asked.items() if name not in ("all", "total")} == {
        name: n for name, n in jobs.items() if name not in ("compare", "total")
    }


def test_one_patient_may_ask_for_its_comparison(snakemake: Run, tmp_path: Path) -> None:
    write(tmp_path, "p01", "fit: {comparison: true, pinn_weights: []}\n")
    write(tmp_path, "p02")
    jobs = _plan(snakemake, "--config", "patients=p*.yaml")
    assert (jobs["fit"], jobs["comparison"]) == (1 + 3, 1)
    assert "comparison_page" not in jobs


@pytest.mark.parametrize(
    ("asked", "planned"),
    [
        ("uncertainty={enabled: false}", ()),
        ("uncertainty={slices: false}", SURE),
        ("dimensions=3", SURE),  # the whole tumour has no neighbours
    ],
)
def test_intervals_are_planned_as_they_are_asked_for(
    snakemake: Run, tmp_path: Path, asked: str, planned: tuple[str, ...]
) -> None:
    write(tmp_path, "p01")
    jobs = _plan(snakemake, "--config", "patients=p01.yaml", asked)
    assert {step for step in (*SURE, "slices") if step in jobs} == set(planned)
    assert all(jobs[step] == 1 for step in STEPS)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_failures_count_for_the_steps_that_are_planned(
    dimensions: int, snakemake: Run, tmp_path: Path
) -> None:
    """The cohort page knows the steps of a patient's plan by the same names as the rules."""
    write(tmp_path, "p01")
    jobs = set(_plan(snakemake, "--config", "patients=p01.yaml", f"dimensions={dimensions}"))
    settings = Settings.model_validate({"dimensions": dimensions})
    steps = planned_steps(settings, registered=False) - {"demo"}
    assert {step.split("_bilo_")[0] for step in steps} == jobs - {"all", "cohort", "total"}


def test_a_direct_fit_is_planned_without_networks(snakemake: Run, tmp_path: Path) -> None:
    write(tmp_path, "p01")
    jobs = _plan(snakemake, "--config", "patients=p01.yaml", "fit={method: direct}")
    assert not {"fit", "verify"} & set(jobs)
    assert all(jobs[step] == 1 for step in STEPS)


def test_the_demo_grown_in_space_is_a_patient_of_its_own(snakemake: Run) -> None:
    jobs = _plan(snakemake, "--config", "patients=workflow/patients/demo3d.yaml")
    assert jobs["demo3d"] == jobs["check"] == 1
    assert "demo" not in jobs


@pytest.mark.parametrize(
    ("named", "made"), [((), "demo3d"), (("patients=workflow/patients/demo.yaml",), "demo")]
)
def test_a_whole_tumour_is_that_of_the_demo_in_space_unless_another_is_named(
    snakemake: Run, named: tuple[str, ...], made: str
) -> None:
    jobs = _plan(snakemake, "--config", "dimensions=3", *named)
    assert {"demo", "demo3d"} & set(jobs) == {made}


def test_a_glob_of_patients_with_tissue_of_their_own(snakemake: Run, tmp_path: Path) -> None:
    for name in ("p01", "p02"):
        write(tmp_path / "cohort", name)
    jobs = _plan(snakemake, "--config", "patients=cohort/*.yaml")
    assert "register" not in jobs
    assert "demo" not in jobs
    assert all(jobs[step] == 2 for step in STEPS)


def test_patients_are_finished_one_after_the_other(snakemake: Run, tmp_path: Path) -> None:
    names = ("p01", "p02")
    for name in names:
        write(tmp_path, name)
    work = "results/gbm/work/sub-{}/{}.json"
    targets = [work.format(name, "characteristic") for name in names]
    done = snakemake("--cores", "1", *targets, "--config", "patients=p*.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    steps = [(name, step) for name in names for step in ("check", "tissue", "characteristic")]
    made = sorted(steps, key=lambda of: (tmp_path / work.format(*of)).stat().st_mtime_ns)
    assert {step for _, step in made[: len(names)]} == {"check"}
    assert made[len(names) :] == [of for of in steps if of[1] != "check"]


def test_one_patient_file_wins_over_patients(snakemake: Run, tmp_path: Path) -> None:
    file = write(tmp_path / "cohort", "p01", "fit: {seeds: [3, 4]}\n")
    jobs = _plan(snakemake, "--configfile", str(file), "--config", "patients=nowhere")
    assert jobs["check"] == 1
    assert jobs["fit"] == 2


def test_overrides_of_one_patient_are_that_patient_s(snakemake: Run, tmp_path: Path) -> None:
    write(tmp_path, "p01", "fit: {seeds: [0, 1, 2]}\n")
    write(tmp_path, "p02", "fit: {pinn_weights: [1.0e-3]}\n")
    words = ("--config", "patients=p*.yaml")
    assert _plan(snakemake, *words)["fit"] == 3 + 1
    assert _plan(snakemake, "compare", *words)["fit"] == 3 + 5 + 1 + 3


def test_a_fit_is_a_target_of_its_own(snakemake: Run, tmp_path: Path) -> None:
    write(tmp_path, "p01")
    target = "results/gbm/work/sub-p01/verify/pinn_char_w2e-2_seed7.json"
    jobs = _plan(snakemake, target, "--config", "patients=p01.yaml")
    assert jobs["fit"] == jobs["verify"] == 1
    assert "report" not in jobs


@pytest.mark.parametrize("faulty", ["patient: {id: '../x'}", "patient:\n  id: p9\n", "]"])
def test_a_faulty_patient_file_is_no_fault_of_the_command(
    faulty: str, snakemake: Run, tmp_path: Path
) -> None:
    write(tmp_path, "p01")
    (tmp_path / "p02.yaml").write_text(faulty)
    assert _plan(snakemake, "--config", "patients=p*.yaml")["check"] == 2


def test_a_change_of_the_ignored_labels_repeats_what_reads_them(
    snakemake: Run, tmp_path: Path
) -> None:
    file = write(tmp_path, "p01")
    image = nibabel.load(tmp_path / "p01_seg.nii.gz")
    labels = np.asarray(image.dataobj).copy()
    labels[0, 0] = 7
    nibabel.save(nibabel.Nifti1Image(labels, image.affine), tmp_path / "p01_seg.nii.gz")
    text = file.read_text()
    file.write_text(text.replace("brats}", "brats, ignore: [7]}"))
    target = "results/gbm/sub-p01/anat/sub-p01_desc-domain.npz"
    words = (target, "--config", "patients=p01.yaml")
    done = snakemake("--cores", "1", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "results/gbm/work/sub-p01/check.json").read_text())
    assert set(report["labels"]) == {"2", "4"}
    assert "ignore: label 7 (5 voxels) counts as background" in report["warnings"][0]
    assert _plan(snakemake, *words) == {}
    file.write_text(text.replace("brats}", "brats, ignore: [7, 8]}"))
    assert set(_plan(snakemake, *words)) == {"check", "tissue", "domain", "total"}


def test_no_match_is_refused(snakemake: Run) -> None:
    text = _refusal(snakemake, "--config", "patients=cohort/*.yaml")
    assert "error: patients: no patient file matches 'cohort/*.yaml'" in text


def test_duplicate_ids_are_refused(snakemake: Run, tmp_path: Path) -> None:
    content = write(tmp_path, "p01").read_text()
    (tmp_path / "p02.yaml").write_text(content)
    text = _refusal(snakemake, "--config", "patients=p*.yaml")
    assert "the id 'p01' is also that of" in text


def test_an_unknown_setting_is_refused(snakemake: Run) -> None:
    text = _refusal(snakemake, "--config", "grwoth={h0: 0.2}")
    assert "grwoth: unknown key; did you mean 'growth'?" in text


def test_an_output_folder_that_cannot_be_is_refused(snakemake: Run, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    text = _refusal(snakemake, "--config", "output={root: taken/results}")
    assert f"error: {tmp_path / 'taken'}: output.root: is no folder" in text


def test_an_unreadable_configuration_is_refused(snakemake: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("patients: [\n")
    done = snakemake("-n", "--cores", "1", "--configfile", "mine.yaml")
    assert done.returncode == 1
    assert "not valid JSON or YAML" in done.stdout + done.stderr


def test_reasons_are_no_paragraphs(snakemake: Run) -> None:
    """Snakemake would quote whole settings, and list every file; --verbose lets it."""
    for words, short in (((), True), (("--verbose",), False)):
        done = snakemake("-n", "--cores", "1", *words)
        reasons = [line for line in done.stdout.splitlines() if "eason: " in line]
        assert len(reasons) == sum(_jobs(done.stdout).values()) // 2
        assert all(len(line) <= 130 for line in reasons) == short


def test_every_target_is_listed(snakemake: Run) -> None:
    done = snakemake("--list-target-rules")
    listed = set(done.stdout.split())
    targets = {"all", "compare", "demo", "demo3d", "cohort", "benchmarks", "benchmarks_full"}
    assert targets <= listed
    assert {"bench_fisher_kpp", "bench_cost"} <= listed


def test_nothing_generated_goes_into_source_folders(snakemake: Run) -> None:
    done = snakemake("-n", "--cores", "1", "benchmarks", "-p")
    assert done.returncode == 0, done.stderr
    assert "results/benchmarks/fisher_kpp/table.md" in done.stdout + done.stderr
    assert not re.search(r"(?<!results/)\bbenchmarks/fisher_kpp", done.stdout + done.stderr)
