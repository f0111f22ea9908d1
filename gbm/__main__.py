"""Command line: make patient files, check them, and predict for a benchmark.

gbm init --brats DIR --out cohort/     one patient file for each BraTS-style folder
gbm check cohort/p01.yaml              exit 0, or 1 with the file and the key at fault
gbm predict-gbm --input DIR --output DIR    a growth model of the benchmark PREDICT-GBM

Where the package is not installed, `python -m gbm` is the same.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from gbm.config.errors import InputError
from gbm.io.job_log import MARK


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    called = "python -m gbm" if Path(sys.argv[0]).name == "__main__.py" else "gbm"
    parser = argparse.ArgumentParser(prog=called, description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    init = commands.add_parser("init", help="write one patient file for each BraTS-style folder")
    init.add_argument("--brats", type=Path, required=True, metavar="DIR", help="searched for them")
    init.add_argument("--out", type=Path, required=True, metavar="DIR", help="of the patient files")
    check = commands.add_parser("check", help="check patient files and their images")
    check.add_argument("files", type=Path, nargs="+", metavar="FILE.yaml")
    check.add_argument(
        "--config", type=Path, metavar="FILE", help="settings (default: those of the package)"
    )
    predict = commands.add_parser("predict-gbm", help="a growth model of the PREDICT-GBM benchmark")
    predict.add_argument("--input", type=Path, required=True, metavar="DIR", help="of Patient-*/")
    predict.add_argument("--output", type=Path, required=True, metavar="DIR", help="of densities")
    predict.add_argument(
        "--method", choices=("direct", "bilo"), default="direct", help="direct: no network, quicker"
    )
    chosen = parser.parse_args(words)
    try:
        if chosen.command == "init":
            _init(chosen.brats, chosen.out)
            return 0
        if chosen.command == "predict-gbm":
            return _predict(chosen.input, chosen.output, chosen.method)
        return max(_check(file, chosen.config) for file in chosen.files)
    except InputError as error:
        _fail(error)
        return 1


def _init(brats: Path, out: Path) -> None:
    from gbm.imaging.brats import write_cohort

    written = write_cohort(brats, out)
    for warning in written.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    for path in written.kept:
        print(f"kept: {path}")
    for path, labels in written.files.items():
        print(f"written: {path} ({labels})")


def _check(file: Path, config: Path | None) -> int:
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


def _predict(source: Path, out: Path, method: Literal["direct", "bilo"]) -> int:
    from gbm.config.writable import require_writable
    from gbm.io.memory import in_words
    from gbm.predict_gbm import predict, subjects

    found = subjects(source)
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


if __name__ == "__main__":
    sys.exit(main())
