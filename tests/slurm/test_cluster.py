"""A cohort on a real Slurm of one node, through the profile that users type.

Installs nothing. Skipped where Debian's slurm-wlm and munge, or Snakemake's executor, are missing.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import runner
from tests.workflow.phantom import write

HERE = Path(__file__).resolve().parent
GOOD, BAD = ("p01", "p02", "p03", "p04"), "p05"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol")
FIT = "fit={pinn_weights: [], lifts: [char], pretrain_steps: 60, finetune_steps: 60}"

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Cluster:
    """A running cluster and the variables of programs that talk to it."""

    env: dict[str, str]

    def jobs(self) -> list[dict[str, str]]:
        """What Slurm knows of every job, ended ones too."""
        text = subprocess.run(
            ["scontrol", "--oneliner", "show", "jobs"],
            env=self.env, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        return [dict(re.findall(r"(\w+)=(\S+)", line)) for line in text.splitlines()]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if missing:
        pytest.skip(f"no Slurm here (apt-get install slurm-wlm munge): {', '.join(missing)}")
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        pytest.skip("snakemake-executor-plugin-slurm is not installed")
    folder = tmp_path_factory.mktemp("slurm")
    script = str(HERE / "single_node.sh")
    began = subprocess.run([script, "start", str(folder)], capture_output=True, text=True)
    assert began.returncode == 0, began.stderr
    yield Cluster({**os.environ, "PATH": f"{folder / 'bin'}:{path}"})
    subprocess.run([script, "stop", str(folder)], check=True)


def test_a_cohort_runs_through_the_profile(
    cluster: Cluster, repository: Path, tmp_path: Path
) -> None:
    for name in (*GOOD, BAD):
        write(tmp_path / "cohort", name)
    (tmp_path / f"cohort/{BAD}_gm.nii.gz").unlink()
    done = runner(repository, tmp_path, timeout=1800)(
        "--profile", str(repository / "workflow/profiles/slurm"),
        # this cluster keeps no accounts that sacct could read
        "--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "5",
        "--config", "patients=cohort/*.yaml", FIT,
        env=cluster.env,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    rows = (tmp_path / "results/gbm/participants.tsv").read_text().splitlines()[1:]
    status = {row.split("\t")[0]: row.split("\t")[1] for row in rows}
    assert status == {**{f"sub-{name}": "done" for name in GOOD}, f"sub-{BAD}": "failed"}, said
    assert all((tmp_path / f"results/gbm/sub-{name}.html").is_file() for name in GOOD)

    # One job for all that is quick before the fits, one for each fit, one for the results; a job
    # asks for the memory of its largest rule and for the minutes of all of them.
    ended = [job for job in cluster.jobs() if job["JobState"] == "COMPLETED"]
    assert {job["MinMemoryNode"] for job in ended} == {"2000M"}
    minutes = Counter(job["TimeLimit"] for job in ended)
    assert minutes == {"00:35:00": 3 * len(GOOD), "00:20:00": len(GOOD)}
