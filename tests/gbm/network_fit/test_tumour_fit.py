"""A network fit from files: the origin it takes, its records, and an interruption."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bilo.inverse.points import Points
from bilo.training import checkpoint
from bilo.training.session import Session
from gbm.config.fit_names import FitSpec
from gbm.config.settings import Settings
from gbm.domain.domain import save_domain
from gbm.growth.characteristic import characteristic
from gbm.growth.records import FitResult
from gbm.growth.verification import verify
from gbm.io.files import read_sealed, write_sealed
from gbm.io.job import Job
from gbm.io.layout import Layout, arrays
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
LEVELS = {"WT": 0.3, "TC": 0.6}
Undisturbed = Callable[[str], dict[str, Any]]
PLANS = ("bilo_char_inferred_seed0", "pinn_char_w1e-3_seed0")


@pytest.fixture(scope="module", autouse=True)
def unseen_errors() -> Iterator[None]:
    """Fits this short are all off the equation: none starts again for that unless asked."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(best_basin, "CLOSE", 1.0)
        yield


@pytest.fixture(scope="module")
def files(grown: Any, tmp_path_factory: pytest.TempPathFactory) -> Layout:
    made = Layout(tmp_path_factory.mktemp("fit"), "p1")
    numbers = grown.domain.numbers
    start = characteristic(numbers["radius_WT_mm"], numbers["radius_TC_mm"])
    save_domain(made.domain, grown.domain)
    write_sealed(made.characteristic, start.to_json())
    _write_baselines(made, grown, objective=10.0)
    return made


def _write_baselines(files: Layout, grown: Any, objective: float) -> None:
    """Direct fits at the truth, of a given objective."""
    fitted = {"DT_mm2": grown.DT, "rhoT": grown.rhoT, "objective": objective}
    fitted |= {"objective_network_grid": objective, "first_mode": None}
    fitted |= {"thresholds": LEVELS}
    write_sealed(files.baselines, {"direct_fdm": {**fitted, "x0_grid_mm": DIRECT}})
    write_sealed(files.direct_fixed, {**fitted, "x0_grid_mm": grown.domain.x0.tolist()})


