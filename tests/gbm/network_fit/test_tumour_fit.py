"""A network fit from files: the origin it takes, its records, and an interruption."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bilo.inverse.points import Points
from gbm.config.fit_names import FitSpec
from gbm.config.settings import Settings
from gbm.domain.domain import save_domain
from gbm.growth.characteristic import characteristic
from gbm.growth.records import FitResult
from gbm.growth.verification import verify
from gbm.io.files import read_json, write_json
from gbm.network_fit import best_basin, tumour_fit
from gbm.network_fit.start import NetworkStart
from gbm.network_fit.tumour_fit import TumourFit
from gbm.network_fit.tumour_problem import TumourProblem
from gbm.steps.fit import run as step_fit

TINY = Settings.model_validate(
    {
        "fit": {"pretrain_steps": 30, "finetune_steps": 60, "width": 16, "layers": 2, "fourier": 4,
                "points": 128, "device": "cpu"},
        "verify": {"refine": 1},
    }
)  # fmt: skip
DIRECT = [2.4, 33.5]
PLANS = ("bilo_char_inferred_seed0", "pinn_char_w1e-3_seed0")


@pytest.fixture(scope="module")
def folder(grown: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("fit")
    numbers = grown.domain.numbers
    start = characteristic(numbers["radius_WT_mm"], numbers["radius_TC_mm"])
    save_domain(made / "domain.npz", grown.domain)
    write_json(made / "characteristic.json", start.to_json())
    _write_baselines(made, grown, objective=10.0)
    return made


def _write_baselines(folder: Path, grown: Any, objective: float) -> None:
    """Direct fits at the truth, of a given objective."""
    fitted = {"DT_mm2": grown.DT, "rhoT": grown.rhoT, "objective": objective}
    origins = {"direct_fdm": DIRECT, "direct_fixed_fdm": grown.domain.x0.tolist()}
    write_json(
        folder / "baselines.json",
        {name: {**fitted, "x0_plane_mm": origin} for name, origin in origins.items()},
    )


def _run(folder: Path, name: str, as_: str, settings: Settings = TINY) -> dict[str, Any]:
    step_fit(
        domain=folder / "domain.npz",
        characteristic=folder / "characteristic.json",
        baselines=folder / "baselines.json",
        name=name,
        settings=settings,
        record=folder / f"{as_}.json",
        fields=folder / f"{as_}.npz",
        checkpoint=folder / f"{as_}.safetensors",
        threads=1,
    )
    return read_json(folder / f"{as_}.json")


@pytest.mark.parametrize("name", PLANS)
def test_an_inferred_origin_is_that_of_the_direct_fit(folder: Path, name: str) -> None:
    found = _run(folder, name, name)
    assert found["x0_plane_mm"] == pytest.approx(DIRECT)
    assert (found["steps"], found["device"]) == (90, "cpu")
    assert found["lambda_mm"] == pytest.approx(np.sqrt(found["DT_mm2"] / found["rhoT"]))
    assert {len(column) for column in found["history"].values()} == {len(found["history"]["step"])}
    assert not (folder / f"{name}.safetensors").exists()


def test_a_fixed_origin_is_that_of_the_segmentation(folder: Path, grown: Any) -> None:
    found = _run(folder, "bilo_char_fixed_seed0", "fixed")
    assert found["x0_plane_mm"] == pytest.approx(grown.domain.x0.tolist())


def test_a_fit_above_the_direct_fit_starts_once_more_there(folder: Path, grown: Any) -> None:
    name = "bilo_char_inferred_seed0"
    _write_baselines(folder, grown, objective=-1.0)  # out of reach
    found = _run(folder, name, "offered")
    pinn = _run(folder, PLANS[1], "alone")
    _write_baselines(folder, grown, objective=10.0)
    alone = _run(folder, name, "calm")
    assert (found["steps"], alone["steps"], pinn["steps"]) == (180, 90, 90)
    before = found["assessment"]["first_start"]
    assert before == {
        "source": alone["assessment"]["start"]["source"],
        "objective_fdm": alone["assessment"]["objective_fdm"],
    }
    # Thirty steps of a small network get nowhere from afar; at the truth they need not.
    assert found["assessment"]["start"]["source"] == "direct fit"
    assert found["assessment"]["objective_fdm"] < before["objective_fdm"]
    assert "first_start" not in pinn["assessment"]
    assert not best_basin.second_checkpoint(folder / "offered.safetensors").exists()


def test_an_interruption_changes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "bilo_heat_inferred_seed0"
    whole = _run(folder, name, "whole")

    class Stopped(Exception):
        pass

    def often(*arguments: Any) -> Any:
        return replace(training(*arguments), checkpoint_seconds=0.0)

    def stop(self: TumourProblem, n: int | None, generator: torch.Generator) -> Points:
        drawn.append(n)
        if len(drawn) == 60:
            raise Stopped
        return collocation(self, n, generator)

    training, collocation, drawn = tumour_fit._training, TumourProblem.collocation, []
    with monkeypatch.context() as patched:
        patched.setattr(tumour_fit, "_training", often)
        patched.setattr(TumourProblem, "collocation", stop)
        with pytest.raises(Stopped):
            _run(folder, name, "resumed")
    assert (folder / "resumed.safetensors").is_file()
    assert not (folder / "resumed.json").exists()
    resumed = _run(folder, name, "resumed")
    assert json.dumps(resumed | {"seconds": 0}) == json.dumps(whole | {"seconds": 0})
    with np.load(folder / "whole.npz") as a, np.load(folder / "resumed.npz") as b:
        assert np.array_equal(a["u"], b["u"])
        assert a["u"].shape[0] == len(a["times"]) == 10


def test_a_checkpoint_of_other_data_or_other_code_has_another_key(
    grown: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, spec = NetworkStart(80.0, 8.0), FitSpec.parse(PLANS[0])
    fit = TumourFit(grown.domain, characteristic(20.0, 12.0), np.array(DIRECT), TINY, spec)
    others = [
        replace(fit, domain=replace(grown.domain, P=grown.domain.P * 1.001)),
        replace(fit, characteristic=characteristic(20.0, 12.1)),
        replace(fit, origin=fit.origin + 1e-9),
        replace(fit, settings=Settings()),
        replace(fit, spec=FitSpec.parse(PLANS[1])),
    ]
    elsewhere = NetworkStart(80.0, 8.0, "direct fit")
    keys = {fit.key(start), fit.key(start), fit.key(elsewhere), *(o.key(start) for o in others)}
    assert len(keys) == 7
    monkeypatch.setattr(tumour_fit, "source_hash", lambda *modules: "of another version")
    assert fit.key(start) not in keys


KILLED = """
from dataclasses import replace
from pathlib import Path
from gbm.network_fit import tumour_fit
from tests.gbm.network_fit.test_tumour_fit import _run
training = tumour_fit._training
tumour_fit._training = lambda *arguments: replace(training(*arguments), checkpoint_seconds=0.0)
_run(Path({folder!r}), {name!r}, "killed")
"""


def test_a_killed_process_leaves_what_another_finishes(folder: Path, repository: Path) -> None:
    name = "pinn_char_w1e-3_seed0"
    checkpoint = folder / "killed.safetensors"
    code = KILLED.format(folder=str(folder), name=name)
    process = subprocess.Popen([sys.executable, "-c", code], cwd=repository)
    while not checkpoint.exists():
        assert process.poll() is None
        time.sleep(0.005)
    time.sleep(0.1)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert checkpoint.exists()
    whole, resumed = _run(folder, name, "calm"), _run(folder, name, "killed")
    assert json.dumps(resumed | {"seconds": 0}) == json.dumps(whole | {"seconds": 0})


def test_numbers_that_stay_bad_end_with_a_status(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fit falls back to its last good state, says so, and what it wrote is finite."""
    collocation, drawn = TumourProblem.collocation, []

    def spoilt(self: TumourProblem, n: int | None, generator: torch.Generator) -> Points:
        points = collocation(self, n, generator)
        drawn.append(n)
        if len(drawn) <= 50 or n != TINY.fit.points:
            return points
        return replace(points, known={name: value * np.nan for name, value in points.known.items()})

    monkeypatch.setattr(TumourProblem, "collocation", spoilt)
    found = _run(folder, "bilo_char_inferred_seed0", "spoilt")
    assert (found["status"], found["converged"]) == ("diverged", False)
    assert "training recovered 3 times from a non-finite loss" in found["warnings"]
    assert all(np.isfinite(found[name]) for name in ("DT_mm2", "rhoT", "lambda_mm"))
    assert all(np.isfinite(value) for value in found["thresholds"].values())
    with np.load(folder / "spoilt.npz") as stored:
        assert np.isfinite(stored["u"]).all()


def test_a_short_fit_stays_near_the_equation(folder: Path, grown: Any) -> None:
    """The start is solved by the lift, so that even a short fit is no nonsense."""
    _run(folder, "bilo_char_inferred_seed0", "short", TINY)
    with np.load(folder / "short.npz") as stored:
        u, times = stored["u"].astype(float), stored["times"].astype(float)
    record = FitResult.from_json(read_json(folder / "short.json"))
    found, _ = verify(grown.domain, record, u, times, refine=1)
    assert found.relative_error_u["final"] < 0.15
    assert found.objective["fdm"] < 0.6
