"""The growth model of the PREDICT-GBM benchmark: its folders, its grid, and its plans."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from gbm.__main__ import main
from gbm.config.conventions import CONVENTIONS
from gbm.config.patient import Segmentation
from gbm.imaging.labels import regions
from gbm.io.volumes import Volume
from gbm.plan.brain import brain_of_tissue
from gbm.plan.scores import coverage
from gbm.plan.shapes import Ground
from tests.gbm.benchmark_subject import AFFINE, write_subject


def test_a_density_on_the_same_grid_inside_the_brain(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = write_subject(tmp_path / "in")
    out = tmp_path / "out"
    assert main(["predict-gbm", "--input", str(tmp_path / "in"), "--output", str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"written: {out / '00000.nii.gz'}"
    assert [path.name for path in out.iterdir()] == ["00000.nii.gz"]
    found = nib.load(out / "00000.nii.gz")
    given = nib.load(own / "00000-tumorseg.nii.gz")
    assert found.shape == given.shape
    assert np.allclose(found.affine, given.affine)
    u, labels = np.asarray(found.dataobj), np.asarray(given.dataobj)
    maps = [np.asarray(nib.load(own / f"00000-{n}.nii.gz").dataobj) for n in ("wm", "gm", "csf")]
    brain = brain_of_tissue(*maps)
    assert 0.0 <= u.min() < u.max() <= 1.0
    assert (u[~brain] == 0).all()
    # it is the density of this tumour: dense inside, and less so outside
    assert u[labels == 1].min() > u[(labels == 0) & brain].mean() > 0
    _as_the_benchmark_draws_them(u, np.isin(labels, (1, 3)), brain)


def _as_the_benchmark_draws_them(u: np.ndarray, core: np.ndarray, brain: np.ndarray) -> None:
    """Its version 0.1: distances in voxels, a threshold found to 1 % of the volume."""
    theirs = (distance_transform_edt(~core) <= 4) & brain
    ground = Ground.of(brain, Volume(core, AFFINE))
    ours = ground.standard(4.0)
    assert np.array_equal(theirs, ours)
    model = ground.of_volume(u, int(ours.sum())).mask
    level = np.sort(u[brain])[-int(ours.sum())]
    near = (u > level * 1.001) & brain
    recurrence = brain & (np.indices(brain.shape)[0] > 18)
    assert abs(near.sum() / ours.sum() - 1) < 0.01
    assert abs(coverage(model, recurrence) - coverage(near, recurrence)) < 0.01


def test_the_convention_of_the_benchmark_has_a_cavity_of_tissue() -> None:
    preset = CONVENTIONS["predict_gbm"]
    assert preset.WT == {1, 2, 3}
    assert preset.TC == {1, 3}
    section = Segmentation.model_validate({"path": "seg.nii.gz", "convention": "predict_gbm"})
    assert section.convention is not None
    data = np.arange(5, dtype=np.float32).reshape(5, 1, 1).repeat(2, 1)
    found = regions(Volume(data, np.eye(4)), section.convention, section.convention.tissue)
    assert found.WT.data[:, 0, 0].tolist() == [False, True, True, True, False]
    assert found.TC.data[:, 0, 0].tolist() == [False, True, False, True, False]


def test_a_fault_is_told_and_leaves_no_file_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fits of the sound one are not what is tested here."""
    from gbm import predict_gbm

    monkeypatch.setattr(predict_gbm, "_fitted", lambda job, method: np.zeros((1, 1, 1)))
    monkeypatch.setattr(predict_gbm, "load_domain", lambda path: None)
    monkeypatch.setattr(
        predict_gbm, "density_in_file", lambda d, u, shape, affine: np.zeros(shape, np.float32)
    )
    source, out = tmp_path / "in", tmp_path / "out"
    out.mkdir()
    (out / "00001.nii.gz").write_bytes(b"of an earlier run")
    (write_subject(source, "00001") / "00001-wm.nii.gz").unlink()
    write_subject(source, "00002")
    assert main(["predict-gbm", "--input", str(source), "--output", str(out)]) == 1
    said = capsys.readouterr()
    assert "00001-wm.nii.gz: patient.tissue.wm: there is no such file" in said.err
    assert "Traceback" not in said.err
    assert [path.name for path in out.iterdir()] == ["00002.nii.gz"]


@pytest.mark.parametrize(
    ("make", "words"), [(False, "there is no such folder"), (True, "holds no folder Patient-")]
)
def test_a_folder_without_patients_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: bool, words: str
) -> None:
    source = tmp_path / "in"
    if make:
        source.mkdir()
    assert main(["predict-gbm", "--input", str(source), "--output", str(tmp_path / "out")]) == 1
    assert f"{source}: input: {words}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_container_starts_it(repository: Path) -> None:
    """The recipe's last command is one that this program understands."""
    recipe = (repository / "Dockerfile").read_text(encoding="utf-8")
    command = recipe.rsplit("CMD ", 1)[1].strip()
    words = [word.strip('" ') for word in command.strip("[]").split(",")]
    assert words[0] == "predict-gbm"
    assert words[1::2] == ["--input", "--output"]
    assert words[2::2] == ["/mlcube_io0", "/mlcube_io1"]
