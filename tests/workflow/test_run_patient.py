"""One process instead of the workflow: the same steps, the same numbers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

import gbm
from gbm import running
from gbm.io.lock import hold
from tests.conftest import Run
from tests.workflow.phantom import LAMBDA_MM, MIDDLE, RHO_T, write

FIT = {
    "pretrain_steps": 20, "finetune_steps": 20, "width": 16,
    "layers": 2, "fourier": 4, "points": 64, "device": "cpu",
}  # fmt: skip
VERIFY = {"refine": 1}


def _numbers(params: Path) -> Any:
    """The result without what differs from run to run: seconds, costs, digest."""
    other = ("seconds", "cost", "digest")

    def kept(entry: Any) -> Any:
        if isinstance(entry, dict):
            return {k: kept(v) for k, v in entry.items() if k not in other}
        return [kept(item) for item in entry] if isinstance(entry, list) else entry

    return kept(json.loads(params.read_text()))


def test_every_rule_of_a_patient_is_a_step_in_order(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "".join(file.read_text() for file in (repository / "workflow/rules").glob("*.smk"))
    rules = set(re.findall(r"^rule (\w+):", text, re.MULTILINE))
    ran: list[str] = []

    def recorded(step: str) -> Callable[..., None]:
        return lambda job, *fit: ran.append(" ".join([step, *fit]))

    for step in (rules & set(vars(running))) | {"fit", "dicom"}:
        monkeypatch.setattr(f"gbm.steps.{step}.run", recorded(step))
    monkeypatch.setattr(running, "read_result", lambda path: path)
    monkeypatch.setattr("gbm.steps.check.run", lambda *given: ran.append("check"))
    file = write(tmp_path, "p01")
    before = ["check", "tissue", "domain", "characteristic", "baselines", "identifiability"]
    main = [f"{step} bilo_char_inferred_seed0" for step in ("fit", "verify")]
    sure, after = ["posterior", "slices"], ["metrics", "export", "export_uncertainty", "report"]
    gbm.run_patient(file, tmp_path / "alone")
    assert ran == [*before, *sure, *main, *after]
    ran.clear()
    gbm.run_patient(file, tmp_path / "alone", fit={"method": "direct"})
    assert ran == [*before, *sure, *after]
    ran.clear()
    direct = {"fit": {"method": "direct"}}
    gbm.run_patient(file, tmp_path / "alone", uncertainty={"enabled": False}, **direct)
    assert ran == [*before, "metrics", "export", "report"]
    ran.clear()
    gbm.run_patient(file, tmp_path / "alone", uncertainty={"slices": False}, **direct)
    assert ran == [*before, "posterior", *after]
    ran.clear()
    gbm.run_patient(file, tmp_path / "alone", dimensions=3, **direct)
    whole = [*before, "slice_fit", "posterior", *after[:-1], "plan"]
    assert ran == [*whole, "report"]
    ran.clear()
    file.write_text(file.read_text() + "dicom: {reference: scan}\n")
    gbm.run_patient(file, tmp_path / "alone", dimensions=3, **direct)
    assert ran == [*whole, "dicom", "report"]
    known = set(ran)
    ran.clear()
    asked = {"comparison": True, "pinn_weights": [1e-3]}
    gbm.run_patient(file, tmp_path / "alone", fit=asked)
    others = ("bilo_heat_inferred_seed0", "bilo_char_fixed_seed0", "pinn_char_w1e-3_seed0")
    networks = [f"{step} {name}" for name in others for step in ("fit", "verify")]
    assert ran == [*before, *sure, *main, *after, "direct_fixed", *networks, "comparison"]
    of_a_command = {"all", "cohort", "compare", "comparison_page", "costs", "demo", "demo3d"}
    of_a_command |= {r for r in rules if r.startswith("bench")}
    assert rules - of_a_command == {"register", *known, *(name.split()[0] for name in ran)}


def test_a_direct_fit_imports_no_torch(repository: Path, tmp_path: Path) -> None:
    file = write(tmp_path, "p01")
    code = (
        "import sys, gbm\n"
        f"found = gbm.run_patient({str(file)!r}, {str(tmp_path / 'alone')!r},"
        " fit={'method': 'direct'}, verify={'refine': 1})\n"
        "print(found.headline, found.fits, 'torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=repository, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "direct_fdm () False"
    for name in ("sub-p01.html", "sub-p01/anat/sub-p01_desc-fit_celldensity.nii.gz"):
        assert (tmp_path / "alone" / name).is_file()
    (params,) = (tmp_path / "alone").glob("sub-p01/anat/*_desc-growth_params.json")
    found = json.loads(params.read_text())
    schema = files("gbm").joinpath("schemas/growth_params.schema.json")
    jsonschema.validate(found, json.loads(schema.read_text(encoding="utf-8")))
    assert abs(np.log(found["lambda_mm"]["value"] / LAMBDA_MM)) < 0.25
    assert abs(np.log(found["rhoT"]["value"] / RHO_T)) < 0.1
    assert [entry["slice"] for entry in found["uncertainty"]["slices"]] == [MIDDLE]
    assert (found["lambda_mm"]["sd_slices"], found["uncertainty"]["reason"]) == (None, None)
    for key, truth in (("lambda_mm", LAMBDA_MM), ("rhoT", RHO_T)):
        low, high = found[key]["interval90"]
        assert low < truth < high


@pytest.mark.slow
def test_the_numbers_are_those_of_the_workflow(snakemake: Run, tmp_path: Path) -> None:
    file = write(tmp_path, "p01")
    done = snakemake(
        "--cores", "1", "results/gbm/sub-p01.html",
        "--config", "patients=p01.yaml", f"fit={json.dumps(FIT)}", f"verify={json.dumps(VERIFY)}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = gbm.run_patient(file, tmp_path / "alone", fit=FIT, verify=VERIFY)
    (params,) = (tmp_path / "alone").glob("sub-p01/anat/*_params.json")
    there = tmp_path / "results" / "gbm" / params.relative_to(tmp_path / "alone")
    assert _numbers(params) == _numbers(there)
    assert result.model_dump(mode="json") == json.loads(params.read_text())
    assert (tmp_path / "alone" / "sub-p01.html").exists()


@pytest.mark.parametrize(
    ("word", "wrong"),
    [
        (r"fit\.recipe", {"fit": {"recipe": "slow"}}),
        ("patients", {"patients": "cohort/*.yaml"}),
        ("output", {"output": {"root": "elsewhere"}}),
        ("threads", {"threads": 0}),
        ("no folder", {"out": "p01.yaml"}),
        ("no such file", {"file": "p02.yaml"}),
    ],
)
def test_a_fault_is_named_before_anything_runs(
    word: str, wrong: dict[str, Any], tmp_path: Path
) -> None:
    asked = {"file": write(tmp_path, "p01"), "out": "alone"} | wrong
    file, out = tmp_path / asked.pop("file"), tmp_path / asked.pop("out")
    with pytest.raises(gbm.InputError, match=word):
        gbm.run_patient(file, out, **asked)
    assert not (tmp_path / "alone").exists()


def test_nothing_is_run_where_a_command_writes(tmp_path: Path) -> None:
    write(tmp_path, "p01")
    with (
        hold(tmp_path / "results/gbm/.lock", "output.root"),
        pytest.raises(gbm.InputError, match="another command is writing there"),
    ):
        gbm.run_patient(tmp_path / "p01.yaml", tmp_path / "results/gbm")
    assert not (tmp_path / "results/gbm/work").exists()
