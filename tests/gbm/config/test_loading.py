"""Patient files and settings: what is refused names the file and the dotted key."""

from __future__ import annotations

from pathlib import Path

import pytest

from gbm.config.errors import InputError
from gbm.config.loading import load_patient, load_settings
from gbm.config.settings import Settings

GOOD = """patient:
  id: "p01"
  segmentation: {path: seg.nii.gz, convention: brats}
  images: {t1: t1.nii.gz}
"""


def _file(folder: Path, text: str) -> Path:
    path = folder / "p.yaml"
    path.write_text(text)
    return path


def test_paths_are_relative_to_the_patient_file(tmp_path: Path) -> None:
    patient = load_patient(_file(tmp_path, GOOD))
    assert patient.id == "p01"
    assert patient.paths() == {
        "patient.segmentation.path": tmp_path / "seg.nii.gz",
        "patient.images.t1": tmp_path / "t1.nii.gz",
    }


def test_presets_are_the_published_label_sets(tmp_path: Path) -> None:
    convention = load_patient(_file(tmp_path, GOOD)).segmentation.convention
    assert convention is not None
    assert (convention.WT, convention.TC) == ((1, 2, 3, 4), (1, 3, 4))
    text = GOOD.replace("brats", "gliodil")
    convention = load_patient(_file(tmp_path, text)).segmentation.convention
    assert convention is not None
    assert (convention.WT, convention.TC) == ((1, 3, 4), (1, 4))


@pytest.mark.parametrize(
    ("old", "new", "key", "word"),
    [
        ("segmentation:", "segmentatoin:", "patient.segmentatoin", "segmentation"),
        ("t1: t1.nii.gz", "t1w: t1.nii.gz", "patient.images.t1w", "unknown key"),
        ("brats", "bratz", "patient.segmentation.convention", "brats"),
        (", convention: brats", "", "patient.segmentation", "convention is missing"),
        ('"p01"', '"../p01"', "patient.id", "pattern"),
        ('"p01"', "007", "patient.id", "quotes"),
        ('"p01"', '""', "patient.id", ""),
        ('  id: "p01"\n', "", "patient.id", "missing"),
        ("brats", "{WT: [1], TC: [1, 4]}", "patient.segmentation.convention", "swapped"),
        ("brats", "{WT: [0, 1], TC: [1]}", "patient.segmentation.convention.WT", "greater"),
        ("images: {t1: t1.nii.gz}", "images: t1.nii.gz", "patient.images", "keys and values"),
        ("images: {t1", "tissue: {wm", "patient.tissue.gm", "missing"),
        ("patient:", "patiant:", "patient", "missing"),
    ],
)
def test_faults_name_file_and_key(tmp_path: Path, old: str, new: str, key: str, word: str) -> None:
    assert old in GOOD
    file = _file(tmp_path, GOOD.replace(old, new))
    with pytest.raises(InputError) as caught:
        load_patient(file)
    message = str(caught.value)
    assert caught.value.key is not None
    assert caught.value.key.startswith(key)
    assert str(file) in message
    assert word in message
    assert len(message.splitlines()) <= 2


MASKS = "masks: {WT: a.nii, TC: b.nii}"
PATH = "path: seg.nii.gz, convention: "


@pytest.mark.parametrize(
    ("segmentation", "word"),
    [
        (f"{PATH}brats, ignore: [7, 2]", "labels of the convention: 2"),
        (f"{PATH}{{WT: [1, 5], TC: [1]}}, ignore: [5]", "labels of the convention: 5"),
        (f"{PATH}brats, ignore: [0]", "positive integers"),
        (f"{PATH}brats, ignore: [-1]", "positive integers"),
        (f"{PATH}brats, ignore: [7.0]", "positive integers"),
        (f"{PATH}brats, ignore: ['7']", "positive integers"),
        (f"{PATH}brats, ignore: [true]", "positive integers"),
        (f"{PATH}brats, ignore: 7", "positive integers"),
        (f"{MASKS}, ignore: [7]", "belongs to path, not to masks"),
    ],
)
def test_labels_that_cannot_be_ignored_are_refused(
    segmentation: str, word: str, tmp_path: Path
) -> None:
    file = _file(tmp_path, GOOD.replace(f"{PATH}brats", segmentation))
    with pytest.raises(InputError, match=word) as caught:
        load_patient(file)
    assert caught.value.key == "patient.segmentation.ignore"
    assert len(str(caught.value).splitlines()) == 1


def test_labels_outside_the_convention_can_be_ignored(tmp_path: Path) -> None:
    def ignored(words: str) -> tuple[int, ...]:
        file = _file(tmp_path, GOOD.replace(f"{PATH}brats", words))
        return load_patient(file).segmentation.ignore

    assert ignored(f"{PATH}gliodil, ignore: [2, 7]") == (2, 7)
    assert ignored(f"{PATH}brats, ignore: []") == ignored(f"{PATH}brats") == ()


