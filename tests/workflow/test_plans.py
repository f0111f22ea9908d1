"""Rules of plans and DICOM objects: when they are planned, and what they make anew."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from gbm.io.layout import Layout
from gbm.io.volumes import Volume
from tests.conftest import Run
from tests.gbm.dicom.series import axial, write_series
from tests.workflow.phantom import write


def _blocks(repository: Path) -> dict[str, str]:
    text = "\n".join(p.read_text() for p in sorted((repository / "workflow/rules").glob("*.smk")))
    parts = re.split(r"^rule ", text, flags=re.MULTILINE)[1:]
    return {part.split(":")[0]: part for part in parts}


def test_a_margin_or_a_recurrence_repeats_what_shows_it_alone(repository: Path) -> None:
    """Params decide what is made again: of no other rule do these hold either."""
    rules = _blocks(repository)
    asked = {name for name, text in rules.items() if re.search(r'settings_for\([^)]*"plan"', text)}
    assert asked == {"plan"}
    assert {name for name, text in rules.items() if "later=later_contents" in text} == {
        "plan", "report"
    }  # fmt: skip
    assert {name for name, text in rules.items() if "reference=reference_contents" in text} == {
        "dicom"
    }
    common = (repository / "workflow/rules/provenance.smk").read_text()
    assert 'patient.model_dump(exclude={"recurrence", "dicom"})' in re.sub(r"\s+", " ", common)


def test_each_object_is_asked_for(repository: Path) -> None:
    """Of a folder nobody sees that a file in it is missing."""
    files = Layout(Path("results"), "p01").dicom_objects
    assert {path.name for path in files.values()} == {
        "sub-p01_segmentation.dcm", "sub-p01_density.dcm", "sub-p01_structures.dcm"
    }  # fmt: skip
    written = _blocks(repository)["dicom"].split("output:")[1].split("log:")[0]
    assert written.strip() == "**FILES.dicom_objects,"
    assert "dicom_objects" in (repository / "workflow/rules/common.smk").read_text()


@pytest.mark.parametrize(("dimensions", "made"), [(2, set()), (3, {"plan", "dicom"})])
def test_whole_tumours_have_plans_and_with_a_series_dicom_objects(
    snakemake: Run, tmp_path: Path, dimensions: int, made: set[str]
) -> None:
    write(tmp_path, "p01", "  dicom: {reference: scan}\n")
    write_series(tmp_path / "scan", Volume(np.ones((8, 8, 4)), axial()))
    done = snakemake(
        "-n", "--cores", "1", "--config", "patients=p01.yaml", f"dimensions={dimensions}"
    )
    assert done.returncode == 0, done.stderr
    jobs = set(re.findall(r"^(\w+) +1$", done.stdout + done.stderr, re.MULTILINE))
    assert jobs & {"plan", "dicom"} == made
    assert "report" in jobs
