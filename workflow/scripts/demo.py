"""Make a demo patient."""

from pathlib import Path

from gbm.io.job_log import step

with step(snakemake.log[0]):
    from gbm.io.files import write_text
    from gbm.steps.demo import run

    write_text(Path(snakemake.output.patient), snakemake.params.patient)
    run(
        **{n: Path(snakemake.output[n]) for n in ("segmentation", "t1", "t1c", "truth")},
        seed=snakemake.params.seed,
        dimensions=snakemake.params.dimensions,
    )
