"""Write one patient's report."""

from pathlib import Path

from gbm.step import step

with step(snakemake.log[0]):
    from gbm.config import load_patient
    from gbm.report.page import run

    files = snakemake.input
    images = load_patient(Path(files.file)).images
    shown = [(name, getattr(images, name.lower())) for name in ("T1c", "FLAIR", "T1", "T2")]
    run(
        **{
            name: Path(files[name])
            for name in ("params", "metrics", "domain", "fit", "fit_arrays", "verification")
        },
        page=Path(snakemake.output.html),
        figures=Path(snakemake.output.figures),
        image=next(((name, path) for name, path in shown if path is not None), None),
        truth=Path(files.truth) if files.truth else None,
    )
