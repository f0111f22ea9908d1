"""The page stands alone, says what the numbers say, and draws what there is."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, TypeVar

import nibabel as nib
import numpy as np
import pytest

from gbm.config.model import Model
from gbm.domain.plane import sample
from gbm.io.files import read_json, sha256, write_json, write_sealed
from gbm.report.findings import findings
from gbm.report.methods_text import methods
from gbm.report.quality_table import quality_rows
from gbm.report.registration_table import registration_rows
from gbm.results.fit_entry import FirstStart, FitStart, HeadlineObjectives
from gbm.results.metrics_table import read_metrics
from gbm.results.patient_result import PatientResult, read_result
from gbm.results.registration_record import RegistrationRecord
from gbm.steps.metrics import run as step_metrics
from gbm.steps.report import run as step_report

M = TypeVar("M", bound=Model)


def report(bundle: Any, images: dict[str, Path] | None = None) -> str:
    """Assemble, write the page, return its text."""
    bundle.describe(images or {})
    step_metrics(bundle.job)
    step_report(bundle.job)
    return bundle.files.page.read_text()


class Structure(HTMLParser):
    """Collects ids, links, sources and images without a text; checks that tags close."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.anchors: set[str] = set()
        self.sources: list[str] = []
        self.without_text: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag not in {"meta", "img", "br", "input"}:
            self.open.append(tag)
        if values.get("id"):
            self.ids.add(str(values["id"]))
        if (values.get("href") or "").startswith("#"):
            self.anchors.add(str(values["href"])[1:])
        if tag == "img":
            self.sources.append(str(values["src"]))
            if not values.get("alt"):
                self.without_text.append(str(values["src"])[:40])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def sound(text: str) -> Structure:
    """The structure of a page: all is closed, anchors lead somewhere, pictures have words."""
    structure = Structure()
    structure.feed(text)
    assert structure.open == []
    assert structure.anchors <= structure.ids
    assert structure.without_text == []
    return structure


def test_page_is_self_contained_and_well_formed(reported: Any) -> None:
    text = reported("slice").files.page.read_text()
    structure = sound(text)
    assert len(structure.sources) >= 10
    assert all(source.startswith("data:image/") for source in structure.sources)
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", text)
    assert "default-src 'none'" in text  # a browser refuses what the page would ask a host for
    assert "@import" not in text
    assert text.index("Verdict:") < text.index("<section")


def test_figures_are_files_and_the_same_every_time(reported: Any, bundle: Any) -> None:
    figures = reported("slice").files.figures
    first = {path.name: path.read_bytes() for path in figures.glob("*.svg")}
    assert {
        "tissue.svg", "phase_field.svg", "density_network.svg", "density_fdm.svg", "error.svg",
        "losses.svg", "unknowns.svg", "profile.svg", "scores.svg", "time.svg",
    } <= set(first)  # fmt: skip
    report(bundle)
    assert {path.name: path.read_bytes() for path in bundle.files.figures.glob("*.svg")} == first


def test_page_has_what_was_promised(reported: Any) -> None:
    bundle = reported("slice")
    text = bundle.files.page.read_text()
    for phrase in (
        "neurological convention",  # which side is left
        "An absolute D (mm²/day) or ρ (per day) needs the time T",
        "0.85 to 1.4 times",
        "prior on\n  the thresholds",
        "disc", "direct fit", "characteristic start",
        "λ = 2.2 mm, ρT = 9.0",  # another minimum
        "How sure",
        "maps were divided by 255",
        read_json(bundle.anat_file("desc-growth_params.json"))["inputs"][0]["sha256"],
        "DICE of the brain masks",
    ):  # fmt: skip
        assert phrase in text, phrase


def test_stated_time_gives_absolute_values(bundle: Any) -> None:
    bundle.settings["growth"]["T_days"] = 300.0
    text = report(bundle)
    assert "0.5000 mm²/day" in text  # 150 mm^2 / 300 d
    assert "which was not given" not in text


def test_image_and_truth_are_shown(bundle: Any, tmp_path: Path) -> None:
    domain = bundle.domain
    volume = np.random.default_rng(0).random((*domain.phi.shape, 5)).astype(np.float32)
    affine = domain.affine.copy()
    affine[2, 3] -= 2
    nib.save(nib.Nifti1Image(volume, affine), tmp_path / "t1c.nii.gz")
    assert np.allclose(sample(domain, volume, affine), volume[..., 2])
    write_sealed(
        bundle.files.truth,
        {"segmentation_sha256": sha256(bundle.root / "seg.nii.gz"),
         "lambda_mm": 4.5678, "rhoT": 7.0, "DT_mm2": 141.75,
         "thresholds": {"WT": 0.33, "TC": 0.62}, "x0_mm": [1.0, 2.0, 3.0]},
    )  # fmt: skip
    text = report(bundle, images={"t1c": tmp_path / "t1c.nii.gz"})
    assert (bundle.root / "sub-p1" / "figures" / "overlay.svg").exists()
    assert "T1c" in (bundle.root / "sub-p1" / "figures" / "anatomy.svg").read_text()
    assert "4.57" in text
    write_json(bundle.files.truth, read_json(bundle.files.truth) | {"segmentation_sha256": "x"})
    assert "4.57" not in report(bundle)  # the truth of another patient


def test_empty_core_is_reported_without_numbers(bundle: Any) -> None:
    for kind in ("fits", "verify"):
        for path in (bundle.work / kind).glob("*.json"):
            record = read_json(path)
            if kind == "fits":
                record["thresholds"]["TC"] = None
            else:
                for model in ("network", "fdm"):
                    record["dice"][model]["TC"] = None
                    record["metrics"][model]["TC"] = dict.fromkeys(("dice", "hd95_mm", "area_mm2"))
            write_sealed(path, record)
    assert "–" in report(bundle)


