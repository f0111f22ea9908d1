"""Gather one patient's parameters and metrics."""

from pathlib import Path

from gbm.io.job_log import step

with step(snakemake.log[0]):
    from gbm.config.loading import load_patient
    from gbm.steps.metrics import run

    files = snakemake.input
    run(
        **{
            name: Path(files[name])
            for name in ("domain", "characteristic", "quality", "baselines", "check")
        },
        fits=[Path(path) for path in files.fits],
        verifications=[Path(path) for path in files.verifications],
        settings=snakemake.params.settings,
        files=load_patient(Path(files.file)).paths(),
        costs=Path(files.check).parent / "costs",
        params=Path(snakemake.output.params),
        metrics=Path(snakemake.output.metrics),
    )
