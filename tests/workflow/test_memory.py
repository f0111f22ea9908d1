"""Memory: rules ask for it by the images' headers, and its lack is told in words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from gbm.config.errors import InputError
from gbm.io import memory
from gbm.io.job_log import step
from gbm.io.nifti import read_header
from gbm.io.nifti_header import MOST_VOXELS, first_bytes
from gbm.steps import check
from tests.workflow import phantom


def _only_a_header(path: Path, shape: tuple[int, int, int], mm: float, kind: str = "u1") -> Path:
    """A file that says of itself how large it is, and holds hardly anything."""
    header = nib.Nifti1Header()
    header.set_data_dtype(kind)
    header.set_data_shape(shape)
    header.set_sform(np.diag([mm, mm, mm, 1]), 1)
    header["pixdim"][1:4] = mm
    header["magic"], header["vox_offset"] = b"n+1", 352
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(kind).itemsize
    with path.open("wb") as stream:
        stream.write(header.binaryblock + bytes(4))
        stream.truncate(352 + size)  # a hole in the file: no place on the disk
    return path


PLAN = """
import json, sys
from pathlib import Path
from snakemake.api import ConfigSettings, DAGSettings, OutputSettings
from snakemake.api import ResourceSettings, SnakemakeApi

snakefile, folder, file = map(Path, sys.argv[1:])
with SnakemakeApi(OutputSettings()) as api:
    made = api.workflow(
        resource_settings=ResourceSettings(cores=1),
        config_settings=ConfigSettings(config={"patients": str(file)}),
        snakefile=snakefile, workdir=folder,
    )
    made.dag(DAGSettings()).execute_workflow(executor="dryrun")
    jobs = made._workflow.dag.jobs
    found = {job.rule.name: job.resources.get("mem_mb") for job in jobs}
Path(sys.argv[2], "asked.json").write_text(json.dumps(found))
"""


def test_rules_ask_by_the_largest_image(repository: Path, tmp_path: Path) -> None:
    file = phantom.write(tmp_path, "p01", "  images: {flair: flair.nii}\n")
    asked = {}
    for shape, mm in (((512, 512, 512), 0.5), ((240, 240, 155), 1.0)):
        _only_a_header(tmp_path / "flair.nii", shape, mm)
        words = [str(repository / "Snakefile"), str(tmp_path), str(file)]
        done = subprocess.run(
            [sys.executable, "-c", PLAN, *words], capture_output=True, text=True, check=False,
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / ".cache")},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        asked[shape[0]] = json.loads((tmp_path / "asked.json").read_text())
    rules = ("check", "tissue", "domain", "export", "report", "fit", "metrics")
    # of 134 million voxels, well above what was measured of such a head; and of a usual one
    assert [asked[512][rule] for rule in rules] == [4355, 5355, 4355, 4355, 7368, 2000, 1000]
    assert [asked[240][rule] for rule in rules] == [1223, 2223, 1223, 1223, 2357, 2000, 1000]


def test_a_killed_check_may_be_tried_again(repository: Path) -> None:
    """A rule's own `retries` would win over those of the cluster profiles."""
    text = (repository / "workflow/rules/imaging.smk").read_text()
    assert "retries" not in text


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_the_light_reading_agrees(tmp_path: Path, kind: type, order: str, name: str) -> None:
    header = kind.header_class(endianness=order)
    image = kind(np.zeros((30, 20, 10), np.float32), np.diag([0.5, 2.0, 0.003, 1]), header)
    image.header.set_xyzt_units("mm")
    nib.save(image, tmp_path / name)
    found = first_bytes(tmp_path / name)
    assert found is not None
    assert found.shape == (30, 20, 10)
    assert found.spacing == pytest.approx((0.5, 2.0, 0.003))
    assert found.voxels == 6000


@pytest.mark.parametrize("content", [b"", b"x" * 30, b"x" * 999, b"\x1f\x8b" + bytes(99)])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_the_light_reading_of_rubbish_is_nothing(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert first_bytes(tmp_path / name) is None
    assert first_bytes(tmp_path) is None


def test_nothing_is_read_of_an_image_that_is_too_large(tmp_path: Path) -> None:
    path = _only_a_header(tmp_path / "a.nii", (1024, 1024, 300), 0.5, "f4")
    with pytest.raises(InputError, match="315 million voxels: at most 268"):
        read_header(path, "patient.images.t1")
    found = first_bytes(path)
    assert found is not None
    assert found.voxels == MOST_VOXELS


def test_too_little_memory_is_said_before_an_image_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = phantom.write(tmp_path, "p01", "  images: {flair: flair.nii}\n")
    _only_a_header(tmp_path / "flair.nii", (512, 512, 512), 0.5)
    monkeypatch.setattr(memory, "available_gb", lambda: 1.5)
    with pytest.raises(InputError, match=r"134 million voxels takes about 3.2 GB .*; 1.5 GB are"):
        check.check_patient(file, {})


READ = """
import resource, sys
from pathlib import Path
from gbm.io.nifti import read_volume

resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
read_volume(Path(sys.argv[1]), "patient.images.t1")
"""


def test_lack_of_memory_is_told_in_words(tmp_path: Path) -> None:
    """An address space of 1 GB: the system refuses what goes beyond."""
    path = _only_a_header(tmp_path / "a.nii", (512, 512, 512), 0.5, "f8")
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=False
    )
    last = done.stderr.strip().splitlines()[-1]
    assert last.endswith(f"a.nii: patient.images.t1: {memory.TOO_LARGE}")


@pytest.mark.parametrize(
    "error", [MemoryError("Unable to allocate 9 GiB"), RuntimeError("itk: std::bad_alloc")]
)
def test_lack_of_memory_in_a_step_is_told_in_words(
    error: Exception, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit), step(tmp_path / "a.log"):
        raise error
    assert f"error: a step {memory.TOO_LARGE} ({type(error).__name__}" in capsys.readouterr().err
