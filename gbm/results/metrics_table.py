"""The long table of scores, `desc-*_metrics.tsv`: model, region, metric, value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from gbm.config.conventions import REGIONS
from gbm.growth.extent import LEVELS, extent_name, margin_name
from gbm.growth.records import Verification
from gbm.imaging.overlap import SIZE_NAMES
from gbm.results.posterior_record import Spread
from gbm.results.references import References

Scores = Mapping[str, Mapping[str, float | None]]
"""region -> metric -> value"""

Metrics = Mapping[str, Mapping[str, Mapping[str, float | None]]]
"""model -> region -> metric -> value"""

METRICS = {d: ("dice", "hd95_mm", name) for d, name in SIZE_NAMES.items()}
"""Of every model and region, by dimension."""
MODELS = (
    "bilo_network",
    "bilo_fdm",
    "characteristic_fdm",
    "direct_fdm",
    "disc",
)
"""Rows of the main job; without a network those of `bilo` are missing."""
REACHING = ("bilo_fdm", "direct_fdm")
"""Models with rows of what is infiltrated beyond WT."""
POSTERIOR = ("posterior", "posterior_low", "posterior_high")
"""Median, 5 and 95 % of what is infiltrated beyond WT; the posterior has no other rows."""


def columns() -> list[tuple[str, str, str]]:
    """Every (model, metric, region) that a metrics table of either dimension may have."""
    names = [*dict.fromkeys(metric for metrics in METRICS.values() for metric in metrics)]
    beyond = [
        name
        for level in LEVELS
        for name in (
            *(extent_name(level, dimensions) for dimensions in METRICS),
            margin_name(level),
        )
    ]
    found = []
    for model in MODELS:
        found += [(model, metric, region) for metric in names for region in REGIONS]
        if model in REACHING:
            found += [(model, metric, "WT") for metric in beyond]
    return found + [(model, metric, "WT") for model in POSTERIOR for metric in beyond]


def network_scores(name: str, verification: Verification) -> dict[str, Scores]:
    """Scores of a network and of its verified solution: models `<name>_network`, `<name>_fdm`."""
    fdm = verification.metrics["fdm"]
    reach = {**fdm, "WT": {**fdm["WT"], **verification.extent}}
    return {f"{name}_network": verification.metrics["network"], f"{name}_fdm": reach}


def reference_scores(references: References) -> dict[str, Scores]:
    """Scores of what stands beside the networks, by model."""
    names = ("characteristic_fdm", "direct_fdm", "disc")
    found = {name: getattr(references, name).metrics.model_dump() for name in names}
    found["direct_fdm"]["WT"] |= references.direct_fdm.extent
    return found


def posterior_scores(extents: Mapping[str, Spread]) -> dict[str, Scores]:
    """What is infiltrated beyond WT by the posterior, by model of `POSTERIOR`."""
    numbers = {name: (s.median, *s.interval90) for name, s in extents.items()}
    return {
        model: {"WT": {name: values[k] for name, values in numbers.items()}}
        for k, model in enumerate(POSTERIOR)
    }


def metric_rows(
    scores: Mapping[str, Scores], dimensions: int
) -> Iterator[tuple[str, str, str, float | None]]:
    """Rows of a metrics table: (model, region, metric, value), in the order of the models.

    The extent beyond the tumour is a row where a model has one.
    """
    for model, regions in scores.items():
        for region in REGIONS:
            known = regions.get(region, {})
            for metric in METRICS[dimensions] if model not in POSTERIOR else ():
                yield model, region, metric, known.get(metric)
            for metric in known:
                if metric.startswith(("extent_", "margin_")):
                    yield model, region, metric, known[metric]


def metrics_tsv(rows: Iterable[tuple[str, str, str, float | None]]) -> str:
    """The long table as TSV; a value that does not exist is `n/a`, as in BIDS."""
    lines = ["model\tregion\tmetric\tvalue"]
    for model, region, metric, value in rows:
        known = value is not None and np.isfinite(value)
        lines.append(f"{model}\t{region}\t{metric}\t{format(value, '.6g') if known else 'n/a'}")
    return "\n".join(lines) + "\n"


def read_metrics(path: Path) -> Metrics:
    """Read a metrics table as model -> region -> metric -> value."""
    found: dict[str, dict[str, dict[str, float | None]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        model, region, metric, text = line.split("\t")
        number = None if text == "n/a" else float(text)
        found.setdefault(model, {}).setdefault(region, {})[metric] = number
    return found


def dice_of(metrics: Metrics, model: str, region: str) -> float | None:
    """DICE of a model on a region, or None."""
    return metrics.get(model, {}).get(region, {}).get("dice")
