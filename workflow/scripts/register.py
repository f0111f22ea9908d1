"""Register the atlas to one patient."""

from pathlib import Path

from gbm.io.job_log import step

with step(snakemake.log[0]):
    from gbm.config.settings import Settings
    from gbm.steps.register import run

    run(
        file=Path(snakemake.input.file),
        settings=Settings.model_validate(snakemake.params.settings),
        seed=snakemake.params.seed,
        threads=snakemake.threads,
        **{name: Path(snakemake.output[name]) for name in ("t1", "wm", "gm", "csf", "image")},
        record=Path(snakemake.output.registration),
    )
