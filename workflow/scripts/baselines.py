"""Disc, characteristic solution and direct fit of one patient."""

from pathlib import Path

from gbm.step import step

with step(snakemake.log[0]):
    from gbm.baselines import run
    from gbm.settings import Settings

    run(
        domain=Path(snakemake.input.domain),
        characteristic=Path(snakemake.input.characteristic),
        settings=Settings.model_validate(snakemake.params.settings),
        record=Path(snakemake.output.json),
        fields=Path(snakemake.output.npz),
    )
