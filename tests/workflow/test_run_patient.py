"""One process instead of the workflow: the same steps, the same numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import gbm
from tests.conftest import Run
from tests.workflow.phantom import write

FIT = {
    "pinn_weights": [], "lifts": ["char"], "pretrain_steps": 20, "finetune_steps": 20, "width": 16,
    "layers": 2, "fourier": 4, "points": 64, "device": "cpu",
}  # fmt: skip
VERIFY = {"refine": 1}


def _numbers(params: Path) -> Any:
    """The result without what differs from run to run: seconds, costs, absolute paths."""

    def kept(entry: Any) -> Any:
        if isinstance(entry, dict):
            return {k: kept(v) for k, v in entry.items() if k not in ("seconds", "cost", "path")}
        return [kept(item) for item in entry] if isinstance(entry, list) else entry

    return kept(json.loads(params.read_text()))


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
        ("No such file", {"file": "p02.yaml"}),
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
