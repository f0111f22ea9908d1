"""Everything a patient's run found, gathered into `desc-growth_params.json` and `..._metrics.tsv`.

The top level of the JSON is the headline fit: BiLO, lift at the characteristic solution, origin
inferred, first seed. `fits` lists all fits. The table holds, for each model and region,
the Dice similarity coefficient, the 95 % Hausdorff distance and the area.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from gbm.domain import Domain, load_domain
from gbm.errors import InputError
from gbm.files import read_json, write_json, write_text
from gbm.flat_range import flat_range, likely_range
from gbm.metrics import REGIONS
from gbm.outcome import outcome, started, unsettled
from gbm.plan import REFERENCES
from gbm.provenance import cost, inputs, versions
from gbm.quality import of_fit
from gbm.settings import Settings
from gbm.spread import physical
from gbm.verdict import judge

METRICS = ("dice", "hd95_mm", "area_mm2")
MODELS = (
    "bilo_network",
    "bilo_fdm",
    "pinn_network",
    "pinn_fdm",
    "characteristic_fdm",
    "direct_fdm",
    "disc",
)

Record = Mapping[str, Any]


def is_headline(fit: Record) -> bool:
    """Whether a fit is of the kind that the top level reports."""
    return fit["method"] == "bilo" and fit["lift"] == "char" and fit["x0"] == "inferred"


def headline(fits: Mapping[str, Record]) -> str:
    """Name of the headline fit, that of the smallest seed.

    Raises
    ------
    InputError
        If no fit is of that kind.
    """
    names = [name for name, fit in fits.items() if is_headline(fit)]
    if not names:
        raise InputError(f"no BiLO fit with char lift and inferred x0 among {sorted(fits)}")
    return min(names, key=lambda name: (fits[name]["seed"], name))


def mean_dice(dice: Record) -> float:
    """Mean DICE over the regions that have one; -1 where none has."""
    known = [value for value in dice.values() if value is not None]
    return float(np.mean(known)) if known else -1.0


def best_pinn(fits: Mapping[str, Record], verifications: Mapping[str, Record]) -> str | None:
    """Name of the PINN fit whose network reaches the highest mean DICE, or None."""
    names = [name for name, fit in fits.items() if fit["method"] == "pinn"]
    if not names:
        return None
    return max(names, key=lambda name: mean_dice(verifications[name]["dice"]["network"]))


def spread(value: float | None, sd: float | None) -> Any:
    """A number, with its standard deviation where one is known."""
    return value if sd is None or value is None else {"value": value, "sd": sd}


def parameters(fit: Record, domain: Domain, local: Record) -> dict[str, Any]:
    """Parameters of one fit in the units of the results.

    Parameters
    ----------
    fit : mapping
        What the fit wrote.
    domain : Domain
        The plane, for the origin in the patient's space.
    local : mapping
        Local spreads; see `gbm.spread.physical`.
    """
    sd = physical(fit, local)
    names = ("DT_mm2", "rhoT", "lambda_mm", "rD", "rRHO")
    return {
        **{name: spread(fit[name], sd.get(name)) for name in names},
        "thresholds": {r: spread(fit["thresholds"].get(r), sd.get(r)) for r in REGIONS},
        "x0_mm": world(fit["x0_plane_mm"], domain),
        "x0_plane_mm": fit["x0_plane_mm"],
        "x0_plane_sd_mm": sd.get("x0_plane_mm"),
    }


def absolute(fit: Record, days: float | None) -> dict[str, float] | None:
    """D and rho where the time since onset is stated; one scan alone does not fix them."""
    if days is None:
        return None
    return {"D_mm2_per_day": fit["DT_mm2"] / days, "rho_per_day": fit["rhoT"] / days}


def world(point: Sequence[float], domain: Domain) -> list[float]:
    """A point of the plane in RAS world mm of the patient's space."""
    return [float(v) for v in domain.to_world(np.asarray(point, dtype=float))]


def placed(references: Record, domain: Domain) -> dict[str, Any]:
    """The references, their origins also in the patient's space."""
    return {
        name: {**entry, "x0_mm": world(entry["x0_plane_mm"], domain)}
        if isinstance(entry, Mapping) and "x0_plane_mm" in entry
        else entry
        for name, entry in references.items()
    }


def fit_row(
    name: str, fit: Record, verification: Record, domain: Domain, judged: Record
) -> dict[str, Any]:
    """One entry of `fits`; `judged` is its `outcome`."""
    keys = ("method", "lift", "x0", "weight", "seed")
    return {
        "name": name,
        **{key: fit.get(key) for key in keys},
        **started(fit),
        "relative_error_u": verification["relative_error_u"],
        "behind_walls": (fit.get("assessment") or {}).get("behind_walls"),
        "objective": verification["objective"],
        "objective_prior": verification["objective_prior"],
        "dice": verification["dice"],
        **judged,
        "seconds": fit["seconds"],
        **parameters(fit, domain, {}),
    }


def metric_rows(
    verifications: Mapping[str, Record], name: str, pinn: str | None, references: Record
) -> Iterator[tuple[str, str, str, float | None]]:
    """Rows of the metrics table: (model, region, metric, value).

    Parameters
    ----------
    verifications : mapping
        Of all fits; `metrics` of one is {"network" | "fdm": {region: {metric: value}}}.
    name, pinn : str
        The headline fit and, where there is one, the PINN fit of the table.
    references : mapping
        `characteristic_fdm`, `direct_fdm` and `disc`, each with `metrics` of one solution.
    """
    measured: dict[str, Record] = {}
    for method, fit in (("bilo", name), ("pinn", pinn)):
        if fit is not None:
            for kind in ("network", "fdm"):
                measured[f"{method}_{kind}"] = verifications[fit]["metrics"][kind]
    for model in ("characteristic_fdm", "direct_fdm", "disc"):
        measured[model] = references[model]["metrics"]
    for model in MODELS:
        if model in measured:
            for region in REGIONS:
                for metric in METRICS:
                    yield model, region, metric, measured[model].get(region, {}).get(metric)


def table(rows: Iterable[tuple[str, str, str, float | None]]) -> str:
    """The long table as TSV; a value that does not exist is `n/a`, as in BIDS."""
    lines = ["model\tregion\tmetric\tvalue"]
    for model, region, metric, value in rows:
        known = value is not None and np.isfinite(value)
        lines.append(f"{model}\t{region}\t{metric}\t{format(value, '.6g') if known else 'n/a'}")
    return "\n".join(lines) + "\n"


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
        Folder of what the steps took, see `gbm.provenance.cost`.

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
