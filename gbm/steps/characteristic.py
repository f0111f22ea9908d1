"""Characteristic growth parameters of one patient."""

from __future__ import annotations

from pathlib import Path

from gbm.config.settings import Settings
from gbm.domain.domain import load_domain
from gbm.growth.characteristic import characteristic, map_radii
from gbm.growth.parameters import Seed
from gbm.io.files import write_json


def run(*, domain: Path, settings: Settings, record: Path) -> None:
    """Write the parameters whose radial solution has the radii of the segmentation.

    Parameters
    ----------
    domain : Path
        `desc-domain.npz`.
    settings : Settings
        Growth, objective and bounds.
    record : Path
        Written: `characteristic.json`, with the radii that the parameters have on the map.
    """
    problem = load_domain(domain)
    thresholds = settings.objective.thresholds.model_dump()
    seed = Seed(problem.x0, settings.growth.h0, settings.growth.r0_per_mm2)
    bounds = settings.bounds.model_dump(include={"lambda_mm", "rhoT"})
    radii = (problem.numbers["radius_WT_mm"], problem.numbers["radius_TC_mm"])
    found = characteristic(*radii, thresholds, bounds, seed)
    on_map = map_radii(problem, found, seed, thresholds)
    write_json(record, found.to_json() | {"map_radii_mm": on_map})
