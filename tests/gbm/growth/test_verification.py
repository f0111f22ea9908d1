"""Verification: a perfect network passes, a wrong one does not, files in and out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gbm.config.settings import Settings
from gbm.domain.domain import save_domain
from gbm.growth import verification
from gbm.growth.characteristic import characteristic
from gbm.growth.finite_volume import solve
from gbm.growth.growth_map import coarsen
from gbm.growth.records import FitResult, Verification
from gbm.io.files import read_json, write_npz, write_sealed
from gbm.io.job import Job
from gbm.io.layout import Layout, arrays
from gbm.steps import baselines, direct_fixed, identifiability
from gbm.steps.verify import run as step_verify

TIMES = np.array([0.25, 0.5, 1.0])


@pytest.fixture(scope="module")
def fit(grown: Any) -> FitResult:
    return FitResult(
        method="bilo", lift="char", x0="inferred", weight=None, seed=0,
        DT_mm2=grown.DT, rhoT=grown.rhoT, lambda_mm=float(np.sqrt(grown.DT / grown.rhoT)),
        rD=1.0, rRHO=1.0, thresholds=grown.thresholds, x0_grid_mm=grown.x0.tolist(),
        objective_network=0.1, status="converged", converged=True, steps=1, seconds=1.0,
        device="cpu", warnings=("a warning",), history={"loss": [1.0, float("nan")]},
    )  # fmt: skip


@pytest.fixture(scope="module")
def perfect(grown: Any) -> np.ndarray:
    u = solve(grown.domain, grown.growth, grown.seed, cell_mm=0.5, times=TIMES.tolist())
    return coarsen(u, 2, 2)


def test_a_perfect_network_is_confirmed(grown: Any, fit: FitResult, perfect: np.ndarray) -> None:
    found, u_fdm, u_network = verification.verify(grown.domain, fit, perfect, TIMES)
    assert found.relative_error_u == {"final": 0.0, "all_t": 0.0, "final_with_interface": 0.0}
    assert found.objective["network"] == found.objective["fdm"] < 0.1
    assert found.dice["fdm"] == {"WT": 1.0, "TC": 1.0}
    assert found.metrics["network"]["WT"]["hd95_mm"] == 0
    assert (found.status, found.warnings) == ("converged", ())
    np.testing.assert_array_equal(u_fdm, perfect[-1])
    np.testing.assert_array_equal(u_network, perfect[-1])


def test_a_network_that_bends_the_equation_is_caught(
    grown: Any, fit: FitResult, perfect: np.ndarray
) -> None:
    found, _, _ = verification.verify(grown.domain, fit, 1.1 * perfect, TIMES)
    assert found.relative_error_u["final"] == pytest.approx(0.1)
    assert found.relative_error_u["all_t"] == pytest.approx(0.1)
    assert found.status == "disagreement"
    assert "10.0 %" in found.warnings[0]


def test_an_error_in_the_walls_is_reported_apart(
    grown: Any, fit: FitResult, perfect: np.ndarray
) -> None:
    wrong = np.where(grown.domain.phi > 0.5, perfect, 0.0)
    error = verification.verify(grown.domain, fit, wrong, TIMES)[0].relative_error_u
    assert error["final"] == error["all_t"] == 0.0
    weighted = grown.domain.phi * perfect[-1] ** 2
    outside = weighted[grown.domain.phi <= 0.5].sum() / weighted.sum()
    assert error["final_with_interface"] == pytest.approx(np.sqrt(outside))
    assert error["final_with_interface"] > 1e-3


def test_not_a_number_is_a_disagreement(grown: Any, fit: FitResult, perfect: np.ndarray) -> None:
    found, _, _ = verification.verify(grown.domain, fit, np.nan * perfect, TIMES)
    assert found.status == "disagreement"


def test_a_number_on_a_bound_is_named(grown: Any, fit: FitResult, perfect: np.ndarray) -> None:
    at_bound = replace(fit, thresholds={"WT": 0.0501, "TC": 0.6})
    found, _, _ = verification.verify(grown.domain, at_bound, perfect, TIMES)
    assert found.status == "on a bound"
    assert found.warnings == ("threshold WT sits on a bound",)


def test_fields_must_belong_to_the_domain(grown: Any, fit: FitResult, perfect: np.ndarray) -> None:
    with pytest.raises(ValueError, match="cells seen at t = 1"):
        verification.verify(grown.domain, fit, perfect, np.array([0.1, 0.2, 0.3]))
    with pytest.raises(ValueError, match="cells seen at t = 1"):
        verification.verify(grown.domain, fit, perfect[:, :-1], TIMES)


def test_records_survive_json(grown: Any, fit: FitResult, perfect: np.ndarray) -> None:
    text = json.dumps(fit.to_json(), allow_nan=False)
    back = FitResult.from_json(json.loads(text) | {"later": 1})
    assert back == replace(fit, history={"loss": [1.0, None]})  # type: ignore[list-item]
    found, _, _ = verification.verify(grown.domain, fit, perfect, TIMES)
    assert Verification.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_steps_from_files(grown: Any, fit: FitResult, perfect: np.ndarray, tmp_path: Path) -> None:
    files = Layout(tmp_path, "p1")
    save_domain(files.domain, grown.domain)
    name = "bilo_char_inferred_seed0"
    write_sealed(files.fit(name), fit.to_json())
    write_npz(arrays(files.fit(name)), u=perfect.astype(np.float32), times=TIMES)
    write_sealed(files.baselines, {"direct_fdm": {"first_mode": None}})
    step_verify(Job(None, Settings(), files), name)
    assert read_json(files.verified(name))["relative_error_u"]["final"] < 1e-6
    with np.load(arrays(files.verified(name))) as stored:
        assert stored["u_fdm"].shape == stored["u_network"].shape == grown.domain.P.shape


def test_the_references_of_a_patient(grown: Any, tmp_path: Path) -> None:
    numbers = grown.domain.numbers
    start = characteristic(numbers["radius_WT_mm"], numbers["radius_TC_mm"])
    files = Layout(tmp_path, "p1")
    save_domain(files.domain, grown.domain)
    write_sealed(files.characteristic, start.to_json())
    job = Job(None, Settings.model_validate({"verify": {"refine": 1}}), files)
    baselines.run(job)
    direct_fixed.run(job)
    found = read_json(files.baselines)
    best = found["direct_fdm"]["objective"]
    assert best <= read_json(files.direct_fixed)["objective"] + 1e-4
    assert best < found["characteristic_fdm"]["objective"]
    for model in ("characteristic_fdm", "direct_fdm", "disc"):
        assert set(found[model]["metrics"]["TC"]) == {"dice", "hd95_mm", "area_mm2"}
    identifiability.run(job)
    told = read_json(files.identifiability)
    assert min(told["profile"]["objective"]) == pytest.approx(best, abs=5e-3)
    assert set(told) == {"profile", "surface", "digest"}
    with np.load(arrays(files.baselines)) as stored:
        assert set(stored) == {"u_characteristic", "u_direct", "disc_WT", "disc_TC"}
