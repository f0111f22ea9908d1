"""Gather one patient's parameters and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gbm.config.settings import Settings
from gbm.domain.domain import load_domain
from gbm.growth.records import FitResult, Verification
from gbm.io.files import read_json, write_json, write_text
from gbm.io.provenance import cost, inputs
from gbm.results.metrics_table import metric_rows, metrics_tsv
from gbm.results.references import CharacteristicStart, References
from gbm.results.registration_record import RegistrationRecord
from gbm.results.summary import StepRecords, summarise


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
    problem, measured = load_domain(domain), read_json(quality)
    registered = measured.get("registration")
    found = StepRecords(
        domain=problem,
        characteristic=CharacteristicStart.model_validate(read_json(characteristic)),
        references=References.placed(read_json(baselines), problem),
        numbers=measured["numbers"],
        registration=registered and RegistrationRecord.model_validate(registered),
        fits={path.stem: FitResult.from_json(read_json(path)) for path in fits},
        verifications={
            path.stem: Verification.from_json(read_json(path)) for path in verifications
        },
        input_warnings=tuple(read_json(check).get("warnings", ())) if check else (),
    )
    result = summarise(
        found,
        Settings.model_validate(settings),
        inputs=inputs(files),
        cost=cost(costs, found.fits) if costs else None,
    )
    rows = metric_rows(found.verifications, result.headline, result.pinn, found.references)
    write_json(params, result.model_dump(mode="json"))
    write_text(metrics, metrics_tsv(rows))
