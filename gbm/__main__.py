"""Command line: run the workflow over patients, and what comes before and after.

gbm run cohort/*.yaml                  from patient files to reports, from any folder
gbm demo                               the same for a synthetic patient of known parameters
gbm init --brats DIR --out cohort/     one patient file for each BraTS-style folder
gbm check cohort/p01.yaml              exit 0, or 1 with the file and the key at fault
gbm report results                     make the pages of a folder of results again
gbm predict-gbm --input DIR --output DIR    a growth model of the benchmark PREDICT-GBM

Where the package is not installed, `python -m gbm` is the same.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from gbm.command.arguments import parser
from gbm.config.errors import InputError
from gbm.io.job_log import MARK


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    called = "python -m gbm" if Path(sys.argv[0]).name == "__main__.py" else "gbm"
    chosen = parser(called, __doc__).parse_args(words)
    try:
        return _COMMANDS[chosen.command](chosen)
    except InputError as error:
        _fail(error)
        return 1


def _run(chosen: argparse.Namespace) -> int:
    from gbm.command.overrides import overrides
    from gbm.command.run import run
    from gbm.command.workflow import Command

    settings = overrides(chosen.set)
    return run(Command(chosen.files, chosen.out, settings, chosen.cores, chosen.dry_run))


def _demo(chosen: argparse.Namespace) -> int:
    from gbm.command.overrides import overrides
    from gbm.command.run import run
    from gbm.command.workflow import Command, demo_patient

    settings = {"dimensions": chosen.dimensions} | overrides(chosen.set)
    patient = demo_patient(settings["dimensions"])
    return run(Command([patient], chosen.out, settings, chosen.cores, chosen.dry_run))


def _report(chosen: argparse.Namespace) -> int:
    from gbm.command.pages import remake

    made = remake(chosen.folder)
    for page in made.pages:
        print(page)
    for error in made.errors:
        _fail(error)
    return 1 if made.errors else 0


def _init(chosen: argparse.Namespace) -> int:
    from gbm.config.writable import require_writable
    from gbm.imaging.brats import write_cohort

    require_writable(chosen.out, "--out")
    written = write_cohort(chosen.brats, chosen.out)
    for warning in written.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    for path in written.kept:
        print(f"kept: {path}")
    for path, labels in written.files.items():
        print(f"written: {path} ({labels})")
    return 0


def _check(chosen: argparse.Namespace) -> int:
    return max(_check_one(file, chosen.config) for file in chosen.files)


def _check_one(file: Path, config: Path | None) -> int:
    from gbm.config.loading import load_job
    from gbm.config.yaml_file import read_yaml
    from gbm.io.memory import in_words
    from gbm.steps.check import check_patient

    settings: dict[str, Any] = {} if config is None else read_yaml(config)
    try:
        report = check_patient(file, settings)
        _, own = load_job(file, settings)
    except InputError as error:
        _fail(error)
        return 1
    except Exception as error:  # whatever a strange file provokes: a message, no traceback
        _fail(InputError(in_words(error), file=file))
        return 1
    for warning in report.warnings:
        print(f"warning: {warning}")
    volumes = ", ".join(f"{name} {ml:.1f} ml" for name, ml in report.volumes_ml.items())
    one = f"{report.plane} slice {report.slice}"
    fitted = one if own.dimensions == 2 else "the whole tumour"
    print(f"ok: {file}: {report.patient}, {fitted}, {volumes}")
    return 0


def _predict(chosen: argparse.Namespace) -> int:
    from gbm.config.writable import require_writable
    from gbm.io.memory import in_words
    from gbm.predict_gbm import predict, subjects

    out: Path = chosen.output
    method: Literal["direct", "bilo"] = chosen.method
    found = subjects(chosen.input)
    require_writable(out, "output")
    failed = 0
    for subject in found:
        try:
            print(f"written: {predict(subject, out, method)}")
        except InputError as error:
            failed += 1
            _fail(error)
        except Exception as error:  # whatever a strange file provokes: a message, no traceback
            failed += 1
            _fail(InputError(in_words(error), file=subject.folder))
    return min(failed, 1)


def _fail(error: InputError) -> None:
    print(f"{MARK}{error}", file=sys.stderr)


_COMMANDS = {
    "run": _run,
    "demo": _demo,
    "init": _init,
    "check": _check,
    "report": _report,
    "predict-gbm": _predict,
}

if __name__ == "__main__":
    sys.exit(main())
