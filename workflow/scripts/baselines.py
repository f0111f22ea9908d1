"""Disc, characteristic solution and direct fit of one patient."""

from pathlib import Path

from gbm.io.job_log import step

with step(snakemake.log[0]):
    from gbm.config.settings import Settings
    from gbm.steps.baselines import run

    run(
        domain=Path(snakemake.input.domain),
        characteristic=Path(snakemake.input.characteristic),
        settings=Settings.model_validate(snakemake.params.settings),
        record=Path(snakemake.output.json),
        fields=Path(snakemake.output.npz),
    )
