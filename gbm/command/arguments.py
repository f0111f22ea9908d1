"""The words that each command takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from gbm.version import __version__


def parser(called: str, about: str) -> argparse.ArgumentParser:
    """The parser of the command line.

    Parameters
    ----------
    called : str
        What was typed to come here.
    about : str
        What there is: its first line, and examples below it.
    """
    whole = argparse.ArgumentParser(
        prog=called,
        description=about.split("\n")[0],
        epilog=about.split("\n\n")[1],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"gbm {__version__}")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="from patient files to reports")
    run.add_argument(
        "files", nargs="+", metavar="FILE.yaml", help="patient files, or globs of them"
    )
    _of_workflow(run)
    demo = commands.add_parser("demo", help="a synthetic patient of known parameters")
    demo.add_argument(
        "--dimensions", type=int, choices=(2, 3), default=2, help="one slice or the whole tumour"
    )
    _of_workflow(demo)
    init = commands.add_parser("init", help="write one patient file for each BraTS-style folder")
    init.add_argument("--brats", type=Path, required=True, metavar="DIR", help="searched for them")
    init.add_argument("--out", type=Path, required=True, metavar="DIR", help="of the patient files")
    check = commands.add_parser("check", help="check patient files and their images")
    check.add_argument("files", type=Path, nargs="+", metavar="FILE.yaml")
    check.add_argument(
        "--config", type=Path, metavar="FILE", help="settings (default: those of the package)"
    )
    report = commands.add_parser("report", help="make the pages of results again")
    report.add_argument("folder", type=Path, metavar="DIR", help="of results, as --out named it")
    predict = commands.add_parser("predict-gbm", help="a growth model of the PREDICT-GBM benchmark")
    predict.add_argument("--input", type=Path, required=True, metavar="DIR", help="of Patient-*/")
    predict.add_argument("--output", type=Path, required=True, metavar="DIR", help="of densities")
    predict.add_argument(
        "--method", choices=("direct", "bilo"), default="direct", help="direct: no network, quicker"
    )
    return whole


def _of_workflow(command: argparse.ArgumentParser) -> None:
    """What `run` and `demo` have in common."""
    command.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE",
        help="a setting, in YAML: fit.seeds='[0, 1]'; config.yaml has those that people change",
    )  # fmt: skip
    command.add_argument(
        "--out",
        type=Path,
        default=Path("results"),
        metavar="DIR",
        help="results (default: results)",
    )
    command.add_argument(
        "--cores", type=_cores, default="all", metavar="N", help="at once (default: all)"
    )
    command.add_argument("--dry-run", action="store_true", help="name the steps, and do nothing")


def _cores(text: str) -> str:
    """A number of cores, or `all`."""
    if text != "all" and not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"must be a number, or all: {text!r}")
    return text
