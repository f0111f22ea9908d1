"""Results with known numbers, as runs would write them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MADE = {"code": "of now", "commit": "c0ffee" + 34 * "0", "date": "2026-12-01"}
MACHINE = {"processor": "abacus", "cores": 2, "load": 1.5, "system": "Linux"}


def result(
    method: str,
    seed: int,
    noise: float,
    error: float,
    truth: Mapping[str, float] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Of Fisher-KPP unless `more` says otherwise: every unknown off by a relative error."""
    truth = truth or {"D": 2.0, "rho": 2.0}

    def unknown(truth: float) -> dict[str, float]:
        return {
            "truth": truth,
            "estimate": truth * (1 + error),
            "rel_error": error,
            "rel_error_vs_reference_fit": error / 2,
        }

    trained = method not in ("direct_fit", "adjoint", "tikhonov")
    steps = [20.0, 40.0, 60.0]
    return {
        "experiment": "fisher_kpp",
        "method": method,
        "seed": seed,
        "noise": noise,
        "w_dat": 10.0 if method == "pinn" else None,
        "samples": None,
        "boundary": None,
        "w_reg": None,
        "recipe": "fast" if trained else None,
        "profile": "quick",
        "unknowns": {name: unknown(value) for name, value in truth.items()},
        "agrees_with_fit": error < 0.04,
        "u_rel_l2_vs_fdm": 1e-4 if trained else 0.0,
        "status": "converged" if error < 0.1 else "not converged",
        "data_loss": 1e-9,
        "data_loss_rel_error": None if noise == 0 else 0.1,
        "seconds": 5.0,
        "seconds_per_step": 0.01,
        "device": "cpu",
        "threads": 1,
        "machine": MACHINE,
        "versions": {"torch": "2.0"},
        **MADE,
        "pretrain_steps": 20,
        "reference_fit": {"unknowns": dict(truth)},
        "history": {
            "step": steps,
            **{name: [None, 0.8 * value, value] for name, value in truth.items()},
            "residual": [1.0, 0.1, 0.01],
            "objective": [None, 1e-3, 1e-6],
        }
        if trained
        else {},
        **more,
    }


def function_result(
    method: str, seed: int, error: float, noise: float = 0.01, **more: Any
) -> dict[str, Any]:
    """Of an experiment with an unknown function of one coordinate, Poisson unless `more` says so.

    The estimate is off by `error` everywhere; the represented field is zero.
    """
    x = [k / 200 for k in range(201)]
    truth = [min(1 + a, 2 - a) for a in x]
    classical = method in ("adjoint", "tikhonov")
    made = result(method, seed, noise, error, **{"w_reg": 1e-3, "u": [0.0] * 101, **more})
    return {
        **made,
        "experiment": more.get("experiment", "poisson"),
        "recipe": None if classical else "lm" if method == "bilo" else "fast",
        "unknowns": {
            more.get("name", "D"): {
                "coordinates": ["x"],
                "nodes": 201,
                "example": more.get("example"),
                "truth": truth,
                "estimate": [v + error for v in truth],
                "start": [1.0] * 201,
                "rel_error": error / 1.26,
                "rel_error_vs_reference_fit": error / 2,
            }
        },
        "field_error": {"l2": error / 1.26, "linf": error, "mean_square": error**2},
        "agrees_with_fit": None,
        "u_rel_l2_vs_truth": error / 3,
        "history": {} if classical else {**made["history"], "regulariser": [None, 1.0, 0.9]},
    }


def write(root: Path, results: list[dict[str, Any]]) -> None:
    """One file a result, where a run would put it."""
    for k, result in enumerate(results):
        path = root / result["experiment"] / result["method"] / f"{k}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result))


def cost_result() -> dict[str, Any]:
    """Of the experiment `cost`."""
    keys = ("", "plain_", "nested_", "nested_economical_", "pinn_")
    engine = {f"{k}seconds_per_step": 0.06 for k in keys}
    engine |= {f"{k}peak_memory_mb": 80.0 for k in keys}
    return {
        "experiment": "cost",
        "method": "all",
        "profile": "quick",
        "engine": {
            "fisher_kpp": engine | {"ratio": 3.2, "ratio_plain": 2.4, "ratio_economical": 1.3}
        },
        "time_to_target": {
            "fast": {
                "median_s": 6.0,
                "successes": 5,
                "seeds": 5,
                "target": "close",
                "extrapolated": False,
            },
            "paper": {
                "median_s": None,
                "successes": 0,
                "seeds": 1,
                "extrapolated": True,
                "steps_run": 100,
                "steps_published": 60000,
                "seconds_of_published_steps": 3600.0,
            },
        },
        "device": "cpu",
        "threads": 1,
        "machine": MACHINE,
        "versions": {"torch": "2.0"},
        "direct_fit": {"seconds": 0.05, "max_rel_error": 1e-8, "multi_start_seconds": 1.0},
        **MADE,
    }