def _own(files: Layout, as_: str) -> Layout:
    """Files of a fit of its own: those it reads are copied."""
    own = replace(files, patient=as_)
    for file in ("domain", "characteristic", "baselines", "direct_fixed"):
        getattr(own, file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(getattr(files, file), getattr(own, file))
    return own


def _run(files: Layout, name: str, as_: str, settings: Settings = TINY) -> dict[str, Any]:
    own = _own(files, as_)
    step_fit(Job(None, settings, own), name)
    return read_sealed(own.fit(name))


@pytest.fixture(scope="module")
def undisturbed(files: Layout) -> Undisturbed:
    """Records of fits that nothing disturbs, each made once, for a patient of the fit's name."""
    return cache(lambda name: _run(files, name, name))


@pytest.mark.parametrize("name", PLANS)
def test_an_inferred_origin_is_that_of_the_direct_fit(
    files: Layout, undisturbed: Undisturbed, name: str
) -> None:
    found = undisturbed(name)
    assert found["x0_grid_mm"] == pytest.approx(DIRECT)
    assert (found["steps"], found["device"]) == (90, "cpu")
    assert found["lambda_mm"] == pytest.approx(np.sqrt(found["DT_mm2"] / found["rhoT"]))
    assert {len(column) for column in found["history"].values()} == {len(found["history"]["step"])}
    assert not replace(files, patient=name).checkpoint(name).exists()


def test_a_fixed_origin_is_that_of_the_segmentation(files: Layout, grown: Any) -> None:
    found = _run(files, "bilo_char_fixed_seed0", "fixed")
    assert found["x0_grid_mm"] == pytest.approx(grown.domain.x0.tolist())


def test_a_fit_above_the_direct_fit_starts_once_more_there(
    files: Layout, undisturbed: Undisturbed, grown: Any
) -> None:
    name = "bilo_char_inferred_seed0"
    _write_baselines(files, grown, objective=-1.0)  # out of reach
    found = _run(files, name, "offered")
    pinn = _run(files, PLANS[1], "alone")
    _write_baselines(files, grown, objective=10.0)
    alone = undisturbed(name)
    assert (found["steps"], alone["steps"], pinn["steps"]) == (180, 90, 90)
    before = found["assessment"]["first_start"]
    assert before == {
        "source": alone["assessment"]["start"]["source"],
        "objective_fdm": alone["assessment"]["objective_fdm"],
    }
    # Thirty steps of a small network get nowhere from afar; at the truth they need not.
    assert found["assessment"]["start"]["source"] == "direct fit"
    assert found["assessment"]["objective_fdm"] < before["objective_fdm"]
    # and so are the thresholds, which ninety steps move by a little
    assert found["thresholds"] == pytest.approx(LEVELS, abs=0.05)
    assert "first_start" not in pinn["assessment"]
    kept = replace(files, patient="offered").checkpoint(name)
    assert not best_basin.second_checkpoint(kept).exists()


def test_a_fit_off_the_equation_starts_once_more_at_the_direct_fit(
    files: Layout, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = undisturbed("bilo_char_inferred_seed0")
    error = alone["assessment"]["relative_error"]
    monkeypatch.setattr(best_basin, "CLOSE", 0.99 * error)
    found = _run(files, "bilo_char_inferred_seed0", "off")
    assert found["steps"] == 2 * alone["steps"]
    assert found["assessment"]["relative_error"] < 0.99 * error
    assert found["assessment"]["start"]["source"] == "direct fit"


def test_an_interruption_changes_nothing(files: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "bilo_heat_inferred_seed0"
    whole = _run(files, name, "whole")

    class Stopped(Exception):
        pass

    def stop(self: TumourProblem, n: int | None, generator: torch.Generator) -> Points:
        drawn.append(n)
        if len(drawn) == 60:
            raise Stopped
        return collocation(self, n, generator)

    collocation, drawn = TumourProblem.collocation, []
    with monkeypatch.context() as patched:
        patched.setattr(tumour_fit, "Session", partial(Session, checkpoint_seconds=0.0))
        patched.setattr(TumourProblem, "collocation", stop)
        with pytest.raises(Stopped):
            _run(files, name, "resumed")
    own = replace(files, patient="resumed")
    assert own.checkpoint(name).is_file()
    assert not own.fit(name).exists()
    resumed = _run(files, name, "resumed")
    assert json.dumps(resumed | {"seconds": 0}) == json.dumps(whole | {"seconds": 0})
    of_whole = replace(files, patient="whole").fit(name)
    with np.load(arrays(of_whole)) as a, np.load(arrays(own.fit(name))) as b:
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


def test_a_checkpoint_of_another_fit_is_thrown_away(
    files: Layout, undisturbed: Undisturbed
) -> None:
    """As after an update, or for a patient file that was changed: its numbers play no part."""
    name = "pinn_char_w1e-3_seed0"
    left = replace(files, patient="updated").checkpoint(name)
    checkpoint.save(left, {"fingerprint": "of another version", "run": {}, "good": {}})
    found, whole = _run(files, name, "updated"), undisturbed(name)
    assert json.dumps(found | {"seconds": 0}) == json.dumps(whole | {"seconds": 0})
    assert not left.exists()


KILLED = """
from functools import partial
from pathlib import Path
from gbm.io.layout import Layout
from gbm.network_fit import tumour_fit
from tests.gbm.network_fit.test_tumour_fit import _run
tumour_fit.Session = partial(tumour_fit.Session, checkpoint_seconds=0.0)
_run(Layout(Path({root!r}), "p1"), {name!r}, "killed")
"""


def test_a_killed_process_leaves_what_another_finishes(
    files: Layout, undisturbed: Undisturbed, repository: Path
) -> None:
    name = "pinn_char_w1e-3_seed0"
    checkpoint = replace(files, patient="killed").checkpoint(name)
    code = KILLED.format(root=str(files.root), name=name)
    process = subprocess.Popen([sys.executable, "-c", code], cwd=repository)
    while not checkpoint.exists():
        assert process.poll() is None
        time.sleep(0.005)
    time.sleep(0.1)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert checkpoint.exists()
    whole, resumed = undisturbed(name), _run(files, name, "killed")
    assert json.dumps(resumed | {"seconds": 0}) == json.dumps(whole | {"seconds": 0})


def test_numbers_that_stay_bad_end_with_a_status(
    files: Layout, monkeypatch: pytest.MonkeyPatch
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
    found = _run(files, "bilo_char_inferred_seed0", "spoilt")
    assert (found["status"], found["converged"]) == ("diverged", False)
    assert "training recovered 3 times from a non-finite loss" in found["warnings"]
    assert all(np.isfinite(found[name]) for name in ("DT_mm2", "rhoT", "lambda_mm"))
    assert all(np.isfinite(value) for value in found["thresholds"].values())
    with np.load(arrays(_own(files, "spoilt").fit("bilo_char_inferred_seed0"))) as stored:
        assert np.isfinite(stored["u"]).all()


def test_a_short_fit_stays_near_the_equation(
    files: Layout, undisturbed: Undisturbed, grown: Any
) -> None:
    """The start is solved by the lift, so that even a short fit is no nonsense."""
    name = "bilo_char_inferred_seed0"
    record = FitResult.from_json(undisturbed(name))
    with np.load(arrays(replace(files, patient=name).fit(name))) as stored:
        u, times = stored["u"].astype(float), stored["times"].astype(float)
    found, _, _ = verify(grown.domain, record, u, times, refine=1)
    assert found.relative_error_u["final"] < 0.15
    assert found.objective["fdm"] < 0.6
