"""What results were made from decides whether they are current, not file times."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nibabel
import numpy as np
import pytest

from tests.conftest import Run, runner
from tests.workflow.phantom import write

SETTINGS = ("fit={method: direct}", "verify={refine: 1}", "uncertainty={enabled: false}")
WHOLE = {
    "check", "tissue", "domain", "characteristic", "baselines", "identifiability", "metrics",
    "export", "report", "cohort", "all",
}  # fmt: skip
FROM_START = WHOLE - {"check", "tissue", "domain"}


class Study:
    """A folder with a finished command over two patients."""

    def __init__(self, repository: Path, folder: Path) -> None:
        self.folder = folder
        self.snakemake: Run = runner(repository, folder)

    @property
    def results(self) -> Path:
        return self.folder / "results/gbm"

    def anat(self, name: str) -> Path:
        return self.results / "sub-p01/anat" / f"sub-p01_{name}"

    def run(self, *words: str, settings: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        config = ("patients=p*.yaml", *SETTINGS, *settings)
        return self.snakemake("--cores", "2", *words, "--config", *config)

    def plan(self, *settings: str) -> dict[str, int]:
        """Rules and their jobs that a command would run."""
        done = self.run("-n", settings=settings)
        assert done.returncode == 0, done.stdout + done.stderr
        found = re.findall(r"^([a-z_]+) +(\d+)$", done.stdout + done.stderr, re.MULTILINE)
        return {name: int(n) for name, n in found if name != "total"}


@pytest.fixture(scope="module")
def finished(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = Study(repository, tmp_path_factory.mktemp("study"))
    for name in ("p01", "p02"):
        write(study.folder, name)
    done = study.run()
    assert done.returncode == 0, done.stdout + done.stderr
    return study


@pytest.fixture
def study(finished: Study, repository: Path, tmp_path: Path) -> Study:
    """A copy of it, all times kept."""
    shutil.copytree(finished.folder, tmp_path / "copy")
    return Study(repository, tmp_path / "copy")


@contextmanager
def time_kept(file: Path) -> Iterator[None]:
    """Give a file the time it had, as `cp -p`, `rsync -t` and unzip do."""
    before = file.stat()
    yield
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _other_tumour(file: Path) -> None:
    image = nibabel.load(file)
    labels = np.asarray(image.dataobj).copy()
    nibabel.save(nibabel.Nifti1Image(np.roll(labels, 2, axis=0), image.affine), file)


def test_a_replaced_image_repeats_that_patient_alone_and_once(study: Study) -> None:
    seg = study.folder / "p01_seg.nii.gz"
    with time_kept(seg):
        _other_tumour(seg)
    assert study.plan() == dict.fromkeys(WHOLE, 1)
    before = study.anat("desc-growth_params.json").read_bytes()
    done = study.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "p01: results are made again because of: patient" in done.stderr
    assert study.anat("desc-growth_params.json").read_bytes() != before
    assert study.plan() == {}


def test_the_patient_file_counts_by_what_it_says(study: Study) -> None:
    file = study.folder / "p01.yaml"
    file.write_text(file.read_text() + "# a comment\n")
    for image in study.folder.glob("p01_*.nii.gz"):
        image.touch()
    assert study.plan() == {}
    with time_kept(file):
        file.write_text(file.read_text().replace(": brats", ": {WT: [1, 2, 4], TC: [4]}"))
    assert study.plan() == dict.fromkeys(WHOLE, 1)
    with time_kept(file):
        file.write_text("patient: [")
    assert study.plan()["check"] == 1


def test_results_are_compared_where_snakemake_remembers_nothing(study: Study) -> None:
    shutil.rmtree(study.folder / ".snakemake")
    assert study.plan() == {}
    cohort = {"cohort": 1, "all": 1}
    assert study.plan("bounds={rhoT: [1, 20]}") == dict.fromkeys(FROM_START, 2) | cohort
    with time_kept(study.folder / "p02_seg.nii.gz"):
        _other_tumour(study.folder / "p02_seg.nii.gz")
    assert study.plan() == dict.fromkeys(WHOLE, 1)
    shutil.rmtree(study.results / "provenance")
    assert study.plan() == dict.fromkeys(WHOLE, 2) | cohort


def test_only_what_is_asked_for_is_repeated(study: Study) -> None:
    target = "results/gbm/sub-p01/anat/sub-p01_desc-domain.npz"
    shutil.rmtree(study.folder / ".snakemake")
    done = study.run("-n", target, settings=("bounds={rhoT: [1, 20]}",))
    assert "Nothing to be done" in done.stdout + done.stderr
    accepted = study.run("-n", "--rerun-triggers", "mtime", settings=("bounds={rhoT: [1, 20]}",))
    assert "Nothing to be done" in accepted.stdout + accepted.stderr


@pytest.mark.slow
def test_what_another_folder_s_command_left_is_made_again(study: Study, repository: Path) -> None:
    """Its steps ran under other bounds, into the same results, and it was killed half way."""
    other = study.folder.with_name("other")
    other.mkdir()
    step = study.results / "work/sub-p01/baselines.json"
    done = runner(repository, other)(
        "--cores", "1", str(step), "--config", "patients=../copy/p01.yaml", *SETTINGS,
        f"output={{root: {study.folder / 'results'}}}", "bounds={rhoT: [1, 20]}",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    plan = study.plan()
    assert plan == dict.fromkeys(FROM_START, 1)


@pytest.mark.parametrize(
    ("lost", "made"),
    [
        ("sub-p01/anat/sub-p01_label-TC_desc-predicted_mask.json", {"export", "report"}),
        ("sub-p01/anat/sub-p01_label-GM_probseg.nii.gz", WHOLE - {"check"}),
        ("sub-p01/figures", {"report"}),
    ],
)
def test_what_is_lost_is_made_again(lost: str, made: set[str], study: Study) -> None:
    (study.results / lost).rename(study.folder / "lost")
    assert study.plan() == dict.fromkeys({*made, "cohort", "all"}, 1)


@pytest.mark.parametrize(
    ("cut", "made"),
    [
        ("sub-p01/anat/sub-p01_desc-growth_params.json", {"metrics", "export", "report"}),
        ("work/sub-p01/baselines.json", FROM_START - {"characteristic"}),
        ("sub-p01.html", {"report"}),
        ("cohort.html", set()),
    ],
)
def test_what_is_cut_is_made_again(cut: str, made: set[str], study: Study) -> None:
    file = study.results / cut
    with time_kept(file):
        os.truncate(file, 100)
    assert study.plan() == dict.fromkeys({*made, "cohort", "all"}, 1)


def test_the_work_folder_may_be_deleted(study: Study) -> None:
    shutil.rmtree(study.results / "work")
    assert study.plan() == {}


@pytest.mark.slow
def test_an_edited_result_is_made_again_and_refused_where_it_is_read(study: Study) -> None:
    """The latter where a command is told to go by times."""
    file = study.anat("desc-growth_params.json")
    text = file.read_text()
    colour = json.loads(text)["verdict"]["colour"]
    other = "amber" if colour == "red" else "red"
    file.write_text(text.replace(f'"colour": "{colour}"', f'"colour": "{other}"'))
    made_again = {"metrics", "export", "report", "cohort", "all"}
    assert study.plan() == dict.fromkeys(made_again, 1)
    done = study.run("--rerun-triggers", "mtime")
    assert done.returncode == 1
    where = file.relative_to(study.folder)
    assert f"error: {where}: was edited by hand since it was made" in done.stderr
    assert "delete it, and the same command makes it again" in done.stderr
    rows = (study.results / "participants.tsv").read_text().splitlines()
    assert [row.split("\t")[1] for row in rows[1:]] == ["failed", "done"]
    file.unlink()
    assert study.run().returncode == 0
    assert json.loads(file.read_text())["verdict"]["colour"] == colour
    assert study.plan() == {}


def test_one_command_writes_into_one_folder(study: Study, repository: Path) -> None:
    """Whatever folder it is started in; a dry run may look; a kill lets go."""
    other = study.folder.with_name("other")
    other.mkdir()
    holder = subprocess.Popen(
        [
            sys.executable, "-c",
            "import sys, time; from pathlib import Path; from gbm.io.lock import hold;"
            "kept = hold(Path(sys.argv[1]), 'output.root'); print('held', flush=True);"
            "time.sleep(600)",
            str(study.folder / "results/gbm/.lock"),
        ],
        cwd=repository, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    words = (
        "--config", "patients=../copy/p*.yaml", *SETTINGS,
        f"output={{root: {study.folder / 'results'}}}",
    )  # fmt: skip
    elsewhere = runner(repository, other)
    for refused in (elsewhere("--cores", "1", *words), study.run()):
        assert refused.returncode == 1
        last = refused.stderr.strip().splitlines()[-1]
        assert last.startswith("error: ")
        assert f"another command is writing there (process {holder.pid} on " in last
        assert "Traceback" not in refused.stderr
    assert study.plan() == {}
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    assert study.run().returncode == 0


def test_a_failure_lives_as_long_as_its_plan(study: Study) -> None:
    """A registration that failed before own maps were given, and a seed that was given up."""
    logs = study.results / "logs/sub-p01"
    for step in ("register", "fit_bilo_char_inferred_seed7", "check"):
        (logs / f"{step}.log").write_text("error: RuntimeError: of an earlier plan\n")
    os.utime(logs / "check.log", (1.0, 1.0))
    (study.results / "cohort.html").unlink()
    assert study.run().returncode == 0
    rows = (study.results / "participants.tsv").read_text().splitlines()[1:]
    assert [row.split("\t")[1] for row in rows] == ["done", "done"]