def test_a_page_without_a_core_names_one_radius(bundle: Any) -> None:
    path = bundle.work / "characteristic.json"
    write_sealed(path, read_json(path) | {"radius_error": {"WT": 0.001}, "reason": "TC is empty"})
    text = report(bundle)
    assert "within 0.1\xa0% (WT); TC is empty." in text


def changed(model: M, **update: Any) -> M:
    return model.model_copy(update=update)


def measured(**dices: tuple[float, float]) -> dict[str, Any]:
    return {
        model: {"WT": {"dice": whole}, "TC": {"dice": core}}
        for model, (whole, core) in dices.items()
    }


@pytest.mark.parametrize(
    ("disc", "kind", "phrase"),
    [
        ((0.95, 0.70), "bad", "A simple baseline beats BiLO"),
        ((0.901, 0.70), "note", "hardly better than"),
        ((0.80, 0.70), "good", "overlaps better than a plain disc"),
    ],
)
def test_a_disc_that_wins_is_said_to_win(
    result: PatientResult, disc: tuple[float, float], kind: str, phrase: str
) -> None:
    found = findings(result, measured(bilo_fdm=(0.90, 0.85), disc=disc))
    assert [f.kind for f in found if phrase in f.text] == [kind]


def test_methods_say_where_origin_and_start_come_from(result: PatientResult) -> None:
    text = " ".join(methods(result))
    assert "outer search with the finite-volume solver" in text
    assert "over the tissue φ > 1/2" in text
    assert "start at the characteristic parameters" in text
    first, last = result.fits
    table = FitStart(DT=401.2, rhoT=5.04, source="table")
    moved = changed(result, fits=(changed(first, start=table), last))
    assert "D·T = 401 mm² and ρT = 5.0" in " ".join(methods(moved))
    direct = FitStart(DT=300.0, rhoT=6.0, source="direct fit")
    before = FirstStart(source="table", objective_fdm=0.2986)
    twice = changed(last, start=direct, first_start=before)
    again = changed(result, fits=(first, twice))
    text = " ".join(methods(again))
    assert f"{last.name} ended clearly above the direct fit, or off" in text
    assert "a second start at the direct fit's parameters was kept" in text


def test_the_metric_of_the_registration_is_named(result: PatientResult) -> None:
    result = changed(result, inputs=result.inputs[:1])  # no tissue maps of the patient's own
    assert "mutual information, Mattes" in " ".join(methods(result))
    attempts = [
        {"metric": metric, "seed": 0, "chosen": metric.startswith("local"),
         "brain_dice": 0.9, "correlation": 0.5, "starts": [], "stages": [
            {"stage": "rigid", "start": "moments", "image": "t1", "overlap": 0.9, "kept": True,
             "information": {"t1": 1.0, "t1c": 0.8}}]}
        for metric in ("mutual information", "local correlation")
    ]  # fmt: skip
    record = RegistrationRecord.model_validate(
        {"atlas": "MNI152", "image": "patient.images.t1", "method": "affine", "brain_dice": 0.9,
         "correlation": 0.5, "seconds": 60.0, "seed": 0, "attempts": attempts, "remarks": []}
    )  # fmt: skip
    tried = changed(result, registration=record)
    assert "local correlation, Avants" in " ".join(methods(tried))
    first, second = registration_rows(record)
    assert first["attempt"] == "mutual information, seed 0 (not chosen)"
    assert (second["start"], second["information"]) == (
        "moments, t1 climbed",
        "t1 1.000, t1c 0.800",
    )
    assert registration_rows(None) == []


def test_a_better_direct_fit_and_a_worse_start_are_said(result: PatientResult) -> None:
    worse = HeadlineObjectives(network=0.3, fdm=0.30, direct_fit=0.28, characteristic=0.29)
    texts = [f.text for f in findings(changed(result, objective=worse), {}) if f.kind == "bad"]
    assert any("direct finite-volume fit beats BiLO" in text for text in texts)
    assert any("worse than its own start" in text for text in texts)


def test_an_overfitting_network_is_said_to_overfit(result: PatientResult) -> None:
    metrics = measured(bilo_network=(0.95, 0.9), bilo_fdm=(0.80, 0.9))
    assert any("BiLO over-fits" in f.text for f in findings(result, metrics))
    metrics = measured(bilo_network=(0.805, 0.9), bilo_fdm=(0.80, 0.9))
    assert not any("over-fits" in f.text for f in findings(result, metrics))


def test_gates_are_shown_with_their_limits(bundle: Any) -> None:
    numbers = read_json(bundle.work / "quality.json")["numbers"] | {"brain_dice": 0.5}
    write_sealed(bundle.work / "quality.json", {"numbers": numbers})
    text = report(bundle)
    rows = quality_rows(read_result(bundle.anat_file("desc-growth_params.json")))
    assert rows[0]["name"] == "DICE of the brain masks, atlas and patient"
    assert rows[0]["gate"] == "at least 0.920: ✗ failed, do not rely on this fit"
    assert rows[0]["advice"]
    assert any("✓ passed" in row["gate"] for row in rows)
    assert text.index("The registered atlas does not fit the brain") < text.index("<section")


def test_metrics_file_is_read_back(bundle: Any) -> None:
    step_metrics(bundle.job)
    metrics = read_metrics(bundle.files.metrics)
    assert metrics["disc"]["WT"]["dice"] == 0.84
