"""Write one patient's report."""

from pathlib import Path

from gbm.io.job_log import step

with step(snakemake.log[0]):
    from gbm.config.loading import load_patient
    from gbm.steps.report import run

    files = snakemake.input
    run(
        **{name: Path(files[name]) for name in ("params", "metrics", "domain")},
        **{
            name: [Path(path) for path in files[name]]
            for name in ("fits", "arrays", "verifications")
        },
        patient=load_patient(Path(files.file)),
        tissue={name: Path(files[name]) for name in ("wm", "gm", "csf")},
        density=Path(files.exported),
        registration={Path(f).name.split(".")[0]: Path(f) for f in files.get("registration", [])},
        page=Path(snakemake.output.html),
        figures=Path(snakemake.output.figures),
        truth=Path(files.truth[0]) if files.truth else None,
    )
