"""The long table of scores, `desc-growth_metrics.tsv`: model, region, metric, value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from gbm.config.conventions import REGIONS
from gbm.growth.records import Verification
from gbm.results.references import References

Metrics = Mapping[str, Mapping[str, Mapping[str, float | None]]]
"""model -> region -> metric -> value"""

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


def metric_rows(
    verifications: Mapping[str, Verification], name: str, pinn: str | None, references: References
) -> Iterator[tuple[str, str, str, float | None]]:
    """Rows of the metrics table: (model, region, metric, value).

    Parameters
    ----------
    verifications : mapping
        Of all fits, by name.
    name, pinn : str
        The headline fit and, where there is one, the PINN fit of the table.
    references : References
        What stands beside them.
    """
    measured: dict[str, Mapping[str, Mapping[str, float | None]]] = {}
    for method, fit in (("bilo", name), ("pinn", pinn)):
        if fit is not None:
            for kind in ("network", "fdm"):
                measured[f"{method}_{kind}"] = verifications[fit].metrics[kind]
    for model in ("characteristic_fdm", "direct_fdm", "disc"):
        measured[model] = getattr(references, model).metrics.model_dump()
    for model in MODELS:
        if model in measured:
            for region in REGIONS:
                for metric in METRICS:
                    yield model, region, metric, measured[model].get(region, {}).get(metric)


def metrics_tsv(rows: Iterable[tuple[str, str, str, float | None]]) -> str:
    """The long table as TSV; a value that does not exist is `n/a`, as in BIDS."""
    lines = ["model\tregion\tmetric\tvalue"]
    for model, region, metric, value in rows:
        known = value is not None and np.isfinite(value)
        lines.append(f"{model}\t{region}\t{metric}\t{format(value, '.6g') if known else 'n/a'}")
    return "\n".join(lines) + "\n"


def read_metrics(path: Path) -> Metrics:
    """Read `desc-growth_metrics.tsv` as model -> region -> metric -> value."""
    found: dict[str, dict[str, dict[str, float | None]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        model, region, metric, text = line.split("\t")
        number = None if text == "n/a" else float(text)
        found.setdefault(model, {}).setdefault(region, {})[metric] = number
    return found


def dice_of(metrics: Metrics, model: str, region: str) -> float | None:
    """DICE of a model on a region, or None."""
    return metrics.get(model, {}).get(region, {}).get("dice")