@pytest.mark.parametrize(
    ("extra", "key"),
    [
        ("slice: {plane: oblique}\n", "slice.plane"),
        ("slice: {indx: 3}\n", "slice.indx"),
        ("  fit: {recipe: slow}\n", "patient.fit.recipe"),
        ("bounds: {lambda_mm: [5, 1]}\n", "bounds"),
        ("bounds: {WT: [0.01, 0.025]}\n", "bounds"),
        ("bounds: {TC: [0.975, 0.99]}\n", "bounds"),
        ("bounds: {WT: [0.5, 0.59], TC: [0.3, 0.51]}\n", "bounds"),
        ("objective: {thresholds: {WT: 0.7, TC: 0.6}}\n", "objective.thresholds"),
    ],
)
def test_faulty_overrides_name_file_and_key(tmp_path: Path, extra: str, key: str) -> None:
    file = _file(tmp_path, GOOD + extra)
    with pytest.raises(InputError) as caught:
        load_patient(file)
    assert caught.value.key == key
    assert str(file) in str(caught.value)


def test_no_yaml_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 2"):
        load_patient(_file(tmp_path, "patient: {id: [\nb: }\n"))
    with pytest.raises(InputError, match=r"missing\.yaml"):
        load_patient(tmp_path / "missing.yaml")


def test_overrides_win_over_the_configuration(tmp_path: Path) -> None:
    file = _file(tmp_path, GOOD + "  slice: {index: 7}\ntissue: {white_to_grey: 5.0}\n")
    config = {"slice": {"plane": "coronal", "index": 3}, "patients": "x", "growth": {"h0": 0.2}}
    settings = load_settings(config, file)
    assert (settings.slice.plane, settings.slice.index) == ("coronal", 7)
    assert (settings.tissue.white_to_grey, settings.growth.h0) == (5.0, 0.2)


def test_filling_can_be_switched_off_beside_the_maps(tmp_path: Path) -> None:
    text = GOOD + "  tissue: {wm: a.nii, gm: b.nii, fill_tumour: false}\n"
    assert (
        load_settings({"tissue": {"fill_tumour": True}}, _file(tmp_path, text)).tissue.fill_tumour
        is False
    )
    assert load_settings({}, _file(tmp_path, GOOD)).tissue.fill_tumour is True


def test_defaults_follow_the_dimension(tmp_path: Path) -> None:
    plane, space = Settings(), load_settings({"dimensions": 3})
    assert (plane.verify.refine, space.verify.refine) == (2, 1)
    assert plane.objective.growth_prior.rhoT.median == 7.5
    assert space.objective.growth_prior.rhoT.median == 12.0
    assert space.objective.growth_prior.lambda_mm.log_sd == 0.7
    file = _file(tmp_path, GOOD + "dimensions: 3\n")
    nothing = {"objective": {"growth_prior": {"lambda_mm": None}}, "verify": {"refine": None}}
    assert load_settings(nothing, file) == space
    own = {"objective": {"growth_prior": {"rhoT": {"median": 9, "log_sd": 0.2}}}}
    found = load_settings(own, file).objective.growth_prior
    assert (found.rhoT.median, found.lambda_mm.median) == (9.0, 2.5)


def test_half_millimetres_are_refused_in_space_with_what_they_would_take() -> None:
    with pytest.raises(InputError, match=r"verify.refine: is 1 in three dimensions: .* GB"):
        load_settings({"dimensions": 3, "verify": {"refine": 2}})


@pytest.mark.parametrize("value", [1, 4, "3d", [3], None])
def test_other_dimensions_are_refused(value: object) -> None:
    with pytest.raises(InputError, match="dimensions"):
        load_settings({"dimensions": value})


def test_what_was_given_is_said_to_the_user_and_on_no_page(tmp_path: Path) -> None:
    file = tmp_path / "Erika" / "p.yaml"
    file.parent.mkdir()
    file.write_text(
        "patient: {id: Erika Mustermann, segmentation: {path: s.nii, convention: brats}}"
    )
    with pytest.raises(InputError) as refused:
        load_patient(file)
    assert "(given: 'Erika Mustermann')" in str(refused.value)
    assert refused.value.brief.startswith("p.yaml: patient.id: ")
    assert "Erika" not in refused.value.brief


def test_an_outline_has_no_slope(tmp_path: Path) -> None:
    """What means nothing to an objective is refused, whichever file names the objective."""
    asked = {"objective": {"name": "outline", "k_start": None}}
    found = load_settings(asked).objective
    assert (found.k_start, found.k_final, found.prior_weight) == (None, None, None)
    for key in ("k_start", "k_final", "prior_weight"):
        with pytest.raises(InputError, match=rf"{key}.*overlap"):
            load_settings({"objective": {"name": "outline", key: 50.0}})
    overlap = {"objective": {"name": "soft_dice"}}
    assert load_settings(overlap).objective.overlap == (20.0, 320.0, 1e-3)
    file = tmp_path / "p.yaml"
    file.write_text("patient: {id: p}\nobjective: {k_final: 80}\n")
    assert load_settings(overlap, file).objective.k_final == 80.0
    with pytest.raises(InputError, match=r"k_final.*overlap"):
        load_settings(asked, file)
