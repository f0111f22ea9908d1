"""Write one patient's predictions on the grid of the segmentation."""

from pathlib import Path

from gbm.io.job_log import step

with step(snakemake.log[0]):
    from gbm.config.loading import load_patient
    from gbm.steps.export import run

    segmentation = load_patient(Path(snakemake.input.file)).segmentation
    run(
        domain=Path(snakemake.input.domain),
        params=Path(snakemake.input.params),
        verification=Path(snakemake.input.verification),
        segmentation=segmentation.path or segmentation.masks.WT,
        density=Path(snakemake.output.density),
        masks={region: Path(snakemake.output[region]) for region in ("WT", "TC")},
    )
