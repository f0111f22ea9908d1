"""Make the demo patient."""

from pathlib import Path

from gbm.step import step

with step(snakemake.log[0]):
    from gbm.demo import build

    build(
        *(Path(snakemake.output[name]) for name in ("segmentation", "t1", "t1c", "truth")),
        seed=snakemake.params.seed,
    )
