"""Characteristic growth parameters of one patient."""

from pathlib import Path

from gbm.step import step

with step(snakemake.log[0]):
    from gbm.characteristic import characteristic, map_radii
    from gbm.domain import load_domain
    from gbm.files import write_json
    from gbm.settings import Settings

    settings = Settings.model_validate(snakemake.params.settings)
    domain = load_domain(Path(snakemake.input.domain))
    thresholds = settings.objective.thresholds.model_dump()
    seed = (settings.growth.h0, settings.growth.r0_per_mm2)
    bounds = settings.bounds.model_dump(include={"lambda_mm", "rhoT"})
    radii = (domain.numbers["radius_WT_mm"], domain.numbers["radius_TC_mm"])
    found = characteristic(*radii, thresholds, bounds, *seed)
    on_map = map_radii(domain, found.DT, found.rhoT, domain.x0, thresholds, *seed)
    write_json(Path(snakemake.output[0]), found.to_json() | {"map_radii_mm": on_map})
