"""Gather one patient's parameters and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gbm.config.conventions import REGIONS
from gbm.config.errors import InputError
from gbm.config.fit_names import REFERENCES
from gbm.config.settings import Settings
from gbm.domain.domain import load_domain
from gbm.io.files import read_json, write_json, write_text
from gbm.io.provenance import cost, inputs, versions
from gbm.results.metrics_table import metric_rows, table
from gbm.results.outcome import outcome, started, unsettled
from gbm.results.quality import of_fit
from gbm.results.summary import absolute, best_pinn, fit_row, headline, parameters, placed
from gbm.results.uncertainty import flat_range, likely_range
from gbm.results.verdict import judge


def run(
    *,
    domain: Path,
    characteristic: Path,
    quality: Path,
    baselines: Path,
    fits: Sequence[Path],
    verifications: Sequence[Path],
    settings: Mapping[str, Any],
    files: Mapping[str, Path],
    params: Path,
    metrics: Path,
    check: Path | None = None,
    costs: Path | None = None,
) -> None:
    """Gather all steps of one patient.

    Parameters
    ----------
    domain, characteristic, quality, baselines : Path
        What the steps of these names wrote.
    fits, verifications : sequence of Path
        `fits/<name>.json` and `verify/<name>.json`, matched by name, in any order.
    settings : mapping
        The effective settings, plain (`Settings.model_dump(mode="json")`).
    files : mapping
        Dotted key to input file (`Patient.paths()`), for the hashes.
    params, metrics : Path
        Written: `desc-growth_params.json` and `desc-growth_metrics.tsv`.
    check : Path, optional
        `check.json`; its warnings are passed on.
    costs : Path, optional
        Folder of what the steps took, see `gbm.io.provenance.cost`.

    Raises
    ------
    InputError
        If there is no headline fit, or a fit has no verification.
    """
    problem = load_domain(domain)
    fitted = {path.stem: read_json(path) for path in fits}
    verified = {path.stem: read_json(path) for path in verifications}
    missing = sorted(set(fitted) - set(verified))
    if missing:
        raise InputError(f"fits without a verification: {', '.join(missing)}")
    start, references, measured = map(read_json, (characteristic, baselines, quality))
    references = placed(references, problem)

    name = headline(fitted)
    fit, verification = fitted[name], verified[name]
    pinn = best_pinn(fitted, verified)
    judged = {
        key: outcome(made, verified[key], references[REFERENCES[made["x0"]]])
        for key, made in fitted.items()
    }
    # Both are optima of one objective: the direct fit's spread stands for the fit's.
    local = references.get("spread") or {}
    summary = {
        "patient": problem.patient,
        "method": fit["method"],
        **parameters(fit, problem, local),
        "characteristic": start,
        "relative_error_u": verification["relative_error_u"],
        "objective": {
            "network": verification["objective"]["network"],
            "fdm": verification["objective"]["fdm"],
            "direct_fit": references["direct_fdm"]["objective"],
            "characteristic": references["characteristic_fdm"]["objective"],
        },
        "objective_prior": verification["objective_prior"],
        **judged[name],
        **{key: fit[key] for key in ("lift", "x0", "steps", "seconds", "device", "seed")},
        **started(fit),
        "versions": versions(),
        "fits": [
            fit_row(key, fitted[key], verified[key], problem, judged[key]) for key in sorted(fitted)
        ],
        "headline": name,
        "pinn": pinn,
        "baselines": references,
        "domain": {"plane": problem.plane, "slice": problem.slice, **problem.numbers},
        "input_warnings": read_json(check).get("warnings", []) if check else [],
        "inputs": inputs(files),
        "flat_lambda_mm": flat_range(references.get("profile")),
        "likely_lambda_mm": likely_range(
            references.get("profile"),
            [problem.numbers[f"radius_{region}_mm"] for region in REGIONS],
        ),
        "absolute": absolute(fit, settings["growth"]["T_days"]),
        "cost": cost(costs, fitted) if costs else None,
        "settings": settings,
    }
    plain = {key: fit[key] for key in ("lambda_mm", "rhoT", "thresholds")}
    numbers = measured["numbers"] | of_fit({**summary, **plain}, problem.numbers)
    summary["quality"] = {"numbers": numbers}
    summary["registration"] = measured.get("registration")
    summary["verdict"] = asdict(
        judge(
            numbers,
            Settings.model_validate(settings),
            status=summary["status"],
            converged=summary["converged"],
            warnings=summary["warnings"],
            unsettled=unsettled(references["direct_fdm"]),
        )
    )
    write_json(params, summary)
    write_text(metrics, table(metric_rows(verified, name, pinn, references)))
