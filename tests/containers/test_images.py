"""The images, made by the Dockerfile's own steps in a root file system, do their work as users.

Skipped without `mmdebstrap`, without root, or where namespaces cannot be made. Takes minutes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tests.containers.chroot_build import Image, build, pip_of_this_machine
from tests.gbm.benchmark_subject import write_subject
from tests.workflow.phantom import write

pytestmark = pytest.mark.slow

COMMANDS = (
    ["--help"],
    ["check", "p01.yaml"],
    ["run", "p01.yaml", "--dry-run"],
    ["demo", "--dry-run"],
    ["predict-gbm", "--help"],
)
"""Run by the entry point, in a mounted folder with a patient."""
STRANGER = "4242:4242"
"""A user whom the image does not know, as with `docker run --user "$(id -u):$(id -g)"`."""


@pytest.fixture(scope="module")
def images(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Image]]:
    if shutil.which("mmdebstrap") is None:
        pytest.skip("no mmdebstrap here (apt-get install mmdebstrap)")
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "--pid", "true"]).returncode:
        pytest.skip("a root file system needs root, and namespaces for its mounts")
    root = tmp_path_factory.mktemp("container") / "root"
    yield build(repository, root)
    shutil.rmtree(root)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with a patient that anyone may write to."""
    write(tmp_path / "data", "p01")
    (tmp_path / "data").chmod(0o777)
    return tmp_path / "data"


def test_the_image_is_lean_and_its_user_is_not_root(images: dict[str, Image]) -> None:
    image = images["gbm"]
    assert image.user == "gbm"
    assert image.execute(["id", "-u"]) == "1000\n"
    image.execute(["python", "-c", "import torch, bilo, gbm"])
    packages = {path.name for path in image.root.glob("opt/gbm/lib/python3*/site-packages/*")}
    if not pip_of_this_machine()[1]:  # torch came from the index that the Dockerfile names
        assert not [name for name in packages if name.startswith("nvidia")]
    assert "benchmarks" not in packages
    for left in ("root/.cache", "source", "var/lib/apt/lists"):
        assert not list((image.root / left).glob("*")), left
    assert "denied" in image.execute(["sh", "-c", "touch /opt/gbm/x 2>&1 || true"])


@pytest.mark.parametrize("user", ["gbm", STRANGER])
@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_commands_run(images: dict[str, Image], data: Path, user: str, words: list[str]) -> None:
    said = replace(images["gbm"], user=user).run(*words, mounts={data: "/data"})
    assert "Traceback" not in said


def test_a_job_of_a_cluster_runs_in_it(
    images: dict[str, Image], repository: Path, data: Path
) -> None:
    """Snakemake, from a clone that it may not write to, as a user whom the image does not know."""
    words = ["--cores", "1", "--config", "patients=p01.yaml"]
    target = "results/gbm/work/sub-p01/check.json"
    replace(images["gbm"], user=STRANGER, entry=("snakemake",)).run(
        "-s", "/clone/Snakefile", target, *words, mounts={data: "/data", repository: "/clone"}
    )
    assert (data / target).is_file()


def test_the_benchmark_starts_it_without_arguments(
    images: dict[str, Image], tmp_path: Path
) -> None:
    own = write_subject(tmp_path / "in")
    (tmp_path / "out").mkdir()
    mounts = {tmp_path / "in": "/mlcube_io0", tmp_path / "out": "/mlcube_io1"}
    images["predict-gbm"].run(mounts=mounts)
    density = nib.load(tmp_path / "out/00000.nii.gz")
    assert density.shape == nib.load(own / "00000-tumorseg.nii.gz").shape
    assert 0.5 < np.asarray(density.dataobj).max() <= 1.0
